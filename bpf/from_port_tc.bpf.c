// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// What a guest sends, at its port: everything the datapath can.
#include "hook_tc.h"

#include "bridge.h"

SEC("tc")
int from_port_tc(struct __sk_buff *skb)
{
	struct frame f;

	frame_open(&f, skb);
	return leave(&f, from_port(&f));
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";

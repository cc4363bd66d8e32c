// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Packets to the gateway's MAC: the other programs call, with what they know of the frame.
#include "hook_tc.h"

#include "route.h"

SEC("tc")
int route_tc(struct __sk_buff *skb)
{
	struct frame f;

	resume(&f, skb);
	return leave(&f, route(&f));
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";

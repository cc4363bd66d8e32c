// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// ARP and neighbor discovery: the other programs call, with what they know of the frame.
#include "hook_tc.h"

#include "resolution.h"

SEC("tc")
int resolve_tc(struct __sk_buff *skb)
{
	struct frame f;

	resume(&f, skb);
	return leave(&f, resolution(&f));
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";

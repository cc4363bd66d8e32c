// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// A frame of a physical VLAN that belongs to a segment: from_wire_tc found the circuit and calls.
#include "hook_tc.h"

#include "bridge.h"

SEC("tc")
int from_vlan_tc(struct __sk_buff *skb)
{
	__u32 id = skb->cb[0];
	struct frame f;

	frame_open(&f, skb);
	if (!has_vlans())
		return leave(&f, PASS_NOT_OURS);
	return leave(&f, from_circuit(&f, id));
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";

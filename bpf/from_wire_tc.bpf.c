// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// What the underlay brings, at the uplink: tunnel packets for this VTEP, and the host's own traffic, which passes.
#include "hook_tc.h"

#include "bridge.h"
#include "decap.h"
#include "wire.h"

SEC("tc")
int from_wire_tc(struct __sk_buff *skb)
{
	struct frame f;

	frame_open(&f, skb);
	return leave(&f, from_wire(&f));
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";

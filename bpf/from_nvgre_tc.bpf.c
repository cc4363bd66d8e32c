// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// GRE at the uplink, where a segment of this host travels by NVGRE: from_wire_tc calls.
#include "hook_tc.h"

#include "wire.h"

SEC("tc")
int from_nvgre_tc(struct __sk_buff *skb)
{
	struct frame f;

	frame_open(&f, skb);
	if (!has_nvgre())
		return leave(&f, PASS_NOT_OURS);
	return leave(&f, from_nvgre(&f));
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";

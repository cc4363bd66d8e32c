// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// What the kernel decapsulated on the instance's vxlan device: GSO frames, reassembled fragments, outer IP options. None
// of it is for this host's own stack, so no verdict here passes.
#include "hook_tc.h"

#include "bridge.h"
#include "tunnel.h"

SEC("tc")
int from_tunnel_tc(struct __sk_buff *skb)
{
	const struct segment *seg;
	enum verdict v;
	struct frame f;

	frame_open(&f, skb);
	v = accept_tunnel(&f, &seg);
	if (v == CONTINUE)
		v = from_remote(&f, seg);
	return leave(&f, v);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";

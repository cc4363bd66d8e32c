// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Frames of the daemon itself, attached nowhere: it has the kernel run this (BPF_PROG_TEST_RUN), and every copy leaves by
// bpf_clone_redirect, which acts at once. Either a frame of the host's own to a segment, a question of the gateway for one;
// or one that waited for a neighbor and is routed again. What is known of it is in skb->cb (resume.h).
#define HOOK_HOST
#include "hook_tc.h"

#include "route.h"

SEC("tc")
int from_host_tc(struct __sk_buff *skb)
{
	const struct segment *seg;
	enum verdict v;
	struct frame f;

	resume(&f, skb);
	f.ifindex = skb->ingress_ifindex;
	if (f.flags & FRAME_WAITED)
		return leave(&f, route(&f));
	v = find_segment(f.segment, &seg);
	if (v)
		return leave(&f, v);
	if (seg->flags & SEGMENT_ARP_STRICT && f.protocol != bpf_htons(ETH_P_RARP))
		f.flags |= FRAME_LOCAL_ONLY; /* a question; where a guest has come to is for all to hear */
	return leave(&f, forward(&f, seg));
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";

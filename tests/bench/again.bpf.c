// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// The XDP programs for BPF_PROG_TEST_RUN with repeat, which gives each repetition the frame as the last one left it:
// these run the same text and undo the header change, so that each repetition sees the same frame. Undoing costs half of
// what `move` does. Besides, prefixes of the two paths, which change nothing: what a stage costs is the difference.
#include "hook_xdp.h"

#include "fast.h"

#include <linux/pkt_cls.h>

SEC("xdp")
int empty(struct xdp_md *ctx)
{
	(void)ctx;
	return XDP_PASS;
}

SEC("xdp")
int move(struct xdp_md *ctx)
{
	if (bpf_xdp_adjust_head(ctx, -(int)outer_bytes()))
		return XDP_DROP;
	return bpf_xdp_adjust_head(ctx, outer_bytes()) ? XDP_DROP : XDP_PASS;
}

SEC("xdp")
int encap(struct xdp_md *ctx)
{
	struct frame f;
	int action;

	frame_open(&f, ctx);
	action = leave(&f, from_port(&f));
	if (action == XDP_REDIRECT && bpf_xdp_adjust_head(ctx, outer_bytes()))
		return XDP_ABORTED;
	return action;
}

/* The outer header is still there in front: adjust_head clears nothing. */
SEC("xdp")
int decap(struct xdp_md *ctx)
{
	struct frame f;
	int action;

	frame_open(&f, ctx);
	action = leave(&f, from_wire(&f));
	if (action == XDP_REDIRECT && bpf_xdp_adjust_head(ctx, -(int)outer_bytes()))
		return XDP_ABORTED;
	return action;
}

/* --- prefixes: XDP_REDIRECT if the frame got so far ------------------------------------------------------------- */

static __always_inline int encap_until(struct xdp_md *ctx, int stage)
{
	const struct segment *seg;
	const struct device *port;
	struct frame f;

	frame_open(&f, ctx);
	port = device_of(f.ifindex);
	if (!port || !(port->flags & DEVICE_PORT))
		return XDP_DROP;
	f.account = port->account;
	f.segment = port->segment;
	if (find_segment(f.segment, &seg))
		return XDP_DROP;
	if (stage == 1)
		return XDP_REDIRECT;
	if (check_plain(&f, f.data, seg) || f.data + ETHERNET_BYTES > f.end)
		return XDP_DROP;
	return stage == 2 || find_mac(f.segment, f.data) ? XDP_REDIRECT : XDP_DROP;
}

static __always_inline int decap_until(struct xdp_md *ctx, int stage)
{
	const struct segment *seg;
	struct outer o = {};
	struct frame f;

	frame_open(&f, ctx);
	if (accept(&f, &o, &seg) || f.data + outer_bytes() + ETHERNET_BYTES > f.end)
		return XDP_DROP;
	if (stage == 1)
		return XDP_REDIRECT;
	if (check_plain(&f, f.data + outer_bytes(), seg))
		return XDP_DROP;
	return stage == 2 || find_mac(f.segment, f.data + outer_bytes()) ? XDP_REDIRECT : XDP_DROP;
}

#define PREFIX(path, stage)                                                                                            \
	SEC("xdp")                                                                                                     \
	int path##_##stage(struct xdp_md *ctx)                                                                         \
	{                                                                                                              \
		return path##_until(ctx, stage);                                                                       \
	}

PREFIX(encap, 1)
PREFIX(encap, 2)
PREFIX(encap, 3)
PREFIX(decap, 1)
PREFIX(decap, 2)
PREFIX(decap, 3)

/* For TC there is nothing to undo with: a second encapsulation of one skb is refused. Each run gets a fresh skb. */
SEC("tc")
int empty_tc(struct __sk_buff *skb)
{
	(void)skb;
	return TC_ACT_OK;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";

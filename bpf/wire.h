/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* A frame from the underlay, TC only: unwrapped here, or left to the kernel's tunnel device. */
#ifndef WEFT_WIRE_H
#define WEFT_WIRE_H

#include "bridge.h"
#include "decap.h"
#include "path_error.h"
#include "tags.h"

/* The kernel's device drops packets whose reserved bits are set; RFC 7348 §5 has them ignored. */
static __always_inline void clear_reserved_bits(struct frame *f, const struct outer *o)
{
	const struct vxlan_header clean = {.flags = bpf_htonl(VXLAN_FLAG_VNI), .vni = bpf_htonl(o->vni << 8)};

	if (o->reserved_bits)
		frame_store(f, outer_bytes() - VXLAN_BYTES, &clean, sizeof(clean));
}

/* A device that splits headers leaves no more than UDP's in front; the host's TCP is none of our business. */
static __always_inline void pull_tunnel_headers(struct frame *f)
{
	__u32 protocol_at = ETHERNET_BYTES + (underlay_is_ipv6() ? 6 : 9);

	if (f->data + protocol_at + 1 <= f->end && *(const __u8 *)(f->data + protocol_at) == PROTOCOL_UDP)
		frame_pull(f, outer_bytes() + ETHERNET_BYTES + VLAN_BYTES);
}

static __always_inline __must_check enum verdict from_tunnel_packet(struct frame *f)
{
	const struct segment *seg;
	struct outer o = {};
	enum verdict v;

	pull_tunnel_headers(f);
	v = accept(f, &o, &seg);
	if (v == PASS_UP)
		clear_reserved_bits(f, &o);
	if (v)
		return v;
	v = unwrap(f, &o, outer_bytes(), inner_priority_tag_bytes(f));
	if (v)
		return v;
	return from_remote(f, seg);
}

/* A frame of a circuit goes to a program of its own, whose stack and verification are not this one's; it does not return. */
static __always_inline __must_check enum verdict pass_or_bridge(struct frame *f)
{
	__u32 id = circuit_of(f);

	if (id) {
		f->ctx->cb[0] = id;
		bpf_tail_call(f->ctx, &hook_tc_vlan, 0);
	}
	return PASS_NOT_OURS;
}

/* GRE goes to a program of its own, for the same reason. */
static __always_inline __must_check enum verdict pass_on(struct frame *f)
{
	if (has_nvgre() && is_gre(f)) {
		bpf_tail_call(f->ctx, &hook_tc_nvgre, 0);
		frame_refresh(f); /* from Linux 6.12.5 and 6.13 on a tail call ends packet pointers, also one that finds nobody */
	}
	return pass_or_bridge(f);
}

/* RFC 7637 §3.3: an end point drops what has a tag inside, and sends none. */
static __always_inline int has_inner_tag(const struct frame *f)
{
	const struct ethernet_header *ethernet = f->data + nvgre_bytes();

	return (void *)(ethernet + 1) <= f->end && is_vlan(ethernet->protocol);
}

static __always_inline __must_check enum verdict from_nvgre(struct frame *f)
{
	const struct segment *seg;
	struct outer o = {};
	enum verdict v;

	frame_pull(f, nvgre_bytes() + ETHERNET_BYTES);
	v = accept_nvgre(f, &o, &seg);
	if (v)
		return v == PASS_NOT_OURS ? pass_or_bridge(f) : v;
	if (has_inner_tag(f))
		return DROP_VLAN;
	v = unwrap(f, &o, nvgre_bytes(), 0);
	return v ? v : from_remote(f, seg);
}

/* Whether the kernel may see it: PASS_NOT_OURS, or DROP_PATH_ERROR. A function of its own for the verifier. */
__weak __noinline int judge_path_error(struct __sk_buff *skb)
{
	struct remote_key key = {};
	struct quote q = {};
	const __u32 *index;
	enum verdict v;

	if ((__u64)(skb->data_end - skb->data) < skb->len)
		bpf_skb_pull_data(skb, skb->len < HEADER_PULL_BYTES ? skb->len : HEADER_PULL_BYTES);
	v = classify_path_error((void *)(long)skb->data, (void *)(long)skb->data_end, &settings, &q);
	if (v)
		return v;
	index = bpf_map_lookup_elem(&vnis, &q.vni);
	if (!index)
		return q.vni & VSID ? PASS_NOT_OURS : DROP_PATH_ERROR; /* GRE without a segment is the kernel's own */
	key.segment = *index;
	key.address = q.remote;
	return bpf_map_lookup_elem(&remotes, &key) ? PASS_NOT_OURS : DROP_PATH_ERROR;
}

/* ICMP, or something behind which it may be: TCP and tunnel packets do not pay for the look. */
static __always_inline int may_be_icmp(const struct frame *f)
{
	const __u8 *protocol = f->data + ETHERNET_BYTES + (underlay_is_ipv6() ? 6 : 9);

	return (void *)(protocol + 1) <= f->end && *protocol != PROTOCOL_UDP && *protocol != PROTOCOL_TCP;
}

static __always_inline __must_check enum verdict from_wire(struct frame *f)
{
	enum verdict v;

	if (has_tag(f) && tag_vid(f))
		return pass_or_bridge(f);
	if (has_tag(f)) {
		bpf_skb_vlan_pop(f->ctx);
		frame_refresh(f);
	}
	v = from_tunnel_packet(f);
	if ((v == PASS_NOT_OURS || v == PASS_UP) && may_be_icmp(f)) {
		if (judge_path_error(f->ctx) == DROP_PATH_ERROR)
			return DROP_PATH_ERROR;
		frame_refresh(f);
	}
	return v == PASS_NOT_OURS ? pass_on(f) : v;
}

#endif

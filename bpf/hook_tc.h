/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * TC's side of the hook: the same function names as hook_xdp.h. Pointers into the frame die with every helper that may
 * move it; each function here that moves it leaves `data` and `end` fresh.
 */
#ifndef WEFT_HOOK_TC_H
#define WEFT_HOOK_TC_H

#include <linux/bpf.h>
#include <linux/pkt_cls.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

typedef struct __sk_buff hook_context;

#include "classify.h"
#include "config.h"
#include "packet.h"

#define HOOK_DROP TC_ACT_SHOT
#define ADJ_ROOM_DECAP_L3_IPV4 (1ULL << 7) /* BPF_F_ADJ_ROOM_DECAP_L3_*, which Linux 6.1's header lacks */
#define ADJ_ROOM_DECAP_L3_IPV6 (1ULL << 8)
/* A global function of both hooks needs two names, since its context is of another type. */
#define HOOK_FUNCTION(name) name##_tc

/* UNSPEC lets other programs of the hook look too; what we hand up goes straight to the kernel's tunnel device. */
static __always_inline int hook_pass(enum verdict v)
{
	return v == PASS_UP ? TC_ACT_OK : TC_ACT_UNSPEC;
}

static __always_inline void frame_refresh(struct frame *f)
{
	f->data = (void *)(long)f->ctx->data;
	f->end = (void *)(long)f->ctx->data_end;
}

/* Length of the frame as it is now, without a tag in metadata. */
static __always_inline __u32 frame_bytes(const struct frame *f)
{
	return f->ctx->len;
}

static __always_inline __u32 frame_gso(const struct frame *f)
{
	return f->ctx->gso_size;
}

/*
 * Makes the first `bytes` (or all there are) directly readable. Where too little is, more is taken at once; where the
 * headers are, nothing, since pulling payload into the head of a super-frame costs a copy of the head.
 */
static __always_inline void frame_pull(struct frame *f, __u32 bytes)
{
	__u32 there = f->end - f->data, all = f->ctx->len;

	if (f->data + bytes <= f->end || there >= all)
		return;
	bpf_skb_pull_data(f->ctx, all < HEADER_PULL_BYTES ? all : HEADER_PULL_BYTES);
	frame_refresh(f);
}

/* Ethernet, IP and ports. */
static __always_inline void frame_pull_headers(struct frame *f)
{
	const struct ethernet_header *ethernet;

	frame_pull(f, ETHERNET_BYTES + IPV4_BYTES + UDP_BYTES);
	ethernet = f->data;
	if ((void *)(ethernet + 1) <= f->end && ethernet->protocol == bpf_htons(ETH_P_IPV6))
		frame_pull(f, ETHERNET_BYTES + IPV6_BYTES + UDP_BYTES);
}

static __always_inline void frame_open(struct frame *f, struct __sk_buff *skb)
{
	__builtin_memset(f, 0, sizeof(*f));
	f->ctx = skb;
	f->bytes = skb->len;
	f->ifindex = skb->ifindex;
	f->action = TC_ACT_SHOT;
	frame_refresh(f);
	frame_pull_headers(f);
}

static __always_inline long hook_load_bytes(struct __sk_buff *skb, __u32 offset, void *to, __u32 bytes)
{
	return bpf_skb_load_bytes(skb, offset, to, bytes);
}

/* Whether the device has verified the outermost checksum. */
static __always_inline int hook_checksum_done(struct __sk_buff *skb)
{
	return bpf_csum_level(skb, BPF_CSUM_LEVEL_QUERY) >= 0;
}

/*
 * Out of an interface; the frame leaves when the program returns f->action. In a test run (from_host_tc) nobody acts on
 * that, so a copy leaves at once.
 */
static __always_inline void send_to(struct frame *f, __u32 ifindex)
{
#ifdef HOOK_HOST
	bpf_clone_redirect(f->ctx, ifindex, 0);
#else
	f->action = bpf_redirect(ifindex, 0);
#endif
}

/*
 * To a guest. redirect_peer saves the trip through the far end's backlog, but what its device would do to the skb is not
 * done: only where the protocol is as the skb says, and no program of the guest waits on the device (DEVICE_PEER).
 */
static __always_inline void deliver_to(struct frame *f, const struct device *port)
{
	int plain_ip = f->protocol == f->ctx->protocol &&
		       (f->protocol == bpf_htons(ETH_P_IP) || f->protocol == bpf_htons(ETH_P_IPV6));

#ifdef HOOK_HOST
	plain_ip = 0;
#endif
	if (plain_ip && (port->flags & DEVICE_PEER))
		f->action = bpf_redirect_peer(port->ifindex, 0);
	else
		send_to(f, port->ifindex);
}

/* Back to where it came from: ARP, ND and ICMP answers. */
static __always_inline void send_back(struct frame *f)
{
	if (f->tag_vid)
		bpf_skb_vlan_push(f->ctx, f->tag_protocol, f->tag_vid);
	send_to(f, f->ifindex);
}

/* Overwrites bytes of the frame; even offset and length. Keeps a checksum that the device made over it right. */
static __always_inline int frame_store(struct frame *f, __u32 offset, const void *from, __u32 bytes)
{
	long error = bpf_skb_store_bytes(f->ctx, offset, from, bytes, BPF_F_RECOMPUTE_CSUM);

	frame_refresh(f);
	return error ? -1 : 0;
}

/* `l4`: BPF_F_ADJ_ROOM_ENCAP_L4_* */
static __always_inline __u64 encap_flags(__u64 l4)
{
	return BPF_F_ADJ_ROOM_FIXED_GSO | l4 | BPF_F_ADJ_ROOM_ENCAP_L2_ETH |
	       BPF_F_ADJ_ROOM_ENCAP_L2(ETHERNET_BYTES) | BPF_F_ADJ_ROOM_NO_CSUM_RESET |
	       (underlay_is_ipv6() ? BPF_F_ADJ_ROOM_ENCAP_L3_IPV6 : BPF_F_ADJ_ROOM_ENCAP_L3_IPV4);
}

/* The room is made behind the Ethernet header and its tags, which end up in front of it; this puts them back behind. */
static __always_inline int put_back(struct frame *f, __u32 outer, const struct ethernet_header *inner, const __u8 *tags)
{
	__u32 to = outer + ETHERNET_BYTES;

	if (is_vlan(inner->protocol) && bpf_skb_store_bytes(f->ctx, to, tags, MAX_TAGS * VLAN_BYTES, 0))
		return -1;
	frame_refresh(f);
	if (f->data + to > f->end)
		return -1;
	copy_ethernet(f->data + outer, inner);
	return 0;
}

/*
 * Makes room for an outer header in front, its bytes undefined. adjust_room prepares an IP packet for segmentation and
 * checksum offload; it refuses what is not IP or is encapsulated already, for which change_head does where nothing is
 * left to segment.
 */
static __always_inline int frame_grow(struct frame *f, __u32 outer, __u64 l4)
{
	__u8 tags[MAX_TAGS * VLAN_BYTES] = {};
	struct ethernet_header inner;
	int error;

	if (f->data + ETHERNET_BYTES > f->end)
		return -1;
	copy_ethernet(&inner, f->data);
	if (is_vlan(inner.protocol) && bpf_skb_load_bytes(f->ctx, ETHERNET_BYTES, tags, sizeof(tags)))
		return -1;
	if (bpf_skb_adjust_room(f->ctx, outer, BPF_ADJ_ROOM_MAC, encap_flags(l4)) == 0)
		error = put_back(f, outer, &inner, tags);
	else
		error = frame_gso(f) || bpf_skb_change_head(f->ctx, outer, 0);
	frame_refresh(f);
	return error ? -1 : 0;
}

static __always_inline int frame_push(struct frame *f)
{
	return frame_grow(f, outer_bytes(), BPF_F_ADJ_ROOM_ENCAP_L4_UDP);
}

static __always_inline int frame_push_nvgre(struct frame *f)
{
	return frame_grow(f, nvgre_bytes(), BPF_F_ADJ_ROOM_ENCAP_L4_GRE);
}

/* Cuts the frame to `bytes` or lengthens it with zeros. */
static __always_inline int frame_resize(struct frame *f, __u32 bytes)
{
	long error = bpf_skb_change_tail(f->ctx, bytes, 0);

	frame_refresh(f);
	return error ? -1 : 0;
}

/*
 * The same for a frame that is written anew. Where TC took the outer headers off and GRO had looked at them, the kernel's L4
 * offset is in front of the frame since, and change_tail refuses every length: it changes behind the Ethernet header then.
 */
static __always_inline int frame_rewrite_room(struct frame *f, __u32 bytes)
{
	long error;

	if (!(f->flags & FRAME_FROM_REMOTE))
		return frame_resize(f, bytes);
	error = bpf_skb_adjust_room(f->ctx, bytes - frame_bytes(f), BPF_ADJ_ROOM_MAC, 0);
	frame_refresh(f);
	return error ? -1 : 0;
}

/*
 * Removes bytes behind the Ethernet header. Said that an IP packet of the other family is left (6.3), adjust_room sets
 * skb->protocol, which redirect_peer relies on, and wants no more left than that family's header.
 */
static __always_inline int shrink(struct frame *f, __u32 bytes, __be16 inner)
{
	__u64 flags = BPF_F_ADJ_ROOM_FIXED_GSO, family = 0;

	if (underlay_is_ipv6() && inner == bpf_htons(ETH_P_IP))
		family = ADJ_ROOM_DECAP_L3_IPV4;
	else if (!underlay_is_ipv6() && inner == bpf_htons(ETH_P_IPV6))
		family = ADJ_ROOM_DECAP_L3_IPV6;
	if (family && bpf_skb_adjust_room(f->ctx, -(__s32)bytes, BPF_ADJ_ROOM_MAC, flags | family) == 0)
		return 0;
	return bpf_skb_adjust_room(f->ctx, -(__s32)bytes, BPF_ADJ_ROOM_MAC, flags) ? -1 : 0;
}

/*
 * Takes the `outer` bytes of header off, and `tag_bytes` of tag with them. adjust_room wants a whole outer-family IP header left
 * behind Ethernet, so what is shorter (an ARP over IPv6) is padded to the least Ethernet frame before. change_tail refuses
 * that to an skb another weft encapsulated and a veth brought (skb->encapsulation is still set): such a frame has IP
 * inside, so a short one is IPv4, which shrink() says.
 * Without NO_CSUM_RESET: a device that checked the outer checksum has not vouched for the inner.
 */
static __always_inline int frame_pop(struct frame *f, const struct outer *o, __u32 outer, __u32 tag_bytes)
{
	__u32 removed = outer + tag_bytes;
	struct ethernet_header inner;

	if (!frame_gso(f)) {
		__u32 least = ETHERNET_BYTES + tag_bytes + (underlay_is_ipv6() ? IPV6_BYTES : IPV4_BYTES);
		__u32 bytes = o->inner_bytes < least ? MIN_FRAME_BYTES + tag_bytes : o->inner_bytes;

		if (frame_bytes(f) != outer + bytes && frame_resize(f, outer + bytes) &&
		    o->inner_bytes >= least)
			return -1;
	}
	if (f->data + removed + ETHERNET_BYTES > f->end)
		return -1;
	copy_ethernet(&inner, f->data + outer);
	inner.protocol = ((struct ethernet_header *)(f->data + removed))->protocol;
	if (shrink(f, removed, inner.protocol))
		return -1;
	frame_refresh(f);
	if (f->data + ETHERNET_BYTES > f->end)
		return -1;
	copy_ethernet(f->data, &inner);
	return 0;
}

#endif

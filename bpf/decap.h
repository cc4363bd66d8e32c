/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * From the underlay's frame to the inner one: whose it is, whether its sender may speak in the segment, and the ECN field
 * that decapsulation owes the inner packet.
 */
#ifndef WEFT_DECAP_H
#define WEFT_DECAP_H

#include "checksum.h"
#include "classify.h"
#include "lookup.h"

/*
 * A TCP super-frame for a guest that ends the connection. What adjust_room leaves of the tunnel in its GSO type does no harm
 * there, and the trip through the tunnel device, which would take it off, is saved. Not UDP's: a socket that wants single
 * datagrams has the stack cut it, which the marks make fail.
 */
static __always_inline int ends_at_guest(const struct frame *f, const struct outer *o, __u32 outer)
{
	const void *inner = f->data + outer;
	const struct fdb_entry *to;
	const struct device *port;
	const __u32 *index;

	if (!tcp_ttl(inner, f->end) ||
	    ((const struct ethernet_header *)inner)->protocol != ((const struct ethernet_header *)f->data)->protocol)
		return 0;
	index = bpf_map_lookup_elem(&vnis, &o->vni);
	if (!index)
		return 0;
	to = find_mac(*index, inner);
	if (!to || to->kind != FDB_PORT || to->flags & FDB_ROUTER)
		return 0;
	port = device_of(to->target);
	return port && port->flags & DEVICE_GSO;
}

/* CONTINUE: a tunnel packet for a segment of this host by a sender that may; *o and *seg are valid. */
static __always_inline __must_check enum verdict accept(struct frame *f, struct outer *o, const struct segment **seg)
{
	const struct view view = {f->data, f->end, frame_bytes(f), frame_gso(f)};
	enum verdict v;

	v = classify_outer(&view, &settings, o);
	if (v == PASS_UP && view.gso && ends_at_guest(f, o, outer_bytes()))
		v = CONTINUE;
	/* Without a tunnel device nobody else would unwrap a GSO frame; we do, at the cost of its later segmentation. */
	if (v == PASS_UP && !settings.tunnel_ifindex)
		v = view.gso ? CONTINUE : DROP_NO_TUNNEL;
	if (v)
		return v;
	if (o->check && !view.gso) {
		v = verify_outer_checksum(f);
		if (v)
			return v;
	}
	f->flags |= FRAME_FROM_REMOTE;
	f->source = o->source;
	return find_sender(f, o->vni, seg);
}

/*
 * The same for NVGRE. What has no VSID of a segment here is a tunnel's of the kernel's own, or nobody's: the kernel knows.
 */
static __always_inline __must_check enum verdict accept_nvgre(struct frame *f, struct outer *o, const struct segment **seg)
{
	const struct view view = {f->data, f->end, frame_bytes(f), frame_gso(f)};
	enum verdict wrong, v;

	v = classify_nvgre(&view, &settings, o, &wrong);
	if (v != CONTINUE && v != PASS_UP)
		return v;
	if (!bpf_map_lookup_elem(&vnis, &o->vni))
		return PASS_NOT_OURS;
	if (wrong)
		return wrong;
	if (v == PASS_UP && view.gso && ends_at_guest(f, o, nvgre_bytes()))
		v = CONTINUE;
	/* Without a gretap a TCP super-frame is unwrapped as above; what the marks would have the guest's stack drop is not. */
	if (v == PASS_UP && !settings.nvgre_ifindex)
		v = view.gso && tcp_ttl(f->data + nvgre_bytes(), f->end) ? CONTINUE : DROP_NO_TUNNEL;
	if (v)
		return v;
	f->flags |= FRAME_FROM_REMOTE;
	f->source = o->source;
	return find_sender(f, o->vni, seg);
}

/* GRE, or what has its number at that place of something else than IP. */
static __always_inline int is_gre(const struct frame *f)
{
	const __u8 *protocol = f->data + ETHERNET_BYTES + (underlay_is_ipv6() ? 6 : 9);

	return (void *)(protocol + 1) <= f->end && *protocol == PROTOCOL_GRE;
}

/* `at` is where the IP header is. */
static __always_inline __must_check enum verdict mark_ecn4(struct frame *f, __u8 outer, __u32 at)
{
	struct ipv4_header *ip = f->data + at;
	__be16 before, after, check;
	__u8 ecn;

	if ((void *)(ip + 1) > f->end)
		return CONTINUE;
	ecn = ecn_after(ip->tos & ECN_MASK, outer);
	if (ecn == ECN_DROP)
		return DROP_ECN;
	if (ecn == (ip->tos & ECN_MASK))
		return CONTINUE;
	before = *(__be16 *)ip;
	after = (before & bpf_htons(0xffff ^ ECN_MASK)) | bpf_htons(ecn);
	check = ~fold((__u64)(__u16)~ip->check + (__u16)~before + after); /* RFC 1624 §3 */
	if (frame_store(f, at, &after, 2) || frame_store(f, at + 10, &check, 2))
		return DROP_NO_ROOM;
	return CONTINUE;
}

static __always_inline __must_check enum verdict mark_ecn6(struct frame *f, __u8 outer, __u32 at)
{
	struct ipv6_header *ip = f->data + at;
	__be16 first;
	__u8 ecn;

	if ((void *)(ip + 1) > f->end)
		return CONTINUE;
	ecn = ecn_after(traffic_class(ip) & ECN_MASK, outer);
	if (ecn == ECN_DROP)
		return DROP_ECN;
	if (ecn == (traffic_class(ip) & ECN_MASK))
		return CONTINUE;
	first = (*(__be16 *)ip & bpf_htons(0xffff ^ ECN_MASK << 4)) | bpf_htons(ecn << 4);
	return frame_store(f, at, &first, 2) ? DROP_NO_ROOM : CONTINUE;
}

static __always_inline __must_check enum verdict mark_ecn_at(struct frame *f, __u8 outer, __be16 protocol, __u32 at)
{
	if (protocol == bpf_htons(ETH_P_IP))
		return mark_ecn4(f, outer, at);
	if (protocol == bpf_htons(ETH_P_IPV6))
		return mark_ecn6(f, outer, at);
	return CONTINUE; /* not IP: no field to mark */
}

/* Behind an 802.1Q tag, or two, too. XDP hands tagged frames up before. */
static __always_inline __must_check enum verdict mark_ecn(struct frame *f, __u8 outer)
{
	const struct ethernet_header *ethernet = f->data;
	const struct vlan_header *tags = f->data + ETHERNET_BYTES;

	outer &= ECN_MASK;
	if ((outer != ECN_CE && outer != ECN_ECT1) || (void *)(ethernet + 1) > f->end)
		return CONTINUE;
	if (!is_vlan(ethernet->protocol))
		return mark_ecn_at(f, outer, ethernet->protocol, ETHERNET_BYTES);
	if ((void *)(tags + 1) > f->end)
		return CONTINUE;
	if (!is_vlan(tags[0].protocol))
		return mark_ecn_at(f, outer, tags[0].protocol, ETHERNET_BYTES + VLAN_BYTES);
	if ((void *)(tags + 2) > f->end)
		return CONTINUE;
	return mark_ecn_at(f, outer, tags[1].protocol, ETHERNET_BYTES + 2 * VLAN_BYTES);
}

/* The frame becomes the inner one, `outer` bytes are in front; tag_bytes of an 802.1Q tag with VID 0 go too. */
static __always_inline __must_check enum verdict unwrap(struct frame *f, const struct outer *o, __u32 outer, __u32 tag_bytes)
{
	if (frame_pop(f, o, outer, tag_bytes))
		return DROP_NO_ROOM;
	return mark_ecn(f, o->tos);
}

#endif

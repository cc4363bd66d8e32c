/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The outer header: a copy of the next hop's finished one, in which per packet only the lengths, the IPv4 checksum, the
 * source port, DSCP/ECN and, over IPv6, the UDP checksum change; with NVGRE the FlowID in the place of UDP's.
 */
#ifndef WEFT_ENCAP_H
#define WEFT_ENCAP_H

#include "checksum.h"
#include "classify.h"
#include "config.h"
#include "hash.h"
#include "packet.h"

/* What changes per packet. Read from the inner frame before it is moved. */
struct outgoing {
	__be16 source_port;
	__be16 payload_bytes; /* of IP */
	__be16 check; /* UDP's, IPv6 only */
	__u8 tos;     /* added to the header's, which holds a configured DSCP or 0 */
	__u8 flow;    /* NVGRE's FlowID */
};

/* ECN always is the inner packet's (RFC 6040 normal mode); DSCP if it is inherited (RFC 2983 uniform). */
static __always_inline __u8 outgoing_tos(const struct frame *f)
{
	__u8 tos = inner_tos(f->data, f->end);

	return settings.flags & CONFIG_TOS_INHERIT ? tos : tos & ECN_MASK;
}

static __always_inline int wants_full_checksum(void)
{
	return underlay_is_ipv6() && !(settings.flags & CONFIG_UDP6_ZERO);
}

/* The largest inner packet towards one remote: a route or a device on its way may carry less than the uplinks. */
static __always_inline __u32 path_mtu(const struct segment *seg, const struct nexthop *hop)
{
	/* Never less than 0 (loader/nexthop_header). Its Ethernet is in front of the outer packet, the guest's inside. */
	__u32 room = hop->mtu - hop->header_len;

	return room < seg->mtu ? room : seg->mtu;
}

static __always_inline void describe(struct frame *f, const struct nexthop *hop, struct outgoing *out)
{
	out->tos = outgoing_tos(f);
	out->source_port = bpf_htons(flow_source_port(f->data, f->end));
	out->payload_bytes = bpf_htons(frame_bytes(f) + UDP_BYTES + VXLAN_BYTES);
	out->check = 0;
	out->flow = 0;
	if (wants_full_checksum())
		out->check = outer_checksum6(f, hop, out->payload_bytes, out->source_port);
}

static __always_inline void write_outer4(void *to, const struct nexthop *hop, const struct outgoing *out)
{
	struct ipv4_header *ip = to + ETHERNET_BYTES;
	struct udp_header *udp = to + ETHERNET_BYTES + IPV4_BYTES;
	int i;

	UNROLL
	for (i = 0; i < VXLAN4_OVERHEAD_BYTES / 8; i++)
		((__u64 *)to)[i] = ((const __u64 *)hop->header)[i];
	((__u16 *)to)[VXLAN4_OVERHEAD_BYTES / 2 - 1] = ((const __u16 *)hop->header)[VXLAN4_OVERHEAD_BYTES / 2 - 1];
	ip->total_bytes = bpf_htons(bpf_ntohs(out->payload_bytes) + IPV4_BYTES);
	ip->tos = hop->header[ETHERNET_BYTES + 1] + out->tos;
	ip->check = ~fold((__u64)hop->csum_base + ip->total_bytes + bpf_htons(out->tos));
	udp->source = out->source_port;
	udp->bytes = out->payload_bytes;
}

static __always_inline void write_outer6(void *to, const struct nexthop *hop, const struct outgoing *out)
{
	struct ipv6_header *ip = to + ETHERNET_BYTES;
	struct udp_header *udp = to + ETHERNET_BYTES + IPV6_BYTES;
	int i;

	UNROLL
	for (i = 0; i < VXLAN6_OVERHEAD_BYTES / 8; i++)
		((__u64 *)to)[i] = ((const __u64 *)hop->header)[i];
	UNROLL
	for (i = VXLAN6_OVERHEAD_BYTES / 8 * 4; i < VXLAN6_OVERHEAD_BYTES / 2; i++)
		((__u16 *)to)[i] = ((const __u16 *)hop->header)[i];
	/* Half of the label's word: flooding writes to the stack, where access must be aligned. */
	*(__be16 *)ip |= bpf_htons(out->tos << 4);
	ip->payload_bytes = out->payload_bytes;
	udp->source = out->source_port;
	udp->bytes = out->payload_bytes;
	udp->check = out->check;
}

/* `to` has room for outer_bytes(), checked by the caller. */
static __always_inline void write_outer(void *to, const struct nexthop *hop, const struct outgoing *out)
{
	if (underlay_is_ipv6())
		write_outer6(to, hop, out);
	else
		write_outer4(to, hop, out);
}

/* --- NVGRE -------------------------------------------------------------------------------------------------------- */

static __always_inline int is_nvgre(const struct nexthop *hop)
{
	return has_nvgre() && hop->flags & NEXTHOP_NVGRE;
}

static __always_inline void describe_nvgre(const struct frame *f, struct outgoing *out)
{
	out->tos = outgoing_tos(f);
	out->flow = flow_id(f->data, f->end);
	out->payload_bytes = bpf_htons(frame_bytes(f) + GRE_BYTES);
	out->source_port = 0;
	out->check = 0;
}

static __always_inline void write_nvgre4(void *to, const struct nexthop *hop, const struct outgoing *out)
{
	struct ipv4_header *ip = to + ETHERNET_BYTES;
	int i;

	UNROLL
	for (i = 0; i < NVGRE4_OVERHEAD_BYTES / 8; i++)
		((__u64 *)to)[i] = ((const __u64 *)hop->header)[i];
	((__u16 *)to)[NVGRE4_OVERHEAD_BYTES / 2 - 1] = ((const __u16 *)hop->header)[NVGRE4_OVERHEAD_BYTES / 2 - 1];
	ip->total_bytes = bpf_htons(bpf_ntohs(out->payload_bytes) + IPV4_BYTES);
	ip->tos = hop->header[ETHERNET_BYTES + 1] + out->tos;
	ip->check = ~fold((__u64)hop->csum_base + ip->total_bytes + bpf_htons(out->tos));
	((__u8 *)to)[NVGRE4_OVERHEAD_BYTES - 1] = out->flow;
}

static __always_inline void write_nvgre6(void *to, const struct nexthop *hop, const struct outgoing *out)
{
	struct ipv6_header *ip = to + ETHERNET_BYTES;
	int i;

	UNROLL
	for (i = 0; i < NVGRE6_OVERHEAD_BYTES / 8; i++)
		((__u64 *)to)[i] = ((const __u64 *)hop->header)[i];
	UNROLL
	for (i = NVGRE6_OVERHEAD_BYTES / 8 * 4; i < NVGRE6_OVERHEAD_BYTES / 2; i++)
		((__u16 *)to)[i] = ((const __u16 *)hop->header)[i];
	*(__be16 *)ip |= bpf_htons(out->tos << 4); /* as in write_outer6() */
	ip->payload_bytes = out->payload_bytes;
	((__u8 *)to)[NVGRE6_OVERHEAD_BYTES - 1] = out->flow;
}

/* `to` has room for nvgre_bytes(), checked by the caller. GRE has no checksum here (RFC 7637 §3.2), whatever is inside. */
static __always_inline void write_nvgre(void *to, const struct nexthop *hop, const struct outgoing *out)
{
	if (underlay_is_ipv6())
		write_nvgre6(to, hop, out);
	else
		write_nvgre4(to, hop, out);
}

#endif

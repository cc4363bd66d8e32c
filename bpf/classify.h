/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * What a frame is, from its bytes alone: is it a tunnel packet for this VTEP, may its Ethernet header be bridged, what
 * becomes of its ECN field. No helper, no map; builds natively too.
 */
#ifndef WEFT_CLASSIFY_H
#define WEFT_CLASSIFY_H

#include "abi.h"
#include "parse.h"

/* A frame and its length, of which the part up to `end` can be read. */
struct view {
	const __u8 *data;
	const __u8 *end;
	__u32 bytes;
	__u32 gso; /* one skb for many packets: its length fields and checksums are not final */
};

/* A tunnel packet; zero it before. Valid where classify_outer() says CONTINUE, or PASS_UP for GSO. */
struct outer {
	struct ip_address source;
	__u32 vni;         /* VSID and it: NVGRE */
	__u32 inner_bytes; /* length of the inner frame, from the UDP length, NVGRE: the IP length */
	__u8 tos;
	__u8 reserved_bits; /* some are set */
	__be16 check;       /* of UDP */
};

enum { ECN_MASK = 3, ECN_NOT_ECT = 0, ECN_ECT1 = 1, ECN_ECT0 = 2, ECN_CE = 3, ECN_DROP = 4 };

/* RFC 6040 §4.2, figure 4: the inner field after decapsulation. ECT(1) outside means congestion to some (PCN). */
static __always_inline __u8 ecn_after(__u8 inner, __u8 outer)
{
	if (outer == ECN_CE)
		return inner == ECN_NOT_ECT ? ECN_DROP : ECN_CE;
	if (outer == ECN_ECT1 && inner == ECN_ECT0)
		return ECN_ECT1;
	return inner;
}

static __always_inline __u8 traffic_class(const struct ipv6_header *ip)
{
	return bpf_ntohl(ip->version_class_label) >> 20;
}

static __always_inline __u16 fold(__u64 sum)
{
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

/* Over the header without options, RFC 1071: a right one sums to all ones. */
static __always_inline int ipv4_sum_is_right(const struct ipv4_header *ip)
{
	const struct ports_header *words = (const struct ports_header *)ip;

	return fold((__u64)words[0].both + words[1].both + words[2].both + words[3].both + words[4].both) == 0xffff;
}

static __always_inline void address_from4(struct ip_address *to, __be32 from)
{
	struct ports_header *words = (struct ports_header *)to;

	words[0].both = 0;
	words[1].both = 0;
	words[2].both = bpf_htonl(0xffff);
	words[3].both = from;
}

static __always_inline void address_from6(struct ip_address *to, const void *from)
{
	struct ports_header *words = (struct ports_header *)to;
	const struct ports_header *read = (const struct ports_header *)from;

	words[0].both = read[0].both;
	words[1].both = read[1].both;
	words[2].both = read[2].both;
	words[3].both = read[3].both;
}

static __always_inline int is_vtep(const volatile struct config *config, const struct ip_address *address)
{
	const volatile __u32 *ours = (const volatile __u32 *)&config->vtep;
	const struct ports_header *theirs = (const struct ports_header *)address;

	return ours[3] == theirs[3].both && ours[2] == theirs[2].both && ours[1] == theirs[1].both &&
	       ours[0] == theirs[0].both;
}

/* UDP length and VXLAN header; `room` is what the IP header leaves for UDP. */
static __always_inline enum verdict classify_vxlan(struct cursor *c, const struct view *view, struct outer *o, __u32 room)
{
	const struct udp_header *udp = (const struct udp_header *)(c->at - UDP_BYTES);
	const struct vxlan_header *vxlan;
	__u32 udp_bytes = bpf_ntohs(udp->bytes);

	o->check = udp->check;
	if (!view->gso && (udp_bytes > room || udp_bytes < UDP_BYTES))
		return DROP_OUTER_UDP;
	vxlan = take_vxlan(c);
	if (!vxlan || (!view->gso && udp_bytes < UDP_BYTES + VXLAN_BYTES))
		return DROP_SHORT;
	o->vni = bpf_ntohl(vxlan->vni) >> 8;
	o->inner_bytes = udp_bytes - UDP_BYTES - VXLAN_BYTES;
	o->reserved_bits = vxlan->flags != bpf_htonl(VXLAN_FLAG_VNI) || (vxlan->vni & bpf_htonl(0xff));
	if (!(vxlan->flags & bpf_htonl(VXLAN_FLAG_VNI)))
		return DROP_NO_VNI_FLAG;
	if (view->gso)
		return PASS_UP;
	if (o->inner_bytes < sizeof(struct ethernet_header))
		return DROP_SHORT;
	return CONTINUE;
}

/* Up to here nothing is known to be ours, so what is broken goes to the kernel, which counts it as it always did. */
static __always_inline enum verdict classify_outer4(struct cursor *c, const struct view *view,
						    const volatile struct config *config, struct outer *o)
{
	const struct ipv4_header *ip = take_ipv4(c);
	const struct udp_header *udp;
	struct ip_address destination;
	__u32 total;

	if (!ip || ip->protocol != PROTOCOL_UDP)
		return PASS_NOT_OURS;
	address_from4(&destination, ip->destination);
	if (!is_vtep(config, &destination))
		return PASS_NOT_OURS;
	if (ipv4_is_fragment(ip))
		return PASS_FRAGMENT;
	if (!skip_ipv4_options(c, ip))
		return PASS_NOT_OURS;
	udp = take_udp(c);
	if (!udp || udp->destination != config->port)
		return PASS_NOT_OURS;
	if (ip->version_length != 0x45)
		return ip->version_length >> 4 == 4 ? PASS_UP : DROP_OUTER_IP;
	address_from4(&o->source, ip->source);
	o->tos = ip->tos;
	total = bpf_ntohs(ip->total_bytes);
	if (!view->gso && (total < IPV4_BYTES + UDP_BYTES || total > view->bytes - sizeof(struct ethernet_header) ||
			   !ipv4_sum_is_right(ip)))
		return DROP_OUTER_IP;
	return classify_vxlan(c, view, o, total - IPV4_BYTES);
}

static __always_inline enum verdict classify_outer6(struct cursor *c, const struct view *view,
						    const volatile struct config *config, struct outer *o)
{
	const struct ipv6_header *ip = take_ipv6(c);
	const struct udp_header *udp;
	struct ip_address destination;
	__u32 payload;

	if (!ip)
		return PASS_NOT_OURS;
	address_from6(&destination, ip->destination);
	if (!is_vtep(config, &destination))
		return PASS_NOT_OURS;
	if (ip->next_header == PROTOCOL_FRAGMENT)
		return PASS_FRAGMENT;
	if (ip->next_header == PROTOCOL_HOP_BY_HOP || ip->next_header == PROTOCOL_ROUTING || ip->next_header == PROTOCOL_DESTINATION)
		return PASS_UP;
	if (ip->next_header != PROTOCOL_UDP)
		return PASS_NOT_OURS;
	udp = take_udp(c);
	if (!udp || udp->destination != config->port)
		return PASS_NOT_OURS;
	address_from6(&o->source, ip->source);
	o->tos = traffic_class(ip);
	payload = bpf_ntohs(ip->payload_bytes);
	if (bpf_ntohl(ip->version_class_label) >> 28 != 6)
		return DROP_OUTER_IP;
	if (!view->gso &&
	    (payload < UDP_BYTES || payload > view->bytes - sizeof(struct ethernet_header) - IPV6_BYTES))
		return DROP_OUTER_IP;
	if (udp->check == 0 && !(config->flags & CONFIG_ACCEPT_ZERO_UDP6))
		return DROP_ZERO_CHECKSUM6;
	return classify_vxlan(c, view, o, payload);
}

/*
 * CONTINUE: a whole tunnel packet for us, *o is filled in. PASS_UP: one too, but the kernel has to unwrap it. The rest is
 * the verdict. Nothing is judged of frames that are not for our VTEP and port.
 */
static __always_inline enum verdict classify_outer(const struct view *view, const volatile struct config *config,
						   struct outer *o)
{
	struct cursor c = {view->data, view->end};
	const struct ethernet_header *ethernet = take_ethernet(&c);
	enum verdict v;

	if (!ethernet)
		return PASS_NOT_OURS;
	if (config->flags & CONFIG_IPV6) {
		if (ethernet->protocol != bpf_htons(ETH_P_IPV6))
			return PASS_NOT_OURS;
		v = classify_outer6(&c, view, config, o);
	} else {
		if (ethernet->protocol != bpf_htons(ETH_P_IP))
			return PASS_NOT_OURS;
		v = classify_outer4(&c, view, config, o);
	}
	if (v != CONTINUE && v != PASS_UP)
		return v;
	if (o->reserved_bits && (config->flags & CONFIG_DROP_RESERVED))
		return DROP_RESERVED_BITS;
	return is_vtep(config, &o->source) ? DROP_OWN_SOURCE : v;
}

/* --- NVGRE -------------------------------------------------------------------------------------------------------- */

/*
 * GRE that may be NVGRE's (RFC 7637 §3.2): Ethernet, with a key. `room` is what the IP header leaves for GRE. *wrong: what
 * is wrong with it if it is.
 */
static __always_inline enum verdict classify_gre(struct cursor *c, const struct view *view,
						 const volatile struct config *config, struct outer *o, __u32 room,
						 enum verdict *wrong)
{
	const struct gre_header *gre = take_gre(c);
	const struct ports_header *more;
	__u16 flags;
	__be32 key;

	if (!gre || gre->protocol != bpf_htons(ETH_P_TEB))
		return PASS_NOT_OURS;
	flags = bpf_ntohs(gre->flags);
	if ((flags & (GRE_KEY | GRE_VERSION)) != GRE_KEY)
		return PASS_NOT_OURS;
	key = gre->key;
	if (flags & (GRE_CHECKSUM | GRE_ROUTING)) {
		more = (const struct ports_header *)take(c, sizeof(*more));
		if (!more)
			return PASS_NOT_OURS;
		key = more->both;
	}
	o->vni = VSID | bpf_ntohl(key) >> 8;
	o->inner_bytes = room - GRE_BYTES;
	o->reserved_bits = (flags & GRE_RESERVED) != 0;
	if (*wrong)
		return CONTINUE;
	if (flags & GRE_MUST_BE_ZERO)
		*wrong = DROP_NVGRE_HEADER;
	else if (!view->gso && room < GRE_BYTES + sizeof(struct ethernet_header))
		*wrong = DROP_SHORT;
	else if (o->reserved_bits && (config->flags & CONFIG_DROP_RESERVED))
		*wrong = DROP_RESERVED_BITS;
	else if (is_vtep(config, &o->source))
		*wrong = DROP_OWN_SOURCE;
	return CONTINUE;
}

static __always_inline enum verdict classify_nvgre4(struct cursor *c, const struct view *view,
						    const volatile struct config *config, struct outer *o,
						    enum verdict *wrong)
{
	const struct ipv4_header *ip = take_ipv4(c);
	struct ip_address destination;
	enum verdict v;
	__u32 total;

	if (!ip || ip->protocol != PROTOCOL_GRE)
		return PASS_NOT_OURS;
	address_from4(&destination, ip->destination);
	if (!is_vtep(config, &destination))
		return PASS_NOT_OURS;
	if (ipv4_is_fragment(ip))
		return PASS_FRAGMENT;
	if (!skip_ipv4_options(c, ip))
		return PASS_NOT_OURS;
	address_from4(&o->source, ip->source);
	o->tos = ip->tos;
	total = bpf_ntohs(ip->total_bytes);
	if (ip->version_length >> 4 != 4)
		*wrong = DROP_OUTER_IP;
	else if (!view->gso && ip->version_length == 0x45 &&
		 (total < IPV4_BYTES || total > view->bytes - sizeof(struct ethernet_header) || !ipv4_sum_is_right(ip)))
		*wrong = DROP_OUTER_IP;
	v = classify_gre(c, view, config, o, total - IPV4_BYTES, wrong);
	if (v)
		return v;
	return view->gso || ip->version_length != 0x45 ? PASS_UP : CONTINUE;
}

/* Extension headers are looked for where VXLAN is: what has any goes up. */
static __always_inline enum verdict classify_nvgre6(struct cursor *c, const struct view *view,
						    const volatile struct config *config, struct outer *o,
						    enum verdict *wrong)
{
	const struct ipv6_header *ip = take_ipv6(c);
	struct ip_address destination;
	enum verdict v;
	__u32 payload;

	if (!ip || ip->next_header != PROTOCOL_GRE)
		return PASS_NOT_OURS;
	address_from6(&destination, ip->destination);
	if (!is_vtep(config, &destination))
		return PASS_NOT_OURS;
	address_from6(&o->source, ip->source);
	o->tos = traffic_class(ip);
	payload = bpf_ntohs(ip->payload_bytes);
	if (bpf_ntohl(ip->version_class_label) >> 28 != 6)
		*wrong = DROP_OUTER_IP;
	else if (!view->gso && payload > view->bytes - sizeof(struct ethernet_header) - IPV6_BYTES)
		*wrong = DROP_OUTER_IP;
	v = classify_gre(c, view, config, o, payload, wrong);
	if (v)
		return v;
	return view->gso ? PASS_UP : CONTINUE;
}

/*
 * GRE to our address may be a tunnel's of the kernel's own: the caller knows by the VSID, and what is *wrong with the packet
 * counts only then. CONTINUE and PASS_UP as classify_outer(), *o is filled in.
 */
static __always_inline enum verdict classify_nvgre(const struct view *view, const volatile struct config *config,
						   struct outer *o, enum verdict *wrong)
{
	struct cursor c = {view->data, view->end};
	const struct ethernet_header *ethernet = take_ethernet(&c);

	*wrong = CONTINUE;
	if (!ethernet)
		return PASS_NOT_OURS;
	if (ethernet->protocol != (config->flags & CONFIG_IPV6 ? bpf_htons(ETH_P_IPV6) : bpf_htons(ETH_P_IP)))
		return PASS_NOT_OURS;
	if (config->flags & CONFIG_IPV6)
		return classify_nvgre6(&c, view, config, o, wrong);
	return classify_nvgre4(&c, view, config, o, wrong);
}

/* --- the inner frame, or one from a guest ---------------------------------------------------------------------- */

static __always_inline int is_multicast(const __u8 *mac)
{
	return mac[0] & 1;
}

static __always_inline int is_zero_mac(const __u8 *mac)
{
	return !(mac[0] | mac[1] | mac[2] | mac[3] | mac[4] | mac[5]);
}

/* 01:80:c2:00:00:00 to :0f, IEEE 802.1D §7.12.6. */
static __always_inline int is_link_local_mac(const __u8 *mac)
{
	return mac[0] == 0x01 && mac[1] == 0x80 && mac[2] == 0xc2 && mac[3] == 0 && mac[4] == 0 && mac[5] < 0x10;
}

/* Whether a bridge may take the frame at all. */
static __always_inline enum verdict check_macs(const void *data, const void *end)
{
	struct cursor c = {(const __u8 *)data, (const __u8 *)end};
	const struct ethernet_header *ethernet = take_ethernet(&c);

	if (!ethernet)
		return DROP_SHORT;
	if (is_multicast(ethernet->source) || is_zero_mac(ethernet->source))
		return DROP_SOURCE_MAC;
	if (is_link_local_mac(ethernet->destination))
		return DROP_LINK_LOCAL;
	return CONTINUE;
}

/* ARP, or IPv6 neighbor discovery: what more than the Ethernet header decides about. */
static __always_inline int is_resolution(const void *data, const void *end)
{
	struct cursor c = {(const __u8 *)data, (const __u8 *)end};
	const struct ethernet_header *ethernet = take_ethernet(&c);
	const struct ipv6_header *ip;
	const __u8 *type;

	if (!ethernet)
		return 0;
	if (ethernet->protocol == bpf_htons(ETH_P_ARP))
		return 1;
	if (ethernet->protocol != bpf_htons(ETH_P_IPV6))
		return 0;
	ip = take_ipv6(&c);
	if (!ip || ip->next_header != PROTOCOL_ICMP6)
		return 0;
	type = (const __u8 *)take(&c, 1);
	return type && *type >= ICMP6_ROUTER_SOLICITATION && *type <= ICMP6_REDIRECT;
}

/* TCP in an untagged frame: its TTL or hop limit, else 0. Behind IPv6 extension headers none is looked for. */
static __always_inline __u8 tcp_ttl(const void *data, const void *end)
{
	struct cursor c = {(const __u8 *)data, (const __u8 *)end};
	const struct ethernet_header *ethernet = take_ethernet(&c);
	const struct ipv4_header *ip4;
	const struct ipv6_header *ip6;

	if (!ethernet)
		return 0;
	if (ethernet->protocol == bpf_htons(ETH_P_IP)) {
		ip4 = take_ipv4(&c);
		return ip4 && ip4->protocol == PROTOCOL_TCP ? ip4->ttl : 0;
	}
	if (ethernet->protocol == bpf_htons(ETH_P_IPV6)) {
		ip6 = take_ipv6(&c);
		return ip6 && ip6->next_header == PROTOCOL_TCP ? ip6->hop_limit : 0;
	}
	return 0;
}

/* Hosts start packets with one of these; one hop later it is another number. */
static __always_inline int is_initial_ttl(__u8 ttl)
{
	return ttl == 64 || ttl == 128 || ttl == 255;
}

/* The TOS or traffic class of the packet inside, 0 if it is not IP. */
static __always_inline __u8 inner_tos(const void *data, const void *end)
{
	struct cursor c = {(const __u8 *)data, (const __u8 *)end};
	const struct ethernet_header *ethernet = take_ethernet(&c);
	const struct ipv4_header *ip4;
	const struct ipv6_header *ip6;
	__be16 protocol;

	if (!ethernet)
		return 0;
	protocol = skip_tags(&c, ethernet->protocol);
	if (protocol == bpf_htons(ETH_P_IP)) {
		ip4 = take_ipv4(&c);
		return ip4 ? ip4->tos : 0;
	}
	if (protocol == bpf_htons(ETH_P_IPV6)) {
		ip6 = take_ipv6(&c);
		return ip6 ? traffic_class(ip6) : 0;
	}
	return 0;
}

#endif

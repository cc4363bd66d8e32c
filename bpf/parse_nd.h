/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Address resolution as it lies on the wire: ARP (RFC 826) and neighbor discovery (RFC 4861), and what makes a message
 * valid. No helper and no map: builds natively for tests and fuzzers. The ND checksum is the caller's, it needs a sum.
 */
#ifndef WEFT_PARSE_ND_H
#define WEFT_PARSE_ND_H

#include "sum.h"
#include "verdicts.h"

enum {
	ARP_ETHERNET = 1,
	ARP_REQUEST = 1,
	ARP_REPLY = 2,

	ND_SOLICITATION = 135,
	ND_ADVERTISEMENT = 136,
	ND_SOURCE_MAC = 1, /* options, RFC 4861 §4.6.1 */
	ND_TARGET_MAC = 2,
	ND_HOP_LIMIT = 255, /* anything less has passed a router */
	ND_OPTIONS_MAX = 8,
	ND_FLAG_ROUTER = 0x80,
	ND_FLAG_SOLICITED = 0x40,
	ND_FLAG_OVERRIDE = 0x20,
};

struct arp_header {
	__be16 hardware;
	__be16 protocol;
	__u8 hardware_bytes;
	__u8 protocol_bytes;
	__be16 operation;
} WIRE;

struct arp_message {
	struct arp_header header;
	__u8 sender_mac[6];
	__u8 sender_ip[4];
	__u8 target_mac[6];
	__u8 target_ip[4];
} WIRE;

struct nd_header {
	__u8 type;
	__u8 code;
	__be16 check;
	__u8 flags; /* of an advertisement */
	__u8 reserved[3];
	__be32 target[4];
} WIRE;

struct nd_option {
	__u8 type;
	__u8 units; /* of 8 bytes */
	__u8 mac[6];
} WIRE;

/* What a valid solicitation or advertisement says. */
struct nd_message {
	struct ip_address source;
	struct ip_address target;
	__u64 pseudo;   /* sum of the pseudo-header */
	__u32 icmp_bytes;
	__u8 type;
	__u8 flags;
	__u8 mac[6];    /* the source's (solicitation) or target's (advertisement) link-layer address */
	__u16 has_mac;
	__u16 to_many;  /* the destination is multicast */
};

/* CONTINUE with *arp null: no ARP, or of another kind, which is carried like any frame. */
static __always_inline enum verdict parse_arp(const void *data, const void *end, const struct arp_message **arp)
{
	struct cursor c = {(const __u8 *)data, (const __u8 *)end};
	const struct ethernet_header *ethernet = take_ethernet(&c);
	const struct arp_header *header;

	*arp = 0;
	if (!ethernet || ethernet->protocol != bpf_htons(ETH_P_ARP))
		return CONTINUE;
	header = (const struct arp_header *)take(&c, sizeof(*header));
	if (!header)
		return DROP_BAD_ARP;
	if (header->hardware != bpf_htons(ARP_ETHERNET) || header->protocol != bpf_htons(ETH_P_IP) ||
	    header->hardware_bytes != 6 || header->protocol_bytes != 4)
		return CONTINUE;
	if (header->operation != bpf_htons(ARP_REQUEST) && header->operation != bpf_htons(ARP_REPLY))
		return CONTINUE;
	if (!take(&c, sizeof(struct arp_message) - sizeof(*header)))
		return DROP_BAD_ARP;
	*arp = (const struct arp_message *)header;
	return CONTINUE;
}

static __always_inline int is_multicast6(const struct ip_address *ip)
{
	return ip->bytes[0] == 0xff;
}

static __always_inline int is_unspecified6(const struct ip_address *ip)
{
	const struct ports_header *words = (const struct ports_header *)ip;

	return !(words[0].both | words[1].both | words[2].both | words[3].both);
}

/* :: and ::1 */
static __always_inline int is_low_address6(const struct ip_address *ip)
{
	const struct ports_header *words = (const struct ports_header *)ip;

	return !(words[0].both | words[1].both | words[2].both) && bpf_ntohl(words[3].both) <= 1;
}

static __always_inline void copy_address6(__be32 *to, const void *from)
{
	const struct ports_header *words = (const struct ports_header *)from;

	to[0] = words[0].both;
	to[1] = words[1].both;
	to[2] = words[2].both;
	to[3] = words[3].both;
}

/* ff02::1:ff00:0/104, RFC 4291 §2.7.1. */
static __always_inline int is_solicited_node(const void *ip)
{
	const struct ports_header *words = (const struct ports_header *)ip;

	return words[0].both == bpf_htonl(0xff020000) && !words[1].both && words[2].both == bpf_htonl(1) &&
	       ((const __u8 *)ip)[12] == 0xff;
}

/*
 * The link-layer address among the options, which end at the end of the message. What is not linear is not looked at:
 * `end` may come before `left` is used up. 0 if an option has no length or does not fit.
 */
static __always_inline int parse_nd_options(struct cursor *c, __u32 left, struct nd_message *nd)
{
	__u8 wanted = nd->type == ND_SOLICITATION ? ND_SOURCE_MAC : ND_TARGET_MAC;
	int i;

	for (i = 0; i < ND_OPTIONS_MAX && left; i++) {
		const struct nd_option *option = (const struct nd_option *)c->at;
		__u32 bytes;

		if (c->at + sizeof(*option) > c->end)
			return left >= sizeof(*option);
		bytes = option->units * sizeof(*option);
		if (!bytes || bytes > left)
			return 0;
		if (option->type == wanted && bytes == sizeof(*option) && !nd->has_mac) {
			nd->has_mac = 1;
			__builtin_memcpy(nd->mac, option->mac, sizeof(nd->mac));
		}
		left -= bytes;
		/* Of the whole option: that something is left of it but its head, Linux before 6.8 does not see. */
		if (!take(c, bytes))
			return 1;
	}
	return 1;
}

/* RFC 4861 §7.1.1: nobody is asked for with an own link-layer address but no own address. */
static __always_inline int is_bad_solicitation(const struct nd_message *nd, const struct ipv6_header *ip)
{
	return is_unspecified6(&nd->source) && (nd->has_mac || !is_solicited_node(ip->destination));
}

/* RFC 4861 §7.1.2: who was not asked by one host does not answer to many. */
static __always_inline int is_bad_advertisement(const struct nd_message *nd)
{
	return nd->to_many && (nd->flags & ND_FLAG_SOLICITED);
}

/*
 * CONTINUE with nd->type 0: no solicitation or advertisement, or behind extension headers; carried like any frame.
 * frame_bytes: length of the whole frame, of which the part up to `end` can be read.
 */
static __always_inline enum verdict parse_nd(const void *data, const void *end, __u32 frame_bytes, struct nd_message *nd)
{
	struct cursor c = {(const __u8 *)data, (const __u8 *)end};
	const struct ethernet_header *ethernet = take_ethernet(&c);
	const struct ipv6_header *ip;
	const struct nd_header *icmp;

	nd->type = 0;
	nd->has_mac = 0;
	if (!ethernet || ethernet->protocol != bpf_htons(ETH_P_IPV6))
		return CONTINUE;
	ip = take_ipv6(&c);
	if (!ip || ip->next_header != PROTOCOL_ICMP6 || c.at + 1 > c.end)
		return CONTINUE;
	if (*c.at != ND_SOLICITATION && *c.at != ND_ADVERTISEMENT)
		return CONTINUE;
	icmp = (const struct nd_header *)take(&c, sizeof(*icmp));
	nd->icmp_bytes = bpf_ntohs(ip->payload_bytes);
	if (!icmp || nd->icmp_bytes < sizeof(*icmp) ||
	    nd->icmp_bytes + IPV6_BYTES + sizeof(struct ethernet_header) > frame_bytes)
		return DROP_BAD_ND;
	address_from6(&nd->source, ip->source);
	address_from6(&nd->target, icmp->target);
	nd->to_many = ((const __u8 *)ip->destination)[0] == 0xff;
	nd->pseudo = sum_words(ip->source, 8) + bpf_htonl(nd->icmp_bytes) + bpf_htons(PROTOCOL_ICMP6);
	nd->type = icmp->type;
	nd->flags = icmp->flags;
	if (ip->hop_limit != ND_HOP_LIMIT || icmp->code || is_multicast6(&nd->target) || is_multicast6(&nd->source))
		return DROP_BAD_ND;
	if (!parse_nd_options(&c, nd->icmp_bytes - sizeof(*icmp), nd))
		return DROP_BAD_ND;
	if (nd->type == ND_SOLICITATION ? is_bad_solicitation(nd, ip) : is_bad_advertisement(nd))
		return DROP_BAD_ND;
	return CONTINUE;
}

#endif

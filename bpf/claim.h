/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Which address a frame claims for its sender: the source of an IP packet, the sender of an ARP message, the target of an
 * advertisement. No helper and no map: builds natively for tests and fuzzers.
 */
#ifndef WEFT_CLAIM_H
#define WEFT_CLAIM_H

#include "parse_nd.h"

enum { CLAIM_NEVER = 1, CLAIM_ALWAYS = 2 };

struct claim {
	struct ip_address ip;
	__u32 verdict; /* CLAIM_NEVER, CLAIM_ALWAYS whatever the bindings say, 0: if `ip` is bound */
};

enum { MAX_CLAIM_EXTENSIONS = 3, DHCP_SERVER_PORT = 67 };

/* A host without an address yet asks a DHCP server for one. */
static __always_inline int is_dhcp_request(struct cursor *c, const struct ipv4_header *ip)
{
	const struct udp_header *udp;

	if (ip->protocol != PROTOCOL_UDP || ipv4_is_fragment(ip) || !skip_ipv4_options(c, ip))
		return 0;
	udp = take_udp(c);
	return udp && udp->destination == bpf_htons(DHCP_SERVER_PORT);
}

static __always_inline void claim_of_ipv4(struct cursor *c, struct claim *claim)
{
	const struct ipv4_header *ip = take_ipv4(c);

	claim->verdict = CLAIM_NEVER;
	if (!ip)
		return;
	if (ip->source)
		claim->verdict = 0;
	else if (is_dhcp_request(c, ip))
		claim->verdict = CLAIM_ALWAYS;
	address_from4(&claim->ip, ip->source);
}

static __always_inline int differ(const __u8 *a, const __u8 *b)
{
	return ((a[0] ^ b[0]) | (a[1] ^ b[1]) | (a[2] ^ b[2]) | (a[3] ^ b[3]) | (a[4] ^ b[4]) | (a[5] ^ b[5])) != 0;
}

/* A probe (RFC 5227 §2.1.1) claims nothing; a message about another's MAC is one more lie. */
static __always_inline void claim_of_arp(const void *data, const void *end, struct claim *claim)
{
	const struct ethernet_header *ethernet = (const struct ethernet_header *)data;
	const struct arp_message *arp;
	__be32 sender;

	claim->verdict = CLAIM_NEVER;
	if (parse_arp(data, end, &arp) || !arp || differ(arp->sender_mac, ethernet->source))
		return;
	sender = ((const struct ports_header *)arp->sender_ip)->both;
	claim->verdict = sender ? 0 : CLAIM_ALWAYS;
	address_from4(&claim->ip, sender);
}

/* The address that a MAC makes for itself (RFC 4291 §2.5.1, appendix A) is its own without being named. */
static __always_inline int is_made_of_mac(const struct ip_address *ip, const __u8 *mac)
{
	const struct ports_header *words = (const struct ports_header *)ip;

	return words[0].both == bpf_htonl(0xfe800000) && !words[1].both && ip->bytes[8] == (mac[0] ^ 2) &&
	       ip->bytes[9] == mac[1] && ip->bytes[10] == mac[2] && ip->bytes[11] == 0xff && ip->bytes[12] == 0xfe &&
	       ip->bytes[13] == mac[3] && ip->bytes[14] == mac[4] && ip->bytes[15] == mac[5];
}

/* What is behind the extension headers; an advertisement hides behind no more than a few. */
static __always_inline __u8 skip_extensions(struct cursor *c, __u8 next)
{
	int i;

	UNROLL
	for (i = 0; i < MAX_CLAIM_EXTENSIONS; i++) {
		const __u8 *header;

		if (next != PROTOCOL_HOP_BY_HOP && next != PROTOCOL_ROUTING && next != PROTOCOL_DESTINATION)
			break;
		header = (const __u8 *)take(c, 8);
		if (!header || !take(c, header[1] * 8))
			return next;
		next = header[0];
	}
	return next;
}

/*
 * Who has no address yet solicits and reports groups from ::. An advertisement is about its target, whoever sends it, and
 * none comes in pieces (RFC 6980 §5).
 */
static __always_inline void claim_of_ipv6(struct cursor *c, const __u8 *mac, struct claim *claim)
{
	const struct ipv6_header *ip = take_ipv6(c);
	const struct nd_header *icmp;
	__u8 protocol;

	claim->verdict = CLAIM_NEVER;
	if (!ip)
		return;
	address_from6(&claim->ip, ip->source);
	protocol = skip_extensions(c, ip->next_header);
	if (protocol == PROTOCOL_HOP_BY_HOP || protocol == PROTOCOL_ROUTING || protocol == PROTOCOL_DESTINATION)
		return;
	claim->verdict = is_made_of_mac(&claim->ip, mac) ? CLAIM_ALWAYS : 0;
	if (protocol != PROTOCOL_ICMP6)
		return;
	if (is_unspecified6(&claim->ip))
		claim->verdict = CLAIM_ALWAYS;
	if (c->at + 1 > c->end || *c->at != ND_ADVERTISEMENT)
		return;
	icmp = (const struct nd_header *)take(c, sizeof(*icmp));
	claim->verdict = CLAIM_NEVER;
	if (!icmp)
		return;
	address_from6(&claim->ip, icmp->target);
	claim->verdict = is_made_of_mac(&claim->ip, mac) ? CLAIM_ALWAYS : 0;
}

/*
 * What is neither IP nor ARP claims nothing. A tag that is left in the frame, behind the one that the kernel has taken off,
 * could hide anything.
 */
static __always_inline void claim_of(const void *data, const void *end, struct claim *claim)
{
	struct cursor c = {(const __u8 *)data, (const __u8 *)end};
	const struct ethernet_header *ethernet = take_ethernet(&c);

	__builtin_memset(claim, 0, sizeof(*claim));
	claim->verdict = CLAIM_ALWAYS;
	if (!ethernet || is_vlan(ethernet->protocol))
		claim->verdict = CLAIM_NEVER;
	else if (ethernet->protocol == bpf_htons(ETH_P_IP))
		claim_of_ipv4(&c, claim);
	else if (ethernet->protocol == bpf_htons(ETH_P_IPV6))
		claim_of_ipv6(&c, ethernet->source, claim);
	else if (ethernet->protocol == bpf_htons(ETH_P_ARP))
		claim_of_arp(data, end, claim);
}

#endif

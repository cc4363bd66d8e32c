/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * What rules look at in a frame: addresses, protocol, ports, and what it says about the connection it is of. No helper and
 * no map: builds natively for tests and fuzzers.
 */
#ifndef WEFT_TUPLE_H
#define WEFT_TUPLE_H

#include "classify.h"
#include "hash.h"

enum {
	TUPLE_EXTENSIONS = 3, /* IPv6 headers in front of the one that counts; a packet with more is denied */
	TCP_FLAGS_AT = 13,
	TCP_FLAGS_BYTES = 14,
	TCP_FIN = 0x01,
	TCP_SYN = 0x02,
	TCP_RST = 0x04,
	TCP_ACK = 0x10,
	ICMP_ID_BYTES = 6,
	ICMP_QUOTE_AT = 8,
};

enum tuple_flag {
	TUPLE_FRAGMENT = 1 << 0,  /* not the first: it has no ports */
	TUPLE_OPENS = 1 << 1,     /* it may begin a connection */
	TUPLE_FIN = 1 << 2,
	TUPLE_RST = 1 << 3,
	TUPLE_ACK = 1 << 4,
	TUPLE_LOOSE = 1 << 5,     /* of no connection: ICMP that is neither a question nor an answer */
	TUPLE_ERROR = 1 << 6,     /* an ICMP error, about a packet of a connection perhaps */
	TUPLE_QUOTES = 1 << 7,    /* and that packet could be read */
};

struct tuple {
	struct ip_address source;
	struct ip_address destination;
	__be16 source_port;      /* of an ICMP question or answer its identifier, in both */
	__be16 destination_port;
	__u8 family;             /* 4 or 6 */
	__u8 protocol;
	__u8 dscp;
	__u8 flags;              /* TUPLE_* */
};

/* How reading ended. */
enum reading {
	TUPLE_IS = 0,
	TUPLE_NONE,   /* not IP, or neighbor discovery: no rule is about it */
	TUPLE_BROKEN, /* nobody can tell what it is */
	TUPLE_CUT,    /* a header ends behind what can be read */
};

struct l4_ports {
	__be16 source;
	__be16 destination;
} WIRE;

/* An ICMP message as far as its identifier. */
struct icmp_start {
	__u8 type;
	__u8 code;
	__be16 check;
	__be16 id;
} WIRE;

/* --- the packet that an ICMP error quotes -------------------------------------------------------------------------------- */

static __always_inline int is_error4(__u8 type)
{
	return type == 3 || type == 4 || type == 11 || type == 12;
}

static __always_inline int is_error6(__u8 type)
{
	return type >= 1 && type <= 4;
}

/* Turned round: the error goes the way an answer to it would. */
static __always_inline int read_quoted_ports(struct cursor *c, struct tuple *q)
{
	const struct icmp_start *icmp;
	const struct l4_ports *ports;

	if (has_ports(q->protocol)) {
		ports = (const struct l4_ports *)take(c, sizeof(*ports));
		if (!ports)
			return 0;
		q->source_port = ports->destination;
		q->destination_port = ports->source;
	} else if (q->protocol == PROTOCOL_ICMP || q->protocol == PROTOCOL_ICMP6) {
		icmp = (const struct icmp_start *)take(c, ICMP_ID_BYTES);
		if (!icmp)
			return 0;
		q->source_port = icmp->id;
		q->destination_port = icmp->id;
	}
	return 1;
}

static __always_inline int read_quoted4(struct cursor *c, struct tuple *q)
{
	const struct ipv4_header *ip = take_ipv4(c);

	if (!ip || ip->fragment & bpf_htons(IPV4_OFFSET_MASK) || !skip_ipv4_options(c, ip))
		return 0;
	address_from4(&q->source, ip->destination);
	address_from4(&q->destination, ip->source);
	q->protocol = ip->protocol;
	return read_quoted_ports(c, q);
}

static __always_inline int read_quoted6(struct cursor *c, struct tuple *q)
{
	const struct ipv6_header *ip = take_ipv6(c);

	if (!ip)
		return 0;
	address_from6(&q->source, ip->destination);
	address_from6(&q->destination, ip->source);
	q->protocol = ip->next_header;
	return read_quoted_ports(c, q);
}

/* The cursor is at the error's own header. */
static __always_inline void read_quoted(struct cursor *c, struct tuple *t, struct tuple *q)
{
	q->family = t->family;
	q->flags = 0;
	q->dscp = 0;
	q->source_port = 0;
	q->destination_port = 0;
	if (!take(c, ICMP_QUOTE_AT))
		return;
	if (t->family == 4 ? read_quoted4(c, q) : read_quoted6(c, q))
		t->flags |= TUPLE_QUOTES;
}

/* --- what is behind the IP header --------------------------------------------------------------------------------------- */

static __always_inline enum reading read_icmp(struct cursor *c, struct tuple *t, struct tuple *quoted)
{
	struct cursor from = *c;
	const struct icmp_start *icmp = (const struct icmp_start *)take(c, ICMP_ID_BYTES);
	__u8 type;

	if (!icmp)
		return TUPLE_CUT;
	type = icmp->type;
	if (t->family == 6 && type >= ICMP6_ROUTER_SOLICITATION && type <= ICMP6_REDIRECT)
		return TUPLE_NONE;
	if (t->family == 4 ? is_error4(type) : is_error6(type)) {
		t->flags |= TUPLE_ERROR | TUPLE_LOOSE;
		read_quoted(&from, t, quoted);
		return TUPLE_IS;
	}
	t->source_port = icmp->id;
	t->destination_port = icmp->id;
	if (t->family == 4 ? type == 8 || type == 13 : type == 128)
		t->flags |= TUPLE_OPENS;
	else if (t->family == 4 ? type != 0 && type != 14 : type != 129)
		t->flags |= TUPLE_LOOSE;
	return TUPLE_IS;
}

/* A first fragment without the flags hides them in the second (RFC 1858): no reader of it knows what it is. */
static __always_inline enum reading read_tcp(struct cursor *c, struct tuple *t)
{
	const __u8 *tcp = (const __u8 *)take(c, TCP_FLAGS_BYTES);
	__u8 flags;

	if (!tcp)
		return TUPLE_CUT;
	t->source_port = ((const struct l4_ports *)tcp)->source;
	t->destination_port = ((const struct l4_ports *)tcp)->destination;
	flags = tcp[TCP_FLAGS_AT];
	if ((flags & (TCP_SYN | TCP_ACK | TCP_RST | TCP_FIN)) == TCP_SYN)
		t->flags |= TUPLE_OPENS;
	if (flags & TCP_FIN)
		t->flags |= TUPLE_FIN;
	if (flags & TCP_RST)
		t->flags |= TUPLE_RST;
	if (flags & TCP_ACK)
		t->flags |= TUPLE_ACK;
	return TUPLE_IS;
}

static __always_inline enum reading read_l4(struct cursor *c, struct tuple *t, struct tuple *quoted)
{
	const struct l4_ports *ports;

	if (t->flags & TUPLE_FRAGMENT)
		return TUPLE_IS;
	if (t->protocol == PROTOCOL_TCP)
		return read_tcp(c, t);
	if (t->protocol == (t->family == 4 ? PROTOCOL_ICMP : PROTOCOL_ICMP6))
		return read_icmp(c, t, quoted);
	t->flags |= TUPLE_OPENS;
	if (!has_ports(t->protocol))
		return TUPLE_IS;
	ports = (const struct l4_ports *)take(c, sizeof(*ports));
	if (!ports)
		return TUPLE_CUT;
	t->source_port = ports->source;
	t->destination_port = ports->destination;
	return TUPLE_IS;
}

/* --- IP ------------------------------------------------------------------------------------------------------------------- */

static __always_inline enum reading read_tuple4(struct cursor *c, struct tuple *t, struct tuple *quoted)
{
	const struct ipv4_header *ip = take_ipv4(c);
	__u16 offset;

	if (!ip)
		return TUPLE_CUT;
	if (ip->version_length >> 4 != 4 || ipv4_header_bytes(ip) < IPV4_BYTES)
		return TUPLE_BROKEN;
	t->family = 4;
	t->protocol = ip->protocol;
	t->dscp = ip->tos >> 2;
	address_from4(&t->source, ip->source);
	address_from4(&t->destination, ip->destination);
	offset = bpf_ntohs(ip->fragment) & IPV4_OFFSET_MASK;
	if (offset == 1 && ip->protocol == PROTOCOL_TCP)
		return TUPLE_BROKEN; /* it would write over the first one's flags (RFC 1858 §3) */
	if (offset)
		t->flags |= TUPLE_FRAGMENT;
	if (!skip_ipv4_options(c, ip))
		return TUPLE_CUT;
	return read_l4(c, t, quoted);
}

/* Where the offset of a fragment's header is not zero (RFC 8200 §4.5), what is behind is no header. */
static __always_inline enum reading skip_to_l4(struct cursor *c, struct tuple *t)
{
	int i;

	UNROLL
	for (i = 0; i < TUPLE_EXTENSIONS; i++) {
		const __u8 *header;

		if (t->protocol != PROTOCOL_HOP_BY_HOP && t->protocol != PROTOCOL_ROUTING &&
		    t->protocol != PROTOCOL_DESTINATION && t->protocol != PROTOCOL_FRAGMENT)
			return TUPLE_IS;
		header = (const __u8 *)take(c, 8);
		if (!header)
			return TUPLE_CUT;
		if (t->protocol == PROTOCOL_FRAGMENT) {
			t->protocol = header[0];
			if (!header[2] && !(header[3] & 0xf8))
				continue;
			t->flags |= TUPLE_FRAGMENT;
			return TUPLE_IS;
		}
		t->protocol = header[0];
		if (!take(c, header[1] * 8))
			return TUPLE_CUT;
	}
	return t->protocol == PROTOCOL_HOP_BY_HOP || t->protocol == PROTOCOL_ROUTING ||
			       t->protocol == PROTOCOL_DESTINATION || t->protocol == PROTOCOL_FRAGMENT
		       ? TUPLE_BROKEN
		       : TUPLE_IS;
}

static __always_inline enum reading read_tuple6(struct cursor *c, struct tuple *t, struct tuple *quoted)
{
	const struct ipv6_header *ip = take_ipv6(c);
	enum reading reading;

	if (!ip)
		return TUPLE_CUT;
	if (bpf_ntohl(ip->version_class_label) >> 28 != 6)
		return TUPLE_BROKEN;
	t->family = 6;
	t->protocol = ip->next_header;
	t->dscp = traffic_class(ip) >> 2;
	address_from6(&t->source, ip->source);
	address_from6(&t->destination, ip->destination);
	reading = skip_to_l4(c, t);
	return reading ? reading : read_l4(c, t, quoted);
}

/* *quoted is valid with TUPLE_QUOTES: the packet that an error is about. */
static __always_inline enum reading read_tuple(const void *data, const void *end, struct tuple *t, struct tuple *quoted)
{
	struct cursor c = {(const __u8 *)data, (const __u8 *)end};
	const struct ethernet_header *ethernet = take_ethernet(&c);
	__be16 protocol;

	t->flags = 0;
	t->source_port = 0;
	t->destination_port = 0;
	if (!ethernet)
		return TUPLE_CUT;
	protocol = skip_tags(&c, ethernet->protocol);
	if (protocol == bpf_htons(ETH_P_IP))
		return read_tuple4(&c, t, quoted);
	if (protocol == bpf_htons(ETH_P_IPV6))
		return read_tuple6(&c, t, quoted);
	return is_vlan(protocol) ? TUPLE_BROKEN : TUPLE_NONE;
}

#endif

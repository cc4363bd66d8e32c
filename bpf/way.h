/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Where a packet goes that was sent to the gateway's MAC, and what it is there: the router's look-ups and its rewriting, for
 * both hooks. What XDP cannot finish it hands up, and TC does in route.h.
 */
#ifndef WEFT_WAY_H
#define WEFT_WAY_H

#include "hash.h"
#include "lookup.h"
#include "scratch.h"

enum {
	FRAGMENT6_BYTES = 8,
	LEAKS_MAX = 2, /* domains that one packet is looked up in */
	PATH_SHIFT = 25, /* of 32 bits to PATH_SLOTS */
};
_Static_assert(1 << (32 - PATH_SHIFT) == PATH_SLOTS, "a share for each value");

enum way { WAY_ON = 0, WAY_HERE, WAY_BLACKHOLE, WAY_NONE, WAY_UNREACHABLE };

/* --- addresses ---------------------------------------------------------------------------------------------------------- */

/* 0/8, loopback, multicast, reserved and broadcast: nobody to answer. */
static __always_inline int is_host4(__be32 address)
{
	__u8 first = bpf_ntohl(address) >> 24;

	return first != 0 && first != 127 && first < 224;
}

static __always_inline int is_ipv4(const struct ip_address *ip)
{
	const struct ports_header *words = (const struct ports_header *)ip;

	return !(words[0].both | words[1].both) && words[2].both == bpf_htonl(0xffff);
}

/* fe80::/10 */
static __always_inline int is_link_local6(const struct ip_address *ip)
{
	return ip->bytes[0] == 0xfe && (ip->bytes[1] & 0xc0) == 0x80;
}

/* A link-local address is one of its segment alone. */
static __always_inline void fill_route_key(struct route_key *key, __u16 domain, __u16 segment, const struct ip_address *ip)
{
	key->bits = ROUTE_HOST_BITS;
	key->domain = is_link_local6(ip) ? ROUTE_SCOPE_SEGMENT | segment : domain;
	key->family = is_ipv4(ip) ? 4 : 6;
	key->ip = *ip;
}

/* --- what the packet is ----------------------------------------------------------------------------------------------- */

/* Nobody's, this network's, this host's, this link's or everybody's: no router forwards it (RFC 1812 §5.3.7, RFC 3927). */
static __always_inline int is_routable4(__be32 address)
{
	__u32 ip = bpf_ntohl(address);

	return is_host4(address) && ip >> 16 != 0xa9fe;
}

static __always_inline __must_check enum verdict read_packet4(const struct frame *f, struct packet *p)
{
	struct cursor c = {(const __u8 *)f->data + ETHERNET_BYTES, f->end};
	const struct ipv4_header *ip = take_ipv4(&c);

	if (!ip)
		return DROP_SHORT;
	if (ip->version_length >> 4 != 4 || ipv4_header_bytes(ip) < IPV4_BYTES)
		return DROP_NOT_ROUTABLE;
	if (ip->version_length == 0x45 && !ipv4_sum_is_right(ip))
		return DROP_NOT_ROUTABLE;
	if (!frame_gso(f) && bpf_ntohs(ip->total_bytes) + ETHERNET_BYTES > frame_bytes(f))
		return DROP_NOT_ROUTABLE;
	if (!is_routable4(ip->source) || !is_routable4(ip->destination))
		return DROP_NOT_ROUTABLE;
	address_from4(&p->source, ip->source);
	address_from4(&p->destination, ip->destination);
	p->family = 4;
	p->ttl = ip->ttl;
	p->protocol = ip->protocol;
	p->later_fragment = (ip->fragment & bpf_htons(IPV4_OFFSET_MASK)) != 0;
	p->header_bytes = ipv4_header_bytes(ip);
	return CONTINUE;
}

/* Its header's offset is in bits 3 to 15 of the third and fourth bytes (RFC 8200 §4.5). */
static __always_inline __must_check enum verdict read_fragment6(struct cursor *c, struct packet *p)
{
	const __u8 *fragment = take(c, FRAGMENT6_BYTES);

	if (!fragment)
		return DROP_SHORT;
	p->protocol = fragment[0];
	p->later_fragment = fragment[2] || fragment[3] & 0xf8;
	p->header_bytes = IPV6_BYTES + FRAGMENT6_BYTES;
	return CONTINUE;
}

/* To a link-local address only if it is the gateway's; from one nowhere else (RFC 4291 §2.5.6). */
static __always_inline __must_check enum verdict read_packet6(const struct frame *f, struct packet *p)
{
	struct cursor c = {(const __u8 *)f->data + ETHERNET_BYTES, f->end};
	const struct ipv6_header *ip = take_ipv6(&c);

	if (!ip)
		return DROP_SHORT;
	if (bpf_ntohl(ip->version_class_label) >> 28 != 6)
		return DROP_NOT_ROUTABLE;
	if (!frame_gso(f) && bpf_ntohs(ip->payload_bytes) + IPV6_BYTES + ETHERNET_BYTES > frame_bytes(f))
		return DROP_NOT_ROUTABLE;
	address_from6(&p->source, ip->source);
	address_from6(&p->destination, ip->destination);
	if (is_multicast6(&p->source) || is_low_address6(&p->source) || is_multicast6(&p->destination) ||
	    is_low_address6(&p->destination))
		return DROP_NOT_ROUTABLE;
	p->family = 6;
	p->ttl = ip->hop_limit;
	p->next_header = ip->next_header;
	p->protocol = ip->next_header;
	p->later_fragment = 0;
	p->header_bytes = IPV6_BYTES;
	return ip->next_header == PROTOCOL_FRAGMENT ? read_fragment6(&c, p) : CONTINUE;
}

static __always_inline __must_check enum verdict read_packet(const struct frame *f, struct packet *p)
{
	return f->protocol == bpf_htons(ETH_P_IP) ? read_packet4(f, p) : read_packet6(f, p);
}

/* --- where it goes ---------------------------------------------------------------------------------------------------- */

static __always_inline const struct route *look_up(struct route_key *key)
{
	const struct route *route = bpf_map_lookup_elem(&host_routes, key);

	return route ? route : bpf_map_lookup_elem(&routes, key);
}

/* The path of the packet's flow. */
static __always_inline enum way take_path(const struct frame *f, const struct route *route, struct packet *p)
{
	const struct path_group *group;
	const struct path *path;
	__u32 row = route->target;

	if (route->kind == ROUTE_GROUP) {
		group = bpf_map_lookup_elem(&path_groups, &row);
		if (!group)
			return WAY_NONE;
		row = group->paths[flow_hash(f->data, f->end) * 0x85ebca77u >> PATH_SHIFT];
	}
	path = bpf_map_lookup_elem(&paths, &row);
	if (!path || !path->segment)
		return WAY_NONE;
	p->via = path->via;
	p->segment = path->segment;
	return WAY_ON;
}

static __always_inline enum way follow(const struct frame *f, const struct route *route, struct packet *p)
{
	switch (route->kind) {
	case ROUTE_LOCAL:
		return WAY_HERE;
	case ROUTE_CONNECTED:
		p->via = p->destination;
		p->segment = route->target;
		return WAY_ON;
	case ROUTE_PATH:
	case ROUTE_GROUP:
		return take_path(f, route, p);
	case ROUTE_BLACKHOLE:
		return WAY_BLACKHOLE;
	case ROUTE_UNREACHABLE:
		return WAY_UNREACHABLE;
	default:
		return WAY_NONE;
	}
}

static __always_inline enum way find_way(struct frame *f, const struct gateway *gateway, struct packet *p)
{
	const struct route *route;
	struct route_key key;
	int i;

	fill_route_key(&key, gateway->domain, f->segment, &p->destination);
	UNROLL
	for (i = 0; i < LEAKS_MAX; i++) {
		route = look_up(&key);
		if (!route)
			return WAY_NONE;
		if (route->kind != ROUTE_LEAK)
			return follow(f, route, p);
		key.domain = route->target;
	}
	return WAY_NONE;
}

/* --- on ------------------------------------------------------------------------------------------------------------------ */

/* One hop less, with the MACs of the way out. IPv4's sum makes up for its own field; IPv6 has none. */
static __always_inline __must_check enum verdict rewrite(struct frame *f, const struct packet *p)
{
	struct ipv4_header *ip = f->data + ETHERNET_BYTES;
	__u8 next[2];
	__u32 check;

	if ((void *)(ip + 1) > f->end)
		return DROP_SHORT;
	copy_mac(f->data, p->to);
	copy_mac(f->data + 6, p->from);
	f->segment = p->segment;
	if (p->family == 4) {
		check = ip->check + bpf_htons(0x0100);
		ip->check = check + (check >= 0xffff);
		ip->ttl--;
		return CONTINUE;
	}
	next[0] = p->next_header;
	next[1] = p->ttl - 1;
	return frame_store(f, ETHERNET_BYTES + 6, next, sizeof(next)) ? DROP_NO_ROOM : CONTINUE;
}

#endif

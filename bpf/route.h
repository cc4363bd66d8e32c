/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The router, TC only: an IP packet that was sent to the gateway's MAC goes to another segment of the domain, or is
 * answered. On the first host, whichever guest it is for (RFC 9135); of a symmetric domain on the last one too.
 *
 * look at the packet → policy routes → routes → neighbor → where its MAC is → MTU → rewrite → send as the bridge does
 */
#ifndef WEFT_ROUTE_H
#define WEFT_ROUTE_H

#include "bridge.h"
#include "resume.h"
#include "way.h"

enum {
	ICMP4_ECHO = 8,
	ICMP4_ECHO_REPLY = 0,
	ICMP6_ECHO = 128,
	ICMP6_ECHO_REPLY = 129,
};

/* --- policy routes ------------------------------------------------------------------------------------------------------ */

_Static_assert((int)RULE_PATH == (int)ROUTE_PATH && (int)RULE_GROUP == (int)ROUTE_GROUP, "a policy route is one");

/* To its own address, or to one that is the segment's alone: nothing to decide. */
static __always_inline int stays(const struct frame *f, const struct gateway *gateway, const struct packet *p)
{
	const struct route *route;
	struct route_key key;

	fill_route_key(&key, gateway->domain, f->segment, &p->destination);
	route = bpf_map_lookup_elem(&host_routes, &key);
	return (route && route->kind == ROUTE_LOCAL) || is_link_local6(&p->destination);
}

static __always_inline int find_policy_route(struct frame *f, __u32 list, struct route *route)
{
	const struct scratch *scratch = scratch_of_cpu();
	int reading = take_tuple(f->ctx);

	frame_refresh(f);
	if (reading || !scratch || !classify(list))
		return 0;
	count_rule(scratch->look_up.found.counter, &scratch->look_up);
	route->kind = scratch->look_up.found.action;
	route->target = scratch->look_up.found.target;
	return 1;
}

/* A function of its own for its stack's sake. */
static __noinline enum way look_for_way(struct frame *f, const struct gateway *gateway, struct packet *p)
{
	const __u32 row = gateway->domain;
	const struct domain *d = bpf_map_lookup_elem(&domains, &row);
	struct route route = {};

	if (d && d->flags & DOMAIN_POLICY_ROUTES && !stays(f, gateway, p) && find_policy_route(f, d->policy_routes, &route))
		return take_path(f, &route, p);
	return find_way(f, gateway, p);
}

/* --- errors ------------------------------------------------------------------------------------------------------------ */

static __always_inline __must_check enum verdict tell(struct frame *f, const struct gateway *gateway, enum trouble trouble,
						      __u32 mtu, enum verdict told, enum verdict untold)
{
	enum told who = complain(f, trouble, mtu, gateway);

	if (who == TOLD_SENDER)
		return return_to_sender(f, told);
	return who == TOLD_LIMITED ? DROP_ERROR_LIMITED : untold;
}

static __always_inline __must_check enum verdict tell_unreachable(struct frame *f, const struct gateway *gateway,
								  enum trouble trouble)
{
	return tell(f, gateway, trouble, 0, TX_UNREACHABLE, DROP_NO_ROUTE);
}

static __always_inline __must_check enum verdict check_routed_mtu(struct frame *f, const struct gateway *gateway, __u32 mtu)
{
	return exceeds(f, mtu) ? tell(f, gateway, TROUBLE_TOO_BIG, mtu, TX_TOO_BIG, DROP_TOO_BIG) : CONTINUE;
}

/* --- to the gateway itself --------------------------------------------------------------------------------------------- */

static __always_inline void swap_macs(struct frame *f)
{
	__u8 mac[6];

	copy_mac(mac, f->data);
	copy_mac(f->data, f->data + 6);
	copy_mac(f->data + 6, mac);
}

/* From one type to the other, the sum with it (RFC 1624). A later fragment has no ICMP header. */
static __always_inline int turn_echo(struct frame *f, const struct packet *p, __u8 type)
{
	__u32 offset = ETHERNET_BYTES + p->header_bytes;
	__be16 field[2];
	__u64 sum;

	if (p->later_fragment)
		return 0;
	if (bpf_skb_load_bytes(f->ctx, offset, field, sizeof(field)))
		return -1;
	sum = (__u64)(__u16)~field[1] + (__u16)~field[0];
	field[0] = bpf_htons(type << 8);
	field[1] = ~fold(sum + field[0]);
	return frame_store(f, offset, field, sizeof(field));
}

/* Swapped addresses leave the sums as they are; so does the TTL if its sum is put right. */
static __always_inline int turn_packet4(struct frame *f)
{
	struct ipv4_header *ip = f->data + ETHERNET_BYTES;
	__be16 was, is;
	__be32 address;

	if ((void *)(ip + 1) > f->end)
		return -1;
	address = ip->source;
	ip->source = ip->destination;
	ip->destination = address;
	was = *(__be16 *)&ip->ttl;
	ip->ttl = ERROR_TTL;
	is = *(__be16 *)&ip->ttl;
	ip->check = ~fold((__u64)(__u16)~ip->check + (__u16)~was + is);
	return 0;
}

static __always_inline int turn_packet6(struct frame *f, const struct packet *p)
{
	__u8 ttl[2] = {p->next_header, ERROR_TTL};

	if (frame_store(f, ETHERNET_BYTES + 6, ttl, sizeof(ttl)))
		return -1;
	return frame_store(f, ETHERNET_BYTES + 8, &p->destination, 16) || frame_store(f, ETHERNET_BYTES + 24, &p->source, 16);
}

/* Echo requests are answered, fragment by fragment, so that their sums need no look at the payload. */
static __always_inline __must_check enum verdict answer_echo(struct frame *f, const struct packet *p)
{
	int ipv4 = p->family == 4;

	if (turn_echo(f, p, ipv4 ? ICMP4_ECHO_REPLY : ICMP6_ECHO_REPLY))
		return DROP_NO_ROOM;
	if (ipv4 ? turn_packet4(f) : turn_packet6(f, p))
		return DROP_NO_ROOM;
	if (f->data + ETHERNET_BYTES > f->end)
		return DROP_SHORT;
	swap_macs(f);
	return return_to_sender(f, TX_ECHO_REPLY);
}

static __always_inline int is_echo(const struct frame *f, const struct packet *p)
{
	__u8 type;

	if (p->protocol != (p->family == 4 ? PROTOCOL_ICMP : PROTOCOL_ICMP6))
		return 0;
	if (p->later_fragment)
		return 1;
	if (bpf_skb_load_bytes(f->ctx, ETHERNET_BYTES + p->header_bytes, &type, 1))
		return 0;
	return type == (p->family == 4 ? ICMP4_ECHO : ICMP6_ECHO);
}

/* Nothing listens here, so that all else gets what a host without listeners says. */
static __always_inline __must_check enum verdict route_here(struct frame *f, const struct gateway *gateway,
							    const struct packet *p)
{
	if (is_echo(f, p))
		return answer_echo(f, p);
	return tell_unreachable(f, gateway, TROUBLE_NO_PORT);
}

/* --- a neighbor that is not known --------------------------------------------------------------------------------------- */

/* Counts the frames that wait for it. 1: one more may. */
static __always_inline int may_wait(const struct packet *p, __u64 now_ns)
{
	struct recent_key key = {.segment = p->segment, .type = EVENT_MISS, .id = p->via};
	struct recent *last = bpf_map_lookup_elem(&recent, &key);
	struct recent fresh = {.at_ns = now_ns, .where = 1};

	if (!last || now_ns - last->at_ns >= NS_PER_S)
		return bpf_map_update_elem(&recent, &key, &fresh, BPF_ANY) == 0;
	if (last->where >= HELD_FRAMES)
		return 0;
	last->where++;
	return 1;
}

/* The daemon asks for it, and has the frame meanwhile if it is one packet. */
static __noinline __must_check enum verdict wait_for_neighbor(struct frame *f, const struct packet *p)
{
	struct event *e;
	int whole = !frame_gso(f) && frame_bytes(f) <= HELD_BYTES;

	if (!may_wait(p, bpf_ktime_get_coarse_ns()))
		return DROP_MISS;
	e = begin_event(f, EVENT_MISS);
	if (!e || !limit_take(f->account, LIMIT_PUNT, settings.punt_interval_ns, settings.punt_burst))
		return DROP_MISS;
	e->toward = p->segment;
	e->ip = p->via;
	e->frame_bytes = whole ? frame_bytes(f) : 0;
	return send_event(f->ctx, e) == 0 && whole ? DROP_WAITS : DROP_MISS;
}

/* --- on ------------------------------------------------------------------------------------------------------------------ */

static __always_inline enum verdict routed(enum verdict v)
{
	return v == TX_LOCAL || v == TX_VLAN || v == TX_REMOTE || v == TX_REMOTE_DEVICE ? TX_ROUTED : v;
}

/* Also to the port it came from: another guest may be behind it. */
static __always_inline __must_check enum verdict exit_by_port(struct frame *f, const struct gateway *gateway,
							      const struct packet *p, __u32 ifindex)
{
	const struct device *port = device_of(ifindex);
	enum verdict v;

	if (!port)
		return DROP_NO_RECEIVER;
	v = check_routed_mtu(f, gateway, port->mtu);
	if (v)
		return v;
	v = rewrite(f, p);
	if (v)
		return v;
	f->ifindex = 0;
	return routed(send_to_port(f, ifindex));
}

static __always_inline __must_check enum verdict exit_by_circuit(struct frame *f, const struct gateway *gateway,
								 const struct packet *p, const struct segment *seg, __u32 id)
{
	enum verdict v = check_routed_mtu(f, gateway, seg->mtu);

	if (v)
		return v;
	v = rewrite(f, p);
	if (v)
		return v;
	f->circuit = 0;
	f->tag_vid = 0;
	return routed(send_to_circuit(f, id));
}

/* Never back to the VTEP that it came from in the same VNI: that is one next hop. */
static __always_inline __must_check enum verdict exit_by_remote(struct frame *f, const struct gateway *gateway,
								const struct packet *p, __u32 id)
{
	const struct segment *seg;
	const struct nexthop *hop;
	enum verdict v;

	if (f->flags & FRAME_FROM_REMOTE && id == f->nexthop)
		return DROP_SPLIT_HORIZON;
	v = find_nexthop(id, &hop);
	if (v)
		return v;
	v = find_segment(p->segment, &seg);
	if (v)
		return v;
	v = check_routed_mtu(f, gateway, path_mtu(seg, hop));
	if (v)
		return v;
	v = rewrite(f, p);
	return v ? v : routed(send_to_remote(f, hop, id));
}

/* The MAC is known but not where it is: everybody gets the frame, as the bridge does it. */
static __always_inline __must_check enum verdict exit_by_flood(struct frame *f, const struct packet *p,
							       const struct segment *seg)
{
	enum verdict v = rewrite(f, p);

	if (v)
		return v;
	f->circuit = 0;
	f->flags = 0;
	return unknown_unicast(f, seg);
}

static __always_inline void address_of_hop(struct ip_address *to, const struct nexthop *hop)
{
	int i;

	if (!underlay_is_ipv6()) {
		address_from4(to, header_word(hop, HEADER4_DESTINATION));
		return;
	}
	UNROLL
	for (i = 0; i < 4; i++)
		((__be32 *)to)[i] = header_word(hop, HEADER6_DESTINATION + 4 * i);
}

/*
 * Of a symmetric domain: what is behind a remote goes to its router, by the transit segment. The next hop there; 0: it has
 * none, or the domain is asymmetric. A function of its own for its stack's sake.
 */
static __noinline __u32 transit_to(const struct gateway *gateway, __u32 id, struct packet *p)
{
	const __u32 row = gateway->domain;
	const struct neighbor *router;
	const struct nexthop *hop;
	const struct domain *d;
	struct ip_address vtep;

	d = bpf_map_lookup_elem(&domains, &row);
	if (!d || !(d->flags & DOMAIN_SYMMETRIC) || find_nexthop(id, &hop))
		return 0;
	address_of_hop(&vtep, hop);
	router = find_neighbor(d->transit, &vtep);
	if (!router || !router->nexthop)
		return 0;
	p->segment = d->transit;
	copy_mac(p->from, d->router_mac);
	copy_mac(p->to, router->mac);
	return router->nexthop;
}

static __always_inline __must_check enum verdict exit_by_entry(struct frame *f, const struct gateway *gateway,
							       struct packet *p, const struct segment *seg)
{
	const struct fdb_entry *entry = find_mac(p->segment, p->to);
	__u32 id;

	if (!entry)
		return exit_by_flood(f, p, seg);
	if (entry->kind == FDB_PORT)
		return exit_by_port(f, gateway, p, entry->target);
	if (entry->kind == FDB_CIRCUIT)
		return exit_by_circuit(f, gateway, p, seg, entry->target);
	id = transit_to(gateway, entry->target, p);
	return exit_by_remote(f, gateway, p, id ? id : entry->target);
}

static __always_inline __must_check enum verdict route_on(struct frame *f, const struct gateway *gateway, struct packet *p)
{
	const struct neighbor *neighbor;
	const struct gateway *out;
	const struct segment *seg;
	__u32 segment = p->segment;

	if (p->ttl <= 1)
		return tell(f, gateway, TROUBLE_TIME_EXCEEDED, 0, TX_TIME_EXCEEDED, DROP_TTL);
	neighbor = find_neighbor(segment, &p->via);
	if (!neighbor)
		return wait_for_neighbor(f, p);
	if (neighbor->flags & NEIGHBOR_FAILED)
		return tell_unreachable(f, gateway, TROUBLE_NO_HOST);
	out = bpf_map_lookup_elem(&gateways, &segment);
	if (!out || find_segment(segment, &seg))
		return DROP_NO_SEGMENT;
	copy_mac(p->to, neighbor->mac);
	copy_mac(p->from, out->mac);
	if (neighbor->nexthop)
		return exit_by_remote(f, gateway, p, neighbor->nexthop);
	return exit_by_entry(f, gateway, p, seg);
}

/* What was handed over is for the gateway's MAC, in a segment that has one. */
static __always_inline __must_check enum verdict route(struct frame *f)
{
	struct scratch *scratch = scratch_of_cpu();
	const struct gateway *gateway;
	__u32 segment = f->segment;
	struct packet *p;
	enum verdict v;

	if (!has_routing())
		return DROP_NO_SEGMENT;
	gateway = bpf_map_lookup_elem(&gateways, &segment);
	if (!scratch || !gateway)
		return DROP_NO_SEGMENT;
	p = &scratch->packet;
	if (f->protocol != bpf_htons(ETH_P_IP) && f->protocol != bpf_htons(ETH_P_IPV6))
		return DROP_NOT_ROUTABLE;
	v = read_packet(f, p);
	if (v)
		return v;
	switch (look_for_way(f, gateway, p)) {
	case WAY_ON:
		return is_link_local6(&p->source) ? DROP_NOT_ROUTABLE : route_on(f, gateway, p);
	case WAY_HERE:
		return route_here(f, gateway, p);
	case WAY_BLACKHOLE:
		return DROP_BLACKHOLE;
	case WAY_UNREACHABLE:
		return tell_unreachable(f, gateway, TROUBLE_REJECTED);
	default:
		return tell_unreachable(f, gateway, TROUBLE_NO_ROUTE);
	}
}

#endif

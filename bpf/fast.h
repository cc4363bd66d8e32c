/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The XDP programs' core: one known source to one known destination. Whether a frame needs more is found out before a byte
 * of it has changed; then it goes up, and the TC program of the same interface starts anew.
 */
#ifndef WEFT_FAST_H
#define WEFT_FAST_H

#include "confirm.h"
#include "decap.h"
#include "encap.h"
#include "lookup.h"
#include "role.h"
#include "way.h"

/* Routed by another host, whose gateway has the same MAC; it is learned by nobody. */
static __always_inline int is_of_gateway(const struct frame *f, const void *mac, const struct segment *seg)
{
	const struct gateway *gateway;
	__u32 index = f->segment;

	if (!has_gateway(seg) || !(f->flags & FRAME_FROM_REMOTE))
		return 0;
	gateway = bpf_map_lookup_elem(&gateways, &index);
	return gateway && same_mac(gateway->mac, mac);
}

/* The inner Ethernet header at `at`: CONTINUE if it is plain unicast whose source the table has where it is now. */
static __always_inline __must_check enum verdict check_plain(struct frame *f, const void *at, const struct segment *seg)
{
	const struct ethernet_header *ethernet = at;
	struct fdb_entry *source;
	enum verdict v;

	v = check_macs(at, f->end);
	if (v)
		return v;
	if ((void *)(ethernet + 1) > f->end)
		return DROP_SHORT;
	if (is_multicast(ethernet->destination) || is_vlan(ethernet->protocol) || is_resolution(at, f->end))
		return PASS_UP;
	source = find_mac(f->segment, ethernet->source);
	if (source && entry_agrees(f, source))
		stamp(&source->used_s);
	else if ((seg->flags & (SEGMENT_LEARNING | SEGMENT_GATEWAY) || seg->flood_circuits) &&
		 !is_of_gateway(f, ethernet->source, seg))
		return PASS_UP; /* to be learned, looked at for a way round by a VLAN, or told from the gateway */
	return CONTINUE;
}

/* A local port that takes what XDP redirects into it. What port groups and access rules say is TC's, and so are VLANs. */
static __always_inline __must_check enum verdict find_port(const struct frame *f, const struct fdb_entry *to,
							   const struct device **port)
{
	if (to->kind != FDB_PORT)
		return PASS_UP;
	if (to->target == f->ifindex)
		return DROP_SAME_PORT;
	*port = device_of(to->target);
	return *port && ((*port)->flags & DEVICE_XDP_TX) && !is_guarded(*port) ? CONTINUE : PASS_UP;
}

static __always_inline __must_check enum verdict deliver(struct frame *f, const struct device *port)
{
	tally_add(&deliveries, port->account, 1, frame_bytes(f));
	deliver_to(f, port);
	return TX_LOCAL;
}

/* --- remotes -------------------------------------------------------------------------------------------------------- */

/* CONTINUE: a frame of so many bytes can go to the next hop as it is. */
static __always_inline __must_check enum verdict find_hop(const struct segment *seg, __u32 id, __u32 bytes,
							  const struct nexthop **hop)
{
	const __u16 wanted = NEXTHOP_RESOLVED | NEXTHOP_XDP_TX;
	enum verdict v = find_nexthop(id, hop);

	if (v)
		return v;
	if (((*hop)->flags & (wanted | NEXTHOP_DEVICE)) != wanted || bytes > path_mtu(seg, *hop) + ETHERNET_BYTES)
		return PASS_UP;
	return CONTINUE;
}

static __always_inline __must_check enum verdict to_remote_nvgre(struct frame *f, const struct nexthop *hop)
{
	struct outgoing out;

	describe_nvgre(f, &out);
	if (frame_push_nvgre(f))
		return DROP_NO_ROOM;
	if (f->data + nvgre_bytes() > f->end)
		return DROP_NO_ROOM;
	write_nvgre(f->data, hop, &out);
	send_to(f, hop->ifindex);
	return TX_REMOTE;
}

static __always_inline __must_check enum verdict to_remote(struct frame *f, const struct nexthop *hop)
{
	struct outgoing out;

	if (is_nvgre(hop))
		return to_remote_nvgre(f, hop);
	describe(f, hop, &out);
	if (frame_push(f))
		return DROP_NO_ROOM;
	if (f->data + outer_bytes() > f->end)
		return DROP_NO_ROOM;
	write_outer(f->data, hop, &out);
	send_to(f, hop->ifindex);
	return TX_REMOTE;
}

/* --- VLANs --------------------------------------------------------------------------------------------------------- */

/* The VLAN behind an entry, if this host carries it by a NIC that takes what XDP redirects into it. A team's is TC's. */
static __always_inline __must_check enum verdict find_way_out(__u32 id, const struct circuit **circuit)
{
	const struct device *nic;

	*circuit = find_circuit(id);
	if (!*circuit || (*circuit)->team || !(*circuit)->vid || !designated_since(*circuit, id))
		return PASS_UP;
	nic = device_of((*circuit)->ifindex);
	return nic && nic->flags & DEVICE_XDP_TX ? CONTINUE : PASS_UP;
}

static __always_inline __must_check enum verdict to_vlan(struct frame *f, const struct circuit *circuit)
{
	struct ethernet_header ethernet;
	__be16 *to;

	if (f->data + ETHERNET_BYTES > f->end)
		return DROP_SHORT;
	copy_ethernet(&ethernet, f->data);
	if (bpf_xdp_adjust_head(f->ctx, -VLAN_BYTES))
		return DROP_NO_ROOM;
	frame_refresh(f);
	if (f->data + ETHERNET_BYTES + VLAN_BYTES > f->end)
		return DROP_SHORT;
	to = f->data + ETHERNET_BYTES - 2;
	copy_mac(f->data, ethernet.destination);
	copy_mac(f->data + 6, ethernet.source);
	to[0] = circuit->protocol;
	to[1] = bpf_htons(circuit->vid);
	to[2] = ethernet.protocol;
	tally_add(&deliveries, circuit->account, 1, frame_bytes(f));
	send_to(f, circuit->ifindex);
	return TX_VLAN;
}

static __always_inline int is_tagged(const struct frame *f)
{
	const struct ethernet_header *ethernet = f->data;

	return (void *)(ethernet + 1) <= f->end && is_vlan(ethernet->protocol);
}

/* CONTINUE: plain unicast with one tag, from where its source is known to be. As check_plain(), behind the tag. */
static __always_inline __must_check enum verdict check_tagged(struct frame *f, const struct vlan_header *tag)
{
	const struct ethernet_header *ethernet = f->data;
	const struct ipv6_header *ip = (const void *)(tag + 1);
	struct fdb_entry *source;
	enum verdict v;

	v = check_macs(f->data, f->end);
	if (v)
		return v;
	if ((void *)(tag + 1) > f->end)
		return DROP_SHORT;
	if (is_vlan(tag->protocol) || tag->protocol == bpf_htons(ETH_P_ARP))
		return PASS_UP;
	if (tag->protocol == bpf_htons(ETH_P_IPV6) && ((void *)(ip + 1) > f->end || ip->next_header == PROTOCOL_ICMP6))
		return PASS_UP;
	source = find_mac(f->segment, ethernet->source);
	if (!source || !entry_agrees(f, source))
		return PASS_UP;
	stamp(&source->used_s);
	return CONTINUE;
}

static __always_inline int drop_tag(struct frame *f, __be16 protocol)
{
	struct ethernet_header ethernet;

	if (f->data + ETHERNET_BYTES > f->end)
		return -1;
	copy_ethernet(&ethernet, f->data);
	ethernet.protocol = protocol;
	if (bpf_xdp_adjust_head(f->ctx, VLAN_BYTES))
		return -1;
	frame_refresh(f);
	if (f->data + ETHERNET_BYTES > f->end)
		return -1;
	copy_ethernet(f->data, &ethernet);
	return 0;
}

/* A frame with a tag: of a bridged VLAN, known unicast to a remote or a local port. All else goes up as it came. */
static __always_inline __must_check enum verdict from_vlan(struct frame *f)
{
	const struct ethernet_header *ethernet = f->data;
	const struct vlan_header *tag = f->data + ETHERNET_BYTES;
	struct vlan_key key = {.ifindex = f->ifindex};
	const struct device *port = 0;
	const struct nexthop *hop = 0;
	const struct circuit *circuit;
	const struct fdb_entry *to;
	const struct segment *seg;
	const __u32 *id;
	__be16 protocol;
	enum verdict v;

	if (!has_vlans() || (void *)(tag + 1) > f->end)
		return PASS_NOT_OURS;
	key.vid = bpf_ntohs(tag->tci) & VLAN_ID_MASK;
	key.protocol = ethernet->protocol;
	protocol = tag->protocol;
	id = key.vid ? bpf_map_lookup_elem(&vlans, &key) : 0;
	if (!id)
		return PASS_NOT_OURS;
	circuit = find_circuit(*id);
	if (!circuit || circuit->team || is_multicast(ethernet->destination))
		return PASS_UP;
	f->flags |= FRAME_FROM_VLAN;
	f->circuit = *id;
	f->account = circuit->account;
	f->segment = circuit->segment;
	if (!designated_since(circuit, *id))
		return DROP_STANDBY;
	v = find_segment(f->segment, &seg);
	if (v)
		return v;
	v = check_tagged(f, tag);
	if (v)
		return v;
	to = find_mac(f->segment, ethernet->destination);
	if (!to)
		return PASS_UP;
	if (to->kind == FDB_REMOTE)
		v = find_hop(seg, to->target, frame_bytes(f) - VLAN_BYTES, &hop);
	else
		v = find_port(f, to, &port);
	if (v)
		return v;
	if (drop_tag(f, protocol))
		return DROP_NO_ROOM;
	return hop ? to_remote(f, hop) : deliver(f, port);
}

/* --- the gateway -------------------------------------------------------------------------------------------------- */

/* The segment's gateway, if the frame is for its MAC. */
static __always_inline const struct gateway *gateway_for(const struct frame *f, const struct segment *seg)
{
	const struct gateway *gateway;
	__u32 index = f->segment;

	if (!has_gateway(seg) || f->data + ETHERNET_BYTES > f->end)
		return 0;
	gateway = bpf_map_lookup_elem(&gateways, &index);
	return gateway && same_mac(f->data, gateway->mac) ? gateway : 0;
}

static __always_inline __must_check enum verdict routed(enum verdict v)
{
	return v == TX_LOCAL || v == TX_REMOTE || v == TX_VLAN ? TX_ROUTED : v;
}

static __always_inline __must_check enum verdict route_to_remote(struct frame *f, const struct packet *p,
								 const struct segment *seg, __u32 id)
{
	const struct nexthop *hop;
	enum verdict v = find_hop(seg, id, frame_bytes(f), &hop);

	if (v)
		return v;
	v = rewrite(f, p);
	return v ? v : routed(to_remote(f, hop));
}

/* Also what would go back to its own port: TC lets it, for another guest may be behind that. */
static __always_inline __must_check enum verdict route_to_port(struct frame *f, const struct packet *p,
							       const struct fdb_entry *to)
{
	const struct device *port;
	enum verdict v;

	if (find_port(f, to, &port) || frame_bytes(f) - ETHERNET_BYTES > port->mtu)
		return PASS_UP;
	v = rewrite(f, p);
	return v ? v : routed(deliver(f, port));
}

static __always_inline __must_check enum verdict route_to_vlan(struct frame *f, const struct packet *p,
							       const struct segment *seg, __u32 id)
{
	const struct circuit *circuit;
	enum verdict v;

	if (find_way_out(id, &circuit) || frame_bytes(f) - ETHERNET_BYTES > seg->mtu)
		return PASS_UP;
	v = rewrite(f, p);
	return v ? v : routed(to_vlan(f, circuit));
}

/* What an asymmetric domain routes without anybody being asked or told. All else goes up as it came. */
static __always_inline __must_check enum verdict route_plain(struct frame *f, const struct gateway *gateway)
{
	const struct ethernet_header *ethernet = f->data;
	struct scratch *scratch = scratch_of_cpu();
	const struct neighbor *neighbor;
	const struct fdb_entry *to;
	const struct segment *seg;
	const struct gateway *out;
	const struct domain *d;
	struct packet *p;
	__u32 row;

	if (!scratch || (void *)(ethernet + 1) > f->end)
		return PASS_UP;
	f->protocol = ethernet->protocol;
	if (f->protocol != bpf_htons(ETH_P_IP) && f->protocol != bpf_htons(ETH_P_IPV6))
		return PASS_UP;
	row = gateway->domain;
	d = bpf_map_lookup_elem(&domains, &row);
	p = &scratch->packet;
	if (!d || d->flags & (DOMAIN_SYMMETRIC | DOMAIN_POLICY_ROUTES) || read_packet(f, p))
		return PASS_UP;
	if (find_way(f, gateway, p) != WAY_ON || p->ttl <= 1 || is_link_local6(&p->source))
		return PASS_UP;
	neighbor = find_neighbor(p->segment, &p->via);
	row = p->segment;
	out = bpf_map_lookup_elem(&gateways, &row);
	if (!neighbor || neighbor->flags & NEIGHBOR_FAILED || !out || find_segment(row, &seg))
		return PASS_UP;
	copy_mac(p->to, neighbor->mac);
	copy_mac(p->from, out->mac);
	if (neighbor->nexthop)
		return route_to_remote(f, p, seg, neighbor->nexthop);
	to = find_mac(p->segment, p->to);
	if (!to)
		return PASS_UP;
	if (to->kind == FDB_REMOTE)
		return route_to_remote(f, p, seg, to->target);
	return to->kind == FDB_PORT ? route_to_port(f, p, to) : route_to_vlan(f, p, seg, to->target);
}

/* --- underlay ----------------------------------------------------------------------------------------------------- */

/* The tunnel packet of a sender that may, with so many bytes of header in front. */
static __always_inline __must_check enum verdict unwrap_for(struct frame *f, const struct segment *seg, const struct outer *o,
							    __u32 outer)
{
	const struct circuit *circuit = 0;
	const struct device *port = 0;
	const struct fdb_entry *to;
	enum verdict v;

	if (frame_bytes(f) != outer + o->inner_bytes || f->data + outer + ETHERNET_BYTES > f->end)
		return PASS_UP;
	v = check_plain(f, f->data + outer, seg);
	if (v)
		return v;
	to = find_mac(f->segment, f->data + outer);
	if (!to)
		return PASS_UP;
	if (to->kind == FDB_REMOTE)
		return DROP_SPLIT_HORIZON;
	if (to->kind == FDB_CIRCUIT)
		v = find_way_out(to->target, &circuit);
	else
		v = find_port(f, to, &port);
	if (v)
		return v;
	v = unwrap(f, o, outer, 0);
	if (v)
		return v;
	return circuit ? to_vlan(f, circuit) : deliver(f, port);
}

static __always_inline __must_check enum verdict from_wire(struct frame *f)
{
	const struct segment *seg;
	struct outer o = {};
	enum verdict v;

	if (is_tagged(f))
		return from_vlan(f);
	if (has_nvgre() && is_gre(f)) {
		v = accept_nvgre(f, &o, &seg);
		return v ? v : unwrap_for(f, seg, &o, nvgre_bytes());
	}
	v = accept(f, &o, &seg);
	return v ? v : unwrap_for(f, seg, &o, outer_bytes());
}

/* --- port --------------------------------------------------------------------------------------------------------- */

static __always_inline __must_check enum verdict from_port(struct frame *f)
{
	const struct device *port, *to_port;
	const struct gateway *gateway;
	const struct circuit *circuit;
	const struct fdb_entry *to;
	const struct segment *seg;
	const struct nexthop *hop;
	enum verdict v;

	port = device_of(f->ifindex);
	if (!port || !(port->flags & DEVICE_PORT))
		return PASS_NO_DEVICE;
	f->account = port->account;
	f->segment = port->segment;
	v = find_segment(f->segment, &seg);
	if (v)
		return v;
	if (is_governed(port))
		return PASS_UP;
	v = check_plain(f, f->data, seg);
	if (v)
		return v;
	gateway = gateway_for(f, seg);
	if (gateway)
		return route_plain(f, gateway);
	if (f->data + ETHERNET_BYTES > f->end)
		return DROP_SHORT;
	to = find_mac(f->segment, f->data);
	if (!to)
		return PASS_UP;
	if (to->kind == FDB_REMOTE) {
		v = find_hop(seg, to->target, frame_bytes(f), &hop);
		return v ? v : to_remote(f, hop);
	}
	if (to->kind == FDB_CIRCUIT) {
		v = find_way_out(to->target, &circuit);
		return v ? v : to_vlan(f, circuit);
	}
	v = find_port(f, to, &to_port);
	return v ? v : deliver(f, to_port);
}

#endif

/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The bridge, TC only: an Ethernet frame from a port, a VLAN or a remote, learned from, then to the port, VLAN or remote
 * behind its destination, or to everybody.
 */
#ifndef WEFT_BRIDGE_H
#define WEFT_BRIDGE_H

#include "arp.h"
#include "flood.h"
#include "learn.h"
#include "nd.h"
#include "send.h"

static __always_inline __must_check enum verdict check_frame(struct frame *f, const struct segment *seg)
{
	enum verdict v = check_macs(f->data, f->end);

	if (v)
		return v;
	return take_tag(f, seg);
}

/* ND messages are read whole, with their options. */
static __always_inline void pull_resolution(struct frame *f)
{
	if (f->protocol == bpf_htons(ETH_P_IPV6) && is_resolution(f->data, f->end))
		frame_pull(f, HEADER_PULL_BYTES);
}

static __always_inline __must_check enum verdict unknown_unicast(struct frame *f, const struct segment *seg,
								 const struct device *port)
{
	if (seg->flags & SEGMENT_DROP_UNKNOWN)
		return DROP_UNKNOWN_UNICAST;
	if (f->policy && is_unknown_storm(f->policy, f->account))
		return DROP_STORM;
	return flood(f, seg, port);
}

static __always_inline __must_check enum verdict resolution_from_port(struct frame *f, const struct segment *seg,
								      const struct device *port)
{
	pull_resolution(f);
	if (f->protocol == bpf_htons(ETH_P_ARP))
		return arp_from_port(f, seg, port);
	if (f->protocol == bpf_htons(ETH_P_IPV6))
		return nd_from_port(f, seg, port);
	return CONTINUE;
}

/*
 * What this host bridged once and another does now is found behind that one again by flooding, even while the daemon that
 * would forget it is away.
 */
static __always_inline __must_check enum verdict forward_to_circuit(struct frame *f, const struct segment *seg,
								    const struct device *port, __u32 id)
{
	enum verdict v = send_to_circuit(f, id);

	return v == DROP_STANDBY && !(f->flags & FRAME_FROM_VLAN) ? unknown_unicast(f, seg, port) : v;
}

/* To a remote, if that is where it may go and it fits. */
static __always_inline __must_check enum verdict forward_to_remote(struct frame *f, const struct segment *seg,
								   const struct device *port, __u32 id)
{
	const struct nexthop *hop;
	enum verdict v;

	if (f->flags & FRAME_LOCAL_ONLY)
		return DROP_ARP_STRICT;
	v = find_nexthop(id, &hop);
	if (v)
		return v;
	v = check_mtu(f, port, path_mtu(seg, hop));
	return v ? v : send_to_remote(f, hop, id);
}

/* A frame that came by `port`, a guest's or the NIC of a VLAN, and was learned from. */
static __always_inline __must_check enum verdict forward(struct frame *f, const struct segment *seg,
							 const struct device *port)
{
	const struct fdb_entry *entry;

	if (f->data + ETHERNET_BYTES > f->end)
		return DROP_SHORT;
	if (is_multicast(f->data))
		return flood(f, seg, port);
	entry = find_mac(f->segment, f->data);
	if (!entry)
		return unknown_unicast(f, seg, port);
	mirror_unicast(f, seg, entry);
	if (entry->kind == FDB_PORT)
		return send_to_port(f, entry->target);
	if (entry->kind == FDB_CIRCUIT)
		return forward_to_circuit(f, seg, port, entry->target);
	return forward_to_remote(f, seg, port, entry->target);
}

static __always_inline __must_check enum verdict from_port(struct frame *f)
{
	const struct segment *seg;
	const struct device *port;
	enum verdict v;

	port = device_of(f->ifindex);
	if (!port || !(port->flags & DEVICE_PORT))
		return PASS_NO_DEVICE;
	f->account = port->account;
	f->segment = port->segment;
	v = find_segment(f->segment, &seg);
	if (v)
		return v;
	v = enter_port(f, port);
	if (v)
		return v;
	v = check_frame(f, seg);
	if (v)
		return v;
	learn_source(f, seg);
	v = resolution_from_port(f, seg, port);
	return v ? v : forward(f, seg, port);
}

static __always_inline __must_check enum verdict resolution_from_remote(struct frame *f, const struct segment *seg)
{
	pull_resolution(f);
	if (f->protocol == bpf_htons(ETH_P_ARP))
		return arp_from_remote(f, seg);
	if (f->protocol == bpf_htons(ETH_P_IPV6))
		return nd_from_remote(f, seg);
	return CONTINUE;
}

/* The inner frame, unwrapped, its sender accepted. */
static __always_inline __must_check enum verdict from_remote(struct frame *f, const struct segment *seg)
{
	const struct fdb_entry *entry;
	enum verdict v;

	frame_pull_headers(f);
	v = check_frame(f, seg);
	if (v)
		return v;
	if (seg->flood_circuits) {
		v = check_round_trip(f);
		if (v)
			return v;
	}
	learn_source(f, seg);
	v = resolution_from_remote(f, seg);
	if (v)
		return v;
	if (f->data + ETHERNET_BYTES > f->end)
		return DROP_SHORT;
	if (is_multicast(f->data))
		return flood(f, seg, 0);
	entry = find_mac(f->segment, f->data);
	if (!entry)
		return unknown_unicast(f, seg, 0);
	mirror_unicast(f, seg, entry);
	if (entry->kind == FDB_CIRCUIT)
		return send_to_circuit(f, entry->target);
	return entry->kind == FDB_PORT ? send_to_port(f, entry->target) : DROP_SPLIT_HORIZON;
}

/* A frame of a bridged VLAN. */
static __always_inline __must_check enum verdict from_circuit(struct frame *f, __u32 id)
{
	const struct device *nic = device_of(f->ifindex);
	const struct segment *seg;
	enum verdict v;

	if (!nic)
		return PASS_NO_DEVICE;
	v = enter_circuit(f, id, &seg);
	if (v)
		return v;
	v = check_frame(f, seg);
	if (v)
		return v;
	learn_source(f, seg);
	v = resolution_from_remote(f, seg);
	return v ? v : forward(f, seg, nic);
}

#endif

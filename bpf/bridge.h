/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The bridge, TC only: an Ethernet frame from a port or a remote, learned from, then to the port or remote behind its
 * destination, or to everybody.
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

static __always_inline __must_check enum verdict from_port(struct frame *f)
{
	const struct fdb_entry *entry = 0;
	const struct nexthop *hop;
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
	v = check_frame(f, seg);
	if (v)
		return v;
	learn_source(f, seg);
	v = resolution_from_port(f, seg, port);
	if (v)
		return v;
	if (f->data + ETHERNET_BYTES > f->end)
		return DROP_SHORT;
	if (!is_multicast(f->data)) {
		entry = find_mac(f->segment, f->data);
		if (entry && entry->kind == FDB_PORT)
			return send_to_port(f, entry->target);
		if (entry && (f->flags & FRAME_LOCAL_ONLY))
			return DROP_ARP_STRICT;
	}
	if (entry) {
		v = find_nexthop(entry->target, &hop);
		if (v)
			return v;
		v = check_mtu(f, port, path_mtu(seg, hop));
		return v ? v : send_to_remote(f, hop, entry->target);
	}
	return is_multicast(f->data) ? flood(f, seg, port) : unknown_unicast(f, seg, port);
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
	return entry->kind == FDB_PORT ? send_to_port(f, entry->target) : DROP_SPLIT_HORIZON;
}

#endif

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
	else if (seg->flags & SEGMENT_LEARNING)
		return PASS_UP;
	return CONTINUE;
}

/* A local port that takes what XDP redirects into it. */
static __always_inline __must_check enum verdict find_port(const struct frame *f, const struct fdb_entry *to,
							   const struct device **port)
{
	if (to->target == f->ifindex)
		return DROP_SAME_PORT;
	*port = device_of(to->target);
	return *port && ((*port)->flags & DEVICE_XDP_TX) ? CONTINUE : PASS_UP;
}

static __always_inline __must_check enum verdict deliver(struct frame *f, const struct device *port)
{
	tally_add(&deliveries, port->account, 1, frame_bytes(f));
	deliver_to(f, port);
	return TX_LOCAL;
}

/* --- underlay ----------------------------------------------------------------------------------------------------- */

static __always_inline __must_check enum verdict from_wire(struct frame *f)
{
	const struct segment *seg;
	const struct fdb_entry *to;
	const struct device *port;
	struct outer o = {};
	enum verdict v;

	v = accept(f, &o, &seg);
	if (v)
		return v;
	if (frame_bytes(f) != outer_bytes() + o.inner_bytes || f->data + outer_bytes() + ETHERNET_BYTES > f->end)
		return PASS_UP;
	v = check_plain(f, f->data + outer_bytes(), seg);
	if (v)
		return v;
	to = find_mac(f->segment, f->data + outer_bytes());
	if (!to)
		return PASS_UP;
	if (to->kind != FDB_PORT)
		return DROP_SPLIT_HORIZON;
	v = find_port(f, to, &port);
	if (v)
		return v;
	v = unwrap(f, &o, 0);
	if (v)
		return v;
	return deliver(f, port);
}

/* --- port --------------------------------------------------------------------------------------------------------- */

static __always_inline __must_check enum verdict to_remote(struct frame *f, const struct segment *seg, __u32 id)
{
	const __u16 wanted = NEXTHOP_RESOLVED | NEXTHOP_XDP_TX;
	const struct nexthop *hop;
	struct outgoing out;
	enum verdict v;

	v = find_nexthop(id, &hop);
	if (v)
		return v;
	if ((hop->flags & (wanted | NEXTHOP_DEVICE)) != wanted || frame_bytes(f) > path_mtu(seg, hop) + ETHERNET_BYTES)
		return PASS_UP;
	describe(f, hop, &out);
	if (frame_push(f))
		return DROP_NO_ROOM;
	if (f->data + outer_bytes() > f->end)
		return DROP_NO_ROOM;
	write_outer(f->data, hop, &out);
	send_to(f, hop->ifindex);
	return TX_REMOTE;
}

static __always_inline __must_check enum verdict from_port(struct frame *f)
{
	const struct device *port, *to_port;
	const struct fdb_entry *to;
	const struct segment *seg;
	enum verdict v;

	port = device_of(f->ifindex);
	if (!port || !(port->flags & DEVICE_PORT))
		return PASS_NO_DEVICE;
	f->account = port->account;
	f->segment = port->segment;
	v = find_segment(f->segment, &seg);
	if (v)
		return v;
	v = check_plain(f, f->data, seg);
	if (v)
		return v;
	if (f->data + ETHERNET_BYTES > f->end)
		return DROP_SHORT;
	to = find_mac(f->segment, f->data);
	if (!to)
		return PASS_UP;
	if (to->kind == FDB_REMOTE)
		return to_remote(f, seg, to->target);
	v = find_port(f, to, &to_port);
	return v ? v : deliver(f, to_port);
}

#endif

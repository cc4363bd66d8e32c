/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Learning, TC only: what a frame says of its source becomes an event, unless the tables say the same. The daemon decides.
 */
#ifndef WEFT_LEARN_H
#define WEFT_LEARN_H

#include "report.h"

/*
 * A guest that passes on what others sent may be sent super-frames only clean of the tunnel's marks (decap.h): the device
 * behind it may be unable to cut one that has them.
 */
static __always_inline void note_router(const struct frame *f, struct fdb_entry *entry)
{
	__u8 ttl;

	if (f->flags & FRAME_FROM_REMOTE || entry->flags & FDB_ROUTER)
		return;
	ttl = tcp_ttl(f->data, f->end);
	if (ttl && !is_initial_ttl(ttl))
		entry->flags |= FDB_ROUTER;
}

/* The frame's source MAC is behind the port or remote it came from. */
static __always_inline void learn_source(struct frame *f, const struct segment *seg)
{
	struct fdb_entry *entry;
	struct event *e;
	const void *mac = f->data + 6;

	if (f->data + ETHERNET_BYTES > f->end)
		return;
	entry = find_mac(f->segment, mac);
	if (entry && entry_agrees(f, entry)) {
		stamp(&entry->used_s);
		note_router(f, entry);
		return;
	}
	if (!(seg->flags & SEGMENT_LEARNING))
		return;
	e = begin_event(f, EVENT_LEARN_MAC);
	if (!e)
		return;
	copy_mac(e->mac, mac);
	send_unless_recent(f->ctx, e, whereabouts(f));
}

/* An ARP or ND message said that `ip` has `mac`. override: it may replace another binding (ARP, an NA with O=1). */
static __always_inline void learn_neighbor(struct frame *f, const struct segment *seg, const struct neighbor_key *said,
					   const __u8 *mac, int override)
{
	struct neighbor *known = bpf_map_lookup_elem(&neighbors, said);
	struct event *e;

	/* Behind all remotes that are proxies there is one MAC: then the remote tells them apart. */
	if (known && same_mac(known->mac, mac) && (!known->nexthop || known->nexthop == f->nexthop)) {
		stamp(&known->used_s);
		return;
	}
	if (!(seg->flags & SEGMENT_LEARNING))
		return;
	e = begin_event(f, EVENT_LEARN_NEIGHBOR);
	if (!e)
		return;
	if (override)
		e->flags |= EVENT_FLAG_OVERRIDE;
	e->ip = said->ip;
	copy_mac(e->mac, mac);
	send_unless_recent(f->ctx, e, whereabouts(f));
}

#endif

/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * What ARP and ND have in common: whether a question is answered on this host, and from whom is learned (RFC 9161).
 */
#ifndef WEFT_RESOLVE_H
#define WEFT_RESOLVE_H

#include "flood.h"
#include "learn.h"
#include "limit.h"

struct question {
	const struct neighbor_key *target;
	const void *asker; /* Ethernet source of the frame, within it */
	const void *said;  /* the MAC that the message itself gives for the asker */
	int to_all;        /* broadcast or multicast */
	int announcement;  /* the asker asks for its own address: no question at all */
};

/* A tagged frame belongs to a network of the guest's own, of which the tables know nothing. */
static __always_inline int is_ours_to_resolve(const struct frame *f)
{
	return f->protocol != 0;
}

static __always_inline int within_arp_limit(const struct frame *f)
{
	return limit_take(f->account, LIMIT_ARP, settings.arp_interval_ns, settings.arp_burst);
}

/*
 * A local owner hears the question and answers itself where the host can be told to keep it in (strict), and where it is
 * behind the asker's own port. A learned binding whose MAC is in the FDB no more is stale: the host may have moved away
 * or gone, so the question goes out as if nothing were known.
 */
static __always_inline int speaks_for(const struct frame *f, const struct segment *seg, const struct neighbor *owner)
{
	const struct fdb_entry *entry = find_mac(f->segment, owner->mac);

	if (!entry)
		return owner->origin != ORIGIN_DYNAMIC || owner->nexthop;
	if (entry->kind != FDB_PORT)
		return 1;
	return !(seg->flags & SEGMENT_ARP_STRICT) && entry->target != f->ifindex;
}

/*
 * 1 and the owner's MAC if the question is answered here. Suppress answers what went to all and leaves the rest alone (a
 * unicast question checks that the very host is there). Strict answers those too, since none may leave the host. A host
 * that asks for its own address must not be told it is taken (RFC 5227 §2.1.1).
 */
static __always_inline int find_answer(struct frame *f, const struct segment *seg, const struct question *q, __u8 *mac)
{
	const struct neighbor *owner;

	if (seg->flags & SEGMENT_ARP_STRICT)
		f->flags |= FRAME_LOCAL_ONLY;
	else if (!(seg->flags & SEGMENT_ARP_SUPPRESS) || !q->to_all)
		return 0;
	if (q->announcement)
		return 0;
	owner = bpf_map_lookup_elem(&neighbors, q->target);
	if (!owner || same_mac(owner->mac, q->asker) || same_mac(owner->mac, q->said) || !speaks_for(f, seg, owner))
		return 0;
	copy_mac(mac, owner->mac);
	return 1;
}

/* Strict: a question to all reaches the segment's ports on this host, besides being answered from the table. */
static __always_inline void tell_local_ports(struct frame *f, const struct segment *seg, const struct question *q)
{
	if ((seg->flags & SEGMENT_ARP_STRICT) && q->to_all)
		flood_to_ports(f);
}

#endif

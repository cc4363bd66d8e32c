/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Learning, TC only: what a frame says of its source becomes an event, unless the tables say the same. The daemon decides.
 * An entry that is confirmed is stamped at most once a second.
 */
#ifndef WEFT_LEARN_H
#define WEFT_LEARN_H

#include <linux/errno.h>

#include "lookup.h"

#define NS_PER_S  1000000000ULL
#define NS_PER_MS 1000000ULL

enum { HEADER4_DESTINATION = 30, HEADER6_DESTINATION = 38 }; /* of the outer IP, in nexthop.header */

/* Multiplied to compare, since a 64-bit division for each packet costs more than the rest of this. */
static __always_inline void stamp(__u32 *used_s)
{
	__u64 now = bpf_ktime_get_coarse_ns();

	if (now - *used_s * NS_PER_S >= NS_PER_S)
		*used_s = now / NS_PER_S;
}

static __always_inline void count_loss(long error)
{
	__u32 index = error == -ENOENT ? LOSS_NO_READER : error == -ENOSPC ? LOSS_RING_FULL : LOSS_OTHER;
	__u64 *count = bpf_map_lookup_elem(&event_losses, &index);

	if (count)
		(*count)++;
}

/* 0 once the daemon has it. frame_bytes of the frame follow the struct. */
static __always_inline long send_event(struct frame *f, struct event *e)
{
	long error = bpf_perf_event_output(f->ctx, &events, BPF_F_CURRENT_CPU | (__u64)e->frame_bytes << 32, e, sizeof(*e));

	if (error)
		count_loss(error);
	return error;
}

/* Where a frame came from, as one word: what `recent` compares. Remotes in no table differ by their address. */
static __always_inline __u32 whereabouts(const struct frame *f)
{
	if (!(f->flags & FRAME_FROM_REMOTE))
		return f->ifindex;
	return f->nexthop ? f->nexthop : ((const __u32 *)&f->source)[3];
}

/*
 * An event that repeats what the last one said is held back for EVENT_REPEAT_MS; one that says something new never is.
 * Only what got out is remembered.
 */
static __always_inline void send_unless_recent(struct frame *f, struct event *e, const struct recent_key *key)
{
	struct recent fresh = {.at_ns = bpf_ktime_get_coarse_ns(), .where = whereabouts(f)};
	const struct recent *last = bpf_map_lookup_elem(&recent, key);

	copy_mac(fresh.mac, e->mac);
	if (last && fresh.at_ns - last->at_ns < EVENT_REPEAT_MS * NS_PER_MS && last->where == fresh.where &&
	    same_mac(last->mac, fresh.mac))
		return;
	if (send_event(f, e) == 0)
		bpf_map_update_elem(&recent, key, &fresh, BPF_ANY);
}

static __always_inline void fill_event(const struct frame *f, struct event *e, __u16 type)
{
	e->type = type;
	e->segment = f->segment;
	e->ifindex = f->ifindex;
	e->source = f->source;
	e->nexthop = f->nexthop;
	e->flags = f->flags & FRAME_FROM_REMOTE ? EVENT_FLAG_TUNNEL : 0;
}

/* An entry may name the same VTEP by another next hop, where the VNI differs per remote; so look at the address too. */
static __always_inline int leads_to(__u32 id, const struct ip_address *vtep)
{
	const struct nexthop *hop = bpf_map_lookup_elem(&nexthops, &id);
	const __u32 *address = (const __u32 *)vtep;
	const __u16 *at;

	if (!hop)
		return 0;
	if (!underlay_is_ipv6()) {
		at = (const __u16 *)(hop->header + HEADER4_DESTINATION);
		return (at[0] | (__u32)at[1] << 16) == address[3];
	}
	at = (const __u16 *)(hop->header + HEADER6_DESTINATION);
	return (at[0] | (__u32)at[1] << 16) == address[0] && (at[2] | (__u32)at[3] << 16) == address[1] &&
	       (at[4] | (__u32)at[5] << 16) == address[2] && (at[6] | (__u32)at[7] << 16) == address[3];
}

static __always_inline int entry_agrees(const struct frame *f, const struct fdb_entry *entry)
{
	if (!(f->flags & FRAME_FROM_REMOTE))
		return entry->kind == FDB_PORT && entry->target == f->ifindex;
	if (entry->kind != FDB_REMOTE)
		return 0;
	return (f->nexthop && entry->target == f->nexthop) || leads_to(entry->target, &f->source);
}

/* The frame's source MAC is behind the port or remote it came from. */
static __always_inline void learn_source(struct frame *f, const struct segment *seg)
{
	struct recent_key key = {.segment = f->segment, .type = EVENT_LEARN_MAC};
	struct event e = {};
	struct fdb_entry *entry;
	const void *mac = f->data + 6;

	if (f->data + ETHERNET_BYTES > f->end)
		return;
	entry = find_mac(f->segment, mac);
	if (entry && entry_agrees(f, entry)) {
		stamp(&entry->used_s);
		return;
	}
	if (!(seg->flags & SEGMENT_LEARNING))
		return;
	fill_event(f, &e, EVENT_LEARN_MAC);
	copy_mac(e.mac, mac);
	copy_mac(key.id.bytes, mac);
	send_unless_recent(f, &e, &key);
}

/* An ARP or ND message said that `ip` has `mac`. override: it may replace another binding (ARP, an NA with O=1). */
static __always_inline void learn_neighbor(struct frame *f, const struct segment *seg, const struct neighbor_key *said,
					   const __u8 *mac, int override)
{
	struct recent_key key = {.segment = f->segment, .type = EVENT_LEARN_NEIGHBOR, .id = said->ip};
	struct neighbor *known = bpf_map_lookup_elem(&neighbors, said);
	struct event e = {};

	if (known && same_mac(known->mac, mac)) {
		stamp(&known->used_s);
		return;
	}
	if (!(seg->flags & SEGMENT_LEARNING))
		return;
	fill_event(f, &e, EVENT_LEARN_NEIGHBOR);
	if (override)
		e.flags |= EVENT_FLAG_OVERRIDE;
	e.ip = said->ip;
	copy_mac(e.mac, mac);
	send_unless_recent(f, &e, &key);
}

#endif

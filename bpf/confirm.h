/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Whether the tables say of a frame's source what the frame says itself. An entry that is confirmed is stamped at most
 * once a second. Both hooks.
 */
#ifndef WEFT_CONFIRM_H
#define WEFT_CONFIRM_H

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
	if (f->flags & FRAME_FROM_VLAN)
		return entry->kind == FDB_CIRCUIT && entry->target == f->circuit;
	if (!(f->flags & FRAME_FROM_REMOTE))
		return entry->kind == FDB_PORT && entry->target == f->ifindex;
	if (entry->kind != FDB_REMOTE)
		return 0;
	return (f->nexthop && entry->target == f->nexthop) || leads_to(entry->target, &f->source);
}

#endif

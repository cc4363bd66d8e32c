/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Table look-ups, each with the verdict of its absence where there is one. */
#ifndef WEFT_LOOKUP_H
#define WEFT_LOOKUP_H

#include "config.h"
#include "fdb.h"
#include "packet.h"
#include "tables.h"
#include "verdict.h"

static __always_inline struct device *device_of(__u32 ifindex)
{
	return bpf_map_lookup_elem(&devices, &ifindex);
}

/* Its port group, `bind` or access rules have a say in what it sends, */
static __always_inline int is_governed(const struct device *port)
{
	return port->policy || port->flags & (DEVICE_BOUND | DEVICE_RULES);
}

/* and in what it gets. */
static __always_inline int is_guarded(const struct device *port)
{
	return port->policy || port->flags & DEVICE_RULES;
}

/* Of weft's own on a VLAN: of a bridge, or among a switch's uplinks. A guest of the VLAN has no business with them. */
static __always_inline int is_hello(const struct frame *f)
{
	const struct hello *hello = f->data;

	return (void *)(hello + 1) <= f->end && hello->protocol == bpf_htons(CHECK_PROTOCOL) &&
	       (hello->magic == bpf_htonl(HELLO_MAGIC) || hello->magic == bpf_htonl(BEACON_MAGIC));
}

static __always_inline __must_check enum verdict find_segment(__u32 index, const struct segment **seg)
{
	*seg = bpf_map_lookup_elem(&segments, &index);
	if (!*seg || !((*seg)->flags & SEGMENT_IN_USE))
		return DROP_NO_SEGMENT;
	return CONTINUE;
}

static __always_inline int has_gateway(const struct segment *seg)
{
	return has_routing() && seg->flags & SEGMENT_GATEWAY;
}

static __always_inline struct neighbor *find_neighbor(__u16 segment, const struct ip_address *ip)
{
	struct neighbor_key key = {.segment = segment, .ip = *ip};

	return bpf_map_lookup_elem(&neighbors, &key);
}

static __always_inline __must_check enum verdict find_nexthop(__u32 id, const struct nexthop **hop)
{
	*hop = bpf_map_lookup_elem(&nexthops, &id);
	if (!*hop || !((*hop)->flags & NEXTHOP_IN_USE))
		return DROP_NO_NEXTHOP;
	return CONTINUE;
}

/* The segment of a VNI that came in, and whether its sender may speak there. Fills in the frame's account. */
static __always_inline __must_check enum verdict find_sender(struct frame *f, __u32 vni, const struct segment **seg)
{
	struct remote_key key = {.address = f->source};
	const struct remote *remote;
	const __u32 *index;
	enum verdict v;

	index = bpf_map_lookup_elem(&vnis, &vni);
	if (!index)
		return DROP_UNKNOWN_VNI;
	v = find_segment(*index, seg);
	if (v)
		return DROP_UNKNOWN_VNI;
	f->segment = *index;
	f->account = (*seg)->account;
	key.segment = *index;
	remote = bpf_map_lookup_elem(&remotes, &key);
	if (remote)
		f->nexthop = remote->nexthop;
	else if (!(settings.flags & CONFIG_ACCEPT_ANY))
		return DROP_UNKNOWN_SOURCE;
	return CONTINUE;
}

#endif

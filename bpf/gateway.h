/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * What is the gateway's of a segment, TC only: its MAC and addresses, which are the same on every host, and the gateways
 * elsewhere that asked for an address of this host's guests. A guest answers a question of the gateway to the gateway,
 * which is here; so the answer is relayed to who asked.
 */
#ifndef WEFT_GATEWAY_H
#define WEFT_GATEWAY_H

#include "flood.h"
#include "way.h"

static __always_inline const struct gateway *gateway_of(const struct segment *seg, __u16 segment)
{
	__u32 index = segment;
	const struct gateway *gateway;

	if (!has_gateway(seg))
		return 0;
	gateway = bpf_map_lookup_elem(&gateways, &index);
	return gateway && gateway->domain ? gateway : 0;
}

static __always_inline int is_to_gateway(const struct frame *f, const struct gateway *gateway)
{
	return f->data + ETHERNET_BYTES <= f->end && same_mac(f->data, gateway->mac);
}

static __always_inline int is_from_gateway(const struct frame *f, const struct gateway *gateway)
{
	return f->data + ETHERNET_BYTES <= f->end && same_mac(f->data + 6, gateway->mac);
}

/* --- addresses ------------------------------------------------------------------------------------------------------ */

/* Whether it is the gateway's own in this segment. */
__weak __noinline int is_own_address(const struct neighbor_key *said, __u32 domain)
{
	const struct route *route;
	struct route_key key;

	if (!said)
		return 0;
	fill_route_key(&key, domain, said->segment, &said->ip);
	route = bpf_map_lookup_elem(&host_routes, &key);
	return route && route->kind == ROUTE_LOCAL && route->target == said->segment;
}

/* --- who asked ------------------------------------------------------------------------------------------------------ */

/* The gateway behind that next hop wants to know who has the address. One that finds no room asks again. */
__weak __noinline int note_asker(const struct neighbor_key *wanted, __u32 nexthop)
{
	struct askers fresh = {.at_ns = bpf_ktime_get_coarse_ns(), .nexthops = {nexthop}};
	struct neighbor_key key;
	struct askers *known;
	int i;

	if (!wanted || !nexthop)
		return 0;
	key = *wanted; /* to Linux 6.1 an argument is no key */
	known = bpf_map_lookup_elem(&askers, &key);
	if (!known || fresh.at_ns - known->at_ns > ASKER_MS * NS_PER_MS)
		return bpf_map_update_elem(&askers, &key, &fresh, BPF_ANY) == 0;
	known->at_ns = fresh.at_ns;
	for (i = 0; i < ASKER_SLOTS; i++) {
		if (known->nexthops[i] == nexthop)
			return 1;
		if (!known->nexthops[i]) {
			known->nexthops[i] = nexthop;
			return 1;
		}
	}
	return 0;
}

/* Copies of an answer, that has grown, to all that asked. */
static long copy_to_asker(__u32 i, struct copies *copies)
{
	const struct askers *asking = copies->asking;

	if (asking && i < ASKER_SLOTS && asking->nexthops[i])
		copy_behind_header(copies, asking->nexthops[i]);
	return 0;
}

__weak __noinline int relay(struct __sk_buff *skb, const struct neighbor_key *answered)
{
	struct copies copies = {.skb = skb};
	const struct segment *seg;
	struct neighbor_key key;

	if (!answered || find_segment(answered->segment, &seg))
		return 0;
	key = *answered;
	copies.nvgre = is_nvgre_segment(seg) ? 1 : 0;
	copies.asking = bpf_map_lookup_elem(&askers, &key);
	if (!copies.asking || bpf_ktime_get_coarse_ns() - copies.asking->at_ns > ASKER_MS * NS_PER_MS)
		return 0;
	if (!grow_for_copies(&copies))
		return 0;
	bpf_loop(ASKER_SLOTS, copy_to_asker, &copies, 0);
	bpf_map_delete_elem(&askers, &key);
	return copies.sent;
}

/* An answer to the gateway, that was learned from. The frame ends here, after those that asked for it have it. */
static __always_inline __must_check enum verdict take_answer(struct frame *f)
{
	f->flags |= FRAME_ANSWER;
	return DROP_FOR_GATEWAY;
}

/* --- local proxy: the gateway answers for everybody, and asks for them in its own name ------------------------------------- */

static __always_inline int is_proxy(const struct gateway *gateway)
{
	return gateway->flags & GATEWAY_LOCAL_PROXY;
}

/* The daemon asks the segment for the sender's sake, or tells it that the sender is here. */
static __always_inline void ask_for(struct frame *f, const struct scratch *said)
{
	struct event *e = begin_event(f, EVENT_ASK);

	if (!e)
		return;
	e->source = said->sender.ip;
	e->ip = said->target.ip;
	send_unless_recent(f->ctx, e, whereabouts(f));
}

/* --- answers of the gateway ------------------------------------------------------------------------------------------ */

/* By the way the frame came. */
static __always_inline __must_check enum verdict return_to_sender(struct frame *f, enum verdict v)
{
	const struct nexthop *hop;
	enum verdict error;

	if (!(f->flags & FRAME_FROM_REMOTE)) {
		send_back(f);
		return v;
	}
	error = find_nexthop(f->nexthop, &hop);
	if (error)
		return error;
	error = send_to_remote(f, hop, f->nexthop);
	return error == TX_REMOTE || error == TX_REMOTE_DEVICE ? v : error;
}

#endif

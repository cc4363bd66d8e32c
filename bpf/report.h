/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Events for the daemon, TC only: what is said again within EVENT_REPEAT_MS is held back, what gets lost is counted. */
#ifndef WEFT_REPORT_H
#define WEFT_REPORT_H

#include <linux/errno.h>

#include "confirm.h"
#include "scratch.h"

static __always_inline void count_loss(long error)
{
	__u32 index = error == -ENOENT ? LOSS_NO_READER : error == -ENOSPC ? LOSS_RING_FULL : LOSS_OTHER;
	__u64 *count = bpf_map_lookup_elem(&event_losses, &index);

	if (count)
		(*count)++;
}

/* 0 once the daemon has it. frame_bytes of the frame follow the struct. */
static __always_inline long send_event(hook_context *ctx, struct event *e)
{
	long error = bpf_perf_event_output(ctx, &events, BPF_F_CURRENT_CPU | (__u64)e->frame_bytes << 32, e, sizeof(*e));

	if (error)
		count_loss(error);
	return error;
}

static __always_inline void fill_recent_key(struct recent_key *key, const struct event *e)
{
	__builtin_memset(key, 0, sizeof(*key));
	key->segment = e->segment;
	key->type = e->type;
	if (e->type == EVENT_LEARN_MAC)
		copy_mac(key->id.bytes, e->mac);
	else if (e->type == EVENT_LEARN_NEIGHBOR || e->type == EVENT_ASK)
		key->id = e->ip;
	else
		*(__u32 *)key->id.bytes = e->nexthop;
}

/*
 * An event that repeats what the last one said is held back for EVENT_REPEAT_MS; one that says something new never is.
 * Only what got out is remembered. A function of its own for the verifier, which then looks at it once.
 */
__weak __noinline int send_unless_recent(hook_context *ctx, struct event *e, __u32 where)
{
	struct recent fresh = {.at_ns = bpf_ktime_get_coarse_ns(), .where = where};
	const struct recent *last;
	struct recent_key key;

	if (!e)
		return 0;
	fill_recent_key(&key, e);
	copy_mac(fresh.mac, e->mac);
	last = bpf_map_lookup_elem(&recent, &key);
	if (last && fresh.at_ns - last->at_ns < EVENT_REPEAT_MS * NS_PER_MS && last->where == fresh.where &&
	    same_mac(last->mac, fresh.mac))
		return 0;
	if (send_event(ctx, e) == 0)
		bpf_map_update_elem(&recent, &key, &fresh, BPF_ANY);
	return 0;
}

/* The event, in scratch memory, as far as the frame's way tells; null there is never, but the verifier wants it asked. */
static __always_inline struct event *begin_event(const struct frame *f, __u16 type)
{
	struct scratch *scratch = scratch_of_cpu();

	if (!scratch)
		return 0;
	scratch->event = (struct event){
		.type = type,
		.segment = f->segment,
		.ifindex = f->ifindex,
		.source = f->source,
		.nexthop = f->nexthop,
		.circuit = f->circuit,
		.flags = f->flags & FRAME_FROM_REMOTE ? EVENT_FLAG_TUNNEL : 0,
	};
	return &scratch->event;
}

/* Where a frame came from, as one word: what `recent` compares. Remotes in no table differ by their address. */
static __always_inline __u32 whereabouts(const struct frame *f)
{
	if (f->flags & FRAME_FROM_VLAN)
		return WHERE_CIRCUIT | f->circuit;
	if (!(f->flags & FRAME_FROM_REMOTE))
		return f->ifindex;
	return f->nexthop ? f->nexthop : ((const __u32 *)&f->source)[3];
}

#endif

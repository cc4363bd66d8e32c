/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The one counted door: leave() alone counts a verdict and alone returns an action. What a verdict does is in its name.
 */
#ifndef WEFT_VERDICT_H
#define WEFT_VERDICT_H

#include "packet.h"
#include "tables.h"

/* One bit per verdict whose name starts with the letter; folded at compile time. */
#define VERDICT_BIT(name, number, letter, word)                                                                       \
	((#name[0] == letter && (number) / 64 == (word)) ? 1ULL << ((number) % 64) : 0)

static __always_inline int verdict_is(enum verdict v, char letter)
{
#define X(name, number, help) | VERDICT_BIT(name, number, letter, 0)
	const __u64 low = 0 WEFT_VERDICTS(X);
#undef X
#define X(name, number, help) | VERDICT_BIT(name, number, letter, 1)
	const __u64 high = 0 WEFT_VERDICTS(X);
#undef X

	return ((v < 64 ? low : high) >> (v & 63)) & 1;
}

static __always_inline void add_to(struct tally *tally, __u32 packets, __u32 bytes)
{
	tally->packets += packets;
	tally->bytes += bytes;
}

static __always_inline void tally_add(void *per_cpu_array, __u32 index, __u32 packets, __u32 bytes)
{
	struct tally *tally = bpf_map_lookup_elem(per_cpu_array, &index);

	if (tally)
		add_to(tally, packets, bytes);
}

/* A frame from the underlay that reached no segment counts for its uplink; looked up only here, off the fast path. */
static __always_inline __u32 account_of(const struct frame *f)
{
	__u32 ifindex = f->ifindex;
	const struct device *device;

	if (f->account)
		return f->account;
	device = bpf_map_lookup_elem(&devices, &ifindex);
	return device ? device->account : 0;
}

static __always_inline void count(const struct frame *f, enum verdict v)
{
	__u32 account = account_of(f);
	struct tallies *row = bpf_map_lookup_elem(&counters, &account);

	if (row)
		add_to(&row->by_verdict[v & (MAX_VERDICTS - 1)], 1, f->bytes);
}

static __always_inline int leave(struct frame *f, enum verdict v)
{
	count(f, v);
	if (verdict_is(v, 'T'))
		return f->action;
	if (verdict_is(v, 'P'))
		return hook_pass(v);
	return HOOK_DROP;
}

#endif

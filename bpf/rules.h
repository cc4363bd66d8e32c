/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The classifier, TC only: which rule of a list is the best for a packet. It costs by the shapes of the list, not by its
 * rules (abi_rules.h). The packet and what was found are in scratch memory, since a whole chain of calls shares the stack.
 */
#ifndef WEFT_RULES_H
#define WEFT_RULES_H

#include "packet.h"
#include "scratch.h"
#include "tables.h"
#include "verdict.h"

#define NO_RANK (~0U)

/* --- what the packet is ------------------------------------------------------------------------------------------------ */

/* A function of its own: the verifier looks at a reader of headers once for each of its callers' states. */
static __noinline enum reading try_tuple(const void *data, const void *end, struct look_up *l)
{
	return read_tuple(data, end, &l->tuple, &l->quoted);
}

static __always_inline int wants_more(const struct look_up *l, enum reading reading)
{
	if (reading == TUPLE_CUT)
		return 1;
	return reading == TUPLE_IS && (l->tuple.flags & (TUPLE_ERROR | TUPLE_QUOTES)) == TUPLE_ERROR;
}

/* Reads the frame into scratch memory: enum reading, without TUPLE_CUT. It may pull headers. */
__weak __noinline int take_tuple(struct __sk_buff *skb)
{
	struct scratch *scratch = scratch_of_cpu();
	void *data = (void *)(long)skb->data, *end = (void *)(long)skb->data_end;
	enum reading reading;
	struct look_up *l;

	if (!scratch)
		return TUPLE_BROKEN;
	l = &scratch->look_up;
	l->bytes = skb->len;
	reading = try_tuple(data, end, l);
	if (wants_more(l, reading) && (__u64)(end - data) < skb->len) {
		bpf_skb_pull_data(skb, skb->len < HEADER_PULL_BYTES ? skb->len : HEADER_PULL_BYTES);
		reading = try_tuple((void *)(long)skb->data, (void *)(long)skb->data_end, l);
	}
	return reading == TUPLE_CUT ? TUPLE_BROKEN : reading;
}

/* --- the best rule ------------------------------------------------------------------------------------------------------ */

struct search {
	const struct rule_list *list;
	struct look_up *l;
	__u32 row;
};

/* Not unrolled: its words would all be on the stack at once. */
static __always_inline void mask_address(struct ip_address *to, const struct ip_address *from, __u8 bits)
{
	int i;

	_Pragma("clang loop unroll(disable)")
	for (i = 0; i < 4; i++) {
		__s32 left = (__s32)bits - 32 * i;
		__be32 mask = 0;

		if (left >= 32)
			mask = ~0U;
		else if (left > 0)
			mask = bpf_htonl(~(~0U >> left));
		((__be32 *)to)[i] = ((const __be32 *)from)[i] & mask;
	}
}

static __always_inline __be16 mask_port(__be16 port, __u8 bits)
{
	return port & bpf_htons(0xffff0000U >> (bits & 31));
}

static __always_inline void fill_rule_key(struct rule_key *key, const struct tuple *t, const struct rule_shape *shape)
{
	key->protocol = shape->flags & SHAPE_PROTOCOL ? t->protocol : 0;
	key->dscp = shape->flags & SHAPE_DSCP ? t->dscp : 0;
	key->family = shape->family;
	key->source_port = mask_port(t->source_port, shape->source_port_bits);
	key->destination_port = mask_port(t->destination_port, shape->destination_port_bits);
	mask_address(&key->source, &t->source, shape->source_bits);
	mask_address(&key->destination, &t->destination, shape->destination_bits);
}

static long try_shape(__u32 i, struct search *s)
{
	const struct rule_shape *shape;
	struct look_up *l = s->l;
	const struct rule *rule;

	if (i >= MAX_SHAPES)
		return 1;
	shape = &s->list->shape[i];
	if (l->found.rank <= shape->best_rank)
		return 1; /* and so is all that follows */
	if (shape->family && shape->family != l->tuple.family)
		return 0;
	if (shape->flags & SHAPE_PORTS && l->tuple.flags & TUPLE_FRAGMENT)
		return 0;
	l->key.list = s->row;
	l->key.shape = i;
	fill_rule_key(&l->key, &l->tuple, shape);
	rule = bpf_map_lookup_elem(&rules, &l->key);
	if (rule && rule->rank < l->found.rank)
		l->found = *rule;
	return 0;
}

/* 1: `found` in scratch memory is the best rule of the list for the packet there. */
__weak __noinline int classify(__u32 row)
{
	struct scratch *scratch = scratch_of_cpu();
	struct search s = {.row = row};

	if (!scratch)
		return 0;
	s.list = bpf_map_lookup_elem(&rule_lists, &row);
	if (!s.list || !(s.list->flags & RULES_IN_USE))
		return 0;
	s.l = &scratch->look_up;
	s.l->found.rank = NO_RANK;
	bpf_loop(s.list->shapes, try_shape, &s, 0);
	return s.l->found.rank != NO_RANK;
}

static __always_inline void count_rule(__u32 counter, const struct look_up *l)
{
	tally_add(&rule_counters, counter, 1, l->bytes);
}

#endif

/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Access rules, TC only: whether a packet may pass at a port, and the connections that stateful rules let through. "Near"
 * is who is behind the port, "far" whoever it talks to. Sequence numbers are not looked at.
 */
#ifndef WEFT_ACL_H
#define WEFT_ACL_H

#include "confirm.h"
#include "rules.h"

/* Of silence, after which a connection is forgotten: as nf_conntrack has them, an established one's as RFC 5382 asks for. */
enum {
	TCP_NEW_S = 30,
	TCP_ESTABLISHED_S = 7440,
	TCP_CLOSING_S = 120,
	TCP_RESET_S = 10,
	UDP_NEW_S = 30,
	UDP_ESTABLISHED_S = 180,
	ICMP_S = 30,
	OTHER_S = 600,
};

/* --- connections -------------------------------------------------------------------------------------------------------- */

static __always_inline __u64 timeout_ns(const struct flow *flow, __u8 protocol)
{
	if (protocol == PROTOCOL_TCP) {
		if (flow->state == FLOW_ESTABLISHED)
			return TCP_ESTABLISHED_S * NS_PER_S;
		if (flow->state == FLOW_NEW)
			return TCP_NEW_S * NS_PER_S;
		return (flow->flags & FLOW_RESET ? TCP_RESET_S : TCP_CLOSING_S) * NS_PER_S;
	}
	if (protocol == PROTOCOL_UDP)
		return (flow->state == FLOW_NEW ? UDP_NEW_S : UDP_ESTABLISHED_S) * NS_PER_S;
	if (protocol == PROTOCOL_ICMP || protocol == PROTOCOL_ICMP6)
		return ICMP_S * NS_PER_S;
	return OTHER_S * NS_PER_S;
}

static __always_inline void fill_flow_key(struct flow_key *key, __u32 at, const struct tuple *t, __u32 to_port)
{
	key->at = at;
	key->protocol = t->protocol;
	key->near_port = to_port ? t->destination_port : t->source_port;
	key->far_port = to_port ? t->source_port : t->destination_port;
	key->near = to_port ? t->destination : t->source;
	key->far = to_port ? t->source : t->destination;
}

/* Whether its time is over, or somebody begins a new one in its place. */
static __always_inline int has_ended(const struct flow *flow, const struct tuple *t, __u64 now)
{
	if ((__s64)(now - flow->seen_ns) > (__s64)timeout_ns(flow, t->protocol))
		return 1;
	return flow->state == FLOW_CLOSING && t->flags & TUPLE_OPENS;
}

/* The row whose rules decide about what began as this connection did. */
static __always_inline __u16 list_for(const struct flow *flow, const struct acl *now)
{
	return flow->flags & FLOW_BY_NEAR ? now->from_port : now->to_port;
}

static __always_inline void turn_round(struct tuple *t)
{
	struct ip_address source = t->source;
	__be16 port = t->source_port;

	t->source = t->destination;
	t->destination = source;
	t->source_port = t->destination_port;
	t->destination_port = port;
}

/* The rules have changed since: would it be let through as it began? */
static __always_inline int may_go_on(struct flow *flow, struct look_up *l, __u16 row, int is_answer)
{
	int found;

	if (is_answer)
		turn_round(&l->tuple);
	found = row && classify(row);
	if (is_answer)
		turn_round(&l->tuple);
	if (!found || l->found.action != RULE_ALLOW || !(l->found.flags & RULE_STATEFUL))
		return 0;
	flow->list = row;
	flow->rule = l->found.counter;
	return 1;
}

/* What one more packet of a TCP connection makes of it. */
static __always_inline void advance_tcp(struct flow *flow, const struct tuple *t, __u32 to_port, int is_answer)
{
	if (t->flags & TUPLE_RST)
		flow->flags |= FLOW_RESET;
	if (t->flags & TUPLE_FIN)
		flow->flags |= to_port ? FLOW_FIN_FAR : FLOW_FIN_NEAR;
	if (is_answer)
		flow->flags |= FLOW_ANSWERED;
	if (flow->flags & FLOW_RESET || (flow->flags & FLOW_FIN_NEAR && flow->flags & FLOW_FIN_FAR))
		flow->state = FLOW_CLOSING;
	else if (!is_answer && flow->flags & FLOW_ANSWERED && t->flags & TUPLE_ACK)
		flow->state = FLOW_ESTABLISHED;
}

/* One that ends lives no longer for what still comes. The time is written once a second, or with the state. */
static __always_inline void advance(struct flow *flow, const struct tuple *t, __u32 to_port, int is_answer, __u64 now)
{
	const __u8 before = flow->state;

	if (t->protocol == PROTOCOL_TCP)
		advance_tcp(flow, t, to_port, is_answer);
	else if (is_answer)
		flow->state = FLOW_ESTABLISHED;
	if (flow->state != before || (before != FLOW_CLOSING && now - flow->seen_ns >= NS_PER_S))
		flow->seen_ns = now;
}

/* Whether the packet is of a connection that was let through, or an error about one. */
static __always_inline int is_known(struct look_up *l, __u32 at, __u32 to_port)
{
	const int is_error = (l->tuple.flags & TUPLE_QUOTES) != 0;
	const __u64 now_ns = bpf_ktime_get_coarse_ns();
	struct flow *flow;
	int is_answer;

	if (l->tuple.flags & TUPLE_FRAGMENT || (l->tuple.flags & TUPLE_LOOSE && !is_error))
		return 0;
	fill_flow_key(&l->flow, at, is_error ? &l->quoted : &l->tuple, to_port);
	flow = bpf_map_lookup_elem(&flows, &l->flow);
	if (!flow || has_ended(flow, is_error ? &l->quoted : &l->tuple, now_ns))
		return 0;
	is_answer = (flow->flags & FLOW_BY_NEAR ? 1 : 0) == (to_port ? 1 : 0);
	if (flow->list != list_for(flow, &l->now) && (is_error || !may_go_on(flow, l, list_for(flow, &l->now), is_answer)))
		return 0;
	if (!is_error)
		advance(flow, &l->tuple, to_port, is_answer, now_ns);
	count_rule(flow->rule, l);
	return 1;
}

/* A stateful rule lets nothing into the middle of a TCP connection that it does not know. */
static __always_inline int begin_flow(struct look_up *l, __u32 at, __u16 row, __u32 to_port)
{
	if (l->tuple.flags & (TUPLE_FRAGMENT | TUPLE_LOOSE))
		return 1; /* nothing comes back that belongs to it */
	if (!(l->tuple.flags & TUPLE_OPENS))
		return 0;
	fill_flow_key(&l->flow, at, &l->tuple, to_port);
	l->fresh.seen_ns = bpf_ktime_get_coarse_ns();
	l->fresh.rule = l->found.counter;
	l->fresh.list = row;
	l->fresh.state = FLOW_NEW;
	l->fresh.flags = to_port ? 0 : FLOW_BY_NEAR;
	bpf_map_update_elem(&flows, &l->flow, &l->fresh, BPF_ANY);
	return 1;
}

/* --- the verdict ---------------------------------------------------------------------------------------------------------- */

static __always_inline const struct rule_list *list_of(__u32 row)
{
	return row ? bpf_map_lookup_elem(&rule_lists, &row) : 0;
}

static __always_inline int is_stateful(const struct rule_list *list)
{
	return list && list->flags & RULES_STATEFUL;
}

static __always_inline enum verdict apply_rule(struct look_up *l, __u32 at, __u16 row, __u32 to_port)
{
	count_rule(l->found.counter, l);
	if (l->found.action != RULE_ALLOW)
		return DROP_RULE;
	if (l->found.flags & RULE_STATEFUL && !begin_flow(l, at, row, to_port))
		return DROP_RULE;
	return CONTINUE;
}

static __always_inline enum verdict apply_default(const struct look_up *l, const struct rule_list *list)
{
	count_rule(0, l);
	if (list->flags & RULES_ALLOW)
		return CONTINUE;
	return l->tuple.flags & TUPLE_FRAGMENT ? DROP_RULE_FRAGMENT : DROP_RULE;
}

/* What the access rules of a port, or those of its segment, say of the packet in scratch memory. */
__weak __noinline int judge(__u32 at, __u32 to_port)
{
	const struct acl *acl = bpf_map_lookup_elem(&acls, &at);
	struct scratch *scratch = scratch_of_cpu();
	const struct rule_list *list;
	struct look_up *l;
	__u16 row;

	if (!acl || !scratch)
		return CONTINUE;
	l = &scratch->look_up;
	l->now = *acl;
	row = to_port ? l->now.to_port : l->now.from_port;
	if (is_stateful(list_of(l->now.from_port)) || is_stateful(list_of(l->now.to_port))) {
		if (is_known(l, at, to_port))
			return CONTINUE;
	}
	list = list_of(row);
	if (!list)
		return CONTINUE;
	if (!(list->flags & RULES_IN_USE))
		return DROP_RULE; /* taken away in this very moment */
	if (!classify(row))
		return apply_default(l, list);
	return apply_rule(l, at, row, to_port);
}

/* Both must allow it: the port's own rules, or its group's, and its segment's. `reading`: of take_tuple(). */
static __always_inline __must_check enum verdict obey(const struct device *port, int reading, __u32 to_port)
{
	const __u32 index = port->segment;
	enum verdict v;

	if (reading == TUPLE_NONE)
		return CONTINUE;
	if (reading)
		return DROP_RULE;
	v = judge(port->ifindex, to_port);
	return v ? v : judge(ACL_SEGMENT | index, to_port);
}

/* The frame of a port, or for it: a verdict, or CONTINUE. */
__weak __noinline int obey_rules(struct __sk_buff *skb, __u32 ifindex, __u32 to_port)
{
	const struct device *port = bpf_map_lookup_elem(&devices, &ifindex);

	if (!port)
		return DROP_NO_RECEIVER;
	return obey(port, take_tuple(skb), to_port);
}

#endif

/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Circuits: the VLANs of NICs that belong to segments, TC only. On the wire a frame has the circuit's tag, inside it has
 * none (a guest's own stays). Of several hosts that bridge a VLAN one is designated; for the others it does not exist, but
 * that what it brings and takes is counted.
 */
#ifndef WEFT_CIRCUIT_H
#define WEFT_CIRCUIT_H

#include "encap.h"
#include "report.h"
#include "role.h"
#include "tags.h"
#include "team.h"

#define FRESH_NS (2 * NS_PER_S)

/* 1: the frame has got the circuit's tag; 0: it has its own, or needs none; -1: no room, or no place for it there. */
static __always_inline int push_circuit_tag(struct __sk_buff *skb, const struct circuit *circuit, int tagged)
{
	if (circuit->flags & CIRCUIT_TRUNK && tagged)
		return 0;
	if (circuit->flags & CIRCUIT_NO_UNTAGGED)
		return -1;
	if (!circuit->vid)
		return 0;
	return bpf_skb_vlan_push(skb, circuit->protocol, circuit->vid) ? -1 : 1;
}

/* One frame to a VLAN. It is the circuit's own way back that is refused, as on a port. */
static __always_inline __must_check enum verdict send_to_circuit(struct frame *f, __u32 id)
{
	const struct circuit *circuit = find_circuit(id);
	__u32 ifindex;

	if (!circuit)
		return DROP_NO_RECEIVER;
	if (id == f->circuit)
		return DROP_SAME_PORT;
	if (!designated_since(circuit, id))
		return DROP_STANDBY;
	ifindex = uplink_for(circuit, f);
	if (!ifindex)
		return DROP_NO_UPLINK;
	if (push_circuit_tag(f->ctx, circuit, has_tag(f)) < 0)
		return DROP_NO_ROOM;
	tally_add(&deliveries, circuit->account, 1, frame_bytes(f));
	send_to(f, ifindex);
	return TX_VLAN;
}

/* --- from a VLAN ------------------------------------------------------------------------------------------------- */

/* The circuit of the frame's outermost tag, 0 if it is none of ours. */
static __always_inline __u32 circuit_of(const struct frame *f)
{
	struct vlan_key key = {.ifindex = f->ifindex};
	const struct ethernet_header *ethernet = f->data;
	const __u32 *id;

	if (!has_vlans())
		return 0;
	if (has_tag(f) && tag_vid(f)) {
		key.vid = tag_vid(f);
		key.protocol = f->ctx->vlan_present ? f->ctx->vlan_proto : 0;
		if (!key.protocol && (void *)(ethernet + 1) <= f->end)
			key.protocol = ethernet->protocol;
	}
	id = bpf_map_lookup_elem(&vlans, &key);
	return id ? *id : 0;
}

/* nexthop, circuit: where the frame's source was seen a moment ago, 0 if neither. */
static __always_inline void report_reflection(struct frame *f, __u32 nexthop, __u32 circuit)
{
	struct event *e = begin_event(f, EVENT_REFLECTION);

	if (!e)
		return;
	copy_mac(e->mac, f->data + 6);
	if (nexthop)
		e->nexthop = nexthop;
	if (circuit)
		e->circuit = circuit;
	send_unless_recent(f->ctx, e, whereabouts(f));
}

/* Seen within the last second, or up to two: a stamp holds whole seconds and is at most one behind. */
static __always_inline int is_fresh(const struct fdb_entry *entry)
{
	return bpf_ktime_get_coarse_ns() - entry->used_s * NS_PER_S < FRESH_NS;
}

/*
 * Where the frame's source was reported from a moment ago, if that was elsewhere: 0 if not. For a first broadcast, which
 * may come round before its source is learned.
 */
static __always_inline __u32 seen_elsewhere(const struct frame *f)
{
	struct recent_key key = {.segment = f->segment, .type = EVENT_LEARN_MAC};
	const struct recent *last;

	copy_mac(key.id.bytes, f->data + 6);
	last = bpf_map_lookup_elem(&recent, &key);
	if (!last || last->where == whereabouts(f) || bpf_ktime_get_coarse_ns() - last->at_ns >= NS_PER_S)
		return 0;
	return last->where;
}

/*
 * Behind a remote, but not since this second began, and not after the one in which this host took the role: the bridge
 * before it brought that, whose lease had ended by then.
 */
static __always_inline int is_predecessors(const struct fdb_entry *entry, const struct circuit *circuit, __u64 since_ns)
{
	const __u64 seen_ns = entry->used_s * NS_PER_S;

	return circuit->flags & CIRCUIT_ELECTED && entry->kind == FDB_REMOTE && seen_ns <= since_ns &&
	       bpf_ktime_get_coarse_ns() - seen_ns >= NS_PER_S;
}

/*
 * The daemon's own RARP for a guest whose share moved, which the physical switch floods to the other uplinks. It would make
 * a silent guest one of the VLAN's. Of a guest that has left this host meanwhile, the first frame tells.
 */
static __always_inline int is_own_rarp(const struct frame *f, const struct circuit *circuit, const struct fdb_entry *entry)
{
	const struct team *team = circuit->team ? find_team(circuit->team) : 0;

	if (!team || f->ctx->protocol != bpf_htons(ETH_P_RARP) || entry->kind != FDB_PORT)
		return 0;
	team = team_of_port(entry->target, team);
	return team && has_changed_within(team, ANNOUNCE_MS);
}

/*
 * A frame from a VLAN whose source was seen on this side a moment ago has come round: by another uplink of the team, by a
 * second designated bridge, or by a loop in the VLAN. Forwarded, it would go round for ever. Who really moved is silent
 * here soon after. What the bridge before us brought was seen behind its VTEP: a bridge that has just taken over
 * lets unicasts say that it is behind this VLAN now, and an elected one broadcasts too, as soon as they cannot be its copies.
 */
static __always_inline __must_check enum verdict check_reflection(struct frame *f, const struct circuit *circuit,
								  __u64 since_ns)
{
	const struct fdb_entry *entry;
	__u32 nexthop = 0;

	if (f->data + ETHERNET_BYTES > f->end)
		return DROP_SHORT;
	entry = find_mac(f->segment, f->data + 6);
	if (entry && is_own_rarp(f, circuit, entry))
		return DROP_TEAM_COPY;
	if (entry ? entry->kind == FDB_CIRCUIT || !is_fresh(entry) : !seen_elsewhere(f))
		return CONTINUE;
	if (entry && is_predecessors(entry, circuit, since_ns))
		return CONTINUE;
	if (entry && entry->kind == FDB_REMOTE)
		nexthop = entry->target;
	if ((!entry || nexthop) && !is_multicast(f->data) && bpf_ktime_get_ns() - since_ns < FRESH_NS)
		return CONTINUE;
	if (circuit->team)
		return DROP_TEAM_COPY; /* as every switch does with a broadcast that left by another uplink */
	report_reflection(f, nexthop, 0);
	return DROP_REFLECTION;
}

/*
 * A guest that was heard here a moment ago, and is behind a remote now. One that has migrated is believed by the first
 * frame to somebody who is known. What would be flooded is a copy of its own that another bridge brought: learned from, the
 * next one would go by the VLAN to that bridge, which brings it again, for ever.
 */
static __always_inline __must_check enum verdict check_homecomer(struct frame *f)
{
	if (!is_multicast(f->data) && find_mac(f->segment, f->data))
		return CONTINUE;
	report_reflection(f, 0, 0);
	return DROP_REFLECTION;
}

/*
 * The same from a remote: what we bridge from a VLAN, another bridges too. And what a guest here sent a moment ago does
 * not go to a VLAN again.
 */
static __always_inline __must_check enum verdict check_round_trip(struct frame *f)
{
	const struct fdb_entry *entry;
	const struct circuit *circuit;
	__u32 id = 0, where;

	if (f->data + ETHERNET_BYTES > f->end)
		return DROP_SHORT;
	entry = find_mac(f->segment, f->data + 6);
	if (entry) {
		if (entry->kind == FDB_REMOTE || !is_fresh(entry))
			return CONTINUE;
		id = entry->kind == FDB_CIRCUIT ? entry->target : 0;
	} else {
		where = seen_elsewhere(f);
		if (!where)
			return CONTINUE;
		id = where & WHERE_CIRCUIT ? where & ~WHERE_CIRCUIT : 0;
	}
	f->flags |= FRAME_NOT_TO_VLAN;
	if (!id)
		return check_homecomer(f);
	circuit = find_circuit(id);
	if (!circuit || !designated_since(circuit, id))
		return CONTINUE;
	report_reflection(f, 0, id);
	return DROP_REFLECTION;
}

/*
 * The circuit's own tag comes off. What has another then is a trunk's, if it came with that alone: behind the circuit's
 * tag it would be a frame that hops from one VLAN into another.
 */
static __always_inline __must_check enum verdict take_circuit_tag(struct frame *f, const struct circuit *circuit)
{
	if (!circuit->vid || !has_tag(f) || tag_vid(f) != circuit->vid)
		return CONTINUE;
	f->tag_protocol = circuit->protocol;
	f->tag_vid = circuit->vid;
	if (bpf_skb_vlan_pop(f->ctx))
		return DROP_NO_ROOM;
	frame_refresh(f);
	frame_pull_headers(f);
	return circuit->flags & CIRCUIT_TRUNK && has_tag(f) && tag_vid(f) ? DROP_VLAN : CONTINUE;
}

/* CONTINUE: a frame of the segment, its tag off, that this host is the one to carry. */
static __always_inline __must_check enum verdict enter_circuit(struct frame *f, __u32 id, const struct segment **seg)
{
	const struct circuit *circuit = find_circuit(id);
	enum verdict v;
	__u64 since_ns;

	if (!circuit)
		return DROP_NO_SEGMENT;
	f->flags |= FRAME_FROM_VLAN;
	f->circuit = id;
	f->account = circuit->account;
	f->segment = circuit->segment;
	v = find_segment(f->segment, seg);
	if (v)
		return v;
	v = take_circuit_tag(f, circuit);
	if (v)
		return v;
	if (take_hello(f, circuit, id))
		return DROP_HELLO;
	since_ns = designated_since(circuit, id);
	if (!since_ns)
		return DROP_STANDBY;
	if (is_team_copy(f, circuit))
		return DROP_TEAM_COPY;
	return check_reflection(f, circuit, since_ns);
}

#endif

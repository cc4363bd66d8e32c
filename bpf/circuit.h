/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Circuits: the VLANs of NICs that belong to segments, TC only. On the wire a frame has the circuit's tag, inside it has
 * none (a trunk's stays). Of several hosts that bridge a VLAN one is designated; for the others it does not exist, but
 * that what it brings and takes is counted.
 */
#ifndef WEFT_CIRCUIT_H
#define WEFT_CIRCUIT_H

#include "confirm.h"
#include "encap.h"
#include "hash.h"
#include "report.h"
#include "tags.h"

static __always_inline const struct circuit *find_circuit(__u32 id)
{
	const struct circuit *circuit = bpf_map_lookup_elem(&circuits, &id);

	return circuit && circuit->flags & CIRCUIT_IN_USE ? circuit : 0;
}

/*
 * When this host became the VLAN's designated bridge, 0 if it is not. An elected role is a lease, which lapses by itself
 * when nothing renews it, whoever died (from_vrrp_tc.bpf.c).
 */
static __always_inline __u64 designated_since(const struct circuit *circuit)
{
	const __u32 row = circuit->lease;
	const struct lease *lease;

	if (!(circuit->flags & CIRCUIT_ELECTED))
		return circuit->flags & CIRCUIT_DESIGNATED ? circuit->since_ns | 1 : 0;
	lease = bpf_map_lookup_elem(&leases, &row);
	if (!lease || !lease_holds(lease, bpf_ktime_get_ns()))
		return 0;
	return (lease->since_ns + LEASE_HOLD_MS * NS_PER_MS) | 1;
}

/* The NIC for this frame: a team's flows, guests or MACs each have a share. */
static __always_inline __u32 uplink_for(const struct circuit *circuit, const struct frame *f)
{
	const struct ports_header *source = f->data + 6;
	__u32 share = 0;

	if (circuit->flags & CIRCUIT_BY_FLOW)
		share = flow_hash(f->data, f->end) * 0x9e3779b1u >> 28;
	else if (circuit->flags & CIRCUIT_BY_PORT)
		share = f->ifindex;
	else if (circuit->flags & CIRCUIT_BY_MAC && f->data + ETHERNET_BYTES <= f->end)
		share = hash_word(source->both, ((const __u16 *)source)[2]) * 0x9e3779b1u >> 28;
	return circuit->uplinks[share & (TEAM_SLOTS - 1)];
}

static __always_inline int push_circuit_tag(struct __sk_buff *skb, const struct circuit *circuit)
{
	if (!circuit->vid || circuit->flags & CIRCUIT_KEEP_TAG)
		return 0;
	return bpf_skb_vlan_push(skb, circuit->protocol, circuit->vid) ? -1 : 0;
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
	if (!designated_since(circuit))
		return DROP_STANDBY;
	ifindex = uplink_for(circuit, f);
	if (!ifindex)
		return DROP_NO_UPLINK;
	if (push_circuit_tag(f->ctx, circuit))
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

	if (has_tag(f) && tag_vid(f)) {
		key.vid = tag_vid(f);
		key.protocol = f->ctx->vlan_present ? f->ctx->vlan_proto : 0;
		if (!key.protocol && (void *)(ethernet + 1) <= f->end)
			key.protocol = ethernet->protocol;
	}
	id = bpf_map_lookup_elem(&vlans, &key);
	return id ? *id : 0;
}

static __always_inline void report_reflection(struct frame *f, const struct fdb_entry *entry)
{
	struct event *e = begin_event(f, EVENT_REFLECTION);

	if (!e)
		return;
	copy_mac(e->mac, f->data + 6);
	if (entry->kind == FDB_REMOTE)
		e->nexthop = entry->target;
	else if (entry->kind == FDB_CIRCUIT)
		e->circuit = entry->target;
	send_unless_recent(f->ctx, e, whereabouts(f));
}

/* A stamp is at most a second behind while an entry is in use. */
static __always_inline int is_fresh(const struct fdb_entry *entry)
{
	return bpf_ktime_get_coarse_ns() - entry->used_s * NS_PER_S < NS_PER_S;
}

/*
 * A frame from a VLAN whose source was seen on this side a moment ago has come round: by a second designated bridge, by a
 * loop in the VLAN, or by another uplink of the team. Forwarded, it would go round for ever. Who really moved is silent
 * here a second later. What the bridge before us brought was seen behind its VTEP: a bridge that has just taken over
 * lets unicasts say that it is behind this VLAN now.
 */
static __always_inline int is_reflection(struct frame *f, __u64 since_ns)
{
	const struct fdb_entry *entry;

	if (f->data + ETHERNET_BYTES > f->end)
		return 0;
	entry = find_mac(f->segment, f->data + 6);
	if (!entry || entry->kind == FDB_CIRCUIT || !is_fresh(entry))
		return 0;
	if (entry->kind == FDB_REMOTE && !is_multicast(f->data) && bpf_ktime_get_ns() - since_ns < NS_PER_S)
		return 0;
	report_reflection(f, entry);
	return 1;
}

/*
 * The same from a remote: what we bridge from a VLAN, another bridges too. And what a guest here sent a moment ago does
 * not go to a VLAN again.
 */
static __always_inline __must_check enum verdict check_round_trip(struct frame *f)
{
	const struct circuit *circuit;
	const struct fdb_entry *entry;

	if (f->data + ETHERNET_BYTES > f->end)
		return DROP_SHORT;
	entry = find_mac(f->segment, f->data + 6);
	if (!entry || entry->kind == FDB_REMOTE || !is_fresh(entry))
		return CONTINUE;
	f->flags |= FRAME_NOT_TO_VLAN;
	if (entry->kind == FDB_PORT)
		return CONTINUE;
	circuit = find_circuit(entry->target);
	if (!circuit || !designated_since(circuit))
		return CONTINUE;
	report_reflection(f, entry);
	return DROP_REFLECTION;
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
	since_ns = designated_since(circuit);
	if (!since_ns)
		return DROP_STANDBY;
	v = find_segment(f->segment, seg);
	if (v)
		return v;
	if (f->data + ETHERNET_BYTES > f->end)
		return DROP_SHORT;
	if (is_multicast(f->data) && circuit->receiver && circuit->receiver != f->ifindex)
		return DROP_TEAM_COPY;
	if (has_tag(f) && !(circuit->flags & CIRCUIT_KEEP_TAG)) {
		f->tag_protocol = circuit->protocol;
		f->tag_vid = circuit->vid;
		if (bpf_skb_vlan_pop(f->ctx))
			return DROP_NO_ROOM;
		frame_refresh(f);
		frame_pull_headers(f);
	}
	return is_reflection(f, since_ns) ? DROP_REFLECTION : CONTINUE;
}

#endif

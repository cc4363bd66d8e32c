/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The bridge, TC only: an Ethernet frame from a port, a VLAN or a remote, learned from, then to the port, VLAN or remote
 * behind its destination, or to everybody.
 */
#ifndef WEFT_BRIDGE_H
#define WEFT_BRIDGE_H

#include "flood.h"
#include "gateway.h"
#include "learn.h"
#include "resume.h"
#include "send.h"

static __always_inline __must_check enum verdict check_frame(struct frame *f, const struct segment *seg)
{
	enum verdict v = check_macs(f->data, f->end);

	if (v)
		return v;
	return take_tag(f, seg);
}

static __always_inline __must_check enum verdict unknown_unicast(struct frame *f, const struct segment *seg)
{
	if (seg->flags & SEGMENT_DROP_UNKNOWN)
		return DROP_UNKNOWN_UNICAST;
	if (f->policy && is_unknown_storm(f->policy, f->account))
		return DROP_STORM;
	return flood(f, seg);
}

/*
 * What this host bridged once and another does now is found behind that one again by flooding, even while the daemon that
 * would forget it is away.
 */
static __always_inline __must_check enum verdict forward_to_circuit(struct frame *f, const struct segment *seg, __u32 id)
{
	enum verdict v = send_to_circuit(f, id);

	return v == DROP_STANDBY && !(f->flags & FRAME_FROM_VLAN) ? unknown_unicast(f, seg) : v;
}

/* To a remote, if that is where it may go and it fits. */
static __always_inline __must_check enum verdict forward_to_remote(struct frame *f, const struct segment *seg, __u32 id)
{
	const struct nexthop *hop;
	enum verdict v;

	if (f->flags & FRAME_LOCAL_ONLY)
		return DROP_ARP_STRICT;
	v = find_nexthop(id, &hop);
	if (v)
		return v;
	v = check_mtu(f, path_mtu(seg, hop));
	return v ? v : send_to_remote(f, hop, id);
}

/* A frame of a guest or a VLAN, that was learned from. */
static __always_inline __must_check enum verdict forward(struct frame *f, const struct segment *seg)
{
	const struct fdb_entry *entry;

	if (f->data + ETHERNET_BYTES > f->end)
		return DROP_SHORT;
	if (is_multicast(f->data))
		return flood(f, seg);
	entry = find_mac(f->segment, f->data);
	if (!entry)
		return unknown_unicast(f, seg);
	mirror_unicast(f, seg, entry);
	if (entry->kind == FDB_PORT)
		return send_to_port(f, entry->target);
	if (entry->kind == FDB_CIRCUIT)
		return forward_to_circuit(f, seg, entry->target);
	return forward_to_remote(f, seg, entry->target);
}

/* --- what is not bridged ------------------------------------------------------------------------------------------------ */

enum {
	GATEWAY_SENT = 1 << 0,  /* its MAC is the source */
	GATEWAY_TAKES = 1 << 1, /* or the destination */
	GATEWAY_ONLY = 1 << 2,  /* and of the segment nothing else is anybody's */
};

/* What the segment's gateway has to do with the frame. */
__weak __noinline int ask_gateway(struct __sk_buff *skb, __u32 segment)
{
	const struct gateway *gateway = bpf_map_lookup_elem(&gateways, &segment);
	struct frame f = {.ctx = skb};
	int says;

	if (!gateway || !gateway->domain)
		return 0;
	frame_refresh(&f);
	says = gateway->flags & GATEWAY_TRANSIT ? GATEWAY_ONLY : 0;
	if (is_from_gateway(&f, gateway))
		says |= GATEWAY_SENT;
	if (is_to_gateway(&f, gateway))
		says |= GATEWAY_TAKES;
	return says;
}

/* Ends in one state for the verifier, whether there is a gateway or not (see enter_port()). */
static __always_inline __u32 gateway_says(struct frame *f, const struct segment *seg)
{
	__u32 says;

	if (!has_routing())
		return 0;
	if (seg->flags & SEGMENT_GATEWAY)
		says = ask_gateway(f->ctx, f->segment);
	else
		says = *(const volatile __u16 *)&seg->flags & SEGMENT_GATEWAY;
	frame_refresh(f);
	return says & (GATEWAY_SENT | GATEWAY_TAKES | GATEWAY_ONLY);
}

/*
 * ARP and ND, and what is for the gateway's MAC, go to programs of their own, whose stack and verification are not this
 * one's. CONTINUE: the frame is neither.
 */
static __always_inline __must_check enum verdict hand_on(struct frame *f, __u32 gateway)
{
	if (f->protocol && is_resolution(f->data, f->end) && !(gateway & GATEWAY_ONLY)) {
		suspend(f);
		bpf_tail_call(f->ctx, &hook_tc_resolve, 0);
		return DROP_NOT_ROUTABLE;
	}
	if (gateway & GATEWAY_TAKES) {
		suspend(f);
		bpf_tail_call(f->ctx, &hook_tc_route, 0);
		return DROP_NOT_ROUTABLE;
	}
	return gateway & GATEWAY_ONLY ? DROP_NOT_ROUTABLE : CONTINUE;
}

static __always_inline __must_check enum verdict from_port(struct frame *f)
{
	const struct segment *seg;
	const struct device *port;
	__u32 gateway;
	enum verdict v;

	port = device_of(f->ifindex);
	if (!port || !(port->flags & DEVICE_PORT))
		return PASS_NO_DEVICE;
	f->account = port->account;
	f->segment = port->segment;
	v = find_segment(f->segment, &seg);
	if (v)
		return v;
	v = enter_port(f, port);
	if (v)
		return v;
	v = check_frame(f, seg);
	if (v)
		return v;
	gateway = gateway_says(f, seg);
	if (gateway & GATEWAY_SENT)
		return DROP_GATEWAY_SPOOFED;
	learn_source(f, seg);
	v = hand_on(f, gateway);
	return v ? v : forward(f, seg);
}

/* A frame of a remote, that was learned from. */
static __always_inline __must_check enum verdict deliver(struct frame *f, const struct segment *seg)
{
	const struct fdb_entry *entry;

	if (f->data + ETHERNET_BYTES > f->end)
		return DROP_SHORT;
	if (is_multicast(f->data))
		return flood(f, seg);
	entry = find_mac(f->segment, f->data);
	if (!entry)
		return unknown_unicast(f, seg);
	mirror_unicast(f, seg, entry);
	if (entry->kind == FDB_CIRCUIT)
		return send_to_circuit(f, entry->target);
	return entry->kind == FDB_PORT ? send_to_port(f, entry->target) : DROP_SPLIT_HORIZON;
}

/* The inner frame, unwrapped, its sender accepted. */
static __always_inline __must_check enum verdict from_remote(struct frame *f, const struct segment *seg)
{
	__u32 gateway;
	enum verdict v;

	frame_pull_headers(f);
	v = check_frame(f, seg);
	if (v)
		return v;
	if (has_vlans() && seg->flood_circuits) {
		v = check_round_trip(f);
		if (v)
			return v;
	}
	gateway = gateway_says(f, seg);
	if (!(gateway & (GATEWAY_SENT | GATEWAY_ONLY)))
		learn_source(f, seg);
	v = hand_on(f, gateway);
	return v ? v : deliver(f, seg);
}

/* A frame of a bridged VLAN. */
static __always_inline __must_check enum verdict from_circuit(struct frame *f, __u32 id)
{
	const struct segment *seg;
	enum verdict v;
	__u32 gateway;

	if (!device_of(f->ifindex))
		return PASS_NO_DEVICE;
	v = enter_circuit(f, id, &seg);
	if (v)
		return v;
	v = check_frame(f, seg);
	if (v)
		return v;
	gateway = gateway_says(f, seg);
	if (gateway & GATEWAY_SENT)
		return DROP_GATEWAY_SPOOFED;
	learn_source(f, seg);
	v = hand_on(f, gateway);
	return v ? v : forward(f, seg);
}

#endif

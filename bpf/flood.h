/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * One frame to everybody in the segment, by cloning at TC: local ports first, then VLANs, then copies that only the tunnel
 * device can send, then the frame grows once and each remote's copy gets its own header. The original ends here.
 */
#ifndef WEFT_FLOOD_H
#define WEFT_FLOOD_H

#include "circuit.h"
#include "icmp.h"
#include "limit.h"
#include "send.h"

/*
 * What a loop shares with its caller. Slots of the list: ifindexes of ports, then circuit ids, then next-hop ids.
 * Each pass is a global function: the verifier looks at it once, and its stack is not the caller's.
 */
struct flood {
	struct __sk_buff *skb;
	struct flood_key first; /* slot where this pass starts */
	__u32 ifindex;          /* where the frame came from */
	__u32 circuit;          /* by which, 0 if by none */
	__u32 policy;           /* of the port it came by, 0 if none */
	__u32 tagged;           /* the frame has a tag of its own */
	__u32 sent;             /* somebody got a copy; no count, since the verifier would follow each of its values */
	__u32 unresolved;       /* a next hop that is */
	__u32 receiver;         /* of a unicast: its port, and that one's policy */
	__u32 to_policy;
	__u32 all_by_device;
	__u32 tos;              /* of the copies for the tunnel device */
};

/* A frame that has grown by the room of a header, of which there are copies: little, since sums are made further down. */
struct copies {
	struct __sk_buff *skb;
	union {
		struct flood_key first;      /* slot of the flood list */
		const struct askers *asking; /* of a relay (gateway.h), which has no slots */
	};
	struct outgoing out;
	__u16 nvgre; /* it is an NVGRE header */
	__u16 sent;  /* as above */
};

enum flood_result { FLOOD_SENT = 1 << 0, FLOOD_UNRESOLVED = 1 << 1, FLOOD_REFUSED = 1 << 2 };

static __always_inline __u32 flood_slot(const struct flood_key *first, __u32 i)
{
	struct flood_key key = *first;
	const __u32 *value;

	key.slot += i;
	value = bpf_map_lookup_elem(&floods, &key);
	return value ? *value : 0;
}

static __always_inline int is_nvgre_segment(const struct segment *seg)
{
	return has_nvgre() && seg->flags & SEGMENT_NVGRE;
}

static __always_inline __u32 kernel_share(const struct segment *seg)
{
	return seg->flood_remotes < MAX_KERNEL_FLOOD ? seg->flood_remotes : MAX_KERNEL_FLOOD;
}

/* --- access rules --------------------------------------------------------------------------------------------------- */

/* The ports of a flood list, before they get their copies: the stack does not hold both. */
struct receivers {
	struct flood_key first;
	__u32 ifindex; /* where the frame came from */
	int reading;
};

static long look_at_rules(__u32 i, struct receivers *all)
{
	struct flood_key key = {all->first.segment, all->first.bank, i};
	struct scratch *scratch = scratch_of_cpu();
	const __u32 *ifindex = bpf_map_lookup_elem(&floods, &key);
	const struct device *port;

	if (!ifindex || *ifindex == all->ifindex || !scratch)
		return 0;
	port = device_of(*ifindex);
	if (!port || !(port->flags & DEVICE_RULES) || !obey(port, all->reading, 1))
		return 0;
	count_refusal(port, scratch->look_up.bytes);
	scratch->kept_from[i / 64 % KEPT_WORDS] |= 1ULL << i % 64;
	scratch->is_kept = 1;
	return 0;
}

/* Whom the rules of his port keep the frame from: a bit for each slot in scratch memory. */
__weak __noinline int look_at_receivers(struct __sk_buff *skb, __u32 segment)
{
	struct receivers all = {.first.segment = segment, .ifindex = skb->ifindex};
	struct scratch *scratch = scratch_of_cpu();
	const struct segment *seg;

	if (!scratch)
		return 0;
	scratch->is_kept = 0;
	if (find_segment(segment, &seg) || !(seg->flags & SEGMENT_RULES))
		return 0;
	__builtin_memset(scratch->kept_from, 0, sizeof(scratch->kept_from));
	all.reading = take_tuple(skb);
	all.first.bank = seg->flood_bank;
	if (all.reading != TUPLE_NONE)
		bpf_loop(seg->flood_ports, look_at_rules, &all, 0);
	return 1;
}

static __always_inline int is_kept_from(__u32 slot)
{
	struct scratch *scratch = scratch_of_cpu();

	return scratch && scratch->is_kept && scratch->kept_from[slot / 64 % KEPT_WORDS] >> slot % 64 & 1;
}

/* --- local ports -------------------------------------------------------------------------------------------------- */

static __always_inline void give_copy(struct flood *flood, const struct device *port)
{
	int pushed = 0;

	if (port->policy) {
		if (admit_to(flood->skb, port->ifindex, flood->policy))
			return;
		pushed = push_guest_tag(flood->skb, port, flood->tagged);
		if (pushed < 0)
			return;
	}
	if (!bpf_clone_redirect(flood->skb, port->ifindex, 0)) {
		tally_add(&deliveries, port->account, 1, flood->skb->len);
		flood->sent = 1;
	}
	if (pushed)
		bpf_skb_vlan_pop(flood->skb);
}

static long copy_to_port(__u32 i, struct flood *flood)
{
	__u32 ifindex = flood_slot(&flood->first, i);
	const struct device *port;

	if (!ifindex || ifindex == flood->ifindex)
		return 0;
	port = device_of(ifindex);
	if (port && !(port->flags & DEVICE_RULES && is_kept_from(i)))
		give_copy(flood, port);
	return 0;
}

static __always_inline __u32 is_tagged(struct __sk_buff *skb)
{
	struct frame f = {.ctx = skb};

	frame_refresh(&f);
	return has_tag(&f);
}

/* Whether a port other than the one it came by got a copy. policy: of that one. */
__weak __noinline int flood_ports(struct __sk_buff *skb, __u32 segment, __u32 policy)
{
	struct flood flood = {.skb = skb, .first.segment = segment, .ifindex = skb->ifindex, .policy = policy};
	const struct segment *seg;

	if (find_segment(segment, &seg))
		return 0;
	flood.tagged = is_tagged(skb);
	flood.first.bank = seg->flood_bank;
	bpf_loop(seg->flood_ports, copy_to_port, &flood, 0);
	return flood.sent;
}

/* Also for ARP's strict mode: the ports hear a question that the program answers itself. */
static __always_inline int flood_to_ports(struct frame *f)
{
	int sent;

	look_at_receivers(f->ctx, f->segment);
	sent = flood_ports(f->ctx, f->segment, f->policy) > 0;
	frame_refresh(f);
	return sent;
}

/* --- promiscuous ports --------------------------------------------------------------------------------------------- */

static long mirror_to_port(__u32 i, struct flood *flood)
{
	__u32 ifindex = flood_slot(&flood->first, i);
	const struct device *port;

	if (!ifindex || ifindex == flood->ifindex || ifindex == flood->receiver)
		return 0;
	port = device_of(ifindex);
	if (!port || !(port->flags & DEVICE_PROMISCUOUS))
		return 0;
	if (port->policy == flood->policy || port->policy == flood->to_policy)
		give_copy(flood, port);
	return 0;
}

/* A unicast that goes to a port, 0 if elsewhere: its copies to the promiscuous ports of both ends' groups. */
__weak __noinline int mirror(struct __sk_buff *skb, __u32 segment, __u32 policy, __u32 to)
{
	struct flood flood = {.skb = skb, .first.segment = segment, .ifindex = skb->ifindex, .policy = policy};
	const struct device *port = device_of(to);
	const struct segment *seg;

	if (find_segment(segment, &seg))
		return 0;
	flood.tagged = is_tagged(skb);
	flood.receiver = to;
	flood.to_policy = port ? port->policy : 0;
	flood.first.bank = seg->flood_bank;
	bpf_loop(seg->flood_ports, mirror_to_port, &flood, 0);
	return 0;
}

static __always_inline void mirror_unicast(struct frame *f, const struct segment *seg, const struct fdb_entry *entry)
{
	if (seg->flags & SEGMENT_MIRRORED)
		mirror(f->ctx, f->segment, f->policy, entry->kind == FDB_PORT ? entry->target : 0);
	frame_refresh(f);
}

/* --- circuits ------------------------------------------------------------------------------------------------------ */

static long copy_to_circuit(__u32 i, struct flood *flood)
{
	struct frame f = {.ctx = flood->skb, .ifindex = flood->ifindex, .policy = flood->policy};
	__u32 id = flood_slot(&flood->first, i), ifindex;
	const struct circuit *circuit;
	int pushed;

	circuit = find_circuit(id);
	if (!circuit || id == flood->circuit || !designated_since(circuit, id))
		return 0;
	frame_refresh(&f);
	ifindex = uplink_for(circuit, &f);
	pushed = ifindex ? push_circuit_tag(flood->skb, circuit, flood->tagged) : -1;
	if (pushed < 0)
		return 0;
	if (!bpf_clone_redirect(flood->skb, ifindex, 0)) {
		tally_add(&deliveries, circuit->account, 1, flood->skb->len);
		flood->sent = 1;
	}
	if (pushed)
		bpf_skb_vlan_pop(flood->skb);
	return 0;
}

/* Whether a VLAN other than the one it came by got a copy. */
__weak __noinline int flood_circuits(struct __sk_buff *skb, __u32 segment, __u32 from, __u32 policy)
{
	struct flood flood = {.skb = skb, .first.segment = segment, .ifindex = skb->ifindex, .circuit = from};
	const struct segment *seg;

	if (find_segment(segment, &seg))
		return 0;
	flood.policy = policy;
	flood.tagged = is_tagged(skb);
	flood.first.bank = seg->flood_bank;
	flood.first.slot = seg->flood_ports;
	bpf_loop(seg->flood_circuits, copy_to_circuit, &flood, 0);
	return flood.sent;
}

static __always_inline int flood_to_circuits(struct frame *f, const struct segment *seg)
{
	int sent;

	if (!seg->flood_circuits || f->flags & (FRAME_LOCAL_ONLY | FRAME_NOT_TO_VLAN))
		return 0;
	sent = flood_circuits(f->ctx, f->segment, f->circuit, f->policy) > 0;
	frame_refresh(f);
	return sent;
}

/* --- remotes by the tunnel device, while the frame has no outer header yet ----------------------------------------- */

static long copy_to_device(__u32 i, struct flood *flood)
{
	__u32 id = flood_slot(&flood->first, i), device;
	const struct nexthop *hop;

	if (find_nexthop(id, &hop) || (is_sendable(hop) && !flood->all_by_device))
		return 0;
	if (!(hop->flags & (NEXTHOP_RESOLVED | NEXTHOP_DEVICE)))
		flood->unresolved = id;
	device = device_towards(hop);
	if (!device)
		return 0;
	if (!set_tunnel_key(flood->skb, hop, flood->tos) && !bpf_clone_redirect(flood->skb, device, 0))
		flood->sent = 1;
	return 0;
}

/* FLOOD_* of the remotes that can only be reached so, or of all. One of the unresolved is asked for per frame. */
__weak __noinline int flood_by_device(struct __sk_buff *skb, __u32 segment, __u32 tos, __u32 all)
{
	struct flood flood = {.skb = skb, .first.segment = segment, .all_by_device = all, .tos = tos};
	const struct segment *seg;

	if (find_segment(segment, &seg))
		return 0;
	flood.first.bank = seg->flood_bank;
	flood.first.slot = seg->flood_ports + seg->flood_circuits;
	bpf_loop(kernel_share(seg), copy_to_device, &flood, 0);
	if (flood.unresolved)
		want_nexthop(skb, segment, flood.unresolved);
	return (flood.sent ? FLOOD_SENT : 0) | (flood.unresolved ? FLOOD_UNRESOLVED : 0);
}

/* --- remotes by a header of ours ---------------------------------------------------------------------------------- */

/* Sums are linear: what was described has no next hop's share in it. */
static __always_inline __be16 checksum_for(const struct copies *copies, const struct nexthop *hop)
{
	__u16 check = ~fold((__u64)(__u16)~copies->out.check + hop->csum_base);

	return check ? check : 0xffff;
}

static __always_inline long store_header(struct copies *copies, const struct nexthop *hop)
{
	__u64 header[MAX_HEADER_BYTES / 8];
	struct outgoing out = copies->out;

	if (has_nvgre() && copies->nvgre) {
		write_nvgre(header, hop, &out);
		return bpf_skb_store_bytes(copies->skb, 0, header, nvgre_bytes(), 0);
	}
	if (wants_full_checksum())
		out.check = checksum_for(copies, hop);
	write_outer(header, hop, &out);
	return bpf_skb_store_bytes(copies->skb, 0, header, outer_bytes(), 0);
}

/* A copy of the frame that has grown: only the bytes of the header differ. */
static __always_inline void copy_behind_header(struct copies *copies, __u32 id)
{
	const struct nexthop *hop;

	if (find_nexthop(id, &hop) || !is_sendable(hop) || !is_nvgre(hop) != !copies->nvgre)
		return;
	if (store_header(copies, hop))
		return;
	if (!bpf_clone_redirect(copies->skb, hop->ifindex, 0))
		copies->sent = 1;
}

static long copy_to_remote(__u32 i, struct copies *copies)
{
	copy_behind_header(copies, flood_slot(&copies->first, i));
	return 0;
}

/* The frame gets room for its headers. 0: it could not grow, and is as it was. */
static __always_inline int grow_for_copies(struct copies *copies)
{
	struct frame f = {.ctx = copies->skb};
	const struct nexthop *none;
	__u32 zero = 0;

	/* Row 0 is no next hop and all zero: the sum described with it is the packet's own share. */
	none = bpf_map_lookup_elem(&nexthops, &zero);
	if (!none)
		return 0;
	frame_refresh(&f);
	if (has_nvgre() && copies->nvgre) {
		describe_nvgre(&f, &copies->out);
		return !frame_push_nvgre(&f);
	}
	describe(&f, none, &copies->out);
	return !frame_push(&f);
}

/* Grows the frame and copies it. FLOOD_*; REFUSED if it could not grow, and is as it was. */
__weak __noinline int flood_encapsulated(struct __sk_buff *skb, __u32 segment)
{
	struct copies copies = {.skb = skb, .first.segment = segment};
	const struct segment *seg;

	if (find_segment(segment, &seg))
		return 0;
	copies.first.bank = seg->flood_bank;
	copies.first.slot = seg->flood_ports + seg->flood_circuits;
	copies.nvgre = is_nvgre_segment(seg) ? 1 : 0;
	if (!grow_for_copies(&copies))
		return FLOOD_REFUSED;
	bpf_loop(kernel_share(seg), copy_to_remote, &copies, 0);
	return copies.sent ? FLOOD_SENT : 0;
}

/* --- remotes beyond the kernel side's share ----------------------------------------------------------------------- */

/* The daemon has no segmentation, so it gets only what is one packet. 1: it has it. */
__weak __noinline int punt_rest(struct __sk_buff *skb, __u32 segment, __u32 account)
{
	struct event e = {.type = EVENT_FLOOD, .segment = segment, .ifindex = skb->ifindex};

	if (skb->gso_size || skb->len > MAX_EVENT_FRAME_BYTES)
		return 0;
	if (!limit_take(account, LIMIT_PUNT, settings.punt_interval_ns, settings.punt_burst))
		return 0;
	e.first_remote = MAX_KERNEL_FLOOD;
	e.frame_bytes = skb->len;
	return send_event(skb, &e) == 0;
}

/* --- all together ------------------------------------------------------------------------------------------------- */

/* The frame is used up. A remote that is not resolved, or did not take it, costs the others nothing. */
static __always_inline __must_check enum verdict flood_remotes(struct frame *f, const struct segment *seg, int sent)
{
	int by_device = needs_device(f, is_nvgre_segment(seg)), punted = 1;
	enum verdict v;

	sent |= flood_by_device(f->ctx, f->segment, tunnel_tos(f), by_device);
	if (!by_device) {
		v = write_tags(f);
		if (v)
			return v;
	}
	if (seg->flood_remotes > MAX_KERNEL_FLOOD)
		punted = punt_rest(f->ctx, f->segment, seg->account);
	if (!by_device)
		sent |= flood_encapsulated(f->ctx, f->segment);
	if ((sent & FLOOD_REFUSED) && frame_gso(f))
		sent |= flood_by_device(f->ctx, f->segment, 0, 1);
	if (!punted)
		return DROP_FLOOD_LIMIT;
	if (sent & FLOOD_SENT)
		return TX_FLOOD;
	if (sent & FLOOD_REFUSED)
		return DROP_NO_ROOM;
	return sent & FLOOD_UNRESOLVED ? DROP_UNRESOLVED : DROP_NO_RECEIVER;
}

/* A frame from a remote never goes back into the mesh. */
static __always_inline __must_check enum verdict flood(struct frame *f, const struct segment *seg)
{
	int local = flood_to_ports(f) | flood_to_circuits(f, seg);
	enum verdict v;

	f->action = TC_ACT_SHOT;
	if (!seg->flood_remotes || f->flags & (FRAME_FROM_REMOTE | FRAME_LOCAL_ONLY)) {
		if (local)
			return TX_FLOOD;
		return f->flags & FRAME_LOCAL_ONLY ? DROP_ARP_STRICT : DROP_NO_RECEIVER;
	}
	/* Ports and VLANs have it; for the remotes it must fit, or the guest is told. */
	v = check_mtu(f, seg->mtu);
	if (v)
		return v;
	return flood_remotes(f, seg, local ? FLOOD_SENT : 0);
}

#endif

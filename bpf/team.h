/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Teams: which of a switch's NICs a frame leaves by, and which of the copies that a physical switch brings by several is
 * the one to take. TC only.
 */
#ifndef WEFT_TEAM_H
#define WEFT_TEAM_H

#include "confirm.h"
#include "hash.h"
#include "policy.h"

enum { DIGEST_WORDS = 16 };      /* of 8 bytes: what tells one frame from another */
enum { ANNOUNCE_MS = 15000 };    /* for which RARPs go out after a change: ten thousand take ten seconds */
enum { PHYSICAL_AGING_S = 300 }; /* after which a switch has forgotten where a MAC was (IEEE 802.1Q §8.8.3) */

static __always_inline const struct team *find_team(__u32 row)
{
	const struct team *team = bpf_map_lookup_elem(&teams, &row);

	return team && team->flags & TEAM_IN_USE ? team : 0;
}

static __always_inline __u32 mac_share(const __u8 *mac)
{
	const __u16 *words = (const __u16 *)mac;

	return share_of_mac(words[0] | (__u32)words[1] << 16, words[2]);
}

/* The NIC for what the guest behind `ifindex` sends: its port, its MAC or its flow has a share. 0: none is up. */
static __always_inline __u32 team_uplink(const struct team *team, const struct frame *f)
{
	__u32 share = 0;

	if (team->flags & TEAM_BY_FLOW)
		share = flow_hash(f->data, f->end) * 0x9e3779b1u >> 28;
	else if (team->flags & TEAM_BY_PORT)
		share = f->ifindex;
	else if (team->flags & TEAM_BY_MAC && f->data + ETHERNET_BYTES <= f->end)
		share = mac_share(f->data + 6);
	return team->uplinks[share & (TEAM_SLOTS - 1)];
}

/* A port group's own team holds over the VLAN's. */
static __always_inline __u32 uplink_for(const struct circuit *circuit, const struct frame *f)
{
	const struct policy *policy = f->policy ? find_policy(f->policy) : 0;
	const struct team *team;

	if (!circuit->team)
		return circuit->ifindex;
	team = find_team(policy && policy->team ? policy->team : circuit->team);
	return team ? team_uplink(team, f) : 0;
}

/* A port group's own holds over the VLAN's for a local guest, too. */
static __always_inline const struct team *team_of_port(__u32 ifindex, const struct team *team)
{
	const struct device *port = device_of(ifindex);
	const struct policy *policy = port && port->policy ? find_policy(port->policy) : 0;

	return policy && policy->team ? find_team(policy->team) : team;
}

/*
 * Whether a unicast for a local guest may come by each NIC. The physical switch may not have heard yet that the guest
 * moved, so none is refused until the guest has spoken after that. A NIC that failed brings nothing more, and what a
 * switch floods then comes by all the others.
 */
static __always_inline int may_come_by_all(const struct team *team, __u32 share, const struct fdb_entry *entry)
{
	return team->moved >> share & 1 && entry->used_s <= team->changed_ns / NS_PER_S + 1 &&
	       bpf_ktime_get_coarse_ns() < team->changed_ns + PHYSICAL_AGING_S * NS_PER_S;
}

/* The share of the local guest that a unicast is for. */
static __always_inline __u32 guest_share(const struct frame *f, const struct team *team, const struct fdb_entry *entry)
{
	__u32 share = 0;

	if (team->flags & TEAM_BY_PORT)
		share = entry->target;
	else if (team->flags & TEAM_BY_MAC)
		share = mac_share(f->data);
	return share & (TEAM_SLOTS - 1);
}

static __always_inline __u64 frame_digest(struct __sk_buff *skb, __u64 digest)
{
	__u64 words[DIGEST_WORDS] = {};
	__u32 bytes = skb->len, i;

	digest = digest << 32 | skb->len;
	/* What is loaded is what is compared, and not with zero: the verifier of Linux 6.1 links no 32-bit copies and draws
	 * nothing from "not zero". */
	barrier_var(bytes);
	if (bytes > sizeof(words))
		bytes = sizeof(words);
	barrier_var(bytes);
	if (bytes < ETHERNET_BYTES || bpf_skb_load_bytes(skb, 0, words, bytes))
		return digest;
	UNROLL
	for (i = 0; i < DIGEST_WORDS; i++) {
		digest = (digest ^ words[i]) * 0x9e3779b97f4a7c15ull;
		digest ^= digest >> 32;
	}
	return digest;
}

static __always_inline int is_copy_of(__u64 seen, __u64 now)
{
	return !((seen ^ now) & ARRIVAL_DIGEST) && (seen ^ now) & ARRIVAL_IFINDEX &&
	       (__u16)((now & ARRIVAL_AGE) - (seen & ARRIVAL_AGE)) < ARRIVAL_MS;
}

/*
 * Whether the same frame has come by another NIC a moment ago; by this one it was sent again. Its copies may wait in the
 * receive queues of both NICs while another becomes the receiver.
 */
__weak __noinline int came_by_another(struct __sk_buff *skb, __u32 circuit, __u32 ifindex)
{
	const __u64 digest = frame_digest(skb, circuit);
	const __u32 at = digest & (MAX_ARRIVALS - 1);
	__u64 *arrival = bpf_map_lookup_elem(&arrivals, &at);
	__u64 seen, now, i;

	if (!arrival)
		return 0;
	now = (digest & ARRIVAL_DIGEST) | (ifindex << 16 & ARRIVAL_IFINDEX) |
	      (bpf_ktime_get_coarse_ns() / NS_PER_MS & ARRIVAL_AGE);
	UNROLL
	for (i = 0; i < 2; i++) {
		seen = *(volatile __u64 *)arrival;
		if (is_copy_of(seen, now))
			return 1;
		if (__sync_val_compare_and_swap(arrival, seen, now) == seen)
			return 0;
	}
	return 0;
}

static __always_inline int has_changed_within(const struct team *team, __u64 ms)
{
	return (__s64)(bpf_ktime_get_coarse_ns() - team->changed_ns) < (__s64)(ms * NS_PER_MS);
}

/* Not the receiver, and has not been it a moment ago. Behind an aggregation (ip-hash) each NIC brings what it alone does. */
static __always_inline int brings_copies(const struct frame *f, const struct team *team)
{
	return !(team->flags & TEAM_BY_FLOW) && team->receiver && f->ifindex != team->receiver &&
	       !has_changed_within(team, ARRIVAL_MS);
}

/* Whether another NIC of the team brings the same frame. */
static __always_inline int is_team_copy(const struct frame *f, const struct circuit *circuit)
{
	const struct team *team = circuit->team ? find_team(circuit->team) : 0;
	const struct fdb_entry *entry;
	__u32 share;

	if (!team || !(team->flags & TEAM_SEVERAL) || f->data + ETHERNET_BYTES > f->end)
		return 0;
	entry = is_multicast(f->data) ? 0 : find_mac(f->segment, f->data);
	if (entry && entry->kind == FDB_PORT) {
		team = team_of_port(entry->target, team);
		if (!team || team->flags & TEAM_BY_FLOW)
			return 0;
		share = guest_share(f, team, entry);
		if (!may_come_by_all(team, share, entry))
			return team->uplinks[share] != f->ifindex;
	} else if (brings_copies(f, team)) {
		return 1;
	}
	return came_by_another(f->ctx, f->circuit, f->ifindex);
}

#endif

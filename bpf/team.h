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

/*
 * Whether a unicast for a local guest came by another NIC than the one its own frames leave by. Such a copy is the second
 * one when the physical switch floods; but it is the only one while the switch has not heard yet that the guest moved, so
 * none is refused until the guest has spoken after that. A NIC that failed brings nothing more, and what a switch floods
 * then comes by all the others.
 */
static __always_inline int is_stray(const struct frame *f, const struct team *team, const struct fdb_entry *entry)
{
	const struct device *port = device_of(entry->target);
	const struct policy *policy = port && port->policy ? find_policy(port->policy) : 0;
	__u32 share = 0;

	if (policy && policy->team)
		team = find_team(policy->team);
	if (!team || team->flags & TEAM_BY_FLOW)
		return 0;
	if (team->flags & TEAM_BY_PORT)
		share = entry->target;
	else if (team->flags & TEAM_BY_MAC)
		share = mac_share(f->data);
	share &= TEAM_SLOTS - 1;
	if (team->moved >> share & 1 && entry->used_s <= team->changed_ns / NS_PER_S + 1 &&
	    bpf_ktime_get_coarse_ns() < team->changed_ns + PHYSICAL_AGING_S * NS_PER_S)
		return 0;
	return team->uplinks[share] != f->ifindex;
}

/* Whether another NIC of the team brings the same frame. */
static __always_inline int is_team_copy(const struct frame *f, const struct circuit *circuit)
{
	const struct team *team = circuit->team ? find_team(circuit->team) : 0;
	const struct fdb_entry *entry;

	if (!team || !(team->flags & TEAM_SEVERAL) || f->data + ETHERNET_BYTES > f->end)
		return 0;
	entry = is_multicast(f->data) ? 0 : find_mac(f->segment, f->data);
	if (entry && entry->kind == FDB_PORT)
		return is_stray(f, team, entry);
	return f->ifindex != team->receiver;
}

#endif

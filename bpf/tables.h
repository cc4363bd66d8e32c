/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Every kernel map, by the name and types that maps/tables.hpp knows. Weak, since each program's object holds them all
 * and the linked object holds each once; the stubs' object has the hook_* maps too and meets the pinned ones by name.
 */
#ifndef WEFT_TABLES_H
#define WEFT_TABLES_H

#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "abi.h"
#include "hooks.h"

#define TABLE(name, kind, key_type, value_type, entries)                                                              \
	struct {                                                                                                       \
		__uint(type, BPF_MAP_TYPE_##kind);                                                                     \
		__type(key, key_type);                                                                                 \
		__type(value, value_type);                                                                             \
		__uint(max_entries, entries);                                                                          \
	} name __weak SEC(".maps")

/* The big tables take memory by entry, not by limit: a host with ten guests does not pay for a million. */
#define SPARSE_TABLE(name, key_type, value_type, entries)                                                             \
	struct {                                                                                                       \
		__uint(type, BPF_MAP_TYPE_HASH);                                                                       \
		__type(key, key_type);                                                                                 \
		__type(value, value_type);                                                                             \
		__uint(max_entries, entries);                                                                          \
		__uint(map_flags, BPF_F_NO_PREALLOC);                                                                  \
	} name __weak SEC(".maps")

TABLE(devices, HASH, __u32, struct device, MAX_DEVICES);
TABLE(segments, ARRAY, __u32, struct segment, MAX_SEGMENTS);
TABLE(vnis, HASH, __u32, __u32, MAX_SEGMENTS);
SPARSE_TABLE(vlans, struct vlan_key, __u32, MAX_VLANS);
TABLE(circuits, ARRAY, __u32, struct circuit, MAX_CIRCUITS);
TABLE(leases, ARRAY, __u32, struct lease, MAX_LEASES);
TABLE(rivals, ARRAY, __u32, struct rival, MAX_CIRCUITS);
TABLE(teams, ARRAY, __u32, struct team, MAX_TEAMS);
TABLE(arrivals, ARRAY, __u32, __u64, MAX_ARRIVALS);
TABLE(policies, ARRAY, __u32, struct policy, MAX_POLICIES);
TABLE(guests, ARRAY, __u32, struct guest, MAX_ACCOUNTS);
SPARSE_TABLE(bindings, struct binding_key, __u32, MAX_BINDINGS);
TABLE(nexthops, ARRAY, __u32, struct nexthop, MAX_NEXTHOPS);
SPARSE_TABLE(remotes, struct remote_key, struct remote, MAX_NEXTHOPS);
SPARSE_TABLE(floods, struct flood_key, __u32, MAX_FLOOD_SLOTS);
SPARSE_TABLE(neighbors, struct neighbor_key, struct neighbor, MAX_NEIGHBORS);
TABLE(gateways, ARRAY, __u32, struct gateway, MAX_SEGMENTS);
TABLE(domains, ARRAY, __u32, struct domain, MAX_DOMAINS);
SPARSE_TABLE(host_routes, struct route_key, struct route, MAX_HOST_ROUTES);
TABLE(paths, ARRAY, __u32, struct path, MAX_PATHS);
TABLE(path_groups, ARRAY, __u32, struct path_group, MAX_PATH_GROUPS);
TABLE(askers, LRU_HASH, struct neighbor_key, struct askers, MAX_ASKERS);
TABLE(rule_lists, ARRAY, __u32, struct rule_list, MAX_RULE_LISTS);
SPARSE_TABLE(rules, struct rule_key, struct rule, MAX_RULE_KEYS);
TABLE(acls, HASH, __u32, struct acl, MAX_DEVICES + MAX_SEGMENTS);
TABLE(flows, LRU_HASH, struct flow_key, struct flow, MAX_FLOWS);
TABLE(rule_counters, PERCPU_ARRAY, __u32, struct tally, MAX_RULES);
TABLE(recent, LRU_HASH, struct recent_key, struct recent, MAX_RECENT_EVENTS);
TABLE(limiters, ARRAY, __u32, __u64, MAX_ACCOUNTS * LIMIT_CLASSES);
TABLE(attachments, HASH, __u32, struct attachment, MAX_DEVICES);
TABLE(counters, PERCPU_ARRAY, __u32, struct tallies, MAX_ACCOUNTS);
TABLE(deliveries, PERCPU_ARRAY, __u32, struct tally, MAX_ACCOUNTS);
TABLE(refusals, PERCPU_ARRAY, __u32, struct tally, MAX_ACCOUNTS);
TABLE(event_losses, PERCPU_ARRAY, __u32, __u64, MAX_EVENT_LOSSES);

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__type(key, __u32);
	__type(value, struct fdb_bucket);
	__uint(max_entries, FDB_BUCKETS + 1);
	__uint(map_flags, BPF_F_MMAPABLE);
} fdb __weak SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__type(key, struct route_key);
	__type(value, struct route);
	__uint(max_entries, MAX_ROUTES);
	__uint(map_flags, BPF_F_NO_PREALLOC);
} routes __weak SEC(".maps");

/* max_entries 0: libbpf makes it one slot per possible CPU. */
struct {
	__uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(__u32));
	__uint(max_entries, 0);
} events __weak SEC(".maps");

#endif

// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// One named member per kernel map that user space reads or writes. The list WEFT_TABLES is the only place that joins a
// map's kernel name with its types; loader/datapath opens the maps and the tests use the same members.
#pragma once

#include "fdb_table.hpp"
#include "map.hpp"
#include "prefix_map.hpp"

namespace weft {

using NeighborTable = Map<neighbor_key, neighbor>;
using RouteTable = PrefixMap<route_key, route>;
using AskerTable = Map<neighbor_key, ::askers>;
using FlowTable = Map<flow_key, ::flow>;

// name (as in bpf/tables.h, at most 15 characters) and type
#define WEFT_TABLES(X)                             \
    X(devices, Map<std::uint32_t, device>)         \
    X(segments, Map<std::uint32_t, segment>)       \
    X(vnis, Map<std::uint32_t, std::uint32_t>)     \
    X(fdb, FdbTable)                               \
    X(vlans, Map<vlan_key, std::uint32_t>)         \
    X(circuits, Map<std::uint32_t, circuit>)       \
    X(leases, Map<std::uint32_t, lease>)           \
    X(rivals, Map<std::uint32_t, rival>)           \
    X(teams, Map<std::uint32_t, team>)             \
    X(arrivals, Map<std::uint32_t, std::uint64_t>) \
    X(policies, Map<std::uint32_t, policy>)        \
    X(guests, Map<std::uint32_t, guest>)           \
    X(bindings, Map<binding_key, std::uint32_t>)   \
    X(nexthops, Map<std::uint32_t, nexthop>)       \
    X(remotes, Map<remote_key, remote>)            \
    X(floods, Map<flood_key, std::uint32_t>)       \
    X(neighbors, NeighborTable)                    \
    X(gateways, Map<std::uint32_t, gateway>)       \
    X(domains, Map<std::uint32_t, domain>)         \
    X(routes, RouteTable)                          \
    X(host_routes, Map<route_key, route>)          \
    X(paths, Map<std::uint32_t, path>)             \
    X(path_groups, Map<std::uint32_t, path_group>) \
    X(askers, AskerTable)                          \
    X(rule_lists, Map<std::uint32_t, rule_list>)   \
    X(rules, Map<rule_key, ::rule>)                \
    X(acls, Map<std::uint32_t, ::acl>)             \
    X(flows, FlowTable)                            \
    X(rule_counters, PerCpu<tally>)                \
    X(recent, Map<recent_key, ::recent>)           \
    X(limiters, Map<std::uint32_t, std::uint64_t>) \
    X(attachments, Map<std::uint32_t, attachment>) \
    X(counters, PerCpu<tallies>)                   \
    X(deliveries, PerCpu<tally>)                   \
    X(refusals, PerCpu<tally>)                     \
    X(event_losses, PerCpu<std::uint64_t>)         \
    X(stub_misses, PerCpu<std::uint64_t>)

struct Tables {
#define X(name, ...) __VA_ARGS__ name;
    WEFT_TABLES(X)
#undef X

    // fd_of(name) gives the map's fd (Tables keeps a duplicate) or a negative errno.
    static Result<Tables> open(const std::function<int(const char*)>& fd_of);
};

}  // namespace weft

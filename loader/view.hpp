// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Objects as `list --json`, `show` and `status` give them: what is wanted, in the document's keys, and what is.
#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "engine.hpp"

namespace weft {

nlohmann::json segment_view(Engine& engine, const Segment& segment);
nlohmann::json port_view(Engine& engine, const Port& port);
nlohmann::json uplink_view(Engine& engine, const Uplink& uplink);
nlohmann::json bridge_view(Engine& engine, const Bridge& bridge);
nlohmann::json switch_view(Engine& engine, const Switch& one);
nlohmann::json teams_view(Engine& engine, const Switch& one);  // by name: the switch's own and its groups'
nlohmann::json port_group_view(Engine& engine, const PortGroup& group);
nlohmann::json routing_domain_view(Engine& engine, const RoutingDomain& domain);
// A row for each route of the domain: those of its gateways ("local", "connected") and those of its own.
nlohmann::json routes_view(const Document& wanted, const RoutingDomain& domain);
nlohmann::json acl_view(Engine& engine, const Acl& acl);
nlohmann::json remote_view(Engine& engine, const Segment& segment, const Remote& remote);

// What the host does for a bridge now: "designated" (it forwards) or "standby".
std::string bridge_state(Engine& engine, const Bridge& bridge);

// What is behind FDB rows of FDB_CIRCUIT, by circuit id: a bridge that is served is called "eth1:100" (BridgeName).
std::map<std::uint32_t, std::string> circuit_names(Engine& engine);

const char* verdict_name(std::uint32_t verdict);  // "TX_LOCAL"; null if there is none of the number
// {"TX_LOCAL":{"packets":1,"bytes":60},…} of those that are not zero
nlohmann::json counters_view(const Engine& engine, std::uint16_t account);

}  // namespace weft

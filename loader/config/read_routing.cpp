// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// The part of read.cpp about gateways, routing domains and access rules.
#include "read_values.hpp"

namespace weft {

using namespace reading;

namespace {

Ip read_ip(const json& one) { return parsed<Ip>(&one).value_or(Ip{}); }

RouterRemote read_router(const json& one) {
    RouterRemote out;
    if (one.is_string()) out.address = read_ip(one);
    take(one, "address", out.address);
    take(one, "router_mac", out.router_mac);
    return out;
}

Route read_route(const json& object, Owner owner) {
    Route out;
    out.owner = owner;
    take(object, "prefix", out.prefix);
    out.via = list<Ip>(object, "via", read_ip);
    out.action = word(object, "action", {RouteAction::Blackhole, RouteAction::Unreachable});
    take(object, "leak", out.leak);
    return out;
}

std::optional<std::uint8_t> read_protocol(const json& object) {
    const json* at = member(object, "protocol");
    if (at && at->is_string()) return protocol_of(at->get_ref<const std::string&>());
    std::uint8_t number = 0;
    return take_number(at, number) ? std::optional(number) : std::nullopt;
}

std::optional<PortRange> read_ports(const json& object, const char* key) {
    const json* at = member(object, key);
    return at ? parse_ports(text_or_none(*at)) : std::nullopt;
}

FlowMatch read_match(const json& object) {
    FlowMatch out;
    take(object, "source", out.source);
    take(object, "destination", out.destination);
    out.protocol = read_protocol(object);
    out.source_ports = read_ports(object, "source_ports");
    out.destination_ports = read_ports(object, "destination_ports");
    take(object, "dscp", out.dscp);
    return out;
}

PolicyRoute read_policy_route(const json& object) {
    PolicyRoute out;
    take(object, "priority", out.priority);
    out.match = read_match(object);
    out.via = list<Ip>(object, "via", read_ip);
    return out;
}

AclRule read_acl_rule(const json& object) {
    AclRule out;
    take(object, "priority", out.priority);
    out.allow = is(object, "action", "allow");
    out.direction =
        word(object, "direction", {RuleDirection::FromPort, RuleDirection::ToPort}).value_or(RuleDirection::ToPort);
    out.match = read_match(object);
    take(object, "stateful", out.stateful);
    return out;
}

}  // namespace

Acl read_acl(const json& object, Owner owner) {
    Acl out;
    out.owner = owner;
    take(object, "name", out.name);
    out.default_allow = is(object, "default", "allow");
    out.rules = list<AclRule>(object, "rules", read_acl_rule);
    return out;
}

Gateway read_gateway(const json& object) {
    Gateway out;
    out.addresses =
        list<Prefix>(object, "addresses", [](const json& one) { return parsed<Prefix>(&one).value_or(Prefix{}); });
    take(object, "mac", out.mac);
    take(object, "answer_remote", out.answer_remote);
    return out;
}

RoutingDomain read_routing_domain(const json& object, Owner owner) {
    RoutingDomain out;
    out.owner = owner;
    take(object, "name", out.name);
    out.model = word(object, "model", {RoutingModel::Symmetric}).value_or(RoutingModel::Asymmetric);
    take(object, "l3_vni", out.l3_vni);
    take(object, "router_mac", out.router_mac);
    out.remotes = list<RouterRemote>(object, "remotes", read_router);
    out.routes = list<Route>(object, "routes", [&](const json& one) { return read_route(one, owner); });
    out.policy_routes = list<PolicyRoute>(object, "policy_routes", read_policy_route);
    return out;
}

}  // namespace weft

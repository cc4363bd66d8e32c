// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// The values of model.hpp in the document's form, every key written out, and the words of the enumerators.
#include <nlohmann/json.hpp>

#include "config.hpp"

namespace weft {

using nlohmann::json;

const char* name(Hook hook) {
    switch (hook) {
        case Hook::Auto: return "auto";
        case Hook::Xdp: return "xdp";
        case Hook::XdpGeneric: return "xdp-generic";
        case Hook::Tc: return "tc";
    }
    return "?";
}

const char* name(ArpMode mode) {
    switch (mode) {
        case ArpMode::Off: return "off";
        case ArpMode::Suppress: return "suppress";
        case ArpMode::Strict: return "strict";
        case ArpMode::LocalProxy: return "local-proxy";
    }
    return "?";
}

const char* name(Encapsulation encapsulation) { return encapsulation == Encapsulation::Nvgre ? "nvgre" : "vxlan"; }

const char* name(Owner owner) {
    switch (owner) {
        case ORIGIN_DYNAMIC: return "dynamic";
        case ORIGIN_EVPN: return "evpn";
        case ORIGIN_CLI: return "cli";
        case ORIGIN_CONFIG: return "config";
    }
    return "?";
}

const char* name(BridgeRole role) {
    switch (role) {
        case BridgeRole::Designated: return "designated";
        case BridgeRole::Standby: return "standby";
        case BridgeRole::Elected: return "elected";
    }
    return "?";
}

const char* name(TagProtocol protocol) { return protocol == TagProtocol::Dot1ad ? "802.1ad" : "802.1q"; }

const char* name(TeamPolicy policy) {
    switch (policy) {
        case TeamPolicy::Explicit: return "explicit";
        case TeamPolicy::Port: return "port";
        case TeamPolicy::SourceMac: return "source-mac";
        case TeamPolicy::IpHash: return "ip-hash";
    }
    return "?";
}

const char* name(Detection detection) { return detection == Detection::Beacon ? "beacon" : "link"; }

const char* name(RoutingModel model) { return model == RoutingModel::Symmetric ? "symmetric" : "asymmetric"; }

const char* name(RuleDirection direction) { return direction == RuleDirection::FromPort ? "from_port" : "to_port"; }

const char* name(RouteAction action) { return action == RouteAction::Blackhole ? "blackhole" : "unreachable"; }

namespace {

json vtep_json(const Vtep& vtep) {
    return {{"address", vtep.address.text()},
            {"port", vtep.port},
            {"ttl", vtep.ttl},
            {"tos", vtep.tos ? json(*vtep.tos) : json("inherit")},
            {"df", vtep.df},
            {"reserved_bits", vtep.drop_reserved_bits ? "drop" : "ignore"},
            {"accept", vtep.accept_any ? "any" : "known"},
            {"udp6_checksum", vtep.udp6_zero_checksum ? "zero" : "full"},
            {"accept_zero_checksum6", vtep.accept_zero_checksum6}};
}

json limits_json(const Limits& limits) {
    return {{"icmp_errors_pps", limits.icmp_errors_pps}, {"arp_pps", limits.arp_pps}, {"punt_pps", limits.punt_pps}};
}

template <typename T>
void put(json& out, const char* key, const std::optional<T>& value) {
    if (value) out[key] = *value;
}

json team_json(const Team& team) {
    json out = json::object();
    if (team.policy) out["policy"] = name(*team.policy);
    put(out, "active", team.active);
    put(out, "standby", team.standby);
    if (team.detection) out["detection"] = name(*team.detection);
    put(out, "failback", team.failback);
    put(out, "failback_delay_seconds", team.failback_delay_seconds);
    put(out, "notify_switches", team.notify_switches);
    return out;
}

json rate_json(const RateLimit& rate) {
    json out = json::object();
    put(out, "average_kbps", rate.average_kbps);
    put(out, "peak_kbps", rate.peak_kbps);
    put(out, "burst_kbytes", rate.burst_kbytes);
    if (rate.delay) out["excess"] = "delay";
    return out;
}

const char* accepted(bool accept) { return accept ? "accept" : "reject"; }

json bindings_json(const std::vector<Binding>& bind) {
    json out = json::array();
    for (const Binding& one : bind) {
        json ips = json::array();
        for (const Ip& ip : one.ips) ips.push_back(ip.text());
        out.push_back({{"mac", one.mac.text()}, {"ips", std::move(ips)}});
    }
    return out;
}

template <typename T>
json list_json(const std::vector<T>& list, std::optional<Owner> owner) {
    json out = json::array();
    for (const T& one : list)
        if (!owner || one.owner == *owner) out.push_back(to_json(one));
    return out;
}

json segments_json(const std::vector<Segment>& segments, std::optional<Owner> owner) {
    json out = json::array();
    for (const Segment& segment : segments) {
        json one = to_json(segment, owner);
        if (!owner || segment.owner == *owner || !one["remotes"].empty()) out.push_back(std::move(one));
    }
    return out;
}

json gateway_json(const Gateway& gateway) {
    json addresses = json::array();
    for (const Prefix& one : gateway.addresses) addresses.push_back(one.text());
    return {{"addresses", std::move(addresses)}, {"mac", gateway.mac.text()}, {"answer_remote", gateway.answer_remote}};
}

json routing_domains_json(const std::vector<RoutingDomain>& domains, std::optional<Owner> owner) {
    json out = json::array();
    for (const RoutingDomain& domain : domains) {
        json one = to_json(domain, owner);
        if (!owner || domain.owner == *owner || !one["routes"].empty()) out.push_back(std::move(one));
    }
    return out;
}

json protocol_json(std::uint8_t number) {
    const std::string known = protocol_name(number);
    return known.empty() ? json(number) : json(known);
}

void put_match(json& out, const FlowMatch& match) {
    if (match.source) out["source"] = match.source->text();
    if (match.destination) out["destination"] = match.destination->text();
    if (match.protocol) out["protocol"] = protocol_json(*match.protocol);
    if (match.source_ports) out["source_ports"] = text(*match.source_ports);
    if (match.destination_ports) out["destination_ports"] = text(*match.destination_ports);
    put(out, "dscp", match.dscp);
}

json policy_route_json(const PolicyRoute& route) {
    json out = {{"priority", route.priority}, {"via", json::array()}};
    put_match(out, route.match);
    for (const Ip& ip : route.via) out["via"].push_back(ip.text());
    return out;
}

json router_json(const RouterRemote& remote) {
    if (!remote.router_mac) return remote.address.text();
    return {{"address", remote.address.text()}, {"router_mac", remote.router_mac->text()}};
}

}  // namespace

json to_json(const Segment& segment, std::optional<Owner> owner) {
    json out = {{"name", segment.name},
                {"learning", segment.learning},
                {"aging_seconds", segment.aging_seconds},
                {"learning_limit", segment.learning_limit},
                {"arp", name(segment.arp)},
                {"unknown_unicast", segment.drop_unknown_unicast ? "drop" : "flood"}};
    if (!segment.routing_domain.empty()) out["routing_domain"] = segment.routing_domain;
    if (!segment.acl.empty()) out["acl"] = segment.acl;
    if (!(segment.gateway == Gateway{})) out["gateway"] = gateway_json(segment.gateway);
    if (segment.vni == 0) return out;
    json remotes = json::array();
    for (const Remote& remote : segment.remotes)
        if (!owner || remote.owner == *owner) remotes.push_back(remote.address.text());
    out.update({{"vni", segment.vni},
                {"remotes", std::move(remotes)},
                {"encapsulation", name(segment.encapsulation)},
                {"keep_inner_tags", segment.keep_inner_tags}});
    put(out, "mtu", segment.mtu);
    return out;
}

json to_json(const Port& port) {
    json out = {{"interface", port.interface}, {"bind", bindings_json(port.bind)}, {"hook", name(port.hook)}};
    if (port.port_group.empty())
        out["segment"] = port.segment;
    else
        out["port_group"] = port.port_group;
    if (!port.service.empty()) out["service"] = port.service;
    if (!port.acl.empty()) out["acl"] = port.acl;
    return out;
}

json to_json(const Bridge& bridge) {
    json out = {{"segment", bridge.segment}, {"interface", bridge.interface},
                {"vlan", bridge.vlan},       {"tag_protocol", name(bridge.tag_protocol)},
                {"role", name(bridge.role)}, {"priority", bridge.priority}};
    if (bridge.virtual_router_id != 0) out["virtual_router_id"] = bridge.virtual_router_id;
    return out;
}

json to_json(const Switch& one) {
    json team = team_json(one.team);
    team["uplinks"] = one.team.uplinks;
    return {{"name", one.name}, {"team", std::move(team)}};
}

json to_json(const PortGroup& group) {
    json trunk = json::array(), storm = json::object();
    for (const VlanRange& vlans : group.trunk) trunk.push_back(text(vlans));
    put(storm, "broadcast_pps", group.broadcast_pps);
    put(storm, "multicast_pps", group.multicast_pps);
    put(storm, "unknown_unicast_pps", group.unknown_unicast_pps);
    json out = {{"name", group.name},
                {"switch", group.switch_name},
                {"segment", group.segment},
                {"vlan", group.vlan},
                {"trunk", std::move(trunk)},
                {"isolated", group.isolated},
                {"team", team_json(group.team)},
                {"security",
                 {{"promiscuous", accepted(group.accept_promiscuous)},
                  {"mac_changes", accepted(group.accept_mac_changes)},
                  {"forged_transmits", accepted(group.accept_forged_transmits)}}},
                {"limits", {{"from_port", rate_json(group.from_port)}, {"to_port", rate_json(group.to_port)}}},
                {"storm", std::move(storm)}};
    if (!group.acl.empty()) out["acl"] = group.acl;
    return out;
}

json to_json(const Uplink& uplink) { return {{"interface", uplink.interface}, {"hook", name(uplink.hook)}}; }

json to_json(const Route& route) {
    json out = {{"prefix", route.prefix.text()}};
    if (route.action)
        out["action"] = name(*route.action);
    else if (!route.leak.empty())
        out["leak"] = route.leak;
    else
        for (const Ip& ip : route.via) out["via"].push_back(ip.text());
    return out;
}

json to_json(const RoutingDomain& domain, std::optional<Owner> owner) {
    json remotes = json::array(), routes = json::array(), policy = json::array();
    for (const RouterRemote& remote : domain.remotes) remotes.push_back(router_json(remote));
    for (const Route& route : domain.routes)
        if (!owner || route.owner == *owner) routes.push_back(to_json(route));
    for (const PolicyRoute& route : domain.policy_routes)
        if (!owner || domain.owner == *owner) policy.push_back(policy_route_json(route));
    json out = {{"name", domain.name},
                {"model", name(domain.model)},
                {"remotes", std::move(remotes)},
                {"routes", std::move(routes)},
                {"policy_routes", std::move(policy)}};
    put(out, "l3_vni", domain.l3_vni);
    if (domain.router_mac) out["router_mac"] = domain.router_mac->text();
    return out;
}

json to_json(const AclRule& rule) {
    json out = {{"priority", rule.priority},
                {"action", rule.allow ? "allow" : "deny"},
                {"direction", name(rule.direction)},
                {"stateful", rule.stateful}};
    put_match(out, rule.match);
    return out;
}

json to_json(const Acl& acl) {
    json rules = json::array();
    for (const AclRule& rule : acl.rules) rules.push_back(to_json(rule));
    return {{"name", acl.name}, {"default", acl.default_allow ? "allow" : "deny"}, {"rules", std::move(rules)}};
}

json to_json(const FdbRecord& record) {
    json out = {{"segment", record.segment}, {"mac", record.mac.text()}};
    if (!record.port.empty()) out["port"] = record.port;
    if (record.remote) out["remote"] = record.remote->text();
    put(out, "vni", record.vni);
    put(out, "bridge", record.bridge);
    return out;
}

json to_json(const NeighborRecord& record) {
    json out = {{"segment", record.segment}, {"ip", record.ip.text()}, {"mac", record.mac.text()}};
    if (record.remote) out["remote"] = record.remote->text();
    if (record.vni) out["vni"] = *record.vni;
    return out;
}

json to_json(const TenantRecord& record) {
    return {{"vsid", record.vsid}, {"ca", record.ca.text()}, {"mac", record.mac.text()}, {"pa", record.pa.text()}};
}

json to_json(const Document& document, std::optional<Owner> owner) {
    json out = {{"uplinks", list_json(document.uplinks, owner)},
                {"segments", segments_json(document.segments, owner)},
                {"switches", list_json(document.switches, owner)},
                {"port_groups", list_json(document.port_groups, owner)},
                {"ports", list_json(document.ports, owner)},
                {"bridges", list_json(document.bridges, owner)},
                {"fdb", list_json(document.fdb, owner)},
                {"neighbors", list_json(document.neighbors, owner)},
                {"records", list_json(document.records, owner)},
                {"routing_domains", routing_domains_json(document.routing_domains, owner)},
                {"acls", list_json(document.acls, owner)}};
    if (owner && *owner != ORIGIN_CONFIG) return out;
    out["limits"] = limits_json(document.limits);
    if (document.vtep) out["vtep"] = vtep_json(*document.vtep);
    return out;
}

}  // namespace weft

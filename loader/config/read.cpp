// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include "read.hpp"

#include "read_values.hpp"
#include "records.hpp"

namespace weft {

using namespace reading;

namespace {

Hook read_hook(const json& object) {
    return word(object, "hook", {Hook::Xdp, Hook::XdpGeneric, Hook::Tc}).value_or(Hook::Auto);
}

ArpMode read_arp(const json& object) {
    return word(object, "arp", {ArpMode::Suppress, ArpMode::Strict, ArpMode::LocalProxy}).value_or(ArpMode::Off);
}

Encapsulation read_encapsulation(const json& object) {
    return word(object, "encapsulation", {Encapsulation::Nvgre}).value_or(Encapsulation::Vxlan);
}

Vtep read_vtep(const json& object) {
    Vtep out;
    take(object, "address", out.address);
    take(object, "port", out.port);
    take(object, "ttl", out.ttl);
    take(object, "tos", out.tos);
    take(object, "df", out.df);
    out.drop_reserved_bits = is(object, "reserved_bits", "drop");
    out.accept_any = is(object, "accept", "any");
    out.udp6_zero_checksum = is(object, "udp6_checksum", "zero");
    take(object, "accept_zero_checksum6", out.accept_zero_checksum6);
    return out;
}

Limits read_limits(const json& object) {
    Limits out;
    take(object, "icmp_errors_pps", out.icmp_errors_pps);
    take(object, "arp_pps", out.arp_pps);
    take(object, "punt_pps", out.punt_pps);
    return out;
}

Uplink read_uplink(const json& object, Owner owner) {
    Uplink out{.hook = read_hook(object), .owner = owner};
    take(object, "interface", out.interface);
    return out;
}

Segment read_segment(const json& object, Owner owner) {
    Segment out{.encapsulation = read_encapsulation(object), .arp = read_arp(object), .owner = owner};
    take(object, "name", out.name);
    take(object, "vni", out.vni);
    if (member(object, "vni") && out.vni == 0) out.vni = VNI_MAX + 1;  // wrong of form, which makes it no VLAN's
    take(object, "learning", out.learning);
    take(object, "aging_seconds", out.aging_seconds);
    take(object, "learning_limit", out.learning_limit);
    out.drop_unknown_unicast = is(object, "unknown_unicast", "drop");
    take(object, "keep_inner_tags", out.keep_inner_tags);
    take(object, "mtu", out.mtu);
    take(object, "routing_domain", out.routing_domain);
    take(object, "acl", out.acl);
    out.gateway = read_gateway(part(object, "gateway"));
    out.remotes = list<Remote>(object, "remotes", [&](const json& one) {
        return Remote{parsed<Ip>(&one).value_or(Ip{}), owner};
    });
    return out;
}

Binding read_binding(const json& object) {
    Binding out;
    take(object, "mac", out.mac);
    out.ips = list<Ip>(object, "ips", [](const json& one) { return parsed<Ip>(&one).value_or(Ip{}); });
    return out;
}

Port read_port(const json& object, Owner owner) {
    Port out;
    out.hook = read_hook(object);
    out.owner = owner;
    take(object, "interface", out.interface);
    take(object, "segment", out.segment);
    take(object, "port_group", out.port_group);
    take(object, "service", out.service);
    take(object, "acl", out.acl);
    out.bind = list<Binding>(object, "bind", read_binding);
    return out;
}

Bridge read_bridge(const json& object, Owner owner) {
    Bridge out;
    out.owner = owner;
    take(object, "segment", out.segment);
    take(object, "interface", out.interface);
    take(object, "vlan", out.vlan);
    if (is(object, "tag_protocol", name(TagProtocol::Dot1ad))) out.tag_protocol = TagProtocol::Dot1ad;
    out.role = word(object, "role", {BridgeRole::Standby, BridgeRole::Elected}).value_or(BridgeRole::Designated);
    take(object, "virtual_router_id", out.virtual_router_id);
    take(object, "priority", out.priority);
    return out;
}

Team read_team(const json& object) {
    Team out;
    out.uplinks = list<std::string>(object, "uplinks", text_or_none);
    out.policy =
        word(object, "policy", {TeamPolicy::Explicit, TeamPolicy::Port, TeamPolicy::SourceMac, TeamPolicy::IpHash});
    if (member(object, "active")) out.active = list<std::string>(object, "active", text_or_none);
    if (member(object, "standby")) out.standby = list<std::string>(object, "standby", text_or_none);
    out.detection = word(object, "detection", {Detection::Link, Detection::Beacon});
    take(object, "failback", out.failback);
    take(object, "failback_delay_seconds", out.failback_delay_seconds);
    take(object, "notify_switches", out.notify_switches);
    return out;
}

// A switch's team has all keys, but for an order that nobody gave.
Switch read_switch(const json& object, Owner owner) {
    constexpr std::uint32_t FAILBACK_DELAY_SECONDS = 5;
    Switch out;
    out.owner = owner;
    take(object, "name", out.name);
    Team& team = out.team = read_team(part(object, "team"));
    team.policy = team.policy.value_or(TeamPolicy::Port);
    team.detection = team.detection.value_or(Detection::Link);
    team.failback = team.failback.value_or(true);
    team.failback_delay_seconds = team.failback_delay_seconds.value_or(FAILBACK_DELAY_SECONDS);
    team.notify_switches = team.notify_switches.value_or(true);
    return out;
}

RateLimit read_rate(const json& object) {
    RateLimit out;
    take(object, "average_kbps", out.average_kbps);
    take(object, "peak_kbps", out.peak_kbps);
    take(object, "burst_kbytes", out.burst_kbytes);
    out.delay = is(object, "excess", "delay");
    return out;
}

PortGroup read_port_group(const json& object, Owner owner) {
    PortGroup out;
    out.owner = owner;
    take(object, "name", out.name);
    take(object, "switch", out.switch_name);
    take(object, "segment", out.segment);
    take(object, "vlan", out.vlan);
    out.trunk = list<VlanRange>(object, "trunk",
                                [](const json& one) { return parse_vlans(text_or_none(one)).value_or(VlanRange{}); });
    take(object, "isolated", out.isolated);
    take(object, "acl", out.acl);
    out.team = read_team(part(object, "team"));
    const json& security = part(object, "security");
    out.accept_promiscuous = is(security, "promiscuous", "accept");
    out.accept_mac_changes = is(security, "mac_changes", "accept");
    out.accept_forged_transmits = is(security, "forged_transmits", "accept");
    out.from_port = read_rate(part(part(object, "limits"), "from_port"));
    out.to_port = read_rate(part(part(object, "limits"), "to_port"));
    const json& storm = part(object, "storm");
    take(storm, "broadcast_pps", out.broadcast_pps);
    take(storm, "multicast_pps", out.multicast_pps);
    take(storm, "unknown_unicast_pps", out.unknown_unicast_pps);
    return out;
}

FdbRecord read_fdb(const json& object, Owner owner) {
    FdbRecord out{.owner = owner};
    take(object, "segment", out.segment);
    take(object, "mac", out.mac);
    take(object, "port", out.port);
    take(object, "remote", out.remote);
    take(object, "vni", out.vni);
    if (const json* at = member(object, "bridge"))
        if (const auto bridge = parse_bridge(text_or_none(*at))) out.bridge = bridge->text();
    return out;
}

NeighborRecord read_neighbor(const json& object, Owner owner) {
    NeighborRecord out{.owner = owner};
    take(object, "segment", out.segment);
    take(object, "ip", out.ip);
    take(object, "mac", out.mac);
    take(object, "remote", out.remote);
    take(object, "vni", out.vni);
    return out;
}

TenantRecord read_record(const json& object, Owner owner) {
    TenantRecord out{.owner = owner};
    take(object, "vsid", out.vsid);
    take(object, "ca", out.ca);
    take(object, "mac", out.mac);
    take(object, "pa", out.pa);
    return out;
}

}  // namespace

bool read_object(std::string_view section, const json& object, Owner owner, Document& out) {
    if (section == "uplinks")
        out.uplinks.push_back(read_uplink(object, owner));
    else if (section == "segments")
        out.segments.push_back(read_segment(object, owner));
    else if (section == "ports")
        out.ports.push_back(read_port(object, owner));
    else if (section == "switches")
        out.switches.push_back(read_switch(object, owner));
    else if (section == "port_groups")
        out.port_groups.push_back(read_port_group(object, owner));
    else if (section == "bridges")
        out.bridges.push_back(read_bridge(object, owner));
    else if (section == "routing_domains")
        out.routing_domains.push_back(read_routing_domain(object, owner));
    else if (section == "acls")
        out.acls.push_back(read_acl(object, owner));
    else if (section == "fdb")
        out.fdb.push_back(read_fdb(object, owner));
    else if (section == "neighbors")
        out.neighbors.push_back(read_neighbor(object, owner));
    else if (section == "records")
        out.records.push_back(read_record(object, owner));
    else
        return false;
    return true;
}

Document read_document(const json& document, Owner owner) {
    Document out;
    if (const json* vtep = member(document, "vtep")) out.vtep = read_vtep(*vtep);
    if (const json* limits = member(document, "limits")) out.limits = read_limits(*limits);
    for (const char* section : {"uplinks", "segments", "switches", "port_groups", "ports", "bridges", "routing_domains",
                                "acls", "fdb", "neighbors", "records"}) {
        const json* list = member(document, section);
        if (!list || !list->is_array()) continue;
        for (const json& one : *list) read_object(section, one, owner, out);
    }
    complete(out);
    return out;
}

void complete(Document& document) {
    std::unordered_map<std::string_view, const PortGroup*> groups;
    for (const PortGroup& group : document.port_groups) groups.emplace(group.name, &group);
    for (Port& port : document.ports) {
        if (port.port_group.empty()) continue;
        const auto group = groups.find(port.port_group);
        port.segment = group == groups.end() ? "" : group->second->segment;
    }
    std::unordered_map<std::string_view, std::uint32_t> vnis;
    for (const Segment& segment : document.segments) vnis.emplace(segment.name, segment.vni);
    for (Bridge& bridge : document.bridges) {
        if (!bridge.is_elected() || bridge.virtual_router_id != 0) continue;
        const auto vni = vnis.find(bridge.segment);
        if (vni == vnis.end()) continue;
        bridge.virtual_router_id = static_cast<std::uint8_t>(1 + (vni->second + bridge.vlan) % 255);
    }
    add_homes(document);
}

}  // namespace weft

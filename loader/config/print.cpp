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
    }
    return "?";
}

const char* name(Owner owner) {
    switch (owner) {
        case ORIGIN_DYNAMIC: return "dynamic";
        case ORIGIN_EVPN: return "evpn";
        case ORIGIN_CLI: return "cli";
        case ORIGIN_CONFIG: return "config";
    }
    return "?";
}

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

}  // namespace

json to_json(const Segment& segment, std::optional<Owner> owner) {
    json remotes = json::array();
    for (const Remote& remote : segment.remotes)
        if (!owner || remote.owner == *owner) remotes.push_back(remote.address.text());
    json out = {{"name", segment.name},
                {"vni", segment.vni},
                {"remotes", std::move(remotes)},
                {"encapsulation", "vxlan"},
                {"learning", segment.learning},
                {"aging_seconds", segment.aging_seconds},
                {"learning_limit", segment.learning_limit},
                {"arp", name(segment.arp)},
                {"unknown_unicast", segment.drop_unknown_unicast ? "drop" : "flood"},
                {"keep_inner_tags", segment.keep_inner_tags}};
    if (segment.mtu) out["mtu"] = *segment.mtu;
    return out;
}

json to_json(const Port& port) {
    return {{"interface", port.interface}, {"segment", port.segment}, {"hook", name(port.hook)}};
}

json to_json(const Uplink& uplink) { return {{"interface", uplink.interface}, {"hook", name(uplink.hook)}}; }

json to_json(const FdbRecord& record) {
    json out = {{"segment", record.segment}, {"mac", record.mac.text()}};
    if (!record.port.empty()) out["port"] = record.port;
    if (record.remote) out["remote"] = record.remote->text();
    if (record.vni) out["vni"] = *record.vni;
    return out;
}

json to_json(const NeighborRecord& record) {
    json out = {{"segment", record.segment}, {"ip", record.ip.text()}, {"mac", record.mac.text()}};
    if (record.remote) out["remote"] = record.remote->text();
    if (record.vni) out["vni"] = *record.vni;
    return out;
}

json to_json(const Document& document, std::optional<Owner> owner) {
    json out = {{"uplinks", list_json(document.uplinks, owner)},
                {"segments", segments_json(document.segments, owner)},
                {"ports", list_json(document.ports, owner)},
                {"fdb", list_json(document.fdb, owner)},
                {"neighbors", list_json(document.neighbors, owner)}};
    if (owner && *owner != ORIGIN_CONFIG) return out;
    out["limits"] = limits_json(document.limits);
    if (document.vtep) out["vtep"] = vtep_json(*document.vtep);
    return out;
}

}  // namespace weft

// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include "read.hpp"

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "config.hpp"

namespace weft {

namespace {

using nlohmann::json;

const json* member(const json& object, const char* key) {
    if (!object.is_object()) return nullptr;
    const auto at = object.find(key);
    return at == object.end() ? nullptr : &*at;
}

void take(const json& object, const char* key, bool& out) {
    if (const json* at = member(object, key); at && at->is_boolean()) out = at->get<bool>();
}

void take(const json& object, const char* key, std::string& out) {
    if (const json* at = member(object, key); at && at->is_string()) out = at->get<std::string>();
}

template <std::unsigned_integral T>
bool take_number(const json* at, T& out) {
    if (!at || !at->is_number()) return false;
    const auto number = at->get<double>();
    if (!(number >= 0 && number <= static_cast<double>(std::numeric_limits<T>::max()))) return false;
    out = static_cast<T>(number);
    return true;
}

template <std::unsigned_integral T>
void take(const json& object, const char* key, T& out) {
    take_number(member(object, key), out);
}

template <std::unsigned_integral T>
void take(const json& object, const char* key, std::optional<T>& out) {
    if (T value{}; take_number(member(object, key), value)) out = value;
}

// Ip and Mac: what does not parse has a complaint of form already.
template <typename T>
std::optional<T> parsed(const json* at) {
    return at && at->is_string() ? T::parse(at->get_ref<const std::string&>()) : std::nullopt;
}

template <typename T>
requires requires { T::parse(""); }
void take(const json& object, const char* key, T& out) {
    if (const auto value = parsed<T>(member(object, key))) out = *value;
}

void take(const json& object, const char* key, std::optional<Ip>& out) { out = parsed<Ip>(member(object, key)); }

bool is(const json& object, const char* key, std::string_view value) {
    const json* at = member(object, key);
    return at && at->is_string() && at->get_ref<const std::string&>() == value;
}

Hook read_hook(const json& object) {
    for (const Hook hook : {Hook::Xdp, Hook::XdpGeneric, Hook::Tc})
        if (is(object, "hook", name(hook))) return hook;
    return Hook::Auto;
}

ArpMode read_arp(const json& object) {
    for (const ArpMode mode : {ArpMode::Suppress, ArpMode::Strict})
        if (is(object, "arp", name(mode))) return mode;
    return ArpMode::Off;
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
    Segment out{.arp = read_arp(object), .owner = owner};
    take(object, "name", out.name);
    take(object, "vni", out.vni);
    take(object, "learning", out.learning);
    take(object, "aging_seconds", out.aging_seconds);
    take(object, "learning_limit", out.learning_limit);
    out.drop_unknown_unicast = is(object, "unknown_unicast", "drop");
    take(object, "keep_inner_tags", out.keep_inner_tags);
    take(object, "mtu", out.mtu);
    if (const json* remotes = member(object, "remotes"); remotes && remotes->is_array())
        for (const json& one : *remotes) out.remotes.push_back({parsed<Ip>(&one).value_or(Ip{}), owner});
    return out;
}

Port read_port(const json& object, Owner owner) {
    Port out{.hook = read_hook(object), .owner = owner};
    take(object, "interface", out.interface);
    take(object, "segment", out.segment);
    return out;
}

FdbRecord read_fdb(const json& object, Owner owner) {
    FdbRecord out{.owner = owner};
    take(object, "segment", out.segment);
    take(object, "mac", out.mac);
    take(object, "port", out.port);
    take(object, "remote", out.remote);
    take(object, "vni", out.vni);
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

}  // namespace

bool read_object(std::string_view section, const json& object, Owner owner, Document& out) {
    if (section == "uplinks")
        out.uplinks.push_back(read_uplink(object, owner));
    else if (section == "segments")
        out.segments.push_back(read_segment(object, owner));
    else if (section == "ports")
        out.ports.push_back(read_port(object, owner));
    else if (section == "fdb")
        out.fdb.push_back(read_fdb(object, owner));
    else if (section == "neighbors")
        out.neighbors.push_back(read_neighbor(object, owner));
    else
        return false;
    return true;
}

Document read_document(const json& document, Owner owner) {
    Document out;
    if (const json* vtep = member(document, "vtep")) out.vtep = read_vtep(*vtep);
    if (const json* limits = member(document, "limits")) out.limits = read_limits(*limits);
    for (const char* section : {"uplinks", "segments", "ports", "fdb", "neighbors"}) {
        const json* list = member(document, section);
        if (!list || !list->is_array()) continue;
        for (const json& one : *list) read_object(section, one, owner, out);
    }
    return out;
}

}  // namespace weft

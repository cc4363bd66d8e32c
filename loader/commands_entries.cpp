// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include "commands_entries.hpp"

#include <time.h>

#include <nlohmann/json.hpp>

#include "commands.hpp"

namespace weft::commands {

using nlohmann::json;

std::uint32_t now_s() {
    timespec now{};
    clock_gettime(CLOCK_MONOTONIC, &now);
    return static_cast<std::uint32_t>(now.tv_sec);
}

Result<const std::string*> optional_text(const json& row, const char* key) {
    const auto found = row.find(key);
    if (found == row.end() || found->is_null()) return nullptr;
    if (!found->is_string()) return fail(EINVAL, std::string(key) + " is no string");
    return found->get_ptr<const std::string*>();
}

namespace {

Result<std::optional<std::uint32_t>> optional_vni(const json& row) {
    const auto found = row.find("vni");
    if (found == row.end() || found->is_null()) return std::optional<std::uint32_t>();
    if (!found->is_number_unsigned() || found->get<std::uint64_t>() == 0 || found->get<std::uint64_t>() > VNI_MAX)
        return fail(EINVAL, "vni is not 1 to " + std::to_string(VNI_MAX));
    return std::optional<std::uint32_t>(found->get<std::uint32_t>());
}

Result<std::uint8_t> origin_of(const std::string& text) {
    for (const Owner origin : {ORIGIN_DYNAMIC, ORIGIN_EVPN, ORIGIN_CLI, ORIGIN_CONFIG})
        if (text == name(origin)) return static_cast<std::uint8_t>(origin);
    return fail(EINVAL, "origin is config, cli, evpn or dynamic, not \"" + text + "\"");
}

Result<bool> flag(const json& row, const char* key) {
    const auto found = row.find(key);
    if (found == row.end() || found->is_null()) return false;
    if (!found->is_boolean()) return fail(EINVAL, std::string(key) + " is no boolean");
    return found->get<bool>();
}

template <typename T>
Result<std::optional<T>> optional_value(const json& row, const char* key, const char* what) {
    TRY(const std::string* text, optional_text(row, key));
    if (!text) return std::optional<T>();
    const auto value = T::parse(*text);
    if (!value) return fail(EINVAL, "\"" + *text + "\" is no " + what);
    return value;
}

}  // namespace

const char* origin_name(std::uint8_t origin) { return name(static_cast<Owner>(origin)); }

Result<std::uint8_t> wanted_origin(const json& row) {
    TRY(const std::string* text, optional_text(row, "origin"));
    TRY(const bool dynamic, flag(row, "dynamic"));
    TRY(const bool fixed, flag(row, "static"));
    if (dynamic && fixed) return fail(EINVAL, "dynamic and static exclude each other");
    if (!text) return static_cast<std::uint8_t>(dynamic ? ORIGIN_DYNAMIC : ORIGIN_CLI);
    TRY(std::uint8_t origin, origin_of(*text));
    // A row of `list` that the document owns elsewhere is the CLI's here: only an apply makes config's.
    if (origin == ORIGIN_CONFIG) origin = ORIGIN_CLI;
    if ((dynamic && origin != ORIGIN_DYNAMIC) || (fixed && origin != ORIGIN_CLI))
        return fail(EINVAL, "origin " + *text + (dynamic ? " is not dynamic" : " is not static"));
    return origin;
}

Result<std::uint32_t> wanted_stamp(const json& row, std::uint8_t origin) {
    if (origin != ORIGIN_DYNAMIC) return 0u;
    const std::uint32_t now = now_s();
    const auto age = row.find("age_seconds");
    if (age == row.end() || age->is_null()) return now;
    if (!age->is_number_unsigned()) return fail(EINVAL, "age_seconds is no number");
    return now - static_cast<std::uint32_t>(std::min<std::uint64_t>(age->get<std::uint64_t>(), now));
}

Result<const SegmentState*> Resolver::segment(const json& row) {
    TRY(const std::string* text, optional_text(row, "segment"));
    if (!text) return fail(EINVAL, "segment is missing");
    const auto known = segments_.find(*text);
    if (known != segments_.end()) return known->second;
    const SegmentState* state = engine_->parts().segments().find(*text);
    if (!state) return fail(ENOENT, "no segment " + *text);
    return segments_[*text] = state;
}

Result<std::uint32_t> Resolver::nexthop(const json& row, const SegmentState& segment, bool make) {
    TRY(const std::string* text, optional_text(row, "remote"));
    TRY(const auto vni, optional_vni(row));
    if (!text && vni.value_or(segment.row.vni) != segment.row.vni)
        return fail(EINVAL, "vni " + std::to_string(*vni) + " is not the VNI of segment " + segment.name + " (" +
                                std::to_string(segment.row.vni) + "): another goes with a remote only");
    if (!text) return 0u;
    const std::pair<std::string, std::uint32_t> key{*text, vni.value_or(segment.row.vni)};
    const auto known = nexthops_.find(key);
    if (known != nexthops_.end()) return known->second;
    const auto address = Ip::parse(*text);
    if (!address || !address->is_host()) return fail(EINVAL, "\"" + *text + "\" is no host address");
    const auto& vtep = engine_->wanted().vtep;
    if (!vtep) return fail(EINVAL, "there is no vtep: a remote needs one");
    if (vtep->address.is_v4() != address->is_v4())
        return fail(EINVAL, "remote " + *text + " is not of the family of vtep " + vtep->address.text());
    if (vtep->address == *address) return fail(EINVAL, "remote " + *text + " is this host's own vtep");
    if (!make) return engine_->nexthops().find(*address, key.second).value_or(0);
    TRY(const std::uint32_t id, engine_->nexthops().acquire(*address, key.second));
    return nexthops_[key] = id;
}

Result<Filter> Filter::parse(Engine& engine, const json& arguments) {
    Filter filter;
    if (arguments.contains("segment")) {
        TRY(const SegmentState* segment, segment_of(engine, arguments));
        filter.segment = segment->index;
    }
    TRY(filter.mac, optional_value<Mac>(arguments, "mac", "MAC address"));
    TRY(filter.ip, optional_value<Ip>(arguments, "ip", "IP address"));
    TRY(filter.remote, optional_value<Ip>(arguments, "remote", "IP address"));
    TRY(filter.vni, optional_vni(arguments));
    TRY(const std::string* port, optional_text(arguments, "port"));
    if (port) {
        const Interface* interface = engine.parts().devices().find(*port);
        if (!interface || interface->role != Role::Port) return fail(ENOENT, "no port " + *port);
        filter.port = interface->ifindex;
    }
    TRY(const std::string* origin, optional_text(arguments, "origin"));
    if (origin) {
        TRY(filter.origin, origin_of(*origin));
    }
    TRY(filter.only_dynamic, flag(arguments, "dynamic"));
    TRY(filter.only_static, flag(arguments, "static"));
    return filter;
}

bool Filter::takes_origin(std::uint8_t of) const {
    if (origin && *origin != of) return false;
    if (only_dynamic && of != ORIGIN_DYNAMIC) return false;
    return !only_static || precedence(of) == 2;
}

bool Filter::takes_nexthop(const NextHopInfo* hop) const {
    if (!remote) return true;
    return hop && hop->remote == *remote;
}

Teller::Teller(Engine& engine) : engine_(&engine), now_(now_s()) {
    for (const auto& [vni, state] : engine.parts().segments().by_vni())
        segments_[state.index] = "{\"segment\":" + json(state.name).dump() + ",\"vni\":";
    for (const auto& [name, interface] : engine.parts().devices().all())
        if (interface.ifindex) ports_[interface.ifindex] = json(name).dump();
    for (NextHopInfo& hop : engine.nexthops().all()) hops_.emplace(hop.id, std::move(hop));
}

const NextHopInfo* Teller::hop(std::uint32_t id) const {
    const auto found = hops_.find(id);
    return found == hops_.end() ? nullptr : &found->second;
}

void Teller::tell_segment(std::string& out, std::uint32_t index) {
    const auto found = segments_.find(index);
    out += found == segments_.end() ? "{\"segment\":null,\"vni\":" : found->second;
}

// VNI: the one frames to it carry.
void Teller::tell_rest(std::string& out, const NextHopInfo* hop, std::uint8_t origin, std::uint32_t used_s) {
    if (hop) out.append(",\"remote\":\"").append(hop->remote.text()).append("\"");
    out.append(",\"origin\":\"").append(origin_name(origin)).append("\",\"age_seconds\":");
    out += origin == ORIGIN_DYNAMIC ? std::to_string(now_ > used_s ? now_ - used_s : 0) : "null";
    out += "}";
}

void Teller::tell(std::string& out, const fdb_key& key, const fdb_entry& entry) {
    const NextHopInfo* to = hop(nexthop_of(entry));
    const SegmentState* segment = engine_->parts().segments().find(static_cast<std::uint32_t>(key.segment));
    tell_segment(out, key.segment);
    out += std::to_string(to ? to->vni : segment ? segment->row.vni : 0);
    out.append(",\"mac\":\"").append(Mac::of(key.mac).text()).append("\"");
    if (entry.kind == FDB_PORT) {
        const auto port = ports_.find(entry.target);
        out.append(",\"port\":").append(port == ports_.end() ? "null" : port->second);
    }
    tell_rest(out, to, entry.origin, entry.used_s);
}

void Teller::tell(std::string& out, const neighbor_key& key, const neighbor& entry) {
    const NextHopInfo* to = hop(entry.nexthop);
    const SegmentState* segment = engine_->parts().segments().find(key.segment);
    tell_segment(out, key.segment);
    out += std::to_string(to ? to->vni : segment ? segment->row.vni : 0);
    out.append(",\"ip\":\"").append(Ip::of(key.ip).text()).append("\"");
    out.append(",\"mac\":\"").append(Mac::of(entry.mac).text()).append("\"");
    tell_rest(out, to, entry.origin, entry.used_s);
}

}  // namespace weft::commands

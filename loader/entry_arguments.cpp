// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include "entry_arguments.hpp"

#include <algorithm>

#include "clock.hpp"
#include "records.hpp"
#include "view.hpp"

namespace weft::commands {

namespace {

std::string quoted(std::string_view text) { return "\"" + std::string(text) + "\""; }

Result<std::optional<std::uint32_t>> vni_of(const EntryRow& row) {
    if (!row.vni) return std::optional<std::uint32_t>();
    if (*row.vni == 0 || *row.vni > VNI_MAX) return fail(EINVAL, "vni is not 1 to " + std::to_string(VNI_MAX));
    return std::optional(static_cast<std::uint32_t>(*row.vni));
}

Result<const Bridge*> find_bridge(Engine& engine, std::string_view text) {
    const auto wanted = parse_bridge(text);
    if (!wanted) return fail(EINVAL, quoted(text) + " is no interface and VLAN like eth1:100");
    for (const Bridge& bridge : engine.wanted().bridges)
        if (BridgeName{bridge.interface, bridge.vlan} == *wanted) return &bridge;
    return fail(ENOENT, "no bridge " + wanted->text());
}

template <typename T>
Result<std::optional<T>> value_of(const EntryRow::Text& text, const char* what) {
    if (!text) return std::optional<T>();
    const auto value = T::parse(*text);
    if (!value) return fail(EINVAL, quoted(*text) + " is no " + what);
    return value;
}

}  // namespace

Result<std::uint8_t> origin_of(std::string_view text) {
    for (const Owner origin : {ORIGIN_DYNAMIC, ORIGIN_EVPN, ORIGIN_CLI, ORIGIN_CONFIG})
        if (text == name(origin)) return static_cast<std::uint8_t>(origin);
    return fail(EINVAL, "origin is config, cli, evpn or dynamic, not " + quoted(text));
}

Result<Ip> host_address(const EntryRow::Text& text, const char* key) {
    if (!text) return fail(EINVAL, std::string(key) + " is missing");
    const auto ip = Ip::parse(*text);
    if (!ip || !ip->is_host()) return fail(EINVAL, quoted(*text) + " is no host address");
    return *ip;
}

Result<Mac> host_mac(const EntryRow& row) {
    if (!row.mac) return fail(EINVAL, "mac is missing");
    TRY(const auto mac, value_of<Mac>(row.mac, "MAC address"));
    if (const auto wrong = wrong_host_mac(*mac); !wrong.empty()) return fail(EINVAL, wrong);
    return *mac;
}

Result<std::uint8_t> wanted_origin(const EntryRow& row) {
    if (row.dynamic && row.fixed) return fail(EINVAL, "dynamic and static exclude each other");
    if (!row.origin) return static_cast<std::uint8_t>(row.dynamic ? ORIGIN_DYNAMIC : ORIGIN_CLI);
    TRY(std::uint8_t origin, origin_of(*row.origin));
    // A row of `list` that the document owns elsewhere is the CLI's here: only an apply makes config's.
    if (origin == ORIGIN_CONFIG) origin = ORIGIN_CLI;
    if ((row.dynamic && origin != ORIGIN_DYNAMIC) || (row.fixed && origin != ORIGIN_CLI))
        return fail(EINVAL,
                    "origin " + std::string(*row.origin) + (row.dynamic ? " is not dynamic" : " is not static"));
    return origin;
}

std::uint32_t wanted_stamp(const EntryRow& row, std::uint8_t origin) {
    if (origin != ORIGIN_DYNAMIC) return 0;
    const std::uint32_t now = stamp_now_s();
    return now - static_cast<std::uint32_t>(std::min<std::uint64_t>(row.age_seconds.value_or(0), now));
}

Result<const SegmentState*> Resolver::segment(const EntryRow& row) {
    if (!row.segment) return fail(EINVAL, "segment is missing");
    const auto known = segments_.find(*row.segment);
    if (known != segments_.end()) return known->second;
    std::string name(*row.segment);
    const SegmentState* state = engine_->parts().segments().find(name);
    if (!state) return fail(ENOENT, "no segment " + name);
    return segments_[std::move(name)] = state;
}

Result<const SegmentState*> Resolver::tenant(const EntryRow& row) {
    if (!row.vsid) return fail(EINVAL, "vsid is missing");
    if (tenants_.empty())
        for (const auto& [vsid, segment] : segments_by_vsid(engine_->wanted()))
            tenants_[vsid] = engine_->parts().segments().find(segment->name);
    const auto found = tenants_.find(*row.vsid);
    if (found == tenants_.end() || !found->second)
        return fail(ENOENT, "no segment of number " + std::to_string(*row.vsid));
    return found->second;
}

Result<std::uint32_t> Resolver::nexthop(const EntryRow& row, const SegmentState& segment) {
    TRY(const auto given, vni_of(row));
    if (segment.row.vni & NO_VNI) {
        if (given || row.remote) return fail(EINVAL, "segment " + segment.name + " has no vni, and so no remotes");
        return 0u;
    }
    const std::uint32_t network = network_towards(given, segment);
    if (!row.remote && network != segment.row.vni)
        return fail(EINVAL, "vni " + std::to_string(*given) + " is not the VNI of segment " + segment.name + " (" +
                                std::to_string(number_of(segment.row.vni)) + "): another goes with a remote only");
    if (!row.remote) return 0u;
    if (is_nvgre(network) && !is_vsid(number_of(network))) return fail(EINVAL, "vni " + wrong_vsid(number_of(network)));
    Names& names = nexthops_[network];
    if (const auto known = names.find(*row.remote); known != names.end()) return known->second;
    const auto address = Ip::parse(*row.remote);
    if (!address || !address->is_host()) return fail(EINVAL, quoted(*row.remote) + " is no host address");
    if (auto wrong = wrong_remote(engine_->wanted(), *address); !wrong.empty()) return fail(EINVAL, std::move(wrong));
    TRY(const std::uint32_t id, engine_->nexthops().acquire(*address, network));
    return names[std::string(*row.remote)] = id;
}

// A bridge's VLAN, or what a VLAN-backed segment is on its switch: "eth1:100", "dvs0:10".
Result<std::uint32_t> Resolver::circuit(const EntryRow& row, const SegmentState& segment) {
    if (!circuits_) {
        circuits_.emplace();
        for (auto& [id, text] : circuit_names(*engine_)) circuits_->emplace(text, id);
    }
    const auto found = circuits_->find(*row.bridge);
    if (found == circuits_->end()) {
        TRY_OK(find_bridge(*engine_, *row.bridge));
        return fail(ENODEV, "bridge " + std::string(*row.bridge) + " is not served yet");
    }
    const std::string& home = engine_->parts().circuits().find(found->second)->segment;
    if (home != segment.name)
        return fail(EINVAL, "bridge " + found->first + " is in segment " + home + ", not " + segment.name);
    return found->second;
}

Result<Filter> Filter::parse(Engine& engine, const EntryRow& row) {
    Filter filter(engine);
    if (row.segment) {
        TRY(const SegmentState* segment, Resolver(engine).segment(row));
        filter.segment_ = segment->index;
    }
    TRY(filter.mac_, value_of<Mac>(row.mac, "MAC address"));
    TRY(filter.ip_, value_of<Ip>(row.ip, "IP address"));
    TRY(filter.remote_, value_of<Ip>(row.remote, "IP address"));
    TRY(filter.vni_, vni_of(row));
    if (row.port) {
        const Interface* port = engine.parts().devices().find(std::string(*row.port));
        if (!port || port->role != Role::Port) return fail(ENOENT, "no port " + std::string(*row.port));
        filter.port_ = port->ifindex;
        filter.port_name_ = port->name;
    }
    if (row.bridge) {
        for (const auto& [id, name] : circuit_names(engine))
            if (name == *row.bridge) filter.circuit_ = id;
        if (!filter.circuit_) {
            TRY_OK(find_bridge(engine, *row.bridge));
            filter.circuit_ = 0;
        }
    }
    if (row.origin) {
        TRY(filter.origin_, origin_of(*row.origin));
    }
    filter.only_dynamic_ = row.dynamic;
    filter.only_static_ = row.fixed;
    return filter;
}

// The VNI is that of the remote, or of the segment where there is none.
bool Filter::takes_place(std::uint32_t segment, std::uint32_t nexthop, std::uint8_t origin) const {
    if (segment_ && *segment_ != segment) return false;
    if (origin_ && *origin_ != origin) return false;
    if (only_dynamic_ && origin != ORIGIN_DYNAMIC) return false;
    if (only_static_ && precedence(origin) != 2) return false;
    if (!remote_ && !vni_) return true;
    const NextHopInfo* hop = engine_->nexthops().info(nexthop);
    if (remote_ && (!hop || hop->remote != *remote_)) return false;
    if (!vni_ || hop) return !vni_ || number_of(hop->network) == *vni_;
    const SegmentState* state = engine_->parts().segments().find(segment);
    return state && !(state->row.vni & NO_VNI) && number_of(state->row.vni) == *vni_;
}

bool Filter::takes(const fdb_key& key, const fdb_entry& entry) const {
    if (mac_ && *mac_ != Mac::of(key.mac)) return false;
    if (port_ && (entry.kind != FDB_PORT || entry.target != *port_)) return false;
    if (circuit_ && (entry.kind != FDB_CIRCUIT || entry.target != *circuit_)) return false;
    return takes_place(key.segment, nexthop_of(entry), entry.origin);
}

bool Filter::takes(const WaitingEntry& entry) const {
    const SegmentState* segment = engine_->parts().segments().find(entry.segment);
    if (!segment || circuit_ || (mac_ && *mac_ != entry.mac) || (port_ && port_name_ != entry.port)) return false;
    return takes_place(segment->index, 0, static_cast<std::uint8_t>(entry.origin));
}

bool Filter::takes(const neighbor_key& key, const neighbor& entry) const {
    if (ip_ && *ip_ != Ip::of(key.ip)) return false;
    if (mac_ && *mac_ != Mac::of(entry.mac)) return false;
    return takes_place(key.segment, entry.nexthop, entry.origin);
}

}  // namespace weft::commands

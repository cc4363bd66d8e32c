// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include "entry_text.hpp"

#include <nlohmann/json.hpp>

#include "clock.hpp"
#include "view.hpp"

namespace weft::commands {

using nlohmann::json;

EntryText::EntryText(Engine& engine) : now_s_(stamp_now_s()) {
    for (const auto& [vni, state] : engine.parts().segments().by_key())
        segments_[state.index] = {state.row.vni & NO_VNI ? 0 : number_of(state.row.vni),
                                  R"({"segment":)" + json(state.name).dump() + R"(,"vni":)"};
    for (const auto& [name, interface] : engine.parts().devices().all())
        if (interface.ifindex) ports_[interface.ifindex] = json(name).dump();
    for (const auto& [id, name] : circuit_names(engine)) circuits_[id] = json(name).dump();
    for (const NextHopInfo& hop : engine.nexthops().all())
        hops_[hop.id] = {number_of(hop.network), R"(,"remote":")" + hop.remote.text() + '"'};
}

const EntryText::Place& EntryText::segment(std::uint32_t index) const {
    static const Place NONE{0, R"({"segment":null,"vni":)"};
    const auto found = segments_.find(index);
    return found == segments_.end() ? NONE : found->second;
}

const EntryText::Place* EntryText::hop(std::uint32_t id) const {
    const auto found = hops_.find(id);
    return found == hops_.end() ? nullptr : &found->second;
}

// VNI: the one that frames to the entry carry.
void EntryText::tell_place(std::string& out, std::uint32_t index, const Place* hop) const {
    const Place& place = segment(index);
    const std::uint32_t vni = hop ? hop->vni : place.vni;
    out.append(place.text).append(vni ? std::to_string(vni) : "null");  // VLAN-backed segments have none
}

void EntryText::tell_rest(std::string& out, const Place* hop, std::uint8_t origin, std::uint32_t used_s) const {
    if (hop) out += hop->text;
    out.append(R"(,"origin":")").append(name(static_cast<Owner>(origin))).append(R"(","age_seconds":)");
    out += origin == ORIGIN_DYNAMIC ? std::to_string(now_s_ > used_s ? now_s_ - used_s : 0) : "null";
    out += '}';
}

void EntryText::tell(std::string& out, const fdb_key& key, const fdb_entry& entry) const {
    const Place* to = hop(nexthop_of(entry));
    tell_place(out, key.segment, to);
    out.append(R"(,"mac":")").append(Mac::of(key.mac).text()).append("\"");
    if (entry.kind == FDB_PORT) {
        const auto port = ports_.find(entry.target);
        out.append(R"(,"port":)").append(port == ports_.end() ? "null" : port->second);
    }
    if (entry.kind == FDB_CIRCUIT) {
        const auto circuit = circuits_.find(entry.target);
        out.append(R"(,"bridge":)").append(circuit == circuits_.end() ? "null" : circuit->second);
    }
    tell_rest(out, to, entry.origin, entry.used_s);
}

void EntryText::tell(std::string& out, const neighbor_key& key, const neighbor& entry) const {
    const Place* to = hop(entry.nexthop);
    tell_place(out, key.segment, to);
    out.append(R"(,"ip":")").append(Ip::of(key.ip).text());
    out.append(R"(","mac":")").append(Mac::of(entry.mac).text()).append("\"");
    tell_rest(out, to, entry.origin, entry.used_s);
}

}  // namespace weft::commands

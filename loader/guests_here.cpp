// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include "guests_here.hpp"

#include <optional>

#include "records.hpp"

namespace weft {

GuestsHere::GuestsHere(const Tables& tables, const Document& wanted, const Devices& devices) : tables_(&tables) {
    for (const Port& port : wanted.ports)
        for (const Binding& one : port.bind) told_.emplace(port.segment, one.mac);
    for (const auto& [name, port] : devices.all())
        if (port.role == Role::Port && port.attachment && port.attachment->guest_mac)
            told_.emplace(port.segment, *port.attachment->guest_mac);
}

bool GuestsHere::has(const SegmentState& segment, const Mac& mac) const {
    if (told_.contains({segment.name, mac})) return true;
    if (!(segment.row.flags & SEGMENT_LEARNING)) return segment.row.flood_ports != 0;  // nobody finds out which
    fdb_key key{.segment = static_cast<__u16>(segment.index), .mac = {}};
    mac.copy_to(key.mac);
    const auto entry = tables_->fdb.find(key);
    return entry && *entry && (*entry)->kind != FDB_REMOTE;
}

void warn_of_absent_guests(const Tables& tables, const Document& wanted, const Devices& devices,
                           const Segments& segments, Problems& problems) {
    if (!wanted.vtep || wanted.records.empty()) return;
    const SegmentsByVsid by_vsid = segments_by_vsid(wanted);
    std::optional<GuestsHere> here;
    std::size_t absent = 0, first = 0;
    for (std::size_t i = 0; i < wanted.records.size(); ++i) {
        const TenantRecord& record = wanted.records[i];
        if (record.pa != wanted.vtep->address) continue;
        const auto segment = by_vsid.find(record.vsid);
        const SegmentState* state = segment == by_vsid.end() ? nullptr : segments.find(segment->second->name);
        if (!here) here.emplace(tables, wanted, devices);
        if (!state || here->has(*state, record.mac)) continue;
        if (absent++ == 0) first = i;
    }
    if (absent == 0) return;
    const TenantRecord& record = wanted.records[first];
    const std::string others = absent == 1 ? "" : ", and so are " + std::to_string(absent - 1) + " more";
    problems.warn("/records/" + std::to_string(first) + "/pa: " + record.ca.text() + " (" + record.mac.text() +
                  ") is to be on this host, and no port of its segment has shown it yet" + others);
}

}  // namespace weft

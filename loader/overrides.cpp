// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include "overrides.hpp"

#include <vector>

#include "records.hpp"

namespace weft {

namespace {

struct Halves {
    std::vector<FdbRecord> fdb;
    std::vector<NeighborRecord> neighbors;
};

// MACs that other records still name keep their entry by those.
Halves forget_records(Document& document, const Overridden& changed) {
    Halves left;
    const SegmentsByVsid segments = segments_by_vsid(document);
    std::erase_if(document.records, [&](const TenantRecord& record) {
        const auto segment = segments.find(record.vsid);
        if (segment == segments.end()) return false;
        const std::string& name = segment->second->name;
        const bool mac = changed.macs.contains({name, record.mac}), ip = changed.ips.contains({name, record.ca});
        if (mac && !ip) left.neighbors.push_back({name, record.ca, record.mac, {}, {}, record.owner});
        if (ip && !mac && document.vtep && record.pa != document.vtep->address)
            left.fdb.push_back({name, record.mac, "", record.pa, {}, {}, record.owner});
        return mac || ip;
    });
    return left;
}

void keep_halves(Document& document, Halves&& left) {
    std::set<std::pair<std::string, Mac>> homes;
    const SegmentsByVsid segments = segments_by_vsid(document);
    if (!left.fdb.empty())
        for (const TenantRecord& record : document.records)
            if (const auto segment = segments.find(record.vsid); segment != segments.end())
                homes.emplace(segment->second->name, record.mac);
    for (FdbRecord& entry : left.fdb)
        if (homes.emplace(entry.segment, entry.mac).second) document.fdb.push_back(std::move(entry));
    for (NeighborRecord& neighbor : left.neighbors) document.neighbors.push_back(std::move(neighbor));
}

}  // namespace

void forget_overridden(Document& document, const Overridden& changed) {
    if (changed.empty()) return;
    std::erase_if(document.fdb, [&](const FdbRecord& r) { return changed.macs.contains({r.segment, r.mac}); });
    std::erase_if(document.neighbors, [&](const NeighborRecord& r) { return changed.ips.contains({r.segment, r.ip}); });
    if (!document.records.empty()) keep_halves(document, forget_records(document, changed));
}

}  // namespace weft

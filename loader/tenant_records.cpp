// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include "tenant_records.hpp"

#include <algorithm>

namespace weft {

fdb_key mac_key(std::uint32_t segment, const std::uint8_t (&mac)[6]) {
    fdb_key key{.segment = static_cast<__u16>(segment), .mac = {}};
    std::copy(std::begin(mac), std::end(mac), key.mac);
    return key;
}

RecordJoin::RecordJoin(const Tables& tables, const NextHops& nexthops, const Segments& segments, const Document& wanted)
    : tables_(&tables), nexthops_(&nexthops) {
    if (wanted.vtep) own_ = wanted.vtep->address;
    for (const Segment& segment : wanted.segments)
        if (const SegmentState* state = segment.vni ? segments.find(segment.name) : nullptr)
            subnets_[state->index] = {segment.vni, segment.name};
}

std::optional<Ip> RecordJoin::home_of(const neighbor& row, const std::optional<fdb_entry>& entry) const {
    const std::uint32_t hop = row.nexthop != 0 ? row.nexthop : entry && entry->kind == FDB_REMOTE ? entry->target : 0;
    if (const NextHopInfo* info = nexthops_->info(hop)) return info->remote;
    return entry && entry->kind != FDB_REMOTE ? own_ : std::nullopt;
}

// Where a control plane's record was put right by a port of this host, it is this host's.
std::optional<LocatedRecord> RecordJoin::at(const neighbor_key& key, const neighbor& row) const {
    const auto subnet = subnets_.find(key.segment);
    if (subnet == subnets_.end() || row.flags & NEIGHBOR_FAILED) return std::nullopt;
    std::optional<fdb_entry> entry;
    if (const auto found = tables_->fdb.find(mac_key(key.segment, row.mac))) entry = *found;
    LocatedRecord out{subnet->second.vsid, subnet->second.name, Mac::of(row.mac),
                      home_of(row, entry), row.origin,          row.used_s};
    if (row.origin == ORIGIN_EVPN && row.nexthop == 0 && entry && entry->origin == ORIGIN_DYNAMIC) {
        out.origin = ORIGIN_DYNAMIC;
        out.used_s = entry->used_s;
    }
    return out;
}

}  // namespace weft

// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include "records.hpp"

#include <algorithm>
#include <set>
#include <string_view>
#include <utility>

#include "config.hpp"

namespace weft {

SegmentsByVsid segments_by_vsid(const Document& document) {
    SegmentsByVsid out;
    for (const Segment& segment : document.segments) {
        if (segment.vni == 0) continue;
        const auto [at, fresh] = out.emplace(segment.vni, &segment);
        if (!fresh && segment.encapsulation == Encapsulation::Nvgre) at->second = &segment;
    }
    return out;
}

namespace {

void add_home(Segment& segment, const Ip& home) {
    if (std::ranges::find(segment.remotes, home, &Remote::address) == segment.remotes.end())
        segment.remotes.push_back({home, ORIGIN_CONFIG});
}

}  // namespace

// What cannot be a remote has a complaint of its own.
void add_homes(Document& document) {
    if (!document.vtep || document.records.empty()) return;
    std::set<std::pair<std::uint32_t, Ip>> homes;
    for (const TenantRecord& record : document.records)
        if (!record.pa.is_unspecified()) homes.emplace(record.vsid, record.pa);
    const SegmentsByVsid segments = segments_by_vsid(document);
    for (const auto& [vsid, home] : homes) {
        const auto found = segments.find(vsid);
        if (found == segments.end() || home == document.vtep->address || !wrong_remote(document, home).empty())
            continue;
        add_home(document.segments[static_cast<std::size_t>(found->second - document.segments.data())], home);
    }
}

}  // namespace weft

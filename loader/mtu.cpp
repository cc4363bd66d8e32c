// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include "mtu.hpp"

#include <algorithm>

namespace weft {

namespace {

constexpr std::uint32_t DEFAULT_UPLINK_MTU = 1500;
constexpr std::uint32_t TAG_BYTES = 4;
constexpr std::uint32_t MIN_MTU = 68;  // RFC 791: every IPv4 link carries that much

bool over_ipv6(const Document& document) { return document.vtep && !document.vtep->address.is_v4(); }

const Link* link_of(const LinkMap& links, const std::string& name) {
    for (const auto& [ifindex, link] : links)
        if (link.name == name) return &link;
    return nullptr;
}

// The uplink that carries least; null when none exists yet.
const Link* narrowest(const Document& document, const LinkMap& links) {
    const Link* least = nullptr;
    for (const Uplink& uplink : document.uplinks) {
        const Link* link = link_of(links, uplink.interface);
        if (link && (!least || link->mtu < least->mtu)) least = link;
    }
    return least;
}

}  // namespace

std::uint32_t overhead_bytes(const Document& document, const Segment& segment) {
    const std::uint32_t vxlan = over_ipv6(document) ? VXLAN6_OVERHEAD_BYTES : VXLAN4_OVERHEAD_BYTES;
    const std::uint32_t nvgre = over_ipv6(document) ? NVGRE6_OVERHEAD_BYTES : NVGRE4_OVERHEAD_BYTES;
    return (segment.encapsulation == Encapsulation::Nvgre ? nvgre : vxlan) + (segment.keep_inner_tags ? TAG_BYTES : 0);
}

std::uint16_t effective_mtu(const Document& document, const Segment& segment, const LinkMap& links) {
    const Link* uplink = narrowest(document, links);
    if (!uplink && segment.mtu) return *segment.mtu;
    const std::uint32_t carried = uplink ? uplink->mtu : DEFAULT_UPLINK_MTU;
    const std::uint32_t overhead = overhead_bytes(document, segment);
    const std::uint32_t room = std::max(carried, overhead + MIN_MTU) - overhead;
    return static_cast<std::uint16_t>(std::min<std::uint32_t>(segment.mtu.value_or(65535), std::min(room, 65535u)));
}

std::vector<Complaint> mtu_complaints(const Document& document, const LinkMap& links) {
    std::vector<Complaint> complaints;
    const Link* uplink = narrowest(document, links);
    if (!uplink) return complaints;
    for (std::size_t i = 0; i < document.segments.size(); ++i) {
        const Segment& segment = document.segments[i];
        const std::uint32_t overhead = overhead_bytes(document, segment);
        if (!segment.mtu || *segment.mtu + overhead <= uplink->mtu) continue;
        complaints.push_back({"/segments/" + std::to_string(i) + "/mtu",
                              std::to_string(*segment.mtu) + " + " + std::to_string(overhead) + " bytes of " +
                                  (segment.encapsulation == Encapsulation::Nvgre ? "NVGRE" : "VXLAN") + " over " +
                                  (over_ipv6(document) ? "IPv6" : "IPv4") +
                                  (segment.keep_inner_tags ? " with a kept tag" : "") + " is " +
                                  std::to_string(*segment.mtu + overhead) + ", uplink " + uplink->name + " carries " +
                                  std::to_string(uplink->mtu)});
    }
    return complaints;
}

}  // namespace weft

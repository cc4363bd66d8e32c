// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// What the uplinks leave for an inner packet: the default of a segment's MTU and the check of an explicit one. Pure:
// links are given, nothing is read.
#pragma once

#include <cstdint>
#include <vector>

#include "config.hpp"
#include "links.hpp"
#include "model.hpp"

namespace weft {

using LinkMap = std::map<std::uint32_t, Link>;

// Bytes the tunnel adds to an inner packet of this segment: outer headers, and a kept tag.
std::uint32_t overhead_bytes(const Document& document, const Segment& segment);

// The MTU that the segment has: its own, else the most that fits; never more than the uplinks that exist now carry.
std::uint16_t effective_mtu(const Document& document, const Segment& segment, const LinkMap& links);

// "/segments/0/mtu: 1500 + 50 bytes of VXLAN over IPv4 is 1550, uplink eth0 carries 1500", for uplinks that exist.
std::vector<Complaint> mtu_complaints(const Document& document, const LinkMap& links);

}  // namespace weft

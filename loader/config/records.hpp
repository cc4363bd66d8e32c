// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// The tenants' address tables (`records` of the document): which segment a VSID is, and the hosts that records name.
#pragma once

#include <cstdint>
#include <unordered_map>

#include "model.hpp"

namespace weft {

// Segments by their number. A VXLAN and an NVGRE segment may have the same one: a VSID is then the latter's.
using SegmentsByVsid = std::unordered_map<std::uint32_t, const Segment*>;
SegmentsByVsid segments_by_vsid(const Document& document);

// A segment's flood list has the hosts of its records too, but this one: who learns by asking asks each of them.
void add_homes(Document& document);

}  // namespace weft

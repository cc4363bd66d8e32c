// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Receive offloads that hide bytes from XDP, or frames from everybody: turned off while an XDP program of ours is on
// the device, or while it carries VLANs, and on again after. Which ones we turned off is a bit mask, kept in the
// attachments table (abi.h: offloads_disabled).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "result.hpp"

namespace weft {

struct OffloadChange {
    std::uint32_t disabled = 0;         // bits of what was on and is off now
    std::vector<std::string> warnings;  // what is on and cannot be turned off
};

constexpr std::uint32_t HIDE_FROM_XDP = 0x3f;            // all of them
constexpr std::uint32_t VLAN_FILTERS = 1 << 1 | 1 << 3;  // drop frames with tags that the kernel did not ask for

// Nothing is written when all is off already, since a change makes some drivers restart their queues.
Result<OffloadChange> disable_offloads(const std::string& interface, std::uint32_t which);
Result<> restore_offloads(const std::string& interface, std::uint32_t disabled);

}  // namespace weft

// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include "offloads.hpp"

#include <array>

#include "ethtool.hpp"

namespace weft {

namespace {

struct Offload {
    const char* feature;
    const char* harm;
};
// The position is the bit in pinned state: append only.
constexpr std::array<Offload, 6> OFFLOADS{{
    {"rx-vlan-hw-parse", "VLAN tags are taken off before XDP sees them"},
    {"rx-vlan-filter", "the NIC drops frames with VLAN tags it was not told of"},
    {"rx-vlan-stag-hw-parse", "802.1ad tags are taken off before XDP sees them"},
    {"rx-vlan-stag-filter", "the NIC drops frames with 802.1ad tags it was not told of"},
    {"rx-lro", "frames are merged before XDP sees them"},
    {"rx-gro-hw", "frames are merged before XDP sees them"},
}};

std::uint32_t active_bits(const std::vector<Ethtool::Feature>& features) {
    std::uint32_t bits = 0;
    for (const auto& feature : features)
        for (std::size_t bit = 0; bit < OFFLOADS.size(); ++bit)
            if (feature.active && feature.name == OFFLOADS[bit].feature) bits |= 1u << bit;
    return bits;
}

std::vector<std::string> names(std::uint32_t bits) {
    std::vector<std::string> out;
    for (std::size_t bit = 0; bit < OFFLOADS.size(); ++bit)
        if (bits & (1u << bit)) out.emplace_back(OFFLOADS[bit].feature);
    return out;
}

}  // namespace

Result<OffloadChange> disable_offloads(const std::string& interface, std::uint32_t which) {
    TRY(const auto ethtool, Ethtool::open(interface));
    TRY(const auto before, ethtool.features());
    const std::uint32_t on = active_bits(before) & which;
    if (on == 0) return OffloadChange{};
    TRY_OK(ethtool.set_features(names(on), false));
    TRY(const auto after, ethtool.features());
    const std::uint32_t still_on = active_bits(after) & which;
    OffloadChange change{on & ~still_on, {}};
    for (std::size_t bit = 0; bit < OFFLOADS.size(); ++bit)
        if (still_on & (1u << bit))
            change.warnings.push_back(std::string(OFFLOADS[bit].feature) + " of " + interface +
                                      " cannot be turned off: " + OFFLOADS[bit].harm);
    return change;
}

Result<> restore_offloads(const std::string& interface, std::uint32_t disabled) {
    if (disabled == 0) return Ok{};
    TRY(const auto ethtool, Ethtool::open(interface));
    return ethtool.set_features(names(disabled), true);
}

}  // namespace weft

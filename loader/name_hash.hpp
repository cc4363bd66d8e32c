// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// A number for a name that outlives the daemon: rows of kernel tables that have no other identity carry it, so that the
// next daemon finds its own again. FNV-1a, 32 bits.
#pragma once

#include <cstdint>
#include <string_view>

namespace weft {

constexpr std::uint32_t name_hash(std::string_view name) {
    std::uint32_t hash = 0x811c9dc5;
    for (const char c : name) hash = (hash ^ static_cast<std::uint8_t>(c)) * 0x01000193;
    return hash ? hash : 1;  // 0 is nobody
}

}  // namespace weft

// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// The clock of `used_s` in the tables: that of bpf_ktime_get_coarse_ns, with which the programs stamp entries, in
// seconds; and that of leases.
#pragma once

#include <time.h>

#include <cstdint>

namespace weft {

inline std::uint32_t stamp_now_s() {
    timespec now{};
    clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
    return static_cast<std::uint32_t>(now.tv_sec);
}

// That of bpf_ktime_get_ns.
inline std::uint64_t monotonic_ns() {
    timespec now{};
    clock_gettime(CLOCK_MONOTONIC, &now);
    return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<std::uint64_t>(now.tv_nsec);
}

}  // namespace weft

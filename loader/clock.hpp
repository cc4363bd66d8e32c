// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// The clock of `used_s` in the tables: that of bpf_ktime_get_coarse_ns, with which the programs stamp entries, in
// seconds.
#pragma once

#include <time.h>

#include <cstdint>

namespace weft {

inline std::uint32_t stamp_now_s() {
    timespec now{};
    clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
    return static_cast<std::uint32_t>(now.tv_sec);
}

}  // namespace weft

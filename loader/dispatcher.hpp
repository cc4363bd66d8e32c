// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// The uplink's stub beside other XDP programs by libxdp's dispatcher. libxdp looks at programs by id, which needs
// CAP_SYS_ADMIN: weftd --attach and --detach only. A kernel that refuses freplace (lockdown) gives a single program.
#pragma once

#include <cstdint>

#include "pins.hpp"
#include "result.hpp"

namespace weft {

enum class Chained { Dispatcher, Alone };

// The uplink stub onto a device: into the dispatcher, or alone as the pinned stub where there can be none.
Result<Chained> chain_xdp(std::uint32_t ifindex, const pins::Folder& folder);
// Takes our program out of the device's dispatcher; the others stay. None there is fine.
Result<> unchain_xdp(std::uint32_t ifindex);

// Does a dispatcher of libxdp still serve the device, as bits ATTACHED_* of the attachments table say? Needs no rights.
Result<bool> is_chained(std::uint32_t ifindex, std::uint16_t bits);

}  // namespace weft

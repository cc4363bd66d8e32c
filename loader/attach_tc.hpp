// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// A stub on either side of TC on a device: by TCX (kernel 6.6) as a pinned link, else by a clsact filter of our own
// priority and handle. Idempotent: what is there and right is not touched.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "pins.hpp"
#include "result.hpp"

namespace weft {

enum class TcMethod { Best, Clsact };  // Clsact: as on a kernel without TCX; tests ask for it
enum class TcSide { Ingress, Egress };

// These take the flags of the attachments table as they were, and give them as they are: ATTACHED_TCX, _CLSACT, their
// EGRESS_ twins and _CLSACT_OURS say what holds the stub. A link is pinned in the folder.
Result<std::uint16_t> attach_tc(const pins::Folder& folder, std::uint32_t ifindex, TcSide side, int stub_fd,
                                std::uint16_t before, TcMethod method);
// Takes away what the flags and pins say is there; a device that is gone is fine.
Result<std::uint16_t> detach_tc(const pins::Folder& folder, std::uint32_t ifindex, TcSide side, std::uint16_t before);
Result<std::uint16_t> detach_tc(const pins::Folder& folder, std::uint32_t ifindex, std::uint16_t before);  // both sides

// The ifindex a pinned TCX link is attached to, 0 if its device is gone; none if there is no such pin.
Result<std::optional<std::uint32_t>> tcx_target(const std::string& link_pin);

}  // namespace weft

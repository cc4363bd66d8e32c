// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// A stub on TC ingress of a device: by TCX (kernel 6.6) as a pinned link, else by a clsact filter of our own priority
// and handle. Idempotent: what is there and right is not touched.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "result.hpp"

namespace weft {

enum class TcMethod { Best, Clsact };  // Clsact: as on a kernel without TCX; tests ask for it

// What holds the stub: bits ATTACHED_TCX, ATTACHED_CLSACT, ATTACHED_CLSACT_OURS of abi.h. `before` are the bits the
// attachments table has from earlier.
Result<std::uint16_t> attach_tc(std::uint32_t ifindex, int stub_fd, const std::string& link_pin, std::uint16_t before,
                                TcMethod method);
// Takes away what the bits say is there; a device that is gone is fine.
Result<> detach_tc(std::uint32_t ifindex, const std::string& link_pin, std::uint16_t bits);

// The ifindex a pinned TCX link is attached to, 0 if its device is gone; none if there is no such pin.
Result<std::optional<std::uint32_t>> tcx_target(const std::string& link_pin);

}  // namespace weft

// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Does an XDP redirect into a veth arrive? The kernel drops every frame without a word unless the far end polls (GRO on,
// or an XDP program there), so one frame that nobody minds is sent and the driver's own count is read.
#pragma once

#include "links.hpp"
#include "result.hpp"

namespace weft {

// False when it does not arrive or cannot be told (no live-frames test run before kernel 5.18).
Result<bool> probe_xdp_tx(const Link& link);

}  // namespace weft

// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Frames made to happen by the kernel's test run of a program (bpf/probe.bpf.c).
#pragma once

#include <cstdint>
#include <span>

#include "links.hpp"
#include "result.hpp"

namespace weft {

// Does an XDP redirect into a veth arrive? The kernel drops every frame without a word unless the far end polls (GRO
// on, or an XDP program there), so one frame that nobody minds is sent and the driver's own count is read. False when
// it does not arrive or cannot be told (no live-frames test run before kernel 5.18).
Result<bool> probe_xdp_tx(const Link& link);

// The host receives this frame as if it had come in by the link: its TC programs, IP stack and firewall see it.
Result<> receive_as_if(const Link& link, std::span<const std::uint8_t> frame);

}  // namespace weft

// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Which hook serves an interface, and why, in the words of `weft port show`. Pure: the kernel is asked by datapath.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "links.hpp"
#include "model.hpp"
#include "result.hpp"

namespace weft {

enum class Role { Port, Uplink };

struct HookChoice {
    Hook hook;           // Xdp, XdpGeneric or Tc
    std::string reason;  // one clause
    bool operator==(const HookChoice&) const = default;
};

HookChoice choose_hook(const Link& link, Role role, Hook wanted);
// XDP was tried and the kernel, or attach_xdp, said no: TC, with the reason.
HookChoice without_xdp(const Link& link, const Error& error);

// What has to be off at the far end, which we cannot reach, for XDP to see whole frames.
std::vector<std::string> far_end_warnings(const Link& link, Role role, Hook hook);

// The largest MTU at which the kernel's veth takes a program without fragments support: a frame and its head-room and
// tail-room fit one page.
std::uint32_t veth_xdp_mtu(std::uint32_t page_bytes);

}  // namespace weft

// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// The instance's own metadata-mode vxlan device (design §6): GSO frames on decapsulation, reassembled fragments and
// what the programs cannot encapsulate go through it, and its socket makes tunnel GRO happen. Named `weft-` + hash of
// the instance, altname weft-<instance>; nolearning, udp6zerocsumrx, source ports 49152-65535, up, no address.
#pragma once

#include <cstdint>
#include <string>

#include "netlink.hpp"
#include "result.hpp"

namespace weft {

std::string tunnel_device_name(const std::string& instance);

// Makes it, or keeps the one that is there and right (another port: it is replaced). EADDRINUSE when another socket or
// vxlan device holds the port: run on without it, degraded.
Result<std::uint32_t> ensure_tunnel_device(Netlink& netlink, const std::string& instance, std::uint16_t port);
Result<bool> remove_tunnel_device(Netlink& netlink, const std::string& instance);

// What that is for VXLAN a gretap or ip6gretap in metadata mode is for NVGRE, altname weft-<instance>-nvgre. The kernel
// gives it the GRE packets that no gretap with end points of its own takes. EADDRINUSE: there is another one in
// metadata mode; EOPNOTSUPP: the kernel has no gretap.
std::string gretap_name(const std::string& instance);
Result<std::uint32_t> ensure_gretap(Netlink& netlink, const std::string& instance, bool ipv6);
Result<bool> remove_gretap(Netlink& netlink, const std::string& instance);

}  // namespace weft

// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// A tunnel packet that the host sends itself, as if it came in by an uplink: handed up by from_wire, through the host's
// IP stack and firewall into the instance's vxlan device, counted by from_tunnel (DROP_SELF_CHECK). GSO frames and
// outer fragments go that way; what is wrong on it shows nowhere else but in frames that do not arrive.
#pragma once

#include <cstdint>
#include <vector>

#include "accounts.hpp"
#include "links.hpp"
#include "net.hpp"
#include "result.hpp"

namespace weft {

// The packet: from `remote` to the VTEP, with an IP option that has the kernel unwrap it.
std::vector<std::uint8_t> self_check_frame(const Mac& uplink, const Ip& remote, const Ip& vtep, std::uint16_t port);

// Sends it and waits for its count, a quarter of a second at most. False: it did not come out.
Result<bool> passes_tunnel_device(const Link& uplink, const std::vector<std::uint8_t>& frame, const Accounts& accounts);

}  // namespace weft

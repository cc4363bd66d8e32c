// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// The frames that the daemon makes: what VLANs are told, and what the gateway asks.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "net.hpp"

namespace weft {

// Where an announcement leaves: a NIC, and the tag it gets. 0: none.
struct VlanExit {
    std::uint32_t ifindex = 0;
    std::uint16_t vid = 0, protocol = 0x8100;  // host order
};

std::vector<std::uint8_t> rarp_frame(const Mac& mac, const VlanExit& exit);
// Asks for an IPv4 address from nobody: `asker` is the Ethernet source alone.
std::vector<std::uint8_t> probe_frame(const Ip& address, const Mac& asker, const VlanExit& exit);
// The same for IPv6: the solicitation of duplicate address detection (RFC 4862 §5.4.2), which its owner answers to all.
std::vector<std::uint8_t> solicitation_frame(const Ip& address, const Mac& asker, const VlanExit& exit);
// That this host is the VLAN's designated bridge (struct hello). priority: the highest comes first.
std::vector<std::uint8_t> hello_frame(const Mac& source, std::uint16_t priority, const Ip& vtep, const VlanExit& exit);

// Who asks in a segment: the gateway's MAC, and its address next to the one that is asked for. The host's own MAC is
// for questions in nobody's name.
struct Asker {
    Mac mac;
    Ip address;
    std::optional<Mac> host = {};
};
// An ARP request or a neighbor solicitation. to: of a probe, the MAC that is asked whether it is there still.
std::vector<std::uint8_t> question_frame(const Asker& asker, const Ip& target, const std::optional<Mac>& to = {});

}  // namespace weft

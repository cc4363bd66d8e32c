// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// What a physical VLAN is told when this host becomes its bridge, or when a team moves traffic to another NIC: a RARP
// request for each MAC that is now behind this NIC, so that the switches learn the way (as hypervisors do it), and an
// ARP probe (RFC 5227 §2.1.1) or a solicitation for each address that may be on the VLAN, so that its owner shows where
// it is. Paced: a switch's CPU learns, and a burst of ten thousand would be lost.
#pragma once

#include <cstdint>
#include <deque>
#include <span>
#include <vector>

#include "map.hpp"
#include "net.hpp"
#include "result.hpp"

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

class Announcer {
public:
    static constexpr std::size_t FRAMES_PER_TURN = 50;  // a turn each 50 ms: a thousand a second

    static Result<Announcer> open();
    void queue(const VlanExit& exit, std::vector<std::uint8_t> frame) { queue_.push_back({exit, std::move(frame)}); }
    // What is queued for a VLAN, or by a NIC, that is another's by now: how many.
    std::size_t drop(const VlanExit& exit);
    void send_some();
    void send(const VlanExit& exit, const std::vector<std::uint8_t>& frame);  // now
    bool idle() const { return queue_.empty(); }
    std::uint64_t sent() const { return sent_; }

private:
    struct Item {
        VlanExit exit;
        std::vector<std::uint8_t> frame;
    };
    bool try_send(const VlanExit& exit, const std::vector<std::uint8_t>& frame);
    explicit Announcer(Fd socket) : socket_(std::move(socket)) {}
    Fd socket_;
    std::deque<Item> queue_;
    std::uint64_t sent_ = 0;
};

}  // namespace weft

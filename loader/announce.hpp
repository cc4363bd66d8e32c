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

#include "frames.hpp"
#include "map.hpp"
#include "result.hpp"

namespace weft {

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

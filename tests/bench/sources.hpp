// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// What makes the frames of one core. A source belongs to the namespace it was opened in.
#pragma once

#include <atomic>

#include "tool.hpp"

struct traffic_bpf;

namespace weft::bench {

struct Shape {
    std::string device;  // of the sending guest
    Mac from_mac, to_mac;
    Ip from_ip, to_ip;
    std::size_t bytes;  // of the frame; gso: of a segment's payload
    unsigned flows;
    unsigned segments;   // gso: of one send
    std::uint16_t vlan;  // live: of a tag on each frame, 0: none
};

std::vector<std::uint8_t> make_frame(const Shape& shape, unsigned flow);

class Source {
public:
    virtual ~Source() = default;
    virtual Result<> burst() = 0;            // returns soon, or when the thread is interrupted by a signal
    virtual std::uint64_t sent() const = 0;  // so far; read by another thread
};

// live: XDP frames that enter the wire without an skb, as from a NIC or a vhost; udp: sendmmsg of connected sockets;
// packet: AF_PACKET past the qdisc; gso: UDP_SEGMENT.
Result<std::unique_ptr<Source>> open_source(const std::string& kind, const Shape& shape, const traffic_bpf& programs,
                                            unsigned cpu);

}  // namespace weft::bench

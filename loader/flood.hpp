// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// The daemon's share of flooding: copies of a punted frame to the remotes beyond the kernel side's limit, with finished
// inner checksums, sent by AF_PACKET with the same headers the programs use.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "abi.h"
#include "map.hpp"
#include "result.hpp"
#include "tables.hpp"

namespace weft {

// A frame ready to travel: what the outer headers of all its copies have in common.
struct InnerFrame {
    std::vector<std::uint8_t> bytes;  // with finished checksums
    std::uint16_t source_port = 0;    // host order
    std::uint8_t flow = 0;            // NVGRE's FlowID
    std::uint8_t tos = 0;             // what it adds to a header's: ECN, and DSCP if that is inherited
    std::uint16_t sum = 0;            // RFC 1071, not complemented; 0 where no outer checksum wants it
};
InnerFrame describe(const config& settings, std::span<const std::uint8_t> frame);

// The header of `hop` for one frame, as bpf/encap.h writes it: lengths, source port, DSCP/ECN, checksums.
std::vector<std::uint8_t> outer_header(const nexthop& hop, const config& settings, const InnerFrame& inner);

// A copy of `frame` with the header of `hop` in front.
std::vector<std::uint8_t> encapsulate(const nexthop& hop, const config& settings, std::span<const std::uint8_t> frame);

// The outer UDP source port of a frame: the same function of the inner flow as bpf/hash.h.
std::uint16_t source_port(std::span<const std::uint8_t> frame);

// An L4 check field that holds the pseudo-header's sum (a guest with checksum offload leaves it so) is completed; a
// finished one comes out as it was. TCP, UDP and ICMPv6 in whole packets.
void finish_checksum(std::span<std::uint8_t> frame);

struct FloodCounters {
    std::uint64_t frames = 0, copies = 0, unresolved = 0, send_failed = 0, too_big = 0;
};

class Flooder {
public:
    static Result<Flooder> open(Tables& tables);
    void set_config(const config& settings) { settings_ = settings; }
    void handle(const event& event, std::span<const std::uint8_t> frame);
    const FloodCounters& counters() const { return counters_; }

private:
    struct Copy {
        std::uint32_t ifindex;
        std::uint16_t protocol;  // of the outer packet, network order
        std::vector<std::uint8_t> header;
    };
    Flooder(Tables& tables, Fd socket) : tables_(&tables), socket_(std::move(socket)) {}
    std::vector<Copy> copies(const event& event, const InnerFrame& inner);
    void send(std::span<const Copy> copies, const InnerFrame& inner);

    Tables* tables_;
    Fd socket_;
    config settings_{};
    FloodCounters counters_;
};

}  // namespace weft

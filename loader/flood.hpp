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

// A copy of `frame` with the header of `hop` in front: lengths, source port, DSCP/ECN and checksums as the programs do.
std::vector<std::uint8_t> encapsulate(const nexthop& hop, const config& settings, std::span<const std::uint8_t> frame);
// The outer UDP source port of a frame: the same function of the inner flow as bpf/hash.h.
std::uint16_t source_port(std::span<const std::uint8_t> frame);

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
    Flooder(Tables& tables, Fd socket) : tables_(&tables), socket_(std::move(socket)) {}
    Tables* tables_;
    Fd socket_;
    config settings_{};
    FloodCounters counters_;
};

}  // namespace weft

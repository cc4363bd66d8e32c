// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Dynamic FDB entries and neighbors: what the datapath saw becomes a table row, subject to precedence (static > evpn >
// dynamic), the segment's limit and move damping; rows not used as a source for aging_seconds go.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>

#include "model.hpp"
#include "nexthops.hpp"
#include "result.hpp"
#include "tables.hpp"

namespace weft {

// What learning must know of a segment; by segment index.
struct LearnRules {
    std::uint32_t vni = 0;
    bool learning = true;
    std::uint32_t aging_seconds = 300;
    std::uint32_t limit = 16384;
};

struct LearnCounters {
    std::uint64_t learned = 0, moved = 0, aged = 0, refused_limit = 0, refused_full = 0, refused_static = 0,
                  refused_move_rate = 0, refused_own_mac = 0;
};

class Learner {
public:
    // `port_segment` answers the segment index a port's ifindex is in now (0 none), `own_mac` whether a MAC is one of
    // this host's own interfaces and so never learned from a tunnel.
    struct Context {
        std::function<std::uint32_t(std::uint32_t ifindex)> port_segment;
        std::function<bool(const Mac&)> own_mac;
    };
    Learner(Tables& tables, NextHops& nexthops, Context context);

    void set_rules(std::map<std::uint32_t, LearnRules> by_segment);  // counts what the tables hold already
    void handle(const event& event);
    Result<> age(std::uint32_t now_s);                  // call once a second or so
    std::uint32_t learned(std::uint32_t segment) const; // dynamic FDB entries now
    void recount();                                     // after entries were flushed behind its back
    // Dynamic rows that point at a port, or at a next hop, that is gone.
    Result<> forget_port(std::uint32_t ifindex);
    Result<> forget_segment(std::uint32_t segment);
    const LearnCounters& counters() const { return counters_; }

private:
    Tables* tables_;
    NextHops* nexthops_;
    Context context_;
    std::map<std::uint32_t, LearnRules> rules_;
    std::map<std::uint32_t, std::uint32_t> learned_;
    LearnCounters counters_;
};

}  // namespace weft

// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Dynamic FDB entries and neighbors: what the datapath saw becomes a table row, subject to precedence (static > evpn >
// dynamic, but what a local port shows > evpn), the segment's limit and move damping; rows not used as a source for
// aging_seconds go. The daemon alone writes these tables, on one thread, so looking before writing cannot lose a static
// insert; the datapath only stamps.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <vector>

#include "model.hpp"
#include "result.hpp"
#include "tables.hpp"

namespace weft {

// What learning must know of a segment; by segment index.
struct LearnRules {
    std::uint32_t vni = 0;  // VSID and it: NVGRE (abi.h)
    bool learning = true;
    std::uint32_t aging_seconds = 300;  // 0: entries do not age
    std::uint32_t limit = 16384;        // dynamic FDB entries; as many dynamic neighbors again
    Mac gateway = {};  // the anycast MAC, never learned but as the neighbor behind a remote, by proxies
    bool proxies = false;
    bool operator==(const LearnRules&) const = default;
};

struct LearnCounters {
    std::uint64_t learned = 0, moved = 0, aged = 0;                                // FDB entries
    std::uint64_t neighbors_learned = 0, neighbors_moved = 0, neighbors_aged = 0;  // the same of neighbors
    std::uint64_t refused_limit = 0, refused_full = 0, refused_static = 0, refused_move_rate = 0, refused_own_mac = 0;
};

// A MAC that moved too often (RFC 7432 §15.1): it stays where it is until held_until_s (CLOCK_MONOTONIC).
struct HeldMac {
    std::uint32_t segment = 0;
    Mac mac;
    std::uint32_t held_until_s = 0;
};

class Learner {
public:
    static constexpr std::uint32_t MAX_MOVES = 5, MOVE_WINDOW_S = 180;  // RFC 7432 §15.1: N and M
    static constexpr std::size_t MAX_MOVERS = 4096;

    struct Context {
        // The segment index a port's ifindex is in now, 0 none.
        std::function<std::uint32_t(std::uint32_t ifindex)> port_segment;
        // The segment index a circuit is in now, 0 none.
        std::function<std::uint32_t(std::uint32_t id)> circuit_segment;
        // Is it the MAC of one of this host's own interfaces, and so never learned from a tunnel?
        std::function<bool(const Mac&)> own_mac;
        // The next-hop id of (VTEP, VNI), made on first use: NextHops::acquire.
        std::function<Result<std::uint32_t>(const Ip&, std::uint32_t vni)> next_hop;
        // Empty: stamp_now_s (clock.hpp).
        std::function<std::uint32_t()> now_s;
        // May be empty: a row of `remotes` was made for the sake of an entry.
        std::function<void(std::uint32_t segment, const Ip&, std::uint32_t next_hop)> accepted;
        // May be empty: a neighbor is known from now on.
        std::function<void(std::uint32_t segment, const Ip&)> resolved;
        // May be empty: a neighbor will age soon unless it is heard.
        std::function<void(std::uint32_t segment, const Ip&, const Mac&)> probe;
        // May be empty: a row came, changed or went.
        std::function<void(const fdb_key&)> mac_changed;
        std::function<void(const neighbor_key&)> neighbor_changed;
        // May be empty: an evpn row gave way to what a local port or VLAN showed.
        std::function<void(const fdb_key&, const fdb_entry& old)> entry_displaced;
        std::function<void(const neighbor_key&, const neighbor& old)> neighbor_displaced;
        // May be empty: what was behind a remote is behind a port of this host now.
        std::function<void(const fdb_key&, std::uint32_t ifindex)> came_here;
    };
    Learner(Tables& tables, Context context);

    // The first call counts what the tables hold already.
    Result<> set_rules(std::map<std::uint32_t, LearnRules> by_segment);
    void handle(const event& event);
    // Call once a second or so: bounded time per call, a walk of large tables spreads over several.
    Result<> age(std::uint32_t now_s);
    std::uint32_t learned(std::uint32_t segment) const;  // dynamic FDB entries now
    std::uint32_t learned_neighbors(std::uint32_t segment) const;
    Result<> recount();
    // Others wrote (+1) or erased (-1) a dynamic row.
    void count_entry(const fdb_key& key, const fdb_entry& entry, int change);
    void count_neighbor(const neighbor_key& key, int change);
    // Dynamic rows that point at a port that is gone or changed its segment; all dynamic rows of a segment.
    Result<> forget_port(std::uint32_t ifindex);
    Result<> forget_circuit(std::uint32_t id);
    Result<> forget_segment(std::uint32_t segment);
    // How many dynamic FDB entries use a next hop. A row of `remotes` whose next hop is here was made by learning
    // (vtep.accept any) or serves it; it must stay as long.
    const std::map<std::uint32_t, std::uint32_t>& next_hops_used() const { return next_hops_used_; }
    std::vector<HeldMac> held(std::uint32_t now_s) const;
    const LearnCounters& counters() const { return counters_; }

private:
    struct Mover {
        std::uint32_t moves = 0, window_ends_s = 0, held_until_s = 0;
    };
    using Doomed = std::function<bool(const fdb_key&, const fdb_entry&)>;

    bool credible(const event& event);
    bool stays(const event& event, std::uint8_t origin);
    void touch(const fdb_key& key) const {
        if (context_.mac_changed) context_.mac_changed(key);
    }
    void touch(const neighbor_key& key) const {
        if (context_.neighbor_changed) context_.neighbor_changed(key);
    }
    Result<std::uint32_t> target_of(const event& event, const LearnRules& rules);
    void learn_mac(const event& event, const LearnRules& rules);
    void learn_neighbor(const event& event, const LearnRules& rules);
    bool may_move(const fdb_key& key, const LearnRules& rules);
    void bound_movers(std::uint32_t now_s);
    void write_entry(const event& event, const LearnRules& rules, const std::optional<fdb_entry>& old);
    void write_neighbor(const event& event, const LearnRules& rules, const std::optional<neighbor>& old);
    void count_refusal(const Error& error);

    // aging.cpp: walks over the tables. deadline_ns 0: to the end.
    Result<std::uint64_t> sweep_entries(Cursor<fdb_key>& from, const Doomed& doomed, std::uint64_t deadline_ns);
    Result<std::uint64_t> sweep_neighbors(Cursor<neighbor_key>& from, std::uint32_t now_s, std::uint32_t grace_s,
                                          std::uint64_t deadline_ns);
    void probe_before_age(const neighbor_key& key, const neighbor& row, std::uint32_t now_s) const;
    Result<bool> outlived(const neighbor_key& key, const neighbor& row, std::uint32_t now_s,
                          std::uint32_t grace_s) const;
    Result<> forget(const Doomed& doomed);
    Result<> forget_target(std::uint8_t kind, std::uint32_t target, std::uint32_t where);
    Result<> forget_reports(const std::function<bool(const recent_key&, const ::recent&)>& doomed);

    Tables* tables_;
    Context context_;
    std::map<std::uint32_t, LearnRules> rules_;
    std::map<std::uint32_t, std::uint32_t> learned_, learned_neighbors_, next_hops_used_;
    std::map<std::uint64_t, Mover> movers_;  // by the 8 bytes of fdb_key
    Cursor<fdb_key> entries_walk_;
    Cursor<neighbor_key> neighbors_walk_;
    bool counted_ = false;
    LearnCounters counters_;
};

}  // namespace weft

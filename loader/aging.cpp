// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// The walks of Learner over its tables: aging, forgetting and counting. A row is looked at again right before it goes,
// since the datapath may have stamped it since the walk read it.
#include <algorithm>
#include <bit>

#include "clock.hpp"
#include "learn.hpp"

namespace weft {

namespace {

// A call of age() may hold the event loop this long; a table of a million entries then takes some ten calls.
constexpr std::uint64_t WALK_BUDGET_NS = 20'000'000;
// A neighbor's event may overtake that of its MAC, and stamps are up to a second old.
constexpr std::uint32_t ORPHAN_GRACE_S = 2;
constexpr std::uint32_t PROBED_S = 3;  // a neighbor's last seconds, in each of which it is asked

bool over(std::uint64_t deadline_ns) { return deadline_ns != 0 && monotonic_ns() >= deadline_ns; }

// A stamp may be newer than the caller's now.
bool unused_for(std::uint32_t seconds, std::uint32_t used_s, std::uint32_t now_s) {
    return now_s >= used_s && now_s - used_s >= seconds;
}

}  // namespace

void Learner::count_entry(const fdb_key& key, const fdb_entry& entry, int change) {
    learned_[key.segment] += static_cast<std::uint32_t>(change);
    if (entry.kind != FDB_REMOTE) return;
    const auto users = next_hops_used_[entry.target] += static_cast<std::uint32_t>(change);
    if (users == 0) next_hops_used_.erase(entry.target);
}

void Learner::count_neighbor(const neighbor_key& key, int change) {
    learned_neighbors_[key.segment] += static_cast<std::uint32_t>(change);
}

Result<> Learner::recount() {
    learned_.clear();
    learned_neighbors_.clear();
    next_hops_used_.clear();
    Cursor<fdb_key> entries;
    Cursor<neighbor_key> neighbors;
    std::vector<std::pair<fdb_key, fdb_entry>> some_entries;
    std::vector<std::pair<neighbor_key, neighbor>> some_neighbors;
    for (bool more = true; more;) {
        TRY(more, tables_->fdb.read_batch(entries, some_entries));
        for (const auto& [key, entry] : some_entries)
            if (entry.origin == ORIGIN_DYNAMIC) count_entry(key, entry, +1);
    }
    for (bool more = true; more;) {
        TRY(more, tables_->neighbors.read_batch(neighbors, some_neighbors));
        for (const auto& [key, row] : some_neighbors)
            if (row.origin == ORIGIN_DYNAMIC) ++learned_neighbors_[key.segment];
    }
    counted_ = true;
    return Ok{};
}

Result<std::uint64_t> Learner::sweep_entries(Cursor<fdb_key>& from, const Doomed& doomed, std::uint64_t deadline_ns) {
    std::uint64_t dropped = 0;
    std::vector<std::pair<fdb_key, fdb_entry>> rows;
    for (bool more = true; more && !over(deadline_ns);) {
        TRY(more, tables_->fdb.read_batch(from, rows));
        for (const auto& [key, seen] : rows) {
            if (seen.origin != ORIGIN_DYNAMIC || !doomed(key, seen)) continue;
            TRY(const auto now, tables_->fdb.find(key));
            if (!now || now->origin != ORIGIN_DYNAMIC || !doomed(key, *now)) continue;
            TRY(const bool gone, tables_->fdb.erase(key));
            if (!gone) continue;
            count_entry(key, *now, -1);
            touch(key);
            ++dropped;
        }
    }
    return dropped;
}

// RFC 7432: with a MAC go its IP bindings, else suppression would answer for a host that is gone. A binding whose own
// time is over goes too: the next request is then flooded, and the owner answers it.
Result<bool> Learner::outlived(const neighbor_key& key, const neighbor& row, std::uint32_t now_s,
                               std::uint32_t grace_s) const {
    const auto rules = rules_.find(key.segment);
    const std::uint32_t aging_s = rules == rules_.end() ? 0 : rules->second.aging_seconds;
    if (aging_s != 0 && unused_for(aging_s, row.used_s, now_s)) return true;
    if (row.nexthop != 0 || !unused_for(grace_s, row.used_s, now_s)) return false;
    fdb_key owner{.segment = static_cast<std::uint16_t>(key.segment), .mac = {}};
    Mac::of(row.mac).copy_to(owner.mac);
    TRY(const auto entry, tables_->fdb.find(owner));
    return !entry;
}

// A host that is alive and silent stays: its answer stamps the row.
void Learner::probe_before_age(const neighbor_key& key, const neighbor& row, std::uint32_t now_s) const {
    const auto rules = rules_.find(key.segment);
    const std::uint32_t aging_s = rules == rules_.end() ? 0 : rules->second.aging_seconds;
    if (!context_.probe || aging_s == 0) return;
    if (unused_for(aging_s - std::min(aging_s / 2, PROBED_S), row.used_s, now_s))
        context_.probe(key.segment, Ip::of(key.ip), Mac::of(row.mac));
}

Result<std::uint64_t> Learner::sweep_neighbors(Cursor<neighbor_key>& from, std::uint32_t now_s, std::uint32_t grace_s,
                                               std::uint64_t deadline_ns) {
    std::uint64_t dropped = 0;
    std::vector<std::pair<neighbor_key, neighbor>> rows;
    for (bool more = true; more && !over(deadline_ns);) {
        TRY(more, tables_->neighbors.read_batch(from, rows, 1024));
        for (const auto& [key, seen] : rows) {
            if (seen.origin != ORIGIN_DYNAMIC || seen.flags & NEIGHBOR_FAILED) continue;
            TRY(const bool old, outlived(key, seen, now_s, grace_s));
            if (!old) {
                probe_before_age(key, seen, now_s);
                continue;
            }
            TRY(const auto now, tables_->neighbors.find(key));
            if (!now || now->origin != ORIGIN_DYNAMIC || now->used_s != seen.used_s) continue;
            TRY(const bool gone, tables_->neighbors.erase(key));
            if (!gone) continue;
            --learned_neighbors_[key.segment];
            touch(key);
            ++dropped;
        }
    }
    return dropped;
}

Result<> Learner::age(std::uint32_t now_s) {
    const auto doomed = [&](const fdb_key& key, const fdb_entry& entry) {
        const auto rules = rules_.find(key.segment);
        return rules != rules_.end() && rules->second.aging_seconds != 0 &&
               unused_for(rules->second.aging_seconds, entry.used_s, now_s);
    };
    const std::uint64_t start_ns = monotonic_ns();
    TRY(const auto entries, sweep_entries(entries_walk_, doomed, start_ns + WALK_BUDGET_NS / 2));
    counters_.aged += entries;
    TRY(const auto neighbors, sweep_neighbors(neighbors_walk_, now_s, ORPHAN_GRACE_S, start_ns + WALK_BUDGET_NS));
    counters_.neighbors_aged += neighbors;
    return Ok{};
}

Result<> Learner::forget(const Doomed& doomed) {
    Cursor<fdb_key> entries;
    Cursor<neighbor_key> neighbors;
    TRY(const auto dropped, sweep_entries(entries, doomed, 0));
    if (dropped != 0) TRY_OK(sweep_neighbors(neighbors, context_.now_s(), 0, 0));
    return Ok{};
}

// What the datapath remembers of its events: a source that is forgotten is news with its next frame, at once.
Result<> Learner::forget_reports(const std::function<bool(const recent_key&, const ::recent&)>& doomed) {
    TRY(const auto rows, tables_->recent.rows());
    for (const auto& [key, row] : rows)
        if (doomed(key, row)) TRY_OK(tables_->recent.erase(key));
    return Ok{};
}

Result<> Learner::forget_port(std::uint32_t ifindex) { return forget_target(FDB_PORT, ifindex, ifindex); }

Result<> Learner::forget_circuit(std::uint32_t id) { return forget_target(FDB_CIRCUIT, id, WHERE_CIRCUIT | id); }

// `where`: the same place as `recent` has it.
Result<> Learner::forget_target(std::uint8_t kind, std::uint32_t target, std::uint32_t where) {
    TRY_OK(
        forget([&](const fdb_key&, const fdb_entry& entry) { return entry.kind == kind && entry.target == target; }));
    return forget_reports([&](const recent_key&, const ::recent& last) { return last.where == where; });
}

Result<> Learner::forget_segment(std::uint32_t segment) {
    TRY_OK(forget_reports([&](const recent_key& key, const ::recent&) { return key.segment == segment; }));
    TRY_OK(forget([&](const fdb_key& key, const fdb_entry&) { return key.segment == segment; }));
    // Bindings to static MACs of the segment too.
    TRY(const auto rows, tables_->neighbors.rows());
    for (const auto& [key, row] : rows) {
        if (key.segment != segment || row.origin != ORIGIN_DYNAMIC) continue;
        TRY_OK(tables_->neighbors.erase(key));
        touch(key);
    }
    learned_neighbors_.erase(segment);
    std::erase_if(movers_, [&](const auto& row) { return std::bit_cast<fdb_key>(row.first).segment == segment; });
    return Ok{};
}

}  // namespace weft

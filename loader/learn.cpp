// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include "learn.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <bit>

#include "clock.hpp"

namespace weft {

namespace {

fdb_key key_of(const event& event) {
    fdb_key key{.segment = event.segment, .mac = {}};
    std::copy(std::begin(event.mac), std::end(event.mac), key.mac);
    return key;
}

bool from_tunnel(const event& event) { return event.flags & EVENT_FLAG_TUNNEL; }

}  // namespace

Learner::Learner(Tables& tables, Context context) : tables_(&tables), context_(std::move(context)) {
    if (!context_.now_s) context_.now_s = stamp_now_s;
}

Result<> Learner::set_rules(std::map<std::uint32_t, LearnRules> by_segment) {
    rules_ = std::move(by_segment);
    if (counted_) return Ok{};
    return recount();
}

void Learner::handle(const event& event) {
    const auto rules = rules_.find(event.segment);
    if (rules == rules_.end() || !rules->second.learning || !credible(event)) return;
    const bool anycast = !rules->second.gateway.is_zero() && Mac::of(event.mac) == rules->second.gateway;
    if (anycast && !(event.type == EVENT_LEARN_NEIGHBOR && rules->second.proxies && from_tunnel(event))) return;
    if (event.type == EVENT_LEARN_MAC) learn_mac(event, rules->second);
    if (event.type == EVENT_LEARN_NEIGHBOR) learn_neighbor(event, rules->second);
}

// An event may be older than a change of the port, and a remote may claim anything.
bool Learner::credible(const event& event) {
    const Mac mac = Mac::of(event.mac);
    if (mac.is_multicast() || mac.is_zero()) return false;
    if (event.type == EVENT_LEARN_NEIGHBOR && !Ip::of(event.ip).is_host()) return false;
    if (event.circuit && context_.circuit_segment(event.circuit) != event.segment) return false;
    if (!from_tunnel(event) && !event.circuit) return context_.port_segment(event.ifindex) == event.segment;
    if (!context_.own_mac(mac)) return true;
    ++counters_.refused_own_mac;
    return false;
}

// What is static stays. What a control plane told stays too, but where the host itself has the guest (RFC 7432 §15: it
// then tells the others, by a higher sequence number, that the MAC moved): what a tunnel brings is no news to it.
bool Learner::stays(const event& event, std::uint8_t origin) {
    if (origin == ORIGIN_DYNAMIC || (origin == ORIGIN_EVPN && !from_tunnel(event))) return false;
    ++counters_.refused_static;
    return true;
}

void Learner::learn_mac(const event& event, const LearnRules& rules) {
    const fdb_key key = key_of(event);
    const auto old = tables_->fdb.find(key);
    if (!old) return count_refusal(old.error());
    if (*old && stays(event, (*old)->origin)) return;
    if ((!*old || (*old)->origin != ORIGIN_DYNAMIC) && learned(event.segment) >= rules.limit) {
        ++counters_.refused_limit;
        return;
    }
    write_entry(event, rules, *old);
}

// The next hop is taken only now that the entry is wanted, so that refused sources do not fill the table of next hops.
Result<std::uint32_t> Learner::target_of(const event& event, const LearnRules& rules) {
    if (event.circuit) return event.circuit;
    if (!from_tunnel(event)) return event.ifindex;
    return context_.next_hop(Ip::of(event.source), rules.vni);
}

void Learner::write_entry(const event& event, const LearnRules& rules, const std::optional<fdb_entry>& old) {
    const auto target = target_of(event, rules);
    if (!target) return count_refusal(target.error());
    const std::uint8_t kind = event.circuit ? FDB_CIRCUIT : from_tunnel(event) ? FDB_REMOTE : FDB_PORT;
    if (old && old->kind == kind && old->target == *target) return;  // a late event: the datapath stamps it by itself
    const fdb_key key = key_of(event);
    if (old && !may_move(key, rules)) {
        ++counters_.refused_move_rate;
        return;
    }
    // vtep.accept any: the datapath compares sources by next hop, so the VTEP needs its row before the entry does.
    if (from_tunnel(event)) {
        const auto row = tables_->remotes.put({event.segment, event.source}, {*target}, BPF_NOEXIST);
        if (!row && row.error().code != EEXIST) return count_refusal(row.error());
        if (row && context_.accepted) context_.accepted(event.segment, Ip::of(event.source), *target);
    }
    const fdb_entry entry{
        .target = *target, .kind = kind, .origin = ORIGIN_DYNAMIC, .flags = 0, .used_s = context_.now_s()};
    const auto written = tables_->fdb.put(key, entry, old ? BPF_EXIST : BPF_NOEXIST);
    if (!written) return count_refusal(written.error());
    if (old && old->origin == ORIGIN_DYNAMIC) count_entry(key, *old, -1);
    if (old && old->origin != ORIGIN_DYNAMIC && context_.entry_displaced) context_.entry_displaced(key, *old);
    count_entry(key, entry, +1);
    ++(old ? counters_.moved : counters_.learned);
    touch(key);
    if (old && old->kind == FDB_REMOTE && kind == FDB_PORT && context_.came_here) context_.came_here(key, *target);
}

void Learner::learn_neighbor(const event& event, const LearnRules& rules) {
    auto old = tables_->neighbors.find({event.segment, event.ip});
    if (!old) return count_refusal(old.error());
    if (*old && (*old)->flags & NEIGHBOR_FAILED) old->reset();  // it was given up, and never counted
    if (*old && stays(event, (*old)->origin)) return;
    if (*old && !(event.flags & EVENT_FLAG_OVERRIDE) && Mac::of((*old)->mac) != Mac::of(event.mac)) return;
    if ((!*old || (*old)->origin != ORIGIN_DYNAMIC) && learned_neighbors(event.segment) >= rules.limit) {
        ++counters_.refused_limit;
        return;
    }
    write_neighbor(event, rules, *old);
}

// Behind a proxy all have its one MAC, so the row says which remote it is.
void Learner::write_neighbor(const event& event, const LearnRules& rules, const std::optional<neighbor>& old) {
    neighbor row{.mac = {}, .origin = ORIGIN_DYNAMIC, .flags = 0, .used_s = context_.now_s(), .nexthop = 0};
    std::copy(std::begin(event.mac), std::end(event.mac), row.mac);
    if (rules.proxies && Mac::of(event.mac) == rules.gateway) {
        const auto hop = target_of(event, rules);
        if (!hop) return count_refusal(hop.error());
        row.nexthop = *hop;
    }
    const auto written = tables_->neighbors.put({event.segment, event.ip}, row, old ? BPF_EXIST : BPF_ANY);
    if (!written) return count_refusal(written.error());
    touch(neighbor_key{event.segment, event.ip});
    if (context_.resolved) context_.resolved(event.segment, Ip::of(event.ip));
    const bool displaced = old && old->origin != ORIGIN_DYNAMIC;
    if (displaced && context_.neighbor_displaced) context_.neighbor_displaced({event.segment, event.ip}, *old);
    if (!old || displaced) {
        ++learned_neighbors_[event.segment];
        ++counters_.neighbors_learned;
    } else if (Mac::of(old->mac) != Mac::of(row.mac)) {
        ++counters_.neighbors_moved;
    }
}

// RFC 7432 §15.1: a MAC that moves more than N times in M seconds is a duplicate or a loop; it stays where it is for
// another M seconds. One migration, or two, pass at once.
bool Learner::may_move(const fdb_key& key, const LearnRules& rules) {
    const std::uint32_t now_s = context_.now_s();
    const auto packed = std::bit_cast<std::uint64_t>(key);
    if (!movers_.contains(packed)) bound_movers(now_s);
    Mover& mover = movers_[packed];
    if (now_s < mover.held_until_s) return false;
    if (now_s >= mover.window_ends_s) mover = {.moves = 0, .window_ends_s = now_s + MOVE_WINDOW_S, .held_until_s = 0};
    if (++mover.moves <= MAX_MOVES) return true;
    mover = {.moves = 0, .window_ends_s = 0, .held_until_s = now_s + MOVE_WINDOW_S};
    spdlog::warn(
        "VNI {}: {} moved more than {} times in {} s (a duplicate address or a loop): held where it is for {} s",
        rules.vni & NETWORK_NUMBER_MASK, Mac::of(key.mac).text(), MAX_MOVES, MOVE_WINDOW_S, MOVE_WINDOW_S);
    return false;
}

// Room for one more mover: those whose time is over go; if all are fresh, the one whose time ends first.
void Learner::bound_movers(std::uint32_t now_s) {
    if (movers_.size() < MAX_MOVERS) return;
    const auto ends_s = [](const auto& row) { return std::max(row.second.window_ends_s, row.second.held_until_s); };
    std::erase_if(movers_, [&](const auto& row) { return ends_s(row) <= now_s; });
    if (movers_.size() < MAX_MOVERS) return;
    movers_.erase(std::min_element(movers_.begin(), movers_.end(),
                                   [&](const auto& a, const auto& b) { return ends_s(a) < ends_s(b); }));
}

std::vector<HeldMac> Learner::held(std::uint32_t now_s) const {
    std::vector<HeldMac> out;
    for (const auto& [packed, mover] : movers_) {
        const auto key = std::bit_cast<fdb_key>(packed);
        if (now_s < mover.held_until_s) out.push_back({key.segment, Mac::of(key.mac), mover.held_until_s});
    }
    return out;
}

// E2BIG: the table; ENOSPC: no next hop is free; ENOMEM: the kernel. All the same to the guest: the frame is flooded.
void Learner::count_refusal(const Error& error) {
    ++counters_.refused_full;
    spdlog::debug("not learned: {}", error.what);
}

std::uint32_t Learner::learned(std::uint32_t segment) const {
    const auto row = learned_.find(segment);
    return row == learned_.end() ? 0 : row->second;
}

std::uint32_t Learner::learned_neighbors(std::uint32_t segment) const {
    const auto row = learned_neighbors_.find(segment);
    return row == learned_neighbors_.end() ? 0 : row->second;
}

}  // namespace weft

// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include "teams.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <cstring>

#include "../bpf/hash.h"
#include "devices.hpp"
#include "name_hash.hpp"

namespace weft {

namespace {

bool same(const team& a, const team& b) { return std::memcmp(&a, &b, sizeof a) == 0; }
bool same_uplinks(const team& a, const team& b) { return std::ranges::equal(a.uplinks, b.uplinks); }
bool same_policy(const team& a, const team& b) { return ((a.flags ^ b.flags) & ~TEAM_SEVERAL) == 0; }

std::uint16_t flags_of(TeamPolicy policy) {
    switch (policy) {
        case TeamPolicy::Explicit: return 0;
        case TeamPolicy::Port: return TEAM_BY_PORT;
        case TeamPolicy::SourceMac: return TEAM_BY_MAC;
        case TeamPolicy::IpHash: return TEAM_BY_FLOW;
    }
    return 0;
}

// A NIC without our programs would send, and what comes in by it would be lost. Nor is one that came back under the
// name of another the one that is served.
Nic nic_now(const Link* link, std::uint32_t served) {
    if (!link) return {0, Health::Absent};
    if (link->ifindex != served) return {0, Health::NotServed};
    if (!link->up) return {served, Health::Down};
    return {served, link->carrier ? Health::Up : Health::NoCarrier};
}

// As the programs do.
std::uint32_t share_of_mac(const Mac& mac) {
    std::uint32_t first = 0;
    std::uint16_t last = 0;
    std::memcpy(&first, mac.bytes.data(), sizeof first);
    std::memcpy(&last, mac.bytes.data() + sizeof first, sizeof last);
    return ::share_of_mac(first, last);
}

// "eth2 active, eth3 down"
std::string summary(const Failover& failover, std::uint64_t now_ns) {
    std::string out;
    for (const Failover::View& one : failover.view(now_ns)) {
        out += (out.empty() ? "" : ", ") + one.interface + " " + one.state;
        if (!one.why.empty()) out += " (" + one.why + ")";
    }
    return out;
}

}  // namespace

std::uint32_t TeamMove::share(TeamPolicy policy, const Mac& mac, std::uint32_t port) {
    if (policy == TeamPolicy::Explicit) return 0;
    if (policy == TeamPolicy::Port) return port % TEAM_SLOTS;
    return share_of_mac(mac);
}

bool TeamMove::moved(const Mac& mac, std::uint32_t port) const {
    if (policy == TeamPolicy::IpHash) return from != to;  // the switches learned it by any of its shares
    const std::uint32_t mine = share(policy, mac, port);
    return from[mine] != to[mine];
}

Result<> Teams::adopt() {
    for (std::uint32_t id = 1; id < tables_->teams.max_entries(); ++id) {
        TRY(const auto row, tables_->teams.find(id));
        if (!row || !(row->flags & TEAM_IN_USE)) continue;
        if (!adopted_.try_emplace(row->name_hash, Adopted{static_cast<std::uint16_t>(id), *row}).second)
            TRY_OK(tables_->teams.put(id, ::team{}));
    }
    return Ok{};
}

void Teams::prepare(const std::vector<TeamPlan>& plans, Problems& problems) {
    planned_.clear();
    for (const TeamPlan& plan : plans)
        if (problems.check(ensure(plan), "team " + plan.name)) planned_.insert(plan.name);
}

void Teams::serve(const Links& links, const Devices& devices, Problems& problems) {
    Nics nics;
    for (const TeamPlan& plan : plans())
        for (const std::string& name : plan.uplinks) {
            const Interface* nic = devices.find(name);
            nics[name] = nic_now(links.find(name), nic && nic->attachment ? nic->ifindex : 0);
        }
    serve(nics, problems, monotonic_ns());
}

void Teams::serve(const Nics& nics, Problems& problems, std::uint64_t now_ns) {
    look(nics);
    again_ = false;
    for (const std::string& name : planned_) {
        State& state = by_name_.at(name);
        if (std::exchange(state.inherited, false)) adopt_shares(state.failover, state.row);
        problems.check(follow_team(state, now_ns), "team " + name);
    }
    served_ = true;
    complain(problems);
}

void Teams::look(const Nics& nics) {
    nics_ = nics;
    links_.clear();
    for (const auto& [name, nic] : nics) links_[name] = nic.health;
    beacons_ = links_;
    for (auto& [name, health] : beacons_)
        if (health == Health::Up && lost_.contains(name)) health = Health::NoBeacon;
}

Result<> Teams::ensure(const TeamPlan& plan) {
    if (const auto found = by_name_.find(plan.name); found != by_name_.end()) {
        State& state = found->second;
        if (state.failover.plan() != plan) state.failover = Failover(plan);
        return Ok{};
    }
    State state{.failover = Failover(plan)};
    if (const auto old = adopted_.find(name_hash(plan.name)); old != adopted_.end()) {
        state.id = old->second.id;
        state.row = old->second.row;
        state.placed = state.inherited = true;
        adopted_.erase(old);
    } else {
        TRY(state.id, free_id());
    }
    by_name_.insert_or_assign(plan.name, std::move(state));
    return Ok{};
}

void Teams::adopt_shares(Failover& failover, const ::team& row) const {
    const auto name_of = [&](std::uint32_t ifindex) {
        const auto at = std::ranges::find_if(nics_, [&](const auto& nic) { return nic.second.ifindex == ifindex; });
        return ifindex && at != nics_.end() ? at->first : std::string();
    };
    Failover::Shares shares;
    for (std::size_t i = 0; i < shares.size(); ++i) shares[i] = name_of(row.uplinks[i]);
    failover.adopt(shares, name_of(row.receiver));
}

Result<std::uint16_t> Teams::free_id() const {
    std::set<std::uint32_t> used;
    for (const auto& [name, state] : by_name_) used.insert(state.id);
    for (const auto& [hash, old] : adopted_) used.insert(old.id);
    for (std::uint32_t id = 1; id < tables_->teams.max_entries(); ++id)
        if (!used.contains(id)) return static_cast<std::uint16_t>(id);
    return fail(ENOSPC, "all " + std::to_string(tables_->teams.max_entries() - 1) + " are used");
}

std::uint32_t Teams::ifindex_of(const std::string& name) const {
    const auto found = nics_.find(name);
    return found == nics_.end() ? 0 : found->second.ifindex;
}

::team Teams::row_of(const State& state, std::uint64_t now_ns) const {
    const TeamPlan& plan = state.failover.plan();
    ::team row{};
    row.name_hash = name_hash(plan.name);
    // A NIC that carries nothing, or failed a moment ago, may bring what a switch flooded all the same.
    const bool several = plan.uplinks.size() > 1;
    row.flags = static_cast<std::uint16_t>(TEAM_IN_USE | flags_of(plan.policy) | (several ? TEAM_SEVERAL : 0));
    row.receiver = ifindex_of(state.failover.receiver());
    for (std::size_t i = 0; i < TEAM_SLOTS; ++i) row.uplinks[i] = ifindex_of(state.failover.shares()[i]);
    const bool stays = state.placed && same_uplinks(row, state.row) && same_policy(row, state.row);
    row.changed_ns = stays ? state.row.changed_ns : now_ns;
    row.moved = stays ? state.row.moved : moved_in(state, row);
    return row;
}

// Shares whose guests the physical switch may look for behind another NIC. When the host starts there are none; a team
// that is made later takes its guests over from another.
std::uint16_t Teams::moved_in(const State& state, const ::team& row) const {
    constexpr std::uint16_t ALL = (1u << TEAM_SLOTS) - 1;
    if (!state.placed) return served_ ? ALL : 0;
    if (!same_policy(row, state.row)) return ALL;
    const HealthMap& health = state.failover.plan().detection == Detection::Beacon ? beacons_ : links_;
    std::uint16_t moved = state.row.moved;
    for (std::size_t i = 0; i < TEAM_SLOTS; ++i) {
        const std::uint32_t from = state.row.uplinks[i];
        if (from == row.uplinks[i]) continue;
        const bool was_up = std::ranges::any_of(
            nics_, [&](const auto& nic) { return nic.second.ifindex == from && health.at(nic.first) == Health::Up; });
        moved = static_cast<std::uint16_t>(was_up ? moved | 1u << i : moved & ~(1u << i));
    }
    return moved;
}

Result<> Teams::follow_team(State& state, std::uint64_t now_ns) {
    const TeamPlan& plan = state.failover.plan();
    state.failover.follow(plan.detection == Detection::Beacon ? beacons_ : links_, now_ns);
    const ::team row = row_of(state, now_ns);
    if (state.placed && same(row, state.row)) return Ok{};
    TRY_OK(tables_->teams.put(state.id, row));
    ++writes_;
    const ::team old = std::exchange(state.row, row);
    if (!std::exchange(state.placed, true) || same_uplinks(old, row)) return Ok{};
    TeamMove move{
        .team = plan.name, .policy = plan.policy, .notify_switches = plan.notify_switches, .from = {}, .to = {}};
    std::ranges::copy(old.uplinks, move.from.begin());
    std::ranges::copy(row.uplinks, move.to.begin());
    moves_.push_back(std::move(move));
    spdlog::warn("team {}: {}", plan.name, summary(state.failover, now_ns));
    return Ok{};
}

Result<> Teams::follow(const Links& links, std::uint64_t now_ns) {
    Nics nics = nics_;
    for (auto& [name, nic] : nics) nic = nic_now(links.find(name), nic.ifindex);
    return follow(nics, now_ns);
}

Result<> Teams::follow(const Nics& nics, std::uint64_t now_ns) {
    const bool news = std::exchange(again_, false) || nics != nics_;
    if (news) look(nics);
    for (auto& [name, state] : by_name_)
        if (news || state.failover.is_waiting()) TRY_OK(follow_team(state, now_ns));
    return Ok{};
}

void Teams::note_lost(const std::set<std::string>& lost) {
    again_ = again_ || lost != lost_;
    lost_ = lost;
}

void Teams::take_back() {
    for (auto& [name, state] : by_name_) state.failover.take_back();
    again_ = true;
}

void Teams::sweep(Problems& problems) {
    const auto clear = [&](std::uint16_t id) {
        ++writes_;
        return problems.check(tables_->teams.put(id, ::team{}), "sweep teams");
    };
    std::erase_if(by_name_,
                  [&](const auto& entry) { return !planned_.contains(entry.first) && clear(entry.second.id); });
    std::erase_if(adopted_, [&](const auto& entry) { return clear(entry.second.id); });
}

// That a NIC is down or away, Devices says.
void Teams::complain(Problems& problems) const {
    for (const auto& [name, state] : by_name_) {
        if (!planned_.contains(name)) continue;
        const TeamPlan& plan = state.failover.plan();
        if (plan.detection == Detection::Beacon && name == plan.switch_name)
            for (const std::string& nic : plan.uplinks)
                if (const auto at = beacons_.find(nic); at != beacons_.end() && at->second == Health::NoBeacon)
                    problems.add("uplink " + nic + " of switch " + plan.switch_name + " " + reason(at->second));
        if (!plan.uplinks.empty() && state.failover.shares()[0].empty())
            problems.add("team " + name + ": no uplink is up");
    }
}

std::uint16_t Teams::row(const std::string& name) const {
    const auto found = by_name_.find(name);
    return found == by_name_.end() ? 0 : found->second.id;
}

const Failover* Teams::find(const std::string& name) const {
    const auto found = by_name_.find(name);
    return found == by_name_.end() ? nullptr : &found->second.failover;
}

std::vector<TeamPlan> Teams::plans() const {
    std::vector<TeamPlan> out;
    for (const auto& [name, state] : by_name_)
        if (planned_.contains(name)) out.push_back(state.failover.plan());
    return out;
}

}  // namespace weft

// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include "failover.hpp"

#include <algorithm>

namespace weft {

namespace {

constexpr std::uint64_t NS_PER_S = 1'000'000'000;

bool contains(const std::vector<std::string>& names, const std::string& name) {
    return std::ranges::find(names, name) != names.end();
}

Health health_of(const HealthMap& health, const std::string& name) {
    const auto found = health.find(name);
    return found == health.end() ? Health::Absent : found->second;
}

}  // namespace

const char* reason(Health health) {
    switch (health) {
        case Health::Up: return "";
        case Health::Absent: return "does not exist";
        case Health::NotServed: return "is not served";
        case Health::Down: return "is down";
        case Health::NoCarrier: return "has no carrier";
        case Health::NoBeacon: return "is cut off: no other uplink hears its beacons and it hears none";
    }
    return "";
}

Failover::Failover(TeamPlan plan) : plan_(std::move(plan)), order_(plan_.active) {
    order_.insert(order_.end(), plan_.standby.begin(), plan_.standby.end());
    for (const std::string& name : plan_.uplinks) members_[name];
}

void Failover::adopt(const Shares& shares, const std::string& receiver) {
    fresh_ = false;
    shares_ = shares;
    receiver_ = receiver;
    for (auto& [name, member] : members_) member.ready = load(name) > 0;
}

void Failover::take_back() {
    fresh_ = true;
    if (plan_.failback) return;  // what is at home stays there, the rest too
    shares_.fill("");
    receiver_.clear();
}

void Failover::follow(const HealthMap& health, std::uint64_t now_ns) {
    for (auto& [name, member] : members_) follow_member(member, health_of(health, name), now_ns);
    fresh_ = false;
    use_what_there_is();
    share_out();
    if (plan_.policy == TeamPolicy::Explicit)
        receiver_ = shares_[0];
    else if (!stays(receiver_))
        receiver_ = first();
    if (receiver_.empty()) receiver_ = any_up();
}

void Failover::follow_member(Member& member, Health health, std::uint64_t now_ns) {
    member.health = health;
    if (health != Health::Up) {
        member.ready = false;
        member.up_since_ns = 0;
        return;
    }
    if (member.up_since_ns == 0) member.up_since_ns = now_ns;
    if (fresh_ || (plan_.failback && now_ns - member.up_since_ns >= delay_ns())) member.ready = true;
}

// A NIC that waits is better than none.
void Failover::use_what_there_is() {
    if (std::ranges::any_of(order_, [&](const std::string& name) { return may_carry(name); })) return;
    for (auto& [name, member] : members_)
        if (member.health == Health::Up) member.ready = true;
}

bool Failover::is_up(const std::string& name) const {
    const auto found = members_.find(name);
    return found != members_.end() && found->second.health == Health::Up;
}

// Without failback whatever is up may be needed, but nothing moves to it that is well where it is (stays()).
bool Failover::may_carry(const std::string& name) const {
    return is_up(name) && contains(order_, name) && (!plan_.failback || members_.at(name).ready);
}

std::string Failover::first() const {
    const auto at = std::ranges::find_if(order_, [&](const std::string& name) { return may_carry(name); });
    return at == order_.end() ? "" : *at;
}

// A port group's team may send by it, and what is flooded to all of the switch's groups has one receiver.
std::string Failover::any_up() const {
    const auto at = std::ranges::find_if(plan_.uplinks, [&](const std::string& name) { return is_up(name); });
    return at == plan_.uplinks.end() ? "" : *at;
}

void Failover::share_out() {
    if (plan_.policy == TeamPolicy::Explicit || plan_.active.empty())
        return shares_.fill(stays(shares_[0]) ? shares_[0] : first());
    choose_substitutes();
    for (std::size_t i = 0; i < shares_.size(); ++i) {
        std::string& share = shares_[i];
        const std::string& home = plan_.active[i % plan_.active.size()];
        if (stays(share)) continue;
        if (may_carry(home))
            share = home;
        else if (const auto instead = substitutes_.find(home); instead != substitutes_.end())
            share = instead->second;
        else if (!may_carry(share) || !is_carrier(share))
            share.clear();
    }
    for (std::string& share : shares_)
        if (share.empty()) share = least_loaded();
}

// Who has one keeps it, so that a second failure moves only its own shares.
void Failover::choose_substitutes() {
    std::erase_if(substitutes_, [&](const auto& pair) { return may_carry(pair.first) || !may_carry(pair.second); });
    for (const std::string& name : plan_.active) {
        if (may_carry(name) || substitutes_.contains(name)) continue;
        const auto free = std::ranges::find_if(plan_.standby, [&](const std::string& standby) {
            return may_carry(standby) && !takes_over(standby) && (plan_.failback || load(standby) == 0);
        });
        if (free != plan_.standby.end()) substitutes_[name] = *free;
    }
}

bool Failover::takes_over(const std::string& standby) const {
    return std::ranges::any_of(substitutes_, [&](const auto& pair) { return pair.second == standby; });
}

// Active, or in the place of one that is.
bool Failover::is_carrier(const std::string& name) const {
    if (!may_carry(name)) return false;
    return contains(plan_.active, name) || takes_over(name) || stays(name);
}

unsigned Failover::load(const std::string& name) const {
    return static_cast<unsigned>(std::ranges::count(shares_, name));
}

std::string Failover::least_loaded() const {
    std::string best;
    for (const std::string& name : order_)
        if (is_carrier(name) && (best.empty() || load(name) < load(best))) best = name;
    return best;
}

bool Failover::is_waiting() const {
    return plan_.failback && std::ranges::any_of(members_, [](const auto& entry) {
               return entry.second.health == Health::Up && !entry.second.ready;
           });
}

std::vector<Failover::View> Failover::view(std::uint64_t now_ns) const {
    std::vector<View> out;
    for (const std::string& name : plan_.uplinks) {
        const Member& member = members_.at(name);
        View one{name, "standby", "", load(name)};
        if (member.health != Health::Up) {
            one.state = "down";
            one.why = reason(member.health);
        } else if (!contains(order_, name)) {
            one.state = "unused";
        } else if (one.shares > 0) {
            one.state = "active";
        } else if (plan_.failback && !member.ready) {
            const std::uint64_t left =
                member.up_since_ns + delay_ns() - std::min(now_ns, member.up_since_ns + delay_ns());
            one.state = "waiting";
            one.why = "takes its place again in " + std::to_string((left + NS_PER_S - 1) / NS_PER_S) + " s";
        }
        out.push_back(std::move(one));
    }
    return out;
}

}  // namespace weft

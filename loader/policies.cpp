// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include "policies.hpp"

#include <algorithm>
#include <cstring>

#include "name_hash.hpp"
#include "team_plan.hpp"

namespace weft {

namespace {

constexpr std::uint64_t NS_PER_S = 1'000'000'000;
// Of the average. TCP that was cut is silent for a retransmission timeout, 200 ms at least in Linux; a bucket that
// holds less than comes in meanwhile loses the difference.
constexpr std::uint64_t DEFAULT_BURST_NS = NS_PER_S / 4;
// Frames that wait for their turn need no bucket for TCP's sake; without any, each second frame of a pair would wait.
constexpr std::uint64_t DELAY_BURST_NS = NS_PER_S / 100;
// fq keeps 100 frames of a flow by default, and what it drops was charged all the same.
constexpr std::uint64_t DELAYED_BYTES = 64 * 1538;
constexpr std::uint64_t MIN_DELAY_NS = NS_PER_S / 500, MAX_DELAY_NS = NS_PER_S / 4;
constexpr std::uint32_t STORM_BURST_SHARE = 10;  // a tenth of a second's frames at once, but one at least

// 1 kbit/s is 125 bytes a second.
std::uint64_t cost_of(std::optional<std::uint64_t> kbps) { return kbps ? (NS_PER_S << 16) / (*kbps * 125) : 0; }

rate rate_of(const RateLimit& limit) {
    rate out{};
    out.average_cost = cost_of(limit.average_kbps);
    out.peak_cost = cost_of(limit.peak_kbps);
    out.burst_ns = limit.delay ? DELAY_BURST_NS : DEFAULT_BURST_NS;
    if (limit.burst_kbytes) out.burst_ns = (*limit.burst_kbytes * 1000ull * out.average_cost) >> 16;
    if (limit.delay)
        out.delay_ns = std::clamp<std::uint64_t>((DELAYED_BYTES * out.average_cost) >> 16, MIN_DELAY_NS, MAX_DELAY_NS);
    return out;
}

bool same(const policy& a, const policy& b) { return std::memcmp(&a, &b, sizeof a) == 0; }

binding_key key_of(std::uint32_t ifindex, const Mac& mac, binding what, const Ip& ip = {}) {
    binding_key key{};
    key.ifindex = ifindex;
    mac.copy_to(key.mac);
    key.what = static_cast<__u16>(what);
    if (what == BINDING_IP) key.ip = ip.raw();
    return key;
}

}  // namespace

policy policy_of(const PortGroup& group, bool overlay) {
    policy out{};
    out.flags = POLICY_IN_USE;
    if (!group.accept_forged_transmits) out.flags |= POLICY_ONE_MAC;
    if (!group.accept_mac_changes) out.flags |= POLICY_FIXED_MAC;
    if (!group.trunk.empty()) out.flags |= POLICY_TRUNK;
    // In an overlay segment the tag that the guests use is off inside, and what has none left is theirs.
    if (!group.trunk.empty() && group.vlan == 0 && !overlay) out.flags |= POLICY_NO_UNTAGGED;
    const std::optional<std::uint32_t> storms[] = {group.broadcast_pps, group.multicast_pps, group.unknown_unicast_pps};
    for (std::size_t kind = 0; kind < STORM_KINDS; ++kind) {
        if (!storms[kind]) continue;
        out.storm_ns[kind] = static_cast<__u32>(NS_PER_S / *storms[kind]);
        out.storm_burst[kind] = std::max(*storms[kind] / STORM_BURST_SHARE, 1u);
    }
    out.from_port = rate_of(group.from_port);
    out.to_port = rate_of(group.to_port);
    for (const VlanRange& range : group.trunk)
        for (std::uint32_t vid = range.first; vid <= range.last; ++vid) out.trunk[vid / 64] |= 1ull << (vid % 64);
    return out;
}

bool Policies::KeyLess::operator()(const binding_key& a, const binding_key& b) const {
    return std::memcmp(&a, &b, sizeof a) < 0;
}

Result<> Policies::adopt() {
    for (std::uint16_t row = 1; row < MAX_POLICIES; ++row) {
        TRY(const auto found, tables_->policies.find(row));
        if (found && found->flags & POLICY_IN_USE) rows_[row] = {.value = *found};
    }
    TRY(const auto bindings, tables_->bindings.rows());
    for (const auto& [key, one] : bindings) bindings_.insert(key);
    return Ok{};
}

Result<std::uint16_t> Policies::ensure(const std::string& group) {
    for (const auto& [row, known] : rows_)
        if (known.value.name_hash == name_hash(group) && !known.wanted) return row;
    for (std::uint16_t row = 1; row < MAX_POLICIES; ++row)
        if (!rows_.contains(row)) return row;
    return fail(ENOSPC, "all " + std::to_string(MAX_POLICIES - 1) + " are used");
}

void Policies::serve(const Document& wanted, const Teams& teams, Problems& problems) {
    by_group_.clear();
    for (auto& [row, known] : rows_) known.wanted = false;
    for (const PortGroup& group : wanted.port_groups) {
        const auto row = ensure(group.name);
        if (!problems.check(row, "port group " + group.name)) continue;
        policy value = policy_of(group, !is_vlan_backed(wanted, group));
        value.name_hash = name_hash(group.name);
        if (const std::string team = team_name(group); team != group.switch_name) value.team = teams.row(team);
        Row& known = rows_[*row];
        known.wanted = true;
        by_group_[group.name] = *row;
        if (same(known.value, value)) continue;
        if (!problems.check(tables_->policies.put(*row, value), "port group " + group.name)) continue;
        known.value = value;
        ++writes_;
    }
}

void Policies::bind(const Document& wanted, const Links& links, Problems& problems) {
    wanted_bindings_.clear();
    for (const Port& port : wanted.ports) {
        const Link* link = links.find(port.interface);
        if (!link) continue;
        for (const Binding& one : port.bind) {
            wanted_bindings_.insert(key_of(link->ifindex, one.mac, BINDING_MAC));
            if (one.ips.empty()) wanted_bindings_.insert(key_of(link->ifindex, one.mac, BINDING_ANY_IP));
            for (const Ip& ip : one.ips) wanted_bindings_.insert(key_of(link->ifindex, one.mac, BINDING_IP, ip));
        }
    }
    for (const binding_key& key : wanted_bindings_) {
        if (bindings_.contains(key)) continue;
        if (!problems.check(tables_->bindings.put(key, 1), "bind")) continue;
        bindings_.insert(key);
        ++writes_;
    }
}

void Policies::sweep(Problems& problems) {
    std::erase_if(bindings_, [&](const binding_key& key) {
        if (wanted_bindings_.contains(key)) return false;
        ++writes_;
        return problems.check(tables_->bindings.erase(key), "sweep bindings");
    });
    std::erase_if(rows_, [&](const auto& entry) {
        if (entry.second.wanted) return false;
        ++writes_;
        return problems.check(tables_->policies.put(entry.first, policy{}), "sweep port groups");
    });
}

std::uint16_t Policies::row(const std::string& group) const {
    const auto found = by_group_.find(group);
    return found == by_group_.end() ? 0 : found->second;
}

}  // namespace weft

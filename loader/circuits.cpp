// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include "circuits.hpp"

#include <arpa/inet.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <cstring>

#include "clock.hpp"
#include "config.hpp"

namespace weft {

namespace {

constexpr std::uint64_t NS_PER_MS = 1'000'000;
constexpr std::uint64_t ALARM_NS = 10'000'000'000;  // without news an alarm is over

bool same(const circuit& a, const circuit& b) { return std::memcmp(&a, &b, sizeof a) == 0; }

std::uint16_t flags_of(const Bridge& bridge) {
    if (bridge.is_elected()) return CIRCUIT_ELECTED;
    return bridge.role_now() == BridgeRole::Designated ? CIRCUIT_DESIGNATED : 0;
}

// 0 where nothing is attached: then nothing comes in by it, and nothing is sent there.
std::uint32_t served(const Devices& devices, const std::string& name) {
    const Interface* nic = name.empty() ? nullptr : devices.find(name);
    return nic && nic->attachment ? nic->ifindex : 0;
}

circuit row_of(const CircuitPlan& plan, const CircuitState& state, std::uint16_t segment, const Devices& devices,
               const Teams& teams) {
    circuit row{};
    row.segment = segment;
    row.account = state.row.account;
    row.flags = static_cast<std::uint16_t>(CIRCUIT_IN_USE | plan.flags);
    row.vid = plan.flags & CIRCUIT_NO_UNTAGGED ? 0 : plan.vlans.front().first;
    row.protocol = htons(static_cast<std::uint16_t>(plan.tag_protocol));
    row.lease = plan.lease;
    row.priority = plan.priority;
    row.team = plan.team.empty() ? 0 : teams.row(plan.team);
    row.ifindex = plan.team.empty() ? served(devices, plan.nics.front()) : 0;
    const bool was = state.row.flags & CIRCUIT_DESIGNATED, is = row.flags & CIRCUIT_DESIGNATED;
    row.since_ns = was && is ? state.row.since_ns : is ? monotonic_ns() : 0;
    return row;
}

CircuitPlan plan_of(const Bridge& bridge) {
    CircuitPlan plan;
    plan.name = circuit_name(bridge);
    plan.segment = bridge.segment;
    plan.vlans = {{bridge.vlan, bridge.vlan}};
    plan.tag_protocol = bridge.tag_protocol;
    plan.flags = flags_of(bridge);
    plan.lease = bridge.is_elected() ? bridge.virtual_router_id : 0;
    plan.priority = bridge.priority;
    plan.nics = {bridge.interface};
    return plan;
}

// The groups of a VLAN-backed segment are on one switch and have one VLAN; each may have tags of its own beside it.
CircuitPlan plan_of(const Segment& segment, const std::vector<const PortGroup*>& groups, const Switch& on) {
    CircuitPlan plan;
    plan.name = on.name + ":" + std::to_string(groups.front()->vlan);
    plan.segment = segment.name;
    plan.flags = CIRCUIT_DESIGNATED;
    plan.nics = on.team.uplinks;
    plan.team = on.name;
    const auto has_network = [](const PortGroup* group) { return group->vlan != 0 || group->trunk.empty(); };
    if (std::ranges::any_of(groups, has_network))
        plan.vlans.push_back({groups.front()->vlan, groups.front()->vlan});
    else
        plan.flags |= CIRCUIT_NO_UNTAGGED;
    for (const PortGroup* group : groups) {
        if (!group->trunk.empty()) plan.flags |= CIRCUIT_TRUNK;
        plan.vlans.insert(plan.vlans.end(), group->trunk.begin(), group->trunk.end());
    }
    return plan;
}

}  // namespace

std::string circuit_name(const Bridge& bridge) { return BridgeName{bridge.interface, bridge.vlan}.text(); }

std::vector<CircuitPlan> plan_circuits(const Document& wanted) {
    std::vector<CircuitPlan> plans;
    for (const Bridge& bridge : wanted.bridges) plans.push_back(plan_of(bridge));
    for (const Segment& segment : wanted.segments) {
        if (segment.vni != 0) continue;
        std::vector<const PortGroup*> groups;
        for (const PortGroup& group : wanted.port_groups)
            if (group.segment == segment.name) groups.push_back(&group);
        if (groups.empty()) continue;
        const auto on = std::ranges::find(wanted.switches, groups.front()->switch_name, &Switch::name);
        if (on != wanted.switches.end() && !on->team.uplinks.empty()) plans.push_back(plan_of(segment, groups, *on));
    }
    return plans;
}

Result<> Circuits::adopt() {
    for (std::uint32_t id = 1; id < tables_->circuits.max_entries(); ++id) {
        TRY(const auto row, tables_->circuits.find(id));
        if (!row || !(row->flags & CIRCUIT_IN_USE)) continue;
        accounts_->adopt(row->account);
        by_id_[id] = {.id = id, .name = {}, .segment = {}, .row = *row, .designated = false};
    }
    TRY(const auto rows, tables_->vlans.rows());
    for (const auto& [key, id] : rows) {
        if (by_id_.contains(id))
            vlans_[key] = id;
        else
            TRY_OK(tables_->vlans.erase(key));
    }
    return Ok{};
}

Circuits::Keys Circuits::keys_of(const CircuitPlan& plan, const Devices& devices) {
    Keys keys;
    for (const std::string& nic : plan.nics) {
        const std::uint32_t ifindex = served(devices, nic);
        if (ifindex == 0) continue;
        for (const VlanRange& range : plan.vlans)
            for (std::uint32_t vid = range.first; vid <= range.last; ++vid)
                keys.insert({ifindex, static_cast<__u16>(vid),
                             static_cast<__be16>(vid ? htons(static_cast<std::uint16_t>(plan.tag_protocol)) : 0)});
    }
    return keys;
}

std::uint32_t Circuits::free_id() const {
    for (std::uint32_t id = 1; id < tables_->circuits.max_entries(); ++id)
        if (!by_id_.contains(id)) return id;
    return 0;
}

// A circuit is known again by any of its tags: ids outlive the daemon, names do not.
Result<CircuitState*> Circuits::ensure(const Keys& keys, std::uint16_t segment) {
    for (const vlan_key& key : keys) {
        const auto found = vlans_.find(key);
        if (found == vlans_.end() || planned_.contains(found->second)) continue;
        CircuitState& state = by_id_[found->second];
        if (state.row.segment == segment) return &state;
    }
    CircuitState state;
    state.id = free_id();
    if (state.id == 0) return fail(ENOSPC, "all " + std::to_string(tables_->circuits.max_entries() - 1) + " are used");
    TRY(state.row.account, accounts_->allocate());
    return &(by_id_[state.id] = std::move(state));
}

Result<> Circuits::write_row(CircuitState& state, const circuit& row) {
    if (same(state.row, row)) return Ok{};
    TRY_OK(tables_->circuits.put(state.id, row));
    state.row = row;
    ++writes_;
    return Ok{};
}

Result<> Circuits::write_keys(const Keys& keys, std::uint32_t id) {
    for (const vlan_key& key : keys) {
        const auto old = vlans_.find(key);
        if (old != vlans_.end() && old->second == id) continue;
        TRY_OK(tables_->vlans.put(key, id));
        vlans_[key] = id;
        ++writes_;
    }
    return Ok{};
}

void Circuits::serve(const std::vector<CircuitPlan>& plans, const Devices& devices, const Segments& segments,
                     const Teams& teams, Problems& problems) {
    planned_.clear();
    planned_keys_.clear();
    for (const CircuitPlan& plan : plans) {
        const SegmentState* segment = segments.find(plan.segment);
        const Keys keys = keys_of(plan, devices);
        if (!segment || keys.empty()) continue;
        const auto index = static_cast<std::uint16_t>(segment->index);
        const auto state = ensure(keys, index);
        if (!problems.check(state, "VLAN " + plan.name)) continue;
        (*state)->name = plan.name;
        (*state)->segment = plan.segment;
        planned_.insert((*state)->id);
        planned_keys_.insert(keys.begin(), keys.end());
        if (problems.check(write_row(**state, row_of(plan, **state, index, devices, teams)), "VLAN " + plan.name))
            problems.check(write_keys(keys, (*state)->id), "VLAN " + plan.name);
    }
}

std::vector<std::uint32_t> Circuits::sweep(Problems& problems) {
    std::erase_if(vlans_, [&](const auto& entry) {
        if (planned_keys_.contains(entry.first)) return false;
        ++writes_;
        return problems.check(tables_->vlans.erase(entry.first), "sweep VLANs");
    });
    std::vector<std::uint32_t> gone;
    std::erase_if(by_id_, [&](const auto& entry) {
        const auto& [id, state] = entry;
        if (planned_.contains(id)) return false;
        if (!problems.check(tables_->circuits.put(id, circuit{}), "sweep VLANs")) return false;
        accounts_->release(state.row.account);
        ++writes_;
        gone.push_back(id);
        return true;
    });
    return gone;
}

std::optional<Ip> Circuits::rival(const CircuitState& circuit) const {
    const auto rival = tables_->rivals.find(circuit.id);
    if (circuit.row.team || !rival || !*rival || (*rival)->seen_ns == 0) return std::nullopt;
    if (monotonic_ns() - (*rival)->seen_ns >= HELLO_HOLD_MS * NS_PER_MS) return std::nullopt;
    return Ip::of((*rival)->vtep);
}

bool Circuits::is_designated(const CircuitState& circuit) const {
    const ::circuit& row = circuit.row;
    if (row.team) return true;
    if (rival(circuit)) return false;
    if (!(row.flags & CIRCUIT_ELECTED)) return (row.flags & CIRCUIT_DESIGNATED) != 0;
    const auto lease = tables_->leases.find(row.lease);
    return lease && *lease && lease_holds(&**lease, monotonic_ns());
}

Circuits::Turned Circuits::look_for_turns() {
    Turned turned;
    for (auto& [id, state] : by_id_) {
        if (state.row.team) continue;  // no other host has a say in it
        const bool now = is_designated(state);
        if (now != state.designated) (now ? turned.began : turned.ended).push_back(id);
        state.designated = now;
        const bool outranked = rival(state).has_value();
        if (outranked && !state.outranked) turned.outranked.push_back(id);
        state.outranked = outranked;
    }
    return turned;
}

void Circuits::note_reflection(std::uint32_t id, const Mac& mac, const std::string& where) {
    const auto found = by_id_.find(id);
    if (found == by_id_.end()) return;
    CircuitState& state = found->second;
    if (!alarmed(state))
        spdlog::error("{} of segment {}: {} is seen on the VLAN and {} at once: two hosts bridge it, or it has a loop",
                      state.name, state.segment, mac.text(), where);
    state.last_reflection_ns = monotonic_ns();
}

bool Circuits::alarmed(const CircuitState& circuit) {
    return circuit.last_reflection_ns != 0 && monotonic_ns() - circuit.last_reflection_ns < ALARM_NS;
}

BySegment Circuits::by_segment() const {
    BySegment out;
    for (const auto& [id, state] : by_id_)
        if (planned_.contains(id)) out[state.segment].push_back(id);
    return out;
}

const CircuitState* Circuits::find(std::uint32_t id) const {
    const auto found = by_id_.find(id);
    return found == by_id_.end() ? nullptr : &found->second;
}

const CircuitState* Circuits::find(const std::string& name) const {
    for (const auto& [id, state] : by_id_)
        if (state.name == name) return &state;
    return nullptr;
}

bool Circuits::any_elected() const {
    return std::ranges::any_of(by_id_, [](const auto& entry) { return entry.second.row.flags & CIRCUIT_ELECTED; });
}

}  // namespace weft

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

circuit row_of(const CircuitPlan& plan, const CircuitState& state, std::uint16_t segment, const Devices& devices) {
    circuit row{};
    row.segment = segment;
    row.account = state.row.account;
    row.flags = static_cast<std::uint16_t>(CIRCUIT_IN_USE | plan.flags);
    row.vid = plan.flags & CIRCUIT_KEEP_TAG ? 0 : plan.vlans.front().first;
    row.protocol = htons(static_cast<std::uint16_t>(plan.tag_protocol));
    row.lease = plan.lease;
    row.receiver = served(devices, plan.receiver);
    for (std::size_t share = 0; share < plan.shares.size(); ++share)
        row.uplinks[share] = served(devices, plan.shares[share]);
    const bool was = state.row.flags & CIRCUIT_DESIGNATED, is = row.flags & CIRCUIT_DESIGNATED;
    row.since_ns = was && is ? state.row.since_ns : is ? monotonic_ns() : 0;
    return row;
}

}  // namespace

std::string circuit_name(const Bridge& bridge) { return BridgeName{bridge.interface, bridge.vlan}.text(); }

std::vector<CircuitPlan> plan_bridges(const Document& wanted) {
    std::vector<CircuitPlan> plans;
    for (const Bridge& bridge : wanted.bridges) {
        CircuitPlan plan;
        plan.name = circuit_name(bridge);
        plan.segment = bridge.segment;
        plan.vlans = {{bridge.vlan, bridge.vlan}};
        plan.tag_protocol = bridge.tag_protocol;
        plan.flags = flags_of(bridge);
        plan.lease = bridge.is_elected() ? bridge.virtual_router_id : 0;
        plan.nics = {bridge.interface};
        plan.shares.fill(bridge.interface);
        plans.push_back(std::move(plan));
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
                     Problems& problems) {
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
        if (problems.check(write_row(**state, row_of(plan, **state, index, devices)), "VLAN " + plan.name))
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

bool Circuits::is_designated(const CircuitState& circuit) const {
    const ::circuit& row = circuit.row;
    if (!(row.flags & CIRCUIT_ELECTED)) return (row.flags & CIRCUIT_DESIGNATED) != 0;
    const auto lease = tables_->leases.find(row.lease);
    return lease && *lease && lease_holds(&**lease, monotonic_ns());
}

Circuits::Turned Circuits::look_for_turns() {
    Turned turned;
    for (auto& [id, state] : by_id_) {
        const bool now = is_designated(state);
        if (now != state.designated) (now ? turned.began : turned.ended).push_back(id);
        state.designated = now;
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

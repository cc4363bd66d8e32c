// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include "segments.hpp"

#include <algorithm>

#include "acls.hpp"
#include "mtu.hpp"
#include "name_hash.hpp"

namespace weft {

namespace {

constexpr auto BANK_REST = std::chrono::seconds(2);  // far longer than a frame is inside a program

bool same(const ::segment& a, const ::segment& b) { return std::memcmp(&a, &b, sizeof a) == 0; }

bool has_guarded_port(const Document& wanted, const Segment& segment) {
    return !wanted.acls.empty() && std::ranges::any_of(wanted.ports, [&](const Port& port) {
        return port.segment == segment.name && is_guarded(wanted, port);
    });
}

std::uint16_t flags_of(const Segment& segment, const Document& wanted) {
    std::uint16_t flags = SEGMENT_IN_USE;
    if (segment.encapsulation == Encapsulation::Nvgre) flags |= SEGMENT_NVGRE;
    for (const PortGroup& group : wanted.port_groups) {
        if (group.segment != segment.name) continue;
        if (group.accept_promiscuous) flags |= SEGMENT_MIRRORED;
        if (segment.vni == 0 && !group.trunk.empty()) flags |= SEGMENT_KEEP_TAGS;
    }
    if (segment.learning) flags |= SEGMENT_LEARNING;
    if (segment.drop_unknown_unicast) flags |= SEGMENT_DROP_UNKNOWN;
    if (segment.keep_inner_tags) flags |= SEGMENT_KEEP_TAGS;
    if (segment.arp == ArpMode::Suppress || segment.arp == ArpMode::Strict) flags |= SEGMENT_ARP_SUPPRESS;
    if (segment.arp == ArpMode::Strict) flags |= SEGMENT_ARP_STRICT;
    if (has_guarded_port(wanted, segment)) flags |= SEGMENT_RULES;
    return flags;
}

// What `vnis` has for a segment: no packet asks for a number above 24 bits.
std::uint32_t key_of(const Segment& segment) {
    return segment.vni ? network_of(segment) : NO_VNI | (name_hash(segment.name) & (NO_VNI - 1));
}

remote_key key_of(std::uint32_t index, const Ip& address) { return {index, address.raw()}; }

}  // namespace

Result<> Segments::adopt() {
    TRY(const auto vnis, tables_->vnis.rows());
    for (const auto& [vni, index] : vnis) {
        TRY(const auto row, tables_->segments.find(index));
        if (!row || !(row->flags & SEGMENT_IN_USE) || row->vni != vni) {
            TRY_OK(tables_->vnis.erase(vni));
            continue;
        }
        accounts_->adopt(row->account);
        SegmentState state;
        state.index = index;
        state.row = *row;
        by_key_[vni] = std::move(state);
        published_.insert(vni);
    }
    // A daemon that died between the row and its VNI left a row that nobody finds.
    for (std::uint32_t index = 1; index < MAX_SEGMENTS; ++index) {
        if (find(index)) continue;
        TRY(const auto row, tables_->segments.find(index));
        if (row && row->flags != 0) TRY_OK(tables_->segments.put(index, ::segment{}));
    }
    TRY_OK(adopt_floods());
    TRY(const auto remotes, tables_->remotes.rows());
    for (const auto& [key, value] : remotes) accepted_[{key.segment, Ip::of(key.address)}] = value.nexthop;
    return Ok{};
}

Result<> Segments::adopt_floods() {
    std::map<std::uint32_t, SegmentState*> by_index;
    for (auto& [key, state] : by_key_) {
        by_index[state.index] = &state;
        state.slots.assign(state.row.flood_ports + state.row.flood_circuits + state.row.flood_remotes, 0);
    }
    TRY(const auto rows, tables_->floods.rows());
    for (const auto& [key, value] : rows) {
        const auto found = by_index.find(key.segment);
        if (found == by_index.end()) {
            TRY_OK(tables_->floods.erase(key));
            continue;
        }
        SegmentState& state = *found->second;
        if (key.bank != state.row.flood_bank)
            state.idle_slots = std::max(state.idle_slots, key.slot + 1);
        else if (key.slot < state.slots.size())
            state.slots[key.slot] = value;
    }
    return Ok{};
}

std::uint32_t Segments::free_index() const {
    std::set<std::uint32_t> used;
    for (const auto& [key, state] : by_key_) used.insert(state.index);
    for (std::uint32_t index = 1; index < MAX_SEGMENTS; ++index)
        if (!used.contains(index)) return index;
    return 0;
}

Result<SegmentState*> Segments::ensure(const Segment& segment) {
    const auto found = by_key_.find(key_of(segment));
    if (found != by_key_.end()) {
        const SegmentState& state = found->second;
        if (segment.vni == 0 && !state.name.empty() && state.name != segment.name && key_by_name_.contains(state.name))
            return fail(EEXIST, "its name and that of segment " + state.name + " make the same key: change one");
        return &found->second;
    }
    SegmentState state;
    state.index = free_index();
    if (state.index == 0) return fail(ENOSPC, "all " + std::to_string(MAX_SEGMENTS - 1) + " segments are used");
    TRY(state.row.account, accounts_->allocate());
    return &(by_key_[key_of(segment)] = std::move(state));
}

Result<> Segments::write_row(SegmentState& state, const ::segment& row) {
    if (same(state.row, row)) return Ok{};
    TRY_OK(tables_->segments.put(state.index, row));
    state.row = row;
    ++writes_;
    return Ok{};
}

void Segments::prepare(const Document& wanted, const Links& links, Problems& problems) {
    key_by_name_.clear();
    for (const Segment& segment : wanted.segments) {
        auto state = ensure(segment);
        if (!problems.check(state, "segment " + segment.name)) continue;
        (*state)->name = segment.name;
        key_by_name_[segment.name] = key_of(segment);
        ::segment row = (*state)->row;
        row.vni = key_of(segment);
        row.flags = flags_of(segment, wanted);
        if (!segment.routing_domain.empty()) row.flags |= (*state)->row.flags & SEGMENT_GATEWAY;
        row.mtu = effective_mtu(wanted, segment, links.all());
        problems.check(write_row(**state, row), "segment " + segment.name);
    }
}

Result<> Segments::open_gateway(std::uint32_t index) {
    for (auto& [key, state] : by_key_) {
        if (state.index != index) continue;
        ::segment row = state.row;
        row.flags |= SEGMENT_GATEWAY;
        return write_row(state, row);
    }
    return Ok{};
}

std::vector<std::uint32_t> Segments::flood_remotes(const Segment& segment, Problems& problems) {
    std::vector<std::uint32_t> ids;
    for (const Remote& remote : segment.remotes) {
        const auto id = nexthops_->acquire(remote.address, network_of(segment));
        if (problems.check(id, "segment " + segment.name + ", remote " + remote.address.text())) ids.push_back(*id);
    }
    return ids;
}

void Segments::publish(const Document& wanted, const BySegment& ports, const BySegment& circuits, Problems& problems) {
    for (const Segment& segment : wanted.segments) {
        const std::uint32_t key = key_of(segment);
        const auto found = by_key_.find(key);
        if (found == by_key_.end() || found->second.name != segment.name) continue;
        FloodList list{};
        const auto append = [&list](const std::vector<std::uint32_t>& more) {
            list.slots.insert(list.slots.end(), more.begin(), more.end());
            return static_cast<std::uint32_t>(more.size());
        };
        if (const auto here = ports.find(segment.name); here != ports.end()) list.ports = append(here->second);
        if (const auto here = circuits.find(segment.name); here != circuits.end()) list.circuits = append(here->second);
        list.remotes = append(flood_remotes(segment, problems));
        problems.check(write_list(found->second, list), "flood list of segment " + segment.name);
        if (published_.contains(key)) continue;
        if (!problems.check(tables_->vnis.put(key, found->second.index), "segment " + segment.name)) continue;
        published_.insert(key);
        ++writes_;
    }
}

Result<> Segments::write_list(SegmentState& state, const FloodList& list) {
    const auto& slots = list.slots;
    if (state.slots == slots && state.row.flood_ports == list.ports && state.row.flood_circuits == list.circuits)
        return Ok{};
    const std::uint16_t bank = state.row.flood_bank ? 0 : 1;
    std::vector<flood_key> keys;
    for (std::uint32_t slot = 0; slot < slots.size(); ++slot)
        keys.push_back({static_cast<__u16>(state.index), bank, slot});
    TRY_OK(tables_->floods.put_all(keys, slots));
    writes_ += slots.size();
    const auto count = static_cast<std::uint32_t>(slots.size());
    if (state.idle_slots > count) TRY_OK(erase_bank(state.index, bank, count, state.idle_slots));

    ::segment row = state.row;
    row.flood_bank = bank;
    row.flood_ports = list.ports;
    row.flood_circuits = list.circuits;
    row.flood_remotes = list.remotes;
    state.idle_slots = count;  // true if the switch fails
    TRY_OK(write_row(state, row));
    state.idle_slots = static_cast<std::uint32_t>(state.slots.size());
    state.slots = slots;
    state.switched = std::chrono::steady_clock::now();
    return Ok{};
}

Result<> Segments::erase_bank(std::uint32_t index, std::uint16_t bank, std::uint32_t from, std::uint32_t to) {
    for (std::uint32_t slot = from; slot < to; ++slot)
        TRY_OK(tables_->floods.erase({static_cast<__u16>(index), bank, slot}));
    return Ok{};
}

void Segments::tidy() {
    const auto now = std::chrono::steady_clock::now();
    for (auto& [key, state] : by_key_) {
        if (state.idle_slots == 0 || now - state.switched < BANK_REST) continue;
        const std::uint16_t idle = state.row.flood_bank ? 0 : 1;
        if (erase_bank(state.index, idle, 0, state.idle_slots)) state.idle_slots = 0;
    }
}

auto Segments::acceptable(const Document& wanted, const RemoteUses& uses, Problems& problems) -> Accepted {
    Accepted rows;
    const auto want = [&](const SegmentState& state, const Ip& address) {
        const auto id = nexthops_->acquire(address, state.row.vni);
        if (problems.check(id, "segment " + state.name + ", remote " + address.text()))
            rows[{state.index, address}] = *id;
    };
    for (const Segment& segment : wanted.segments)
        if (const SegmentState* state = find(segment.name))
            for (const Remote& remote : segment.remotes) want(*state, remote.address);
    for (const auto& [use, count] : uses) {
        const SegmentState* state = find(use.first);
        const NextHopInfo* hop = nexthops_->info(use.second);
        if (state && hop && !rows.contains({use.first, hop->remote})) want(*state, Ip(hop->remote));
    }
    return rows;
}

void Segments::accept(const Document& wanted, const RemoteUses& uses, const std::function<bool(std::uint32_t)>& keep,
                      Problems& problems) {
    const Accepted rows = acceptable(wanted, uses, problems);
    for (const auto& [key, id] : rows) {
        const auto old = accepted_.find(key);
        if (old != accepted_.end() && old->second == id) continue;
        if (!problems.check(tables_->remotes.put(key_of(key.first, key.second), {id}), "accept remotes")) continue;
        accepted_[key] = id;
        ++writes_;
    }
    std::erase_if(accepted_, [&](const auto& row) {
        if (rows.contains(row.first) || keep(row.second)) return false;
        ++writes_;
        return problems.check(tables_->remotes.erase(key_of(row.first.first, row.first.second)), "sweep remotes");
    });
}

Result<> Segments::remove(std::uint32_t key, const SegmentState& state) {
    TRY_OK(tables_->vnis.erase(key));
    TRY_OK(tables_->segments.put(state.index, ::segment{}));
    const auto slots = static_cast<std::uint32_t>(state.slots.size());
    const std::uint16_t idle = state.row.flood_bank ? 0 : 1;
    TRY_OK(erase_bank(state.index, state.row.flood_bank, 0, slots));
    TRY_OK(erase_bank(state.index, idle, 0, state.idle_slots));
    accounts_->release(state.row.account);
    ++writes_;
    return Ok{};
}

std::vector<std::uint32_t> Segments::sweep(const Document& wanted, Problems& problems) {
    std::set<std::uint32_t> keep;
    for (const Segment& segment : wanted.segments) keep.insert(key_of(segment));
    std::vector<std::uint32_t> gone;
    std::erase_if(by_key_, [&](const auto& entry) {
        if (keep.contains(entry.first)) return false;
        if (!problems.check(remove(entry.first, entry.second), "sweep segment " + entry.second.name)) return false;
        published_.erase(entry.first);
        gone.push_back(entry.second.index);
        return true;
    });
    return gone;
}

const SegmentState* Segments::find(const std::string& name) const {
    const auto key = key_by_name_.find(name);
    if (key == key_by_name_.end()) return nullptr;
    const auto found = by_key_.find(key->second);
    return found == by_key_.end() ? nullptr : &found->second;
}

const SegmentState* Segments::find(std::uint32_t index) const {
    for (const auto& [key, state] : by_key_)
        if (state.index == index) return &state;
    return nullptr;
}

void Segments::collect_nexthops(std::set<std::uint32_t>& used) const {
    for (const auto& [key, state] : by_key_)
        for (std::size_t slot = state.row.flood_ports + state.row.flood_circuits; slot < state.slots.size(); ++slot)
            used.insert(state.slots[slot]);
    for (const auto& [key, id] : accepted_) used.insert(id);
}

}  // namespace weft

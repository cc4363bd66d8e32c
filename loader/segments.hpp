// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Segments as the programs see them: an index by VNI or VSID (of a VLAN-backed one, by a number made of its name), the
// segment row, the flood list in two banks and the VTEPs that are accepted (`segments`, `vnis`, `floods`, `remotes`).
// Keeps what the kernel holds beside what is wanted and writes only the difference.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "accounts.hpp"
#include "links.hpp"
#include "model.hpp"
#include "nexthops.hpp"
#include "problems.hpp"
#include "result.hpp"
#include "tables.hpp"

namespace weft {

struct SegmentState {
    std::uint32_t index = 0;
    std::string name;
    ::segment row{};                   // as the kernel holds it
    std::vector<std::uint32_t> slots;  // the flood list in row.flood_bank
    std::uint32_t idle_slots = 0;      // rows still in the other bank
    std::chrono::steady_clock::time_point switched{};
};

// What frames to a remote of the segment carry: its own network, or one of the same encapsulation with another number.
inline std::uint32_t network_towards(const std::optional<std::uint32_t>& vni, const SegmentState& segment) {
    return vni ? *vni | (segment.row.vni & VSID) : segment.row.vni;
}

// (segment index, next-hop id) of static and evpn entries: their remotes are accepted as the flood list's are.
using RemoteUses = std::map<std::pair<std::uint32_t, std::uint32_t>, std::uint32_t>;
using BySegment = std::map<std::string, std::vector<std::uint32_t>>;  // ifindexes or circuit ids by name

class Segments {
public:
    Segments(Tables& tables, Accounts& accounts, NextHops& nexthops)
        : tables_(&tables), accounts_(&accounts), nexthops_(&nexthops) {}

    Result<> adopt();

    // Index, account and row of every wanted segment; a new one starts with an empty flood list and no VNI.
    void prepare(const Document& wanted, const Links& links, Problems& problems);
    // What guests send to the gateway is routed: once its rows are there. prepare() ends it where there is no gateway.
    Result<> open_gateway(std::uint32_t index);
    // Flood lists of the ports and circuits that are served, then the VNI.
    void publish(const Document& wanted, const BySegment& ports, const BySegment& circuits, Problems& problems);
    // The remotes of flood lists and `uses`; a row that is neither goes unless keep takes its next hop.
    void accept(const Document& wanted, const RemoteUses& uses, const std::function<bool(std::uint32_t)>& keep,
                Problems& problems);
    // Learning wrote this row of `remotes` (vtep.accept any): accept() takes it away when nothing keeps it.
    void note_accepted(std::uint32_t index, const Ip& address, std::uint32_t nexthop) {
        accepted_[{index, address}] = nexthop;
    }
    // Takes away what is not wanted; gives the indices that went.
    std::vector<std::uint32_t> sweep(const Document& wanted, Problems& problems);
    // Rows of banks that no frame reads any more.
    void tidy();

    const SegmentState* find(const std::string& name) const;
    const SegmentState* find(std::uint32_t index) const;
    // By VNI, or what stands in its place (NO_VNI).
    const std::map<std::uint32_t, SegmentState>& by_key() const { return by_key_; }
    void collect_nexthops(std::set<std::uint32_t>& used) const;
    std::uint64_t writes() const { return writes_; }

private:
    using Accepted = std::map<std::pair<std::uint32_t, Ip>, std::uint32_t>;  // (segment index, address) -> next hop
    Accepted acceptable(const Document& wanted, const RemoteUses& uses, Problems& problems);
    Result<SegmentState*> ensure(const Segment& segment);
    std::uint32_t free_index() const;
    Result<> adopt_floods();
    Result<> write_row(SegmentState& state, const ::segment& row);
    struct FloodList {
        std::vector<std::uint32_t> slots;
        std::uint32_t ports, circuits, remotes;
    };
    Result<> write_list(SegmentState& state, const FloodList& list);
    Result<> erase_bank(std::uint32_t index, std::uint16_t bank, std::uint32_t from, std::uint32_t to);
    std::vector<std::uint32_t> flood_remotes(const Segment& segment, Problems& problems);
    Result<> remove(std::uint32_t key, const SegmentState& state);

    Tables* tables_;
    Accounts* accounts_;
    NextHops* nexthops_;
    std::map<std::uint32_t, SegmentState> by_key_;
    std::map<std::string, std::uint32_t> key_by_name_;
    std::set<std::uint32_t> published_;  // keys with a row in `vnis`
    Accepted accepted_;                  // rows of `remotes`
    std::uint64_t writes_ = 0;
};

}  // namespace weft

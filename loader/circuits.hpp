// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Circuits as the programs see them: the VLANs of NICs that belong to segments, from the document's bridges and the
// port groups of VLAN-backed segments (`circuits`, `vlans`). Keeps what the kernel holds beside what is wanted and
// writes only the difference. Whether an elected bridge is designated is the datapath's to say (`leases`).
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "accounts.hpp"
#include "devices.hpp"
#include "model.hpp"
#include "problems.hpp"
#include "result.hpp"
#include "segments.hpp"
#include "tables.hpp"
#include "teams.hpp"

namespace weft {

// One wanted circuit, in names.
struct CircuitPlan {
    std::string name;  // for people: "eth1:100", "dvs0:20"
    std::string segment;
    std::vector<VlanRange> vlans;  // tags it is heard by; {0, 0}: untagged
    TagProtocol tag_protocol = TagProtocol::Dot1q;
    std::uint16_t flags = 0;  // CIRCUIT_*
    std::uint16_t lease = 0, priority = 0;
    std::vector<std::string> nics;  // where it is heard
    std::string team;               // which of them it speaks by; empty: there is one
};
std::string circuit_name(const Bridge& bridge);
// Of the document's bridges, and of its VLAN-backed segments: one each, whatever the number of their port groups.
std::vector<CircuitPlan> plan_circuits(const Document& wanted);

struct CircuitState {
    std::uint32_t id = 0;
    std::string name, segment;
    circuit row{};                         // as the kernel holds it
    bool designated = false;               // when last looked at
    bool outranked = false;                // the same
    std::uint64_t last_reflection_ns = 0;  // CLOCK_MONOTONIC, 0: none yet
};

class Circuits {
public:
    Circuits(Tables& tables, Accounts& accounts) : tables_(&tables), accounts_(&accounts) {}

    Result<> adopt();

    // Rows of every plan whose segment and NICs are there. Call after Devices::serve and Segments::prepare.
    void serve(const std::vector<CircuitPlan>& plans, const Devices& devices, const Segments& segments,
               const Teams& teams, Problems& problems);
    // Takes away what is not planned; gives the ids that went.
    std::vector<std::uint32_t> sweep(Problems& problems);
    // Ids whose designation began or ended since the last call; what was learned by the latter is no longer so.
    struct Turned {
        std::vector<std::uint32_t> began, ended, outranked;
    };
    Turned look_for_turns();

    // A frame of this side came back by the VLAN, or one of the VLAN by a remote: two hosts bridge, or there is a loop.
    void note_reflection(std::uint32_t id, const Mac& mac, const std::string& where);
    static bool alarmed(const CircuitState& circuit);  // in the last ten seconds
    // The bridge that comes before this one, if one was heard a moment ago.
    std::optional<Ip> rival(const CircuitState& circuit) const;

    BySegment by_segment() const;
    const CircuitState* find(std::uint32_t id) const;
    const CircuitState* find(const std::string& name) const;
    const std::map<std::uint32_t, CircuitState>& all() const { return by_id_; }
    bool any_elected() const;
    bool is_designated(const CircuitState& circuit) const;  // now, as the programs see it
    std::uint64_t writes() const { return writes_; }

private:
    struct KeyLess {
        bool operator()(const vlan_key& a, const vlan_key& b) const {
            return std::tie(a.ifindex, a.vid, a.protocol) < std::tie(b.ifindex, b.vid, b.protocol);
        }
    };
    using Keys = std::set<vlan_key, KeyLess>;

    static Keys keys_of(const CircuitPlan& plan, const Devices& devices);
    Result<CircuitState*> ensure(const Keys& keys, std::uint16_t segment);
    std::uint32_t free_id() const;
    Result<> write_row(CircuitState& state, const circuit& row);
    Result<> write_keys(const Keys& keys, std::uint32_t id);

    Tables* tables_;
    Accounts* accounts_;
    std::map<std::uint32_t, CircuitState> by_id_;
    std::map<vlan_key, std::uint32_t, KeyLess> vlans_;  // as the kernel holds them
    Keys planned_keys_;
    std::set<std::uint32_t> planned_;
    std::uint64_t writes_ = 0;
};

}  // namespace weft

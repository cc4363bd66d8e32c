// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Teams as the programs see them: which NIC of a switch takes which share (`teams`), a row for each TeamPlan. Failover
// decides in names; here names become ifindexes of NICs that are served. A NIC that fails is one write a team, whatever
// is behind it, so follow() comes before everything else that a link's news may cause.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "clock.hpp"
#include "failover.hpp"
#include "links.hpp"
#include "model.hpp"
#include "problems.hpp"
#include "result.hpp"
#include "tables.hpp"

namespace weft {

class Devices;

// Shares that left a NIC for another: what the physical switches must hear of. Ifindexes by share, 0: nobody's.
struct TeamMove {
    std::string team;
    TeamPolicy policy = TeamPolicy::Port;
    bool notify_switches = true;
    std::array<std::uint32_t, TEAM_SLOTS> from{}, to{};

    // The share of a guest's MAC behind a port, as the programs choose it. By flow it has many: one stands for all.
    static std::uint32_t share(TeamPolicy policy, const Mac& mac, std::uint32_t port);
    bool moved(const Mac& mac, std::uint32_t port) const;
};

// A NIC of a switch: with our programs on it, else `ifindex` is 0 and its health says why.
struct Nic {
    std::uint32_t ifindex = 0;
    Health health = Health::Absent;
    bool operator==(const Nic&) const = default;
};
using Nics = std::map<std::string, Nic>;

class Teams {
public:
    explicit Teams(Tables& tables) : tables_(&tables) {}

    // Reads the pinned rows: each is its team's again, and what has not changed is not written.
    Result<> adopt();

    // A number for each team's row, which circuits and policies name. Call before these are written.
    void prepare(const std::vector<TeamPlan>& plans, Problems& problems);
    // The rows, of NICs that are served. Call after Devices::serve.
    void serve(const Links& links, const Devices& devices, Problems& problems);
    void serve(const Nics& nics, Problems& problems, std::uint64_t now_ns);
    // Takes away rows of teams that are not wanted. Call after circuits and policies were written.
    void sweep(Problems& problems);

    // At every news of a link, and often besides: delays end.
    Result<> follow(const Links& links, std::uint64_t now_ns = monotonic_ns());
    Result<> follow(const Nics& nics, std::uint64_t now_ns);
    // Uplinks that beacons say are cut off; heeded by teams with detection "beacon" at the next follow().
    void note_lost(const std::set<std::string>& lost);
    // The configuration was applied anew: what is up carries again.
    void take_back();
    // Since the last call. What a new team starts with is no move.
    std::vector<TeamMove> take_moves() { return std::exchange(moves_, {}); }

    std::uint16_t row(const std::string& name) const;  // 0: there is no such team
    const Failover* find(const std::string& name) const;
    std::vector<TeamPlan> plans() const;  // that are served
    const Nics& nics() const { return nics_; }
    std::uint64_t writes() const { return writes_; }

private:
    struct State {
        std::uint16_t id = 0;
        ::team row{};            // as the kernel holds it
        bool placed = false;     // it is a row of the team's already
        bool inherited = false;  // from the daemon before, and not taken over yet
        Failover failover;
    };
    struct Adopted {
        std::uint16_t id = 0;
        ::team row{};
    };

    void look(const Nics& nics);
    Result<> ensure(const TeamPlan& plan);
    Result<std::uint16_t> free_id() const;
    void adopt_shares(Failover& failover, const ::team& row) const;
    Result<> follow_team(State& state, std::uint64_t now_ns);
    ::team row_of(const State& state, std::uint64_t now_ns) const;
    std::uint16_t moved_in(const State& state, const ::team& row) const;
    std::uint32_t ifindex_of(const std::string& name) const;
    void complain(Problems& problems) const;

    Tables* tables_;
    std::map<std::string, State> by_name_;
    std::map<std::uint32_t, Adopted> adopted_;  // by name_hash: rows of the daemon before, until somebody is it
    Nics nics_;                                 // of all switches
    HealthMap links_, beacons_;                 // of the same: by link alone, and with what beacons say
    std::set<std::string> lost_;
    std::set<std::string> planned_;
    std::vector<TeamMove> moves_;
    bool again_ = false;   // something besides the links changed
    bool served_ = false;  // once at least
    std::uint64_t writes_ = 0;
};

}  // namespace weft

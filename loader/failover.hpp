// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Which NIC of a team takes which of its shares. Health and time come in, names go out; no kernel and no clock here.
//
// Share i is at home on active[i % n], and comes back there. A NIC that fails gives its shares, and only those, to a
// standby of its own, else to the others in turn. One that is back waits for the delay (failback), or takes nothing
// until it is needed (no failback). "explicit" gives all shares to one NIC, the first in order.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "abi.h"
#include "team_plan.hpp"

namespace weft {

enum class Health { Up, Absent, NotServed, Down, NoCarrier, NoBeacon };
const char* reason(Health health);  // "has no carrier"; empty for Up

// By interface. One that is not in it is Absent.
using HealthMap = std::map<std::string, Health, std::less<>>;

class Failover {
public:
    using Shares = std::array<std::string, TEAM_SLOTS>;  // empty: nobody's

    // Until the first follow() nothing was up before: what is up then is taken at once.
    explicit Failover(TeamPlan plan);
    // The shares of the daemon before stay where they are; a NIC that has none has just come up.
    void adopt(const Shares& shares, const std::string& receiver);
    // What is up carries again at once: the configuration was applied anew.
    void take_back();

    void follow(const HealthMap& health, std::uint64_t now_ns);

    const TeamPlan& plan() const { return plan_; }
    const Shares& shares() const { return shares_; }
    const std::string& receiver() const { return receiver_; }  // empty: none is up
    bool is_waiting() const;                                   // for time to pass

    // "active" carries shares, "standby" is up, "waiting" is up for less than the delay, "down"; "unused" has no place.
    struct View {
        std::string interface;
        const char* state;
        std::string why;  // of waiting and down
        unsigned shares;
    };
    std::vector<View> view(std::uint64_t now_ns) const;  // of each uplink of the switch

private:
    struct Member {
        Health health = Health::Absent;
        bool ready = false;             // has its place in the order
        std::uint64_t up_since_ns = 0;  // 0: it is not
        bool operator==(const Member&) const = default;
    };
    using Names = std::vector<std::string>;

    void follow_member(Member& member, Health health, std::uint64_t now_ns);
    void use_what_there_is();
    bool is_up(const std::string& name) const;
    bool may_carry(const std::string& name) const;
    bool stays(const std::string& name) const { return !plan_.failback && may_carry(name); }
    std::string first() const;
    std::string any_up() const;
    void share_out();
    void choose_substitutes();
    bool takes_over(const std::string& standby) const;
    bool is_carrier(const std::string& name) const;
    unsigned load(const std::string& name) const;
    std::string least_loaded() const;
    std::uint64_t delay_ns() const { return plan_.failback_delay_seconds * std::uint64_t{1'000'000'000}; }

    TeamPlan plan_;
    Names order_;  // active, then standby
    bool fresh_ = true;
    std::map<std::string, Member> members_;           // of order_
    std::map<std::string, std::string> substitutes_;  // of a failed active NIC: its standby
    Shares shares_;
    std::string receiver_;
};

}  // namespace weft

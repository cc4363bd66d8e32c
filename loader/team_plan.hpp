// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Teams as the document wants them: a switch's, and one for each port group that says something over it. Names only;
// failover decides which NIC takes what, teams.cpp makes rows of it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "model.hpp"

namespace weft {

struct TeamPlan {
    std::string name;  // "dvs0"; of a port group that overrides something: "dvs0/web"
    std::string switch_name;
    std::vector<std::string> uplinks;          // the switch's
    std::vector<std::string> active, standby;  // of these, in order; one that is in neither is not used
    TeamPolicy policy = TeamPolicy::Port;
    Detection detection = Detection::Link;
    bool failback = true, notify_switches = true;
    std::uint32_t failback_delay_seconds = 5;
    bool operator==(const TeamPlan&) const = default;
};

// Of every switch, then of the port groups on VLAN-backed segments: an overlay's leave by the underlay.
std::vector<TeamPlan> plan_teams(const Document& wanted);

// The team that holds for a group: its own, or the switch's.
std::string team_name(const PortGroup& group);

// Its frames leave by the switch's uplinks, on a VLAN, and not by a tunnel.
bool is_vlan_backed(const Document& wanted, const PortGroup& group);

}  // namespace weft

// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include "team_plan.hpp"

#include <algorithm>

namespace weft {

namespace {

using Names = std::vector<std::string>;

bool contains(const Names& names, const std::string& name) { return std::ranges::find(names, name) != names.end(); }

Names without(Names names, const Names& others) {
    std::erase_if(names, [&](const std::string& name) { return contains(others, name); });
    return names;
}

// What the team sets holds over what the plan has; the lists of uplinks are the caller's.
void override_rules(TeamPlan& plan, const Team& team) {
    plan.policy = team.policy.value_or(plan.policy);
    plan.detection = team.detection.value_or(plan.detection);
    plan.failback = team.failback.value_or(plan.failback);
    plan.notify_switches = team.notify_switches.value_or(plan.notify_switches);
    plan.failback_delay_seconds = team.failback_delay_seconds.value_or(plan.failback_delay_seconds);
}

TeamPlan plan_of(const Switch& one) {
    const Team& team = one.team;
    TeamPlan plan;
    plan.name = plan.switch_name = one.name;
    plan.uplinks = team.uplinks;
    plan.standby = team.standby.value_or(Names{});
    plan.active = team.active ? *team.active : without(team.uplinks, plan.standby);
    override_rules(plan, team);
    return plan;
}

// An uplink that the group's own list names is not in the switch's other list any more.
TeamPlan plan_of(const PortGroup& group, TeamPlan plan) {
    const Team& team = group.team;
    plan.name = team_name(group);
    if (team.standby) plan.standby = *team.standby;
    if (team.active)
        plan.active = *team.active;
    else
        plan.active = without(plan.active, plan.standby);
    plan.standby = without(plan.standby, plan.active);
    override_rules(plan, team);
    return plan;
}

}  // namespace

bool is_vlan_backed(const Document& wanted, const PortGroup& group) {
    const auto segment = std::ranges::find(wanted.segments, group.segment, &Segment::name);
    return segment != wanted.segments.end() && segment->vni == 0;
}

std::string team_name(const PortGroup& group) {
    return group.team == Team{} ? group.switch_name : group.switch_name + "/" + group.name;
}

std::vector<TeamPlan> plan_teams(const Document& wanted) {
    std::vector<TeamPlan> plans;
    for (const Switch& one : wanted.switches) plans.push_back(plan_of(one));
    for (const PortGroup& group : wanted.port_groups) {
        const auto on = std::ranges::find(wanted.switches, group.switch_name, &Switch::name);
        if (on == wanted.switches.end() || group.team == Team{} || !is_vlan_backed(wanted, group)) continue;
        plans.push_back(plan_of(group, plan_of(*on)));
    }
    return plans;
}

}  // namespace weft

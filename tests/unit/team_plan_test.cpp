// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// The teams that a document wants, and which holds for a port group.
#include "team_plan.hpp"

#include <gtest/gtest.h>

namespace weft {
namespace {

Document with_group(Team of_switch, Team of_group) {
    Document out;
    of_switch.uplinks = {"eth1", "eth2", "eth3"};
    out.segments.resize(2);
    out.segments[0].name = "lan";
    out.segments[1].name = "blue";
    out.segments[1].vni = 5001;
    out.switches = {{.name = "dvs0", .team = std::move(of_switch)}};
    PortGroup& group = out.port_groups.emplace_back();
    group.name = "web";
    group.switch_name = "dvs0";
    group.segment = "lan";
    group.team = std::move(of_group);
    return out;
}

TeamPlan own_plan(const Document& document) {
    const auto plans = plan_teams(document);
    EXPECT_EQ(plans.size(), 2u);
    EXPECT_EQ(plans.back().name, "dvs0/web");
    EXPECT_EQ(team_name(document.port_groups[0]), "dvs0/web");
    return plans.back();
}

using Names = std::vector<std::string>;

TEST(TeamPlans, OfASwitchTakeAllThatStandbyDoesNotName) {
    const auto plans = plan_teams(with_group({.standby = Names{"eth2"}}, {}));
    ASSERT_EQ(plans.size(), 1u);
    EXPECT_EQ(plans[0].name, "dvs0");
    EXPECT_EQ(plans[0].active, (Names{"eth1", "eth3"}));
    EXPECT_EQ(plans[0].standby, Names{"eth2"});
    EXPECT_EQ(plans[0].policy, TeamPolicy::Port);
    EXPECT_TRUE(plans[0].failback);
    EXPECT_EQ(plans[0].failback_delay_seconds, 5u);
}

TEST(TeamPlans, OfAGroupThatSaysNothingIsTheSwitchs) {
    const Document document = with_group({}, {});
    EXPECT_EQ(team_name(document.port_groups[0]), "dvs0");
    EXPECT_EQ(plan_teams(document).size(), 1u);
}

TEST(TeamPlans, OfAGroupKeepWhatItDoesNotOverride) {
    const Team of_switch{.policy = TeamPolicy::SourceMac, .failback = false, .failback_delay_seconds = 9};
    const TeamPlan plan = own_plan(with_group(of_switch, {.detection = Detection::Beacon}));
    EXPECT_EQ(plan.policy, TeamPolicy::SourceMac);
    EXPECT_EQ(plan.detection, Detection::Beacon);
    EXPECT_FALSE(plan.failback);
    EXPECT_EQ(plan.failback_delay_seconds, 9u);
    EXPECT_EQ(plan.active, (Names{"eth1", "eth2", "eth3"}));
}

TEST(TeamPlans, OfAGroupTakeItsUplinksFromTheSwitchsOtherList) {
    const Team of_switch{.active = Names{"eth1"}, .standby = Names{"eth2", "eth3"}};
    TeamPlan plan = own_plan(with_group(of_switch, {.active = Names{"eth2"}}));
    EXPECT_EQ(plan.active, Names{"eth2"});
    EXPECT_EQ(plan.standby, Names{"eth3"});
    plan = own_plan(with_group(of_switch, {.standby = Names{"eth1"}}));
    EXPECT_EQ(plan.active, Names{});
    EXPECT_EQ(plan.standby, Names{"eth1"});
    plan = own_plan(with_group({}, {.standby = Names{"eth3"}}));
    EXPECT_EQ(plan.active, (Names{"eth1", "eth2"}));
}

TEST(TeamPlans, OfAGroupOnAnOverlayAreNone) {
    Document document = with_group({}, {.policy = TeamPolicy::Explicit});
    document.port_groups[0].segment = "blue";
    EXPECT_EQ(plan_teams(document).size(), 1u);
}

}  // namespace
}  // namespace weft

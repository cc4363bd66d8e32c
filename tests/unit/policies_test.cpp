// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// struct policy of a port group, and the circuits of a document.
#include "policies.hpp"

#include <gtest/gtest.h>

#include "circuits.hpp"

namespace weft {
namespace {

TEST(PolicyOf, RejectsByDefaultAndLimitsNothing) {
    const policy out = policy_of(PortGroup{.name = "web"}, false);
    EXPECT_EQ(out.flags, POLICY_IN_USE | POLICY_ONE_MAC | POLICY_FIXED_MAC);
    EXPECT_EQ(out.from_port.average_cost | out.from_port.peak_cost | out.to_port.average_cost, 0u);
    EXPECT_EQ(out.storm_ns[STORM_BROADCAST] | out.storm_ns[STORM_MULTICAST] | out.storm_ns[STORM_UNKNOWN], 0u);
}

TEST(PolicyOf, CountsTimeByTheByte) {
    PortGroup group{.name = "web"};
    group.from_port = {.average_kbps = 100'000, .peak_kbps = 200'000, .burst_kbytes = 512, .delay = false};
    group.to_port = {.average_kbps = 8, .peak_kbps = {}, .burst_kbytes = {}, .delay = false};
    const policy out = policy_of(group, false);
    EXPECT_EQ(out.from_port.average_cost, 80u << 16) << "100 Mbit/s is a byte in 80 ns";
    EXPECT_EQ(out.from_port.peak_cost, 40u << 16);
    EXPECT_EQ(out.from_port.burst_ns, 512'000u * 80);
    EXPECT_EQ(out.to_port.average_cost, 1'000'000ull << 16) << "8 kbit/s is a byte in a millisecond";
    EXPECT_EQ(out.to_port.burst_ns, 250'000'000u) << "a quarter of a second's";
}

TEST(PolicyOf, DelaysForSixtyFourFullFramesWithinBounds) {
    PortGroup group{.name = "web"};
    group.from_port = {.average_kbps = 100'000, .peak_kbps = {}, .burst_kbytes = {}, .delay = true};
    group.to_port = {.average_kbps = 100, .peak_kbps = {}, .burst_kbytes = 5, .delay = true};
    policy out = policy_of(group, false);
    EXPECT_EQ(out.from_port.delay_ns, 64u * 1538 * 80);
    EXPECT_EQ(out.from_port.burst_ns, 10'000'000u) << "no TCP timeout has to be bridged";
    EXPECT_EQ(out.to_port.delay_ns, 250'000'000u) << "no longer, however slow";
    EXPECT_EQ(out.to_port.burst_ns, 5'000u * 80'000) << "what is asked for";
    group.from_port.average_kbps = 100'000'000;
    group.to_port.delay = false;
    out = policy_of(group, false);
    EXPECT_EQ(out.from_port.delay_ns, 2'000'000u);
    EXPECT_EQ(out.to_port.delay_ns, 0u);
}

TEST(PolicyOf, StormsHaveABurstOfATenthOfASecond) {
    PortGroup group{.name = "web"};
    group.broadcast_pps = 1000;
    group.unknown_unicast_pps = 5;
    const policy out = policy_of(group, false);
    EXPECT_EQ(out.storm_ns[STORM_BROADCAST], 1'000'000u);
    EXPECT_EQ(out.storm_burst[STORM_BROADCAST], 100u);
    EXPECT_EQ(out.storm_ns[STORM_MULTICAST], 0u);
    EXPECT_EQ(out.storm_burst[STORM_UNKNOWN], 1u);
}

TEST(PolicyOf, ATrunkIsABitForEachVlan) {
    PortGroup group{.name = "web"};
    group.trunk = {{63, 64}, {4094, 4094}};
    const policy out = policy_of(group, false);
    EXPECT_EQ(out.flags & (POLICY_TRUNK | POLICY_NO_UNTAGGED), POLICY_TRUNK | POLICY_NO_UNTAGGED);
    EXPECT_EQ(out.trunk[0], 1ull << 63);
    EXPECT_EQ(out.trunk[1], 1ull);
    EXPECT_EQ(out.trunk[63], 1ull << 62);
    EXPECT_FALSE(policy_of(group, true).flags & POLICY_NO_UNTAGGED) << "an overlay's guests may be untagged";
    group.vlan = 10;
    EXPECT_FALSE(policy_of(group, false).flags & POLICY_NO_UNTAGGED) << "its own VLAN is untagged inside";
}

Document on_a_switch(std::vector<PortGroup> groups) {
    Document document;
    document.switches = {{.name = "dvs0", .team = {.uplinks = {"eth2", "eth3"}}}};
    document.segments = {{.name = "lan"}, {.name = "blue", .vni = 5001}};
    document.port_groups = std::move(groups);
    for (PortGroup& group : document.port_groups) group.switch_name = "dvs0";
    return document;
}

TEST(PlanCircuits, AVlanBackedSegmentIsOneWhateverItsGroups) {
    const auto plans = plan_circuits(on_a_switch({{.name = "a", .segment = "lan", .vlan = 10},
                                                  {.name = "b", .segment = "lan", .vlan = 10, .trunk = {{100, 199}}},
                                                  {.name = "c", .segment = "blue", .vlan = 7}}));
    ASSERT_EQ(plans.size(), 1u);
    EXPECT_EQ(plans[0].name, "dvs0:10");
    EXPECT_EQ(plans[0].team, "dvs0");
    EXPECT_EQ(plans[0].flags, CIRCUIT_DESIGNATED | CIRCUIT_TRUNK);
    EXPECT_EQ(plans[0].vlans, (std::vector<VlanRange>{{10, 10}, {100, 199}}));
}

TEST(PlanCircuits, ATrunkWithoutAVlanOfItsOwnTakesNothingUntagged) {
    const auto plans = plan_circuits(on_a_switch({{.name = "a", .segment = "lan", .trunk = {{100, 199}}}}));
    ASSERT_EQ(plans.size(), 1u);
    EXPECT_EQ(plans[0].flags, CIRCUIT_DESIGNATED | CIRCUIT_TRUNK | CIRCUIT_NO_UNTAGGED);
    EXPECT_EQ(plans[0].vlans, (std::vector<VlanRange>{{100, 199}}));
}

TEST(PlanCircuits, AGroupWithoutVlanIsUntagged) {
    const auto plans = plan_circuits(on_a_switch({{.name = "a", .segment = "lan"}}));
    ASSERT_EQ(plans.size(), 1u);
    EXPECT_EQ(plans[0].vlans, (std::vector<VlanRange>{{0, 0}}));
}

}  // namespace
}  // namespace weft

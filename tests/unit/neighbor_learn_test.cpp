// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// What the learner makes of ARP and ND events.
#include "learning.hpp"

namespace weft {
namespace {

TEST_F(Learning, BindsAnAddressToItsMac) {
    for (const char* ip : {"198.51.100.1", "2001:db8::1", "fe80::1"}) {
        learner_->handle(neighbor_event(*Ip::parse(ip), GUEST, PORT_A));
        ASSERT_TRUE(binding(*Ip::parse(ip))) << ip;
        EXPECT_EQ(Mac::of(binding(*Ip::parse(ip))->mac), GUEST);
    }
    EXPECT_EQ(counters().neighbors_learned, 3u);
}

TEST_F(Learning, RebindsOnlyWhereTheMessageMayOverride) {
    learner_->handle(neighbor_event(ADDRESS, GUEST, PORT_A, false));
    ASSERT_TRUE(binding(ADDRESS)) << "nothing to override";
    learner_->handle(neighbor_event(ADDRESS, OTHER, PORT_A, false));
    EXPECT_EQ(Mac::of(binding(ADDRESS)->mac), GUEST);
    learner_->handle(neighbor_event(ADDRESS, OTHER, PORT_A, true));
    EXPECT_EQ(Mac::of(binding(ADDRESS)->mac), OTHER);
    EXPECT_EQ(counters().neighbors_moved, 1u);
}

TEST_F(Learning, NeverRebindsAStaticNeighbor) {
    neighbor fixed{.mac = {}, .origin = ORIGIN_CONFIG};
    OTHER.copy_to(fixed.mac);
    ASSERT_TRUE(tables_->neighbors.put({BLUE, ADDRESS.raw()}, fixed));
    learner_->handle(neighbor_event(ADDRESS, GUEST, PORT_A));
    EXPECT_EQ(Mac::of(binding(ADDRESS)->mac), OTHER);
    EXPECT_EQ(counters().refused_static, 1u);
}

TEST_F(Learning, BoundsTheNeighborsOfASegment) {
    set_rules({.limit = 2});
    for (const char* ip : {"198.51.100.1", "198.51.100.2", "198.51.100.3"})
        learner_->handle(neighbor_event(*Ip::parse(ip), GUEST, PORT_A));
    EXPECT_EQ(learner_->learned_neighbors(BLUE), 2u);
    EXPECT_EQ(counters().refused_limit, 1u);
}

TEST_F(Learning, TakesTheBindingsOfAMacThatAgedOut) {
    learner_->handle(mac_event(GUEST, PORT_A));
    learner_->handle(mac_event(OTHER, PORT_A));
    now_s_ += 100;
    learner_->handle(neighbor_event(ADDRESS, GUEST, PORT_A));
    learner_->handle(neighbor_event(*Ip::parse("198.51.100.2"), OTHER, PORT_A));
    now_s_ += 200;
    stamp(OTHER, now_s_);
    ASSERT_TRUE(learner_->age(now_s_));
    EXPECT_FALSE(entry(GUEST));
    EXPECT_FALSE(binding(ADDRESS));
    EXPECT_TRUE(binding(*Ip::parse("198.51.100.2")));
    EXPECT_EQ(learner_->learned_neighbors(BLUE), 1u);
}

TEST_F(Learning, LeavesABindingTimeForItsMacToArrive) {
    learner_->handle(neighbor_event(ADDRESS, GUEST, PORT_A));
    ASSERT_TRUE(learner_->age(now_s_ + 1));
    EXPECT_TRUE(binding(ADDRESS));
    ASSERT_TRUE(learner_->age(now_s_ + 2));
    EXPECT_FALSE(binding(ADDRESS)) << "its MAC never came";
}

TEST_F(Learning, AgesABindingThatNobodyConfirmedThoughItsMacLives) {
    learner_->handle(mac_event(GUEST, PORT_A));
    learner_->handle(neighbor_event(ADDRESS, GUEST, PORT_A));
    now_s_ += 300;
    stamp(GUEST, now_s_);
    ASSERT_TRUE(learner_->age(now_s_));
    EXPECT_TRUE(entry(GUEST));
    EXPECT_FALSE(binding(ADDRESS));
}

}  // namespace
}  // namespace weft

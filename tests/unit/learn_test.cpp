// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// What the learner makes of MAC events, and what it forgets.
#include "learning.hpp"

namespace weft {
namespace {

TEST_F(Learning, PutsALocalSourceBehindItsPort) {
    learner_->handle(mac_event(GUEST, PORT_A));
    ASSERT_TRUE(entry(GUEST));
    EXPECT_EQ(entry(GUEST)->kind, FDB_PORT);
    EXPECT_EQ(entry(GUEST)->target, PORT_A);
    EXPECT_EQ(entry(GUEST)->origin, ORIGIN_DYNAMIC);
    EXPECT_EQ(entry(GUEST)->used_s, now_s_);
    EXPECT_EQ(learner_->learned(BLUE), 1u);
    EXPECT_EQ(counters().learned, 1u);
}

TEST_F(Learning, PutsARemoteSourceBehindItsVtepInTheSegmentsVni) {
    learner_->handle(mac_event(GUEST, VTEP_B));
    ASSERT_TRUE(entry(GUEST));
    EXPECT_EQ(entry(GUEST)->kind, FDB_REMOTE);
    EXPECT_EQ(entry(GUEST)->target, (hops_.at({VTEP_B, 5001})));
}

TEST_F(Learning, GivesAVtepThatWasUnknownItsRowOfRemotes) {
    learner_->handle(mac_event(GUEST, VTEP_B));
    const auto row = tables_->remotes.find({BLUE, VTEP_B.raw()}).value();
    ASSERT_TRUE(row);
    EXPECT_EQ(row->nexthop, entry(GUEST)->target);
    EXPECT_EQ(learner_->next_hops_used().at(row->nexthop), 1u);
}

TEST_F(Learning, KeepsOneMacInTwoSegmentsApart) {
    learner_->handle(mac_event(GUEST, PORT_A));
    learner_->handle(mac_event(GUEST, GREEN_PORT, GREEN));
    EXPECT_EQ(entry(GUEST)->target, PORT_A);
    EXPECT_EQ(entry(GUEST, GREEN)->target, GREEN_PORT);
    EXPECT_EQ(learner_->learned(BLUE), 1u);
    EXPECT_EQ(learner_->learned(GREEN), 1u);
}

TEST_F(Learning, IgnoresAPortThatLeftTheSegment) {
    learner_->handle(mac_event(GUEST, GREEN_PORT, BLUE));
    learner_->handle(mac_event(GUEST, 77, BLUE));
    EXPECT_FALSE(entry(GUEST));
}

TEST_F(Learning, IgnoresSegmentsThatDoNotLearn) {
    set_rules({.learning = false});
    learner_->handle(mac_event(GUEST, PORT_A));
    learner_->handle(neighbor_event(ADDRESS, GUEST, PORT_A));
    learner_->handle(mac_event(GUEST, PORT_A, 3));
    EXPECT_FALSE(entry(GUEST));
    EXPECT_FALSE(entry(GUEST, 3));
    EXPECT_FALSE(binding(ADDRESS));
}

TEST_F(Learning, IgnoresSourcesThatAreNoHost) {
    for (const char* mac : {"00:00:00:00:00:00", "ff:ff:ff:ff:ff:ff", "01:00:5e:00:00:01"}) {
        learner_->handle(mac_event(*Mac::parse(mac), PORT_A));
        EXPECT_FALSE(entry(*Mac::parse(mac))) << mac;
    }
    for (const char* ip : {"0.0.0.0", "255.255.255.255", "224.0.0.1", "127.0.0.1", "::", "ff02::1"}) {
        learner_->handle(neighbor_event(*Ip::parse(ip), GUEST, PORT_A));
        EXPECT_FALSE(binding(*Ip::parse(ip))) << ip;
    }
}

TEST_F(Learning, NeverTakesAnOwnMacFromATunnel) {
    learner_->handle(mac_event(OWN, VTEP_B));
    EXPECT_FALSE(entry(OWN));
    EXPECT_EQ(counters().refused_own_mac, 1u);
    EXPECT_TRUE(hops_.empty());
}

TEST_F(Learning, NeverOverwritesStaticEntriesNorEvpnOnesByWhatATunnelBrings) {
    std::uint64_t refused = 0;
    for (const std::uint8_t origin : {ORIGIN_CLI, ORIGIN_CONFIG, ORIGIN_EVPN}) {
        put_static(GUEST, PORT_A, origin);
        const bool by_ports_too = origin != ORIGIN_EVPN;
        if (by_ports_too) learner_->handle(mac_event(GUEST, PORT_B));
        learner_->handle(mac_event(GUEST, VTEP_B));
        EXPECT_EQ(entry(GUEST)->target, PORT_A);
        EXPECT_EQ(entry(GUEST)->origin, origin);
        EXPECT_EQ(counters().refused_static, refused += by_ports_too ? 2 : 1);
    }
    EXPECT_TRUE(hops_.empty()) << "a refused source takes no next hop";
}

TEST_F(Learning, MovesAtOnce) {
    learner_->handle(mac_event(GUEST, PORT_A));
    learner_->handle(mac_event(GUEST, VTEP_B));
    EXPECT_EQ(entry(GUEST)->target, (hops_.at({VTEP_B, 5001})));
    learner_->handle(mac_event(GUEST, VTEP_C));
    EXPECT_EQ(entry(GUEST)->target, (hops_.at({VTEP_C, 5001})));
    EXPECT_FALSE(learner_->next_hops_used().contains(hops_.at({VTEP_B, 5001})));
    EXPECT_EQ(counters().moved, 2u);
    EXPECT_EQ(learner_->learned(BLUE), 1u);
}

TEST_F(Learning, TakesARepeatedEventForNoMove) {
    for (int i = 0; i < 10; ++i) learner_->handle(mac_event(GUEST, PORT_A));
    EXPECT_EQ(counters().learned, 1u);
    EXPECT_EQ(counters().moved, 0u);
}

TEST_F(Learning, HoldsAMacThatMovesMoreThanFiveTimesInThreeMinutes) {
    learner_->handle(mac_event(GUEST, PORT_A));
    for (int move = 1; move <= 5; ++move) {
        now_s_ += 10;
        learner_->handle(mac_event(GUEST, move % 2 ? PORT_B : PORT_A));
        EXPECT_EQ(counters().moved, static_cast<std::uint64_t>(move));
    }
    learner_->handle(mac_event(GUEST, PORT_A));
    EXPECT_EQ(entry(GUEST)->target, PORT_B);
    EXPECT_EQ(counters().refused_move_rate, 1u);
    ASSERT_EQ(learner_->held(now_s_).size(), 1u);
    EXPECT_EQ(learner_->held(now_s_)[0].mac, GUEST);

    now_s_ += Learner::MOVE_WINDOW_S - 1;
    learner_->handle(mac_event(GUEST, PORT_A));
    EXPECT_EQ(entry(GUEST)->target, PORT_B);
    now_s_ += 1;
    EXPECT_TRUE(learner_->held(now_s_).empty());
    learner_->handle(mac_event(GUEST, PORT_A));
    EXPECT_EQ(entry(GUEST)->target, PORT_A);
}

TEST_F(Learning, DoesNotHoldAMacThatMovesNowAndThen) {
    learner_->handle(mac_event(GUEST, PORT_A));
    for (std::uint64_t move = 1; move <= 20; ++move) {
        now_s_ += 60;
        learner_->handle(mac_event(GUEST, move % 2 ? PORT_B : PORT_A));
        EXPECT_EQ(counters().moved, move);
    }
}

TEST_F(Learning, HoldsOneMacAndLetsTheOthersMove) {
    for (int i = 0; i < 10; ++i) learner_->handle(mac_event(GUEST, i % 2 ? PORT_B : PORT_A));
    learner_->handle(mac_event(OTHER, PORT_A));
    learner_->handle(mac_event(OTHER, PORT_B));
    EXPECT_EQ(entry(OTHER)->target, PORT_B);
}

TEST_F(Learning, BoundsTheListOfMovers) {
    start(2 * Learner::MAX_MOVERS);
    set_rules({.limit = 2 * Learner::MAX_MOVERS});
    for (std::uint32_t n = 0; n < Learner::MAX_MOVERS + 100; ++n) {
        learner_->handle(mac_event(nth_mac(n), PORT_A));
        for (int i = 0; i < 7; ++i) learner_->handle(mac_event(nth_mac(n), i % 2 ? PORT_A : PORT_B));
    }
    EXPECT_EQ(learner_->held(now_s_).size(), Learner::MAX_MOVERS);
}

TEST_F(Learning, StopsAtTheSegmentsLimit) {
    set_rules({.limit = 10});
    for (std::uint32_t n = 0; n < 12; ++n) learner_->handle(mac_event(nth_mac(n), PORT_A));
    EXPECT_EQ(learner_->learned(BLUE), 10u);
    EXPECT_EQ(counters().refused_limit, 2u);
    learner_->handle(mac_event(nth_mac(0), PORT_B));
    EXPECT_EQ(entry(nth_mac(0))->target, PORT_B) << "a move takes no room";
    learner_->handle(mac_event(GUEST, GREEN_PORT, GREEN));
    EXPECT_TRUE(entry(GUEST, GREEN)) << "the limit is the segment's own";
}

TEST_F(Learning, StopsWhenTheTableIsFull) {
    start(8);
    for (std::uint32_t n = 0; n < 20; ++n) learner_->handle(mac_event(nth_mac(n), PORT_A));
    EXPECT_EQ(counters().refused_full, 12u);
    EXPECT_EQ(learner_->learned(BLUE), 8u);
}

TEST_F(Learning, StopsWhenNoNextHopIsFree) {
    max_hops_ = 1;
    learner_->handle(mac_event(GUEST, VTEP_B));
    learner_->handle(mac_event(OTHER, VTEP_C));
    EXPECT_TRUE(entry(GUEST));
    EXPECT_FALSE(entry(OTHER));
    EXPECT_EQ(counters().refused_full, 1u);
}

TEST_F(Learning, CountsWhatAnEarlierDaemonLearned) {
    learner_->handle(mac_event(GUEST, VTEP_B));
    learner_->handle(neighbor_event(ADDRESS, GUEST, PORT_A));
    put_static(OTHER, PORT_A);
    Learner later(*tables_, {});
    ASSERT_TRUE(later.set_rules({}));
    EXPECT_EQ(later.learned(BLUE), 1u);
    EXPECT_EQ(later.learned_neighbors(BLUE), 1u);
    EXPECT_EQ(later.next_hops_used(), learner_->next_hops_used());
}

TEST_F(Learning, ForgetsWhatWasBehindAPort) {
    learner_->handle(mac_event(GUEST, PORT_A));
    learner_->handle(neighbor_event(ADDRESS, GUEST, PORT_A));
    learner_->handle(mac_event(OTHER, PORT_B));
    put_static(nth_mac(1), PORT_A);
    ASSERT_TRUE(learner_->forget_port(PORT_A));
    EXPECT_FALSE(entry(GUEST));
    EXPECT_FALSE(binding(ADDRESS));
    EXPECT_TRUE(entry(OTHER));
    EXPECT_TRUE(entry(nth_mac(1))) << "static rows are not learning's to take";
    EXPECT_EQ(learner_->learned(BLUE), 1u);
}

TEST_F(Learning, ForgetsASegment) {
    learner_->handle(mac_event(GUEST, VTEP_B));
    learner_->handle(neighbor_event(ADDRESS, GUEST, PORT_A));
    learner_->handle(mac_event(GUEST, GREEN_PORT, GREEN));
    ASSERT_TRUE(learner_->forget_segment(BLUE));
    EXPECT_FALSE(entry(GUEST));
    EXPECT_FALSE(binding(ADDRESS));
    EXPECT_TRUE(entry(GUEST, GREEN));
    EXPECT_EQ(learner_->learned(BLUE), 0u);
    EXPECT_EQ(learner_->learned_neighbors(BLUE), 0u);
    EXPECT_TRUE(learner_->next_hops_used().empty());
}

// RFC 7432 §15: what a control plane says of a MAC gives way to the port that has it, and to no tunnel.
TEST_F(Learning, PutsALocalGuestOverAnEvpnEntryAndNoRemoteOne) {
    std::vector<fdb_entry> displaced;
    displaced_ = &displaced;
    ASSERT_TRUE(tables_->fdb.put(key(GUEST), {.target = 7, .kind = FDB_REMOTE, .origin = ORIGIN_EVPN}));
    learner_->handle(mac_event(GUEST, VTEP_C));
    EXPECT_EQ(entry(GUEST)->target, 7u);
    EXPECT_EQ(counters().refused_static, 1u);
    learner_->handle(mac_event(GUEST, PORT_A));
    EXPECT_EQ(entry(GUEST)->target, PORT_A);
    EXPECT_EQ(entry(GUEST)->origin, ORIGIN_DYNAMIC);
    EXPECT_EQ(learner_->learned(BLUE), 1u);
    EXPECT_EQ(counters().moved, 1u);
    ASSERT_EQ(displaced.size(), 1u);
    EXPECT_EQ(displaced[0].target, 7u);
    put_static(OTHER, PORT_B);
    learner_->handle(mac_event(OTHER, PORT_A));
    EXPECT_EQ(entry(OTHER)->target, PORT_B) << "what is static stays";
}

TEST_F(Learning, TellsOfAGuestThatCameFromARemote) {
    std::vector<std::uint32_t> came;
    came_ = &came;
    learner_->handle(mac_event(GUEST, PORT_A));
    learner_->handle(mac_event(GUEST, VTEP_B));
    EXPECT_TRUE(came.empty());
    learner_->handle(mac_event(GUEST, PORT_B));
    EXPECT_EQ(came, std::vector<std::uint32_t>{PORT_B});
    learner_->handle(mac_event(GUEST, PORT_A));
    EXPECT_EQ(came.size(), 1u) << "from one port to another is no news to others";
}

}  // namespace
}  // namespace weft

// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// What each team policy makes of uplinks that fail and come back.
#include "failover.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace weft {
namespace {

constexpr std::uint64_t S = 1'000'000'000;

// A team of uplinks a, b, c …, all up unless fail() says otherwise.
class Rig {
public:
    Rig(TeamPolicy policy, std::vector<std::string> active, std::vector<std::string> standby = {}, bool failback = true)
        : failover_(plan(policy, std::move(active), std::move(standby), failback)) {
        for (const std::string& name : failover_.plan().uplinks) health_[name] = Health::Up;
    }

    static TeamPlan plan(TeamPolicy policy, std::vector<std::string> active, std::vector<std::string> standby,
                         bool failback) {
        TeamPlan out;
        out.name = out.switch_name = "dvs0";
        out.uplinks = active;
        out.uplinks.insert(out.uplinks.end(), standby.begin(), standby.end());
        out.active = std::move(active);
        out.standby = std::move(standby);
        out.policy = policy;
        out.failback = failback;
        return out;
    }

    void set(const std::string& name, Health health) { health_[name] = health; }
    void fail(const std::string& name, Health how = Health::NoCarrier) {
        set(name, how);
        follow();
    }
    void recover(const std::string& name) {
        set(name, Health::Up);
        follow();
    }
    void pass(double seconds) {
        now_ns_ += static_cast<std::uint64_t>(seconds * S);
        follow();
    }
    void follow() { failover_.follow(health_, now_ns_); }

    // "abab…": the NIC of each share; '-' for nobody.
    std::string shares() const {
        std::string out;
        for (const std::string& share : failover_.shares()) out += share.empty() ? "-" : share;
        return out;
    }
    std::string receiver() const { return failover_.receiver(); }
    std::string state(const std::string& name) const {
        for (const auto& one : failover_.view(now_ns_))
            if (one.interface == name) return one.state;
        return "?";
    }
    std::string why(const std::string& name) const {
        for (const auto& one : failover_.view(now_ns_))
            if (one.interface == name) return one.why;
        return "?";
    }
    Failover& failover() { return failover_; }

private:
    Failover failover_;
    HealthMap health_;
    std::uint64_t now_ns_ = 1000 * S;
};

// How many shares differ.
int moved(const std::string& before, const std::string& after) {
    int count = 0;
    for (std::size_t i = 0; i < before.size(); ++i) count += before[i] != after[i];
    return count;
}

auto count(const std::string& shares, char nic) { return std::ranges::count(shares, nic); }

const std::string ALL_A(16, 'a'), ALL_B(16, 'b'), ALL_C(16, 'c'), NOBODY(16, '-');
const std::string AB = "abababababababab", ABC = "abcabcabcabcabca";

TEST(Explicit, GivesAllToTheFirstThatIsUpActiveBeforeStandby) {
    Rig team(TeamPolicy::Explicit, {"a", "b"}, {"c"});
    team.follow();
    EXPECT_EQ(team.shares(), ALL_A);
    EXPECT_EQ(team.receiver(), "a");
    team.fail("a");
    EXPECT_EQ(team.shares(), ALL_B);
    EXPECT_EQ(team.receiver(), "b");
    team.fail("b", Health::Down);
    EXPECT_EQ(team.shares(), ALL_C);
    team.fail("c", Health::Absent);
    EXPECT_EQ(team.shares(), NOBODY);
    EXPECT_EQ(team.receiver(), "");
}

TEST(Explicit, GoesBackWhenTheFirstWasUpForTheDelay) {
    Rig team(TeamPolicy::Explicit, {"a"}, {"b"});
    team.follow();
    team.fail("a");
    team.recover("a");
    EXPECT_EQ(team.shares(), ALL_B);
    EXPECT_EQ(team.state("a"), "waiting");
    EXPECT_EQ(team.why("a"), "takes its place again in 5 s");
    EXPECT_TRUE(team.failover().is_waiting());
    team.pass(4.9);
    EXPECT_EQ(team.shares(), ALL_B);
    EXPECT_EQ(team.why("a"), "takes its place again in 1 s");
    team.pass(0.1);
    EXPECT_EQ(team.shares(), ALL_A);
    EXPECT_EQ(team.receiver(), "a");
    EXPECT_EQ(team.state("b"), "standby");
    EXPECT_FALSE(team.failover().is_waiting());
}

TEST(Explicit, CountsTheDelayAnewWhenTheLinkFlaps) {
    Rig team(TeamPolicy::Explicit, {"a"}, {"b"});
    team.follow();
    team.fail("a");
    for (int i = 0; i < 4; ++i) {
        team.recover("a");
        team.pass(4);
        team.fail("a");
    }
    EXPECT_EQ(team.shares(), ALL_B);
    team.recover("a");
    team.pass(4.9);
    EXPECT_EQ(team.shares(), ALL_B);
    team.pass(0.1);
    EXPECT_EQ(team.shares(), ALL_A);
}

TEST(Explicit, TakesOneThatWaitsWhenThereIsNoOther) {
    Rig team(TeamPolicy::Explicit, {"a"}, {"b"});
    team.follow();
    team.fail("a");
    team.recover("a");
    team.fail("b");
    EXPECT_EQ(team.shares(), ALL_A);
}

TEST(Explicit, WithoutFailbackStaysUntilItIsNeeded) {
    Rig team(TeamPolicy::Explicit, {"a"}, {"b"}, false);
    team.follow();
    EXPECT_EQ(team.shares(), ALL_A);
    team.fail("a");
    team.recover("a");
    team.pass(3600);
    EXPECT_EQ(team.shares(), ALL_B);
    EXPECT_EQ(team.receiver(), "b");
    EXPECT_EQ(team.state("a"), "standby");
    EXPECT_FALSE(team.failover().is_waiting());
    team.fail("b");
    EXPECT_EQ(team.shares(), ALL_A);
}

TEST(Explicit, WithoutFailbackGoesBackWhenTheConfigurationIsAppliedAnew) {
    Rig team(TeamPolicy::Explicit, {"a"}, {"b"}, false);
    team.follow();
    team.fail("a");
    team.recover("a");
    team.failover().take_back();
    team.follow();
    EXPECT_EQ(team.shares(), ALL_A);
    EXPECT_EQ(team.receiver(), "a");
}

class Spread : public testing::TestWithParam<TeamPolicy> {};
INSTANTIATE_TEST_SUITE_P(Policies, Spread,
                         testing::Values(TeamPolicy::Port, TeamPolicy::SourceMac, TeamPolicy::IpHash));

TEST_P(Spread, GivesEachActiveUplinkItsSharesAndStandbysNone) {
    Rig team(GetParam(), {"a", "b"}, {"c"});
    team.follow();
    EXPECT_EQ(team.shares(), AB);
    EXPECT_EQ(team.receiver(), "a");
    EXPECT_EQ(team.state("a"), "active");
    EXPECT_EQ(team.state("c"), "standby");
}

TEST_P(Spread, MovesTheSharesOfTheFailedOneToTheOthersInTurnAndNoOther) {
    Rig team(GetParam(), {"a", "b", "c"});
    team.follow();
    EXPECT_EQ(team.shares(), ABC);
    team.fail("a");
    EXPECT_EQ(moved(ABC, team.shares()), 6);
    EXPECT_EQ(count(team.shares(), 'b'), 8);
    EXPECT_EQ(count(team.shares(), 'c'), 8);
    EXPECT_EQ(team.receiver(), "b");
    const std::string two = team.shares();
    team.fail("b");
    EXPECT_EQ(team.shares(), ALL_C);
    EXPECT_EQ(moved(two, ALL_C), 8);
}

TEST_P(Spread, BringsTheSharesHomeToTheSamePlaces) {
    Rig team(GetParam(), {"a", "b", "c"});
    team.follow();
    team.fail("a");
    const std::string without_a = team.shares();
    team.recover("a");
    team.pass(4.9);
    EXPECT_EQ(team.shares(), without_a);
    EXPECT_EQ(team.receiver(), "b");  // the switch's port may not forward yet
    team.pass(0.1);
    EXPECT_EQ(team.shares(), ABC);
    EXPECT_EQ(team.receiver(), "a");
}

TEST_P(Spread, PutsAStandbyInThePlaceOfTheFailedOne) {
    Rig team(GetParam(), {"a", "b"}, {"c", "d"});
    team.follow();
    team.fail("b");
    EXPECT_EQ(team.shares(), "acacacacacacacac");
    team.fail("a");
    EXPECT_EQ(team.shares(), "dcdcdcdcdcdcdcdc");  // c keeps what it has
    team.recover("b");
    team.pass(5);
    EXPECT_EQ(team.shares(), "dbdbdbdbdbdbdbdb");
    team.fail("d");
    EXPECT_EQ(team.shares(), "cbcbcbcbcbcbcbcb");
}

TEST_P(Spread, GivesAStandbyThatComesUpThePlaceThatOthersFilled) {
    Rig team(GetParam(), {"a", "b"}, {"c"});
    team.set("c", Health::NoCarrier);
    team.follow();
    team.fail("a");
    EXPECT_EQ(team.shares(), ALL_B);
    team.recover("c");
    EXPECT_EQ(team.shares(), ALL_B);
    team.pass(5);
    EXPECT_EQ(team.shares(), "cbcbcbcbcbcbcbcb");
}

TEST_P(Spread, WithoutFailbackMovesNothingThatIsWell) {
    Rig team(GetParam(), {"a", "b", "c"}, {}, false);
    team.follow();
    team.fail("a");
    const std::string without_a = team.shares();
    team.recover("a");
    team.pass(3600);
    EXPECT_EQ(team.shares(), without_a);
    EXPECT_EQ(team.state("a"), "standby");
    team.fail("b");  // now it is needed: for its own shares that were there, and for some of b's
    EXPECT_EQ(moved(without_a, team.shares()), 8);
    EXPECT_EQ(count(team.shares(), 'b'), 0);
    EXPECT_EQ(team.state("a"), "active");
    EXPECT_EQ(team.receiver(), "a");
}

TEST_P(Spread, WithoutFailbackGoesHomeWhenTheConfigurationIsAppliedAnew) {
    Rig team(GetParam(), {"a", "b"}, {}, false);
    team.follow();
    team.fail("a");
    team.recover("a");
    EXPECT_EQ(team.shares(), ALL_B);
    team.failover().take_back();
    team.follow();
    EXPECT_EQ(team.shares(), AB);
}

TEST_P(Spread, WithoutActiveOnesIsTheFirstStandbys) {
    Rig team(GetParam(), {}, {"a", "b"});
    team.follow();
    EXPECT_EQ(team.shares(), ALL_A);
    team.fail("a");
    EXPECT_EQ(team.shares(), ALL_B);
}

TEST_P(Spread, HasNobodyWhenNothingIsUpAndTakesTheFirstThatIs) {
    Rig team(GetParam(), {"a", "b"});
    team.follow();
    team.fail("a");
    team.fail("b");
    EXPECT_EQ(team.shares(), NOBODY);
    EXPECT_EQ(team.receiver(), "");
    team.recover("b");
    EXPECT_EQ(team.shares(), ALL_B);
    team.recover("a");
    EXPECT_EQ(team.shares(), ALL_B);
    team.pass(5);
    EXPECT_EQ(team.shares(), AB);
}

// Of the switch's groups another may use the NIC that this team does not.
TEST_P(Spread, ReceivesByWhatIsUpWhenNothingMayCarry) {
    TeamPlan plan = Rig::plan(GetParam(), {"a"}, {}, true);
    plan.uplinks = {"a", "b"};
    Failover failover(plan);
    failover.follow({{"a", Health::NoCarrier}, {"b", Health::Up}}, S);
    EXPECT_EQ(failover.shares()[0], "");
    EXPECT_EQ(failover.receiver(), "b");
    failover.follow({{"a", Health::Up}, {"b", Health::Up}}, 2 * S);
    EXPECT_EQ(failover.shares()[0], "a");
    EXPECT_EQ(failover.receiver(), "a");
}

TEST(Failover, TakesWhatIsUpAtTheFirstStartAtOnceAndWhatComesLaterAfterTheDelay) {
    Rig team(TeamPolicy::Port, {"a", "b"});
    team.set("b", Health::Absent);
    team.follow();
    EXPECT_EQ(team.shares(), ALL_A);
    team.recover("b");
    EXPECT_EQ(team.shares(), ALL_A);
    team.pass(5);
    EXPECT_EQ(team.shares(), AB);
}

TEST(Failover, WithADelayOfZeroGoesBackAtOnce) {
    TeamPlan plan = Rig::plan(TeamPolicy::Port, {"a", "b"}, {}, true);
    plan.failback_delay_seconds = 0;
    Failover failover(plan);
    failover.follow({{"a", Health::Up}, {"b", Health::Up}}, S);
    failover.follow({{"a", Health::NoCarrier}, {"b", Health::Up}}, 2 * S);
    EXPECT_EQ(failover.shares()[0], "b");
    failover.follow({{"a", Health::Up}, {"b", Health::Up}}, 3 * S);
    EXPECT_EQ(failover.shares()[0], "a");
}

TEST(Failover, KeepsWhatTheDaemonBeforeHadAndWaitsForWhatHadNothing) {
    Rig team(TeamPolicy::Port, {"a", "b"});
    Failover::Shares before;
    before.fill("b");
    team.failover().adopt(before, "b");
    team.follow();
    EXPECT_EQ(team.shares(), ALL_B);
    EXPECT_EQ(team.receiver(), "b");
    team.pass(5);
    EXPECT_EQ(team.shares(), AB);
}

TEST(Failover, ChangesNothingAtARestartWhileAllIsWell) {
    for (const TeamPolicy policy : {TeamPolicy::Explicit, TeamPolicy::Port})
        for (const bool failback : {true, false}) {
            Rig before(policy, {"a", "b"}, {"c"}, failback), after(policy, {"a", "b"}, {"c"}, failback);
            before.follow();
            after.failover().adopt(before.failover().shares(), before.receiver());
            after.follow();
            EXPECT_EQ(after.shares(), before.shares());
            EXPECT_EQ(after.receiver(), before.receiver());
            after.pass(60);
            EXPECT_EQ(after.shares(), before.shares());
            EXPECT_EQ(after.receiver(), before.receiver());
        }
}

TEST(Failover, MovesAtARestartWhatFailedMeanwhile) {
    Rig team(TeamPolicy::Port, {"a", "b"}, {"c"});
    Failover::Shares before;
    for (std::size_t i = 0; i < before.size(); ++i) before[i] = i % 2 ? "b" : "a";
    team.failover().adopt(before, "a");
    team.set("a", Health::NoCarrier);
    team.follow();
    EXPECT_EQ(team.shares(), ALL_B);  // c may have come up just now
    team.pass(5);
    EXPECT_EQ(team.shares(), "cbcbcbcbcbcbcbcb");
}

TEST(Failover, KeepsNoShareAtARestartOnANicThatIsNotOfTheTeamAnyMore) {
    Rig team(TeamPolicy::Port, {"a", "b"});
    Failover::Shares before;
    before.fill("z");
    team.failover().adopt(before, "z");
    team.follow();
    EXPECT_EQ(team.shares(), AB);
}

TEST(Failover, NeverUsesAnUplinkThatIsNeitherActiveNorStandby) {
    TeamPlan plan = Rig::plan(TeamPolicy::Explicit, {"a"}, {"b"}, true);
    plan.standby.clear();
    Failover failover(plan);
    failover.follow({{"a", Health::Down}, {"b", Health::Up}}, S);
    EXPECT_EQ(failover.shares()[0], "");
    EXPECT_STREQ(failover.view(S)[0].state, "down");
    EXPECT_EQ(failover.view(S)[0].why, "is down");
    EXPECT_STREQ(failover.view(S)[1].state, "unused");
}

}  // namespace
}  // namespace weft

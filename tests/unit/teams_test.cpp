// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Rows of `teams`: what they hold, what a daemon finds again, and what moved.
#include "teams.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <optional>

#include "lib/test_tables.hpp"

namespace weft {
namespace {

constexpr std::uint64_t S = 1'000'000'000;
constexpr std::uint32_t ETH2 = 12, ETH3 = 13;
const Mac GUEST = *Mac::parse("02:00:00:00:00:01");

TeamPlan plan(const std::string& name, TeamPolicy policy = TeamPolicy::Port) {
    TeamPlan out;
    out.name = name;
    out.switch_name = "dvs0";
    out.uplinks = out.active = {"eth2", "eth3"};
    out.policy = policy;
    return out;
}

class TeamRows : public testing::Test {
protected:
    void SetUp() override {
        auto tables = test::make_tables();
        if (!tables && tables.error().code == EPERM) GTEST_SKIP() << "needs CAP_BPF to create maps";
        ASSERT_TRUE(tables) << tables.error().what;
        tables_.emplace(std::move(*tables));
        start();
    }
    void start() {
        teams_.emplace(*tables_);
        ASSERT_TRUE(teams_->adopt());
    }
    Problems serve(const std::vector<TeamPlan>& plans) {
        Problems problems;
        teams_->prepare(plans, problems);
        teams_->serve(nics_, problems, now_ns_);
        teams_->sweep(problems);
        return problems;
    }
    void follow() { ASSERT_TRUE(teams_->follow(nics_, now_ns_)); }
    ::team row(const std::string& name) { return *tables_->teams.find(teams_->row(name)).value(); }
    static bool all(const ::team& row, std::uint32_t ifindex) {
        return std::ranges::all_of(row.uplinks, [&](std::uint32_t uplink) { return uplink == ifindex; });
    }

    std::optional<Tables> tables_;
    std::optional<Teams> teams_;
    Nics nics_{{"eth2", {ETH2, Health::Up}}, {"eth3", {ETH3, Health::Up}}};
    std::uint64_t now_ns_ = 1000 * S;
};

TEST_F(TeamRows, SayWhichNicTakesEachShareAndWhoReceives) {
    EXPECT_TRUE(serve({plan("dvs0")}).reasons.empty());
    const ::team one = row("dvs0");
    EXPECT_EQ(one.flags, TEAM_IN_USE | TEAM_BY_PORT | TEAM_SEVERAL);
    EXPECT_EQ(one.receiver, ETH2);
    EXPECT_EQ(one.changed_ns, now_ns_);
    for (std::size_t i = 0; i < TEAM_SLOTS; ++i) EXPECT_EQ(one.uplinks[i], i % 2 ? ETH3 : ETH2) << i;
    EXPECT_TRUE(teams_->take_moves().empty());
}

TEST_F(TeamRows, OfOneNicExpectNoCopies) {
    TeamPlan alone = plan("dvs0");
    alone.uplinks = alone.active = {"eth2"};
    EXPECT_TRUE(serve({alone}).reasons.empty());
    EXPECT_FALSE(row("dvs0").flags & TEAM_SEVERAL);
}

TEST_F(TeamRows, NameThePolicy) {
    serve({plan("a", TeamPolicy::Explicit), plan("b", TeamPolicy::SourceMac), plan("c", TeamPolicy::IpHash)});
    EXPECT_EQ(row("a").flags, TEAM_IN_USE | TEAM_SEVERAL);
    EXPECT_EQ(row("b").flags, TEAM_IN_USE | TEAM_SEVERAL | TEAM_BY_MAC);
    EXPECT_EQ(row("c").flags, TEAM_IN_USE | TEAM_SEVERAL | TEAM_BY_FLOW);
}

TEST_F(TeamRows, OfAFailoverAreOneWriteATeam) {
    serve({plan("dvs0"), plan("dvs0/web", TeamPolicy::Explicit)});
    const std::uint64_t before = teams_->writes();
    nics_["eth2"].health = Health::NoCarrier;
    now_ns_ += S;
    follow();
    EXPECT_EQ(teams_->writes(), before + 2);
    for (const char* name : {"dvs0", "dvs0/web"}) {
        EXPECT_TRUE(all(row(name), ETH3)) << name;
        EXPECT_EQ(row(name).receiver, ETH3) << name;
        EXPECT_EQ(row(name).changed_ns, now_ns_) << name;
        EXPECT_TRUE(row(name).flags & TEAM_SEVERAL) << name << ": copies may wait in eth2's queue";
    }
    follow();
    EXPECT_EQ(teams_->writes(), before + 2);
}

TEST_F(TeamRows, KeepTheTimeOfTheLastMoveWhenOnlyAnotherNicComesUp) {
    nics_["eth3"].health = Health::NoCarrier;
    TeamPlan one = plan("dvs0", TeamPolicy::Explicit);
    serve({one});
    const std::uint64_t begin = now_ns_;
    now_ns_ += S;
    nics_["eth3"].health = Health::Up;
    follow();
    EXPECT_TRUE(row("dvs0").flags & TEAM_SEVERAL);
    EXPECT_EQ(row("dvs0").changed_ns, begin);
    EXPECT_TRUE(teams_->take_moves().empty());
}

TEST_F(TeamRows, SayWhichSharesLeftANicThatIsUp) {
    serve({plan("dvs0")});
    EXPECT_EQ(row("dvs0").moved, 0);
    nics_["eth2"].health = Health::NoCarrier;
    follow();
    EXPECT_EQ(row("dvs0").moved, 0);
    nics_["eth2"].health = Health::Up;
    follow();
    now_ns_ += 5 * S;
    follow();
    EXPECT_EQ(row("dvs0").uplinks[0], ETH2);
    EXPECT_EQ(row("dvs0").moved, 0x5555);
    EXPECT_EQ(row("dvs0").changed_ns, now_ns_);
    nics_["eth3"].health = Health::NoCarrier;
    follow();
    EXPECT_EQ(row("dvs0").moved, 0x5555);  // those behind eth2 may be silent since
    serve({plan("dvs0"), plan("dvs0/web")});
    EXPECT_EQ(row("dvs0/web").moved, 0xffff);
}

TEST_F(TeamRows, OfAnotherPolicyThanBeforeHaveMovedAll) {
    serve({plan("dvs0")});
    now_ns_ += S;
    serve({plan("dvs0", TeamPolicy::SourceMac)});
    EXPECT_EQ(row("dvs0").moved, 0xffff);
    EXPECT_EQ(row("dvs0").changed_ns, now_ns_);
}

TEST_F(TeamRows, EndADelayWithoutNewsOfLinks) {
    serve({plan("dvs0")});
    nics_["eth2"].health = Health::Down;
    follow();
    nics_["eth2"].health = Health::Up;
    follow();
    EXPECT_TRUE(all(row("dvs0"), ETH3));
    now_ns_ += 5 * S;
    follow();
    EXPECT_EQ(row("dvs0").uplinks[0], ETH2);
}

TEST_F(TeamRows, TellWhatMovedAndOnce) {
    serve({plan("dvs0")});
    nics_["eth2"].health = Health::Absent;
    follow();
    const auto moves = teams_->take_moves();
    ASSERT_EQ(moves.size(), 1u);
    EXPECT_EQ(moves[0].team, "dvs0");
    EXPECT_TRUE(moves[0].moved(GUEST, 4));   // share 4 was eth2's
    EXPECT_FALSE(moves[0].moved(GUEST, 5));  // share 5 was and is eth3's
    EXPECT_EQ(moves[0].to[4], ETH3);
    EXPECT_TRUE(teams_->take_moves().empty());
}

TEST_F(TeamRows, AreFoundAgainByTheNextDaemonWhichWritesNothing) {
    serve({plan("dvs0"), plan("dvs0/web", TeamPolicy::Explicit)});
    const std::uint16_t first = teams_->row("dvs0"), second = teams_->row("dvs0/web");
    start();
    now_ns_ += 100 * S;
    serve({plan("dvs0/web", TeamPolicy::Explicit), plan("dvs0")});
    follow();
    EXPECT_EQ(teams_->row("dvs0"), first);
    EXPECT_EQ(teams_->row("dvs0/web"), second);
    EXPECT_EQ(teams_->writes(), 0u);
    EXPECT_TRUE(teams_->take_moves().empty());
}

TEST_F(TeamRows, OfTheDaemonBeforeSayWhatFailedMeanwhile) {
    serve({plan("dvs0")});
    start();
    nics_["eth2"].health = Health::NoCarrier;
    now_ns_ += S;
    serve({plan("dvs0")});
    EXPECT_TRUE(all(row("dvs0"), ETH3));
    EXPECT_EQ(teams_->take_moves().size(), 1u);
}

TEST_F(TeamRows, OfTeamsThatAreNotWantedGo) {
    serve({plan("dvs0"), plan("dvs1")});
    const std::uint16_t gone = teams_->row("dvs1");
    serve({plan("dvs0")});
    EXPECT_EQ(teams_->row("dvs1"), 0);
    EXPECT_EQ(tables_->teams.find(gone).value()->flags, 0);
    start();
    serve({});
    EXPECT_EQ(tables_->teams.find(1).value()->flags, 0);
}

TEST_F(TeamRows, HaveNoUplinkWithoutOurPrograms) {
    nics_["eth2"] = {0, Health::NotServed};
    serve({plan("dvs0")});
    EXPECT_TRUE(all(row("dvs0"), ETH3));
    nics_["eth3"] = {0, Health::Absent};
    const Problems problems = serve({plan("dvs0")});
    EXPECT_TRUE(all(row("dvs0"), 0));
    EXPECT_EQ(problems.reasons, std::vector<std::string>{"team dvs0: no uplink is up"});
}

TEST_F(TeamRows, FollowTheNicThatComesBackUnderItsName) {
    serve({plan("dvs0", TeamPolicy::Explicit)});
    nics_["eth2"].ifindex = 99;
    serve({plan("dvs0", TeamPolicy::Explicit)});
    EXPECT_TRUE(all(row("dvs0"), 99));
    EXPECT_EQ(row("dvs0").receiver, 99u);
}

TEST_F(TeamRows, HeedBeaconsWhereTheTeamDoes) {
    TeamPlan beacon = plan("dvs0", TeamPolicy::Explicit);
    beacon.detection = Detection::Beacon;
    const auto link = plan("dvs0/web", TeamPolicy::Explicit);
    serve({beacon, link});
    teams_->note_lost({"eth2"});
    follow();
    EXPECT_TRUE(all(row("dvs0"), ETH3));
    EXPECT_TRUE(all(row("dvs0/web"), ETH2));
    EXPECT_TRUE(row("dvs0").flags & TEAM_SEVERAL);  // it may still bring what a switch floods
    const Problems problems = serve({beacon, link});
    ASSERT_EQ(problems.reasons.size(), 1u);
    EXPECT_NE(problems.reasons[0].find("uplink eth2 of switch dvs0 is cut off"), std::string::npos);
    teams_->note_lost({});
    now_ns_ += S;
    follow();
    EXPECT_TRUE(all(row("dvs0"), ETH3));
    now_ns_ += 5 * S;
    follow();
    EXPECT_TRUE(all(row("dvs0"), ETH2));
}

TEST_F(TeamRows, GoBackWhenTheConfigurationIsAppliedAnew) {
    TeamPlan one = plan("dvs0", TeamPolicy::Explicit);
    one.failback = false;
    serve({one});
    nics_["eth2"].health = Health::Down;
    follow();
    nics_["eth2"].health = Health::Up;
    follow();
    now_ns_ += 100 * S;
    serve({one});
    EXPECT_TRUE(all(row("dvs0"), ETH3));
    teams_->take_back();
    follow();
    EXPECT_TRUE(all(row("dvs0"), ETH2));
}

TEST_F(TeamRows, StartAgainWhenThePlanChanges) {
    serve({plan("dvs0")});
    nics_["eth2"].health = Health::Down;
    follow();
    nics_["eth2"].health = Health::Up;
    TeamPlan other = plan("dvs0");
    other.standby = {"eth3"};
    other.active = {"eth2"};
    serve({other});
    EXPECT_TRUE(all(row("dvs0"), ETH2));
    EXPECT_EQ(teams_->row("dvs0"), 1);
}

TEST_F(TeamRows, AreRefusedWhenAllAreUsed) {
    auto small = test::make_tables(3);
    ASSERT_TRUE(small);
    teams_.emplace(*small);
    const Problems problems = serve({plan("a"), plan("b"), plan("c")});
    EXPECT_EQ(problems.reasons, std::vector<std::string>{"team c: all 2 are used"});
    EXPECT_EQ(teams_->row("c"), 0);
}

TEST(TeamMoves, FollowTheShareThatThePolicyGives) {
    EXPECT_EQ(TeamMove::share(TeamPolicy::Explicit, GUEST, 21), 0u);
    EXPECT_EQ(TeamMove::share(TeamPolicy::Port, GUEST, 21), 5u);
    std::set<std::uint32_t> seen;
    for (std::uint8_t last = 0; last < 200; ++last) {
        const std::uint32_t share = TeamMove::share(TeamPolicy::SourceMac, {{2, 0, 0, 0, 0, last}}, 21);
        EXPECT_EQ(share, TeamMove::share(TeamPolicy::SourceMac, {{2, 0, 0, 0, 0, last}}, 99));
        seen.insert(share);
    }
    EXPECT_EQ(seen.size(), 16u);
    EXPECT_EQ(*seen.rbegin(), 15u);
}

TEST(TeamMoves, ByFlowAreEveryMacs) {
    TeamMove move;
    move.policy = TeamPolicy::IpHash;
    EXPECT_FALSE(move.moved(GUEST, 21));
    move.to[3] = ETH2;
    EXPECT_TRUE(move.moved(GUEST, 21));
}

}  // namespace
}  // namespace weft

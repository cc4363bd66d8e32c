// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// The bytes of a beacon, and who is cut off by what was heard.
#include "beacon.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "name_hash.hpp"

namespace weft {
namespace {

constexpr std::uint64_t S = 1'000'000'000, OURS = 11, PEER = 22;
constexpr std::uint32_t A = 1, B = 2, C = 3;
using Set = std::set<std::uint32_t>;

TEST(Beacon, IsReadBackAsItWasWritten) {
    const Beacon beacon{.switch_hash = name_hash("dvs0"), .host = 0x0102030405060708, .ifindex = 77};
    const auto frame = beacon_frame(*Mac::parse("02:00:00:00:00:01"), beacon);
    EXPECT_EQ(frame.size(), 60u);
    ASSERT_TRUE(read_beacon(frame));
    EXPECT_EQ(*read_beacon(frame), beacon);
    const std::vector<std::uint8_t> begin{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2,   0,   0, 0,
                                          0,    1,    0x88, 0xb5, 'w',  'e',  'f', 't', 1};
    EXPECT_TRUE(std::ranges::equal(begin, std::span(frame).first(begin.size())));
}

TEST(Beacon, ThatIsCutShortOrAnothersIsNone) {
    const auto frame = beacon_frame({}, {});
    for (std::size_t length = 0; length < 35; ++length)
        EXPECT_FALSE(read_beacon(std::span(frame).first(length))) << length;
    EXPECT_TRUE(read_beacon(std::span(frame).first(35)));
    for (const std::size_t at : {12, 13, 14, 15, 16, 17, 18}) {  // EtherType, magic, version
        auto other = frame;
        other[at] ^= 1;
        EXPECT_FALSE(read_beacon(other)) << at;
    }
}

// Uplinks of this host, each of which is heard by the others and hears them unless it is cut.
class Judging : public testing::Test {
protected:
    void second() {
        now_ns_ += S;
        judge_.watch(up_, now_ns_);
        for (const std::uint32_t speaker : up_)
            for (const std::uint32_t listener : up_)
                if (speaker != listener && !cut_.contains(speaker) && !cut_.contains(listener))
                    judge_.hear(listener, {0, OURS, speaker}, now_ns_);
        if (peer_)
            for (const std::uint32_t listener : up_)
                if (!cut_.contains(listener)) judge_.hear(listener, {0, PEER, 9}, now_ns_);
    }
    Set after(int seconds) {
        for (int i = 0; i < seconds; ++i) {
            second();
            judge_.judge(now_ns_);
        }
        return judge_.judge(now_ns_);
    }

    BeaconJudge judge_{OURS};
    std::uint64_t now_ns_ = 100 * S;
    Set up_{A, B, C}, cut_;
    bool peer_ = false;
};

TEST_F(Judging, FindsNobodyCutOffWhileAllHear) { EXPECT_EQ(after(10), Set{}); }

TEST_F(Judging, FindsTheOneOfThreeThatMissedThreeBeacons) {
    after(5);
    cut_ = {B};
    EXPECT_EQ(after(3), Set{});
    EXPECT_EQ(after(1), Set{B});
}

TEST_F(Judging, EndsWithTheFirstBeaconThatIsHeardAgain) {
    cut_ = {B};
    EXPECT_EQ(after(6), Set{B});
    cut_ = {};
    EXPECT_EQ(after(1), Set{});
}

TEST_F(Judging, GivesANewUplinkTimeToBeHeard) {
    up_ = {A, B};
    after(5);
    up_ = {A, B, C};
    cut_ = {C};
    EXPECT_EQ(after(4), Set{});
    EXPECT_EQ(after(1), Set{C});
}

TEST_F(Judging, CannotTellWhichOfTwoIsCutOff) {
    up_ = {A, B};
    after(5);
    cut_ = {B};
    EXPECT_EQ(after(10), Set{});
    EXPECT_TRUE(judge_.is_alone(now_ns_));
}

TEST_F(Judging, TellsWhichOfTwoIsCutOffByAnotherHost) {
    up_ = {A, B};
    peer_ = true;
    after(5);
    EXPECT_FALSE(judge_.is_alone(now_ns_));
    cut_ = {B};
    EXPECT_EQ(after(4), Set{B});
}

TEST_F(Judging, KeepsItsVerdictWhenTheWitnessGoes) {
    up_ = {A, B};
    peer_ = true;
    cut_ = {B};
    after(6);
    peer_ = false;
    EXPECT_EQ(after(10), Set{B});
    cut_ = {};
    EXPECT_EQ(after(1), Set{});
}

TEST_F(Judging, FindsNobodyCutOffWhenNobodyHearsAnybody) {
    after(5);
    cut_ = {A, B, C};
    EXPECT_EQ(after(10), Set{});
}

TEST_F(Judging, LetsTheLastOneThatIsUpBeUsed) {
    cut_ = {B};
    EXPECT_EQ(after(6), Set{B});
    up_ = {B};
    EXPECT_EQ(after(1), Set{});
}

TEST_F(Judging, ForgetsAnUplinkWhoseLinkWentDown) {
    cut_ = {B};
    EXPECT_EQ(after(6), Set{B});
    up_ = {A, C};
    EXPECT_EQ(after(1), Set{});
    up_ = {A, B, C};
    EXPECT_EQ(after(1), Set{});
    EXPECT_EQ(after(4), Set{B});
}

TEST_F(Judging, TakesItsOwnBeaconThatComesRoundForNone) {
    after(1);
    cut_ = {B};
    for (int i = 0; i < 6; ++i) {
        judge_.hear(B, {0, OURS, B}, now_ns_);
        after(1);
    }
    EXPECT_EQ(judge_.judge(now_ns_), Set{B});
}

TEST_F(Judging, IsSatisfiedWhenOnlyOneDirectionWorks) {
    cut_ = {B};
    for (int i = 0; i < 8; ++i) {
        judge_.hear(A, {0, OURS, B}, now_ns_);  // B is heard, and hears nobody
        after(1);
    }
    EXPECT_EQ(judge_.judge(now_ns_), Set{});
}

TEST_F(Judging, StartsAgainAfterAPauseOfTheDaemon) {
    after(5);
    now_ns_ += 60 * S;
    judge_.start_again();
    judge_.watch(up_, now_ns_);
    judge_.hear(A, {0, OURS, C}, now_ns_);  // B's are still in its socket
    EXPECT_EQ(judge_.judge(now_ns_), Set{});
    EXPECT_EQ(after(3), Set{});
}

}  // namespace
}  // namespace weft

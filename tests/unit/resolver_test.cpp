// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Neighbors that routed packets want: who is asked when, what waits meanwhile, and what is done when nobody answers.
#include "resolver.hpp"

#include <gtest/gtest.h>

#include "lib/test_tables.hpp"

namespace weft {
namespace {

constexpr std::uint64_t SECOND = 1'000'000'000;
const Ip ABSENT = *Ip::parse("203.0.113.9"), GATE = *Ip::parse("203.0.113.254");
const Mac GATEWAY = *Mac::parse("00:00:5e:00:01:01"), GUEST = *Mac::parse("02:00:00:00:00:04");

struct Sent {
    std::uint32_t segment;
    std::vector<std::uint8_t> frame;
    std::uint32_t but;
};

class ResolverTest : public testing::Test {
protected:
    void SetUp() override {
        auto made = test::make_tables();
        if (!made) GTEST_SKIP() << made.error().what;
        tables_.emplace(std::move(*made));
        Resolver::Context context;
        context.asker = [this](std::uint32_t segment, const Ip&) -> std::optional<Asker> {
            if (segment != 2) return std::nullopt;
            return Asker{GATEWAY, GATE, host_};
        };
        context.send = [this](std::uint32_t segment, std::span<const std::uint8_t> frame,
                              std::uint32_t but) -> Result<> {
            asked_.push_back({segment, {frame.begin(), frame.end()}, but});
            return Ok{};
        };
        context.send_on = [this](const event&, std::span<const std::uint8_t> frame) -> Result<> {
            sent_on_.emplace_back(frame.begin(), frame.end());
            return Ok{};
        };
        context.now_ns = [this] { return now_ns_; };
        resolver_.emplace(*tables_, std::move(context));
    }

    void miss(std::uint8_t mark, const Ip& ip = ABSENT, std::uint32_t toward = 2) {
        event about{};
        about.type = EVENT_MISS;
        about.segment = 1;
        about.toward = toward;
        about.ip = ip.raw();
        const std::vector<std::uint8_t> frame(60, mark);
        resolver_->handle(about, frame);
    }
    void pass(std::uint64_t ns) {
        now_ns_ += ns;
        resolver_->tick();
    }
    void put(const Ip& ip, std::uint8_t flags = 0) {
        neighbor row{.mac = {}, .origin = ORIGIN_DYNAMIC, .flags = flags, .used_s = 0, .nexthop = 0};
        GUEST.copy_to(row.mac);
        ASSERT_TRUE(tables_->neighbors.put({2, ip.raw()}, row));
    }
    std::optional<neighbor> row(const Ip& ip) { return *tables_->neighbors.find({2, ip.raw()}); }

    std::optional<Tables> tables_;
    std::optional<Resolver> resolver_;
    std::optional<Mac> host_;
    std::uint64_t now_ns_ = 100 * SECOND;
    std::vector<Sent> asked_;
    std::vector<std::vector<std::uint8_t>> sent_on_;
};

TEST_F(ResolverTest, AsksAtOnceAndSendsOnWhatWaitedWhenTheNeighborIsLearned) {
    miss(1);
    miss(2);
    ASSERT_EQ(asked_.size(), 1u) << "one question for both";
    EXPECT_EQ(asked_[0].segment, 2u);
    EXPECT_EQ(asked_[0].frame, question_frame({GATEWAY, GATE}, ABSENT));
    EXPECT_TRUE(sent_on_.empty());
    put(ABSENT);
    resolver_->learned(2, ABSENT);
    ASSERT_EQ(sent_on_.size(), 2u);
    EXPECT_EQ(sent_on_[0][20], 1) << "in order";
    resolver_->learned(2, ABSENT);
    EXPECT_EQ(sent_on_.size(), 2u) << "once";
}

TEST_F(ResolverTest, HoldsNoMoreFramesThanItSays) {
    for (std::uint8_t i = 0; i < HELD_FRAMES + 2; ++i) miss(i);
    EXPECT_EQ(resolver_->counters().frames_held, std::uint64_t{HELD_FRAMES});
    EXPECT_EQ(resolver_->counters().frames_lost, 2u);
}

TEST_F(ResolverTest, GivesUpAfterThreeQuestionsAndForgetsThatItDid) {
    miss(1);
    for (unsigned i = 1; i < Resolver::TRIES; ++i) pass(Resolver::RETRY_NS);
    EXPECT_EQ(asked_.size(), std::size_t{Resolver::TRIES});
    EXPECT_FALSE(row(ABSENT));
    pass(Resolver::RETRY_NS);
    ASSERT_TRUE(row(ABSENT));
    EXPECT_TRUE(row(ABSENT)->flags & NEIGHBOR_FAILED);
    EXPECT_EQ(sent_on_.size(), 1u) << "to meet the row, which answers it";
    pass(Resolver::FAILED_NS);
    EXPECT_FALSE(row(ABSENT));
    miss(2);
    EXPECT_EQ(asked_.size(), std::size_t{Resolver::TRIES} + 1) << "and begins anew";
}

TEST_F(ResolverTest, AsksAsTheHostTooWhenTheFirstQuestionGetsNoAnswer) {
    const Ip six = *Ip::parse("2001:db8:2::9");
    host_ = *Mac::parse("02:00:00:00:00:aa");
    miss(1);
    miss(2, six);
    EXPECT_EQ(asked_.size(), 2u);
    pass(Resolver::RETRY_NS);
    ASSERT_EQ(asked_.size(), 6u);
    const auto is = [](const std::vector<std::uint8_t>& frame) {
        return [&](const Sent& sent) { return sent.frame == frame; };
    };
    EXPECT_EQ(std::ranges::count_if(asked_, is(probe_frame(ABSENT, *host_, {}))), 1);
    EXPECT_EQ(std::ranges::count_if(asked_, is(solicitation_frame(six, *host_, {}))), 1);
}

TEST_F(ResolverTest, ANeighborThatTheCommandLineGaveIsSeenAtTheNextTick) {
    miss(1);
    put(ABSENT);
    pass(SECOND / 20);
    EXPECT_EQ(sent_on_.size(), 1u);
    EXPECT_EQ(resolver_->counters().given_up, 0u);
}

TEST_F(ResolverTest, AskingWithoutAGatewayAddressEndsAsUnanswered) {
    miss(1, ABSENT, 7);
    EXPECT_TRUE(asked_.empty());
    for (unsigned i = 0; i < Resolver::TRIES; ++i) pass(Resolver::RETRY_NS);
    EXPECT_EQ(resolver_->counters().given_up, 1u);
}

TEST_F(ResolverTest, AnEarlierDaemonsFailuresAreForgotten) {
    put(ABSENT, NEIGHBOR_FAILED);
    put(GATE);
    ASSERT_TRUE(resolver_->adopt());
    EXPECT_FALSE(row(ABSENT));
    EXPECT_TRUE(row(GATE));
}

TEST_F(ResolverTest, AProxyAsksWithTheAskersAddressAndNotByItsPort) {
    event about{};
    about.type = EVENT_ASK;
    about.segment = 2;
    about.ifindex = 17;
    about.source = Ip::parse("203.0.113.1")->raw();
    about.ip = ABSENT.raw();
    resolver_->ask_for(about);
    ASSERT_EQ(asked_.size(), 1u);
    EXPECT_EQ(asked_[0].frame, question_frame({GATEWAY, *Ip::parse("203.0.113.1")}, ABSENT));
    EXPECT_EQ(asked_[0].but, 17u);
}

}  // namespace
}  // namespace weft

// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Events over real rings: a small program (emit.bpf.c) writes the records under BPF_PROG_TEST_RUN.
#include "events.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/pkt_cls.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <chrono>
#include <cstring>
#include <functional>
#include <thread>
#include <vector>

#include "emit.skel.h"
#include "map.hpp"

namespace weft {
namespace {

namespace asio = boost::asio;

struct Seen {
    event header;
    std::vector<std::uint8_t> frame;
};

class EventRing : public testing::Test {
protected:
    void SetUp() override {
        skeleton_ = emit_bpf__open_and_load();
        if (!skeleton_) GTEST_SKIP() << "needs CAP_BPF and CAP_PERFMON to load a program";
    }
    void TearDown() override { emit_bpf__destroy(skeleton_); }

    Events open() {
        auto events = Events::open(bpf_map__fd(skeleton_->maps.rings), [this](const event& header, auto frame) {
            seen_.push_back({header, {frame.begin(), frame.end()}});
        });
        EXPECT_TRUE(events) << events.error().what;
        return std::move(*events);
    }

    // The return value of the program: TC_ACT_OK once the record is out.
    int emit(const event& header, std::size_t frame_bytes = 100, bool with_frame = false,
             std::uint8_t record_bytes = 64) {
        std::vector<std::uint8_t> frame(frame_bytes);
        for (std::size_t i = 0; i < frame.size(); ++i) frame[i] = static_cast<std::uint8_t>(i);
        frame[0] = record_bytes;
        frame[1] = with_frame;
        std::memcpy(frame.data() + 14, &header, sizeof header);
        LIBBPF_OPTS(bpf_test_run_opts, run, .data_in = frame.data(), .data_size_in = static_cast<__u32>(frame.size()));
        EXPECT_EQ(bpf_prog_test_run_opts(bpf_program__fd(skeleton_->progs.emit), &run), 0) << std::strerror(errno);
        return static_cast<int>(run.retval);
    }

    emit_bpf* skeleton_ = nullptr;
    std::vector<Seen> seen_;
};

TEST_F(EventRing, HandsOverTheStructAndNoFrameWhereThereIsNone) {
    Events events = open();
    ASSERT_EQ(emit({.type = EVENT_LEARN_MAC, .segment = 7, .ifindex = 12}), TC_ACT_OK);
    ASSERT_TRUE(events.receive());
    ASSERT_EQ(seen_.size(), 1u);
    EXPECT_EQ(seen_[0].header.segment, 7);
    EXPECT_EQ(seen_[0].header.ifindex, 12u);
    EXPECT_TRUE(seen_[0].frame.empty());
}

TEST_F(EventRing, CutsTheKernelsPaddingOffTheFrame) {
    Events events = open();
    std::size_t at = 0;
    for (std::uint32_t bytes = 97; bytes <= 106; ++bytes, ++at) {
        ASSERT_EQ(emit({.type = EVENT_FLOOD, .frame_bytes = bytes}, bytes, true), TC_ACT_OK);
        ASSERT_TRUE(events.receive());
        ASSERT_EQ(seen_.size(), at + 1);
        EXPECT_EQ(seen_[at].frame.size(), bytes);
        EXPECT_EQ(seen_[at].frame.back(), static_cast<std::uint8_t>(bytes - 1));
    }
    EXPECT_EQ(events.malformed(), 0u);
}

// TEST_RUN makes no skb beyond a page.
TEST_F(EventRing, CarriesAFrameLongerThanAnOrdinaryOne) {
    Events events = open();
    ASSERT_EQ(emit({.type = EVENT_FLOOD, .frame_bytes = 3000}, 3000, true), TC_ACT_OK);
    ASSERT_TRUE(events.receive());
    ASSERT_EQ(seen_.size(), 1u);
    EXPECT_EQ(seen_[0].frame.size(), 3000u);
}

TEST_F(EventRing, CountsAndIgnoresRecordsThatAreNoEvents) {
    Events events = open();
    ASSERT_EQ(emit({.type = EVENT_LEARN_MAC}, 100, false, 24), TC_ACT_OK);
    ASSERT_EQ(emit({.type = EVENT_FLOOD, .frame_bytes = 500}), TC_ACT_OK);
    ASSERT_TRUE(events.receive());
    EXPECT_TRUE(seen_.empty());
    EXPECT_EQ(events.malformed(), 2u);
}

TEST_F(EventRing, TellsTheProgramWhenTheRingIsFullAndGoesOn) {
    Events events = open();
    std::size_t written = 0;
    while (written < 100'000 && emit({.type = EVENT_LEARN_MAC}) == TC_ACT_OK) ++written;
    ASSERT_LT(written, 100'000u);
    for (int i = 0; i < 100 && seen_.size() < written; ++i) ASSERT_TRUE(events.receive());
    EXPECT_EQ(seen_.size(), written);
    seen_.clear();
    ASSERT_EQ(emit({.type = EVENT_LEARN_MAC, .segment = 9}), TC_ACT_OK);
    ASSERT_TRUE(events.receive());
    ASSERT_EQ(seen_.size(), 1u);
    EXPECT_EQ(seen_[0].header.segment, 9);
}

TEST_F(EventRing, TakesTheRingsOverFromADaemonThatDied) {
    {
        Events earlier = open();
        ASSERT_EQ(emit({.type = EVENT_LEARN_MAC}), TC_ACT_OK);
    }
    EXPECT_EQ(emit({.type = EVENT_LEARN_MAC}), TC_ACT_SHOT) << "nobody reads";
    Events later = open();
    ASSERT_EQ(emit({.type = EVENT_LEARN_MAC, .segment = 3}), TC_ACT_OK);
    ASSERT_TRUE(later.receive());
    EXPECT_EQ(seen_.size(), 1u);
}

// As the header asks: the wait is armed, then the rings are read. The other way round some records of bursts like these
// lie in the ring until the next one.
TEST_F(EventRing, LeavesNoRecordLyingWhenTheWaitIsArmedFirst) {
    Events events = open();
    asio::io_context loop;
    asio::posix::stream_descriptor descriptor(loop, fcntl(events.fd(), F_DUPFD_CLOEXEC, 3));
    std::function<void()> wait = [&] {
        descriptor.async_wait(asio::posix::stream_descriptor::wait_read, [&](auto error) {
            if (error) return;
            wait();
            ASSERT_TRUE(events.receive());
        });
    };
    wait();
    // Bursts from another thread, so that records come at any moment of the loop's turn.
    for (int round = 0; round < 1000; ++round) {
        std::size_t emitted = 0;
        seen_.clear();
        std::thread writer([&] {
            for (int i = 0; i < 1 + round % 4; ++i) emitted += emit({.type = EVENT_LEARN_MAC}) == TC_ACT_OK;
        });
        const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(2);
        while (seen_.size() < static_cast<std::size_t>(1 + round % 4) && std::chrono::steady_clock::now() < end)
            loop.run_one_for(std::chrono::seconds(2));
        writer.join();
        ASSERT_EQ(seen_.size(), emitted) << "in round " << round;
    }
}

}  // namespace
}  // namespace weft

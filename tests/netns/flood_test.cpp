// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// The daemon's copies on a real wire: exactly one per remote from the given position on.
#include "flood.hpp"

#include <gtest/gtest.h>

#include <set>

#include "frame.hpp"
#include "netns.hpp"
#include "nexthops.hpp"
#include "test_tables.hpp"

namespace weft {
namespace {

using namespace test;

constexpr std::uint16_t SEGMENT = 3;
constexpr std::uint32_t PORTS = 2;

class FlooderTest : public testing::Test {
protected:
    void SetUp() override {
        if (geteuid() != 0) GTEST_SKIP() << "needs root for network namespaces";
        ASSERT_TRUE(host_ && wire_);
        ASSERT_TRUE(host_.run("ip link add a0 type veth peer name r0 netns " + wire_.name() + " && ip link set a0 up"));
        ASSERT_TRUE(wire_.run("ip link set r0 up"));
        auto tables = make_tables(4096);
        ASSERT_TRUE(tables) << tables.error().what;
        tables_.emplace(std::move(*tables));
        auto flooder = host_.in([&] { return Flooder::open(*tables_); });
        ASSERT_TRUE(flooder) << flooder.error().what;
        flooder_.emplace(std::move(*flooder));
        ifindex_ = host_.in([] { return if_nametoindex("a0"); });
    }

    // Remote i has VNI i, so that the copies tell for whom they are.
    nexthop hop(std::uint32_t i) {
        Vtep vtep;
        vtep.address = ip("192.0.2.1");
        Path path;
        path.ifindex = ifindex_;
        path.mtu = 1500;
        path.resolved = true;
        return make_nexthop(vtep, ip("192.0.2.2"), i, path);
    }

    void list(std::uint32_t remotes) {
        segment row{
            .vni = 5001, .flags = SEGMENT_IN_USE, .flood_bank = 1, .flood_ports = PORTS, .flood_remotes = remotes};
        ASSERT_TRUE(tables_->segments.put(SEGMENT, row));
        for (std::uint32_t i = 0; i < remotes; ++i) {
            ASSERT_TRUE(tables_->floods.put({SEGMENT, 1, PORTS + i}, i + 1));
            ASSERT_TRUE(tables_->nexthops.put(i + 1, hop(i)));
        }
    }

    void flood(std::uint32_t first, std::uint16_t flags = 0) {
        event event{.type = EVENT_FLOOD, .segment = SEGMENT, .flags = flags, .first_remote = first};
        flooder_->handle(event, frame_);
    }

    // VNIs of the copies on the wire; a frame of our own behind them tells that no more comes.
    std::multiset<std::uint32_t> arrived(const PacketSocket& wire, const PacketSocket& host) {
        std::multiset<std::uint32_t> out;
        const auto mark = frame(Eth{.type = 0x88b6}, payload(46));
        EXPECT_TRUE(host.send(mark));
        for (;;) {
            const auto got = wire.receive([&](std::span<const std::uint8_t> f) {
                return std::ranges::equal(f, mark) || f.size() == VXLAN4_OVERHEAD_BYTES + frame_.size();
            });
            if (!got || *got == mark) return out;
            EXPECT_EQ(cut(*got, VXLAN4_OVERHEAD_BYTES), frame_);
            out.insert(static_cast<std::uint32_t>((*got)[46] << 16 | (*got)[47] << 8 | (*got)[48]));
        }
    }

    Netns host_{"host"}, wire_{"wire"};
    std::optional<Tables> tables_;
    std::optional<Flooder> flooder_;
    std::uint32_t ifindex_ = 0;
    Bytes frame_ = frame(Eth{.dst = "ff:ff:ff:ff:ff:ff"}, Arp{});
};

TEST_F(FlooderTest, SendsOneCopyToEachRemoteBehindTheKernelsShare) {
    list(1500);
    const PacketSocket wire(wire_, "r0"), host(host_, "a0");
    flood(MAX_KERNEL_FLOOD);
    std::multiset<std::uint32_t> expected;
    for (std::uint32_t i = MAX_KERNEL_FLOOD; i < 1500; ++i) expected.insert(i);
    EXPECT_EQ(arrived(wire, host), expected);
    EXPECT_EQ(flooder_->counters().copies, 1500u - MAX_KERNEL_FLOOD);
}

TEST_F(FlooderTest, ARemoteThatCannotBeReachedCostsTheOthersNothing) {
    list(6);
    auto unresolved = hop(1), small = hop(2), gone = hop(3);
    unresolved.flags = NEXTHOP_IN_USE;
    small.mtu = static_cast<std::uint16_t>(VXLAN4_OVERHEAD_BYTES - 14 + frame_.size() - 1);
    gone.ifindex = 99;
    ASSERT_TRUE(tables_->nexthops.put(2, unresolved) && tables_->nexthops.put(3, small) &&
                tables_->nexthops.put(4, gone));
    const PacketSocket wire(wire_, "r0"), host(host_, "a0");
    flood(0);
    EXPECT_EQ(arrived(wire, host), (std::multiset<std::uint32_t>{0, 4, 5}));
    const auto& counters = flooder_->counters();
    EXPECT_EQ(counters.frames, 1u);
    EXPECT_EQ(counters.copies, 3u);
    EXPECT_EQ(counters.unresolved, 1u);
    EXPECT_EQ(counters.too_big, 1u);
    EXPECT_EQ(counters.send_failed, 1u);
}

TEST_F(FlooderTest, NeverSendsBackIntoTheMesh) {
    list(4);
    const PacketSocket wire(wire_, "r0"), host(host_, "a0");
    flood(0, EVENT_FLAG_TUNNEL);
    EXPECT_TRUE(arrived(wire, host).empty());
}

TEST_F(FlooderTest, AnEmptySegmentOrAShortFrameIsNothing) {
    const PacketSocket wire(wire_, "r0"), host(host_, "a0");
    flood(0);
    frame_.resize(13);
    list(2);
    flood(0);
    EXPECT_EQ(flooder_->counters().copies, 0u);
}

}  // namespace
}  // namespace weft

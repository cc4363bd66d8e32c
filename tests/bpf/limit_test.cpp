// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Rates of port groups that delay: the time of its turn that a frame leaves with, and when it has none.
#include <gtest/gtest.h>
#include <time.h>

#include "bpf/bench.hpp"

namespace weft::test {
namespace {

const Mac a = mac("02:00:00:00:00:01"), b = mac("02:00:00:00:00:02"), c = mac("02:00:00:00:00:03");
constexpr std::uint64_t SECOND = 1'000'000'000, FRAME_BYTES = 1000;

std::uint64_t now_ns() {
    timespec now{};
    clock_gettime(CLOCK_MONOTONIC, &now);
    return static_cast<std::uint64_t>(now.tv_sec) * SECOND + static_cast<std::uint64_t>(now.tv_nsec);
}

// A frame of 1000 bytes takes a second of this rate, and there is no bucket.
rate slow(std::uint64_t delay_ns) {
    return {.average_cost = (SECOND << 16) / FRAME_BYTES, .peak_cost = 0, .burst_ns = 0, .delay_ns = delay_ns};
}

void limit(Rig& rig, const Link& port, Account account, const rate& from, const rate& to) {
    policy row{};
    row.flags = POLICY_IN_USE;
    row.from_port = from;
    row.to_port = to;
    ASSERT_TRUE(rig.tables().policies.put(account, row));
    ASSERT_TRUE(rig.tables().devices.put(
        port.ifindex, {port.ifindex, account, 1, DEVICE_PORT, 9000, 0, static_cast<__u16>(account)}));
}

Bytes packet(const Mac& dst) { return frame(Eth{.dst = dst, .src = a}, Ip4{}, Udp{}, payload(FRAME_BYTES - 42)); }

TEST(Delay, GivesEachFrameItsTurnUntilTheWaitIsTooLong) {
    NEED_RIG(rig, {});
    rig->learn_port(a, rig->p1);
    rig->learn_remote(b, HOP_2);
    limit(*rig, rig->p1, ACCOUNT_P1, slow(5 * SECOND / 2), {});
    const std::uint64_t start = now_ns();
    EXPECT_EQ(rig->run("from_port_tc", packet(b), rig->p1).departs_ns, 0u) << "the first is in time";
    for (std::uint64_t turn = 1; turn <= 2; ++turn) {
        const Outcome out = rig->run("from_port_tc", packet(b), rig->p1);
        EXPECT_EQ(name_of(out.why), "TX_REMOTE");
        EXPECT_GE(out.departs_ns, start + turn * SECOND);
        EXPECT_LE(out.departs_ns, now_ns() + turn * SECOND);
    }
    const Outcome late = rig->run("from_port_tc", packet(b), rig->p1);
    EXPECT_EQ(name_of(late.why), "DROP_RATE_FROM") << "three seconds are more than it may wait";
}

TEST(Delay, TowardsAPortToo) {
    NEED_RIG(rig, {});
    rig->learn_port(a, rig->p1);
    rig->learn_port(c, rig->p2);
    limit(*rig, rig->p2, ACCOUNT_P2, {}, slow(3 * SECOND / 2));
    EXPECT_EQ(rig->run("from_port_tc", packet(c), rig->p1).departs_ns, 0u);
    EXPECT_GT(rig->run("from_port_tc", packet(c), rig->p1).departs_ns, now_ns());
    EXPECT_EQ(name_of(rig->run("from_port_tc", packet(c), rig->p1).why), "DROP_RATE_TO");
}

TEST(Delay, IsNotForARateThatDrops) {
    NEED_RIG(rig, {});
    rig->learn_port(a, rig->p1);
    rig->learn_remote(b, HOP_2);
    limit(*rig, rig->p1, ACCOUNT_P1, slow(0), {});
    EXPECT_EQ(rig->run("from_port_tc", packet(b), rig->p1).departs_ns, 0u);
    EXPECT_EQ(name_of(rig->run("from_port_tc", packet(b), rig->p1).why), "DROP_RATE_FROM");
}

// The kernel keeps departure times of IP packets only.
TEST(Delay, LeavesWhatIsNotIpUnpaced) {
    NEED_RIG(rig, {});
    rig->learn_port(a, rig->p1);
    rig->learn_port(c, rig->p2);
    limit(*rig, rig->p1, ACCOUNT_P1, slow(9 * SECOND), {});
    const Bytes other = frame(Eth{.dst = c, .src = a, .type = 0x88b6}, payload(FRAME_BYTES - 14));
    for (int i = 0; i < 3; ++i) {
        const Outcome out = rig->run("from_port_tc", other, rig->p1);
        EXPECT_EQ(name_of(out.why), "TX_LOCAL");
        EXPECT_EQ(out.departs_ns, 0u);
    }
}

}  // namespace
}  // namespace weft::test

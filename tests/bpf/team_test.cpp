// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Copies that a physical switch brings by several NICs of a team, whatever becomes of the NICs meanwhile.
#include <gtest/gtest.h>
#include <time.h>

#include <chrono>
#include <thread>

#include "bpf/bench.hpp"

namespace weft::test {
namespace {

constexpr std::uint32_t CIRCUIT = 1;
constexpr std::uint16_t TEAM = 1;
constexpr std::uint64_t LONG_AGO = 1;
const Mac server = mac("02:00:00:00:00:99"), guest = mac("02:00:00:00:00:01");

std::uint64_t now_ns() {
    timespec now{};
    clock_gettime(CLOCK_MONOTONIC, &now);
    return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<std::uint64_t>(now.tv_nsec);
}

Bytes broadcast(std::uint16_t number) {
    return frame(Eth{.dst = "ff:ff:ff:ff:ff:ff", .src = server}, Ip4{}, Udp{.sport = number}, payload(40));
}

// A VLAN-backed segment on the NICs u and p2.
class TeamCopies : public testing::Test {
protected:
    void SetUp() override {
        std::string why_not;
        rig_ = Rig::make({}, why_not);
        if (!rig_) GTEST_SKIP() << why_not;
        circuit circuit{};
        circuit.segment = 1;
        circuit.account = ACCOUNT_S1;
        circuit.flags = CIRCUIT_IN_USE;
        circuit.team = TEAM;
        ASSERT_TRUE(rig_->tables().circuits.put(CIRCUIT, circuit));
        const std::uint32_t nic = rig_->p2.ifindex;
        ASSERT_TRUE(rig_->tables().devices.put(nic, {nic, ACCOUNT_P2, 0, DEVICE_UPLINK, 1500, 0, 0}));
    }
    void receive_by(const Link& nic, std::uint64_t changed_ns, std::uint16_t policy = TEAM_BY_PORT,
                    std::uint16_t moved = 0) {
        team team{};
        team.flags = static_cast<std::uint16_t>(TEAM_IN_USE | TEAM_SEVERAL | policy);
        team.receiver = nic.ifindex;
        team.changed_ns = changed_ns;
        team.moved = moved;
        std::ranges::fill(team.uplinks, nic.ifindex);
        ASSERT_TRUE(rig_->tables().teams.put(TEAM, team));
    }
    std::string arrive(const Bytes& in, const Link& nic) {
        return name_of(rig_->run("from_vlan_tc", in, nic, {.circuit = CIRCUIT}).why);
    }
    const Link& u() const { return rig_->u; }
    const Link& v() const { return rig_->p2; }

    std::unique_ptr<Rig> rig_;
};

TEST_F(TeamCopies, AreThoseThatTheReceiverDoesNotBring) {
    receive_by(u(), LONG_AGO);
    EXPECT_EQ(arrive(broadcast(1), v()), "DROP_TEAM_COPY");
    EXPECT_EQ(arrive(broadcast(1), u()), "TX_FLOOD");
    EXPECT_EQ(arrive(broadcast(1), u()), "TX_FLOOD") << "the server sent it again";
    EXPECT_EQ(arrive(broadcast(1), v()), "DROP_TEAM_COPY");
}

// The copies of 1, 2 and 3 were in the queues of both NICs when u failed.
TEST_F(TeamCopies, AreKnownWhenTheReceiverChangesBetweenThem) {
    receive_by(u(), LONG_AGO);
    EXPECT_EQ(arrive(broadcast(1), u()), "TX_FLOOD");
    receive_by(v(), now_ns());
    EXPECT_EQ(arrive(broadcast(1), v()), "DROP_TEAM_COPY");
    EXPECT_EQ(arrive(broadcast(2), v()), "TX_FLOOD");
    EXPECT_EQ(arrive(broadcast(2), u()), "DROP_TEAM_COPY");
    EXPECT_EQ(arrive(broadcast(3), u()), "TX_FLOOD") << "v may have brought it while u was the receiver";
    EXPECT_EQ(arrive(broadcast(3), v()), "DROP_TEAM_COPY");
}

TEST_F(TeamCopies, AreNoneOfWhatIsSentAgainLater) {
    receive_by(u(), LONG_AGO);
    EXPECT_EQ(arrive(broadcast(1), u()), "TX_FLOOD");
    receive_by(v(), now_ns());
    std::this_thread::sleep_for(std::chrono::milliseconds(ARRIVAL_MS + 20));
    EXPECT_EQ(arrive(broadcast(1), v()), "TX_FLOOD");
    EXPECT_EQ(arrive(broadcast(2), u()), "DROP_TEAM_COPY") << "v is the receiver by now";
}

TEST_F(TeamCopies, BehindAnAggregationEachLinkBringsWhatItAloneDoes) {
    receive_by(u(), LONG_AGO, TEAM_BY_FLOW);
    EXPECT_EQ(arrive(broadcast(1), v()), "TX_FLOOD");
    EXPECT_EQ(arrive(broadcast(2), u()), "TX_FLOOD");
    EXPECT_EQ(arrive(broadcast(1), u()), "DROP_TEAM_COPY") << "the links are no aggregation at the switch's end";
}

TEST_F(TeamCopies, OfAUnicastAreThoseThatTheGuestsOwnNicDoesNotBring) {
    const Bytes in = frame(Eth{.dst = guest, .src = server}, Ip4{}, Udp{}, payload(40));
    rig_->learn_port(guest, rig_->p1);
    receive_by(u(), LONG_AGO);
    EXPECT_EQ(arrive(in, v()), "DROP_TEAM_COPY");
    EXPECT_EQ(arrive(in, u()), "TX_LOCAL");
    receive_by(v(), now_ns(), TEAM_BY_PORT, 0xffff);
    EXPECT_EQ(arrive(in, u()), "TX_LOCAL") << "the switch does not know yet that the guest moved to v";
    EXPECT_EQ(arrive(in, v()), "DROP_TEAM_COPY") << "or floods";
}

}  // namespace
}  // namespace weft::test

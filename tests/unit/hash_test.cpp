// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// bpf/hash.h as it builds natively: the outer source port of an inner flow.
#include "hash.h"

#include <gtest/gtest.h>

#include <array>
#include <functional>
#include <memory>
#include <set>

#include "frame.hpp"

namespace weft::test {
namespace {

std::uint16_t port_of(const Bytes& bytes) { return flow_source_port(bytes.data(), bytes.data() + bytes.size()); }

Bytes flow(std::uint16_t sport, const char* src = "198.51.100.1") {
    return frame(Eth{}, Ip4{.src = src}, Udp{.sport = sport}, payload(20));
}

TEST(SourcePort, IsInTheRangeOfRfc7348) {
    for (std::uint16_t sport = 1; sport < 2000; sport++) EXPECT_GE(port_of(flow(sport)), SOURCE_PORT_MIN);
}

TEST(SourcePort, IsTheSameForEveryPacketOfAFlow) {
    const auto port = port_of(frame(Eth{}, Ip4{.id = 1}, Tcp{.seq = 1}, payload(100)));
    EXPECT_EQ(port_of(frame(Eth{}, Ip4{.ttl = 3, .tos = 9, .id = 2}, Tcp{.seq = 999, .flags = 1}, payload(7))), port);
    EXPECT_EQ(port_of(frame(Eth{}, Vlan{.id = 7}, Ip4{}, Tcp{})), port) << "a tag makes no other flow";
    EXPECT_EQ(port_of(frame(Eth{}, Ip4{.options = {1, 1, 1, 1}}, Tcp{})), port) << "options neither";
}

TEST(SourcePort, DiffersByEachFieldOfTheTuple) {
    const std::set<std::uint16_t> ports = {
        port_of(flow(1)),
        port_of(flow(2)),
        port_of(flow(1, "198.51.100.9")),
        port_of(frame(Eth{}, Ip4{.dst = "198.51.100.9"}, Udp{.sport = 1})),
        port_of(frame(Eth{}, Ip4{}, Udp{.sport = 1, .dport = 10})),
        port_of(frame(Eth{}, Ip4{}, Tcp{.sport = 1, .dport = 9})),
        port_of(frame(Eth{}, Ip4{}, Icmp4{})),
        port_of(frame(Eth{}, Ip6{}, Udp{.sport = 1})),
        port_of(frame(Eth{}, Ip6{.src = "2001:db8::9"}, Udp{.sport = 1})),
        port_of(frame(Eth{}, Arp{})),
        port_of(frame(Eth{.src = "02:00:00:00:00:09"}, Arp{})),
    };
    EXPECT_EQ(ports.size(), 11u);
}

TEST(FlowId, IsNeverZeroAndStaysWithTheFlow) {
    std::set<std::uint8_t> ids;
    for (std::uint16_t sport = 1; sport < 4000; sport++) {
        const Bytes one = flow(sport), other = frame(Eth{}, Ip4{.ttl = 3}, Udp{.sport = sport}, payload(300));
        const auto id = flow_id(one.data(), one.data() + one.size());
        EXPECT_EQ(flow_id(other.data(), other.data() + other.size()), id);
        ids.insert(id);
    }
    EXPECT_EQ(ids.size(), 255u);
    EXPECT_FALSE(ids.contains(0));
}

TEST(SourcePort, IsTheSameForAllFragmentsOfAPacket) {
    const auto first = port_of(frame(Eth{}, Ip4{.mf = true, .id = 7}, Udp{.sport = 5}, payload(64)));
    EXPECT_EQ(port_of(frame(Eth{}, Ip4{.fragment = 9, .id = 7, .protocol = 17}, payload(64))), first);
    const auto first6 = port_of(frame(Eth{}, Ip6{}, Ip6Fragment{.more = true}, Udp{}, payload(64)));
    EXPECT_EQ(port_of(frame(Eth{}, Ip6{}, Ip6Fragment{.offset = 9, .next = 17}, payload(64))), first6);
}

// 64 paths of the underlay by the port's low bits: the usual bound for chi square with 63 degrees of freedom is 103 at
// 0.1 %.
void expect_spread(const std::function<Bytes(unsigned)>& make) {
    std::array<unsigned, 64> seen{};
    constexpr unsigned count = 6400;
    for (unsigned i = 0; i < count; i++) seen[port_of(make(i)) % seen.size()]++;
    double chi_square = 0;
    for (const double n : seen) chi_square += (n - 100) * (n - 100) / 100;
    EXPECT_LT(chi_square, 103);
}

TEST(SourcePort, SpreadsFlowsThatDifferByAPort) {
    expect_spread([](unsigned i) { return flow(static_cast<std::uint16_t>(10000 + i)); });
}

TEST(SourcePort, SpreadsHostsThatDifferByTheLastBytes) {
    expect_spread([](unsigned i) { return frame(Eth{}, Ip4{.src = Ip::v4(0xc6120000 + i)}, Udp{}); });
}

TEST(SourcePort, SpreadsFramesThatAreNotIp) {
    expect_spread([](unsigned i) {
        Bytes f = frame(Eth{}, Arp{});
        f[10] = static_cast<std::uint8_t>(i >> 8);
        f[11] = static_cast<std::uint8_t>(i);
        return f;
    });
}

// Headers cut off anywhere: a port all the same, and no read beyond the block.
TEST(SourcePort, SurvivesTruncationAtEveryByte) {
    for (const auto& whole : {frame(Eth{}, Vlan{}, Ip4{.options = {1, 1, 1, 1}}, Tcp{}), frame(Eth{}, Ip6{}, Tcp{})})
        for (std::size_t bytes = 0; bytes <= whole.size(); bytes++) {
            const auto exact = std::make_unique<std::uint8_t[]>(bytes);
            std::copy_n(whole.begin(), bytes, exact.get());
            EXPECT_GE(flow_source_port(exact.get(), exact.get() + bytes), SOURCE_PORT_MIN);
        }
}

}  // namespace
}  // namespace weft::test

// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// bpf/tuple.h as it builds natively: what rules see of a frame. Each frame lies in a heap block of its own length, so
// that a sanitizer sees a read beyond it.
#include "tuple.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>

#include "frame.hpp"

namespace weft::test {
namespace {

struct Read {
    enum reading reading;
    tuple packet;
    tuple quoted;
};

Read read(const Bytes& bytes) {
    const std::unique_ptr<std::uint8_t[]> exact(new std::uint8_t[bytes.size()]);
    std::copy(bytes.begin(), bytes.end(), exact.get());
    Read out{};
    out.reading = read_tuple(exact.get(), exact.get() + bytes.size(), &out.packet, &out.quoted);
    return out;
}

TEST(Tuple, HasPortsBehindOptionsAndExtensionsAndTags) {
    const Bytes all[] = {
        frame(Eth{}, Ip4{.tos = 0xb8}, Tcp{.sport = 1, .dport = 2}),
        frame(Eth{}, Vlan{}, Ip4{.tos = 0xb8}, Tcp{.sport = 1, .dport = 2}),
        frame(Eth{}, Vlan{.tpid = 0x88a8}, Vlan{}, Ip4{.tos = 0xb8, .options = Bytes(40, 1)},
              Tcp{.sport = 1, .dport = 2}),
        frame(Eth{}, Ip6{.traffic_class = 0xb8}, Ip6HopByHop{}, Ip6Fragment{.more = true}, Tcp{.sport = 1, .dport = 2}),
    };
    for (const Bytes& bytes : all) {
        const Read out = read(bytes);
        ASSERT_EQ(out.reading, TUPLE_IS);
        EXPECT_EQ(ntohs(out.packet.source_port), 1);
        EXPECT_EQ(ntohs(out.packet.destination_port), 2);
        EXPECT_EQ(out.packet.protocol, 6);
        EXPECT_EQ(out.packet.dscp, 46);
    }
}

TEST(Tuple, SaysWhatTcpDoes) {
    const auto flags = [](std::uint8_t tcp) { return read(frame(Eth{}, Ip4{}, Tcp{.flags = tcp})).packet.flags; };
    EXPECT_EQ(flags(0x02), TUPLE_OPENS);
    EXPECT_EQ(flags(0xc2), TUPLE_OPENS) << "with ECN";
    EXPECT_EQ(flags(0x12), TUPLE_ACK);
    EXPECT_EQ(flags(0x11), TUPLE_ACK | TUPLE_FIN);
    EXPECT_EQ(flags(0x04), TUPLE_RST);
    EXPECT_EQ(flags(0x03), TUPLE_FIN) << "nothing begins and ends at once";
}

TEST(Tuple, OfAnErrorIsThatOfThePacketItQuotesTurnedRound) {
    const Bytes about =
        frame(Eth{}, Ip4{.src = "198.51.100.1", .dst = "203.0.113.7"}, Udp{.sport = 1000, .dport = 53}, payload(8));
    const Read out =
        read(frame(Eth{}, Ip4{.src = "192.0.2.1", .dst = "198.51.100.1"}, Icmp4{.type = 3}, Payload{cut(about, 14)}));
    ASSERT_EQ(out.reading, TUPLE_IS);
    EXPECT_EQ(out.packet.flags, TUPLE_ERROR | TUPLE_LOOSE | TUPLE_QUOTES);
    EXPECT_EQ(Ip::of(out.quoted.source).text(), "203.0.113.7");
    EXPECT_EQ(Ip::of(out.quoted.destination).text(), "198.51.100.1");
    EXPECT_EQ(ntohs(out.quoted.source_port), 53);
    EXPECT_EQ(ntohs(out.quoted.destination_port), 1000);
    EXPECT_EQ(out.quoted.protocol, 17);
}

TEST(Tuple, IsNoneOfArpAndNeighborDiscovery) {
    EXPECT_EQ(read(frame(Eth{}, Arp{})).reading, TUPLE_NONE);
    EXPECT_EQ(read(frame(Eth{}, Ip6{.hops = 255}, Ns{})).reading, TUPLE_NONE);
    EXPECT_EQ(read(frame(Eth{.type = 0x88b6}, payload(46))).reading, TUPLE_NONE);
    EXPECT_EQ(read(frame(Eth{}, Vlan{}, Vlan{}, Vlan{}, Ip4{}, Tcp{})).reading, TUPLE_BROKEN) << "nobody knows";
}

// Whatever is missing is missed, and never read.
TEST(Tuple, IsCutWhereTheFrameEnds) {
    const Bytes about = frame(Eth{}, Ip6{}, Udp{}, payload(8));
    const Bytes whole[] = {frame(Eth{}, Ip4{.options = Bytes(8, 1)}, Tcp{}), frame(Eth{}, Ip6{}, Ip6HopByHop{}, Tcp{}),
                           frame(Eth{}, Ip4{}, Udp{}), frame(Eth{}, Ip4{}, Icmp4{})};
    const std::size_t needed[] = {14 + 28 + 14, 14 + 48 + 14, 14 + 20 + 4, 14 + 20 + 6};
    for (std::size_t i = 0; i < 4; ++i)
        for (std::size_t bytes = 0; bytes <= whole[i].size(); ++bytes)
            EXPECT_EQ(read(cut(whole[i], 0, bytes)).reading, bytes < needed[i] ? TUPLE_CUT : TUPLE_IS)
                << i << " " << bytes;
    const Bytes error = frame(Eth{}, Ip6{}, Icmp6{.type = 1}, Payload{cut(about, 14)});
    for (std::size_t bytes = 14 + 40 + 6; bytes <= error.size(); ++bytes)
        EXPECT_EQ((read(cut(error, 0, bytes)).packet.flags & TUPLE_QUOTES) != 0, bytes >= 14 + 40 + 8 + 40 + 4)
            << bytes;
}

}  // namespace
}  // namespace weft::test

// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// The builder against bytes and sums written down by hand: everything in tests/bpf leans on it.
#include "frame.hpp"

#include <gtest/gtest.h>

namespace weft::test {
namespace {

TEST(Frame, WritesAnArpRequestAsInRfc826) {
    const Bytes expected = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2, 0,   0,  0,   0, 1, 8, 6, 0, 1, 8, 0,   6,  4,   0,
                            1,    2,    0,    0,    0,    0,    1, 198, 51, 100, 1, 0, 0, 0, 0, 0, 0, 198, 51, 100, 2};
    EXPECT_EQ(frame(Eth{.dst = "ff:ff:ff:ff:ff:ff"}, Arp{}), expected);
}

// The worked example of RFC 1071 §3: the sum of 0001 f203 f4f5 f6f7 is ddf2.
TEST(Frame, SumsAsInRfc1071) {
    const Bytes bytes = {0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7};
    EXPECT_EQ(ones_sum(bytes), 0xddf2);
    EXPECT_EQ(ones_sum(Bytes{0x12}), 0x1200) << "an odd byte is the high half";
}

TEST(Frame, FillsIp4LengthTypeProtocolAndHeaderSum) {
    const Bytes f = frame(Eth{}, Ip4{}, Udp{}, payload(10));
    EXPECT_EQ(f.size(), 14u + 20 + 8 + 10);
    EXPECT_EQ(cut(f, 12, 2), (Bytes{0x08, 0x00}));
    EXPECT_EQ(cut(f, 16, 2), (Bytes{0, 38}));
    EXPECT_EQ(f[23], 17);
    EXPECT_EQ(ones_sum(cut(f, 14, 20)), 0xffff);
}

TEST(Frame, L4SumsVerifyWithTheirPseudoHeader) {
    const Bytes four = frame(Eth{}, Ip4{}, Tcp{}, payload(11));
    EXPECT_EQ(l4_sum(ip("198.51.100.1"), ip("198.51.100.2"), 6, cut(four, 34)), 0xffff);
    const Bytes six = frame(Eth{}, Ip6{}, Udp{}, payload(7));
    EXPECT_EQ(l4_sum(ip("2001:db8::1"), ip("2001:db8::2"), 17, cut(six, 54)), 0xffff);
}

TEST(Frame, LaysATunnelRound) {
    const Bytes inner = frame(Eth{}, Ip4{}, Icmp4{}, payload(8));
    const Bytes outer = frame(Eth{}, Ip4{.src = "192.0.2.1", .dst = "192.0.2.2"}, Udp{.dport = 4789, .sum = Sum::ZERO},
                              Vxlan{.vni = 0x123456}, Eth{}, Ip4{}, Icmp4{}, payload(8));
    EXPECT_EQ(cut(outer, 50), inner);
    EXPECT_EQ(cut(outer, 42, 8), (Bytes{8, 0, 0, 0, 0x12, 0x34, 0x56, 0}));
    EXPECT_EQ(cut(outer, 40, 2), (Bytes{0, 0}));
}

TEST(Frame, PartialSumIsThePseudoHeaderAlone) {
    const Bytes f = frame(Eth{}, Ip4{}, Udp{.sum = Sum::PARTIAL}, payload(4));
    // c633 6401 c633 6402 0011 000c: two addresses, protocol 17, length 12
    EXPECT_EQ(ones_sum(cut(f, 40, 2)), ones_sum(Bytes{0xc6, 0x33, 0x64, 0x01, 0xc6, 0x33, 0x64, 0x02, 0, 17, 0, 12}));
}

TEST(Frame, WrongSumIsWrong) {
    const Bytes f = frame(Eth{}, Ip6{}, Udp{.sum = Sum::WRONG}, payload(4));
    EXPECT_NE(l4_sum(ip("2001:db8::1"), ip("2001:db8::2"), 17, cut(f, 54)), 0xffff);
}

TEST(Frame, SolicitedNodeGroupTakesTheLast24Bits) {
    EXPECT_EQ(solicited_node(ip("2001:db8::12:3456")).text(), "ff02::1:ff12:3456");
    EXPECT_EQ(multicast_mac(ip("ff02::1:ff12:3456")).text(), "33:33:ff:12:34:56");
}

}  // namespace
}  // namespace weft::test

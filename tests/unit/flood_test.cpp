// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// The daemon's copies against frames built from the RFCs by the tests' own builder.
#include "flood.hpp"

#include <gtest/gtest.h>

#include <set>

#include "frame.hpp"
#include "nexthops.hpp"

namespace weft {
namespace {

using namespace test;

const Mac OWN = mac("02:00:00:00:0a:01"), GATEWAY = mac("02:00:00:00:0a:02");

Path path() {
    Path out;
    out.ifindex = 7;
    out.source_mac = OWN;
    out.gateway_mac = GATEWAY;
    out.mtu = 1500;
    out.resolved = true;
    return out;
}

Vtep vtep(const char* address) {
    Vtep out;
    out.address = ip(address);
    return out;
}

// Inner frames of all kinds, with the same bytes before (a guest's) and after (on the wire).
struct Inner {
    const char* name;
    std::uint8_t tos;
    Bytes guest, wire;
};

std::vector<Inner> inners() {
    const Eth group{.dst = "ff:ff:ff:ff:ff:ff"};
    const auto udp4 = [&](Sum sum, std::size_t bytes) {
        return frame(group, Ip4{.tos = 0x2a}, Udp{.sum = sum}, payload(bytes));
    };
    const auto tcp6 = [&](Sum sum) { return frame(group, Ip6{.traffic_class = 0xb9}, Tcp{.sum = sum}, payload(33)); };
    const auto tagged = [&](Sum sum) {
        return frame(group, Vlan{.id = 5}, Ip4{.options = Bytes(8, 1)}, Tcp{.sum = sum}, payload(5));
    };
    const auto fragment = frame(group, Ip4{.mf = true}, Udp{.sum = Sum::PARTIAL}, payload(64));
    return {
        {"finished UDP", 0x2a, udp4(Sum::RIGHT, 20), udp4(Sum::RIGHT, 20)},
        {"partial UDP of odd length", 0x2a, udp4(Sum::PARTIAL, 21), udp4(Sum::RIGHT, 21)},
        {"UDP without checksum", 0x2a, udp4(Sum::ZERO, 20), udp4(Sum::ZERO, 20)},
        {"wrong UDP stays wrong", 0x2a, udp4(Sum::WRONG, 20), udp4(Sum::WRONG, 20)},
        {"partial TCP over IPv6", 0xb9, tcp6(Sum::PARTIAL), tcp6(Sum::RIGHT)},
        {"partial TCP behind a tag and IP options", 0, tagged(Sum::PARTIAL), tagged(Sum::RIGHT)},
        {"padding is not summed", 0x2a, udp4(Sum::PARTIAL, 4) + Bytes(18, 0xee), udp4(Sum::RIGHT, 4) + Bytes(18, 0xee)},
        {"a fragment is left alone", 0, fragment, fragment},
        {"ARP", 0, frame(group, Arp{}), frame(group, Arp{})},
        {"no known protocol", 0, frame(Eth{.type = 0x88b5}, payload(47)), frame(Eth{.type = 0x88b5}, payload(47))},
        {"neighbor solicitation", 0, frame(group, Ip6{.hops = 255}, Ns{}), frame(group, Ip6{.hops = 255}, Ns{})},
    };
}

Layer bytes(const Bytes& all) { return Payload{all}; }

TEST(Encapsulate, OverIpv4WritesWhatTheRfcsSay) {
    for (const auto& inner : inners()) {
        const config settings{.flags = CONFIG_TOS_INHERIT};
        const auto hop = make_nexthop(vtep("192.0.2.1"), ip("192.0.2.2"), 5001, path());
        const auto expected =
            frame(Eth{.dst = GATEWAY, .src = OWN}, Ip4{.src = "192.0.2.1", .dst = "192.0.2.2", .tos = inner.tos},
                  Udp{.sport = source_port(inner.guest), .dport = 4789, .sum = Sum::ZERO}, Vxlan{.vni = 5001},
                  bytes(inner.wire));
        EXPECT_EQ(encapsulate(hop, settings, inner.guest), expected) << inner.name;
    }
}

TEST(Encapsulate, OverIpv6SumsTheWholePacket) {
    for (const auto& inner : inners()) {
        const config settings{.flags = CONFIG_TOS_INHERIT | CONFIG_IPV6};
        const auto hop = make_nexthop(vtep("2001:db8::1"), ip("2001:db8::2"), 77, path());
        const auto expected =
            frame(Eth{.dst = GATEWAY, .src = OWN},
                  Ip6{.src = "2001:db8::1", .dst = "2001:db8::2", .traffic_class = inner.tos},
                  Udp{.sport = source_port(inner.guest), .dport = 4789}, Vxlan{.vni = 77}, bytes(inner.wire));
        EXPECT_EQ(encapsulate(hop, settings, inner.guest), expected) << inner.name;
    }
}

TEST(Encapsulate, OverIpv6LeavesTheSumZeroWhenTold) {
    const config settings{.flags = CONFIG_IPV6 | CONFIG_UDP6_ZERO};
    const auto inner = frame(Eth{}, Arp{});
    const auto hop = make_nexthop(vtep("2001:db8::1"), ip("2001:db8::2"), 77, path());
    const auto out = encapsulate(hop, settings, inner);
    EXPECT_EQ(cut(out, 14 + 40 + 6, 2), Bytes(2, 0));
}

TEST(Encapsulate, ByNvgreWritesWhatTheRfcSays) {
    for (const auto& inner : inners()) {
        const Gre gre{.vsid = 0xabcdef, .flow = describe({}, inner.guest).flow};
        EXPECT_NE(gre.flow, 0);
        const auto four = make_nexthop(vtep("192.0.2.1"), ip("192.0.2.2"), 0xabcdef | VSID, path());
        EXPECT_EQ(encapsulate(four, {.flags = CONFIG_TOS_INHERIT}, inner.guest),
                  frame(Eth{.dst = GATEWAY, .src = OWN}, Ip4{.src = "192.0.2.1", .dst = "192.0.2.2", .tos = inner.tos},
                        gre, bytes(inner.wire)))
            << inner.name;
        const auto six = make_nexthop(vtep("2001:db8::1"), ip("2001:db8::2"), 0xabcdef | VSID, path());
        EXPECT_EQ(
            encapsulate(six, {.flags = CONFIG_TOS_INHERIT | CONFIG_IPV6}, inner.guest),
            frame(Eth{.dst = GATEWAY, .src = OWN},
                  Ip6{.src = "2001:db8::1", .dst = "2001:db8::2", .traffic_class = inner.tos}, gre, bytes(inner.wire)))
            << inner.name;
    }
}

TEST(Encapsulate, ConfiguredDscpKeepsTheInnerEcn) {
    const auto inner = frame(Eth{}, Ip4{.tos = 0xb9}, Udp{}, payload(8));
    for (const char* address : {"192.0.2.1", "2001:db8::1"}) {
        auto own = vtep(address);
        own.tos = 0x48;
        const bool v4 = own.address.is_v4();
        const config settings{.flags = v4 ? 0u : 0u + CONFIG_IPV6};
        const auto hop = make_nexthop(own, ip(v4 ? "192.0.2.2" : "2001:db8::2"), 77, path());
        const auto out = encapsulate(hop, settings, inner);
        const int tos = v4 ? out[15] : (out[14] & 0xf) << 4 | out[15] >> 4;
        EXPECT_EQ(tos, 0x49);
        if (v4) {
            EXPECT_EQ(ones_sum(cut(out, 14, 20)), 0xffff);
        }
    }
}

TEST(Encapsulate, AFrameOfAnyLengthComesOutWhole) {
    const auto whole = frame(Eth{}, Ip6{}, Tcp{.sum = Sum::PARTIAL}, payload(40));
    const config settings{.flags = CONFIG_TOS_INHERIT};
    const auto hop = make_nexthop(vtep("192.0.2.1"), ip("192.0.2.2"), 5001, path());
    for (std::size_t length = 14; length < whole.size(); ++length) {
        const auto part = cut(whole, 0, length);
        const auto out = encapsulate(hop, settings, part);
        EXPECT_EQ(cut(out, VXLAN4_OVERHEAD_BYTES), part) << "cut at " << length;
    }
}

TEST(SourcePort, StaysWithTheFlowAndSpreadsFlows) {
    std::set<std::uint16_t> ports;
    for (std::uint16_t sport = 1000; sport < 1256; ++sport) {
        const auto port = source_port(frame(Eth{}, Ip4{}, Udp{.sport = sport}, payload(sport % 50)));
        EXPECT_EQ(port, source_port(frame(Eth{}, Ip4{}, Udp{.sport = sport}, payload(1))));
        EXPECT_GE(port, SOURCE_PORT_MIN);
        ports.insert(port);
    }
    EXPECT_GT(ports.size(), 240u);
}

TEST(NextHopHeader, OverIpv4HoldsAllThatDoesNotChange) {
    auto own = vtep("192.0.2.1");
    own.df = false;
    own.ttl = 9;
    own.tos = 0xff;
    const auto hop = make_nexthop(own, ip("198.51.100.7"), 0xabcdef, path());
    const auto expected = frame(Eth{.dst = GATEWAY, .src = OWN},
                                Ip4{.src = "192.0.2.1",
                                    .dst = "198.51.100.7",
                                    .ttl = 9,
                                    .tos = 0xfc,
                                    .df = false,
                                    .length = 0,
                                    .sum = Sum::ZERO},
                                Udp{.sport = 0, .dport = 4789, .sum = Sum::ZERO, .length = 0}, Vxlan{.vni = 0xabcdef});
    EXPECT_EQ(Bytes(hop.header, hop.header + hop.header_len), expected);
    EXPECT_EQ(ntohs(hop.csum_base), ones_sum(cut(expected, 14, 20)));
    EXPECT_EQ(hop.flags, NEXTHOP_IN_USE | NEXTHOP_RESOLVED);
    EXPECT_EQ(hop.ifindex, 7u);
    EXPECT_EQ(hop.mtu, 1500);
}

TEST(NextHopHeader, OverIpv6HoldsAllThatDoesNotChange) {
    auto way = path();
    way.xdp_tx = true;
    const auto hop = make_nexthop(vtep("2001:db8::1"), ip("2001:db8::2"), 1, way);
    auto expected = frame(Eth{.dst = GATEWAY, .src = OWN}, Ip6{.src = "2001:db8::1", .dst = "2001:db8::2", .length = 0},
                          Udp{.sport = 0, .dport = 4789, .sum = Sum::ZERO, .length = 0}, Vxlan{.vni = 1});
    EXPECT_EQ(Bytes(hop.header, hop.header + hop.header_len), expected);
    EXPECT_EQ(hop.header_len, VXLAN6_OVERHEAD_BYTES);
    EXPECT_EQ(hop.flags, NEXTHOP_IN_USE | NEXTHOP_IPV6 | NEXTHOP_RESOLVED | NEXTHOP_XDP_TX);
}

TEST(NextHopHeader, OfNvgreHasNoUdp) {
    const auto four = make_nexthop(vtep("192.0.2.1"), ip("192.0.2.2"), 5001 | VSID, path());
    const auto expected = frame(
        Eth{.dst = GATEWAY, .src = OWN},
        Ip4{.src = "192.0.2.1", .dst = "192.0.2.2", .protocol = 47, .length = 0, .sum = Sum::ZERO}, Gre{.vsid = 5001});
    EXPECT_EQ(Bytes(four.header, four.header + four.header_len), expected);
    EXPECT_EQ(four.header_len, NVGRE4_OVERHEAD_BYTES);
    EXPECT_EQ(four.vni, 5001u | VSID);
    EXPECT_EQ(ntohs(four.csum_base), ones_sum(cut(expected, 14, 20)));
    EXPECT_EQ(four.flags, NEXTHOP_IN_USE | NEXTHOP_RESOLVED | NEXTHOP_NVGRE);
    const auto six = make_nexthop(vtep("2001:db8::1"), ip("2001:db8::2"), 5001 | VSID, path());
    EXPECT_EQ(Bytes(six.header, six.header + six.header_len),
              frame(Eth{.dst = GATEWAY, .src = OWN},
                    Ip6{.src = "2001:db8::1", .dst = "2001:db8::2", .next = 47, .length = 0}, Gre{.vsid = 5001}));
    EXPECT_EQ(six.header_len, NVGRE6_OVERHEAD_BYTES);
}

TEST(NextHopHeader, AnUnresolvedOneClaimsNothing) {
    const auto none = make_nexthop(vtep("192.0.2.1"), ip("192.0.2.2"), 1, {});
    EXPECT_EQ(none.flags, NEXTHOP_IN_USE);
    Path tunnel;
    tunnel.ifindex = 3;
    tunnel.device_only = true;
    EXPECT_EQ(make_nexthop(vtep("192.0.2.1"), ip("192.0.2.2"), 1, tunnel).flags, NEXTHOP_IN_USE | NEXTHOP_DEVICE);
}

}  // namespace
}  // namespace weft

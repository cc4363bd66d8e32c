// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// The router, frame by frame: where packets to the gateway's MAC go and what becomes of them on the way, what the
// gateway answers itself, and what it says of packets that cannot go on (RFC 1812, RFC 4443, RFC 9135).
#include <gtest/gtest.h>

#include <functional>
#include <set>

#include "bpf/bench.hpp"

namespace weft::test {
namespace {

// a and b are guests of segment 1 (here, behind remote 2), c and d of segment 2. Both segments are domain 1's.
const Mac a = mac("02:00:00:00:00:01"), b = mac("02:00:00:00:00:02"), c = mac("02:00:00:00:00:03"),
          d = mac("02:00:00:00:00:04"), gateway_mac = mac("00:00:5e:00:01:01");
const char *ip_a = "198.51.100.1", *ip_c = "203.0.113.3", *ip_d = "203.0.113.4", *gate1 = "198.51.100.254",
           *gate2 = "203.0.113.254", *silent = "203.0.113.9";
const char *ip6_a = "2001:db8:1::1", *ip6_c = "2001:db8:2::3", *gate6 = "2001:db8:1::fe";
constexpr std::uint16_t DOMAIN_1 = 1, OTHER_DOMAIN = 2;

route_key key_of(const char* address, std::uint32_t bits, std::uint16_t domain = DOMAIN_1) {
    const Ip parsed = ip(address);
    route_key key{};
    key.bits = ROUTE_FIXED_BITS + (parsed.is_v4() ? 96 + bits : bits);
    key.domain = domain;
    key.family = parsed.is_v4() ? 4 : 6;
    key.ip = parsed.raw();
    return key;
}

void put_route(Rig& rig, const char* address, std::uint32_t bits, std::uint16_t kind, std::uint32_t target,
               std::uint16_t domain = DOMAIN_1) {
    const route row{.kind = kind, .origin = ORIGIN_CONFIG, .target = target};
    const route_key key = key_of(address, bits, domain);
    if (key.bits == ROUTE_HOST_BITS)
        ASSERT_TRUE(rig.tables().host_routes.put(key, row));
    else
        ASSERT_TRUE(rig.tables().routes.put(key, row));
}

void put_gateway(Rig& rig, std::uint32_t segment, const char* address4, const char* address6) {
    gateway row{};
    row.domain = DOMAIN_1;
    gateway_mac.copy_to(row.mac);
    const auto v4 = ip(address4).v4_bytes();
    std::memcpy(&row.address4, v4.data(), 4);
    row.address6 = ip(address6).raw();
    ASSERT_TRUE(rig.tables().gateways.put(segment, row));
    rig.set_flags(SEGMENT_LEARNING | SEGMENT_GATEWAY, static_cast<std::uint16_t>(segment));
    put_route(rig, address4, 32, ROUTE_LOCAL, segment);
    put_route(rig, address6, 128, ROUTE_LOCAL, segment);
}

void settle(Rig& rig) {
    put_gateway(rig, 1, gate1, gate6);
    put_gateway(rig, 2, gate2, "2001:db8:2::fe");
    put_route(rig, "198.51.100.0", 24, ROUTE_CONNECTED, 1);
    put_route(rig, "203.0.113.0", 24, ROUTE_CONNECTED, 2);
    put_route(rig, "2001:db8:1::", 64, ROUTE_CONNECTED, 1);
    put_route(rig, "2001:db8:2::", 64, ROUTE_CONNECTED, 2);
    rig.learn_port(a, rig.p1);
    rig.learn_remote(b, HOP_2);
    rig.learn_port(c, rig.p3, 2);
    rig.learn_remote(d, HOP_2_IN_SEGMENT_2, 2);
    rig.bind(ip(ip_a), a);
    rig.bind(ip(ip_c), c, ORIGIN_DYNAMIC, 2);
    rig.bind(ip(ip_d), d, ORIGIN_DYNAMIC, 2);
    rig.bind(ip(ip6_a), a);
    rig.bind(ip(ip6_c), c, ORIGIN_DYNAMIC, 2);
}

Bytes packet(const char* to, std::uint8_t ttl = 64, std::uint16_t sport = 40000) {
    return frame(Eth{.dst = gateway_mac, .src = a}, Ip4{.src = ip_a, .dst = to, .ttl = ttl}, Udp{.sport = sport},
                 payload(40));
}

Bytes packet6(const char* to, std::uint8_t hops = 64) {
    return frame(Eth{.dst = gateway_mac, .src = a}, Ip6{.src = ip6_a, .dst = to, .hops = hops}, Udp{}, payload(40));
}

std::string why(Rig& rig, const Bytes& in) { return name_of(rig.run("from_port_tc", in, rig.p1).why); }

TEST(Route, ToALocalPortOfAnotherSegmentWithTheGatewaysMacAndOneHopLess) {
    NEED_RIG(rig, {.routing = true});
    settle(*rig);
    const Outcome out = rig->run("from_port_tc", packet(ip_c), rig->p1);
    EXPECT_EQ(name_of(out.why), "TX_ROUTED");
    EXPECT_EQ(out.account, ACCOUNT_P1);
    EXPECT_EQ(out.bytes,
              frame(Eth{.dst = c, .src = gateway_mac}, Ip4{.src = ip_a, .dst = ip_c, .ttl = 63}, Udp{}, payload(40)));
    const Outcome out6 = rig->run("from_port_tc", packet6(ip6_c), rig->p1);
    EXPECT_EQ(name_of(out6.why), "TX_ROUTED");
    EXPECT_EQ(out6.bytes, frame(Eth{.dst = c, .src = gateway_mac}, Ip6{.src = ip6_a, .dst = ip6_c, .hops = 63}, Udp{},
                                payload(40)));
}

TEST(Route, ByXdpToo) {
    NEED_RIG(rig, {.routing = true});
    settle(*rig);
    rig->enable_xdp(rig->p1);
    const domain row{.name_hash = 1, .flags = DOMAIN_IN_USE, .transit = 0, .router_mac = {}, .policy_routes = 0};
    ASSERT_TRUE(rig->tables().domains.put(DOMAIN_1, row));
    for (const Bytes& in : {packet(ip_c), packet(ip_d), packet6(ip6_c)}) {
        const Outcome tc = rig->run("from_port_tc", in, rig->p1), xdp = rig->run("from_port_xdp", in, rig->p1);
        EXPECT_EQ(name_of(xdp.why), "TX_ROUTED");
        EXPECT_EQ(xdp.bytes, tc.bytes);
    }
    for (const Bytes& in : {packet(ip_c, 1), packet(silent), packet(gate1), packet("192.0.3.1"), packet("224.0.0.9")}) {
        const Outcome xdp = rig->run("from_port_xdp", in, rig->p1);
        EXPECT_EQ(name_of(xdp.why), "PASS_UP");
        EXPECT_EQ(xdp.bytes, in) << "goes up as it came";
    }
}

// The sum's arithmetic wraps at some value of the field: every TTL of a packet, each with another checksum.
TEST(Route, KeepsTheIpv4SumRightAtEachTtl) {
    NEED_RIG(rig, {.routing = true});
    settle(*rig);
    for (unsigned ttl = 2; ttl <= 255; ++ttl) {
        const auto one = static_cast<std::uint8_t>(ttl);
        const Bytes in = frame(Eth{.dst = gateway_mac, .src = a},
                               Ip4{.src = ip_a, .dst = ip_c, .ttl = one, .id = static_cast<std::uint16_t>(ttl * 257)},
                               Udp{}, payload(4));
        const Outcome out = rig->run("from_port_tc", in, rig->p1);
        ASSERT_EQ(name_of(out.why), "TX_ROUTED");
        ASSERT_EQ(out.bytes.at(22), ttl - 1);
        ASSERT_EQ(ones_sum(cut(out.bytes, 14, 20)), 0xffff) << "TTL " << ttl;
    }
}

TEST(Route, ToARemoteInTheVniOfTheNextSegment) {
    for (const bool ipv6 : {false, true}) {
        NEED_RIG(rig, {.ipv6 = ipv6, .routing = true});
        settle(*rig);
        const Outcome out = rig->run("from_port_tc", packet(ip_d), rig->p1);
        EXPECT_EQ(name_of(out.why), "TX_ROUTED");
        EXPECT_EQ(inner_of(*rig, out.bytes), frame(Eth{.dst = d, .src = gateway_mac},
                                                   Ip4{.src = ip_a, .dst = ip_d, .ttl = 63}, Udp{}, payload(40)));
        const std::size_t vni = (ipv6 ? 70 : 50) - 4;
        EXPECT_EQ(field16(out.bytes, vni), 5002 >> 8);
    }
}

TEST(Route, FromARemoteThatHasNoGatewayOfItsOwn) {
    NEED_RIG(rig, {.routing = true});
    settle(*rig);
    const Bytes inner =
        frame(Eth{.dst = gateway_mac, .src = b}, Ip4{.src = "198.51.100.2", .dst = ip_c}, Udp{}, payload(40));
    EXPECT_EQ(name_of(rig->run("from_wire_tc", tunnelled(*rig, rig->remote2, 5001, inner), rig->u).why), "TX_ROUTED");
}

// One that another host routed has the gateway's MAC as its source: delivered like any, and learned from by nobody.
TEST(Route, LearnsNothingOfTheGatewaysMac) {
    NEED_RIG(rig, {.routing = true});
    settle(*rig);
    (void)rig->events();
    const Bytes inner =
        frame(Eth{.dst = c, .src = gateway_mac}, Ip4{.src = "198.51.100.2", .dst = ip_c}, Udp{}, payload(40));
    EXPECT_EQ(name_of(rig->run("from_wire_tc", tunnelled(*rig, rig->remote2, 5002, inner), rig->u).why), "TX_LOCAL");
    EXPECT_TRUE(rig->events().empty());
    EXPECT_EQ(why(*rig, frame(Eth{.dst = c, .src = gateway_mac}, Ip4{}, Udp{}, payload(40))), "DROP_GATEWAY_SPOOFED");
}

struct Row {
    const char* name;
    Bytes in;
    const char* why;
};

TEST(Route, EndsWhatCannotGoOn) {
    NEED_RIG(rig, {.routing = true});
    settle(*rig);
    put_route(*rig, "192.0.2.0", 24, ROUTE_BLACKHOLE, 0);
    put_route(*rig, "192.0.2.128", 25, ROUTE_UNREACHABLE, 0);
    Bytes broken = packet(ip_c);
    broken.at(24) ^= 1;
    const Row rows[] = {
        // clang-format off
        {"the last hop", packet(ip_c, 1), "TX_TIME_EXCEEDED"},
        {"no hop at all", packet(ip_c, 0), "TX_TIME_EXCEEDED"},
        {"the last IPv6 hop", packet6(ip6_c, 1), "TX_TIME_EXCEEDED"},
        {"no route", packet("192.0.3.1"), "TX_UNREACHABLE"},
        {"no IPv6 route", packet6("2001:db8:77::1"), "TX_UNREACHABLE"},
        {"a blackhole", packet("192.0.2.1"), "DROP_BLACKHOLE"},
        {"a longer prefix", packet("192.0.2.129"), "TX_UNREACHABLE"},
        {"a broken header sum", broken, "DROP_NOT_ROUTABLE"},
        {"to a group", packet("224.0.0.9"), "DROP_NOT_ROUTABLE"},
        {"to loopback", packet("127.0.0.1"), "DROP_NOT_ROUTABLE"},
        {"to a link-local address", packet("169.254.1.1"), "DROP_NOT_ROUTABLE"},
        {"to an IPv6 group", packet6("ff02::5"), "DROP_NOT_ROUTABLE"},
        {"not IP", frame(Eth{.dst = gateway_mac, .src = a, .type = 0x88b6}, payload(46)), "DROP_NOT_ROUTABLE"},
        {"shorter than it says", cut(packet(ip_c), 0, 60), "DROP_NOT_ROUTABLE"},
        // clang-format on
    };
    for (const Row& row : rows) {
        SCOPED_TRACE(row.name);
        EXPECT_EQ(why(*rig, row.in), row.why);
    }
}

TEST(Route, AnErrorComesFromTheGatewaysAddressAndQuotesThePacket) {
    NEED_RIG(rig, {.routing = true});
    settle(*rig);
    const Bytes in = packet(ip_c, 1);
    const Outcome out = rig->run("from_port_tc", in, rig->p1);
    ASSERT_EQ(name_of(out.why), "TX_TIME_EXCEEDED");
    EXPECT_EQ(cut(out.bytes, 0, 14), frame(Eth{.dst = a, .src = gateway_mac, .type = 0x0800}));
    EXPECT_EQ(cut(out.bytes, 26, 8), cut(frame(Eth{}, Ip4{.src = gate1, .dst = ip_a}), 26, 8));
    EXPECT_EQ(cut(out.bytes, 34, 2), (Bytes{11, 0}));
    EXPECT_EQ(cut(out.bytes, 42), cut(in, 14, out.bytes.size() - 42)) << "the packet as it came";
    EXPECT_EQ(ones_sum(cut(out.bytes, 34)), 0xffff);
    EXPECT_EQ(ones_sum(cut(out.bytes, 14, 20)), 0xffff);
    const Outcome out6 = rig->run("from_port_tc", packet6(ip6_c, 1), rig->p1);
    ASSERT_EQ(name_of(out6.why), "TX_TIME_EXCEEDED");
    EXPECT_EQ(cut(out6.bytes, 54, 2), (Bytes{3, 0}));
    EXPECT_EQ(l4_sum(ip(gate6), ip(ip6_a), 58, cut(out6.bytes, 54)), 0xffff);
}

TEST(Route, NoErrorBegetsAnother) {
    NEED_RIG(rig, {.routing = true});
    settle(*rig);
    const Bytes error =
        frame(Eth{.dst = gateway_mac, .src = a}, Ip4{.src = ip_a, .dst = "192.0.3.1"}, Icmp4{.type = 3}, payload(28));
    EXPECT_EQ(why(*rig, error), "DROP_NO_ROUTE");
    const Bytes later =
        frame(Eth{.dst = gateway_mac, .src = a}, Ip4{.src = ip_a, .dst = ip_c, .ttl = 1, .fragment = 10}, payload(40));
    EXPECT_EQ(why(*rig, later), "DROP_TTL");
}

TEST(Route, ErrorsHaveARate) {
    NEED_RIG(rig, {.routing = true, .icmp_interval_ns = 1'000'000'000, .icmp_burst = 2});
    settle(*rig);
    EXPECT_EQ(why(*rig, packet("192.0.3.1")), "TX_UNREACHABLE");
    EXPECT_EQ(why(*rig, packet("192.0.3.1")), "TX_UNREACHABLE");
    EXPECT_EQ(why(*rig, packet("192.0.3.1")), "DROP_ERROR_LIMITED");
}

TEST(Route, TheGatewayAnswersEcho) {
    NEED_RIG(rig, {.routing = true});
    settle(*rig);
    const Outcome out = rig->run(
        "from_port_tc",
        frame(Eth{.dst = gateway_mac, .src = a}, Ip4{.src = ip_a, .dst = gate1, .ttl = 9}, Icmp4{}, payload(33)),
        rig->p1);
    EXPECT_EQ(name_of(out.why), "TX_ECHO_REPLY");
    EXPECT_EQ(out.bytes,
              frame(Eth{.dst = a, .src = gateway_mac}, Ip4{.src = gate1, .dst = ip_a}, Icmp4{.type = 0}, payload(33)));
    const Outcome out6 = rig->run(
        "from_port_tc",
        frame(Eth{.dst = gateway_mac, .src = a}, Ip6{.src = ip6_a, .dst = gate6, .hops = 9}, Icmp6{}, payload(33)),
        rig->p1);
    EXPECT_EQ(name_of(out6.why), "TX_ECHO_REPLY");
    EXPECT_EQ(out6.bytes, frame(Eth{.dst = a, .src = gateway_mac}, Ip6{.src = gate6, .dst = ip6_a}, Icmp6{.type = 129},
                                payload(33)));
    EXPECT_EQ(why(*rig, packet(gate2)), "TX_UNREACHABLE") << "nothing listens there";
}

TEST(Route, AnUnknownNeighborIsAskedForWithTheFirstFrames) {
    NEED_RIG(rig, {.routing = true});
    settle(*rig);
    (void)rig->events();
    for (int i = 0; i < HELD_FRAMES; ++i) EXPECT_EQ(why(*rig, packet(silent)), "DROP_WAITS");
    EXPECT_EQ(why(*rig, packet(silent)), "DROP_MISS") << "as many wait as may";
    const auto events = rig->events();
    ASSERT_EQ(events.size(), std::size_t{HELD_FRAMES});
    EXPECT_EQ(events[0].type, EVENT_MISS);
    EXPECT_EQ(events[0].toward, 2u);
    EXPECT_EQ(events[0].segment, 1u);
    EXPECT_EQ(Ip::of(events[0].ip), ip(silent));
    EXPECT_EQ(events[0].frame_bytes, packet(silent).size());
    EXPECT_EQ(name_of(rig->run("from_port_tc", packet("203.0.113.10"), rig->p1, {.gso_bytes = 20}).why), "DROP_MISS")
        << "a super-frame cannot wait";
}

TEST(Route, ANeighborThatWasGivenUpIsUnreachable) {
    NEED_RIG(rig, {.routing = true});
    settle(*rig);
    const neighbor row{.mac = {}, .origin = ORIGIN_DYNAMIC, .flags = NEIGHBOR_FAILED, .used_s = 0, .nexthop = 0};
    ASSERT_TRUE(rig->tables().neighbors.put({2, ip(silent).raw()}, row));
    const Outcome out = rig->run("from_port_tc", packet(silent), rig->p1);
    EXPECT_EQ(name_of(out.why), "TX_UNREACHABLE");
    EXPECT_EQ(cut(out.bytes, 34, 2), (Bytes{3, 1})) << "host unreachable";
}

// The shares of a group, by flows: each flow by one path.
TEST(Route, FlowsShareTheNextHopsOfARoute) {
    NEED_RIG(rig, {.routing = true});
    settle(*rig);
    path_group group{};
    for (std::uint32_t slot = 0; slot < PATH_SLOTS; ++slot) group.paths[slot] = 1 + slot % 2;
    ASSERT_TRUE(rig->tables().path_groups.put(1, group));
    for (std::uint32_t row = 1; row <= 2; ++row)
        ASSERT_TRUE(rig->tables().paths.put(row, {ip(row == 1 ? ip_c : ip_d).raw(), 2, 0, 0}));
    put_route(*rig, "0.0.0.0", 0, ROUTE_GROUP, 1);
    std::size_t local = 0;
    for (std::uint16_t flow = 0; flow < 200; ++flow) {
        const Bytes in = packet("192.0.3.1", 64, static_cast<std::uint16_t>(40000 + flow));
        const bool first = rig->run("from_port_tc", in, rig->p1).bytes.size() == in.size();
        EXPECT_EQ(rig->run("from_port_tc", in, rig->p1).bytes.size() == in.size(), first) << "flow " << flow;
        local += first;
    }
    EXPECT_GT(local, 70u);
    EXPECT_LT(local, 130u);
}

TEST(Route, DomainsMeetOnlyByALeak) {
    NEED_RIG(rig, {.routing = true});
    settle(*rig);
    put_route(*rig, "192.0.2.0", 24, ROUTE_CONNECTED, 2, OTHER_DOMAIN);
    rig->bind(ip("192.0.2.7"), c, ORIGIN_DYNAMIC, 2);
    EXPECT_EQ(why(*rig, packet("192.0.2.7")), "TX_UNREACHABLE");
    put_route(*rig, "192.0.2.0", 24, ROUTE_LEAK, OTHER_DOMAIN);
    EXPECT_EQ(why(*rig, packet("192.0.2.7")), "TX_ROUTED");
}

TEST(Route, APolicyRouteComesBeforeTheTableButNotForTheGatewayItself) {
    NEED_RIG(rig, {.routing = true});
    settle(*rig);
    rule_list list{};
    list.flags = RULES_IN_USE;
    list.shapes = 1;
    list.shape[0] = {.family = 4, .source_bits = 128, .flags = SHAPE_PROTOCOL, .best_rank = 1};
    rule_key key{.list = 1, .protocol = 17, .family = 4};
    key.source = ip(ip_a).raw();
    ASSERT_TRUE(rig->tables().rules.put(key, {1, RULE_PATH, 0, 5, 7}));
    ASSERT_TRUE(rig->tables().rule_lists.put(1, list));
    ASSERT_TRUE(rig->tables().paths.put(7, {ip(ip_d).raw(), 2, 0, 0}));
    domain row{.name_hash = 1, .flags = DOMAIN_IN_USE | DOMAIN_POLICY_ROUTES};
    row.policy_routes = 1;
    ASSERT_TRUE(rig->tables().domains.put(DOMAIN_1, row));
    const Bytes steered = rig->run("from_port_tc", packet(ip_c), rig->p1).bytes;
    EXPECT_EQ(cut(inner_of(*rig, steered), 0, 6), cut(frame(Eth{.dst = d}), 0, 6)) << "by d, though it is for c";
    const Bytes tcp = frame(Eth{.dst = gateway_mac, .src = a}, Ip4{.src = ip_a, .dst = ip_c}, Tcp{}, payload(40));
    EXPECT_EQ(cut(rig->run("from_port_tc", tcp, rig->p1).bytes, 0, 6), cut(frame(Eth{.dst = c}), 0, 6));
    EXPECT_EQ(why(*rig, packet(gate1)), "TX_UNREACHABLE") << "the gateway answers";
    rig->enable_xdp(rig->p1);
    EXPECT_EQ(name_of(rig->run("from_port_xdp", packet(ip_c), rig->p1).why), "PASS_UP");
}

TEST(Route, WhatExceedsTheNextSegmentsMtuIsToldByTheGateway) {
    NEED_RIG(rig, {.routing = true});
    settle(*rig);
    rig->set_mtu(1000, 2);
    const Bytes in = frame(Eth{.dst = gateway_mac, .src = a}, Ip4{.src = ip_a, .dst = ip_d}, Udp{}, payload(1200));
    const Outcome out = rig->run("from_port_tc", in, rig->p1);
    ASSERT_EQ(name_of(out.why), "TX_TOO_BIG");
    EXPECT_EQ(cut(out.bytes, 34, 2), (Bytes{3, 4}));
    EXPECT_EQ(field16(out.bytes, 40), 1000);
    EXPECT_EQ(cut(out.bytes, 26, 4), cut(frame(Eth{}, Ip4{.src = gate1}), 26, 4)) << "from the gateway";
}

TEST(Gateway, AnswersForItsAddressInItsSegmentOnly) {
    NEED_RIG(rig, {.routing = true});
    settle(*rig);
    const Bytes in = frame(Eth{.dst = mac("ff:ff:ff:ff:ff:ff"), .src = a}, Arp{.sha = a, .spa = ip_a, .tpa = gate1});
    const Outcome out = rig->run("from_port_tc", in, rig->p1);
    EXPECT_EQ(name_of(out.why), "TX_ARP_REPLY");
    Bytes reply =
        frame(Eth{.dst = a, .src = gateway_mac}, Arp{.op = 2, .sha = gateway_mac, .spa = gate1, .tha = a, .tpa = ip_a});
    reply.resize(60);
    EXPECT_EQ(out.bytes, reply);
    EXPECT_EQ(
        why(*rig, frame(Eth{.dst = mac("ff:ff:ff:ff:ff:ff"), .src = a}, Arp{.sha = a, .spa = ip_a, .tpa = gate2})),
        "TX_FLOOD");
}

TEST(Gateway, AnswersRemotesOnlyWhereItIsToldTo) {
    NEED_RIG(rig, {.routing = true});
    settle(*rig);
    const Bytes inner =
        frame(Eth{.dst = mac("ff:ff:ff:ff:ff:ff"), .src = b}, Arp{.sha = b, .spa = "198.51.100.2", .tpa = gate1});
    const Bytes in = tunnelled(*rig, rig->remote2, 5001, inner);
    EXPECT_EQ(name_of(rig->run("from_wire_tc", in, rig->u).why), "DROP_FOR_GATEWAY");
    auto row = rig->tables().gateways.find(1);
    ASSERT_TRUE(row && *row);
    (*row)->flags |= GATEWAY_ANSWER_REMOTE;
    ASSERT_TRUE(rig->tables().gateways.put(1, **row));
    EXPECT_EQ(name_of(rig->run("from_wire_tc", in, rig->u).why), "TX_ARP_REPLY");
}

TEST(Gateway, RelaysAnAnswerToTheGatewayThatAsked) {
    NEED_RIG(rig, {.routing = true});
    settle(*rig);
    const Bytes question = frame(Eth{.dst = mac("ff:ff:ff:ff:ff:ff"), .src = gateway_mac},
                                 Arp{.sha = gateway_mac, .spa = gate1, .tpa = ip_a});
    EXPECT_EQ(name_of(rig->run("from_wire_tc", tunnelled(*rig, rig->remote2, 5001, question), rig->u).why), "TX_FLOOD");
    const Bytes answer =
        frame(Eth{.dst = gateway_mac, .src = a}, Arp{.op = 2, .sha = a, .spa = ip_a, .tha = gateway_mac, .tpa = gate1});
    (void)rig->u.far->take(0);
    EXPECT_EQ(why(*rig, answer), "DROP_FOR_GATEWAY");
    const auto relayed = rig->u.far->take(1);
    ASSERT_EQ(relayed.size(), 1u);
    EXPECT_EQ(cut(inner_of(*rig, relayed[0]), 0, 42), answer);
    EXPECT_EQ(why(*rig, answer), "DROP_FOR_GATEWAY");
    EXPECT_TRUE(rig->u.far->take(1).empty()) << "once";
}

}  // namespace
}  // namespace weft::test

// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Access rules, frame by frame: what a packet matches, where rules are looked at, and what a look-up costs. Connections
// are flows_test's.
#include <gtest/gtest.h>

#include <algorithm>
#include <iostream>

#include "guard.hpp"

namespace weft::test {
namespace {

// a is a guest at p1, c at p2, b behind remote 2.
const Mac a = mac("02:00:00:00:00:01"), b = mac("02:00:00:00:00:02"), c = mac("02:00:00:00:00:03");
const char *ip_a = "198.51.100.1", *ip_b = "198.51.100.2", *ip_c = "198.51.100.3";
const char *ip6_a = "2001:db8:1::1", *ip6_b = "2001:db8:1::2";

void settle(Rig& rig) {
    rig.learn_port(a, rig.p1);
    rig.learn_remote(b, HOP_2);
    rig.learn_port(c, rig.p2);
}

Bytes tcp(std::uint16_t dport = 80, const char* to = ip_b, std::uint16_t sport = 40000) {
    return frame(Eth{.dst = b, .src = a}, Ip4{.src = ip_a, .dst = to}, Tcp{.sport = sport, .dport = dport},
                 payload(20));
}

Bytes tcp6(std::uint16_t dport = 80, const char* to = ip6_b) {
    return frame(Eth{.dst = b, .src = a}, Ip6{.src = ip6_a, .dst = to}, Tcp{.dport = dport}, payload(20));
}

Bytes udp(std::uint16_t dport = 53) {
    return frame(Eth{.dst = b, .src = a}, Ip4{.src = ip_a, .dst = ip_b}, Udp{.dport = dport}, payload(20));
}

std::string why(Rig& rig, const Bytes& in) { return name_of(rig.run("from_port_tc", in, rig.p1).why); }

struct Row {
    const char* name;
    const char* rules;
    Bytes in;
    const char* why;
};

constexpr const char* WEB =
    R"([{"priority": 10, "action": "allow", "direction": "from_port", "protocol": "tcp", "destination_ports": "80-89"}])";

TEST(Rules, MatchByEachOfTheFiveFields) {
    NEED_RIG(rig, {});
    settle(*rig);
    Guard guard(*rig);
    const Bytes first =
        frame(Eth{.dst = b, .src = a}, Ip4{.src = ip_a, .dst = ip_b, .df = false, .mf = true, .protocol = 6},
              Tcp{.dport = 80}, payload(20));
    const Bytes later = frame(Eth{.dst = b, .src = a},
                              Ip4{.src = ip_a, .dst = ip_b, .df = false, .fragment = 10, .protocol = 6}, payload(40));
    const Bytes later6 = frame(Eth{.dst = b, .src = a}, Ip6{.src = ip6_a, .dst = ip6_b},
                               Ip6Fragment{.offset = 10, .next = 6}, payload(40));
    const Bytes first6 = frame(Eth{.dst = b, .src = a}, Ip6{.src = ip6_a, .dst = ip6_b},
                               Ip6Fragment{.more = true, .next = 6}, Tcp{.dport = 80}, payload(24));
    constexpr const char* NETS =
        R"([{"priority": 10, "action": "deny", "direction": "from_port", "destination": "198.51.100.2/32"},
            {"priority": 20, "action": "allow", "direction": "from_port", "destination": "198.51.100.0/24"},
            {"priority": 30, "action": "allow", "direction": "from_port", "source": "2001:db8:1::/64"}])";
    constexpr const char* TCP = R"([{"priority": 1, "action": "allow", "direction": "from_port", "protocol": "tcp"}])";
    constexpr const char* FROM = R"([{"priority": 1, "action": "allow", "direction": "from_port", "protocol": "tcp",
                                      "source_ports": "1024-65535", "destination_ports": "80"}])";
    constexpr const char* RANKS =
        R"([{"priority": 20, "action": "deny", "direction": "from_port", "protocol": "tcp", "destination_ports": "1-1023"},
            {"priority": 10, "action": "allow", "direction": "from_port", "destination": "198.51.100.2/32"},
            {"priority": 30, "action": "allow", "direction": "from_port"}])";
    const Row rows[] = {
        // clang-format off
        {"the first port", WEB, tcp(80), "TX_REMOTE"},
        {"the last port", WEB, tcp(89), "TX_REMOTE"},
        {"one more", WEB, tcp(90), "DROP_RULE"},
        {"one less", WEB, tcp(79), "DROP_RULE"},
        {"IPv6 as well, where no address says else", WEB, tcp6(80), "TX_REMOTE"},
        {"IPv6, another port", WEB, tcp6(90), "DROP_RULE"},
        {"another protocol", WEB, udp(80), "DROP_RULE"},
        {"ICMP", WEB, frame(Eth{.dst = b, .src = a}, Ip4{.src = ip_a, .dst = ip_b}, Icmp4{}, payload(20)), "DROP_RULE"},
        {"behind options", WEB, frame(Eth{.dst = b, .src = a}, Ip4{.src = ip_a, .dst = ip_b, .options = Bytes(8, 1)}, Tcp{.dport = 80}, payload(9)), "TX_REMOTE"},
        {"behind an extension header", WEB, frame(Eth{.dst = b, .src = a}, Ip6{.src = ip6_a, .dst = ip6_b}, Ip6HopByHop{}, Tcp{.dport = 80}, payload(9)), "TX_REMOTE"},
        {"behind three", WEB, frame(Eth{.dst = b, .src = a}, Ip6{.src = ip6_a, .dst = ip6_b}, Ip6HopByHop{}, Ip6HopByHop{}, Ip6HopByHop{}, Tcp{.dport = 80}, payload(9)), "TX_REMOTE"},
        {"behind more than anybody needs", TCP, frame(Eth{.dst = b, .src = a}, Ip6{.src = ip6_a, .dst = ip6_b}, Ip6HopByHop{}, Ip6HopByHop{}, Ip6HopByHop{}, Ip6HopByHop{}, Tcp{.dport = 80}, payload(9)), "DROP_RULE"},
        {"a first fragment has ports", WEB, first, "TX_REMOTE"},
        {"a later one has none", WEB, later, "DROP_RULE_FRAGMENT"},
        {"nor of IPv6", WEB, later6, "DROP_RULE_FRAGMENT"},
        {"a first fragment of IPv6", WEB, first6, "TX_REMOTE"},
        {"a later one by a rule without ports", TCP, later, "TX_REMOTE"},
        {"of IPv6 by a rule without ports", TCP, later6, "TX_REMOTE"},
        {"one that writes over the flags", TCP, frame(Eth{.dst = b, .src = a}, Ip4{.src = ip_a, .dst = ip_b, .df = false, .fragment = 1, .protocol = 6}, payload(40)), "DROP_RULE"},
        {"TCP without its flags", TCP, frame(Eth{.dst = b, .src = a}, Ip4{.src = ip_a, .dst = ip_b, .protocol = 6}, payload(8)), "DROP_RULE"},
        {"the longer prefix by its priority", NETS, tcp(), "DROP_RULE"},
        {"the shorter one", NETS, tcp(80, "198.51.100.77"), "TX_REMOTE"},
        {"no prefix", NETS, tcp(80, "203.0.113.7"), "DROP_RULE"},
        {"a prefix of IPv6", NETS, tcp6(), "TX_REMOTE"},
        {"from a high port", FROM, tcp(80, ip_b, 1024), "TX_REMOTE"},
        {"from a low port", FROM, tcp(80, ip_b, 1023), "DROP_RULE"},
        {"the lowest priority first, wherever it stands", RANKS, tcp(80), "TX_REMOTE"},
        {"then the next", RANKS, tcp(80, ip_c), "DROP_RULE"},
        {"then the last", RANKS, tcp(8080, ip_c), "TX_REMOTE"},
        {"no five-tuple: ARP", WEB, frame(Eth{.dst = mac("ff:ff:ff:ff:ff:ff"), .src = a}, Arp{.sha = a, .spa = ip_a, .tpa = ip_b}), "TX_FLOOD"},
        {"no five-tuple: another protocol", WEB, frame(Eth{.dst = b, .src = a, .type = 0x88b6}, payload(46)), "TX_REMOTE"},
        {"no five-tuple: neighbor discovery", WEB, frame(Eth{.dst = b, .src = a}, Ip6{.src = ip6_a, .dst = ip6_b, .hops = 255}, Ns{.target = ip6_b, .slla = a}), "TX_REMOTE"},
        {"multicast listeners are one", WEB, frame(Eth{.dst = b, .src = a}, Ip6{.src = ip6_a, .dst = ip6_b}, Icmp6{.type = 143}, payload(20)), "DROP_RULE"},
        // clang-format on
    };
    for (const Row& row : rows) {
        SCOPED_TRACE(row.name);
        guard.port(rig->p1, acl_of(row.rules));
        EXPECT_EQ(why(*rig, row.in), row.why);
    }
}

TEST(Rules, WhatNoneMatchesIsDeniedUnlessTheDefaultIsAllow) {
    NEED_RIG(rig, {});
    settle(*rig);
    Guard guard(*rig);
    constexpr const char* DENY = R"([{"priority": 1, "action": "deny", "direction": "from_port", "protocol": "udp"}])";
    guard.port(rig->p1, acl_of(DENY));
    EXPECT_EQ(why(*rig, tcp()), "DROP_RULE");
    guard.port(rig->p1, acl_of(DENY, true));
    EXPECT_EQ(why(*rig, tcp()), "TX_REMOTE");
    EXPECT_EQ(why(*rig, udp()), "DROP_RULE");
    constexpr const char* OTHER = R"([{"priority": 1, "action": "deny", "direction": "to_port"}])";
    guard.port(rig->p1, acl_of(OTHER));
    EXPECT_EQ(why(*rig, udp()), "TX_REMOTE") << "a direction without rules lets everything pass";
}

TEST(Rules, APortAndItsSegmentMustBothAllow) {
    NEED_RIG(rig, {});
    settle(*rig);
    Guard guard(*rig);
    const Acl web = acl_of(WEB), any = acl_of(R"([{"priority": 1, "action": "allow", "direction": "from_port"}])");
    guard.segment(web);
    EXPECT_EQ(why(*rig, tcp(80)), "TX_REMOTE");
    EXPECT_EQ(why(*rig, tcp(22)), "DROP_RULE");
    guard.port(rig->p1, any);
    EXPECT_EQ(why(*rig, tcp(22)), "DROP_RULE");
    guard.segment(any);
    guard.port(rig->p1, web);
    EXPECT_EQ(why(*rig, tcp(22)), "DROP_RULE");
    EXPECT_EQ(why(*rig, tcp(80)), "TX_REMOTE");
    EXPECT_EQ(guard.counted(std::to_string(rig->p1.ifindex) + "from_port", 1), (std::vector<std::uint64_t>{1}));
}

// At the port that a packet goes to, whichever way it came.
TEST(Rules, AreLookedAtBeforeDelivery) {
    NEED_RIG(rig, {});
    settle(*rig);
    Guard guard(*rig);
    guard.port(rig->p1, acl_of(R"([{"priority": 1, "action": "allow", "direction": "to_port", "protocol": "tcp",
                                    "destination_ports": "80"}])"));
    const auto to = [](const Mac& from, std::uint16_t port) {
        return frame(Eth{.dst = a, .src = from}, Ip4{.src = ip_b, .dst = ip_a}, Tcp{.dport = port}, payload(20));
    };
    const auto from_remote = [&](std::uint16_t port) {
        return name_of(rig->run("from_wire_tc", tunnelled(*rig, rig->remote2, 5001, to(b, port)), rig->u).why);
    };
    EXPECT_EQ(from_remote(80), "TX_LOCAL");
    EXPECT_EQ(from_remote(81), "DROP_RULE");
    EXPECT_EQ(name_of(rig->run("from_port_tc", to(c, 80), rig->p2).why), "TX_LOCAL");
    EXPECT_EQ(name_of(rig->run("from_port_tc", to(c, 81), rig->p2).why), "DROP_RULE");
    EXPECT_EQ(why(*rig, tcp(81)), "TX_REMOTE") << "what it sends is another direction";
}

TEST(Rules, AFloodedCopyObeysThemToo) {
    NEED_RIG(rig, {});
    settle(*rig);
    Guard guard(*rig);
    guard.port(rig->p2,
               acl_of(R"([{"priority": 1, "action": "deny", "direction": "to_port", "protocol": "udp"}])", true));
    const auto flood = [](std::uint8_t number) {
        return frame(Eth{.dst = mac("ff:ff:ff:ff:ff:ff"), .src = a}, Ip4{.src = ip_a, .dst = "255.255.255.255"},
                     number ? Layer(Udp{}) : Layer(Icmp4{}), payload(20));
    };
    EXPECT_EQ(why(*rig, flood(1)), "TX_FLOOD");
    EXPECT_EQ(rig->u.far->take(2).size(), 2u);
    EXPECT_TRUE(rig->p2.far->take(0).empty());
    EXPECT_EQ(why(*rig, flood(0)), "TX_FLOOD");
    EXPECT_EQ(rig->p2.far->take(1).size(), 1u);
    EXPECT_EQ(rig->u.far->take(2).size(), 2u);
}

TEST(Rules, XdpHandsUpWhatTheyAreAbout) {
    NEED_RIG(rig, {});
    settle(*rig);
    rig->enable_xdp(rig->p1);
    rig->enable_xdp(rig->u);
    Guard guard(*rig);
    const Bytes in = frame(Eth{.dst = c, .src = a}, Ip4{.src = ip_a, .dst = ip_c}, Tcp{}, payload(20));
    const Bytes remote = tunnelled(*rig, rig->remote2, 5001,
                                   frame(Eth{.dst = c, .src = b}, Ip4{.src = ip_b, .dst = ip_c}, Tcp{}, payload(20)));
    EXPECT_EQ(name_of(rig->run("from_port_xdp", in, rig->p1).why), "TX_LOCAL");
    EXPECT_EQ(name_of(rig->run("from_wire_xdp", remote, rig->u).why), "TX_LOCAL");
    guard.port(rig->p2, acl_of(R"([{"priority": 1, "action": "deny", "direction": "to_port"}])"));
    EXPECT_EQ(name_of(rig->run("from_port_xdp", in, rig->p1).why), "PASS_UP");
    EXPECT_EQ(name_of(rig->run("from_wire_xdp", remote, rig->u).why), "PASS_UP");
    guard.port(rig->p1, acl_of(WEB));
    EXPECT_EQ(name_of(rig->run("from_port_xdp", tcp(), rig->p1).why), "PASS_UP");
}

TEST(Rules, EachCountsWhatItDecided) {
    NEED_RIG(rig, {});
    settle(*rig);
    Guard guard(*rig);
    guard.port(rig->p1, acl_of(R"([{"priority": 10, "action": "allow", "direction": "from_port", "protocol": "tcp"},
                                   {"priority": 20, "action": "deny", "direction": "from_port", "protocol": "udp"},
                                   {"priority": 30, "action": "allow", "direction": "from_port"}])"));
    for (int i = 0; i < 3; ++i) why(*rig, tcp());
    for (int i = 0; i < 2; ++i) why(*rig, udp());
    EXPECT_EQ(guard.counted(std::to_string(rig->p1.ifindex) + "from_port", 3), (std::vector<std::uint64_t>{3, 2, 0}));
}

// --- cost

Acl many(std::uint32_t rules) {
    Acl out;
    for (std::uint32_t i = 0; i + 1 < rules; ++i) {
        AclRule rule;
        rule.priority = static_cast<std::uint16_t>(i);
        rule.allow = true;
        rule.direction = RuleDirection::FromPort;
        rule.match.protocol = 6;
        rule.match.source = Prefix{Ip::v4(0xc6336400 + i * 3), 32};
        rule.match.destination_ports = PortRange{static_cast<std::uint16_t>(1 + i), static_cast<std::uint16_t>(1 + i)};
        out.rules.push_back(rule);
    }
    AclRule last;
    last.priority = 60000;
    last.allow = true;
    last.direction = RuleDirection::FromPort;
    last.match.destination = Prefix{*Ip::parse("198.51.100.0"), 24};
    out.rules.push_back(last);
    return out;
}

// The fastest of several series, for whatever else a machine does only ever makes it slower.
TEST(Rules, TenThousandCostAtMostHalfAsMuchAgainAsTen) {
    NEED_RIG(rig, {});
    settle(*rig);
    Guard guard(*rig);
    const Bytes in = frame(Eth{.dst = c, .src = a}, Ip4{.src = ip_a, .dst = ip_c}, Tcp{.dport = 8000}, payload(20));
    const std::uint32_t without = rig->cost_ns("from_port_tc", in, rig->p1);
    std::uint32_t best[2] = {UINT32_MAX, UINT32_MAX};
    for (int round = 0; round < 5; ++round)
        for (int i = 0; i < 2; ++i) {
            guard.port(rig->p1, many(i ? 10000 : 10));
            best[i] = std::min(best[i], rig->cost_ns("from_port_tc", in, rig->p1));
        }
    RecordProperty("without_ns", static_cast<int>(without));
    RecordProperty("ten_ns", static_cast<int>(best[0]));
    RecordProperty("ten_thousand_ns", static_cast<int>(best[1]));
    std::cout << "a frame takes " << without << " ns without rules, " << best[0] << " ns with 10, " << best[1]
              << " ns with 10,000\n";
    EXPECT_LE(best[1], best[0] * 3 / 2);
}

}  // namespace
}  // namespace weft::test

// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// ARP at the port, mode by mode (RFC 826, RFC 5227, RFC 9161): who is answered, with which bytes, what is carried
// where, and what is learned.
#include <gtest/gtest.h>

#include "bpf/bench.hpp"

namespace weft::test {
namespace {

// Who is who: a asks, behind p1. b is behind remote 2, c behind p2. d's binding is learned but its MAC is in the FDB no
// more; e's is static. f is known in segment 2 alone. Nobody knows 198.51.100.9.
const Mac a = mac("02:00:00:00:00:01"), b = mac("02:00:00:00:00:02"), c = mac("02:00:00:00:00:03");
const Mac d = mac("02:00:00:00:00:04"), e = mac("02:00:00:00:00:05"), f = mac("02:00:00:00:00:06");
const Mac all = mac("ff:ff:ff:ff:ff:ff");
const char *ip_a = "198.51.100.1", *ip_b = "198.51.100.2", *ip_c = "198.51.100.3", *ip_d = "198.51.100.4",
           *ip_e = "198.51.100.5", *ip_f = "198.51.100.6", *nobody = "198.51.100.9";
constexpr std::uint16_t OFF = SEGMENT_LEARNING, SUPPRESS = SEGMENT_LEARNING | SEGMENT_ARP_SUPPRESS,
                        STRICT = SEGMENT_LEARNING | SEGMENT_ARP_STRICT;

void settle(Rig& rig) {
    rig.learn_port(a, rig.p1);
    rig.learn_remote(b, HOP_2);
    rig.learn_port(c, rig.p2);
    rig.bind(ip(ip_a), a);
    rig.bind(ip(ip_b), b);
    rig.bind(ip(ip_c), c);
    rig.bind(ip(ip_d), d);
    rig.bind(ip(ip_e), e, ORIGIN_CONFIG);
    rig.bind(ip(ip_f), f, ORIGIN_CONFIG, 2);
}

Bytes ask(const char* target, const Mac& dst = all, const char* spa = ip_a) {
    return frame(Eth{.dst = dst, .src = a}, Arp{.op = 1, .sha = a, .spa = spa, .tpa = target});
}

Bytes answer(const char* target, const Mac& owner, const char* to = ip_a) {
    Bytes out = frame(Eth{.dst = a, .src = owner}, Arp{.op = 2, .sha = owner, .spa = target, .tha = a, .tpa = to});
    out.resize(60);
    return out;
}

const std::vector<Case> cases = {
    // clang-format off
    {"off carries a request everywhere", OFF, ask(ip_b), TX_FLOOD, {}, 1, 2},
    {"suppress answers for a remote host", SUPPRESS, ask(ip_b), TX_ARP_REPLY, answer(ip_b, b), 0, 0},
    {"suppress answers for a local host", SUPPRESS, ask(ip_c), TX_ARP_REPLY, answer(ip_c, c), 0, 0},
    {"suppress answers from a static binding without FDB entry", SUPPRESS, ask(ip_e), TX_ARP_REPLY, answer(ip_e, e), 0, 0},
    {"suppress floods a miss", SUPPRESS, ask(nobody), TX_FLOOD, {}, 1, 2},
    {"suppress floods where the learned owner has left the FDB", SUPPRESS, ask(ip_d), TX_FLOOD, {}, 1, 2},
    {"suppress keeps segments apart", SUPPRESS, ask(ip_f), TX_FLOOD, {}, 1, 2},
    {"suppress carries a unicast request", SUPPRESS, ask(ip_b, b), TX_REMOTE, {}, 0, 0},
    {"suppress carries a unicast request to a local host", SUPPRESS, ask(ip_c, c), TX_LOCAL, {}, 0, 0},
    {"suppress never tells a host its own address", SUPPRESS, ask(ip_a), TX_FLOOD, {}, 1, 2},
    {"suppress never tells a prober its own address", SUPPRESS, ask(ip_a, all, "0.0.0.0"), TX_FLOOD, {}, 1, 2},
    {"suppress tells a prober that another host has the address", SUPPRESS, ask(ip_b, all, "0.0.0.0"), TX_ARP_REPLY,
     answer(ip_b, b, "0.0.0.0"), 0, 0},
    {"suppress carries an announcement", SUPPRESS, ask(ip_a, all, ip_a), TX_FLOOD, {}, 1, 2},
    {"suppress carries an announcement of another's address", SUPPRESS, ask(ip_b, all, ip_b), TX_FLOOD, {}, 1, 2},
    {"suppress carries a reply", SUPPRESS, frame(Eth{.dst = b, .src = a}, Arp{.op = 2, .sha = a, .spa = ip_a, .tha = b, .tpa = ip_b}),
     TX_REMOTE, {}, 0, 0},
    {"suppress looks at the sender's own MAC, too", SUPPRESS,
     frame(Eth{.dst = all, .src = c}, Arp{.op = 1, .sha = b, .spa = ip_a, .tpa = ip_b}), TX_FLOOD, {}, 1, 2},
    {"strict answers for a remote host, and local ports hear the request", STRICT, ask(ip_b), TX_ARP_REPLY, answer(ip_b, b), 1, 0},
    {"strict leaves the answer to a local owner", STRICT, ask(ip_c), TX_FLOOD, {}, 1, 0},
    {"strict keeps a miss on this host", STRICT, ask(nobody), TX_FLOOD, {}, 1, 0},
    {"strict keeps an announcement on this host", STRICT, ask(ip_a, all, ip_a), TX_FLOOD, {}, 1, 0},
    {"strict answers a unicast request for a remote host", STRICT, ask(ip_b, b), TX_ARP_REPLY, answer(ip_b, b), 0, 0},
    {"strict lets no unicast request out that the table cannot answer", STRICT, ask(nobody, b), DROP_ARP_STRICT, {}, 0, 0},
    {"strict carries a unicast request to a local host", STRICT, ask(ip_c, c), TX_LOCAL, {}, 0, 0},
    {"strict carries a reply to a remote host", STRICT,
     frame(Eth{.dst = b, .src = a}, Arp{.op = 2, .sha = a, .spa = ip_a, .tha = b, .tpa = ip_b}), TX_REMOTE, {}, 0, 0},
    {"ARP of other hardware is any frame", SUPPRESS, frame(Eth{.dst = all, .src = a}, Arp{.tpa = ip_b, .hrd = 6}), TX_FLOOD, {}, 1, 2},
    {"ARP of another protocol is any frame", SUPPRESS, frame(Eth{.dst = all, .src = a}, Arp{.tpa = ip_b, .pro = 0x86dd}), TX_FLOOD, {}, 1, 2},
    {"ARP with other address lengths is any frame", SUPPRESS, frame(Eth{.dst = all, .src = a}, Arp{.tpa = ip_b, .hln = 8}), TX_FLOOD, {}, 1, 2},
    {"ARP with another operation is any frame", SUPPRESS, frame(Eth{.dst = all, .src = a}, Arp{.op = 8, .tpa = ip_b}), TX_FLOOD, {}, 1, 2},
    // clang-format on
};

TEST(Arp, IsAnsweredOrCarriedByTheSegmentsMode) {
    NEED_RIG(rig, {});
    settle(*rig);
    for (const Case& row : cases) check(*rig, row);
}

TEST(Arp, IsAnsweredOverAnIp6UnderlayTheSame) {
    NEED_RIG(rig, {.ipv6 = true});
    settle(*rig);
    for (const Case& row : cases) check(*rig, row);
}

TEST(Arp, CutShortAtAnyByteIsDropped) {
    NEED_RIG(rig, {});
    settle(*rig);
    rig->set_flags(SUPPRESS);
    const Bytes whole = ask(ip_b);
    for (std::size_t bytes = 14; bytes < whole.size(); ++bytes)
        EXPECT_EQ(name_of(rig->run("from_port_tc", cut(whole, 0, bytes), rig->p1).why), "DROP_BAD_ARP") << bytes;
}

TEST(Arp, StrictWithNobodyElseOnThisHostDrops) {
    NEED_RIG(rig, {});
    rig->set_flags(STRICT, 2);
    EXPECT_EQ(name_of(rig->run("from_port_tc", ask(nobody), rig->p3).why), "DROP_ARP_STRICT");
    EXPECT_TRUE(rig->u.far->take(0).empty());
}

TEST(Arp, DoesNotAnswerForAHostBehindTheAskersOwnPort) {
    NEED_RIG(rig, {});
    settle(*rig);
    rig->learn_port(c, rig->p1);
    check(*rig, {"c is behind p1", SUPPRESS, ask(ip_c), TX_FLOOD, {}, 1, 2});
}

TEST(Arp, ExceedingThePortsRateIsDroppedAndAnotherPortIsNotHeldBack) {
    NEED_RIG(rig, {.arp_interval_ns = 1000000000, .arp_burst = 3});
    settle(*rig);
    rig->set_flags(SUPPRESS);
    for (int i = 0; i < 3; ++i)
        EXPECT_EQ(name_of(rig->run("from_port_tc", ask(ip_b), rig->p1).why), "TX_ARP_REPLY") << i;
    EXPECT_EQ(name_of(rig->run("from_port_tc", ask(ip_b), rig->p1).why), "DROP_ARP_LIMIT");
    EXPECT_EQ(name_of(rig->run("from_port_tc", ask(ip_b), rig->p2).why), "TX_ARP_REPLY");
}

// --- learning

struct Learned {
    const char* name;
    Bytes in;
    const char* ip;  // null: nothing
    Mac mac;
};

TEST(Arp, TeachesTheBindingOfItsSender) {
    NEED_RIG(rig, {});
    const Learned rows[] = {
        // clang-format off
        {"request", ask(nobody), ip_a, a},
        {"announcement", ask(ip_a, all, ip_a), ip_a, a},
        {"reply", frame(Eth{.dst = b, .src = a}, Arp{.op = 2, .sha = a, .spa = ip_a, .tha = b, .tpa = ip_b}), ip_a, a},
        {"probe", ask(nobody, all, "0.0.0.0"), nullptr, {}},
        {"sender of net 0", ask(nobody, all, "0.1.2.3"), nullptr, {}},
        {"loopback sender", ask(nobody, all, "127.0.0.1"), nullptr, {}},
        {"multicast sender", ask(nobody, all, "224.0.0.1"), nullptr, {}},
        {"broadcast sender", ask(nobody, all, "255.255.255.255"), nullptr, {}},
        {"multicast MAC", frame(Eth{.dst = all, .src = a}, Arp{.sha = "01:00:5e:00:00:01", .spa = ip_a, .tpa = nobody}), nullptr, {}},
        {"another's MAC", frame(Eth{.dst = all, .src = a}, Arp{.sha = b, .spa = ip_a, .tpa = nobody}), nullptr, {}},
        {"no Ethernet", frame(Eth{.dst = all, .src = a}, Arp{.sha = a, .spa = ip_a, .tpa = nobody, .hrd = 7}), nullptr, {}},
        // clang-format on
    };
    rig->learn_port(a, rig->p1);
    for (const Learned& row : rows) {
        SCOPED_TRACE(row.name);
        forget_recent(*rig);
        rig->run("from_port_tc", row.in, rig->p1);
        expect_neighbor_event(*rig, row.ip, row.mac, rig->p1.ifindex, EVENT_FLAG_OVERRIDE);
    }
}

TEST(Arp, TeachesFromARemoteWithItsVtep) {
    NEED_RIG(rig, {});
    rig->learn_remote(a, HOP_2);
    const Bytes in = tunnelled(*rig, rig->remote2, 5001, ask(nobody));
    EXPECT_EQ(name_of(rig->run("from_wire_tc", in, rig->u).why), "TX_FLOOD");
    const auto events = rig->events();
    ASSERT_EQ(events.size(), 1u);
    EXPECT_EQ(events[0].type, EVENT_LEARN_NEIGHBOR);
    EXPECT_EQ(events[0].segment, 1);
    EXPECT_EQ(Ip::of(events[0].source), rig->remote2);
    EXPECT_EQ(Ip::of(events[0].ip).text(), ip_a);
    EXPECT_EQ(Mac::of(events[0].mac), a);
    EXPECT_EQ(events[0].nexthop, HOP_2);
    EXPECT_EQ(events[0].flags, EVENT_FLAG_TUNNEL | EVENT_FLAG_OVERRIDE);
}

TEST(Arp, ThatSaysWhatIsKnownOnlyStampsIt) {
    NEED_RIG(rig, {});
    settle(*rig);
    rig->run("from_port_tc", ask(nobody), rig->p1);
    EXPECT_TRUE(rig->events().empty());
    const auto row = rig->tables().neighbors.find({1, ip(ip_a).raw()}).value().value();
    EXPECT_GT(row.used_s, 0u);
}

TEST(Arp, IsNotAskedTwiceWithinTheHold) {
    NEED_RIG(rig, {});
    rig->learn_port(a, rig->p1);
    for (int i = 0; i < 3; ++i) rig->run("from_port_tc", ask(nobody), rig->p1);
    EXPECT_EQ(rig->events().size(), 1u);
}

TEST(Arp, TeachesNothingWhereTheSegmentDoesNotLearn) {
    NEED_RIG(rig, {});
    rig->set_flags(SEGMENT_ARP_SUPPRESS);
    rig->run("from_port_tc", ask(nobody), rig->p1);
    EXPECT_TRUE(rig->events().empty());
}

}  // namespace
}  // namespace weft::test

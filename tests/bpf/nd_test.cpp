// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Neighbor discovery at the port, mode by mode (RFC 4861, RFC 4862, RFC 9161): who is answered, with which bytes, what
// is broken, what is learned.
#include <gtest/gtest.h>

#include "bpf/bench.hpp"

namespace weft::test {
namespace {

// As in arp_test.cpp: a asks behind p1, b is behind remote 2, c behind p2, d has left the FDB, e is static.
const Mac a = mac("02:00:00:00:00:01"), b = mac("02:00:00:00:00:02"), c = mac("02:00:00:00:00:03");
const Mac d = mac("02:00:00:00:00:04"), e = mac("02:00:00:00:00:05");
const Ip ip_a = ip("2001:db8::a"), ip_b = ip("2001:db8::b"), ip_c = ip("2001:db8::c"), ip_d = ip("2001:db8::d"),
         ip_e = ip("2001:db8::e");
const Ip link_b = ip("fe80::b"), nobody = ip("2001:db8::99"), unspecified = ip("::"), all_nodes = ip("ff02::1");
constexpr std::uint16_t OFF = SEGMENT_LEARNING, SUPPRESS = SEGMENT_LEARNING | SEGMENT_ARP_SUPPRESS,
                        STRICT = SEGMENT_LEARNING | SEGMENT_ARP_STRICT;

void settle(Rig& rig) {
    rig.learn_port(a, rig.p1);
    rig.learn_remote(b, HOP_2);
    rig.learn_port(c, rig.p2);
    rig.bind(ip_a, a);
    rig.bind(ip_b, b);
    rig.bind(link_b, b);
    rig.bind(ip_c, c);
    rig.bind(ip_d, d);
    rig.bind(ip_e, e, ORIGIN_CONFIG);
}

struct Question {
    Ip target;
    Ip src = ip_a;
    std::optional<Ip> dst{};  // default: the target's solicited-node group
    std::optional<Mac> slla = a;
    Bytes options{};
    std::uint8_t hops = 255, code = 0;
    Sum sum = Sum::RIGHT;
    std::optional<std::uint16_t> length{};
};

Bytes ask(const Question& q) {
    const Ip dst = q.dst.value_or(solicited_node(q.target));
    return frame(Eth{.dst = dst.is_multicast() ? multicast_mac(dst) : b, .src = a},
                 Ip6{.src = q.src, .dst = dst, .hops = q.hops, .length = q.length},
                 Ns{.target = q.target, .slla = q.slla, .options = q.options, .code = q.code, .sum = q.sum});
}

Bytes answer(const Ip& target, const Mac& owner, const Ip& to = ip_a) {
    return frame(Eth{.dst = a, .src = owner}, Ip6{.src = target, .dst = to, .hops = 255},
                 Na{.target = target, .tlla = owner});
}

Bytes dad_answer(const Ip& target, const Mac& owner) {
    return frame(Eth{.dst = "33:33:00:00:00:01", .src = owner}, Ip6{.src = target, .dst = all_nodes, .hops = 255},
                 Na{.target = target, .solicited = false, .tlla = owner});
}

struct Advert {
    Ip target = ip_a;
    Ip dst = all_nodes;
    bool solicited = false, override_flag = true;
    std::optional<Mac> tlla = a;
    std::uint8_t hops = 255, code = 0;
    Sum sum = Sum::RIGHT;
};

Bytes tell(const Advert& n) {
    return frame(Eth{.dst = n.dst.is_multicast() ? multicast_mac(n.dst) : b, .src = a},
                 Ip6{.src = ip_a, .dst = n.dst, .hops = n.hops},
                 Na{.target = n.target,
                    .solicited = n.solicited,
                    .override_flag = n.override_flag,
                    .tlla = n.tlla,
                    .code = n.code,
                    .sum = n.sum});
}

const Bytes nonce = {14, 1, 1, 2, 3, 4, 5, 6};  // RFC 3971 §5.3.2

const std::vector<Case> cases = {
    // clang-format off
    {"off carries a solicitation everywhere", OFF, ask({ip_b}), TX_FLOOD, {}, 1, 2},
    {"suppress answers for a remote host", SUPPRESS, ask({ip_b}), TX_ND_REPLY, answer(ip_b, b), 0, 0},
    {"suppress answers for a local host", SUPPRESS, ask({ip_c}), TX_ND_REPLY, answer(ip_c, c), 0, 0},
    {"suppress answers for a link-local address", SUPPRESS, ask({link_b}), TX_ND_REPLY, answer(link_b, b), 0, 0},
    {"suppress answers from a static binding without FDB entry", SUPPRESS, ask({ip_e}), TX_ND_REPLY, answer(ip_e, e), 0, 0},
    {"the answer to one without a source option is 8 bytes longer", SUPPRESS, ask({.target = ip_b, .slla = {}}), TX_ND_REPLY,
     answer(ip_b, b), 0, 0},
    {"the answer to one with more options is shorter", SUPPRESS, ask({.target = ip_b, .options = nonce}), TX_ND_REPLY, answer(ip_b, b), 0, 0},
    {"suppress floods a miss", SUPPRESS, ask({nobody}), TX_FLOOD, {}, 1, 2},
    {"suppress floods where the learned owner has left the FDB", SUPPRESS, ask({ip_d}), TX_FLOOD, {}, 1, 2},
    {"suppress carries a unicast solicitation", SUPPRESS, ask({.target = ip_b, .dst = ip_b}), TX_REMOTE, {}, 0, 0},
    {"suppress never tells a host its own address", SUPPRESS, ask({ip_a}), TX_FLOOD, {}, 1, 2},
    {"duplicate address detection of one's own address is carried", SUPPRESS, ask({.target = ip_a, .src = unspecified, .slla = {}}), TX_FLOOD, {}, 1, 2},
    {"duplicate address detection of another's address is answered to all", SUPPRESS, ask({.target = ip_b, .src = unspecified, .slla = {}}),
     TX_ND_REPLY, dad_answer(ip_b, b), 0, 0},
    {"duplicate address detection with a nonce is answered", SUPPRESS,
     ask({.target = ip_b, .src = unspecified, .slla = {}, .options = nonce}), TX_ND_REPLY, dad_answer(ip_b, b), 0, 0},
    {"strict answers for a remote host, and local ports hear the question", STRICT, ask({ip_b}), TX_ND_REPLY, answer(ip_b, b), 1, 0},
    {"strict leaves the answer to a local owner", STRICT, ask({ip_c}), TX_FLOOD, {}, 1, 0},
    {"strict keeps a miss on this host", STRICT, ask({nobody}), TX_FLOOD, {}, 1, 0},
    {"strict answers a unicast solicitation for a remote host", STRICT, ask({.target = ip_b, .dst = ip_b}), TX_ND_REPLY, answer(ip_b, b), 0, 0},
    {"an unsolicited advertisement is carried", SUPPRESS, tell({}), TX_FLOOD, {}, 1, 2},
    {"a solicited advertisement is carried", SUPPRESS, tell({.dst = ip_b, .solicited = true}), TX_REMOTE, {}, 0, 0},
    // RFC 4861 §7.1.1
    {"hop limit 254", SUPPRESS, ask({.target = ip_b, .hops = 254}), DROP_BAD_ND, {}, 0, 0},
    {"wrong checksum", SUPPRESS, ask({.target = ip_b, .sum = Sum::WRONG}), DROP_BAD_ND, {}, 0, 0},
    {"no checksum", SUPPRESS, ask({.target = ip_b, .sum = Sum::ZERO}), DROP_BAD_ND, {}, 0, 0},
    {"code 1", SUPPRESS, ask({.target = ip_b, .code = 1}), DROP_BAD_ND, {}, 0, 0},
    {"multicast target", SUPPRESS, ask({.target = ip("ff02::5"), .dst = solicited_node(ip_b)}), DROP_BAD_ND, {}, 0, 0},
    {"option of no length", SUPPRESS, ask({.target = ip_b, .slla = {}, .options = {1, 0, 0, 0, 0, 0, 0, 0}}), DROP_BAD_ND, {}, 0, 0},
    {"option longer than the message", SUPPRESS, ask({.target = ip_b, .slla = {}, .options = {14, 2, 0, 0, 0, 0, 0, 0}}), DROP_BAD_ND, {}, 0, 0},
    {"half an option", SUPPRESS, ask({.target = ip_b, .options = {14, 1, 0, 0}}), DROP_BAD_ND, {}, 0, 0},
    {"no source address but its link-layer address", SUPPRESS, ask({.target = ip_b, .src = unspecified}), DROP_BAD_ND, {}, 0, 0},
    {"no source address to all nodes", SUPPRESS, ask({.target = ip_b, .src = unspecified, .dst = all_nodes, .slla = {}}), DROP_BAD_ND, {}, 0, 0},
    {"multicast source address", SUPPRESS, ask({.target = ip_b, .src = all_nodes}), DROP_BAD_ND, {}, 0, 0},
    {"longer than the frame", SUPPRESS, ask({.target = ip_b, .length = 40}), DROP_BAD_ND, {}, 0, 0},
    {"shorter than a solicitation", SUPPRESS, ask({.target = ip_b, .length = 23}), DROP_BAD_ND, {}, 0, 0},
    {"broken also where the mode is off", OFF, ask({.target = ip_b, .hops = 64}), DROP_BAD_ND, {}, 0, 0},
    // RFC 4861 §7.1.2
    {"advertisement with hop limit 1", SUPPRESS, tell({.hops = 1}), DROP_BAD_ND, {}, 0, 0},
    {"advertisement with code 1", SUPPRESS, tell({.code = 1}), DROP_BAD_ND, {}, 0, 0},
    {"advertisement with a wrong checksum", SUPPRESS, tell({.sum = Sum::WRONG}), DROP_BAD_ND, {}, 0, 0},
    {"advertisement for a multicast target", SUPPRESS, tell({.target = all_nodes}), DROP_BAD_ND, {}, 0, 0},
    {"solicited advertisement to all", SUPPRESS, tell({.solicited = true}), DROP_BAD_ND, {}, 0, 0},
    // What is none of this
    {"a router solicitation is carried", SUPPRESS,
     frame(Eth{.dst = "33:33:00:00:00:02", .src = a}, Ip6{.src = ip_a, .dst = "ff02::2", .hops = 255}, Icmp6{.type = 133}), TX_FLOOD, {}, 1, 2},
    {"an echo is carried", SUPPRESS, frame(Eth{.dst = b, .src = a}, Ip6{.src = ip_a, .dst = ip_b}, Icmp6{}, payload(8)), TX_REMOTE, {}, 0, 0},
    // clang-format on
};

TEST(Nd, IsAnsweredOrCarriedByTheSegmentsMode) {
    NEED_RIG(rig, {});
    settle(*rig);
    for (const Case& row : cases) check(*rig, row);
}

TEST(Nd, IsAnsweredOverAnIp6UnderlayTheSame) {
    NEED_RIG(rig, {.ipv6 = true});
    settle(*rig);
    for (const Case& row : cases) check(*rig, row);
}

TEST(Nd, CutShortAtAnyByteIsNeitherAnsweredNorLearned) {
    NEED_RIG(rig, {});
    settle(*rig);
    rig->set_flags(SUPPRESS);
    const Bytes whole = ask({ip_b});
    for (std::size_t bytes = 55; bytes < whole.size(); ++bytes)
        EXPECT_EQ(name_of(rig->run("from_port_tc", cut(whole, 0, bytes), rig->p1).why), "DROP_BAD_ND") << bytes;
    EXPECT_TRUE(rig->events().empty());
}

// Its options begin in the part of the frame that programs see at once and end beyond.
TEST(Nd, WithManyOptionsIsStillVerifiedAndAnswered) {
    NEED_RIG(rig, {});
    settle(*rig);
    Bytes options;
    for (int i = 0; i < 40; ++i) options = options + nonce;
    check(*rig, {"right", SUPPRESS, ask({.target = ip_b, .options = options}), TX_ND_REPLY, answer(ip_b, b), 0, 0});
    check(*rig,
          {"wrong", SUPPRESS, ask({.target = ip_b, .options = options, .sum = Sum::WRONG}), DROP_BAD_ND, {}, 0, 0});
}

TEST(Nd, SharesThePortsRateWithArp) {
    NEED_RIG(rig, {.arp_interval_ns = 1000000000, .arp_burst = 2});
    settle(*rig);
    rig->set_flags(SUPPRESS);
    const Bytes arp = frame(Eth{.dst = "ff:ff:ff:ff:ff:ff", .src = a}, Arp{.sha = a});
    EXPECT_EQ(name_of(rig->run("from_port_tc", arp, rig->p1).why), "TX_FLOOD");
    EXPECT_EQ(name_of(rig->run("from_port_tc", ask({ip_b}), rig->p1).why), "TX_ND_REPLY");
    EXPECT_EQ(name_of(rig->run("from_port_tc", ask({ip_b}), rig->p1).why), "DROP_ARP_LIMIT");
}

TEST(Nd, TeachesTheBindingsItStates) {
    NEED_RIG(rig, {});
    rig->learn_port(a, rig->p1);
    struct {
        const char* name;
        Bytes in;
        const char* ip;
        std::uint16_t flags;
    } const rows[] = {
        // clang-format off
        {"solicitation", ask({nobody}), "2001:db8::a", EVENT_FLAG_OVERRIDE},
        {"solicitation without source option", ask({.target = nobody, .slla = {}}), nullptr, 0},
        {"duplicate address detection", ask({.target = ip_a, .src = unspecified, .slla = {}}), nullptr, 0},
        {"solicitation with another's MAC", ask({.target = nobody, .slla = b}), nullptr, 0},
        {"unsolicited advertisement", tell({}), "2001:db8::a", EVENT_FLAG_OVERRIDE},
        {"advertisement without the override flag", tell({.override_flag = false}), "2001:db8::a", 0},
        {"advertisement of a second address", tell({.target = ip("2001:db8::aa")}), "2001:db8::aa", EVENT_FLAG_OVERRIDE},
        {"advertisement without target option", tell({.tlla = {}}), nullptr, 0},
        {"advertisement of another's MAC", tell({.tlla = b}), nullptr, 0},
        {"broken advertisement", tell({.hops = 64}), nullptr, 0},
        // clang-format on
    };
    for (const auto& row : rows) {
        SCOPED_TRACE(row.name);
        forget_recent(*rig);
        rig->run("from_port_tc", row.in, rig->p1);
        expect_neighbor_event(*rig, row.ip, a, rig->p1.ifindex, row.flags);
    }
}

TEST(Nd, TeachesFromARemoteWithItsVtepAndBrokenOnesTeachNothing) {
    NEED_RIG(rig, {.ipv6 = true});
    rig->learn_remote(a, HOP_3);
    EXPECT_EQ(name_of(rig->run("from_wire_tc", tunnelled(*rig, rig->remote3, 5001, tell({})), rig->u).why), "TX_FLOOD");
    auto events = rig->events();
    ASSERT_EQ(events.size(), 1u);
    EXPECT_EQ(Ip::of(events[0].source), rig->remote3);
    EXPECT_EQ(Ip::of(events[0].ip), ip_a);
    EXPECT_EQ(events[0].flags, EVENT_FLAG_TUNNEL | EVENT_FLAG_OVERRIDE);
    forget_recent(*rig);
    rig->run("from_wire_tc", tunnelled(*rig, rig->remote3, 5001, tell({.sum = Sum::WRONG})), rig->u);
    EXPECT_TRUE(rig->events().empty());
}

}  // namespace
}  // namespace weft::test

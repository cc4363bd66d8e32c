// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// The outer header byte by byte: against the kernel's own vxlan device, and against the builder for what it does
// differently. TC and XDP alike.
#include <gtest/gtest.h>

#include <map>
#include <set>

#include "bpf/bench.hpp"

namespace weft::test {
namespace {

const Mac a = mac("02:00:00:00:00:01"), b = mac("02:00:00:00:00:02");
const Eth to_b{.dst = b, .src = a};

struct Inner {
    const char* name;
    Bytes frame;
    Bytes complete;  // the same with its checksum computed, where it is partial
};

std::vector<Inner> inners() {
    std::vector<Inner> out = {
        // clang-format off
        {"UDP over IPv4", frame(to_b, Ip4{}, Udp{}, payload(100)), {}},
        {"UDP of odd length", frame(to_b, Ip4{}, Udp{}, payload(99)), {}},
        {"UDP without checksum", frame(to_b, Ip4{}, Udp{.sum = Sum::ZERO}, payload(100)), {}},
        {"UDP with a wrong checksum", frame(to_b, Ip4{}, Udp{.sum = Sum::WRONG}, payload(100)), {}},
        {"TCP over IPv4, ECT(0), a class", frame(to_b, Ip4{.tos = 0xba}, Tcp{}, payload(1000)), {}},
        {"TCP over IPv4 with options", frame(to_b, Ip4{.options = {1, 1, 1, 0}}, Tcp{}, payload(10)), {}},
        {"ICMP", frame(to_b, Ip4{}, Icmp4{}, payload(56)), {}},
        {"first IPv4 fragment", frame(to_b, Ip4{.df = false, .mf = true, .id = 7}, Udp{}, payload(64)), {}},
        {"IPv4 fragment behind it", frame(to_b, Ip4{.df = false, .fragment = 9, .id = 7, .protocol = 17}, payload(33)), {}},
        {"UDP over IPv6", frame(to_b, Ip6{}, Udp{}, payload(77)), {}},
        {"TCP over IPv6, ECT(1)", frame(to_b, Ip6{.traffic_class = 1}, Tcp{}, payload(1001)), {}},
        {"ICMPv6", frame(to_b, Ip6{}, Icmp6{}, payload(56)), {}},
        {"UDP behind an extension header", frame(to_b, Ip6{}, Ip6HopByHop{}, Udp{}, payload(20)), {}},
        {"ARP reply", frame(to_b, Arp{.op = 2}), {}},
        {"another EtherType", frame(Eth{.dst = b, .src = a, .type = 0x88b5}, payload(61)), {}},
        {"a whole MTU", frame(to_b, Ip4{}, Udp{}, payload(1422)), {}},
        {"VXLAN in VXLAN", frame(to_b, Ip4{}, Udp{.dport = 4789, .sum = Sum::ZERO}, Vxlan{}, Eth{}, Ip4{}, Udp{}, payload(9)), {}},
        // clang-format on
    };
    const Ip4 four{};
    const Ip6 six{};
    out.push_back({"partial UDP over IPv4", frame(to_b, four, Udp{.sum = Sum::PARTIAL}, payload(100)),
                   frame(to_b, four, Udp{}, payload(100))});
    out.push_back({"partial TCP over IPv4", frame(to_b, four, Tcp{.sum = Sum::PARTIAL}, payload(333)),
                   frame(to_b, four, Tcp{}, payload(333))});
    out.push_back({"partial UDP over IPv6", frame(to_b, six, Udp{.sum = Sum::PARTIAL}, payload(101)),
                   frame(to_b, six, Udp{}, payload(101))});
    out.push_back({"partial TCP over IPv6", frame(to_b, six, Tcp{.sum = Sum::PARTIAL}, payload(0)),
                   frame(to_b, six, Tcp{}, payload(0))});
    const Ip4 options{.options = {1, 1, 1, 1, 1, 1, 1, 0}};
    out.push_back({"partial TCP behind IPv4 options", frame(to_b, options, Tcp{.sum = Sum::PARTIAL}, payload(3)),
                   frame(to_b, options, Tcp{}, payload(3))});
    for (Inner& inner : out)
        if (inner.complete.empty()) inner.complete = inner.frame;
    return out;
}

std::uint8_t tos_of(const Bytes& inner) {
    const std::uint16_t type = field16(inner, 12);
    return type == 0x0800 ? inner[15] : type == 0x86dd ? static_cast<std::uint8_t>(field16(inner, 14) >> 4) : 0;
}

std::size_t udp_at(const Rig& rig) { return rig.own.is_v4() ? 34 : 54; }

// What must stand on the wire, given the source port that was chosen.
Bytes wrapped(const Rig& rig, const Inner& inner, std::uint16_t source_port, std::uint8_t tos, Sum sum6 = Sum::RIGHT) {
    const Eth ethernet{.dst = rig.hop_mac, .src = rig.u.mac};
    const Payload complete{inner.complete};
    Bytes out = rig.own.is_v4() ? frame(ethernet, Ip4{.src = rig.own, .dst = rig.remote2, .tos = tos},
                                        Udp{.sport = source_port, .dport = 4789, .sum = Sum::ZERO}, Vxlan{}, complete)
                                : frame(ethernet, Ip6{.src = rig.own, .dst = rig.remote2, .traffic_class = tos},
                                        Udp{.sport = source_port, .dport = 4789, .sum = sum6}, Vxlan{}, complete);
    std::copy(inner.frame.begin(), inner.frame.end(), out.end() - static_cast<std::ptrdiff_t>(inner.frame.size()));
    return out;
}

void expect_wrapped(Rig& rig, const char* program, const Inner& inner, std::uint8_t tos, Sum sum6 = Sum::RIGHT) {
    SCOPED_TRACE(std::string(program) + ", " + inner.name);
    const bool xdp = std::string_view(program).ends_with("_xdp");
    const Outcome out = rig.run(program, inner.frame, rig.p1);
    EXPECT_EQ(name_of(out.why), xdp && field16(inner.frame, 12) == 0x0806 ? "PASS_UP" : "TX_REMOTE");
    if (out.why != TX_REMOTE) return;
    EXPECT_EQ(out.action, xdp ? XDP_ACTION_REDIRECT : ACTION_REDIRECT);
    ASSERT_GT(out.bytes.size(), udp_at(rig) + 2);
    const Bytes want = wrapped(rig, inner, field16(out.bytes, udp_at(rig)), tos, sum6);
    EXPECT_TRUE(out.bytes == want) << "got\n" << dump(out.bytes, want) << "want\n" << dump(want, out.bytes);
}

void settle(Rig& rig) {
    rig.learn_port(a, rig.p1);
    rig.learn_remote(b, HOP_2);
}

const char* const both[] = {"from_port_tc", "from_port_xdp"};

TEST(Encap, WritesTheOuterHeaderOverIp4) {
    NEED_RIG(rig, {});
    settle(*rig);
    rig->enable_xdp(rig->p1);
    for (const char* program : both)
        for (const Inner& inner : inners()) expect_wrapped(*rig, program, inner, tos_of(inner.frame));
}

TEST(Encap, WritesTheOuterHeaderAndItsSumOverIp6) {
    NEED_RIG(rig, {.ipv6 = true});
    settle(*rig);
    rig->enable_xdp(rig->p1);
    for (const char* program : both)
        for (const Inner& inner : inners()) expect_wrapped(*rig, program, inner, tos_of(inner.frame));
}

TEST(Encap, LeavesTheSumOutOverIp6WhereAskedTo) {
    NEED_RIG(rig, {.ipv6 = true, .add_flags = CONFIG_UDP6_ZERO});
    settle(*rig);
    for (const Inner& inner : inners()) expect_wrapped(*rig, "from_port_tc", inner, tos_of(inner.frame), Sum::ZERO);
}

// RFC 6040 §4.1 normal mode; RFC 2983 pipe model for the class.
TEST(Encap, SetsTheClassThatWasConfiguredAndTheInnerEcn) {
    for (bool ipv6 : {false, true}) {
        NEED_RIG(rig, {.ipv6 = ipv6, .remove_flags = CONFIG_TOS_INHERIT, .tos = 0x88});
        settle(*rig);
        for (std::uint8_t ecn = 0; ecn < 4; ++ecn) {
            const Bytes four = frame(to_b, Ip4{.tos = static_cast<std::uint8_t>(0x28 | ecn)}, Udp{}, payload(8));
            const Bytes six =
                frame(to_b, Ip6{.traffic_class = static_cast<std::uint8_t>(0x28 | ecn)}, Udp{}, payload(8));
            expect_wrapped(*rig, "from_port_tc", {"IPv4", four, four}, 0x88 | ecn);
            expect_wrapped(*rig, "from_port_tc", {"IPv6", six, six}, 0x88 | ecn);
        }
        const Bytes arp = frame(to_b, Arp{.op = 2});
        expect_wrapped(*rig, "from_port_tc", {"not IP", arp, arp}, 0x88);
    }
}

// --- against the kernel's vxlan device

// Two frames that may differ in what a sender chooses: source port, IPv4 id, and the sums over those.
void expect_alike(const Rig& rig, Bytes ours, Bytes theirs) {
    for (Bytes* bytes : {&ours, &theirs}) {
        const std::size_t udp = udp_at(rig);
        ASSERT_GT(bytes->size(), udp + 16);
        if (rig.own.is_v4()) {
            EXPECT_EQ(ones_sum(cut(*bytes, 14, 20)), 0xffff);
            for (std::size_t at : {18, 19, 24, 25}) (*bytes)[at] = 0;
        } else {
            // The kernel leaves the sum to the veth, which never makes it.
            EXPECT_TRUE(bytes == &theirs || l4_sum(rig.own, rig.remote2, 17, cut(*bytes, udp)) == 0xffff);
            (*bytes)[udp + 6] = (*bytes)[udp + 7] = 0;
        }
        (*bytes)[udp] = (*bytes)[udp + 1] = 0;
    }
    EXPECT_TRUE(ours == theirs) << "ours\n" << dump(ours, theirs) << "theirs\n" << dump(theirs, ours);
}

class Golden : public testing::TestWithParam<bool> {};

TEST_P(Golden, OuterHeaderIsAsTheKernelsVxlanDeviceMakesIt) {
    NEED_RIG(rig, {.ipv6 = GetParam()});
    settle(*rig);
    const std::string own = rig->own.text(), remote = rig->remote2.text(), prefix = GetParam() ? "/64 nodad" : "/24";
    const std::string own_options = GetParam() ? "" : " df set noudpcsum";
    ASSERT_EQ(
        std::system(("ip addr add " + own + prefix + " dev u && ip neigh add " + remote + " lladdr " +
                     rig->hop_mac.text() + " nud permanent dev u && ip link add name gold type vxlan id 5001 local " +
                     own + " remote " + remote + " dev u dstport 4789 ttl 64 tos inherit nolearning" + own_options +
                     " && ip link set dev gold mtu 1500 addrgenmode none up")
                        .c_str()),
        0);
    const Tap gold("gold");
    for (const Inner& inner : inners()) {
        SCOPED_TRACE(inner.name);
        ASSERT_TRUE(gold.send(inner.frame));
        // A device with an address also speaks for itself (IGMP, MLD).
        auto theirs = rig->u.far->take(1);
        std::erase_if(theirs, [&](const Bytes& other) { return inner_of(*rig, other) != inner.frame; });
        ASSERT_EQ(theirs.size(), 1u);
        // As the kernel's sender sees it, a partial checksum that comes through a packet socket is just bytes.
        if (inner.complete != inner.frame) continue;
        const Outcome ours = rig->run("from_port_tc", inner.frame, rig->p1);
        EXPECT_EQ(name_of(ours.why), "TX_REMOTE");
        expect_alike(*rig, ours.bytes, theirs[0]);
    }
    EXPECT_EQ(std::system("ip link del dev gold"), 0);
}
INSTANTIATE_TEST_SUITE_P(Underlays, Golden, testing::Bool(),
                         [](const auto& info) { return info.param ? "Ip6" : "Ip4"; });

// --- source ports (RFC 7348 §5)

std::uint16_t port_for(Rig& rig, const Bytes& inner) {
    const Outcome out = rig.run("from_port_tc", inner, rig.p1);
    EXPECT_EQ(name_of(out.why), "TX_REMOTE");
    return field16(out.bytes, udp_at(rig));
}

TEST(SourcePort, SpreadsFlowsEvenlyOverTheDynamicRange) {
    NEED_RIG(rig, {});
    settle(*rig);
    std::map<unsigned, unsigned> bins;
    constexpr unsigned FLOWS = 1000, BINS = 16;
    for (unsigned i = 0; i < FLOWS; ++i) {
        const auto port =
            port_for(*rig, frame(to_b, Ip4{}, Udp{.sport = static_cast<std::uint16_t>(10000 + i)}, payload(4)));
        EXPECT_GE(port, 49152);
        ++bins[(port - 49152u) * BINS / 16384];
    }
    double chi_square = 0;
    for (unsigned bin = 0; bin < BINS; ++bin) {
        const double expected = double{FLOWS} / BINS, off = bins[bin] - expected;
        chi_square += off * off / expected;
    }
    EXPECT_LT(chi_square, 37.7) << "15 degrees of freedom, p = 0.001";
}

TEST(SourcePort, SpreadsFlowsByAddressAndOfIp6AndOfMacs) {
    NEED_RIG(rig, {});
    std::set<std::uint16_t> by_address, by_address6, by_mac;
    for (std::uint8_t i = 1; i < 101; ++i) {
        const Mac source = Mac{{2, 0, 0, 0, 1, i}};
        rig->learn_port(source, rig->p1);
        rig->learn_remote(b, HOP_2);
        const Ip four = Ip::v4(0xc6336400u + i);
        Ip six = ip("2001:db8::");
        six.bytes[15] = i;
        by_address.insert(port_for(*rig, frame(Eth{.dst = b, .src = source}, Ip4{.src = four}, Icmp4{})));
        by_address6.insert(port_for(*rig, frame(Eth{.dst = b, .src = source}, Ip6{.src = six}, Icmp6{})));
        by_mac.insert(port_for(*rig, frame(Eth{.dst = b, .src = source, .type = 0x88b5}, payload(50))));
    }
    for (const auto* ports : {&by_address, &by_address6, &by_mac}) {
        EXPECT_GT(ports->size(), 95u);
        EXPECT_GE(*ports->begin(), 49152);
    }
}

TEST(SourcePort, IsTheSameForAllPacketsOfAFlow) {
    NEED_RIG(rig, {});
    settle(*rig);
    const auto port = port_for(*rig, frame(to_b, Ip4{}, Tcp{}, payload(10)));
    EXPECT_EQ(port_for(*rig, frame(to_b, Ip4{.tos = 8, .id = 99}, Tcp{.seq = 77, .flags = 2}, payload(999))), port);
    const Bytes first = frame(to_b, Ip4{.df = false, .mf = true, .id = 3}, Udp{}, payload(64));
    const Bytes second = frame(to_b, Ip4{.df = false, .fragment = 9, .id = 3, .protocol = 17}, payload(64, 9));
    EXPECT_EQ(port_for(*rig, first), port_for(*rig, second));
}

// --- what does not leave by a header of ours

TEST(Encap, LeavesSegmentsWithASumOfTheirOwnToTheTunnelDevice) {
    NEED_RIG(rig, {.ipv6 = true});
    settle(*rig);
    const Bytes super = frame(to_b, Ip4{}, Tcp{}, payload(3000));
    const Outcome out = rig->run("from_port_tc", super, rig->p1, {.gso_bytes = 1000});
    EXPECT_EQ(name_of(out.why), "TX_REMOTE_DEVICE");
    EXPECT_EQ(out.action, ACTION_REDIRECT);
    EXPECT_EQ(out.bytes, super);
}

TEST(Encap, SendsTowardsAnUnresolvedHopByTheTunnelDeviceAndAsksForIt) {
    NEED_RIG(rig, {});
    settle(*rig);
    auto hop = rig->tables().nexthops.find(HOP_2).value().value();
    hop.flags = NEXTHOP_IN_USE;
    ASSERT_TRUE(rig->tables().nexthops.put(HOP_2, hop));
    EXPECT_EQ(name_of(rig->run("from_port_tc", inners()[0].frame, rig->p1).why), "TX_REMOTE_DEVICE");
    const auto events = rig->events();
    ASSERT_EQ(events.size(), 1u);
    EXPECT_EQ(events[0].type, EVENT_RESOLVE);
    EXPECT_EQ(events[0].nexthop, HOP_2);
}

TEST(Encap, WithoutATunnelDeviceSaysWhyAFrameCannotGo) {
    NEED_RIG(rig, {.ipv6 = true, .tunnel_device = false});
    settle(*rig);
    EXPECT_EQ(
        name_of(rig->run("from_port_tc", frame(to_b, Ip4{}, Tcp{}, payload(3000)), rig->p1, {.gso_bytes = 1000}).why),
        "DROP_NO_TUNNEL");
    auto hop = rig->tables().nexthops.find(HOP_2).value().value();
    hop.flags = NEXTHOP_IN_USE | NEXTHOP_IPV6;
    ASSERT_TRUE(rig->tables().nexthops.put(HOP_2, hop));
    EXPECT_EQ(name_of(rig->run("from_port_tc", inners()[0].frame, rig->p1).why), "DROP_UNRESOLVED");
    rig->learn_remote(b, 999);
    EXPECT_EQ(name_of(rig->run("from_port_tc", inners()[0].frame, rig->p1).why), "DROP_NO_NEXTHOP");
}

TEST(Encap, LearnsThenFloodsEachRemoteItsOwnCopy) {
    for (bool ipv6 : {false, true}) {
        NEED_RIG(rig, {.ipv6 = ipv6});
        rig->learn_port(a, rig->p1);
        for (const Inner& inner : inners()) {
            SCOPED_TRACE(inner.name);
            const Outcome out = rig->run("from_port_tc", inner.frame, rig->p1);
            EXPECT_EQ(name_of(out.why), "TX_FLOOD");
            EXPECT_EQ(rig->p2.far->take(1), std::vector<Bytes>(1, inner.frame));
            const auto copies = rig->u.far->take(2);
            ASSERT_EQ(copies.size(), 2u);
            EXPECT_EQ(field16(copies[0], udp_at(*rig)), field16(copies[1], udp_at(*rig))) << "a flow has one port";
            const Bytes want = wrapped(*rig, inner, field16(copies[0], udp_at(*rig)), tos_of(inner.frame));
            EXPECT_EQ(copies[0], want) << dump(copies[0], want);
            std::swap(rig->remote2, rig->remote3);
            const Bytes other = wrapped(*rig, inner, field16(copies[1], udp_at(*rig)), tos_of(inner.frame));
            EXPECT_EQ(copies[1], other) << dump(copies[1], other);
            std::swap(rig->remote2, rig->remote3);
        }
    }
}

}  // namespace
}  // namespace weft::test

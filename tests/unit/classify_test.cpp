// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// bpf/parse.h and bpf/classify.h as they build natively: what a frame is, from its bytes alone. Each frame lies in a
// heap block of its own length, so that a sanitizer sees a read beyond it.
#include "classify.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <random>

#include "frame.hpp"

namespace weft::test {
namespace {

struct Classified {
    enum verdict verdict;
    outer packet;
};

config settings_for(const char* vtep, std::uint32_t flags) {
    config settings{};
    settings.vtep = ip(vtep).raw();
    settings.flags = flags;
    settings.port = htons(4789);
    return settings;
}

const config four = settings_for("192.0.2.1", 0), six = settings_for("2001:db8::1", CONFIG_IPV6);

config with(config settings, std::uint32_t flags) {
    settings.flags |= flags;
    return settings;
}

Classified classify(const Bytes& bytes, const config& settings, std::uint32_t gso = 0) {
    const std::unique_ptr<std::uint8_t[]> exact(new std::uint8_t[bytes.size()]);
    std::copy(bytes.begin(), bytes.end(), exact.get());
    const view seen = {exact.get(), exact.get() + bytes.size(), static_cast<std::uint32_t>(bytes.size()), gso};
    Classified out{};
    out.verdict = classify_outer(&seen, &settings, &out.packet);
    return out;
}

struct Outer {
    Eth eth{};
    Ip4 ip4{.src = "192.0.2.2", .dst = "192.0.2.1"};
    Ip6 ip6{.src = "2001:db8::2", .dst = "2001:db8::1"};
    Udp udp4{.sport = 50000, .dport = 4789, .sum = Sum::ZERO};
    Udp udp6{.sport = 50000, .dport = 4789};
    Vxlan vxlan{};

    Bytes over4() const { return frame(eth, ip4, udp4, vxlan, Eth{}, Ip4{}, Icmp4{}, payload(8)); }
    Bytes over6() const { return frame(eth, ip6, udp6, vxlan, Eth{}, Ip4{}, Icmp4{}, payload(8)); }
};

TEST(ClassifyOuter, ReadsATunnelPacketOverIp4) {
    Outer o;
    o.ip4.tos = 0xb9;
    o.vxlan.vni = 0xabcdef;
    const auto c = classify(o.over4(), four);
    EXPECT_EQ(c.verdict, CONTINUE);
    EXPECT_EQ(c.packet.vni, 0xabcdefu);
    EXPECT_EQ(c.packet.tos, 0xb9);
    EXPECT_EQ(c.packet.inner_bytes, 14u + 20 + 8 + 8);
    EXPECT_EQ(c.packet.reserved_bits, 0);
    EXPECT_EQ(c.packet.check, 0);
    EXPECT_EQ(Ip::of(c.packet.source), ip("192.0.2.2"));
}

TEST(ClassifyOuter, ReadsATunnelPacketOverIp6) {
    Outer o;
    o.ip6.traffic_class = 0x2e;
    const auto c = classify(o.over6(), six);
    EXPECT_EQ(c.verdict, CONTINUE);
    EXPECT_EQ(c.packet.vni, 5001u);
    EXPECT_EQ(c.packet.tos, 0x2e);
    EXPECT_NE(c.packet.check, 0);
    EXPECT_EQ(Ip::of(c.packet.source), ip("2001:db8::2"));
}

struct Row {
    const char* name;
    Bytes bytes;
    const config settings;
    enum verdict expected;
};

template <typename Change>
Bytes changed4(Change change) {
    Outer o;
    change(o);
    return o.over4();
}
template <typename Change>
Bytes changed6(Change change) {
    Outer o;
    change(o);
    return o.over6();
}

std::vector<Row> rows() {
    const Ip4 outer4 = Outer{}.ip4;
    const Udp udp = Outer{}.udp4;
    return {
        {"another address", changed4([](Outer& o) { o.ip4.dst = "192.0.2.3"; }), four, PASS_NOT_OURS},
        {"another port", changed4([](Outer& o) { o.udp4.dport = 8472; }), four, PASS_NOT_OURS},
        {"IPv6 on an IPv4 underlay", Outer{}.over6(), four, PASS_NOT_OURS},
        {"IPv4 on an IPv6 underlay", Outer{}.over4(), six, PASS_NOT_OURS},
        {"TCP", frame(Eth{}, outer4, Tcp{.dport = 4789}, payload(30)), four, PASS_NOT_OURS},
        {"ARP", frame(Eth{}, Arp{}), four, PASS_NOT_OURS},
        {"in a VLAN", frame(Eth{}, Vlan{}, outer4, udp, Vxlan{}, Eth{}), four, PASS_NOT_OURS},
        {"first fragment", changed4([](Outer& o) { o.ip4.mf = true; }), four, PASS_FRAGMENT},
        {"later fragment", changed4([](Outer& o) { o.ip4.fragment = 100; }), four, PASS_FRAGMENT},
        {"fragment over IPv6", frame(Eth{}, Outer{}.ip6, Ip6Fragment{}, Outer{}.udp6, Vxlan{}, Eth{}, payload(9)), six,
         PASS_FRAGMENT},
        {"IP options", changed4([](Outer& o) {
             o.ip4.options = {1, 1, 1, 1};
         }),
         four, PASS_UP},
        {"IP options, another port", changed4([](Outer& o) {
             o.ip4.options = {1, 1, 1, 1};
             o.udp4.dport = 53;
         }),
         four, PASS_NOT_OURS},
        {"hop-by-hop header", frame(Eth{}, Outer{}.ip6, Ip6HopByHop{}, Outer{}.udp6, Vxlan{}, Eth{}, payload(9)), six,
         PASS_UP},
        {"IP checksum", changed4([](Outer& o) { o.ip4.sum = Sum::WRONG; }), four, DROP_OUTER_IP},
        {"IP length beyond the frame", changed4([](Outer& o) { o.ip4.length = 1000; }), four, DROP_OUTER_IP},
        {"IP length inside its header", changed4([](Outer& o) { o.ip4.length = 20; }), four, DROP_OUTER_IP},
        {"IP version", changed4([](Outer& o) { o.ip4.version = 6; }), four, DROP_OUTER_IP},
        {"IPv6 length beyond the frame", changed6([](Outer& o) { o.ip6.length = 1000; }), six, DROP_OUTER_IP},
        {"IPv6 version", changed6([](Outer& o) { o.ip6.version = 4; }), six, DROP_OUTER_IP},
        {"UDP length beyond IP's", changed4([](Outer& o) { o.udp4.length = 200; }), four, DROP_OUTER_UDP},
        {"UDP length below its header", changed4([](Outer& o) { o.udp4.length = 7; }), four, DROP_OUTER_UDP},
        {"UDP ends inside VXLAN", changed4([](Outer& o) { o.udp4.length = 15; }), four, DROP_SHORT},
        {"UDP ends inside the inner Ethernet", changed4([](Outer& o) { o.udp4.length = 29; }), four, DROP_SHORT},
        {"zero checksum over IPv6", changed6([](Outer& o) { o.udp6.sum = Sum::ZERO; }), six, DROP_ZERO_CHECKSUM6},
        {"zero checksum over IPv6, accepted", changed6([](Outer& o) { o.udp6.sum = Sum::ZERO; }),
         with(six, CONFIG_ACCEPT_ZERO_UDP6), CONTINUE},
        {"no VNI flag", changed4([](Outer& o) { o.vxlan.flags = 0; }), four, DROP_NO_VNI_FLAG},
        {"no VNI flag but others", changed4([](Outer& o) { o.vxlan.flags = 0xf7; }), four, DROP_NO_VNI_FLAG},
        {"reserved flags", changed4([](Outer& o) { o.vxlan.flags = 0xff; }), four, CONTINUE},
        {"reserved flags, strict", changed4([](Outer& o) { o.vxlan.flags = 0x88; }), with(four, CONFIG_DROP_RESERVED),
         DROP_RESERVED_BITS},
        {"24 reserved bits, strict", changed4([](Outer& o) { o.vxlan.reserved24 = 1; }),
         with(four, CONFIG_DROP_RESERVED), DROP_RESERVED_BITS},
        {"8 reserved bits, strict", changed4([](Outer& o) { o.vxlan.reserved8 = 1; }), with(four, CONFIG_DROP_RESERVED),
         DROP_RESERVED_BITS},
        {"no reserved bits, strict", Outer{}.over4(), with(four, CONFIG_DROP_RESERVED), CONTINUE},
        {"our own address", changed4([](Outer& o) { o.ip4.src = "192.0.2.1"; }), four, DROP_OWN_SOURCE},
        {"our own address, IPv6", changed6([](Outer& o) { o.ip6.src = "2001:db8::1"; }), six, DROP_OWN_SOURCE},
    };
}

TEST(ClassifyOuter, GivesEachBrokenOrForeignPacketItsVerdict) {
    for (const auto& row : rows()) EXPECT_EQ(classify(row.bytes, row.settings).verdict, row.expected) << row.name;
}

TEST(ClassifyOuter, LeavesGsoToTheKernelWhateverItsLengthsAndSumsSay) {
    Outer o;
    o.ip4.length = 0;
    o.ip4.sum = Sum::WRONG;
    o.udp4.length = 0;
    EXPECT_EQ(classify(o.over4(), four, 1400).verdict, PASS_UP);
    EXPECT_EQ(classify(o.over4(), four, 0).verdict, DROP_OUTER_IP);
    o.vxlan.reserved8 = 1;
    EXPECT_EQ(classify(o.over4(), four, 1400).packet.reserved_bits, 1);
    EXPECT_EQ(classify(o.over4(), with(four, CONFIG_DROP_RESERVED), 1400).verdict, DROP_RESERVED_BITS);
}

TEST(ClassifyOuter, IsPaddedWithoutHarm) {
    const auto c = classify(Outer{}.over4() + Bytes(6, 0), four);
    EXPECT_EQ(c.verdict, CONTINUE);
    EXPECT_EQ(c.packet.inner_bytes, 50u) << "the trailer is not of the inner frame";
}

// What is cut off cannot be ours any more, or is dropped; never read beyond, never taken.
TEST(ClassifyOuter, SurvivesTruncationAtEveryByte) {
    for (const auto& [whole, settings] : {std::pair{Outer{}.over4(), four}, std::pair{Outer{}.over6(), six}})
        for (std::size_t bytes = 0; bytes < whole.size(); bytes++) {
            const auto v = classify(cut(whole, 0, bytes), settings).verdict;
            const std::size_t udp_end = settings.flags & CONFIG_IPV6 ? 62 : 42;
            EXPECT_EQ(v, bytes < udp_end ? PASS_NOT_OURS : DROP_OUTER_IP) << bytes << " bytes";
        }
}

TEST(ClassifyOuter, NeverReadsBeyondRandomBytes) {
    std::mt19937 random(1);
    for (int i = 0; i < 20000; i++) {
        Bytes bytes = i % 2 ? Outer{}.over4() : Outer{}.over6();
        bytes.resize(random() % bytes.size());
        for (unsigned changes = random() % 8; changes && !bytes.empty(); changes--)
            bytes[random() % bytes.size()] = static_cast<std::uint8_t>(random());
        const auto c = classify(bytes, i % 2 ? four : six);
        if (c.verdict == CONTINUE) {
            EXPECT_LE(c.packet.inner_bytes + (i % 2 ? 50 : 70), bytes.size());
        }
    }
}

// RFC 6040 figure 4, whole.
TEST(Ecn, CombinesAsInRfc6040) {
    const std::uint8_t drop = ECN_DROP;
    // rows: inner Not-ECT, ECT(1), ECT(0), CE; columns: outer Not-ECT, ECT(1), ECT(0), CE
    const std::uint8_t expected[4][4] = {{0, 0, 0, drop}, {1, 1, 1, 3}, {2, 1, 2, 3}, {3, 3, 3, 3}};
    for (std::uint8_t inner = 0; inner < 4; inner++)
        for (std::uint8_t outer = 0; outer < 4; outer++)
            EXPECT_EQ(ecn_after(inner, outer), expected[inner][outer]) << int(inner) << " in " << int(outer);
}

enum verdict macs(const Bytes& bytes) { return check_macs(bytes.data(), bytes.data() + bytes.size()); }

TEST(CheckMacs, RefusesWhatNoBridgeForwards) {
    EXPECT_EQ(macs(frame(Eth{}, payload(1))), CONTINUE);
    EXPECT_EQ(macs(frame(Eth{.dst = "ff:ff:ff:ff:ff:ff"}, payload(1))), CONTINUE);
    EXPECT_EQ(macs(frame(Eth{.src = "03:00:00:00:00:01"}, payload(1))), DROP_SOURCE_MAC);
    EXPECT_EQ(macs(frame(Eth{.src = "ff:ff:ff:ff:ff:ff"}, payload(1))), DROP_SOURCE_MAC);
    EXPECT_EQ(macs(frame(Eth{.src = "00:00:00:00:00:00"}, payload(1))), DROP_SOURCE_MAC);
    EXPECT_EQ(macs(frame(Eth{.dst = "01:80:c2:00:00:00"}, payload(1))), DROP_LINK_LOCAL);
    EXPECT_EQ(macs(frame(Eth{.dst = "01:80:c2:00:00:0f"}, payload(1))), DROP_LINK_LOCAL);
    EXPECT_EQ(macs(frame(Eth{.dst = "01:80:c2:00:00:10"}, payload(1))), CONTINUE);
    EXPECT_EQ(macs(Bytes(13, 2)), DROP_SHORT);
}

bool resolution(const Bytes& bytes) { return is_resolution(bytes.data(), bytes.data() + bytes.size()); }

TEST(IsResolution, KnowsArpAndNeighborDiscovery) {
    EXPECT_TRUE(resolution(frame(Eth{}, Arp{})));
    EXPECT_TRUE(resolution(frame(Eth{}, Ip6{}, Ns{})));
    EXPECT_TRUE(resolution(frame(Eth{}, Ip6{}, Na{})));
    EXPECT_FALSE(resolution(frame(Eth{}, Ip6{}, Icmp6{.type = 128}, payload(8))));
    EXPECT_FALSE(resolution(frame(Eth{}, Ip6{}, Udp{}, payload(8))));
    EXPECT_FALSE(resolution(frame(Eth{}, Ip4{}, Icmp4{.type = 135}, payload(8))));
    EXPECT_FALSE(resolution(cut(frame(Eth{}, Ip6{}, Ns{}), 0, 54))) << "the type is cut off";
}

std::uint8_t tos(const Bytes& bytes) { return inner_tos(bytes.data(), bytes.data() + bytes.size()); }

TEST(InnerTos, IsFoundBehindTags) {
    EXPECT_EQ(tos(frame(Eth{}, Ip4{.tos = 0xb9}, Udp{})), 0xb9);
    EXPECT_EQ(tos(frame(Eth{}, Ip6{.traffic_class = 0xb9}, Udp{})), 0xb9);
    EXPECT_EQ(tos(frame(Eth{}, Vlan{}, Vlan{}, Ip4{.tos = 7}, Udp{})), 7);
    EXPECT_EQ(tos(frame(Eth{}, Arp{})), 0);
    EXPECT_EQ(tos(cut(frame(Eth{}, Ip4{.tos = 7}, Udp{}), 0, 30)), 0) << "a truncated packet has none";
}

}  // namespace
}  // namespace weft::test

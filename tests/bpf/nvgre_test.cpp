// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// NVGRE (RFC 7637): what GRE is ours and what is wrong with it, the header we write, its own overhead. TC and XDP
// alike; where XDP leaves a frame to TC the row says so. The bytes are the builder's, which writes them from the RFC.
#include <set>

#include "decap.hpp"

namespace weft::test {
namespace {

struct GreOuter {
    Ip4 ip4;
    Ip6 ip6;
    Gre gre{};
    Bytes inner = inner4();
};

Bytes packet(const Rig& rig, const GreOuter& o) {
    const Eth ethernet{.dst = rig.u.mac, .src = rig.hop_mac};
    return rig.own.is_v4() ? frame(ethernet, o.ip4, o.gre, Payload{o.inner})
                           : frame(ethernet, o.ip6, o.gre, Payload{o.inner});
}

template <typename F>
Bytes with(const Rig& rig, F&& change) {
    GreOuter o{.ip4 = {.src = rig.remote2, .dst = rig.own}, .ip6 = {.src = rig.remote2, .dst = rig.own}};
    change(o);
    return packet(rig, o);
}

Bytes with_flags(const Rig& rig, std::uint16_t flags) {
    return with(rig, [&](GreOuter& o) { o.gre.flags = flags; });
}

std::vector<Row> headers(const Rig& rig) {
    const auto of = [&](auto&& change) { return with(rig, change); };
    const auto flags = [&](std::uint16_t bits) { return with_flags(rig, bits); };
    return {
        // clang-format off
        {"a key alone", flags(0x2000), TX_LOCAL, inner4()},
        {"a FlowID", of([](GreOuter& o) { o.gre.flow = 0xff; }), TX_LOCAL, inner4()},
        {"reserved bits are ignored", flags(0x2000 | 0x03f8), TX_LOCAL, inner4()},
        {"segment 2 is another network", of([](GreOuter& o) { o.gre.vsid = 5002; }), TX_LOCAL, inner4()},
        {"a checksum", flags(0xa000), DROP_NVGRE_HEADER, {}},
        {"RFC 1701's routing", flags(0x6000), DROP_NVGRE_HEADER, {}},
        {"a sequence number", flags(0x3000), DROP_NVGRE_HEADER, {}},
        {"bit 4", flags(0x2800), DROP_NVGRE_HEADER, {}},
        {"bit 5", flags(0x2400), DROP_NVGRE_HEADER, {}},
        {"no key", flags(0), PASS_NOT_OURS, {}},
        {"version 1", flags(0x2001), PASS_NOT_OURS, {}},
        {"an IP packet inside", of([](GreOuter& o) { o.gre.protocol = 0x0800; }), PASS_NOT_OURS, {}},
        {"ERSPAN", of([](GreOuter& o) { o.gre.protocol = 0x88be; }), PASS_NOT_OURS, {}},
        {"a VSID nobody has", of([](GreOuter& o) { o.gre.vsid = 5003; }), PASS_NOT_OURS, {}},
        {"a checksum, and a VSID nobody has", of([](GreOuter& o) { o.gre.flags = 0xa000, o.gre.vsid = 5003; }), PASS_NOT_OURS, {}},
        // clang-format on
    };
}

std::vector<Row> packets(const Rig& rig) {
    const auto of = [&](auto&& change) { return with(rig, change); };
    const Ip other = rig.own.is_v4() ? ip("192.0.2.77") : ip("2001:db8::77");
    Bytes arp = frame(to_here, Arp{.op = 2, .sha = there, .spa = "198.51.100.2", .tha = here, .tpa = "198.51.100.1"});
    Bytes padded_arp = arp;
    if (!rig.own.is_v4()) padded_arp.resize(60);  // adjust_room leaves no less than an IPv6 header
    const Bytes elsewhere = frame(Eth{.dst = away, .src = there}, Ip4{}, Udp{}, payload(20));
    const Bytes tagged = frame(to_here, Vlan{.id = 5}, Ip4{}, Udp{}, payload(20));
    const Bytes priority = frame(to_here, Vlan{.id = 0, .priority = 6}, Ip4{}, Udp{}, payload(20));
    const Bytes moved = frame(Eth{.dst = here, .src = away}, Ip4{}, Udp{}, payload(20));
    const Bytes vxlan = from_wire(rig, plain(rig));
    return {
        // clang-format off
        {"IPv6 inside", of([](GreOuter& o) { o.inner = inner6(); }), TX_LOCAL, inner6()},
        {"ARP inside", of([&](GreOuter& o) { o.inner = arp; }), TX_LOCAL, padded_arp, PASS_UP},
        {"a source that is no remote", of([&](GreOuter& o) { o.ip4.src = o.ip6.src = rig.stranger; }), DROP_UNKNOWN_SOURCE, {}},
        {"a remote of another segment", of([&](GreOuter& o) { o.ip4.src = o.ip6.src = rig.remote3, o.gre.vsid = 5002; }), DROP_UNKNOWN_SOURCE, {}},
        {"our own address", of([&](GreOuter& o) { o.ip4.src = o.ip6.src = rig.own; }), DROP_OWN_SOURCE, {}},
        {"another destination", of([&](GreOuter& o) { o.ip4.dst = o.ip6.dst = other; }), PASS_NOT_OURS, {}},
        {"nothing inside", of([](GreOuter& o) { o.inner = {}; }), DROP_SHORT, {}},
        {"half an Ethernet header inside", of([](GreOuter& o) { o.inner = cut(inner4(), 0, 13); }), DROP_SHORT, {}},
        {"IP longer than the frame", of([](GreOuter& o) { o.ip4.length = o.ip6.length = 1000; }), DROP_OUTER_IP, {}},
        {"for a remote", of([&](GreOuter& o) { o.inner = elsewhere; }), DROP_SPLIT_HORIZON, {}},
        {"a tag inside", of([&](GreOuter& o) { o.inner = tagged; }), DROP_VLAN, {}, PASS_UP},
        {"a priority tag inside", of([&](GreOuter& o) { o.inner = priority; }), DROP_VLAN, {}, PASS_UP},
        {"a source that has moved is for TC", of([&](GreOuter& o) { o.inner = moved; }), TX_LOCAL, moved, PASS_UP},
        {"bytes behind the packet go", of([](GreOuter&) {}) + Bytes(6, 0), TX_LOCAL, inner4(), PASS_UP},
        {"congestion that the guest cannot hear of", of([](GreOuter& o) { o.ip4.tos = o.ip6.traffic_class = 3; }), DROP_ECN, {}},
        {"congestion that it can", of([](GreOuter& o) { o.ip4.tos = o.ip6.traffic_class = 3, o.inner = inner4(2); }), TX_LOCAL, inner4(3)},
        {"VXLAN with the same number", vxlan, DROP_UNKNOWN_VNI, {}},
        // clang-format on
    };
}

TEST(NvgreDecap, JudgesWhatComesOverIp4) {
    NEED_RIG(rig, {.nvgre = true});
    settle(*rig);
    rig->enable_xdp(rig->u);
    const auto of = [&](auto&& change) { return with(*rig, change); };
    auto rows = headers(*rig);
    for (Row& row : packets(*rig)) rows.push_back(std::move(row));
    rows.push_back({"first fragment", of([](GreOuter& o) { o.ip4.df = false, o.ip4.mf = true; }), PASS_FRAGMENT, {}});
    rows.push_back(
        {"later fragment", of([](GreOuter& o) { o.ip4.df = false, o.ip4.fragment = 4; }), PASS_FRAGMENT, {}});
    rows.push_back({"IP options", of([](GreOuter& o) { o.ip4.options = {1, 1, 1, 0}; }), PASS_UP, {}});
    rows.push_back({"wrong header checksum", of([](GreOuter& o) { o.ip4.sum = Sum::WRONG; }), DROP_OUTER_IP, {}});
    rows.push_back({"IP shorter than GRE", of([](GreOuter& o) { o.ip4.length = 27; }), DROP_SHORT, {}});
    rows.push_back({"version 5", of([](GreOuter& o) { o.ip4.version = 5; }), DROP_OUTER_IP, {}});
    for (const Row& row : rows) check_row(*rig, row);
}

TEST(NvgreDecap, JudgesWhatComesOverIp6) {
    NEED_RIG(rig, {.ipv6 = true, .nvgre = true});
    settle(*rig);
    rig->enable_xdp(rig->u);
    const auto of = [&](auto&& change) { return with(*rig, change); };
    const Eth ethernet{.dst = rig->u.mac, .src = rig->hop_mac};
    const Ip6 six{.src = rig->remote2, .dst = rig->own};
    auto rows = headers(*rig);
    for (Row& row : packets(*rig)) rows.push_back(std::move(row));
    rows.push_back(
        {"fragment", frame(ethernet, six, Ip6Fragment{.more = true}, Gre{}, Payload{inner4()}), PASS_FRAGMENT, {}});
    rows.push_back({"extension header", frame(ethernet, six, Ip6HopByHop{}, Gre{}, Payload{inner4()}), PASS_UP, {}});
    rows.push_back({"version 5", of([](GreOuter& o) { o.ip6.version = 5; }), DROP_OUTER_IP, {}});
    for (const Row& row : rows) check_row(*rig, row);
}

TEST(NvgreDecap, DropsReservedBitsWhereToldTo) {
    NEED_RIG(rig, {.nvgre = true, .add_flags = CONFIG_DROP_RESERVED});
    settle(*rig);
    rig->enable_xdp(rig->u);
    for (std::uint16_t bit = 0x0008; bit <= 0x0200; bit = static_cast<std::uint16_t>(bit << 1))
        check_row(*rig, {"one", with_flags(*rig, 0x2000 | bit), DROP_RESERVED_BITS, {}});
    check_row(*rig, {"none", with_flags(*rig, 0x2000), TX_LOCAL, inner4()});
}

TEST(NvgreDecap, LearnsASourceOfAnyVtepWhereToldTo) {
    NEED_RIG(rig, {.nvgre = true, .add_flags = CONFIG_ACCEPT_ANY});
    settle(*rig);
    const Bytes in = with(*rig, [&](GreOuter& o) { o.ip4.src = rig->stranger; });
    EXPECT_EQ(name_of(rig->run("from_wire_tc", in, rig->u).why), "TX_LOCAL");
    const auto events = rig->events();
    ASSERT_EQ(events.size(), 1u);
    EXPECT_EQ(events[0].type, EVENT_LEARN_MAC);
    EXPECT_EQ(Ip::of(events[0].source), rig->stranger);
}

TEST(NvgreDecap, TouchesNoGreWhereNoSegmentTravelsByIt) {
    for (const bool ipv6 : {false, true}) {
        NEED_RIG(rig, {.ipv6 = ipv6});
        settle(*rig);
        rig->enable_xdp(rig->u);
        for (const std::uint16_t flags : {0x2000, 0xa000, 0x0000, 0x2001})
            check_row(*rig, {"GRE", with_flags(*rig, flags), PASS_NOT_OURS, {}});
    }
}

TEST(NvgreDecap, CutShortAtAnyByteIsNeverDelivered) {
    for (const bool ipv6 : {false, true}) {
        NEED_RIG(rig, {.ipv6 = ipv6, .nvgre = true});
        settle(*rig);
        rig->enable_xdp(rig->u);
        const Bytes whole = with_flags(*rig, 0x2000);
        for (const char* program : {"from_wire_tc", "from_wire_xdp"})
            // BPF_PROG_TEST_RUN refuses to make an skb that ends inside its IP header.
            for (std::size_t bytes = std::string_view(program).ends_with("_tc") ? (ipv6 ? 54 : 34) : 14;
                 bytes < whole.size(); ++bytes) {
                const std::string name = name_of(rig->run(program, cut(whole, 0, bytes), rig->u).why);
                EXPECT_TRUE(name == "PASS_NOT_OURS" || name == "DROP_OUTER_IP") << program << bytes << name;
            }
    }
}

TEST(NvgreDecap, LeavesSuperFramesToItsDeviceOrUnwrapsThoseOfTcpWithout) {
    for (const bool device : {false, true}) {
        NEED_RIG(rig, {.nvgre = true, .tunnel_device = device});
        settle(*rig);
        const Bytes in = with(*rig, [](GreOuter& o) { o.inner = frame(to_here, Ip4{}, Tcp{}, payload(2800)); });
        // The test run gives a super-frame no GSO type, and adjust_room asks for one: that it was tried shows.
        EXPECT_EQ(name_of(rig->run("from_wire_tc", in, rig->u, {.gso_bytes = 1000}).why),
                  device ? "PASS_UP" : "DROP_NO_ROOM");
        const Bytes udp = with(*rig, [](GreOuter& o) { o.inner = frame(to_here, Ip4{}, Udp{}, payload(2800)); });
        EXPECT_EQ(name_of(rig->run("from_wire_tc", udp, rig->u, {.gso_bytes = 1000}).why),
                  device ? "PASS_UP" : "DROP_NO_TUNNEL");
    }
}

// --- encapsulation

const Eth to_there{.dst = there, .src = here};

struct Guest {
    const char* name;
    Bytes frame;
    std::uint8_t tos;
};

std::vector<Guest> guests() {
    return {
        // clang-format off
        {"UDP over IPv4", frame(to_there, Ip4{}, Udp{}, payload(100)), 0},
        {"UDP of odd length", frame(to_there, Ip4{}, Udp{}, payload(99)), 0},
        {"partial UDP", frame(to_there, Ip4{}, Udp{.sum = Sum::PARTIAL}, payload(100)), 0},
        {"partial TCP over IPv6, ECT(1)", frame(to_there, Ip6{.traffic_class = 1}, Tcp{.sum = Sum::PARTIAL}, payload(300)), 1},
        {"TCP, ECT(0), a class", frame(to_there, Ip4{.tos = 0xba}, Tcp{}, payload(1000)), 0xba},
        {"a fragment", frame(to_there, Ip4{.df = false, .fragment = 9, .id = 7, .protocol = 17}, payload(33)), 0},
        {"ARP reply", frame(to_there, Arp{.op = 2}), 0},
        {"another EtherType", frame(Eth{.dst = there, .src = here, .type = 0x88b5}, payload(61)), 0},
        {"NVGRE in NVGRE", frame(to_there, Ip4{}, Gre{}, Eth{}, Ip4{}, Udp{}, payload(9)), 0},
        // clang-format on
    };
}

std::size_t flow_at(const Rig& rig) { return rig.own.is_v4() ? 41 : 61; }

Bytes wrapped(const Rig& rig, const Ip& remote, const Bytes& inner, std::uint8_t flow, std::uint8_t tos) {
    const Eth ethernet{.dst = rig.hop_mac, .src = rig.u.mac};
    const Gre gre{.flow = flow};
    if (rig.own.is_v4()) return frame(ethernet, Ip4{.src = rig.own, .dst = remote, .tos = tos}, gre, Payload{inner});
    return frame(ethernet, Ip6{.src = rig.own, .dst = remote, .traffic_class = tos}, gre, Payload{inner});
}

TEST(NvgreEncap, WritesTheHeaderOfTheRfc) {
    for (const bool ipv6 : {false, true}) {
        NEED_RIG(rig, {.ipv6 = ipv6, .nvgre = true});
        settle(*rig);
        rig->enable_xdp(rig->p1);
        for (const char* program : {"from_port_tc", "from_port_xdp"})
            for (const Guest& guest : guests()) {
                SCOPED_TRACE(std::string(program) + ", " + guest.name);
                const Outcome out = rig->run(program, guest.frame, rig->p1);
                const bool xdp = std::string_view(program).ends_with("_xdp");
                EXPECT_EQ(name_of(out.why), xdp && field16(guest.frame, 12) == 0x0806 ? "PASS_UP" : "TX_REMOTE");
                if (out.why != TX_REMOTE) continue;
                ASSERT_GT(out.bytes.size(), flow_at(*rig));
                EXPECT_NE(out.bytes[flow_at(*rig)], 0) << "0 says that there is no FlowID";
                const Bytes want = wrapped(*rig, rig->remote2, guest.frame, out.bytes[flow_at(*rig)], guest.tos);
                EXPECT_TRUE(out.bytes == want) << "got\n" << dump(out.bytes, want) << "want\n" << dump(want, out.bytes);
            }
    }
}

TEST(NvgreEncap, KeepsTheFlowIdOfAFlowAndSpreadsFlows) {
    NEED_RIG(rig, {.nvgre = true});
    settle(*rig);
    rig->enable_xdp(rig->p1);
    std::set<std::uint8_t> ids;
    for (std::uint16_t port = 1; port <= 512; ++port) {
        const auto id = [&](const char* program, std::size_t bytes) {
            return rig->run(program, frame(to_there, Ip4{}, Udp{.sport = port}, payload(bytes)), rig->p1).bytes[41];
        };
        const std::uint8_t first = id("from_port_tc", 10);
        EXPECT_EQ(id("from_port_xdp", 700), first);
        ids.insert(first);
    }
    EXPECT_GT(ids.size(), 180u) << "of 255, which 512 random ones would leave 34 of out";
}

TEST(NvgreEncap, FloodsOneCopyToEachRemote) {
    for (const bool ipv6 : {false, true}) {
        NEED_RIG(rig, {.ipv6 = ipv6, .nvgre = true});
        settle(*rig);
        const Bytes in = frame(Eth{.dst = "ff:ff:ff:ff:ff:ff", .src = here, .type = 0x88b5}, payload(60));
        EXPECT_EQ(name_of(rig->run("from_port_tc", in, rig->p1).why), "TX_FLOOD");
        const auto copies = rig->u.far->take(2);
        ASSERT_EQ(copies.size(), 2u);
        const std::uint8_t flow = copies[0][flow_at(*rig)];
        EXPECT_EQ(copies[0], wrapped(*rig, rig->remote2, in, flow, 0));
        EXPECT_EQ(copies[1], wrapped(*rig, rig->remote3, in, flow, 0));
        const auto local = rig->p2.far->take(1);
        ASSERT_EQ(local.size(), 1u);
        EXPECT_EQ(local[0], in);
    }
}

TEST(NvgreEncap, TellsTheGuestWhatAPathCarriesBesideItsOwnHeader) {
    for (const bool ipv6 : {false, true}) {
        NEED_RIG(rig, {.ipv6 = ipv6, .nvgre = true});
        settle(*rig);
        rig->set_mtu(9000);
        rig->set_path_mtu(HOP_2, 1500);
        const std::size_t fits = ipv6 ? 1500 - 62 : 1500 - 42;
        const auto run = [&](std::size_t bytes) {
            return rig->run("from_port_tc", frame(to_there, Ip4{}, Udp{}, payload(bytes - 28)), rig->p1);
        };
        EXPECT_EQ(name_of(run(fits).why), "TX_REMOTE");
        const Outcome told = run(fits + 1);
        EXPECT_EQ(name_of(told.why), "TX_TOO_BIG");
        EXPECT_EQ(field16(told.bytes, 40), fits);
    }
}

TEST(NvgreEncap, HandsWhatHasNoWayYetToItsDevice) {
    for (const bool device : {false, true}) {
        NEED_RIG(rig, {.nvgre = true, .tunnel_device = device});
        settle(*rig);
        auto hop = *rig->tables().nexthops.find(HOP_2);
        ASSERT_TRUE(hop);
        hop->flags = static_cast<std::uint16_t>(hop->flags & ~NEXTHOP_RESOLVED);
        ASSERT_TRUE(rig->tables().nexthops.put(HOP_2, *hop));
        const Outcome out = rig->run("from_port_tc", frame(to_there, Ip4{}, Udp{}, payload(20)), rig->p1);
        EXPECT_EQ(name_of(out.why), device ? "TX_REMOTE_DEVICE" : "DROP_UNRESOLVED");
    }
}

}  // namespace
}  // namespace weft::test

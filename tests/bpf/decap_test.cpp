// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// What the underlay brings: whose it is, what is wrong with it, what becomes of the frame inside. TC and XDP alike;
// where XDP leaves a frame to TC the row says so.
#include "decap.hpp"

namespace weft::test {
namespace {

std::vector<Row> common_rows(const Rig& rig) {
    auto with = [&](auto&& change) { return changed(rig, change); };
    const Ip other = rig.own.is_v4() ? ip("192.0.2.77") : ip("2001:db8::77");
    const Bytes arp =
        frame(to_here, Arp{.op = 2, .sha = there, .spa = "198.51.100.2", .tha = here, .tpa = "198.51.100.1"});
    Bytes padded_arp = arp;
    if (!rig.own.is_v4()) padded_arp.resize(60);  // adjust_room leaves no less than an IPv6 header
    const Bytes multicast_source = frame(Eth{.dst = here, .src = "03:00:00:00:00:02"}, Ip4{}, Udp{});
    const Bytes no_source = frame(Eth{.dst = here, .src = "00:00:00:00:00:00"}, Ip4{}, Udp{});
    const Bytes bpdu = frame(Eth{.dst = "01:80:c2:00:00:0e", .src = there, .type = 0x88cc}, payload(60));
    const Bytes elsewhere = frame(Eth{.dst = away, .src = there}, Ip4{}, Udp{}, payload(20));
    const Bytes tagged = frame(to_here, Vlan{.id = 5}, Ip4{}, Udp{}, payload(20));
    const Bytes priority = frame(to_here, Vlan{.id = 0, .priority = 6}, Ip4{}, Udp{}, payload(20));
    const Bytes untagged = frame(to_here, Ip4{}, Udp{}, payload(20));
    const Bytes moved = frame(Eth{.dst = here, .src = away}, Ip4{}, Udp{}, payload(20));
    return {
        // clang-format off
        {"IPv4 inside", with([](Outer&) {}), TX_LOCAL, inner4()},
        {"IPv6 inside", with([](Outer& o) { o.inner = inner6(); }), TX_LOCAL, inner6()},
        {"ARP inside", with([&](Outer& o) { o.inner = arp; }), TX_LOCAL, padded_arp, PASS_UP},
        {"segment 2 is another network", with([](Outer& o) { o.vxlan.vni = 5002; }), TX_LOCAL, inner4()},
        {"another source port", with([](Outer& o) { o.udp.sport = 1; }), TX_LOCAL, inner4()},
        {"reserved flags are ignored", with([](Outer& o) { o.vxlan.flags = 0xff; }), TX_LOCAL, inner4()},
        {"24 reserved bits are ignored", with([](Outer& o) { o.vxlan.reserved24 = 0xffffff; }), TX_LOCAL, inner4()},
        {"8 reserved bits are ignored", with([](Outer& o) { o.vxlan.reserved8 = 0xff; }), TX_LOCAL, inner4()},
        {"no VNI flag", with([](Outer& o) { o.vxlan.flags = 0xf7; }), DROP_NO_VNI_FLAG, {}},
        {"VNI 0", with([](Outer& o) { o.vxlan.vni = 0; }), DROP_UNKNOWN_VNI, {}},
        {"VNI 16777215", with([](Outer& o) { o.vxlan.vni = 0xffffff; }), DROP_UNKNOWN_VNI, {}},
        {"a VNI nobody has", with([](Outer& o) { o.vxlan.vni = 5003; }), DROP_UNKNOWN_VNI, {}},
        {"a source that is no remote", with([&](Outer& o) { o.ip4.src = o.ip6.src = rig.stranger; }), DROP_UNKNOWN_SOURCE, {}},
        {"a remote of another segment", with([&](Outer& o) { o.ip4.src = o.ip6.src = rig.remote3, o.vxlan.vni = 5002; }), DROP_UNKNOWN_SOURCE, {}},
        {"our own address", with([&](Outer& o) { o.ip4.src = o.ip6.src = rig.own; }), DROP_OWN_SOURCE, {}},
        {"another destination", with([&](Outer& o) { o.ip4.dst = o.ip6.dst = other; }), PASS_NOT_OURS, {}},
        {"another port", with([](Outer& o) { o.udp.dport = 4790; }), PASS_NOT_OURS, {}},
        {"UDP longer than the packet", with([](Outer& o) { o.udp.length = 1000; }), DROP_OUTER_UDP, {}},
        {"UDP shorter than its header", with([](Outer& o) { o.udp.length = 7; }), DROP_OUTER_UDP, {}},
        {"UDP that ends in the VXLAN header", with([](Outer& o) { o.udp.length = 15; }), DROP_SHORT, {}},
        {"nothing inside", with([](Outer& o) { o.inner = {}; }), DROP_SHORT, {}},
        {"half an Ethernet header inside", with([](Outer& o) { o.inner = cut(inner4(), 0, 13); }), DROP_SHORT, {}},
        {"a wrong checksum", with([](Outer& o) { o.udp.sum = o.sum6 = Sum::WRONG; }), DROP_CHECKSUM, {}},
        {"a right checksum", with([](Outer& o) { o.udp.sum = Sum::RIGHT; }), TX_LOCAL, inner4()},
        {"a checksum left to the device", with([](Outer& o) { o.udp.sum = Sum::PARTIAL; }), TX_LOCAL, inner4()},
        {"multicast source MAC inside", with([&](Outer& o) { o.inner = multicast_source; }), DROP_SOURCE_MAC, {}},
        {"no source MAC inside", with([&](Outer& o) { o.inner = no_source; }), DROP_SOURCE_MAC, {}},
        {"link-local destination inside", with([&](Outer& o) { o.inner = bpdu; }), DROP_LINK_LOCAL, {}},
        {"for a remote", with([&](Outer& o) { o.inner = elsewhere; }), DROP_SPLIT_HORIZON, {}},
        {"a tag inside", with([&](Outer& o) { o.inner = tagged; }), DROP_VLAN, {}, PASS_UP},
        {"a priority tag inside", with([&](Outer& o) { o.inner = priority; }), TX_LOCAL, untagged, PASS_UP},
        {"a source that has moved is for TC", with([&](Outer& o) { o.inner = moved; }), TX_LOCAL, moved, PASS_UP},
        {"bytes behind the UDP packet go", with([](Outer&) {}) + Bytes(6, 0), TX_LOCAL, inner4(), PASS_UP},
        {"TCP", frame(Eth{.dst = rig.u.mac}, Ip4{.src = rig.own.is_v4() ? rig.remote2 : ip("192.0.2.9"), .dst = rig.own.is_v4() ? rig.own : ip("192.0.2.8")},
                      Tcp{.dport = 4789}), PASS_NOT_OURS, {}},
        {"ARP of the underlay", frame(Eth{.dst = "ff:ff:ff:ff:ff:ff"}, Arp{.tpa = "192.0.2.1"}), PASS_NOT_OURS, {}},
        {"something else", frame(Eth{.dst = rig.u.mac, .type = 0x88b5}, payload(60)), PASS_NOT_OURS, {}},
        // clang-format on
    };
}

TEST(Decap, JudgesWhatComesOverIp4) {
    NEED_RIG(rig, {});
    settle(*rig);
    rig->enable_xdp(rig->u);
    auto rows = common_rows(*rig);
    auto with = [&](auto&& change) { return changed(*rig, change); };
    rows.push_back({"first fragment", with([](Outer& o) { o.ip4.df = false, o.ip4.mf = true; }), PASS_FRAGMENT, {}});
    rows.push_back({"later fragment", with([](Outer& o) { o.ip4.df = false, o.ip4.fragment = 4; }), PASS_FRAGMENT, {}});
    rows.push_back({"IP options", with([](Outer& o) { o.ip4.options = {1, 1, 1, 0}; }), PASS_UP, {}});
    rows.push_back({"wrong header checksum", with([](Outer& o) { o.ip4.sum = Sum::WRONG; }), DROP_OUTER_IP, {}});
    rows.push_back({"IP longer than the frame", with([](Outer& o) { o.ip4.length = 1000; }), DROP_OUTER_IP, {}});
    rows.push_back({"IP shorter than UDP", with([](Outer& o) { o.ip4.length = 27; }), DROP_OUTER_IP, {}});
    rows.push_back({"version 5", with([](Outer& o) { o.ip4.version = 5; }), DROP_OUTER_IP, {}});
    for (const Row& row : rows) check_row(*rig, row);
}

TEST(Decap, JudgesWhatComesOverIp6) {
    NEED_RIG(rig, {.ipv6 = true});
    settle(*rig);
    rig->enable_xdp(rig->u);
    auto rows = common_rows(*rig);
    auto with = [&](auto&& change) { return changed(*rig, change); };
    const Eth ethernet{.dst = rig->u.mac, .src = rig->hop_mac};
    const Outer o = plain(*rig);
    rows.push_back({"no checksum", with([](Outer& o) { o.sum6 = Sum::ZERO; }), DROP_ZERO_CHECKSUM6, {}});
    rows.push_back({"fragment",
                    frame(ethernet, o.ip6, Ip6Fragment{.more = true}, o.udp, o.vxlan, Payload{inner4()}),
                    PASS_FRAGMENT,
                    {}});
    rows.push_back(
        {"extension header", frame(ethernet, o.ip6, Ip6HopByHop{}, o.udp, o.vxlan, Payload{inner4()}), PASS_UP, {}});
    rows.push_back({"IP longer than the frame", with([](Outer& o) { o.ip6.length = 1000; }), DROP_OUTER_IP, {}});
    rows.push_back({"version 5", with([](Outer& o) { o.ip6.version = 5; }), DROP_OUTER_IP, {}});
    for (const Row& row : rows) check_row(*rig, row);
}

TEST(Decap, TakesZeroChecksumsOverIp6WhereToldTo) {
    NEED_RIG(rig, {.ipv6 = true, .add_flags = CONFIG_ACCEPT_ZERO_UDP6});
    settle(*rig);
    rig->enable_xdp(rig->u);
    check_row(*rig, {"no checksum", changed(*rig, [](Outer& o) { o.sum6 = Sum::ZERO; }), TX_LOCAL, inner4()});
}

TEST(Decap, DropsReservedBitsWhereToldTo) {
    NEED_RIG(rig, {.add_flags = CONFIG_DROP_RESERVED});
    settle(*rig);
    rig->enable_xdp(rig->u);
    auto with = [&](auto&& change) { return changed(*rig, change); };
    check_row(*rig, {"flags", with([](Outer& o) { o.vxlan.flags = 0x0c; }), DROP_RESERVED_BITS, {}});
    check_row(*rig, {"24 bits", with([](Outer& o) { o.vxlan.reserved24 = 1; }), DROP_RESERVED_BITS, {}});
    check_row(*rig, {"8 bits", with([](Outer& o) { o.vxlan.reserved8 = 1; }), DROP_RESERVED_BITS, {}});
    check_row(*rig, {"none", with([](Outer&) {}), TX_LOCAL, inner4()});
}

TEST(Decap, TakesAnySourceWhereToldTo) {
    NEED_RIG(rig, {.add_flags = CONFIG_ACCEPT_ANY});
    settle(*rig);
    rig->enable_xdp(rig->u);
    check_row(*rig,
              {"stranger", changed(*rig, [&](Outer& o) { o.ip4.src = rig->stranger; }), TX_LOCAL, inner4(), PASS_UP});
    const auto events = rig->events();
    ASSERT_EQ(events.size(), 1u);
    EXPECT_EQ(events[0].type, EVENT_LEARN_MAC);
    EXPECT_EQ(Ip::of(events[0].source), rig->stranger);
    EXPECT_EQ(events[0].nexthop, 0u);
}

// --- outer checksums

// A kernel VTEP on the same machine sends what is partial inside with an outer sum that is right once it is complete.
Bytes lco(const Rig& rig, const Bytes& partial, const Bytes& complete) {
    Bytes out = changed(rig, [&](Outer& o) { o.inner = complete, o.udp.sum = Sum::RIGHT; });
    std::copy(partial.begin(), partial.end(), out.end() - static_cast<std::ptrdiff_t>(partial.size()));
    return out;
}

TEST(Decap, VerifiesOuterSumsOfPartialFramesOfAnyLength) {
    for (bool ipv6 : {false, true}) {
        NEED_RIG(rig, {.ipv6 = ipv6});
        settle(*rig);
        rig->enable_xdp(rig->u);
        for (std::size_t bytes : {0, 1, 63, 442, 443, 511, 512, 513, 1025, 1400}) {
            const Bytes partial4 = frame(to_here, Ip4{}, Tcp{.sum = Sum::PARTIAL}, payload(bytes));
            const Bytes partial6 = frame(to_here, Ip6{}, Udp{.sum = Sum::PARTIAL}, payload(bytes));
            const Bytes whole4 = frame(to_here, Ip4{}, Tcp{}, payload(bytes)),
                        whole6 = frame(to_here, Ip6{}, Udp{}, payload(bytes));
            const Bytes other = frame(Eth{.dst = here, .src = there, .type = 0x88b5}, payload(bytes + 50));
            SCOPED_TRACE(bytes);
            check_row(*rig, {"partial TCP over IPv4", lco(*rig, partial4, whole4), TX_LOCAL, partial4});
            check_row(*rig, {"partial UDP over IPv6", lco(*rig, partial6, whole6), TX_LOCAL, partial6});
            check_row(*rig, {"whole", changed(*rig, [&](Outer& o) { o.inner = whole4, o.udp.sum = Sum::RIGHT; }),
                             TX_LOCAL, whole4});
            check_row(*rig, {"not IP", changed(*rig, [&](Outer& o) { o.inner = other, o.udp.sum = Sum::RIGHT; }),
                             TX_LOCAL, other});
            // A sum over the partial frame's bytes as they are: what a sender without offloads would have made.
            check_row(*rig, {"as it is", changed(*rig, [&](Outer& o) { o.inner = partial4, o.udp.sum = Sum::RIGHT; }),
                             TX_LOCAL, partial4});
            Bytes broken = lco(*rig, partial4, whole4);
            broken[broken.size() - partial4.size() + 16] ^= 1;  // in the inner IP header's length
            check_row(*rig, {"broken in an inner header", broken, DROP_CHECKSUM, {}});
            if (bytes == 0) continue;
            broken = changed(*rig, [&](Outer& o) { o.inner = other, o.udp.sum = Sum::RIGHT; });
            broken.back() ^= 0x80;
            check_row(*rig, {"broken in the last byte", broken, DROP_CHECKSUM, {}});
        }
    }
}

// --- truncation

TEST(Decap, CutShortAtAnyByteIsNeverDelivered) {
    for (bool ipv6 : {false, true}) {
        NEED_RIG(rig, {.ipv6 = ipv6});
        settle(*rig);
        rig->enable_xdp(rig->u);
        const Bytes whole = changed(*rig, [](Outer&) {});
        for (const char* program : {"from_wire_tc", "from_wire_xdp"})
            // BPF_PROG_TEST_RUN refuses to make an skb that ends inside its IP header.
            for (std::size_t bytes = std::string_view(program).ends_with("_tc") ? (ipv6 ? 54 : 34) : 14;
                 bytes < whole.size(); ++bytes) {
                const std::string name = name_of(rig->run(program, cut(whole, 0, bytes), rig->u).why);
                EXPECT_TRUE(name == "PASS_NOT_OURS" || name == "DROP_OUTER_IP" || name == "DROP_SHORT")
                    << program << bytes << name;
            }
    }
}

// The outer headers are right, what they carry is cut off: an Ethernet frame is delivered as it is, less is not.
TEST(Decap, OfAnInnerFrameCutShortAtAnyByteDeliversJustThat) {
    NEED_RIG(rig, {});
    settle(*rig);
    rig->enable_xdp(rig->u);
    const Bytes whole = inner4();
    for (const char* program : {"from_wire_tc", "from_wire_xdp"})
        for (std::size_t bytes = 0; bytes < whole.size(); ++bytes) {
            const Outcome out =
                rig->run(program, changed(*rig, [&](Outer& o) { o.inner = cut(whole, 0, bytes); }), rig->u);
            EXPECT_EQ(name_of(out.why), bytes < 14 ? "DROP_SHORT" : "TX_LOCAL") << program << bytes;
            EXPECT_TRUE(bytes < 14 || cut(out.bytes, 0, bytes) == cut(whole, 0, bytes)) << program << bytes;
        }
}

// --- learning, flooding, tags

TEST(Decap, FloodsToLocalPortsAndNeverBackIntoTheMesh) {
    NEED_RIG(rig, {});
    settle(*rig);
    for (const char* destination : {"ff:ff:ff:ff:ff:ff", "01:00:5e:00:00:01", "02:00:00:00:00:77"}) {
        const Bytes inner = frame(Eth{.dst = destination, .src = there}, Ip4{}, Udp{}, payload(20));
        EXPECT_EQ(name_of(rig->run("from_wire_tc", changed(*rig, [&](Outer& o) { o.inner = inner; }), rig->u).why),
                  "TX_FLOOD");
        EXPECT_EQ(rig->p1.far->take(1), std::vector<Bytes>(1, inner));
        EXPECT_EQ(rig->p2.far->take(1), std::vector<Bytes>(1, inner));
        EXPECT_TRUE(rig->p3.far->take(0).empty());
        EXPECT_TRUE(rig->u.far->take(0).empty());
    }
    EXPECT_EQ(rig->delivered(ACCOUNT_P1), 3u);
    EXPECT_EQ(rig->delivered(ACCOUNT_P2), 3u);
}

TEST(Decap, DropsUnknownUnicastWhereTheSegmentDoesNotFloodIt) {
    NEED_RIG(rig, {});
    settle(*rig);
    rig->set_flags(SEGMENT_LEARNING | SEGMENT_DROP_UNKNOWN);
    const Bytes unknown = frame(Eth{.dst = "02:00:00:00:00:77", .src = there}, Ip4{}, Udp{}, payload(20));
    EXPECT_EQ(name_of(rig->run("from_wire_tc", changed(*rig, [&](Outer& o) { o.inner = unknown; }), rig->u).why),
              "DROP_UNKNOWN_UNICAST");
    EXPECT_EQ(
        name_of(
            rig->run("from_port_tc", frame(Eth{.dst = "02:00:00:00:00:77", .src = here}, Ip4{}, Udp{}), rig->p1).why),
        "DROP_UNKNOWN_UNICAST");
    EXPECT_TRUE(rig->p1.far->take(0).empty());
}

TEST(Decap, KeepsInnerTagsWhereTheSegmentDoes) {
    NEED_RIG(rig, {});
    settle(*rig);
    rig->set_flags(SEGMENT_LEARNING | SEGMENT_KEEP_TAGS);
    const Bytes tagged = frame(to_here, Vlan{.id = 5, .priority = 3}, Ip4{}, Udp{}, payload(20));
    const Outcome out = rig->run("from_wire_tc", changed(*rig, [&](Outer& o) { o.inner = tagged; }), rig->u);
    EXPECT_EQ(name_of(out.why), "TX_LOCAL");
    EXPECT_TRUE(out.bytes == tagged) << dump(out.bytes, tagged);
}

TEST(Decap, ReportsANewSourceAndAMoveAndStampsAKnownOne) {
    NEED_RIG(rig, {});
    rig->learn_port(here, rig->p1);
    const Bytes from_2 = changed(*rig, [](Outer&) {}),
                from_3 = changed(*rig, [&](Outer&o) { o.ip4.src = rig->remote3; });
    for (int i = 0; i < 2; ++i) rig->run("from_wire_tc", from_2, rig->u);
    auto events = rig->events();
    ASSERT_EQ(events.size(), 1u) << "not twice within the hold";
    EXPECT_EQ(events[0].type, EVENT_LEARN_MAC);
    EXPECT_EQ(Mac::of(events[0].mac), there);
    EXPECT_EQ(events[0].nexthop, HOP_2);
    EXPECT_EQ(events[0].flags, EVENT_FLAG_TUNNEL);
    rig->run("from_wire_tc", from_3, rig->u);
    events = rig->events();
    ASSERT_EQ(events.size(), 1u) << "a move is never held back";
    EXPECT_EQ(events[0].nexthop, HOP_3);
    rig->learn_remote(there, HOP_2);
    rig->run("from_wire_tc", from_2, rig->u);
    EXPECT_TRUE(rig->events().empty());
    fdb_key key{1, {}};
    there.copy_to(key.mac);
    EXPECT_GT(rig->tables().fdb.find(key).value().value().used_s, 0u);
    key.segment = 1;
    here.copy_to(key.mac);
    EXPECT_EQ(rig->tables().fdb.find(key).value().value().used_s, 0u) << "traffic to a MAC does not refresh it";
}

}  // namespace
}  // namespace weft::test

// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// The switch on the guests' side: who gets a frame, what is refused, tags, learning, flooding beyond the kernel.
#include <gtest/gtest.h>

#include <initializer_list>

#include "bpf/bench.hpp"

namespace weft::test {
namespace {

const Mac a = mac("02:00:00:00:00:01"), b = mac("02:00:00:00:00:02"), c = mac("02:00:00:00:00:03"),
          nobody = mac("02:00:00:00:00:77");
constexpr std::uint16_t FLAGS = SEGMENT_LEARNING;

Bytes packet(const Mac& dst, const Mac& src = a) {
    return frame(Eth{.dst = dst, .src = src}, Ip4{}, Udp{}, payload(40));
}

void settle(Rig& rig) {
    rig.learn_port(a, rig.p1);
    rig.learn_remote(b, HOP_2);
    rig.learn_port(c, rig.p2);
}

struct Row {
    const char* name;
    Bytes in;
    verdict why;
    verdict from_xdp;
};

TEST(Switch, SendsEachFrameOneWay) {
    NEED_RIG(rig, {});
    settle(*rig);
    rig->learn_port(mac("02:00:00:00:00:11"), rig->p1);
    rig->enable_xdp(rig->p1);
    const Row rows[] = {
        // clang-format off
        {"to a local port", packet(c), TX_LOCAL, TX_LOCAL},
        {"to a remote", packet(b), TX_REMOTE, TX_REMOTE},
        {"back to its own port", packet(mac("02:00:00:00:00:11")), DROP_SAME_PORT, DROP_SAME_PORT},
        {"to nobody known", packet(nobody), TX_FLOOD, PASS_UP},
        {"to all", packet(mac("ff:ff:ff:ff:ff:ff")), TX_FLOOD, PASS_UP},
        {"to a group", packet(mac("01:00:5e:00:00:fb")), TX_FLOOD, PASS_UP},
        {"from a source not seen before", packet(c, mac("02:00:00:00:00:55")), TX_LOCAL, PASS_UP},
        {"from a source that was elsewhere", packet(b, c), TX_REMOTE, PASS_UP},
        {"from a multicast source", packet(c, mac("03:00:00:00:00:01")), DROP_SOURCE_MAC, DROP_SOURCE_MAC},
        {"from the broadcast source", packet(c, mac("ff:ff:ff:ff:ff:ff")), DROP_SOURCE_MAC, DROP_SOURCE_MAC},
        {"from no source", packet(c, mac("00:00:00:00:00:00")), DROP_SOURCE_MAC, DROP_SOURCE_MAC},
        {"too big for XDP to judge", frame(Eth{.dst = b, .src = a}, Ip4{}, Udp{}, payload(1423)), TX_TOO_BIG, PASS_UP},
        // clang-format on
    };
    for (const Row& row : rows) {
        SCOPED_TRACE(row.name);
        EXPECT_EQ(name_of(rig->run("from_port_tc", row.in, rig->p1).why), name_of(row.why));
        const Outcome xdp = rig->run("from_port_xdp", row.in, rig->p1);
        EXPECT_EQ(name_of(xdp.why), name_of(row.from_xdp));
        EXPECT_TRUE(row.from_xdp != PASS_UP || (xdp.bytes == row.in && xdp.action == XDP_ACTION_PASS))
            << "goes up as it came";
    }
}

TEST(Switch, ForwardsNoneOfTheReservedAddresses) {
    NEED_RIG(rig, {});
    settle(*rig);
    rig->enable_xdp(rig->p1);
    for (std::uint8_t last = 0; last < 0x20; ++last)
        for (const char* program : {"from_port_tc", "from_port_xdp"}) {
            const std::string name =
                name_of(rig->run(program, packet(Mac{{0x01, 0x80, 0xc2, 0, 0, last}}), rig->p1).why);
            const bool tc = std::string_view(program).ends_with("_tc");
            EXPECT_EQ(name, last < 0x10 ? "DROP_LINK_LOCAL" : tc ? "TX_FLOOD" : "PASS_UP") << int{last};
        }
}

TEST(Switch, KeepsSegmentsApartThatShareMacs) {
    NEED_RIG(rig, {});
    settle(*rig);
    rig->learn_remote(c, HOP_2_IN_SEGMENT_2, 2);
    rig->learn_port(a, rig->p3, 2);
    EXPECT_EQ(name_of(rig->run("from_port_tc", packet(c), rig->p1).why), "TX_LOCAL");
    const Outcome other = rig->run("from_port_tc", packet(c), rig->p3);
    EXPECT_EQ(name_of(other.why), "TX_REMOTE");
    EXPECT_EQ(field16(other.bytes, 46) << 8 | other.bytes[48], 5002);
    EXPECT_EQ(other.account, ACCOUNT_P3);
}

TEST(Switch, LeavesInterfacesAloneThatAreNoPorts) {
    NEED_RIG(rig, {});
    settle(*rig);
    for (const Link* link : {&rig->u, &rig->t}) {
        const Outcome out = rig->run("from_port_tc", packet(c), *link);
        EXPECT_EQ(name_of(out.why), "PASS_NO_DEVICE");
        EXPECT_EQ(out.action, ACTION_UNSPEC);
    }
    ASSERT_TRUE(rig->tables().devices.put(rig->p1.ifindex, {rig->p1.ifindex, ACCOUNT_P1, 0, DEVICE_PORT, 9000}));
    EXPECT_EQ(name_of(rig->run("from_port_tc", packet(c), rig->p1).why), "DROP_NO_SEGMENT");
}

TEST(Switch, ReportsNewSourcesAndMovesOfItsPorts) {
    NEED_RIG(rig, {});
    for (int i = 0; i < 2; ++i) rig->run("from_port_tc", packet(nobody), rig->p1);
    auto events = rig->events();
    ASSERT_EQ(events.size(), 1u);
    EXPECT_EQ(events[0].type, EVENT_LEARN_MAC);
    EXPECT_EQ(Mac::of(events[0].mac), a);
    EXPECT_EQ(events[0].ifindex, rig->p1.ifindex);
    EXPECT_EQ(events[0].segment, 1);
    EXPECT_EQ(events[0].flags, 0);
    rig->run("from_port_tc", packet(nobody), rig->p2);
    events = rig->events();
    ASSERT_EQ(events.size(), 1u) << "a move is never held back";
    EXPECT_EQ(events[0].ifindex, rig->p2.ifindex);
    rig->set_flags(0);
    forget_recent(*rig);
    rig->run("from_port_tc", packet(nobody), rig->p1);
    EXPECT_TRUE(rig->events().empty()) << "the segment does not learn";
}

TEST(Switch, FloodsAsManyRemotesAsTheKernelTakesAndLeavesTheRestToTheDaemon) {
    NEED_RIG(rig, {});
    rig->learn_port(a, rig->p1);
    auto segment = rig->tables().segments.find(1).value().value();
    segment.flood_remotes = MAX_KERNEL_FLOOD + 10;
    segment.flood_bank = 1;
    for (std::uint32_t slot = 0; slot < segment.flood_ports + segment.flood_remotes; ++slot)
        ASSERT_TRUE(rig->tables().floods.put({1, 1, slot}, slot == 0   ? rig->p1.ifindex
                                                           : slot == 1 ? rig->p2.ifindex
                                                                       : HOP_2));
    ASSERT_TRUE(rig->tables().segments.put(1, segment));
    const Bytes in = packet(nobody);
    EXPECT_EQ(name_of(rig->run("from_port_tc", in, rig->p1).why), "TX_FLOOD");
    EXPECT_EQ(rig->u.far->take(MAX_KERNEL_FLOOD).size(), std::size_t{MAX_KERNEL_FLOOD});
    EXPECT_EQ(rig->p2.far->take(1).size(), 1u);
    const auto events = rig->events();
    ASSERT_EQ(events.size(), 1u);
    EXPECT_EQ(events[0].type, EVENT_FLOOD);
    EXPECT_EQ(events[0].first_remote, std::uint32_t{MAX_KERNEL_FLOOD});
    EXPECT_EQ(events[0].frame_bytes, in.size());
}

TEST(Switch, AFloodWithAnUnresolvedRemoteCostsTheOthersNothing) {
    NEED_RIG(rig, {.tunnel_device = false});
    rig->learn_port(a, rig->p1);
    auto hop = rig->tables().nexthops.find(HOP_2).value().value();
    hop.flags = NEXTHOP_IN_USE;
    ASSERT_TRUE(rig->tables().nexthops.put(HOP_2, hop));
    check(*rig, {"one is not resolved", FLAGS, packet(nobody), TX_FLOOD, {}, 1, 1});
}

TEST(Switch, AFloodThatNobodyTakesSaysSo) {
    NEED_RIG(rig, {});
    auto segment = rig->tables().segments.find(2).value().value();
    segment.flood_remotes = 0;
    ASSERT_TRUE(rig->tables().segments.put(2, segment));
    EXPECT_EQ(name_of(rig->run("from_port_tc", packet(nobody), rig->p3).why), "DROP_NO_RECEIVER");
}

// --- tags: the kernel keeps the outermost one in metadata, so these need real skbs

struct Tagged {
    const char* name;
    std::uint16_t flags;
    Bytes in;
    verdict why;
    Bytes at_p2;  // empty: nothing
};

TEST(Switch, TakesTagsOnlyWhereTheSegmentKeepsThem) {
    NEED_RIG(rig, {});
    settle(*rig);
    rig->attach_tc("from_port_tc", rig->p1);
    const Eth to_c{.dst = c, .src = a};
    const Bytes untagged = frame(to_c, Ip4{}, Udp{}, payload(40)),
                tagged = frame(to_c, Vlan{.id = 7, .priority = 5}, Ip4{}, Udp{}, payload(40));
    const Bytes priority = frame(to_c, Vlan{.id = 0, .priority = 5}, Ip4{}, Udp{}, payload(40));
    const Bytes twice = frame(to_c, Vlan{.id = 8, .tpid = 0x88a8}, Vlan{.id = 7}, Ip4{}, Udp{}, payload(40));
    const Tagged rows[] = {
        // clang-format off
        {"untagged", FLAGS, untagged, TX_LOCAL, untagged},
        {"priority tag", FLAGS, priority, TX_LOCAL, untagged},
        {"tag", FLAGS, tagged, DROP_VLAN, {}},
        {"two tags", FLAGS, twice, DROP_VLAN, {}},
        {"tag that is kept", FLAGS | SEGMENT_KEEP_TAGS, tagged, TX_LOCAL, tagged},
        {"two tags that are kept", FLAGS | SEGMENT_KEEP_TAGS, twice, TX_LOCAL, twice},
        // clang-format on
    };
    for (const Tagged& row : rows) {
        SCOPED_TRACE(row.name);
        rig->set_flags(row.flags);
        const auto before = rig->counted(row.why);
        ASSERT_TRUE(rig->p1.far->send(row.in));
        const auto seen = rig->p2.far->take(row.at_p2.empty() ? 0 : 1);
        ASSERT_EQ(seen.size(), row.at_p2.empty() ? 0u : 1u);
        EXPECT_TRUE(seen.empty() || seen[0] == row.at_p2);
        EXPECT_EQ(rig->counted(row.why), before + 1);
    }
}

// Over the tunnel a kept tag is inside, never on the underlay's frame (performance facts, hazard H5).
TEST(Switch, PutsKeptTagsInsideTheTunnel) {
    for (bool ipv6 : {false, true}) {
        NEED_RIG(rig, {.ipv6 = ipv6});
        settle(*rig);
        rig->set_flags(FLAGS | SEGMENT_KEEP_TAGS);
        rig->attach_tc("from_port_tc", rig->p1);
        for (const Mac& to : {b, nobody}) {
            const Eth ethernet{.dst = to, .src = a};
            for (const Bytes& in :
                 {frame(ethernet, Vlan{.id = 7, .priority = 5}, Ip4{}, Udp{}, payload(40)),
                  frame(ethernet, Vlan{.id = 8, .tpid = 0x88a8}, Vlan{.id = 7}, Ip6{}, Udp{}, payload(41))}) {
                ASSERT_TRUE(rig->p1.far->send(in));
                const std::size_t copies = to == b ? 1 : 2;
                const auto seen = rig->u.far->take(copies);
                ASSERT_EQ(seen.size(), copies);
                for (const Bytes& outer : seen) {
                    EXPECT_EQ(field16(outer, 12), ipv6 ? 0x86dd : 0x0800);
                    EXPECT_TRUE(inner_of(*rig, outer) == in) << dump(inner_of(*rig, outer), in);
                    EXPECT_TRUE(!ipv6 || to != b || l4_sum(rig->own, rig->remote2, 17, cut(outer, 54)) == 0xffff);
                }
            }
        }
    }
}

// A tag that travels takes its bytes from the packet; the error goes back into the guest's VLAN.
TEST(Switch, CountsAKeptTagAgainstTheMtu) {
    NEED_RIG(rig, {});
    settle(*rig);
    rig->set_flags(FLAGS | SEGMENT_KEEP_TAGS);
    rig->attach_tc("from_port_tc", rig->p1);
    const Eth ethernet{.dst = b, .src = a};
    auto tagged = [&](std::size_t bytes) { return frame(ethernet, Vlan{.id = 7}, Ip4{}, Udp{}, payload(bytes - 28)); };
    ASSERT_TRUE(rig->p1.far->send(tagged(1446)));
    EXPECT_EQ(rig->u.far->take(1).size(), 1u);
    ASSERT_TRUE(rig->p1.far->send(tagged(1447)));
    const auto errors = rig->p1.far->take(1);
    ASSERT_EQ(errors.size(), 1u);
    EXPECT_EQ(cut(errors[0], 12, 4), (Bytes{0x81, 0x00, 0, 7}));
    EXPECT_EQ(field16(errors[0], 18 + 20 + 6), 1446);
    EXPECT_EQ(ones_sum(cut(errors[0], 18 + 20)), 0xffff);
}

// The tables know nothing of a guest's own VLANs, so their ARP is any frame.
TEST(Switch, NeitherAnswersNorLearnsFromTaggedArp) {
    NEED_RIG(rig, {});
    settle(*rig);
    rig->bind(ip("198.51.100.3"), c);
    rig->set_flags(FLAGS | SEGMENT_KEEP_TAGS | SEGMENT_ARP_SUPPRESS);
    rig->attach_tc("from_port_tc", rig->p1);
    const Bytes in =
        frame(Eth{.dst = "ff:ff:ff:ff:ff:ff", .src = a}, Vlan{.id = 7}, Arp{.sha = a, .tpa = "198.51.100.3"});
    ASSERT_TRUE(rig->p1.far->send(in));
    EXPECT_EQ(rig->p2.far->take(1), std::vector<Bytes>(1, in));
    EXPECT_TRUE(rig->p1.far->take(0).empty());
    EXPECT_TRUE(rig->events().empty());
}

// --- what the verifier pays

// A program near the limit of a million instructions fails on the next kernel: these are twice what was measured.
TEST(Programs, CostTheVerifierNoMoreThanTheyDid) {
    const std::pair<const char*, std::uint32_t> ceilings[] = {
        {"from_port_tc", 260000},   {"from_vlan_tc", 330000}, {"from_wire_tc", 165000},
        {"from_tunnel_tc", 180000}, {"from_port_xdp", 48000}, {"from_wire_xdp", 32000},
        {"resolve_tc", 245000},     {"route_tc", 225000},     {"from_host_tc", 270000},
    };
    for (bool ipv6 : {false, true}) {
        NEED_RIG(rig, {.ipv6 = ipv6, .routing = true});
        for (const auto& [program, ceiling] : ceilings) {
            const auto count = rig->instructions(program);
            RecordProperty(std::string(program) + (ipv6 ? "_ip6" : "_ip4"), static_cast<int>(count));
            std::printf("%s over %s: %u instructions verified\n", program, ipv6 ? "IPv6" : "IPv4", count);
            EXPECT_GT(count, 0u);
            EXPECT_LT(count, ceiling) << program;
        }
    }
}

void expect_less_code(Rig& without, Rig& with, std::initializer_list<const char*> programs) {
    for (const char* program : programs)
        EXPECT_LT(without.instructions(program), with.instructions(program)) << program;
}

TEST(Programs, HaveNoRoutingWhereThereIsNoDomain) {
    NEED_RIG(with, {.routing = true});
    NEED_RIG(without, {});
    expect_less_code(*without, *with, {"from_port_tc", "resolve_tc", "route_tc", "from_wire_xdp"});
    EXPECT_LT(without->instructions("route_tc"), 1000u);
}

TEST(Programs, HaveNothingOfVlansWhereThereIsNoBridgeAndNoSwitch) {
    NEED_RIG(with, {});
    NEED_RIG(without, {.vlans = false});
    expect_less_code(*without, *with, {"from_port_tc", "from_wire_tc", "from_vlan_tc", "from_wire_xdp"});
    EXPECT_LT(without->instructions("from_vlan_tc"), 1000u);
    EXPECT_LT(without->instructions("from_nvgre_tc"), 1000u);
}

}  // namespace
}  // namespace weft::test

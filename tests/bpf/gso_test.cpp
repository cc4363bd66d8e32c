// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Super-frames from the underlay: which the program unwraps itself, and which go through the kernel's tunnel device.
#include <gtest/gtest.h>

#include "bpf/bench.hpp"

namespace weft::test {
namespace {

const Mac here = mac("02:00:00:00:00:01"), there = mac("02:00:00:00:00:02"), router = mac("02:00:00:00:00:03");

Bytes super_frame(const Rig& rig, const Mac& to, bool inner6, bool tcp, std::uint8_t reserved = 0) {
    const Eth inner{.dst = to, .src = there}, outer{.dst = rig.u.mac, .src = rig.hop_mac};
    const auto l4 = [&](auto ip) {
        return tcp ? frame(inner, ip, Tcp{}, payload(2800)) : frame(inner, ip, Udp{}, payload(2800));
    };
    const Payload content{inner6 ? l4(Ip6{}) : l4(Ip4{})};
    const Vxlan vxlan{.reserved8 = reserved};
    if (rig.own.is_v4())
        return frame(outer, Ip4{.src = rig.remote2, .dst = rig.own}, Udp{.dport = 4789, .sum = Sum::ZERO}, vxlan,
                     content);
    return frame(outer, Ip6{.src = rig.remote2, .dst = rig.own}, Udp{.dport = 4789}, vxlan, content);
}

// Whether the program tried to unwrap it. It fails there: the test run gives a super-frame no GSO type, and adjust_room
// asks for one. tests/netns has them with one.
const char* const UNWRAPPED = "DROP_NO_ROOM";

Outcome from_wire(Rig& rig, const Bytes& in) { return rig.run("from_wire_tc", in, rig.u, {.gso_bytes = 1000}); }

void allow_gso(Rig& rig, const Link& port) {
    auto row = *rig.tables().devices.find(port.ifindex);
    ASSERT_TRUE(row);
    row->flags |= DEVICE_GSO;
    ASSERT_TRUE(rig.tables().devices.put(port.ifindex, *row));
}

TEST(SuperFrames, AreLeftToTheTunnelDevice) {
    for (const bool ipv6 : {false, true}) {
        NEED_RIG(rig, {.ipv6 = ipv6});
        rig->learn_port(here, rig->p1);
        const Bytes in = super_frame(*rig, here, false, true);
        const Outcome out = from_wire(*rig, in);
        EXPECT_EQ(name_of(out.why), "PASS_UP");
        EXPECT_EQ(out.action, ACTION_OK);
        EXPECT_TRUE(out.bytes == in);
        const Bytes clean = from_wire(*rig, super_frame(*rig, here, false, true, 9)).bytes;
        EXPECT_TRUE(cut(clean, 0, 40) == cut(in, 0, 40) && cut(clean, ipv6 ? 62 : 42) == cut(in, ipv6 ? 62 : 42))
            << "the device drops reserved bits";
    }
}

TEST(SuperFrames, OfTcpAreUnwrappedForAPortThatTakesThem) {
    for (const bool ipv6 : {false, true}) {
        NEED_RIG(rig, {.ipv6 = ipv6});
        rig->learn_port(here, rig->p1);
        allow_gso(*rig, rig->p1);
        const auto why = [&](const Mac& to, bool inner6, bool tcp) {
            return name_of(from_wire(*rig, super_frame(*rig, to, inner6, tcp)).why);
        };
        EXPECT_EQ(why(here, ipv6, true), UNWRAPPED);
        EXPECT_EQ(why(here, ipv6, false), "PASS_UP") << "UDP";
        EXPECT_EQ(why(here, !ipv6, true), "PASS_UP") << "another family than the underlay's";
        EXPECT_EQ(why(there, ipv6, true), "PASS_UP") << "a MAC that nobody knows";
        rig->learn_port(there, rig->p2);
        EXPECT_EQ(why(there, ipv6, true), "PASS_UP") << "behind a port that does not take them";
    }
}

TEST(SuperFrames, ForAGuestThatRoutesGoThroughTheTunnelDevice) {
    for (const bool ipv6 : {false, true}) {
        NEED_RIG(rig, {.ipv6 = ipv6});
        rig->learn_port(here, rig->p1);
        rig->learn_port(router, rig->p1);
        rig->learn_remote(there, HOP_2);
        allow_gso(*rig, rig->p1);
        const auto send = [&](std::uint8_t ttl, bool tcp) {
            const Eth ethernet{.dst = there, .src = router};
            const auto l4 = [&](auto ip) { return tcp ? frame(ethernet, ip, Tcp{}) : frame(ethernet, ip, Udp{}); };
            rig->run("from_port_tc", ipv6 ? l4(Ip6{.hops = ttl}) : l4(Ip4{.ttl = ttl}), rig->p1);
        };
        const auto why = [&](const Mac& to) { return name_of(from_wire(*rig, super_frame(*rig, to, ipv6, true)).why); };
        for (const std::uint8_t ttl : {64, 128, 255}) send(ttl, true);
        send(63, false);
        EXPECT_EQ(why(router), UNWRAPPED) << "it started what it sent, and UDP with any TTL says nothing";
        send(63, true);
        EXPECT_EQ(why(router), "PASS_UP");
        EXPECT_EQ(why(here), UNWRAPPED) << "another guest of the port";
    }
}

}  // namespace
}  // namespace weft::test

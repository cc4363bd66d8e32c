// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// What the tests of decapsulation share: a segment with a host on each side, and an outer header with one thing
// changed.
#pragma once

#include <gtest/gtest.h>

#include "bpf/bench.hpp"

namespace weft::test {

// here is behind p1, there behind remote 2, away behind remote 3.
const Mac here = mac("02:00:00:00:00:01"), there = mac("02:00:00:00:00:02"), away = mac("02:00:00:00:00:03");
const Eth to_here{.dst = here, .src = there};

inline void settle(Rig& rig) {
    rig.learn_port(here, rig.p1);
    rig.learn_remote(there, HOP_2);
    rig.learn_remote(away, HOP_3);
    rig.learn_port(here, rig.p3, 2);
    rig.learn_remote(there, HOP_2_IN_SEGMENT_2, 2);
}

inline Bytes inner4(std::uint8_t tos = 0) {
    return frame(to_here, Ip4{.src = "198.51.100.2", .dst = "198.51.100.1", .tos = tos}, Udp{}, payload(64));
}
inline Bytes inner6(std::uint8_t tos = 0) { return frame(to_here, Ip6{.traffic_class = tos}, Udp{}, payload(64)); }

struct Row {
    const char* name;
    Bytes in;
    verdict why;
    Bytes out;                          // empty: not looked at
    std::optional<verdict> from_xdp{};  // where it differs
};

inline void check_row(Rig& rig, const Row& row) {
    for (const char* program : {"from_wire_tc", "from_wire_xdp"}) {
        const bool xdp = std::string_view(program).ends_with("_xdp");
        const verdict want = xdp ? row.from_xdp.value_or(row.why) : row.why;
        SCOPED_TRACE(std::string(program) + ", " + row.name);
        const Outcome out = rig.run(program, row.in, rig.u);
        EXPECT_EQ(name_of(out.why), name_of(want));
        const std::string name = name_of(want);
        if (name.starts_with("PASS_")) {
            EXPECT_EQ(out.action, xdp ? XDP_ACTION_PASS : want == PASS_UP ? ACTION_OK : ACTION_UNSPEC);
            EXPECT_TRUE(out.bytes == row.in) << "what passes is as it came";
        } else if (name.starts_with("DROP_")) {
            EXPECT_EQ(out.action, xdp ? XDP_ACTION_DROP : ACTION_DROP);
        }
        EXPECT_TRUE(name != "TX_LOCAL" || out.action == (xdp ? XDP_ACTION_REDIRECT : ACTION_REDIRECT));
        EXPECT_TRUE(name == "PASS_UP" || row.out.empty() || out.bytes == row.out)
            << "got\n"
            << dump(out.bytes, row.out) << "want\n"
            << dump(row.out, out.bytes);
    }
}

// The outer headers, one thing about them changed.
struct Outer {
    Ip4 ip4;
    Ip6 ip6;
    Udp udp{.sport = 50000, .dport = 4789, .sum = Sum::ZERO};
    Vxlan vxlan{};
    Bytes inner = inner4();
    Sum sum6 = Sum::RIGHT;
};

inline Bytes from_wire(const Rig& rig, Outer o) {
    const Eth ethernet{.dst = rig.u.mac, .src = rig.hop_mac};
    if (rig.own.is_v4()) return frame(ethernet, o.ip4, o.udp, o.vxlan, Payload{o.inner});
    if (o.udp.sum == Sum::ZERO) o.udp.sum = o.sum6;
    return frame(ethernet, o.ip6, o.udp, o.vxlan, Payload{o.inner});
}

inline Outer plain(const Rig& rig) {
    return {.ip4 = {.src = rig.remote2, .dst = rig.own}, .ip6 = {.src = rig.remote2, .dst = rig.own}};
}

template <typename F>
Bytes changed(const Rig& rig, F&& change) {
    Outer o = plain(rig);
    change(o);
    return from_wire(rig, o);
}

}  // namespace weft::test

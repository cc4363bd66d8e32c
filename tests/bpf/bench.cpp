// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include "bench.hpp"

#include <gtest/gtest.h>

namespace weft::test {
namespace {

int action_for(verdict why) {
    const std::string name = name_of(why);
    if (why == TX_FLOOD || name.starts_with("DROP_")) return ACTION_DROP;
    return name.starts_with("TX_") ? ACTION_REDIRECT : why == PASS_UP ? ACTION_OK : ACTION_UNSPEC;
}

}  // namespace

void check(Rig& rig, const Case& row) {
    SCOPED_TRACE(row.name);
    rig.set_flags(row.segment_flags);
    const Outcome out = rig.run("from_port_tc", row.in, rig.p1);
    EXPECT_EQ(name_of(out.why), name_of(row.why));
    EXPECT_EQ(out.account, ACCOUNT_P1);
    EXPECT_EQ(out.action, action_for(row.why));
    EXPECT_TRUE(row.out.empty() || out.bytes == row.out) << "got\n"
                                                         << dump(out.bytes, row.out) << "want\n"
                                                         << dump(row.out, out.bytes);
    const auto local = rig.p2.far->take(row.to_p2), remote = rig.u.far->take(row.to_remotes);
    EXPECT_EQ(local.size(), row.to_p2);
    EXPECT_EQ(remote.size(), row.to_remotes);
    for (const Bytes& copy : local) EXPECT_EQ(copy, row.in);
    for (const Bytes& copy : remote) EXPECT_EQ(inner_of(rig, copy), row.in);
    EXPECT_TRUE(rig.p3.far->take(0).empty()) << "another segment";
}

Bytes tunnelled(const Rig& rig, const Ip& sender, std::uint32_t vni, const Bytes& inner, std::uint8_t tos) {
    const Eth ethernet{.dst = rig.u.mac, .src = rig.hop_mac};
    const Payload rest{inner};
    if (rig.own.is_v4())
        return frame(ethernet, Ip4{.src = sender, .dst = rig.own, .tos = tos},
                     Udp{.sport = 50000, .dport = 4789, .sum = Sum::ZERO}, Vxlan{.vni = vni}, rest);
    return frame(ethernet, Ip6{.src = sender, .dst = rig.own, .traffic_class = tos}, Udp{.sport = 50000, .dport = 4789},
                 Vxlan{.vni = vni}, rest);
}

Bytes inner_of(const Rig& rig, const Bytes& outer) { return cut(outer, rig.own.is_v4() ? 50 : 70); }

void forget_recent(Rig& rig) {
    const auto rows = rig.tables().recent.rows();
    ASSERT_TRUE(rows);
    for (const auto& [key, value] : *rows) ASSERT_TRUE(rig.tables().recent.erase(key));
}

void expect_neighbor_event(Rig& rig, const char* address, const Mac& owner, std::uint32_t ifindex,
                           std::uint16_t flags) {
    std::size_t seen = 0;
    for (const event& e : rig.events()) {
        if (e.type != EVENT_LEARN_NEIGHBOR) continue;
        ++seen;
        if (!address) continue;
        EXPECT_EQ(Ip::of(e.ip).text(), address);
        EXPECT_EQ(Mac::of(e.mac), owner);
        EXPECT_EQ(e.ifindex, ifindex);
        EXPECT_EQ(e.segment, 1);
        EXPECT_EQ(e.flags, flags);
        EXPECT_TRUE(Ip::of(e.source).is_unspecified());
    }
    EXPECT_EQ(seen, address ? 1u : 0u);
}

}  // namespace weft::test

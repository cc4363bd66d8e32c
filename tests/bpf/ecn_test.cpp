// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// ECN after decapsulation: RFC 6040 §4.2, figure 4.
#include "decap.hpp"

namespace weft::test {
namespace {

TEST(Decap, CombinesEcnAsInRfc6040) {
    constexpr int NOT_ECT = 0, ECT1 = 1, ECT0 = 2, CE = 3, DROP = -1;
    // [inner][outer]
    const int figure4[4][4] = {
        {NOT_ECT, NOT_ECT, NOT_ECT, DROP}, {ECT1, ECT1, ECT1, CE}, {ECT0, ECT1, ECT0, CE}, {CE, CE, CE, CE}};
    for (bool ipv6 : {false, true}) {
        NEED_RIG(rig, {.ipv6 = ipv6});
        settle(*rig);
        rig->enable_xdp(rig->u);
        for (int inner = 0; inner < 4; ++inner)
            for (int outer = 0; outer < 4; ++outer) {
                SCOPED_TRACE("inner " + std::to_string(inner) + " outer " + std::to_string(outer));
                const auto in = static_cast<std::uint8_t>(0xb8 | inner),
                           result = static_cast<std::uint8_t>(0xb8 | figure4[inner][outer]);
                for (auto make : {inner4, inner6}) {
                    const Bytes packet = changed(*rig, [&](Outer& o) {
                        o.ip4.tos = o.ip6.traffic_class = static_cast<std::uint8_t>(outer);
                        o.inner = make(in);
                    });
                    if (figure4[inner][outer] == DROP)
                        check_row(*rig, {"drop", packet, DROP_ECN, {}});
                    else
                        check_row(*rig, {"mark", packet, TX_LOCAL, make(result)});
                }
            }
    }
}

TEST(Decap, CombinesEcnBehindTagsThatTravel) {
    constexpr std::uint8_t ECT1 = 1, ECT0 = 2, CE = 3;
    struct {
        std::uint8_t inner, outer, result;
    } const rows[] = {{ECT0, CE, CE}, {ECT0, ECT1, ECT1}, {ECT1, CE, CE}, {ECT0, ECT0, ECT0}, {0, ECT1, 0}};
    for (bool ipv6 : {false, true}) {
        NEED_RIG(rig, {.ipv6 = ipv6});
        settle(*rig);
        rig->set_flags(SEGMENT_LEARNING | SEGMENT_KEEP_TAGS);
        const auto tagged4 = [](std::uint8_t tos) {
            return frame(Eth{.dst = here, .src = there}, Vlan{.id = 100}, Ip4{.tos = tos}, Udp{}, payload(20));
        };
        const auto twice6 = [](std::uint8_t tos) {
            return frame(Eth{.dst = here, .src = there}, Vlan{.id = 100, .tpid = 0x88a8}, Vlan{.id = 7},
                         Ip6{.traffic_class = tos}, Udp{}, payload(20));
        };
        const auto received = [&](const Bytes& inner, std::uint8_t outer) {
            return rig->run("from_wire_tc",
                            changed(*rig,
                                    [&](Outer& o) {
                                        o.ip4.tos = o.ip6.traffic_class = outer;
                                        o.inner = inner;
                                    }),
                            rig->u);
        };
        for (const auto& row : rows) {
            SCOPED_TRACE("inner " + std::to_string(row.inner) + " outer " + std::to_string(row.outer));
            const auto one = received(tagged4(row.inner), row.outer), two = received(twice6(row.inner), row.outer);
            EXPECT_EQ(name_of(one.why), "TX_LOCAL");
            EXPECT_EQ(one.bytes, tagged4(row.result)) << dump(one.bytes, tagged4(row.result));
            EXPECT_EQ(name_of(two.why), "TX_LOCAL");
            EXPECT_EQ(two.bytes, twice6(row.result)) << dump(two.bytes, twice6(row.result));
        }
        EXPECT_EQ(name_of(received(tagged4(0), CE).why), "DROP_ECN");
        EXPECT_EQ(name_of(received(twice6(0), CE).why), "DROP_ECN");
    }
}

}  // namespace
}  // namespace weft::test

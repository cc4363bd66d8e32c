// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include "hook_choice.hpp"

#include <gtest/gtest.h>

namespace weft {
namespace {

Link link(const std::string& kind, const std::string& bus = {}) {
    Link link;
    link.name = "dev0";
    link.kind = kind;
    link.parent_bus = bus;
    link.mtu = 9000;
    return link;
}

struct Row {
    const char* what;
    Link link;
    Role role;
    Hook wanted, chosen;
};

TEST(HookChoice, FollowsTheDeviceUnlessAskedOtherwise) {
    const Row rows[] = {
        {"a real NIC", link("", "pci"), Role::Uplink, Hook::Auto, Hook::Xdp},
        {"a virtio NIC as a port", link("", "virtio"), Role::Port, Hook::Auto, Hook::Xdp},
        {"a veth port", link("veth"), Role::Port, Hook::Auto, Hook::Tc},
        {"a veth uplink", link("veth"), Role::Uplink, Hook::Auto, Hook::Tc},
        {"a tap", link("tun"), Role::Port, Hook::Auto, Hook::Tc},
        {"a bond", link("bond"), Role::Uplink, Hook::Auto, Hook::Tc},
        {"a device without kind or bus", link(""), Role::Uplink, Hook::Auto, Hook::Tc},
        {"XDP on a veth port, asked for", link("veth"), Role::Port, Hook::Xdp, Hook::Xdp},
        {"TC on a real NIC, asked for", link("", "pci"), Role::Uplink, Hook::Tc, Hook::Tc},
        {"generic XDP on an uplink", link("bond"), Role::Uplink, Hook::XdpGeneric, Hook::XdpGeneric},
        {"generic XDP on a port", link("veth"), Role::Port, Hook::XdpGeneric, Hook::Tc},
    };
    for (const auto& row : rows) {
        const auto choice = choose_hook(row.link, row.role, row.wanted);
        EXPECT_EQ(choice.hook, row.chosen) << row.what;
        EXPECT_FALSE(choice.reason.empty()) << row.what;
    }
}

TEST(HookChoice, ARefusalBecomesTcWithItsReason) {
    EXPECT_EQ(without_xdp(link("", "pci"), {EOPNOTSUPP, "attach XDP: Operation not supported"}),
              (HookChoice{Hook::Tc, "the driver has no native XDP"}));
    const auto veth = without_xdp(link("veth"), {ERANGE, "attach XDP: Peer MTU is too large to set XDP"});
    EXPECT_NE(veth.reason.find("9000"), std::string::npos) << veth.reason;
    EXPECT_NE(veth.reason.find("at most"), std::string::npos) << veth.reason;
    EXPECT_EQ(without_xdp(link("veth"), {EBUSY, "XDP program id 7 (other) is there and stays"}).reason,
              "XDP program id 7 (other) is there and stays");
}

TEST(HookChoice, VethTakesXdpUpToWhatOnePageHolds) { EXPECT_EQ(veth_xdp_mtu(4096), 3506u); }

TEST(HookChoice, TheFarEndIsWarnedOfOnlyUnderXdp) {
    EXPECT_TRUE(far_end_warnings(link("veth"), Role::Port, Hook::Tc).empty());
    EXPECT_TRUE(far_end_warnings(link("", "pci"), Role::Uplink, Hook::Xdp).empty());
    const auto warnings = far_end_warnings(link("veth"), Role::Port, Hook::Xdp);
    ASSERT_EQ(warnings.size(), 1u);
    EXPECT_NE(warnings[0].find("guest's end of dev0: tx checksumming, tso, tx-udp-segmentation, txvlan"),
              std::string::npos);
}

}  // namespace
}  // namespace weft

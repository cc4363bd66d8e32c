// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// What a document's switches, port groups, bridges and bindings may not say, a row a mistake.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "config.hpp"
#include "switch_example.hpp"

namespace weft {
namespace {

struct Wrong {
    const char* what;
    const char* patch;  // of SWITCH_EXAMPLE
    const char* complaint;
};

class WrongSwitchConfig : public testing::TestWithParam<Wrong> {};

TEST_P(WrongSwitchConfig, IsSaidInWords) { EXPECT_EQ(complaints(patched(GetParam().patch)), GetParam().complaint); }

INSTANTIATE_TEST_SUITE_P(
    Form, WrongSwitchConfig,
    testing::ValuesIn(std::vector<Wrong>{
        {"BridgeVlanZero", R"({"bridges": [{"segment": "blue", "interface": "eth1", "vlan": 0}], "fdb": []})",
         "/bridges/0/vlan: is 0, smallest is 1"},
        {"BridgeVlanTooLarge", R"({"bridges": [{"segment": "blue", "interface": "eth1", "vlan": 4095}], "fdb": []})",
         "/bridges/0/vlan: is 4095, largest is 4094"},
        {"BridgeRole",
         R"({"bridges": [{"segment": "blue", "interface": "eth1", "vlan": 1, "role": "master"}], "fdb": []})",
         "/bridges/0/role: is \"master\", must be one of \"designated\", \"standby\", \"elected\""},
        {"BridgePriority",
         R"({"bridges": [{"segment": "blue", "interface": "eth1", "vlan": 1, "priority": 255}], "fdb": []})",
         "/bridges/0/priority: is 255, largest is 254"},
        {"BridgeWithout", R"({"bridges": [{"role": "standby"}], "fdb": []})",
         "/bridges/0/segment: is missing\n/bridges/0/interface: is missing\n/bridges/0/vlan: is missing"},
        {"TeamOfGroupHasNoUplinks", R"({"port_groups": [{"name": "web", "switch": "dvs0", "segment": "lan", "vlan": 1,
                                        "team": {"uplinks": ["eth2"]}}]})",
         "/port_groups/0/team/uplinks: unknown key"},
        {"GroupVlanTooLarge", R"({"port_groups": [{"name": "web", "switch": "dvs0", "segment": "lan", "vlan": 4095}]})",
         "/port_groups/0/vlan: is 4095, largest is 4094"},
        {"TrunkNone", R"({"port_groups": [{"name": "web", "switch": "dvs0", "segment": "lan", "trunk": ["all"]}]})",
         "/port_groups/0/trunk/0: is \"all\", which is no range of VLANs like 100-199"},
        {"TrunkNumber", R"({"port_groups": [{"name": "web", "switch": "dvs0", "segment": "lan", "trunk": [100]}]})",
         "/port_groups/0/trunk/0: is 100, must be a string"},
        {"TrunkUpsideDown",
         R"({"port_groups": [{"name": "web", "switch": "dvs0", "segment": "lan", "trunk": ["20-10"]}]})",
         "/port_groups/0/trunk/0: is \"20-10\", which ends before it starts"},
        {"TrunkOutside",
         R"({"port_groups": [{"name": "web", "switch": "dvs0", "segment": "lan", "trunk": ["0-10", "4000-4095", "0"]}]})",
         "/port_groups/0/trunk/0: is \"0-10\", VLANs are 1 to 4094\n"
         "/port_groups/0/trunk/1: is \"4000-4095\", VLANs are 1 to 4094\n"
         "/port_groups/0/trunk/2: is \"0\", VLANs are 1 to 4094"},
        {"LimitsOfZero",
         R"({"port_groups": [{"name": "web", "switch": "dvs0", "segment": "lan", "vlan": 1, "storm": {"broadcast_pps": 0},
             "limits": {"from_port": {"average_kbps": 0}, "to_port": {"average_kbps": 1, "burst_kbytes": 0}}}]})",
         "/port_groups/0/limits/from_port/average_kbps: is 0, smallest is 1\n"
         "/port_groups/0/limits/to_port/burst_kbytes: is 0, smallest is 1\n"
         "/port_groups/0/storm/broadcast_pps: is 0, smallest is 1"},
        {"PeakAlone", R"({"port_groups": [{"name": "web", "switch": "dvs0", "segment": "lan", "vlan": 1,
                          "limits": {"to_port": {"peak_kbps": 5}}}]})",
         "/port_groups/0/limits/to_port/peak_kbps: goes with average_kbps only, which is missing"},
        {"OverlayKeysWithoutVni", R"({"segments": [{"name": "lan", "remotes": ["192.0.2.2"], "keep_inner_tags": true}],
                                     "port_groups": [], "ports": [], "bridges": [], "fdb": []})",
         "/segments/0/keep_inner_tags: goes with vni only, which is missing\n"
         "/segments/0/remotes: goes with vni only, which is missing"},
        {"PortNowhere", R"({"ports": [{"interface": "tap0"}]})",
         "/ports/0/segment: is missing: there must be segment or port_group"},
        {"PortInBoth", R"({"ports": [{"interface": "tap0", "segment": "lan", "port_group": "web"}]})",
         "/ports/0/segment: segment and port_group exclude each other: there must be segment or port_group"},
        {"EntryBehindNoBridge", R"({"fdb": [{"segment": "blue", "mac": "02:00:00:00:00:07", "bridge": "eth1"}]})",
         "/fdb/0/bridge: is \"eth1\", which is no interface and VLAN like eth1:100"},
        {"BindWithoutMac", R"({"ports": [{"interface": "tap0", "segment": "lan", "bind": [{"ips": ["224.0.0.1"]}]}]})",
         "/ports/0/bind/0/ips/0: is \"224.0.0.1\", which is not the address of a host\n/ports/0/bind/0/mac: is "
         "missing"},
    }),
    [](const auto& info) { return info.param.what; });

INSTANTIATE_TEST_SUITE_P(
    Bridges, WrongSwitchConfig,
    testing::ValuesIn(std::vector<Wrong>{
        {"VlanInTwoSegments", R"({"bridges": [{"segment": "blue", "interface": "eth0", "vlan": 400},
                                  {"segment": "green", "interface": "eth0", "vlan": 400, "tag_protocol": "802.1ad"}]})",
         "/bridges/1/vlan: eth0:400 is already bridged to segment blue"},
        {"Twice", R"({"bridges": [{"segment": "blue", "interface": "eth0", "vlan": 400},
                                  {"segment": "blue", "interface": "eth0", "vlan": 400, "role": "standby"}]})",
         "/bridges/1: eth0:400 of segment blue is given twice"},
        {"VlanOfAPortGroup", R"({"bridges": [{"segment": "blue", "interface": "eth0", "vlan": 400},
                                             {"segment": "green", "interface": "eth3", "vlan": 20}]})",
         "/bridges/1/vlan: VLAN 20 of eth3 is port group db's (switch dvs0)"},
        {"VlanInATrunk", R"({"bridges": [{"segment": "blue", "interface": "eth0", "vlan": 400},
                                         {"segment": "green", "interface": "eth0", "vlan": 150}]})",
         "/bridges/1/vlan: VLAN 150 of eth0 is port group web's (switch dvs0)"},
        {"VlanBackedSegment", R"({"bridges": [{"segment": "lan", "interface": "eth1", "vlan": 5}], "fdb": []})",
         "/bridges/0/segment: segment lan has no vni: its port groups join it to a VLAN, a bridge cannot"},
        {"NoSegment", R"({"bridges": [{"segment": "red", "interface": "eth1", "vlan": 5}], "fdb": []})",
         "/bridges/0/segment: there is no segment red"},
        {"NicIsAPort", R"({"bridges": [{"segment": "blue", "interface": "tap1", "vlan": 5}], "fdb": []})",
         "/bridges/0/interface: tap1 is already a port of segment green"},
        {"NicIsLoopback", R"({"bridges": [{"segment": "blue", "interface": "lo", "vlan": 5}], "fdb": []})",
         "/bridges/0/interface: lo cannot be the NIC of a bridge"},
        {"RouterIdTwice", R"({"bridges": [{"segment": "blue", "interface": "eth0", "vlan": 400, "role": "elected"},
                              {"segment": "green", "interface": "eth0", "vlan": 399, "role": "elected"},
                              {"segment": "green", "interface": "eth0", "vlan": 401, "virtual_router_id": 47}]})",
         "/bridges/1/virtual_router_id: 47 is already bridge eth0:400 of segment blue's: give one of them another"},
        {"EntryOfAnotherSegment",
         R"({"fdb": [{"segment": "green", "mac": "02:00:00:00:00:07", "bridge": "eth0:400"}]})",
         "/fdb/0/bridge: eth0:400 is no bridge of segment green"},
        {"EntryInThreePlaces", R"({"fdb": [{"segment": "green", "mac": "02:00:00:00:00:07", "bridge": "eth2:400",
                                            "port": "tap1", "remote": "192.0.2.2"}]})",
         "/fdb/0: has a port and a remote and a bridge, must have one of them"},
    }),
    [](const auto& info) { return info.param.what; });

INSTANTIATE_TEST_SUITE_P(
    Switches, WrongSwitchConfig,
    testing::ValuesIn(std::vector<Wrong>{
        {"Twice", R"({"switches": [{"name": "dvs0", "team": {"uplinks": ["eth0", "eth2", "eth3"]}}, {"name": "dvs1"},
                                   {"name": "dvs0"}]})",
         "/switches/2/name: dvs0 is given twice"},
        {"UplinkOfAnother", R"({"switches": [{"name": "dvs0", "team": {"uplinks": ["eth2", "eth3"]}},
                                             {"name": "dvs1", "team": {"uplinks": ["eth3", "eth4"]}}]})",
         "/switches/1/team/uplinks/0: eth3 is already an uplink of switch dvs0"},
        {"UplinkTwice",
         R"({"switches": [{"name": "dvs0", "team": {"uplinks": ["eth2", "eth3", "eth2"]}}, {"name": "dvs1"}]})",
         "/switches/0/team/uplinks/2: eth2 is given twice"},
        {"UplinkIsAPort",
         R"({"switches": [{"name": "dvs0", "team": {"uplinks": ["eth3", "tap1"]}}, {"name": "dvs1"}]})",
         "/switches/0/team/uplinks/1: tap1 is already a port of segment green"},
        {"UplinkIsOurs",
         R"({"switches": [{"name": "dvs0", "team": {"uplinks": ["eth3", "weft-4fb77448"]}}, {"name": "dvs1"}]})",
         "/switches/0/team/uplinks/1: weft-4fb77448 cannot be an uplink of switch dvs0"},
        {"OrderOfStrangers",
         R"({"switches": [{"name": "dvs0", "team": {"uplinks": ["eth2", "eth3"], "active": ["eth2", "eth9"],
                                               "standby": ["eth4", "eth2"]}}, {"name": "dvs1"}]})",
         "/switches/0/team/active/1: eth9 is no uplink of switch dvs0\n"
         "/switches/0/team/standby/0: eth4 is no uplink of switch dvs0\n"
         "/switches/0/team/standby/1: eth2 is given twice"},
        {"TooManyUplinks",
         R"({"switches": [{"name": "dvs0", "team": {"uplinks": ["eth3", "n1", "n2", "n3", "n4", "n5", "n6",
                               "n7", "n8", "n9", "n10", "n11", "n12", "n13", "n14", "n15", "n16"]}}, {"name": "dvs1"}]})",
         "/switches/0/team/uplinks: 17 uplinks, a team has room for 16"},
    }),
    [](const auto& info) { return info.param.what; });

INSTANTIATE_TEST_SUITE_P(
    PortGroups, WrongSwitchConfig,
    testing::ValuesIn(std::vector<Wrong>{
        {"Twice", R"({"port_groups": [{"name": "web", "switch": "dvs0", "segment": "lan", "vlan": 1},
                                      {"name": "web", "switch": "dvs0", "segment": "lan", "vlan": 1}]})",
         "/port_groups/1/name: web is given twice"},
        {"NoSwitchNoSegment", R"({"port_groups": [{"name": "web", "switch": "dvs9", "segment": "red", "vlan": 1}]})",
         "/port_groups/0/switch: there is no switch dvs9\n/port_groups/0/segment: there is no segment red"},
        {"OrderOfStrangers", R"({"port_groups": [{"name": "web", "switch": "dvs0", "segment": "lan", "vlan": 1,
                                                  "team": {"active": ["eth4"]}}]})",
         "/port_groups/0/team/active/0: eth4 is no uplink of switch dvs0"},
        {"PeakBelowAverage", R"({"port_groups": [{"name": "web", "switch": "dvs0", "segment": "lan", "vlan": 1,
             "limits": {"from_port": {"average_kbps": 10, "peak_kbps": 10}, "to_port": {"average_kbps": 10, "peak_kbps": 9}}}]})",
         "/port_groups/0/limits/to_port/peak_kbps: is 9, the average is 10: the peak cannot be below"},
        {"TrunkHoldsOwnVlan", R"({"port_groups": [{"name": "web", "switch": "dvs0", "segment": "lan", "vlan": 150,
                                                   "trunk": ["100-199", "190-300"]}]})",
         "/port_groups/0/trunk/0: 100-199 holds the group's own VLAN 150\n"
         "/port_groups/0/trunk/1: 190-300 overlaps 100-199 of the same group"},
        {"TrunkOverlapsAnothers", R"({"port_groups": [
             {"name": "web", "switch": "dvs0", "segment": "lan", "trunk": ["100-199"]},
             {"name": "db", "switch": "dvs0", "segment": "dmz", "trunk": ["50", "199-250"]}]})",
         "/port_groups/1/trunk/1: 199-250 overlaps 100-199 of port group web"},
        {"TrunkHoldsAnothersVlan", R"({"port_groups": [
             {"name": "web", "switch": "dvs0", "segment": "lan", "vlan": 150},
             {"name": "db", "switch": "dvs0", "segment": "dmz", "vlan": 20, "trunk": ["100-199"]}]})",
         "/port_groups/1/trunk/0: 100-199 holds VLAN 150 of port group web"},
        {"VlanInAnothersTrunk", R"({"port_groups": [
             {"name": "web", "switch": "dvs0", "segment": "lan", "trunk": ["100-199"]},
             {"name": "db", "switch": "dvs0", "segment": "dmz", "vlan": 150}]})",
         "/port_groups/1/vlan: 150 is in 100-199 of port group web"},
        {"VlanOfAnotherSegment", R"({"port_groups": [
             {"name": "web", "switch": "dvs0", "segment": "lan", "vlan": 10},
             {"name": "db", "switch": "dvs0", "segment": "dmz", "vlan": 10}]})",
         "/port_groups/1/vlan: VLAN 10 is segment lan's on switch dvs0 (port group web)"},
        {"UntaggedTwice", R"({"port_groups": [{"name": "web", "switch": "dvs1", "segment": "lan"},
                                              {"name": "db", "switch": "dvs1", "segment": "dmz"}]})",
         "/port_groups/1/vlan: VLAN 0 is segment lan's on switch dvs1 (port group web)"},
        {"SegmentWithTwoVlans", R"({"port_groups": [{"name": "web", "switch": "dvs0", "segment": "lan", "vlan": 10},
                                                    {"name": "db", "switch": "dvs0", "segment": "lan", "vlan": 20}]})",
         "/port_groups/1/vlan: is 20, but segment lan has VLAN 10 (port group web)"},
        {"SegmentOnTwoSwitches", R"({"port_groups": [{"name": "web", "switch": "dvs0", "segment": "lan", "vlan": 10},
                                                     {"name": "db", "switch": "dvs1", "segment": "lan", "vlan": 10}]})",
         "/port_groups/1/switch: segment lan is on switch dvs0 (port group web): no frame passes from one switch to "
         "another"},
        {"TrunkOfAnOverlay",
         R"({"port_groups": [{"name": "web", "switch": "dvs0", "segment": "green", "trunk": ["5"]}]})",
         "/port_groups/0/trunk: segment green does not keep inner tags (keep_inner_tags)"},
        {"UntaggedOnTheUnderlay", R"({"port_groups": [{"name": "web", "switch": "dvs0", "segment": "lan"}]})",
         "/port_groups/0/vlan: is 0, but the untagged frames of eth0 (switch dvs0) are the underlay's"},
    }),
    [](const auto& info) { return info.param.what; });

INSTANTIATE_TEST_SUITE_P(
    Ports, WrongSwitchConfig,
    testing::ValuesIn(std::vector<Wrong>{
        {"NoGroup", R"({"ports": [{"interface": "tap0", "port_group": "none"}]})",
         "/ports/0/port_group: there is no port group none"},
        {"MacBoundTwice",
         R"({"ports": [{"interface": "tap0", "port_group": "web", "bind": [{"mac": "02:00:00:00:00:05"}]},
                                        {"interface": "tap1", "segment": "lan", "bind": [{"mac": "02:00:00:00:00:05"}]},
                                        {"interface": "tap2", "segment": "dmz", "bind": [{"mac": "02:00:00:00:00:05"}]}]})",
         "/ports/1/bind/0/mac: 02:00:00:00:00:05 is already bound to port tap0 in segment lan"},
        {"NoMacOfAHost", R"({"ports": [{"interface": "tap0", "segment": "lan", "bind": [{"mac": "01:00:00:00:00:05"},
                                        {"mac": "00:00:00:00:00:00"}]}]})",
         "/ports/0/bind/0/mac: 01:00:00:00:00:05 is a multicast address, which no host has\n"
         "/ports/0/bind/1/mac: 00:00:00:00:00:00 is all zero, which no host has"},
        {"IpTwice", R"({"ports": [{"interface": "tap0", "segment": "lan", "bind": [{"mac": "02:00:00:00:00:05",
                        "ips": ["198.51.100.5", "198.51.100.5"]}]}]})",
         "/ports/0/bind/0/ips/1: 198.51.100.5 is given twice"},
        {"RemoteEntryOfAVlan", R"({"fdb": [{"segment": "lan", "mac": "02:00:00:00:00:07", "remote": "192.0.2.2"},
                                           {"segment": "lan", "mac": "02:00:00:00:00:08", "port": "tap0", "vni": 5}]})",
         "/fdb/0/remote: segment lan has no vni, and so no remotes\n/fdb/1/vni: segment lan has no vni"},
    }),
    [](const auto& info) { return info.param.what; });

}  // namespace
}  // namespace weft

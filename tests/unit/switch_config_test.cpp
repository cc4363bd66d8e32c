// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// The document's switches, port groups and bridges, and what ports take from them.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "config.hpp"
#include "flat.hpp"

namespace weft {
namespace {

using nlohmann::json;

const char* const EXAMPLE = R"({
  "vtep":        { "address": "192.0.2.1" },
  "uplinks":     [ { "interface": "eth0" } ],
  "segments":    [ { "name": "blue", "vni": 5001, "keep_inner_tags": true }, { "name": "green", "vni": 5002 },
                   { "name": "lan" }, { "name": "dmz" } ],
  "switches":    [ { "name": "dvs0", "team": { "uplinks": ["eth0", "eth2", "eth3"], "policy": "explicit",
                     "active": ["eth2"], "standby": ["eth3"], "detection": "beacon", "failback": false,
                     "failback_delay_seconds": 0, "notify_switches": false } },
                   { "name": "dvs1", "team": { "uplinks": ["eth4"] } } ],
  "port_groups": [ { "name": "web", "switch": "dvs0", "segment": "lan", "vlan": 10, "trunk": ["100-199", "300"],
                     "isolated": true, "team": { "policy": "ip-hash", "active": ["eth3"] },
                     "security": { "promiscuous": "accept", "forged_transmits": "accept" },
                     "limits": { "from_port": { "average_kbps": 1000, "peak_kbps": 2000, "burst_kbytes": 64 } },
                     "storm": { "broadcast_pps": 100, "multicast_pps": 200, "unknown_unicast_pps": 300 } },
                   { "name": "db", "switch": "dvs0", "segment": "dmz", "vlan": 20 },
                   { "name": "far", "switch": "dvs1", "segment": "blue", "vlan": 10, "trunk": ["100-199"] } ],
  "ports":       [ { "interface": "tap0", "port_group": "web", "service": "vmotion",
                     "bind": [ { "mac": "02:00:00:00:00:05", "ips": ["198.51.100.5", "2001:db8::5"] },
                               { "mac": "02:00:00:00:00:06" } ] },
                   { "interface": "tap1", "segment": "green" } ],
  "bridges":     [ { "segment": "blue", "interface": "eth0", "vlan": 400, "role": "elected", "priority": 200 },
                   { "segment": "green", "interface": "eth2", "vlan": 400, "role": "standby", "tag_protocol": "802.1ad" } ],
  "fdb":         [ { "segment": "blue", "mac": "02:00:00:00:00:07", "bridge": "eth0:0400" } ]
})";

// EXAMPLE with one merge patch (RFC 7396) applied.
std::string patched(const char* patch) {
    json document = json::parse(EXAMPLE);
    document.merge_patch(json::parse(patch));
    return document.dump();
}

std::string complaints(std::string_view text, std::string_view host = "") {
    return weft::text(parse_config(text, host).complaints);
}

TEST(SwitchConfig, ReadsEveryKey) {
    const Parsed parsed = parse_config(EXAMPLE, "");
    ASSERT_EQ(weft::text(parsed.complaints), "");
    const Document& document = parsed.document;
    EXPECT_EQ(document.segments[2].vni, 0u);
    const Team& team = document.switches[0].team;
    EXPECT_EQ(team.uplinks, (std::vector<std::string>{"eth0", "eth2", "eth3"}));
    EXPECT_EQ(team.policy, TeamPolicy::Explicit);
    EXPECT_EQ(team.active, std::vector<std::string>{"eth2"});
    EXPECT_EQ(team.standby, std::vector<std::string>{"eth3"});
    EXPECT_EQ(team.detection, Detection::Beacon);
    EXPECT_EQ(team.failback, false);
    EXPECT_EQ(team.failback_delay_seconds, 0u);
    EXPECT_EQ(team.notify_switches, false);
    const PortGroup& web = document.port_groups[0];
    EXPECT_EQ(std::tie(web.name, web.switch_name, web.segment), std::make_tuple("web", "dvs0", "lan"));
    EXPECT_EQ(web.vlan, 10);
    EXPECT_EQ(web.trunk, (std::vector<VlanRange>{{100, 199}, {300, 300}}));
    EXPECT_TRUE(web.isolated && web.accept_promiscuous && web.accept_forged_transmits && !web.accept_mac_changes);
    EXPECT_EQ(web.team, (Team{.policy = TeamPolicy::IpHash, .active = std::vector<std::string>{"eth3"}}));
    EXPECT_EQ(web.from_port, (RateLimit{1000, 2000, 64}));
    EXPECT_EQ(web.to_port, RateLimit{});
    EXPECT_EQ(std::tie(web.broadcast_pps, web.multicast_pps, web.unknown_unicast_pps), std::make_tuple(100u, 200u, 300u));
}

TEST(SwitchConfig, ReadsBridgesAndBindings) {
    const Document document = parse_config(EXAMPLE, "").document;
    const Bridge& blue = document.bridges[0];
    EXPECT_EQ(std::tie(blue.segment, blue.interface), std::make_tuple("blue", "eth0"));
    EXPECT_EQ(blue.vlan, 400);
    EXPECT_EQ(blue.role, BridgeRole::Elected);
    EXPECT_EQ(blue.priority, 200);
    EXPECT_EQ(blue.tag_protocol, TagProtocol::Dot1q);
    EXPECT_EQ(document.bridges[1].role, BridgeRole::Standby);
    EXPECT_EQ(document.bridges[1].tag_protocol, TagProtocol::Dot1ad);
    EXPECT_EQ(document.fdb[0].bridge, "eth0:400");
    const Port& port = document.ports[0];
    EXPECT_EQ(port.service, "vmotion");
    EXPECT_EQ(port.bind, (std::vector<Binding>{{*Mac::parse("02:00:00:00:00:05"),
                                                {*Ip::parse("198.51.100.5"), *Ip::parse("2001:db8::5")}},
                                               {*Mac::parse("02:00:00:00:00:06"), {}}}));
}

TEST(SwitchConfig, GivesPortsTheSegmentOfTheirGroupAndElectedBridgesARouterId) {
    Document document = parse_config(EXAMPLE, "").document;
    EXPECT_EQ(document.ports[0].segment, "lan");
    EXPECT_EQ(document.ports[1].segment, "green");
    EXPECT_EQ(document.bridges[0].virtual_router_id, 1 + (5001 + 400) % 255);
    EXPECT_EQ(document.bridges[1].virtual_router_id, 0);
    document.port_groups[0].segment = "dmz";
    document.bridges[1].set_role = BridgeRole::Elected;
    complete(document);
    EXPECT_EQ(document.ports[0].segment, "dmz");
    EXPECT_EQ(document.bridges[1].virtual_router_id, 1 + (5002 + 400) % 255);
    document.port_groups.clear();
    complete(document);
    EXPECT_EQ(document.ports[0].segment, "");
}

TEST(SwitchConfig, ComesBackFromItsOwnJson) {
    for (const std::string& text : {std::string(EXAMPLE), patched(R"({"port_groups": [
             {"name": "web", "switch": "dvs0", "segment": "lan", "security": {"mac_changes": "accept"}, "trunk": ["1-4094"],
              "team": {"standby": [], "detection": "link", "failback": true, "failback_delay_seconds": 3,
                       "notify_switches": true, "policy": "source-mac"}, "limits": {"to_port": {"average_kbps": 1}}}],
             "bridges": [], "fdb": []})")}) {
        const Parsed once = parse_config(text, "");
        ASSERT_EQ(weft::text(once.complaints), "");
        const json shown = to_json(once.document);
        const Parsed twice = parse_config(shown.dump(), "");
        EXPECT_EQ(weft::text(twice.complaints), "");
        EXPECT_EQ(twice.document, once.document);
        EXPECT_FALSE(shown["ports"][0].contains("segment"));
        EXPECT_FALSE(shown["segments"][2].contains("vni"));
    }
}

// Each default that the schema names is what an object without the key has.
int compare_defaults(const json& properties, const json& shown) {
    int compared = 0;
    for (const auto& [key, rule] : properties.items()) {
        if (rule.value("type", "") == "object") {
            compared += compare_defaults(rule["properties"], shown.at(key));
        } else if (rule.contains("default")) {
            EXPECT_EQ(shown.at(key), rule["default"]) << key;
            ++compared;
        }
    }
    return compared;
}

TEST(SwitchConfig, HasTheDefaultsThatTheSchemaNames) {
    const json shown = to_json(parse_config(R"({"segments": [{"name": "s", "vni": 1}], "switches": [{"name": "d"}],
        "port_groups": [{"name": "g", "switch": "d", "segment": "s"}],
        "bridges": [{"segment": "s", "interface": "e", "vlan": 1}]})",
                                            "")
                                   .document);
    const json defs = json::parse(schema_text())["$defs"];
    int compared = 0;
    for (const char* list : {"switches", "port_groups", "bridges"})
        compared += compare_defaults(defs[list]["items"]["properties"], shown[list][0]);
    EXPECT_EQ(compared, 15);
}

TEST(SwitchConfig, TakesVlansApartThatOnlyLookAlike) {
    // One VLAN on two NICs, a NIC of a team that carries another bridge, tags of the guests in two overlay segments.
    EXPECT_EQ(complaints(patched(R"({"bridges": [{"segment": "blue", "interface": "eth8", "vlan": 10},
        {"segment": "green", "interface": "eth9", "vlan": 10}, {"segment": "green", "interface": "eth4", "vlan": 10},
        {"segment": "blue", "interface": "eth2", "vlan": 11}], "fdb": []})")),
              "");
    // Two groups of one VLAN and segment, two trunks side by side, the same trunk on two switches.
    EXPECT_EQ(complaints(patched(R"({"segments": [{"name": "a"}, {"name": "b"}, {"name": "c"}, {"name": "d"}],
        "port_groups": [
          {"name": "1", "switch": "dvs0", "segment": "a", "vlan": 10},
          {"name": "2", "switch": "dvs0", "segment": "a", "vlan": 10, "isolated": true},
          {"name": "3", "switch": "dvs0", "segment": "b", "trunk": ["100-199"]},
          {"name": "4", "switch": "dvs0", "segment": "c", "trunk": ["200-299"]},
          {"name": "5", "switch": "dvs1", "segment": "d", "trunk": ["100-199"]}],
        "ports": [], "bridges": [], "fdb": []})")),
              "");
    // Untagged on a switch without the underlay's uplink; every number of uplinks with beacons.
    EXPECT_EQ(complaints(patched(R"({"port_groups": [{"name": "1", "switch": "dvs1", "segment": "lan"}], "ports": [],
        "switches": [{"name": "dvs0"}, {"name": "dvs1", "team": {"uplinks": ["eth4"], "detection": "beacon"}}]})")),
              "");
}

struct Wrong {
    const char* what;
    const char* patch;  // of EXAMPLE
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
        {"BridgeRole", R"({"bridges": [{"segment": "blue", "interface": "eth1", "vlan": 1, "role": "master"}], "fdb": []})",
         "/bridges/0/role: is \"master\", must be one of \"designated\", \"standby\", \"elected\""},
        {"BridgePriority", R"({"bridges": [{"segment": "blue", "interface": "eth1", "vlan": 1, "priority": 255}], "fdb": []})",
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
        {"TrunkUpsideDown", R"({"port_groups": [{"name": "web", "switch": "dvs0", "segment": "lan", "trunk": ["20-10"]}]})",
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
         "/ports/0/bind/0/ips/0: is \"224.0.0.1\", which is not the address of a host\n/ports/0/bind/0/mac: is missing"},
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
        {"EntryOfAnotherSegment", R"({"fdb": [{"segment": "green", "mac": "02:00:00:00:00:07", "bridge": "eth0:400"}]})",
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
        {"UplinkTwice", R"({"switches": [{"name": "dvs0", "team": {"uplinks": ["eth2", "eth3", "eth2"]}}, {"name": "dvs1"}]})",
         "/switches/0/team/uplinks/2: eth2 is given twice"},
        {"UplinkIsAPort", R"({"switches": [{"name": "dvs0", "team": {"uplinks": ["eth3", "tap1"]}}, {"name": "dvs1"}]})",
         "/switches/0/team/uplinks/1: tap1 is already a port of segment green"},
        {"UplinkIsOurs", R"({"switches": [{"name": "dvs0", "team": {"uplinks": ["eth3", "weft-4fb77448"]}}, {"name": "dvs1"}]})",
         "/switches/0/team/uplinks/1: weft-4fb77448 cannot be an uplink of switch dvs0"},
        {"OrderOfStrangers", R"({"switches": [{"name": "dvs0", "team": {"uplinks": ["eth2", "eth3"], "active": ["eth2", "eth9"],
                                               "standby": ["eth4", "eth2"]}}, {"name": "dvs1"}]})",
         "/switches/0/team/active/1: eth9 is no uplink of switch dvs0\n"
         "/switches/0/team/standby/0: eth4 is no uplink of switch dvs0\n"
         "/switches/0/team/standby/1: eth2 is given twice"},
        {"TooManyUplinks", R"({"switches": [{"name": "dvs0", "team": {"uplinks": ["eth3", "n1", "n2", "n3", "n4", "n5", "n6",
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
        {"TrunkOfAnOverlay", R"({"port_groups": [{"name": "web", "switch": "dvs0", "segment": "green", "trunk": ["5"]}]})",
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
        {"MacBoundTwice", R"({"ports": [{"interface": "tap0", "port_group": "web", "bind": [{"mac": "02:00:00:00:00:05"}]},
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

TEST(SwitchConfig, RemotesOfASegmentWithoutVniAreComplainedOfWhoeverAddedThem) {
    Document document = parse_config(EXAMPLE, "").document;
    document.segments[2].remotes.push_back({*Ip::parse("192.0.2.2"), ORIGIN_CLI});
    EXPECT_EQ(weft::text(check(document)), "/segments/2/remotes: segment lan has no vni, and so no remotes");
}

TEST(SwitchConfig, NeedsNoVtepForVlans) {
    EXPECT_EQ(complaints(R"({"segments": [{"name": "lan"}], "switches": [{"name": "s", "team": {"uplinks": ["eth1"]}}],
        "port_groups": [{"name": "g", "switch": "s", "segment": "lan", "vlan": 5}],
        "ports": [{"interface": "tap0", "port_group": "g"}]})"),
              "");
}

TEST(SwitchHosts, EachTakesItsPartOfOneDocument) {
    const char* const text = R"({"segments": [{"name": "blue", "vni": 1}, {"name": "lan"}],
        "switches": [{"name": "s", "team": {"uplinks": ["eth1"]}}],
        "port_groups": [{"name": "g", "switch": "s", "segment": "lan", "vlan": 5}],
        "hosts": {
          "a": {"ports": [{"interface": "tap0", "port_group": "g"}],
                "bridges": [{"segment": "blue", "interface": "eth1", "vlan": 7}]},
          "b": {"switches": [{"name": "s", "team": {"uplinks": ["ens1", "ens2"]}}],
                "bridges": [{"segment": "blue", "interface": "ens1", "vlan": 5, "role": "standby"}]},
          "c": {"port_groups": [{"name": "g", "switch": "s", "segment": "lan", "vlan": 5000}]}}})";
    const std::string form = "/hosts/c/port_groups/0/vlan: is 5000, largest is 4094";
    const Parsed a = parse_config(text, "a");
    EXPECT_EQ(weft::text(a.complaints), form);
    EXPECT_EQ(a.document.ports.at(0).segment, "lan");
    EXPECT_EQ(a.document.switches.at(0).team.uplinks, std::vector<std::string>{"eth1"});
    EXPECT_EQ(a.document.bridges.at(0).interface, "eth1");
    EXPECT_EQ(complaints(text, "b"),
              form + "\n/hosts/b/bridges/0/vlan: VLAN 5 of ens1 is port group g's (switch s)");
}

TEST(Flat, OptionsLieWhereTheSchemaHasThem) {
    EXPECT_EQ(unflattened("port_groups", json::parse(R"({"name": "g", "team_policy": "port", "team_standby": ["eth1"],
        "limits_from_port_average_kbps": 5, "limits_to_port_burst_kbytes": "none", "storm_broadcast_pps": 7,
        "security_mac_changes": "accept", "team_colour": 1, "trunk": ["1-2"]})")),
              json::parse(R"({"name": "g", "team": {"policy": "port", "standby": ["eth1"]}, "trunk": ["1-2"],
        "limits": {"from_port": {"average_kbps": 5}, "to_port": {"burst_kbytes": null}}, "storm": {"broadcast_pps": 7},
        "security": {"mac_changes": "accept"}, "team_colour": 1})"));
    EXPECT_EQ(unflattened("ports", json::parse(R"({"interface": "none", "service": "none", "hook": "none"})")),
              json::parse(R"({"interface": "none", "service": null, "hook": "none"})"));
}

TEST(Flat, BindingsAreText) {
    EXPECT_EQ(unflattened("ports", json::parse(R"({"bind": ["02:00:00:00:00:05=198.51.100.5+2001:db8::5", "a", "b=", 5,
                                                           {"mac": "c"}]})")),
              json::parse(R"({"bind": [{"mac": "02:00:00:00:00:05", "ips": ["198.51.100.5", "2001:db8::5"]}, {"mac": "a"},
                                       {"mac": "b", "ips": [""]}, 5, {"mac": "c"}]})"));
}

}  // namespace
}  // namespace weft

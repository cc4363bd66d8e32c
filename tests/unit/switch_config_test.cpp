// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// The document's switches, port groups and bridges, and what ports take from them.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "config.hpp"
#include "flat.hpp"
#include "switch_example.hpp"

namespace weft {
namespace {

using nlohmann::json;

TEST(SwitchConfig, ReadsEveryKey) {
    const Parsed parsed = parse_config(SWITCH_EXAMPLE, "");
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
    EXPECT_EQ(std::tie(web.broadcast_pps, web.multicast_pps, web.unknown_unicast_pps),
              std::make_tuple(100u, 200u, 300u));
}

TEST(SwitchConfig, ReadsBridgesAndBindings) {
    const Document document = parse_config(SWITCH_EXAMPLE, "").document;
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
    Document document = parse_config(SWITCH_EXAMPLE, "").document;
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
    for (const std::string& text : {std::string(SWITCH_EXAMPLE), patched(R"({"port_groups": [
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

TEST(SwitchConfig, RemotesOfASegmentWithoutVniAreComplainedOfWhoeverAddedThem) {
    Document document = parse_config(SWITCH_EXAMPLE, "").document;
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
    EXPECT_EQ(complaints(text, "b"), form + "\n/hosts/b/bridges/0/vlan: VLAN 5 of ens1 is port group g's (switch s)");
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
    EXPECT_EQ(
        unflattened("ports", json::parse(R"({"bind": ["02:00:00:00:00:05=198.51.100.5+2001:db8::5", "a", "b=", 5,
                                                           {"mac": "c"}]})")),
        json::parse(R"({"bind": [{"mac": "02:00:00:00:00:05", "ips": ["198.51.100.5", "2001:db8::5"]}, {"mac": "a"},
                                       {"mac": "b", "ips": [""]}, 5, {"mac": "c"}]})"));
}

}  // namespace
}  // namespace weft

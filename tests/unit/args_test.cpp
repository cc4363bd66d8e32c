// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// The arguments of commands whose objects have keys within keys.
#include "args.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace weft::cli {
namespace {

using nlohmann::json;

json arguments(const std::vector<std::string>& words) {
    const auto call = parse_args(words, nullptr);
    EXPECT_TRUE(call) << call.error().what;
    return call ? json::parse(call->arguments) : json();
}

TEST(Arguments, OfNestedKeysAreFlat) {
    EXPECT_EQ(arguments({"port-group", "set", "web", "--team-active", "eth1,eth2", "--limits-to-port-average-kbps", "5",
                         "--storm-broadcast-pps", "none", "--trunk", "100-199,300", "--isolated", "on", "--vlan", "0"}),
              json::parse(R"({"name": "web", "isolated": true, "vlan": 0, "team_active": ["eth1", "eth2"],
                  "limits_to_port_average_kbps": 5, "storm_broadcast_pps": "none", "trunk": ["100-199", "300"]})"));
    EXPECT_EQ(arguments({"switch", "set", "s", "--team-failback", "off", "--team-standby", "none"}),
              json::parse(R"({"name": "s", "team_failback": false, "team_standby": ["none"]})"));
}

TEST(Arguments, OfABridgeNameIt) {
    EXPECT_EQ(arguments({"bridge", "add", "--segment", "blue", "--interface", "eth1", "--vlan", "100", "--role",
                         "elected", "--virtual-router-id", "7", "--priority", "150", "--tag-protocol", "802.1ad"}),
              json::parse(R"({"segment": "blue", "interface": "eth1", "vlan": 100, "role": "elected",
                  "virtual_router_id": 7, "priority": 150, "tag_protocol": "802.1ad"})"));
}

TEST(Arguments, OfAPortHoldItsBindingsAsText) {
    EXPECT_EQ(
        arguments({"port", "add", "tap0", "--port-group", "web", "--bind", "02:00:00:00:00:05=2001:db8::5+198.51.100.5",
                   "--bind", "02:00:00:00:00:06,02:00:00:00:00:07"}),
        json::parse(R"({"interface": "tap0", "port_group": "web", "bind": [
                  "02:00:00:00:00:05=2001:db8::5+198.51.100.5", "02:00:00:00:00:06", "02:00:00:00:00:07"]})"));
    EXPECT_EQ(arguments({"port", "set", "tap0", "--bind", ""}), json::parse(R"({"interface": "tap0", "bind": []})"));
}

TEST(Arguments, OfARouteNameItByItsPrefix) {
    EXPECT_EQ(
        arguments({"route", "add", "0.0.0.0/0", "--routing-domain", "a", "--via", "198.51.100.2,198.51.100.3"}),
        json::parse(R"({"prefix": "0.0.0.0/0", "routing_domain": "a", "via": ["198.51.100.2", "198.51.100.3"]})"));
    EXPECT_EQ(arguments({"route", "set", "--prefix", "::/0", "--routing-domain", "a", "--action", "blackhole"}),
              json::parse(R"({"prefix": "::/0", "routing_domain": "a", "action": "blackhole"})"));
    EXPECT_FALSE(parse_args({"route", "add", "0.0.0.0/0", "--via", "198.51.100.2"}, nullptr));
}

TEST(Arguments, OfARoutingDomainAndAGatewayAreFlat) {
    EXPECT_EQ(arguments({"routing-domain", "set", "a", "--l3-vni", "none", "--router-mac", "none", "--remotes",
                         "192.0.2.2,192.0.2.3=02:00:5e:00:00:03"}),
              json::parse(R"({"name": "a", "l3_vni": "none", "router_mac": "none",
                  "remotes": ["192.0.2.2", "192.0.2.3=02:00:5e:00:00:03"]})"));
    EXPECT_EQ(arguments({"segment", "set", "s", "--routing-domain", "a", "--gateway-addresses",
                         "198.51.100.1/24,2001:db8::1/64", "--gateway-answer-remote", "on"}),
              json::parse(R"({"name": "s", "routing_domain": "a", "gateway_answer_remote": true,
                  "gateway_addresses": ["198.51.100.1/24", "2001:db8::1/64"]})"));
}

}  // namespace
}  // namespace weft::cli

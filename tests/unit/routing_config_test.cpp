// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Gateways, routing domains and routes of the document: what is read, and how it comes back out.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "flat.hpp"
#include "routing_example.hpp"

namespace weft::routing {
namespace {

using nlohmann::json;

Ip ip(const char* text) { return *Ip::parse(text); }
Prefix prefix(const char* text) { return *Prefix::parse(text); }

TEST(RoutingConfig, ReadsEveryKeyOfAGateway) {
    const Parsed parsed = parse_config(EXAMPLE, "");
    ASSERT_EQ(weft::text(parsed.complaints), "");
    const Segment& web = parsed.document.segments[0];
    EXPECT_EQ(web.routing_domain, "a");
    EXPECT_EQ(web.arp, ArpMode::LocalProxy);
    EXPECT_EQ(web.gateway.addresses,
              (std::vector<Prefix>{prefix("198.51.100.1/25"), prefix("2001:db8:1::1/64"), prefix("fe80::1/64")}));
    EXPECT_EQ(web.gateway.mac.text(), "02:00:00:00:00:fe");
    EXPECT_TRUE(web.gateway.answer_remote);
    EXPECT_EQ(parsed.document.segments[1].gateway.mac.text(), "00:00:5e:00:01:01");
    EXPECT_FALSE(parsed.document.segments[1].gateway.answer_remote);
    EXPECT_EQ(parsed.document.segments[3].gateway, Gateway{});
}

TEST(RoutingConfig, ReadsEveryKeyOfADomain) {
    const Document document = parse_config(EXAMPLE, "").document;
    const RoutingDomain &a = document.routing_domains[0], &b = document.routing_domains[1];
    EXPECT_EQ(a.model, RoutingModel::Asymmetric);
    EXPECT_FALSE(a.l3_vni || a.router_mac);
    EXPECT_EQ(a.routes[0], (Route{.prefix = prefix("0.0.0.0/0"), .via = {ip("198.51.100.2"), ip("198.51.100.130")}}));
    EXPECT_EQ(a.routes[1].prefix, (Prefix{{}, 0}));
    EXPECT_EQ(a.routes[2].action, RouteAction::Blackhole);
    EXPECT_EQ(a.routes[3].action, RouteAction::Unreachable);
    EXPECT_EQ(a.routes[4], (Route{.prefix = prefix("203.0.113.0/24"), .leak = "b"}));
    ASSERT_EQ(a.policy_routes.size(), 2u);
    EXPECT_EQ(a.policy_routes[0], (PolicyRoute{.priority = 10,
                                               .match = {.source = prefix("198.51.100.5/32"),
                                                         .destination = {},
                                                         .protocol = 6,
                                                         .source_ports = PortRange{1024, 65535},
                                                         .destination_ports = PortRange{443, 443},
                                                         .dscp = 46},
                                               .via = {ip("198.51.100.3"), ip("198.51.100.131")}}));
    EXPECT_EQ(a.policy_routes[1].match.protocol, 50);
    EXPECT_EQ(a.policy_routes[1].match.destination, prefix("2001:db8:7::/48"));
    EXPECT_FALSE(a.policy_routes[1].match.source || a.policy_routes[1].match.dscp);
    EXPECT_EQ(b.model, RoutingModel::Symmetric);
    EXPECT_EQ(b.l3_vni, 5999u);
    EXPECT_EQ(b.router_mac, Mac::parse("02:00:5e:00:00:01"));
    EXPECT_EQ(b.remotes,
              (std::vector<RouterRemote>{{ip("192.0.2.3"), {}}, {ip("192.0.2.4"), Mac::parse("02:00:5e:00:00:04")}}));
}

TEST(RoutingConfig, ComesBackFromItsOwnJson) {
    const Document once = parse_config(EXAMPLE, "").document;
    const json shown = to_json(once);
    const Parsed twice = parse_config(shown.dump(), "");
    EXPECT_EQ(weft::text(twice.complaints), "");
    EXPECT_EQ(twice.document, once);
    EXPECT_FALSE(shown["segments"][3].contains("gateway"));
    EXPECT_EQ(shown["routing_domains"][1]["remotes"][0], "192.0.2.3");
    EXPECT_EQ(shown["routing_domains"][0]["policy_routes"][0]["destination_ports"], "443");
    EXPECT_EQ(shown["routing_domains"][0]["routes"][4], json::parse(R"({"prefix": "203.0.113.0/24", "leak": "b"})"));
}

TEST(RoutingConfig, HasTheDefaultsThatTheSchemaNames) {
    const json shown = to_json(parse_config(R"({"routing_domains": [{"name": "a"}],
        "segments": [{"name": "s", "routing_domain": "a", "gateway": {"addresses": ["198.51.100.1/24"]}}]})",
                                            "")
                                   .document);
    const json defs = json::parse(schema_text())["$defs"];
    int compared = 0;
    const auto compare = [&](const json& keys, const json& values) {
        for (const auto& [key, rule] : keys.items()) {
            if (!rule.contains("default") || key == "addresses") continue;
            EXPECT_EQ(values.at(key), rule["default"]) << key;
            ++compared;
        }
    };
    compare(defs["routing_domains"]["items"]["properties"], shown["routing_domains"][0]);
    compare(defs["segments"]["items"]["properties"]["gateway"]["properties"], shown["segments"][0]["gateway"]);
    EXPECT_EQ(compared, 6);
}

TEST(RoutingConfig, KeepsToOneOwner) {
    Document document = parse_config(EXAMPLE, "").document;
    document.routing_domains[0].routes[1].owner = ORIGIN_CLI;
    const json cli = to_json(document, ORIGIN_CLI);
    ASSERT_EQ(cli["routing_domains"].size(), 1u);
    EXPECT_EQ(cli["routing_domains"][0]["name"], "a");
    EXPECT_EQ(cli["routing_domains"][0]["routes"], json::parse(R"([{"prefix": "::/0", "via": ["2001:db8:1::2"]}])"));
    const json config = to_json(document, ORIGIN_CONFIG);
    EXPECT_EQ(config["routing_domains"].size(), 2u);
    EXPECT_EQ(config["routing_domains"][0]["routes"].size(), 4u);
}

TEST(RoutingHosts, EachTakesItsPartOfOneDocument) {
    const char* const text = R"({"vtep": {"address": "192.0.2.1"}, "routing_domains": [{"name": "a"}],
        "segments": [{"name": "s", "vni": 1, "routing_domain": "a", "gateway": {"addresses": ["198.51.100.1/24"]}}],
        "hosts": {
          "edge": {"routing_domains": [{"name": "a", "routes": [{"prefix": "0.0.0.0/0", "via": ["198.51.100.9"]}]}]},
          "odd": {"routing_domains": [{"name": "a", "routes": [{"prefix": "0.0.0.0/0", "via": ["203.0.113.9"]}]}]}}})";
    EXPECT_EQ(complaints(text), "");
    EXPECT_EQ(parse_config(text, "edge").document.routing_domains.at(0).routes.size(), 1u);
    EXPECT_EQ(parse_config(text, "").document.routing_domains.at(0).routes.size(), 0u);
    EXPECT_EQ(complaints(text, "odd"),
              "/hosts/odd/routing_domains/0/routes/0/via/0: nobody can reach 203.0.113.9: it is in no prefix of a "
              "gateway of routing domain a");
}

TEST(RoutingFlat, OptionsLieWhereTheSchemaHasThem) {
    EXPECT_EQ(unflattened("segments", json::parse(R"({"name": "s", "routing_domain": "a", "gateway_answer_remote": true,
        "gateway_addresses": ["198.51.100.1/24"], "gateway_mac": "02:00:00:00:00:fe", "remotes": ["192.0.2.2"]})")),
              json::parse(R"({"name": "s", "routing_domain": "a", "remotes": ["192.0.2.2"], "gateway": {
        "addresses": ["198.51.100.1/24"], "mac": "02:00:00:00:00:fe", "answer_remote": true}})"));
    EXPECT_EQ(
        unflattened("segments", json::parse(R"({"name": "s", "routing_domain": "none", "gateway_addresses": []})")),
        json::parse(R"({"name": "s", "routing_domain": null, "gateway": {"addresses": []}})"));
    EXPECT_EQ(unflattened("routing_domains", json::parse(R"({"name": "a", "l3_vni": "none", "router_mac": "none",
        "remotes": ["192.0.2.2", "192.0.2.3=02:00:5e:00:00:03", 5]})")),
              json::parse(R"({"name": "a", "l3_vni": null, "router_mac": null,
        "remotes": ["192.0.2.2", {"address": "192.0.2.3", "router_mac": "02:00:5e:00:00:03"}, 5]})"));
}

}  // namespace
}  // namespace weft::routing

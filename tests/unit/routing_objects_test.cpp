// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Routing domains and routes of the CLI beside the document's, and routes as lists show them.
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "objects.hpp"
#include "routing_example.hpp"
#include "view.hpp"

namespace weft::routing {
namespace {

using nlohmann::json;

Prefix prefix(const char* text) { return *Prefix::parse(text); }

Document config(const std::string& text = EXAMPLE) {
    Parsed parsed = parse_config(text, "");
    EXPECT_EQ(weft::text(parsed.complaints), "");
    return parsed.document;
}

Route route(const char* to, const char* via) {
    return {.prefix = prefix(to), .via = {*Ip::parse(via)}, .owner = ORIGIN_CLI};
}

// A domain of the CLI's with a segment and a route, and a route in a domain of the document's.
CliObjects objects() {
    CliObjects out;
    out.document.routing_domains = {
        {.name = "c", .routes = {route("203.0.113.0/24", "198.51.100.9")}, .owner = ORIGIN_CLI}};
    out.document.segments = {{.name = "mine",
                              .vni = 7001,
                              .routing_domain = "c",
                              .gateway = {.addresses = {prefix("198.51.100.1/24")}},
                              .owner = ORIGIN_CLI}};
    out.routes = {{"a", route("203.0.113.128/25", "198.51.100.3")}};
    return out;
}

TEST(RoutingObjects, OfTheCliStandBesideTheDocumentsAndComeBackOut) {
    const Document all = merged(config(), objects());
    EXPECT_EQ(weft::text(check(all)), "");
    ASSERT_EQ(all.routing_domains.size(), 3u);
    EXPECT_EQ(all.routing_domains[0].routes.size(), 6u);
    EXPECT_EQ(all.routing_domains[2].routes.size(), 1u);
    EXPECT_EQ(cli_part(all), objects());
}

TEST(RoutingObjects, UnderAKeyOfTheDocumentAreTheDocuments) {
    const Document all =
        merged(config(with("/routing_domains/0/routes/-", R"({"prefix": "203.0.113.128/25", "action": "blackhole"})")),
               objects());
    EXPECT_EQ(all.routing_domains[0].routes.size(), 6u);
    EXPECT_EQ(all.routing_domains[0].routes[5].owner, ORIGIN_CONFIG);
    EXPECT_TRUE(cli_part(all).routes.empty());
}

TEST(RoutingObjects, ADomainThatTheDocumentTookOverKeepsTheRoutesOfTheCli) {
    const Document all = merged(config(with("/routing_domains/-", R"({"name": "c"})")), objects());
    ASSERT_EQ(all.routing_domains.size(), 3u);
    EXPECT_EQ(all.routing_domains[2].owner, ORIGIN_CONFIG);
    EXPECT_EQ(all.routing_domains[2].routes.at(0).owner, ORIGIN_CLI);
    EXPECT_EQ(cli_part(all).routes.size(), 2u);
}

TEST(RoutingObjects, AreReadBackAsTheyWereWritten) {
    const std::string path = testing::TempDir() + "weft-routing-objects-" + std::to_string(getpid());
    ASSERT_TRUE(save_objects(path, objects()));
    const auto read = load_objects(path);
    ASSERT_TRUE(read) << read.error().what;
    EXPECT_EQ(*read, objects());
    std::filesystem::remove(path);
}

TEST(RoutingObjects, ThatDoNotFitAnyMoreAreLeftOutWithAWarningAtStart) {
    std::vector<std::string> warnings;
    CliObjects cli = objects();
    cli.document.segments.clear();
    const Document all = merged_leniently(
        config(patched(R"({"routing_domains": [{"name": "a"}, {"name": "b"}], "segments": []})")), cli, warnings);
    EXPECT_EQ(all.routing_domains.size(), 3u);
    EXPECT_EQ(
        warnings,
        (std::vector<std::string>{
            "route c 203.0.113.0/24 of the CLI does not fit the configuration and is left out: nobody can reach "
            "198.51.100.9: it is in no prefix of a gateway of routing domain c (route 203.0.113.0/24 of the CLI)",
            "route a 203.0.113.128/25 of the CLI does not fit the configuration and is left out: nobody can reach "
            "198.51.100.3: it is in no prefix of a gateway of routing domain a (route 203.0.113.128/25 of the "
            "CLI)"}));
    warnings.clear();
    cli = objects();
    cli.routes[0].second.via[0] = *Ip::parse("203.0.113.1");
    EXPECT_EQ(merged_leniently(config(), cli, warnings).routing_domains[2].routes.size(), 1u);
    EXPECT_EQ(warnings.size(), 1u);
}

TEST(RoutingObjects, ARouteIsAChangeOfItsOwn) {
    Document after = config();
    after.routing_domains[0].routes[0].via.pop_back();
    after.routing_domains[0].routes.erase(after.routing_domains[0].routes.begin() + 2);
    after.routing_domains[1].l3_vni = 6000;
    EXPECT_EQ(difference(config(), after), (std::vector<ObjectChange>{{"change", "routing-domain", "b"},
                                                                      {"change", "route", "a 0.0.0.0/0"},
                                                                      {"delete", "route", "a 192.0.2.0/25"}}));
}

TEST(RoutesView, ShowsWhatIsConnectedToo) {
    const Document document = config();
    const json a = routes_view(document, document.routing_domains[0]);
    std::vector<std::string> lines;
    for (const json& row : a)
        lines.push_back(row["prefix"].get<std::string>() + " " + row["kind"].get<std::string>() + " " +
                        row.value("segment", "-") + " " + row["origin"].get<std::string>());
    EXPECT_EQ(lines, (std::vector<std::string>{
                         "198.51.100.1/32 local web config", "198.51.100.0/25 connected web config",
                         "2001:db8:1::1/128 local web config", "2001:db8:1::/64 connected web config",
                         "fe80::1/128 local web config", "198.51.100.129/32 local db config",
                         "198.51.100.128/25 connected db config", "fe80::1/128 local db config",
                         "0.0.0.0/0 via - config", "::/0 via - config", "192.0.2.0/25 blackhole - config",
                         "203.0.113.7/32 unreachable - config", "203.0.113.0/24 leak - config"}));
    EXPECT_EQ(a[8], json::parse(R"({"routing_domain": "a", "prefix": "0.0.0.0/0", "kind": "via", "origin": "config",
                                    "via": ["198.51.100.2", "198.51.100.130"]})"));
    EXPECT_EQ(a[12]["leak"], "b");
}

}  // namespace
}  // namespace weft::routing

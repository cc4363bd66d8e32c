// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Rows of domains, gateways, routes and next hops: what they hold, what a daemon finds again, how they come and go.
#include "routing.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <map>
#include <optional>
#include <set>

#include "lib/test_tables.hpp"
#include "routing_example.hpp"
#include "transit.hpp"

namespace weft::routing {
namespace {

Ip ip(const char* text) { return *Ip::parse(text); }
Prefix prefix(const char* text) { return *Prefix::parse(text); }

Document document(const std::string& text = EXAMPLE) {
    Parsed parsed = parse_config(text, "");
    EXPECT_EQ(weft::text(parsed.complaints), "");
    return parsed.document;
}

class RoutingRows : public testing::Test {
protected:
    void SetUp() override {
        auto tables = test::make_tables(4096);
        if (!tables && tables.error().code == EPERM) GTEST_SKIP() << "needs CAP_BPF to create maps";
        ASSERT_TRUE(tables) << tables.error().what;
        tables_.emplace(std::move(*tables));
        auto links = Links::open();
        ASSERT_TRUE(links) << links.error().what;
        links_.emplace(std::move(*links));
        auto nexthops = NextHops::open(*tables_, *links_, [](std::uint32_t) { return false; });
        ASSERT_TRUE(nexthops) << nexthops.error().what;
        nexthops_.emplace(std::move(*nexthops));
        start();
    }
    void start() {
        accounts_.emplace(*tables_);
        segments_.emplace(*tables_, *accounts_, *nexthops_);
        rules_.emplace(*tables_);
        routing_.emplace(*tables_, *rules_);
        ASSERT_TRUE(segments_->adopt() && rules_->adopt() && routing_->adopt());
    }
    void add(const Document& plain) {
        const auto more = with_transits(plain);
        wanted_ = more ? *more : plain;
        Problems problems;
        segments_->prepare(wanted_, *links_, problems);
        rules_->begin();
        routing_->serve(wanted_, *segments_, problems);
        Document here = wanted_;  // next hops are another test's
        for (Segment& segment : here.segments) segment.remotes.clear();
        segments_->publish(here, {}, {}, problems);
        EXPECT_EQ(problems.reasons, std::vector<std::string>{});
    }
    void sweep() {
        Problems problems;
        routing_->sweep(problems);
        rules_->sweep();
        segments_->sweep(wanted_, problems);
        EXPECT_EQ(problems.reasons, std::vector<std::string>{});
    }
    void serve(const Document& plain) {
        add(plain);
        sweep();
    }
    std::uint64_t writes() const { return routing_->writes() + rules_->writes() + segments_->writes(); }
    std::uint16_t index(const char* segment) const {
        return static_cast<std::uint16_t>(segments_->find(segment)->index);
    }
    domain domain_row(const char* name) { return *tables_->domains.find(routing_->row(name)).value(); }
    gateway gateway_row(const char* segment) { return *tables_->gateways.find(index(segment)).value(); }
    // What the datapath finds for an address.
    std::optional<route> look_up(std::uint16_t domain, const char* address) {
        const Ip to = ip(address);
        const route_key key = key_of(domain, {to, static_cast<std::uint8_t>(to.is_v4() ? 32 : 128)});
        const auto host = tables_->host_routes.find(key).value();
        return host ? host : tables_->routes.match(key).value();
    }
    std::optional<route> look_up(const char* domain, const char* address) {
        return look_up(routing_->row(domain), address);
    }
    path path_row(std::uint32_t row) { return *tables_->paths.find(row).value(); }
    path_group group_row(std::uint32_t row) { return *tables_->path_groups.find(row).value(); }

    std::optional<Tables> tables_;
    std::optional<Links> links_;
    std::optional<NextHops> nexthops_;
    std::optional<Accounts> accounts_;
    std::optional<Segments> segments_;
    std::optional<RuleLists> rules_;
    std::optional<Routing> routing_;
    Document wanted_;
};

void expect_route(const std::optional<route>& row, route_kind kind, std::uint32_t target) {
    ASSERT_TRUE(row);
    EXPECT_EQ(row->kind, kind);
    EXPECT_EQ(row->target, target);
    EXPECT_EQ(row->origin, ORIGIN_CONFIG);
}

TEST_F(RoutingRows, OfPolicyRoutesAreAListWhoseRulesLeadToPaths) {
    serve(document());
    const std::uint16_t list = domain_row("a").policy_routes;
    ASSERT_NE(list, 0);
    std::map<std::uint32_t, rule> by_priority;
    const auto rows = tables_->rules.rows();
    for (const auto& [key, value] : *rows)
        if (key.list == list) by_priority[value.rank >> 16] = value;
    ASSERT_EQ(by_priority.size(), 2u);
    EXPECT_EQ(by_priority[10].action, RULE_GROUP);
    std::set<std::string> hops;
    for (const std::uint32_t path : group_row(by_priority[10].target).paths)
        hops.insert(Ip::of(path_row(path).via).text());
    EXPECT_EQ(hops, (std::set<std::string>{"198.51.100.3", "198.51.100.131"}));
    EXPECT_EQ(by_priority[20].action, RULE_PATH);
    EXPECT_EQ(Ip::of(path_row(by_priority[20].target).via).text(), "2001:db8:1::3");
    serve(document(with("/routing_domains/0/policy_routes", "[]")));
    EXPECT_EQ(domain_row("a").flags, DOMAIN_IN_USE);
    EXPECT_EQ(domain_row("a").policy_routes, 0);
}

// What could be of either family is for that of the next hops.
TEST_F(RoutingRows, OfAPolicyRouteWithoutAddressesHaveAFamily) {
    serve(document(with("/routing_domains/0/policy_routes", R"([{"priority": 1, "via": ["2001:db8:1::2"]}])")));
    const rule_list list = *tables_->rule_lists.find(domain_row("a").policy_routes).value();
    ASSERT_EQ(list.shapes, 1);
    EXPECT_EQ(list.shape[0].family, 6);
    EXPECT_EQ(list.shape[0].destination_bits, 0);
}

TEST_F(RoutingRows, OfDomainsAndGateways) {
    serve(document());
    EXPECT_EQ(domain_row("a").flags, DOMAIN_IN_USE | DOMAIN_POLICY_ROUTES);
    const domain b = domain_row("b");
    EXPECT_EQ(b.flags, DOMAIN_IN_USE | DOMAIN_SYMMETRIC);
    EXPECT_EQ(b.transit, index("b/l3"));
    EXPECT_EQ(Mac::of(b.router_mac).text(), "02:00:5e:00:00:01");
    EXPECT_EQ(segments_->find("b/l3")->row.vni, 5999u);

    const gateway web = gateway_row("web");
    EXPECT_EQ(web.domain, routing_->row("a"));
    EXPECT_EQ(web.flags, GATEWAY_ANSWER_REMOTE | GATEWAY_LOCAL_PROXY);
    EXPECT_EQ(Mac::of(web.mac).text(), "02:00:00:00:00:fe");
    EXPECT_EQ(web.address4, inet_addr("198.51.100.1"));
    EXPECT_EQ(Ip::of(web.address6).text(), "2001:db8:1::1");
    EXPECT_EQ(Ip::of(gateway_row("db").address6).text(), "fe80::1");
    const gateway transit = gateway_row("b/l3");
    EXPECT_EQ(transit.flags, GATEWAY_TRANSIT);
    EXPECT_EQ(transit.domain, routing_->row("b"));
    EXPECT_EQ(Mac::of(transit.mac).text(), "02:00:5e:00:00:01");
    EXPECT_EQ(transit.address4, inet_addr("198.51.100.1"));
    EXPECT_EQ(gateway_row("lan").domain, 0);
    for (const char* name : {"web", "db", "far", "b/l3"})
        EXPECT_TRUE(tables_->segments.find(index(name)).value()->flags & SEGMENT_GATEWAY) << name;
    EXPECT_FALSE(tables_->segments.find(index("lan")).value()->flags & SEGMENT_GATEWAY);
}

TEST_F(RoutingRows, OfRoutesAreFoundByTheLongestPrefixOfTheDomain) {
    serve(document());
    expect_route(look_up("a", "198.51.100.1"), ROUTE_LOCAL, index("web"));
    expect_route(look_up("a", "198.51.100.9"), ROUTE_CONNECTED, index("web"));
    expect_route(look_up("a", "198.51.100.200"), ROUTE_CONNECTED, index("db"));
    expect_route(look_up("b", "198.51.100.200"), ROUTE_CONNECTED, index("far"));
    for (const char* nobody : {"198.51.100.0", "198.51.100.127", "198.51.100.128", "198.51.100.255"})
        expect_route(look_up("a", nobody), ROUTE_BLACKHOLE, 0);
    expect_route(look_up("b", "198.51.100.127"), ROUTE_CONNECTED, index("far"));
    expect_route(look_up("a", "192.0.2.5"), ROUTE_BLACKHOLE, 0);
    expect_route(look_up("a", "203.0.113.7"), ROUTE_UNREACHABLE, 0);
    expect_route(look_up("a", "203.0.113.8"), ROUTE_LEAK, routing_->row("b"));
    EXPECT_EQ(look_up("a", "192.0.2.200")->kind, ROUTE_GROUP);
    EXPECT_FALSE(look_up("b", "192.0.2.5"));

    const auto six = look_up("a", "2001:db8:9::1");
    ASSERT_TRUE(six);
    EXPECT_EQ(six->kind, ROUTE_PATH);
    EXPECT_EQ(path_row(six->target).segment, index("web"));
    EXPECT_EQ(Ip::of(path_row(six->target).via).text(), "2001:db8:1::2");
    EXPECT_EQ(routing_->prefixes(), 10u);
    EXPECT_EQ(routing_->host_routes(), 13u);
}

TEST_F(RoutingRows, OfLinkLocalGatewaysAreTheirSegments) {
    serve(document());
    expect_route(look_up(ROUTE_SCOPE_SEGMENT | index("web"), "fe80::1"), ROUTE_LOCAL, index("web"));
    expect_route(look_up(ROUTE_SCOPE_SEGMENT | index("db"), "fe80::1"), ROUTE_LOCAL, index("db"));
    EXPECT_FALSE(look_up(ROUTE_SCOPE_SEGMENT | index("far"), "fe80::1"));
    EXPECT_FALSE(look_up(ROUTE_SCOPE_SEGMENT | index("web"), "fe80::2"));
}

TEST_F(RoutingRows, OfNextHopsNameTheSegmentTheyAreIn) {
    serve(document(with("/routing_domains/1/routes/0/via", R"(["192.0.2.3", "192.0.2.4"])")));
    const path_group both = group_row(look_up("a", "192.0.2.200")->target);
    for (std::uint32_t i = 0; i < PATH_SLOTS; ++i) {
        const path one = path_row(both.paths[i]);
        EXPECT_EQ(one.segment, i % 2 ? index("db") : index("web"));
        EXPECT_EQ(Ip::of(one.via).text(), i % 2 ? "198.51.100.130" : "198.51.100.2");
    }
    const path_group routers = group_row(look_up("b", "203.0.113.1")->target);
    EXPECT_EQ(path_row(routers.paths[0]).segment, index("b/l3"));
    EXPECT_EQ(Ip::of(path_row(routers.paths[1]).via).text(), "192.0.2.4");
}

TEST_F(RoutingRows, AreWrittenOnceAndFoundAgainByTheNextDaemon) {
    serve(document());
    const std::uint64_t before = writes();
    serve(document());
    EXPECT_EQ(writes(), before);
    start();
    serve(document());
    EXPECT_EQ(writes(), 0u);
    EXPECT_EQ(routing_->prefixes(), 10u);
    EXPECT_EQ(routing_->host_routes(), 13u);
}

TEST_F(RoutingRows, ComeBeforeTheOldOnesGo) {
    serve(document());
    const route old = *look_up("a", "2001:db8:9::1");
    add(document(
        patched(R"({"routing_domains": [{"name": "a", "routes": [{"prefix": "::/0", "via": ["2001:db8:1::3"]}]},
                             {"name": "b"}]})")));
    const route now = *look_up("a", "2001:db8:9::1");
    EXPECT_NE(now.target, old.target);
    EXPECT_EQ(path_row(now.target).segment, index("web"));
    EXPECT_EQ(path_row(old.target).segment, index("web")) << "a packet may be on its way by it";
    EXPECT_TRUE(look_up("a", "192.0.2.5"));
    sweep();
    EXPECT_EQ(path_row(old.target).segment, 0);
    EXPECT_FALSE(look_up("a", "192.0.2.5"));
    EXPECT_FALSE(segments_->find("b/l3"));
}

TEST_F(RoutingRows, AllGoWithTheDocumentAlsoThoseOfADaemonBefore) {
    serve(document());
    const std::uint16_t web = index("web");
    start();
    Document bare;
    bare.segments = {{.name = "web", .vni = 5001}};
    serve(bare);
    EXPECT_EQ(tables_->routes.rows()->size() + tables_->host_routes.rows()->size(), 0u);
    const auto empty = [](const auto& rows) {
        return std::ranges::all_of(*rows, [](const auto& row) {
            decltype(row.second) zero{};
            return std::memcmp(&row.second, &zero, sizeof zero) == 0;
        });
    };
    EXPECT_TRUE(empty(tables_->domains.rows()) && empty(tables_->gateways.rows()));
    EXPECT_TRUE(empty(tables_->paths.rows()) && empty(tables_->path_groups.rows()));
    EXPECT_FALSE(tables_->segments.find(web).value()->flags & SEGMENT_GATEWAY);
    EXPECT_EQ(routing_->prefixes() + routing_->host_routes(), 0u);
}

TEST_F(RoutingRows, ASegmentThatChangesItsDomainIsWrittenInPlace) {
    serve(document());
    const Document moved = document(patched(R"({"segments": [
        {"name": "db", "vni": 5002, "routing_domain": "b", "gateway": {"addresses": ["198.51.100.129/25"]}}],
        "routing_domains": [{"name": "a"}, {"name": "b"}]})"));
    serve(moved);
    EXPECT_EQ(gateway_row("db").domain, routing_->row("b"));
    expect_route(look_up("b", "198.51.100.200"), ROUTE_CONNECTED, index("db"));
    EXPECT_FALSE(look_up("a", "198.51.100.200"));
}

TEST_F(RoutingRows, RoutesOfTheCliSaySo) {
    Document all = document();
    all.routing_domains[0].routes[2].owner = ORIGIN_CLI;
    serve(all);
    EXPECT_EQ(look_up("a", "192.0.2.5")->origin, ORIGIN_CLI);
}

TEST_F(RoutingRows, ARouteThatCannotBeWrittenIsAReasonAndTheOthersAreServed) {
    Document all = document();
    all.routing_domains[0].routes[1].via = {ip("2001:db8:7::1")};  // no check let that through
    Problems problems;
    wanted_ = *with_transits(all);
    segments_->prepare(wanted_, *links_, problems);
    routing_->serve(wanted_, *segments_, problems);
    EXPECT_EQ(problems.reasons,
              std::vector<std::string>{"route ::/0 of routing domain a: 2001:db8:7::1 is in no segment"});
    EXPECT_TRUE(look_up("a", "192.0.2.5"));
}

// --- ECMP

constexpr std::uint32_t FLOWS = 10'000;

// The next hop of each flow, as the datapath chooses it.
std::vector<std::string> hops_of(const Tables& tables, const route& row) {
    std::vector<std::string> out;
    const path_group group = row.kind == ROUTE_GROUP ? *tables.path_groups.find(row.target).value() : path_group{};
    for (std::uint32_t flow = 0; flow < FLOWS; ++flow) {
        const std::uint32_t slot = flow * 0x9e3779b1u >> 25;
        const std::uint32_t hop = row.kind == ROUTE_GROUP ? group.paths[slot] : row.target;
        out.push_back(Ip::of(tables.paths.find(hop).value()->via).text());
    }
    return out;
}

class Ecmp : public RoutingRows {
protected:
    Document over(std::initializer_list<int> hosts) {
        Document out = document(patched(R"({"routing_domains": [{"name": "a"}, {"name": "b"}]})"));
        Route route{.prefix = prefix("0.0.0.0/0")};
        for (const int host : hosts) route.via.push_back(ip(("198.51.100." + std::to_string(host)).c_str()));
        out.routing_domains[0].routes = {route};
        return out;
    }
    std::vector<std::string> flows() { return hops_of(*tables_, *look_up("a", "192.0.2.200")); }
    static double share(const std::vector<std::string>& flows, const char* hop) {
        return static_cast<double>(std::ranges::count(flows, hop)) / FLOWS;
    }
    static double moved(const std::vector<std::string>& before, const std::vector<std::string>& after) {
        std::uint32_t count = 0;
        for (std::uint32_t i = 0; i < FLOWS; ++i) count += before[i] != after[i];
        return static_cast<double>(count) / FLOWS;
    }
};

TEST_F(Ecmp, SharesAreEvenAndOnlyThoseOfOneThatLeavesMove) {
    serve(over({2, 3, 4, 5, 6}));
    const auto before = flows();
    for (const char* hop : {"198.51.100.2", "198.51.100.3", "198.51.100.4", "198.51.100.5", "198.51.100.6"})
        EXPECT_NEAR(share(before, hop), 1.0 / 5, 0.02) << hop;
    serve(over({2, 3, 5, 6}));
    const auto after = flows();
    EXPECT_LE(moved(before, after), 1.0 / 5 + 0.02);
    for (std::uint32_t i = 0; i < FLOWS; ++i) {
        if (before[i] == "198.51.100.4") continue;
        ASSERT_EQ(before[i], after[i]) << "flow " << i;
    }
    for (const char* hop : {"198.51.100.2", "198.51.100.3", "198.51.100.5", "198.51.100.6"})
        EXPECT_NEAR(share(after, hop), 1.0 / 4, 0.02) << hop;
}

TEST_F(Ecmp, OneThatJoinsTakesItsPartFromAllAndNothingElseMoves) {
    serve(over({2, 3, 4}));
    const auto before = flows();
    start();  // the next daemon goes on from the pinned rows
    serve(over({7, 2, 3, 4}));
    const auto after = flows();
    EXPECT_LE(moved(before, after), 1.0 / 4 + 0.02);
    EXPECT_NEAR(share(after, "198.51.100.7"), 1.0 / 4, 0.02);
    for (std::uint32_t i = 0; i < FLOWS; ++i) {
        if (before[i] == after[i]) continue;
        ASSERT_EQ(after[i], "198.51.100.7") << "flow " << i;
    }
    for (const char* hop : {"198.51.100.2", "198.51.100.3", "198.51.100.4"})
        EXPECT_NEAR(share(after, hop), 1.0 / 4, 0.02) << hop;
}

TEST_F(Ecmp, ASecondNextHopTakesHalfOfWhatTheFirstHadAndGivesItBack) {
    serve(over({2}));
    EXPECT_EQ(look_up("a", "192.0.2.200")->kind, ROUTE_PATH);
    const auto alone = flows();
    serve(over({2, 3}));
    EXPECT_NEAR(moved(alone, flows()), 0.5, 0.02);
    serve(over({2}));
    EXPECT_EQ(flows(), alone);
}

TEST_F(Ecmp, TheOrderOfNextHopsChangesNothing) {
    serve(over({2, 3, 4}));
    const std::uint64_t before = writes();
    serve(over({4, 2, 3}));
    EXPECT_EQ(writes(), before);
}

TEST_F(Ecmp, RoutesThatShareAlikeHaveOneGroup) {
    Document all = over({2, 3, 4});
    for (int i = 0; i < 8; ++i) {
        Route one = all.routing_domains[0].routes[0];
        one.prefix = prefix(("203.0.113." + std::to_string(i * 32) + "/27").c_str());
        all.routing_domains[0].routes.push_back(one);
    }
    const auto groups = [&] {
        const auto rows = tables_->path_groups.rows().value();
        return std::ranges::count_if(rows, [](const auto& row) { return row.second.paths[0] != 0; });
    };
    serve(all);
    EXPECT_EQ(groups(), 1);
    for (Route& route : all.routing_domains[0].routes) route.via.pop_back();
    serve(all);
    EXPECT_EQ(groups(), 1);
}

TEST(ShareOut, KeepsWhatItCanForEveryNumberOfPaths) {
    for (std::uint32_t n = 1; n <= PATH_SLOTS; ++n) {
        std::vector<std::uint32_t> paths;
        for (std::uint32_t i = 1; i <= n; ++i) paths.push_back(i);
        const Shares all = share_out({}, paths);
        for (const std::uint32_t path : paths)
            ASSERT_LE(static_cast<std::uint32_t>(std::ranges::count(all, path)) - PATH_SLOTS / n, 1u) << n;
        if (n == 1) continue;
        paths.erase(paths.begin() + n / 2);
        const Shares fewer = share_out(all, paths);
        for (std::uint32_t slot = 0; slot < PATH_SLOTS; ++slot)
            ASSERT_TRUE(all[slot] == n / 2 + 1 || fewer[slot] == all[slot]) << n << " slot " << slot;
        paths.push_back(n / 2 + 1);
        const Shares again = share_out(fewer, paths);
        std::uint32_t moved = 0;
        for (std::uint32_t slot = 0; slot < PATH_SLOTS; ++slot) moved += again[slot] != fewer[slot];
        ASSERT_LE(moved, PATH_SLOTS / n + 1) << n;
        ASSERT_EQ(moved, std::ranges::count(again, n / 2 + 1)) << n;
    }
    EXPECT_EQ(share_out({}, {}), Shares{});
}

// --- the L3 VNI

TEST(Transit, IsASegmentWithANeighborForEachRouter) {
    Parsed parsed = parse_config(EXAMPLE, "");
    ASSERT_EQ(weft::text(parsed.complaints), "");
    const auto whole = with_transits(parsed.document);
    ASSERT_TRUE(whole);
    ASSERT_EQ(whole->segments.size(), 5u);
    const Segment& transit = whole->segments[4];
    EXPECT_EQ(transit.name, "b/l3");
    EXPECT_EQ(transit.vni, 5999u);
    EXPECT_EQ(transit.routing_domain, "b");
    EXPECT_TRUE(transit.remotes.empty()) << "there is nothing to flood";
    EXPECT_FALSE(transit.learning);
    std::vector<std::string> routers;
    for (const NeighborRecord& one : whole->neighbors) {
        EXPECT_EQ(one.segment, "b/l3");
        EXPECT_EQ(one.remote, one.ip);
        EXPECT_EQ(one.owner, ORIGIN_CONFIG);
        routers.push_back(one.ip.text() + " " + one.mac.text());
    }
    EXPECT_EQ(routers, (std::vector<std::string>{"192.0.2.3 02:00:5e:00:00:01", "192.0.2.4 02:00:5e:00:00:04",
                                                 "192.0.2.2 02:00:5e:00:00:01"}));
}

TEST(Transit, IsNotWhereEveryDomainIsAsymmetric) { EXPECT_FALSE(with_transits(Document{})); }

}  // namespace
}  // namespace weft::routing

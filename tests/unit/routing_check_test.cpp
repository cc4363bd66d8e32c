// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// What a document's gateways, routing domains and routes may not say, a row a mistake.
#include <gtest/gtest.h>

#include "routing_example.hpp"

namespace weft::routing {
namespace {

struct Wrong {
    const char* what;
    const char* pointer;  // into EXAMPLE, "": a patch of the whole
    const char* value;
    const char* complaint;
};

class WrongRoutingConfig : public testing::TestWithParam<Wrong> {};

TEST_P(WrongRoutingConfig, IsSaidInWords) {
    const Wrong& row = GetParam();
    EXPECT_EQ(complaints(*row.pointer ? with(row.pointer, row.value) : patched(row.value)), row.complaint);
}

#define ROWS(...) testing::ValuesIn(std::vector<Wrong>{__VA_ARGS__}), [](const auto& info) { return info.param.what; }

// clang-format off
INSTANTIATE_TEST_SUITE_P(
    GatewayForm, WrongRoutingConfig,
    ROWS({"NoPrefix", "/segments/2/gateway", R"({"addresses": ["198.51.100.1", "198.51.100.1/33", "x/24", "::1/064"]})",
          "/segments/2/gateway/addresses/0: is \"198.51.100.1\", which is no address with its prefix like 198.51.100.1/24\n"
          "/segments/2/gateway/addresses/1: is \"198.51.100.1/33\", which is no address with its prefix like 198.51.100.1/24\n"
          "/segments/2/gateway/addresses/2: is \"x/24\", which is no address with its prefix like 198.51.100.1/24\n"
          "/segments/2/gateway/addresses/3: is \"::1/064\", which is no address with its prefix like 198.51.100.1/24"},
         {"NoHost", "/segments/2/gateway", R"({"addresses": ["224.0.0.1/24", "127.0.0.1/8", "::/64"]})",
          "/segments/2/gateway/addresses/0: is \"224.0.0.1/24\", which is not the address of a host\n"
          "/segments/2/gateway/addresses/1: is \"127.0.0.1/8\", which is not the address of a host\n"
          "/segments/2/gateway/addresses/2: is \"::/64\", which is not the address of a host"},
         {"NetworkOrBroadcast", "/segments/2/gateway",
          R"({"addresses": ["198.51.100.0/24", "198.51.100.255/24", "2001:db8::/64", "203.0.113.64/26"]})",
          "/segments/2/gateway/addresses/0: is \"198.51.100.0/24\", which is the address of the network 198.51.100.0/24 itself\n"
          "/segments/2/gateway/addresses/1: is \"198.51.100.255/24\", which is the broadcast address of 198.51.100.0/24\n"
          "/segments/2/gateway/addresses/2: is \"2001:db8::/64\", which is the address of the network 2001:db8::/64 itself\n"
          "/segments/2/gateway/addresses/3: is \"203.0.113.64/26\", which is the address of the network 203.0.113.64/26 itself"},
         {"RoomForNobody", "/segments/2/gateway", R"({"addresses": ["198.51.100.1/32", "198.51.100.1/0", "2001:db8::1/128"]})",
          "/segments/2/gateway/addresses/0: is \"198.51.100.1/32\", which leaves no network for guests\n"
          "/segments/2/gateway/addresses/1: is \"198.51.100.1/0\", which leaves no network for guests\n"
          "/segments/2/gateway/addresses/2: is \"2001:db8::1/128\", which leaves no network for guests"},
         {"UnknownKey", "/segments/2/gateway", R"({"address": ["198.51.100.1/24"]})",
          "/segments/2/gateway/address: unknown key, did you mean addresses?\n"
          "/segments/2/gateway/addresses: is missing: without a gateway nothing is routed between segment far and routing "
          "domain b"}));

INSTANTIATE_TEST_SUITE_P(
    Gateways, WrongRoutingConfig,
    ROWS({"WithoutDomain", "/segments/3/gateway", R"({"addresses": ["203.0.113.1/24"]})",
          "/segments/3/routing_domain: is missing: a gateway routes between the segments of one domain"},
         {"DomainWithout", "/segments/3/routing_domain", R"("a")",
          "/segments/3/gateway/addresses: is missing: without a gateway nothing is routed between segment lan and routing "
          "domain a"},
         {"UnknownDomain", "/segments/1/routing_domain", R"("c")",
          "/segments/1/routing_domain: there is no routing domain c\n"
          "/routing_domains/0/routes/0/via/1: nobody can reach 198.51.100.130: it is in no prefix of a gateway of routing "
          "domain a\n"
          "/routing_domains/0/policy_routes/0/via/1: nobody can reach 198.51.100.131: it is in no prefix of a gateway of "
          "routing domain a"},
         {"LocalProxyWithout", "/segments/3/arp", R"("local-proxy")",
          "/segments/3/arp: is local-proxy, but there is no gateway that could answer"},
         {"MulticastMac", "/segments/1/gateway/mac", R"("01:00:5e:00:00:01")",
          "/segments/1/gateway/mac: 01:00:5e:00:00:01 is a multicast address, which no host has"},
         {"ZeroMac", "/segments/1/gateway/mac", R"("00:00:00:00:00:00")",
          "/segments/1/gateway/mac: 00:00:00:00:00:00 is all zero, which no host has"},
         {"IsTheVtep", "/segments/2/gateway/addresses/-", R"("192.0.2.1/24")",
          "/segments/2/gateway/addresses/1: 192.0.2.1 is this host's own VTEP"},
         {"TwiceInTheSegment", "/segments/0/gateway/addresses/-", R"("fe80::1/10")",
          "/segments/0/gateway/addresses/3: fe80::1 is given twice"},
         {"TwiceInTheDomain", "/segments/1/gateway/addresses/-", R"("2001:db8:1::1/64")",
          "/segments/1/gateway/addresses/2: 2001:db8:1::1 is already the gateway of segment web in the same routing domain"},
         {"PrefixesOverlap", "/segments/1/gateway/addresses/-", R"("198.51.100.100/24")",
          "/segments/1/gateway/addresses/2: 198.51.100.0/24 overlaps 198.51.100.0/25 of segment web in the same routing domain"},
         {"OfANeighbor", "", R"({"neighbors": [{"segment": "web", "ip": "198.51.100.1", "mac": "02:00:00:00:00:05"}]})",
          "/neighbors/0/ip: 198.51.100.1 is the gateway of segment web"},
         {"OfAnEntry", "", R"({"fdb": [{"segment": "web", "mac": "02:00:00:00:00:fe", "remote": "192.0.2.2"}]})",
          "/fdb/0/mac: 02:00:00:00:00:fe is the gateway's of segment web"}));

INSTANTIATE_TEST_SUITE_P(
    Domains, WrongRoutingConfig,
    ROWS({"Twice", "/routing_domains/-", R"({"name": "a"})", "/routing_domains/2/name: a is given twice"},
         {"SymmetricWithoutItsKeys", "/routing_domains/0/model", R"("symmetric")",
          "/routing_domains/0/l3_vni: is missing: a symmetric domain routes by it\n"
          "/routing_domains/0/router_mac: is missing: a symmetric domain has one"},
         {"AsymmetricWithThem", "/routing_domains/-",
          R"({"name": "c", "l3_vni": 7, "router_mac": "02:00:5e:00:00:07", "remotes": ["192.0.2.9"]})",
          "/routing_domains/2/l3_vni: is for a symmetric domain only\n"
          "/routing_domains/2/router_mac: is for a symmetric domain only\n"
          "/routing_domains/2/remotes: is for a symmetric domain only"},
         {"L3VniOfASegment", "/routing_domains/1/l3_vni", "5002",
          "/routing_domains/1/l3_vni: 5002 is already segment db's"},
         {"L3VniTwice", "/routing_domains/-",
          R"({"name": "c", "model": "symmetric", "l3_vni": 5999, "router_mac": "02:00:5e:00:00:07"})",
          "/routing_domains/2/l3_vni: 5999 is already routing domain b's"},
         {"RouterMacs", "/routing_domains/1",
          R"({"name": "b", "model": "symmetric", "l3_vni": 5999, "router_mac": "00:00:00:00:00:00",
              "remotes": [{"address": "192.0.2.4", "router_mac": "ff:ff:ff:ff:ff:ff"}]})",
          "/routing_domains/1/remotes/0/router_mac: ff:ff:ff:ff:ff:ff is a multicast address, which no host has\n"
          "/routing_domains/1/router_mac: 00:00:00:00:00:00 is all zero, which no host has"},
         {"Remotes", "/routing_domains/1/remotes",
          R"(["192.0.2.4", "192.0.2.1", "2001:db8::1", {"address": "192.0.2.4"}, 7, {"mac": 1}, "192.0.2.3"])",
          "/routing_domains/1/remotes/4: is 7, must be an IP address as a string or an object {…}\n"
          "/routing_domains/1/remotes/5/mac: unknown key\n"
          "/routing_domains/1/remotes/5/address: is missing\n"
          "/routing_domains/1/remotes/1: 192.0.2.1 is this host's own VTEP\n"
          "/routing_domains/1/remotes/2: 2001:db8::1 is IPv6, the VTEP 192.0.2.1 is IPv4\n"
          "/routing_domains/1/remotes/3: 192.0.2.4 is given twice"}));

INSTANTIATE_TEST_SUITE_P(
    Routes, WrongRoutingConfig,
    ROWS({"NoPrefix", "/routing_domains/0/routes/0/prefix", R"("203.0.113.0")",
          "/routing_domains/0/routes/0/prefix: is \"203.0.113.0\", which is no prefix like 198.51.100.0/24"},
         {"HostBits", "/routing_domains/0/routes/0/prefix", R"("203.0.113.1/24")",
          "/routing_domains/0/routes/0/prefix: is \"203.0.113.1/24\", which has bits behind the prefix, 203.0.113.0/24 has none"},
         {"NeverRouted", "/routing_domains/1/routes",
          R"([{"prefix": "224.0.0.0/4", "action": "blackhole"}, {"prefix": "ff00::/8", "action": "blackhole"},
              {"prefix": "127.0.0.0/8", "action": "blackhole"}, {"prefix": "fe80::/10", "action": "blackhole"}])",
          "/routing_domains/1/routes/0/prefix: is \"224.0.0.0/4\", which is multicast, and that is never routed\n"
          "/routing_domains/1/routes/1/prefix: is \"ff00::/8\", which is multicast, and that is never routed\n"
          "/routing_domains/1/routes/2/prefix: is \"127.0.0.0/8\", which is loopback, and that is never routed\n"
          "/routing_domains/1/routes/3/prefix: is \"fe80::/10\", which is link-local, and that is never routed"},
         {"Twice", "/routing_domains/0/routes/-", R"({"prefix": "0.0.0.0/0", "action": "blackhole"})",
          "/routing_domains/0/routes/5/prefix: 0.0.0.0/0 is given twice"},
         {"Connected", "/routing_domains/0/routes/-", R"({"prefix": "198.51.100.128/25", "action": "blackhole"})",
          "/routing_domains/0/routes/5/prefix: 198.51.100.128/25 is the prefix of segment db"},
         {"OfAGateway", "/routing_domains/0/routes/-", R"({"prefix": "198.51.100.129/32", "action": "blackhole"})",
          "/routing_domains/0/routes/5/prefix: 198.51.100.129 is the gateway of segment db"},
         {"LeadsNowhere", "/routing_domains/0/routes/-", R"({"prefix": "203.0.113.0/25"})",
          "/routing_domains/0/routes/5/via: is missing: there must be via or action or leak"},
         {"LeadsTwoWays", "/routing_domains/0/routes/-",
          R"({"prefix": "203.0.113.0/25", "via": ["198.51.100.2"], "action": "blackhole"})",
          "/routing_domains/0/routes/5/via: via and action exclude each other: there must be via or action or leak"},
         {"ViaNobody", "/routing_domains/0/routes/-", R"({"prefix": "203.0.113.0/25", "via": []})",
          "/routing_domains/0/routes/5/via: is empty"},
         {"OfOtherFamily", "/routing_domains/0/routes/1/via", R"(["198.51.100.2"])",
          "/routing_domains/0/routes/1/via/0: 198.51.100.2 is IPv4, the prefix ::/0 is IPv6"},
         {"NextHops", "/routing_domains/0/routes/0/via",
          R"(["198.51.100.2", "203.0.113.1", "198.51.100.1", "198.51.100.2", "198.51.100.127", "192.0.2.2", "198.51.100.128"])",
          "/routing_domains/0/routes/0/via/1: nobody can reach 203.0.113.1: it is in no prefix of a gateway of routing domain a\n"
          "/routing_domains/0/routes/0/via/2: 198.51.100.1 is the domain's own gateway in segment web\n"
          "/routing_domains/0/routes/0/via/3: 198.51.100.2 is given twice\n"
          "/routing_domains/0/routes/0/via/4: nobody can reach 198.51.100.127: it is in no prefix of a gateway of routing domain a\n"
          "/routing_domains/0/routes/0/via/5: nobody can reach 192.0.2.2: it is in no prefix of a gateway of routing domain a\n"
          "/routing_domains/0/routes/0/via/6: nobody can reach 198.51.100.128: it is in no prefix of a gateway of routing domain a"},
         {"LinkLocalNextHop", "/routing_domains/0/routes/1/via", R"(["fe80::2"])",
          "/routing_domains/0/routes/1/via/0: fe80::2 is link-local: it could be in any segment"},
         {"NoRemote", "/routing_domains/1/routes/0/via", R"(["192.0.2.2", "192.0.2.9"])",
          "/routing_domains/1/routes/0/via/1: nobody can reach 192.0.2.9: it is in no prefix of a gateway of routing domain b, "
          "and no remote"},
         {"LeakToItself", "/routing_domains/0/routes/4/leak", R"("a")",
          "/routing_domains/0/routes/4/leak: routing domain a cannot leak to itself"},
         {"LeakToNobody", "/routing_domains/0/routes/4/leak", R"("c")",
          "/routing_domains/0/routes/4/leak: there is no routing domain c"},
         {"Action", "/routing_domains/0/routes/2/action", R"("drop")",
          "/routing_domains/0/routes/2/action: is \"drop\", must be one of \"blackhole\", \"unreachable\""}));

INSTANTIATE_TEST_SUITE_P(
    PolicyRoutes, WrongRoutingConfig,
    ROWS({"Form", "/routing_domains/0/policy_routes",
          R"([{"source": "198.51.100.5", "protocol": "tpc", "destination_ports": "90-80", "source_ports": "65536", "dscp": 64}])",
          "/routing_domains/0/policy_routes/0/destination_ports: is \"90-80\", which ends before it starts\n"
          "/routing_domains/0/policy_routes/0/dscp: is 64, largest is 63\n"
          "/routing_domains/0/policy_routes/0/protocol: is \"tpc\", must be one of \"any\", \"tcp\", \"udp\", \"sctp\", "
          "\"icmp\", \"icmpv6\", \"gre\"\n"
          "/routing_domains/0/policy_routes/0/source: is \"198.51.100.5\", which is no prefix like 198.51.100.0/24\n"
          "/routing_domains/0/policy_routes/0/source_ports: is \"65536\", the largest port is 65535\n"
          "/routing_domains/0/policy_routes/0/priority: is missing\n"
          "/routing_domains/0/policy_routes/0/via: is missing"},
         {"PriorityTwice", "/routing_domains/0/policy_routes/1/priority", "10",
          "/routing_domains/0/policy_routes/1/priority: 10 is given twice"},
         {"PortsOfNoProtocol", "/routing_domains/0/policy_routes/0/protocol", R"("any")",
          "/routing_domains/0/policy_routes/0/source_ports: goes with protocol tcp, udp or sctp only\n"
          "/routing_domains/0/policy_routes/0/destination_ports: goes with protocol tcp, udp or sctp only"},
         {"ProtocolOfOtherFamily", "/routing_domains/0/policy_routes/1/protocol", R"("icmp")",
          "/routing_domains/0/policy_routes/1/protocol: is icmp, but 2001:db8:7::/48 is IPv6"},
         {"PrefixesOfTwoFamilies", "/routing_domains/0/policy_routes/1/source", R"("198.51.100.0/24")",
          "/routing_domains/0/policy_routes/1/source: 198.51.100.0/24 is IPv4, the destination 2001:db8:7::/48 is IPv6"},
         {"NextHopsOfTwoFamilies", "/routing_domains/0/policy_routes/-",
          R"({"priority": 30, "via": ["198.51.100.3", "2001:db8:1::3"]})",
          "/routing_domains/0/policy_routes/2/via/1: 2001:db8:1::3 is IPv6, 198.51.100.3 is IPv4"},
         {"NextHopNobodyCanReach", "/routing_domains/0/policy_routes/0/via", R"(["198.51.100.3", "203.0.113.3", "2001:db8:1::3"])",
          "/routing_domains/0/policy_routes/0/via/1: nobody can reach 203.0.113.3: it is in no prefix of a gateway of routing "
          "domain a\n"
          "/routing_domains/0/policy_routes/0/via/2: 2001:db8:1::3 is IPv6, the prefix 198.51.100.5/32 is IPv4"}));
// clang-format on

TEST(RoutingCheck, TakesWhatOnlyLooksWrong) {
    // Two addresses of one network, networks of two addresses, one address in two domains, a VLAN's gateway.
    EXPECT_EQ(complaints(with("/segments/0/gateway/addresses/-", R"("198.51.100.9/25")")), "");
    EXPECT_EQ(complaints(with("/segments/2/gateway/addresses", R"(["203.0.113.0/31", "2001:db8:3::/127"])")), "");
    EXPECT_EQ(complaints(with("/segments/3", R"({"name": "lan", "routing_domain": "b",
                                                 "gateway": {"addresses": ["203.0.113.1/25"]}})")),
              "");
    // The L3 VNI of a domain that is not symmetric any more is free; a part of what is connected may lead elsewhere.
    EXPECT_EQ(complaints(patched(R"({"routing_domains": [{"name": "a", "routes": [
                  {"prefix": "198.51.100.200/32", "action": "blackhole"}]}, {"name": "b"}]})")),
              "");
}

TEST(RoutingCheck, HasRoomForEveryDomainAndTransit) {
    Document document = parse_config(EXAMPLE, "").document;
    for (std::uint32_t i = 0; document.segments.size() < MAX_SEGMENTS - 2; ++i)
        document.segments.push_back({.name = "s" + std::to_string(i), .vni = 10000 + i});
    EXPECT_EQ(weft::text(check(document)), "");
    document.segments.push_back({.name = "last", .vni = 9999});
    EXPECT_EQ(weft::text(check(document)),
              "/routing_domains: 1023 segments and the L3 VNIs of 1 routing domains, a host has room for 1023");
    document = parse_config(EXAMPLE, "").document;
    while (document.routing_domains.size() < MAX_DOMAINS)
        document.routing_domains.push_back({.name = "d" + std::to_string(document.routing_domains.size())});
    EXPECT_EQ(weft::text(check(document)), "/routing_domains: 256 routing domains, a host has room for 255");
}

TEST(RoutingCheck, NamesWhatIsTheClisAndStandsInNoDocument) {
    Document document = parse_config(EXAMPLE, "").document;
    document.routing_domains[0].routes.push_back(
        {.prefix = *Prefix::parse("203.0.113.0/25"), .via = {*Ip::parse("203.0.113.1")}, .owner = ORIGIN_CLI});
    EXPECT_EQ(weft::text(check(document)),
              "/routing_domains/0/routes/5/via/0: nobody can reach 203.0.113.1: it is in no prefix of a gateway of "
              "routing domain a (route 203.0.113.0/25 of the CLI)");
}

}  // namespace
}  // namespace weft::routing

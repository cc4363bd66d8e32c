// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Access rules of a document: what is read, printed, and refused with its path.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "config.hpp"
#include "flat.hpp"

namespace weft {
namespace {

using nlohmann::json;

constexpr const char* EXAMPLE = R"({
  "switches":    [ { "name": "dvs0" } ],
  "segments":    [ { "name": "blue", "vni": 5001, "acl": "tenant" } ],
  "port_groups": [ { "name": "web", "switch": "dvs0", "segment": "blue", "acl": "web-in" } ],
  "ports":       [ { "interface": "tap0", "segment": "blue", "acl": "web-in" }, { "interface": "tap1", "port_group": "web" } ],
  "acls": [ { "name": "web-in", "rules": [
                { "priority": 100, "action": "allow", "direction": "to_port", "protocol": "tcp", "source": "any",
                  "destination_ports": "443", "stateful": true },
                { "priority": 200, "action": "deny", "direction": "to_port", "protocol": 50, "source": "198.51.100.0/24",
                  "destination": "224.0.0.0/4" } ] },
            { "name": "tenant", "default": "allow" } ]
})";

std::string with(const char* pointer, const char* value) {
    json document = json::parse(EXAMPLE);
    document[json::json_pointer(pointer)] = json::parse(value);
    return text(parse_config(document.dump(), "").complaints);
}

TEST(AclConfig, IsReadAndPrinted) {
    const Parsed parsed = parse_config(EXAMPLE, "");
    ASSERT_EQ(text(parsed.complaints), "");
    const Document& all = parsed.document;
    ASSERT_EQ(all.acls.size(), 2u);
    EXPECT_TRUE(all.acls[1].default_allow);
    EXPECT_EQ(all.segments[0].acl, "tenant");
    EXPECT_EQ(all.port_groups[0].acl, "web-in");
    EXPECT_EQ(all.ports[0].acl, "web-in");
    const AclRule& rule = all.acls[0].rules.at(0);
    EXPECT_TRUE(rule.allow && rule.stateful && !rule.match.source);
    EXPECT_EQ(rule.direction, RuleDirection::ToPort);
    EXPECT_EQ(rule.match.destination_ports, (PortRange{443, 443}));
    EXPECT_EQ(all.acls[0].rules[1].match.protocol, 50);
    EXPECT_EQ(all.acls[0].rules[1].match.destination->text(), "224.0.0.0/4") << "packets go to groups too";
    EXPECT_EQ(parse_config(to_json(all).dump(), "").document, all);
}

struct Row {
    const char *pointer, *value, *complaint;
};

TEST(AclConfig, IsRefusedWithThePath) {
    const Row rows[] = {
        // clang-format off
        {"/ports/0/acl", R"("none")", "/ports/0/acl: there are no access rules none"},
        {"/segments/0/acl", R"("x")", "/segments/0/acl: there are no access rules x"},
        {"/port_groups/0/acl", R"("x")", "/port_groups/0/acl: there are no access rules x"},
        {"/acls/1/name", R"("web-in")", "/acls/1/name: web-in is given twice\n/segments/0/acl: there are no access rules tenant"},
        {"/acls/0/rules/0/protocol", R"("icmp")", "/acls/0/rules/0/destination_ports: goes with protocol tcp, udp or sctp only"},
        {"/acls/0/rules/0/action", R"("deny")", "/acls/0/rules/0/stateful: goes with action allow only"},
        {"/acls/0/rules/0/action", R"("permit")", R"(/acls/0/rules/0/action: is "permit", must be one of "allow", "deny")" "\n/acls/0/rules/0/stateful: goes with action allow only"},
        {"/acls/0/rules/0/direction", R"("in")", R"(/acls/0/rules/0/direction: is "in", must be one of "from_port", "to_port")"},
        {"/acls/0/rules/1/source", R"("2001:db8::/32")", "/acls/0/rules/1/source: 2001:db8::/32 is IPv6, the destination 224.0.0.0/4 is IPv4"},
        {"/acls/0/rules/1/source", R"("198.51.100.1/24")", R"(/acls/0/rules/1/source: is "198.51.100.1/24", which has bits behind the prefix, 198.51.100.0/24 has none)"},
        {"/acls/0/rules/-", R"({"priority": 100, "action": "deny", "direction": "to_port", "protocol": "tcp"})", "/acls/0/rules/2: contradicts rule 0: both have priority 100, and a packet can match both"},
        {"/acls/0/rules/-", R"({"priority": 100, "action": "deny", "direction": "to_port", "protocol": "tcp", "destination_ports": "80"})", ""},
        {"/acls/0/rules/-", R"({"priority": 100, "action": "deny", "direction": "from_port"})", ""},
        {"/acls/0/rules/-", R"({"priority": 100, "action": "allow", "direction": "to_port"})", ""},
        // clang-format on
    };
    for (const Row& row : rows) EXPECT_EQ(with(row.pointer, row.value), row.complaint) << row.value;
}

TEST(AclConfig, IsRefusedWhereThereIsNoRoom) {
    json rules = json::array();
    for (int length = 1; length <= 128; ++length)
        rules.push_back({{"priority", length},
                         {"action", "allow"},
                         {"direction", "to_port"},
                         {"source", "8000::/" + std::to_string(length)}});
    EXPECT_EQ(with("/acls/0/rules", rules.dump().c_str()), "");
    rules.push_back({{"priority", 200}, {"action", "allow"}, {"direction", "to_port"}, {"protocol", "tcp"}});
    EXPECT_EQ(
        with("/acls/0/rules", rules.dump().c_str()),
        "/acls/0/rules: those of to_port look at packets in 129 different ways (lengths of prefixes, port ranges, "
        "protocol or not), a list has room for 128");
}

TEST(AclConfig, RulesOfTheCommandLineAreKeysAndValues) {
    const json flat = {{"name", "web-in"},
                       {"rules",
                        {"priority=1+action=allow+direction=to_port+protocol=50+source=2001:db8::/32",
                         "priority=2+action=allow+direction=from_port+protocol=tcp+source_ports=443+stateful"}}};
    EXPECT_EQ(
        unflattened("acls", flat)["rules"],
        json::parse(
            R"([{"priority": 1, "action": "allow", "direction": "to_port", "protocol": 50, "source": "2001:db8::/32"},
                              {"priority": 2, "action": "allow", "direction": "from_port", "protocol": "tcp",
                               "source_ports": "443", "stateful": true}])"));
}

}  // namespace
}  // namespace weft

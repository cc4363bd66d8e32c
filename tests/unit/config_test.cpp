// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include "config.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "schema.hpp"

namespace weft {
namespace {

using nlohmann::json;

const char* const EXAMPLE = R"({
  "vtep":     { "address": "192.0.2.1", "port": 4789 },
  "uplinks":  [ { "interface": "eth0" } ],
  "segments": [ { "name": "blue", "vni": 5001, "remotes": ["192.0.2.2", "192.0.2.3"], "learning": true,
                  "aging_seconds": 300, "arp": "suppress", "mtu": 1450 } ],
  "ports":    [ { "interface": "tap0", "segment": "blue" } ],
  "fdb":      [ { "segment": "blue", "mac": "02:00:00:00:00:02", "remote": "192.0.2.2" },
                { "segment": "blue", "mac": "02:00:00:00:00:03", "port": "tap0" } ],
  "neighbors":[ { "segment": "blue", "ip": "198.51.100.2", "mac": "02:00:00:00:00:02", "remote": "192.0.2.2", "vni": 7 } ]
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

TEST(Config, ReadsTheExampleOfTheDocumentation) {
    const Parsed parsed = parse_config(EXAMPLE, "");
    ASSERT_EQ(weft::text(parsed.complaints), "");
    const Document& document = parsed.document;
    EXPECT_EQ(document.vtep->address.text(), "192.0.2.1");
    ASSERT_EQ(document.segments.size(), 1u);
    EXPECT_EQ(document.segments[0].vni, 5001u);
    EXPECT_EQ(document.segments[0].remotes[1].address.text(), "192.0.2.3");
    EXPECT_EQ(document.segments[0].arp, ArpMode::Suppress);
    EXPECT_EQ(document.segments[0].mtu, 1450);
    EXPECT_EQ(document.ports[0].segment, "blue");
    EXPECT_EQ(document.fdb[1].port, "tap0");
    EXPECT_EQ(document.neighbors[0].vni, 7u);
}

TEST(Config, ComesBackFromItsOwnJson) {
    const char* const all_keys =
        R"({"vtep": {"ttl": 9, "tos": 184, "df": false, "reserved_bits": "drop", "accept": "any",
        "udp6_checksum": "zero", "accept_zero_checksum6": true}, "limits": {"icmp_errors_pps": 1, "arp_pps": 2, "punt_pps": 3},
        "uplinks": [{"interface": "eth0", "hook": "xdp-generic"}], "ports": [{"interface": "tap0", "segment": "blue", "hook": "tc"}],
        "segments": [{"name": "blue", "vni": 1, "learning": false, "learning_limit": 5, "unknown_unicast": "drop",
        "keep_inner_tags": true, "arp": "strict", "aging_seconds": 7}]})";
    for (const std::string& text : {std::string(EXAMPLE), patched(all_keys), std::string("{}")}) {
        const Parsed once = parse_config(text, "");
        ASSERT_EQ(weft::text(once.complaints), "");
        const Parsed twice = parse_config(to_json(once.document).dump(), "");
        EXPECT_EQ(weft::text(twice.complaints), "");
        EXPECT_EQ(twice.document, once.document);
    }
}

TEST(Config, HasTheDefaultsThatTheSchemaNames) {
    const json shown = to_json(parse_config(R"({"vtep": {"address": "192.0.2.1"}, "uplinks": [{"interface": "a"}],
        "segments": [{"name": "s", "vni": 1}], "ports": [{"interface": "b", "segment": "s"}]})",
                                            "")
                                   .document);
    const json schema = json::parse(schema_text());
    const json& defs = schema["$defs"];
    int compared = 0;
    const auto compare = [&](const json& keys, const json& values) {
        for (const auto& [key, rule] : keys.items()) {
            if (!rule.contains("default")) continue;
            EXPECT_EQ(values.at(key), rule["default"]) << key;
            ++compared;
        }
    };
    compare(defs["vtep"]["properties"], shown["vtep"]);
    compare(defs["limits"]["properties"], shown["limits"]);
    for (const char* list : {"uplinks", "segments", "ports"})
        compare(defs[list]["items"]["properties"], shown[list][0]);
    EXPECT_EQ(compared, 22);
}

TEST(Config, UsesNoKeywordThatTheInterpreterDoesNotKnow) { EXPECT_EQ(unknown_keywords(), std::vector<std::string>{}); }

void expect_described(const json& rule, const std::string& path) {
    const json properties = rule.value("properties", json::object());
    for (const auto& [key, below] : properties.items()) {
        if (!below.contains("$ref")) {
            EXPECT_TRUE(below.contains("description")) << path << "/" << key;
        }
        expect_described(below, path + "/" + key);
    }
    if (rule.contains("items")) expect_described(rule["items"], path);
}

TEST(Config, DescribesEveryKeyInTheSchema) {
    const json schema = json::parse(schema_text());
    expect_described(schema, "");
    for (const auto& [name, rule] : schema["$defs"].items()) {
        EXPECT_TRUE(rule.contains("description")) << name;
        expect_described(rule, name);
    }
}

TEST(Config, ANumberIsANetworkOfEachEncapsulation) {
    const Parsed parsed = parse_config(R"({"vtep": {"address": "192.0.2.1"}, "segments": [
        {"name": "a", "vni": 4096}, {"name": "b", "vni": 4096, "encapsulation": "nvgre"},
        {"name": "c", "vni": 16777214, "encapsulation": "nvgre"}, {"name": "d", "vni": 16777215, "encapsulation": "vxlan"}]})",
                                       "");
    ASSERT_EQ(weft::text(parsed.complaints), "");
    EXPECT_EQ(parsed.document.segments[0].encapsulation, Encapsulation::Vxlan);
    EXPECT_EQ(parsed.document.segments[1].encapsulation, Encapsulation::Nvgre);
    EXPECT_EQ(to_json(parsed.document)["segments"][1]["encapsulation"], "nvgre");
    EXPECT_EQ(parse_config(to_json(parsed.document).dump(), "").document, parsed.document);
}

struct Wrong {
    const char* what;
    const char* patch;  // of EXAMPLE
    const char* complaint;
};

class WrongConfig : public testing::TestWithParam<Wrong> {};

TEST_P(WrongConfig, IsSaidInWords) { EXPECT_EQ(complaints(patched(GetParam().patch)), GetParam().complaint); }

INSTANTIATE_TEST_SUITE_P(
    Form, WrongConfig,
    testing::ValuesIn(std::vector<Wrong>{
        {"UnknownKey", R"({"colour": 1})", "/colour: unknown key"},
        {"UnknownKeyNearAnother", R"({"vtep": {"prot": 4789}})", "/vtep/prot: unknown key, did you mean port?"},
        {"LaterSection", R"({"filters": []})", "/filters: unknown key"},
        {"VniTooLarge", R"({"segments": [{"name": "blue", "vni": 16777216}], "neighbors": [], "fdb": []})",
         "/segments/0/vni: is 16777216, largest is 16777215"},
        {"VniZero", R"({"segments": [{"name": "blue", "vni": 0}]})", "/segments/0/vni: is 0, smallest is 1"},
        {"VniNegative", R"({"segments": [{"name": "blue", "vni": -1}]})", "/segments/0/vni: is -1, smallest is 1"},
        {"VniHuge", R"({"segments": [{"name": "blue", "vni": 18446744073709551615}]})",
         "/segments/0/vni: is 18446744073709551615, largest is 16777215"},
        {"VniFraction", R"({"segments": [{"name": "blue", "vni": 1.5}]})",
         "/segments/0/vni: is 1.5, must be a whole number"},
        {"VniText", R"({"segments": [{"name": "blue", "vni": "5001"}]})",
         "/segments/0/vni: is \"5001\", must be a whole number"},
        {"VniMissing", R"({"segments": [{"name": "blue", "mtu": 1400}], "neighbors": [], "fdb": []})",
         "/segments/0/mtu: goes with vni only, which is missing"},
        {"ListIsObject", R"({"uplinks": {"interface": "eth0"}})", "/uplinks: is an object, must be an array […]"},
        {"ElementIsText", R"({"uplinks": ["eth0"]})", "/uplinks/0: is \"eth0\", must be an object {…}"},
        {"BooleanText", R"({"vtep": {"df": "yes"}})", "/vtep/df: is \"yes\", must be true or false"},
        {"Null", R"({"segments": [{"name": "blue", "vni": 1, "mtu": [null]}]})",
         "/segments/0/mtu: is an array, must be a whole number"},
        {"EnumSlip", R"({"segments": [{"name": "blue", "vni": 1, "arp": "supress"}]})",
         "/segments/0/arp: is \"supress\", must be one of \"off\", \"suppress\", \"strict\", \"local-proxy\""},
        {"PortHookGeneric", R"({"ports": [{"interface": "tap0", "segment": "blue", "hook": "xdp-generic"}]})",
         "/ports/0/hook: is \"xdp-generic\", must be one of \"auto\", \"xdp\", \"tc\""},
        {"TosWithEcn", R"({"vtep": {"tos": 3}})",
         "/vtep/tos: is 3, must be a multiple of 4: the two low bits are ECN and follow RFC 6040"},
        {"TosTooLarge", R"({"vtep": {"tos": 256}})", "/vtep/tos: is 256, largest is 255"},
        {"TosWord", R"({"vtep": {"tos": "copy"}})", "/vtep/tos: is \"copy\", must be \"inherit\""},
        {"TosBoolean", R"({"vtep": {"tos": true}})", "/vtep/tos: is true, must be \"inherit\" or a whole number"},
        {"TtlZero", R"({"vtep": {"ttl": 0}})", "/vtep/ttl: is 0, smallest is 1"},
        {"TtlTooLarge", R"({"vtep": {"ttl": 256}})", "/vtep/ttl: is 256, largest is 255"},
        {"PortZero", R"({"vtep": {"port": 0}})", "/vtep/port: is 0, smallest is 1"},
        {"MtuTooSmall", R"({"segments": [{"name": "blue", "vni": 1, "mtu": 67}]})",
         "/segments/0/mtu: is 67, smallest is 68"},
        {"MtuTooLarge", R"({"segments": [{"name": "blue", "vni": 1, "mtu": 65466}]})",
         "/segments/0/mtu: is 65466, largest is 65465"},
        {"LimitZero", R"({"limits": {"arp_pps": 0}})", "/limits/arp_pps: is 0, smallest is 1"},
        {"NameWithSpace", R"({"segments": [{"name": "a b", "vni": 1}, {"name": "blue", "vni": 2}]})",
         "/segments/0/name: is \"a b\", may hold letters, digits, '.', '_' and '-' only and starts with neither '.' "
         "nor '-'"},
        {"NameEmpty", R"({"segments": [{"name": "", "vni": 1}, {"name": "blue", "vni": 2}]})",
         "/segments/0/name: is empty"},
        {"InterfaceTooLong", R"({"uplinks": [{"interface": "a234567890123456"}]})",
         "/uplinks/0/interface: is \"a234567890123456\", longest name of an interface is 15 characters"},
        {"InterfaceWithSlash", R"({"uplinks": [{"interface": "../eth0"}]})",
         "/uplinks/0/interface: is \"../eth0\", the name of an interface has no space, '/' or ':'"},
        {"InterfaceDots", R"({"uplinks": [{"interface": ".."}]})",
         "/uplinks/0/interface: is \"..\", which is no name of an interface"},
        {"AddressNone", R"({"vtep": {"address": "192.0.2"}})", "/vtep/address: is \"192.0.2\", which is no IP address"},
        {"AddressCutByNul", R"({"vtep": {"address": "192.0.2.1\u0000x"}})",
         "/vtep/address: is \"192.0.2.1\\u0000x\", which is no IP address"},
        {"AddressMulticast", R"({"vtep": {"address": "239.0.0.1"}})",
         "/vtep/address: is \"239.0.0.1\", which is not the address of a host"},
        {"AddressBroadcast", R"({"vtep": {"address": "255.255.255.255"}})",
         "/vtep/address: is \"255.255.255.255\", which is not the address of a host"},
        {"MacShort", R"({"fdb": [{"segment": "blue", "mac": "02:00", "remote": "192.0.2.2"}]})",
         "/fdb/0/mac: is \"02:00\", which is no MAC address like 02:00:00:00:00:01"},
        {"KeyIsEscaped", R"({"a/b~c\n": 1})", "/a~1b~0c\\n: unknown key"},
    }),
    [](const auto& info) { return info.param.what; });

INSTANTIATE_TEST_SUITE_P(
    Meaning, WrongConfig,
    testing::ValuesIn(std::vector<Wrong>{
        {"NoVtepAddress", R"({"vtep": {"address": null}})", "/vtep/address: is missing"},
        {"RemotesWithoutVtep", R"({"vtep": null, "fdb": [], "neighbors": []})",
         "/segments/0/remotes: segment blue has remotes, but there is no vtep"},
        {"EntryWithoutVtep", R"({"vtep": null, "segments": [{"name": "blue", "vni": 1}], "neighbors": []})",
         "/fdb/0/remote: there is no vtep to reach 192.0.2.2 from"},
        {"SegmentTwice", R"({"segments": [{"name": "blue", "vni": 1}, {"name": "blue", "vni": 2}]})",
         "/segments/1/name: blue is given twice"},
        {"VniTwice", R"({"segments": [{"name": "blue", "vni": 1}, {"name": "red", "vni": 1}]})",
         "/segments/1/vni: 1 is taken by segment blue"},
        {"VsidTooLow", R"({"segments": [{"name": "blue", "vni": 4095, "encapsulation": "nvgre"}], "neighbors": []})",
         "/segments/0/vni: 4095 is no VSID: with NVGRE it is 4096 to 16777214 (RFC 7637 §3.4)"},
        {"VsidReserved",
         R"({"segments": [{"name": "blue", "vni": 16777215, "encapsulation": "nvgre"}], "neighbors": []})",
         "/segments/0/vni: 16777215 is no VSID: with NVGRE it is 4096 to 16777214 (RFC 7637 §3.4)"},
        {"VsidTwice",
         R"({"segments": [{"name": "blue", "vni": 4096, "encapsulation": "nvgre"}, {"name": "red", "vni": 4096, "encapsulation": "nvgre"}], "neighbors": []})",
         "/segments/1/vni: 4096 is taken by segment blue"},
        {"VsidOfAnEntry",
         R"({"segments": [{"name": "blue", "vni": 4096, "encapsulation": "nvgre"}],
             "fdb": [{"segment": "blue", "mac": "02:00:00:00:00:02", "remote": "192.0.2.2", "vni": 7}], "neighbors": []})",
         "/fdb/0/vni: 7 is no VSID: with NVGRE it is 4096 to 16777214 (RFC 7637 §3.4)"},
        {"NvgreWithTags",
         R"({"segments": [{"name": "blue", "vni": 4096, "encapsulation": "nvgre", "keep_inner_tags": true}], "neighbors": []})",
         "/segments/0/keep_inner_tags: NVGRE carries no tagged frames (RFC 7637 §3.3): use vxlan for them"},
        {"PortTwice",
         R"({"ports": [{"interface": "tap0", "segment": "blue"}, {"interface": "tap0", "segment": "blue"}]})",
         "/ports/1/interface: tap0 is already a port of segment blue"},
        {"PortIsUplink", R"({"ports": [{"interface": "eth0", "segment": "blue"}], "fdb": []})",
         "/ports/0/interface: eth0 is already an uplink"},
        {"PortIsLoopback", R"({"ports": [{"interface": "lo", "segment": "blue"}], "fdb": []})",
         "/ports/0/interface: lo cannot be a port of segment blue"},
        {"PortIsOurTunnel", R"({"uplinks": [{"interface": "weft-4fb77448"}]})",
         "/uplinks/0/interface: weft-4fb77448 cannot be an uplink"},
        {"PortOfNoSegment", R"({"ports": [{"interface": "tap0", "segment": "red"}], "fdb": []})",
         "/ports/0/segment: there is no segment red"},
        {"EntryTwice", R"({"fdb": [{"segment": "blue", "mac": "02:00:00:00:00:02", "remote": "192.0.2.2"},
                               {"segment": "blue", "mac": "02:00:00:00:00:02", "port": "tap0"}]})",
         "/fdb/1: 02:00:00:00:00:02 of segment blue is given twice"},
        {"NeighborTwice", R"({"neighbors": [{"segment": "blue", "ip": "2001:db8::1", "mac": "02:00:00:00:00:02"},
                                        {"segment": "blue", "ip": "2001:db8:0::1", "mac": "02:00:00:00:00:02"}]})",
         "/neighbors/1: 2001:db8::1 of segment blue is given twice"},
        {"RemoteTwice", R"({"segments": [{"name": "blue", "vni": 1, "remotes": ["192.0.2.2", "192.0.2.2"]}]})",
         "/segments/0/remotes/1: 192.0.2.2 is given twice"},
        {"RemoteOfOtherFamily", R"({"segments": [{"name": "blue", "vni": 1, "remotes": ["2001:db8::2"]}]})",
         "/segments/0/remotes/0: 2001:db8::2 is IPv6, the VTEP 192.0.2.1 is IPv4"},
        {"RemoteIsOwn", R"({"segments": [{"name": "blue", "vni": 1, "remotes": ["192.0.2.1"]}]})",
         "/segments/0/remotes/0: 192.0.2.1 is this host's own VTEP"},
        {"EntryOfOtherFamily", R"({"fdb": [{"segment": "blue", "mac": "02:00:00:00:00:02", "remote": "2001:db8::2"}]})",
         "/fdb/0/remote: 2001:db8::2 is IPv6, the VTEP 192.0.2.1 is IPv4"},
        {"EntryNowhere", R"({"fdb": [{"segment": "blue", "mac": "02:00:00:00:00:02"}]})",
         "/fdb/0: needs a port, a remote or a bridge"},
        {"EntryInTwoPlaces",
         R"({"fdb": [{"segment": "blue", "mac": "02:00:00:00:00:02", "remote": "192.0.2.2", "port": "tap0"}]})",
         "/fdb/0: has a port and a remote, must have one of them"},
        {"EntryOfNoSegment", R"({"fdb": [{"segment": "red", "mac": "02:00:00:00:00:02", "remote": "192.0.2.2"}]})",
         "/fdb/0/segment: there is no segment red"},
        {"EntryBehindOtherPort", R"({"fdb": [{"segment": "blue", "mac": "02:00:00:00:00:02", "port": "eth0"}]})",
         "/fdb/0/port: eth0 is no port of segment blue"},
        {"EntryVniWithoutRemote",
         R"({"fdb": [{"segment": "blue", "mac": "02:00:00:00:00:02", "port": "tap0", "vni": 5}]})",
         "/fdb/0/vni: 5 is not the VNI of segment blue (5001); another goes with a remote only"},
        {"EntryMulticast", R"({"fdb": [{"segment": "blue", "mac": "01:00:5e:00:00:01", "remote": "192.0.2.2"}]})",
         "/fdb/0/mac: 01:00:5e:00:00:01 is a multicast address, which no host has"},
        {"EntryZero", R"({"fdb": [{"segment": "blue", "mac": "00:00:00:00:00:00", "remote": "192.0.2.2"}]})",
         "/fdb/0/mac: 00:00:00:00:00:00 is all zero, which no host has"},
        {"NeighborBroadcastMac",
         R"({"neighbors": [{"segment": "blue", "ip": "198.51.100.2", "mac": "ff:ff:ff:ff:ff:ff"}]})",
         "/neighbors/0/mac: ff:ff:ff:ff:ff:ff is a multicast address, which no host has"},
        {"NeighborOfNoSegment",
         R"({"neighbors": [{"segment": "red", "ip": "198.51.100.2", "mac": "02:00:00:00:00:02"}]})",
         "/neighbors/0/segment: there is no segment red"},
    }),
    [](const auto& info) { return info.param.what; });

TEST(Config, SaysEverythingAtOnce) {
    EXPECT_EQ(complaints(R"({"vtep": {"address": "192.0.2.1", "ttl": 0}, "colour": 1,
                             "segments": [{"name": "a", "vni": 1}, {"name": "a", "vni": 1, "mtu": 5}],
                             "ports": [{"interface": "p", "segment": "b"}]})"),
              "/colour: unknown key\n/segments/1/mtu: is 5, smallest is 68\n/vtep/ttl: is 0, smallest is 1\n"
              "/segments/1/name: a is given twice\n/segments/1/vni: 1 is taken by segment a\n"
              "/ports/0/segment: there is no segment b");
}

TEST(Config, TellsLineAndColumnOfWhatIsNoJson) {
    const auto starts = [](const char* text) { return complaints(text).substr(0, 30); };
    EXPECT_EQ(starts("{\n  \"vtep\": {},\n  oops\n}"), "line 3, column 3: syntax error");
    EXPECT_EQ(starts("{\"a\": 1,}"), "line 1, column 9: syntax error");
    EXPECT_EQ(complaints(""), "the document is empty");
    EXPECT_EQ(complaints(" \n\t"), "the document is empty");
    EXPECT_EQ(complaints(std::string_view("{}\n\0 {", 6)), "line 2, column 1: a byte that is zero");
    EXPECT_EQ(complaints("[]"), "is an array, must be an object {…}");
    EXPECT_EQ(starts("{} {}"), "line 1, column 4: syntax error");
    EXPECT_EQ(complaints("{\"a\": 1e999}").substr(0, 18), "line 1, column 11:");
    EXPECT_NE(complaints("{\"a\": \"\xff\"}"), "");
}

TEST(Config, RefusesAKeyThatStandsTwice) {
    EXPECT_EQ(
        complaints(R"({"vtep": {"address": "192.0.2.1", "address": "192.0.2.9"}, "uplinks": [{}, {}], "uplinks": []})"),
        "/vtep/address: is given twice\n/uplinks: is given twice\n/uplinks/0/interface: is missing\n"
        "/uplinks/1/interface: is missing");
}

TEST(Config, BoundsTheDepthOfADocument) {
    EXPECT_EQ(complaints(std::string(100000, '[')).substr(0, 4), "/0/0");
    EXPECT_NE(complaints(std::string(100000, '[')).find("is nested deeper than 64"), std::string::npos);
}

TEST(Hosts, PartOfTheHostIsMergedOverTheRest) {
    const char* const text = R"({"vtep": {"port": 8472, "ttl": 3}, "segments": [{"name": "s", "vni": 1}],
        "uplinks": [{"interface": "eth9"}, {"interface": "eth8"}],
        "hosts": {"a": {"vtep": {"address": "192.0.2.1", "ttl": 5}, "uplinks": [{"interface": "eth0"}]},
                  "b": {"vtep": {"address": "192.0.2.2"}}}})";
    const Parsed a = parse_config(text, "a");
    ASSERT_EQ(weft::text(a.complaints), "");
    EXPECT_EQ(a.document.vtep->address.text(), "192.0.2.1");
    EXPECT_EQ(a.document.vtep->port, 8472);
    EXPECT_EQ(a.document.vtep->ttl, 5);
    ASSERT_EQ(a.document.uplinks.size(), 1u);
    EXPECT_EQ(a.document.uplinks[0].interface, "eth0");
    EXPECT_EQ(a.document.segments.size(), 1u);
    const Parsed b = parse_config(text, "b");
    EXPECT_EQ(b.document.vtep->address.text(), "192.0.2.2");
    EXPECT_EQ(b.document.vtep->ttl, 3);
    EXPECT_EQ(b.document.uplinks.size(), 2u);
    EXPECT_EQ(complaints(text, "c"), "/vtep/address: is missing");
}

TEST(Hosts, TheFloodListOfAllNamesThisOneToo) {
    const char* const text = R"({"segments": [{"name": "s", "vni": 1,
            "remotes": ["192.0.2.1", "192.0.2.2", "192.0.2.3", "2001:db8::9"]}],
        "hosts": {"a": {"vtep": {"address": "192.0.2.1"}}, "b": {"vtep": {"address": "192.0.2.2"}},
                  "c": {"vtep": {"address": "192.0.2.3"},
                        "segments": [{"name": "s", "vni": 1, "remotes": ["192.0.2.3"]}]}}})";
    for (const auto& [host, first] : {std::pair{"a", "192.0.2.2"}, std::pair{"b", "192.0.2.1"}}) {
        const Parsed parsed = parse_config(text, host);
        EXPECT_EQ(weft::text(parsed.complaints), "/segments/0/remotes/3: 2001:db8::9 is IPv6, the VTEP " +
                                                     parsed.document.vtep->address.text() + " is IPv4");
        ASSERT_EQ(parsed.document.segments[0].remotes.size(), 3u);
        EXPECT_EQ(parsed.document.segments[0].remotes[0].address.text(), first);
        EXPECT_EQ(parsed.document.segments[0].remotes[1].address.text(), "192.0.2.3");
    }
    EXPECT_EQ(complaints(text, "c"), "/hosts/c/segments/0/remotes/0: 192.0.2.3 is this host's own VTEP");
}

TEST(Hosts, ComplaintsNameThePlaceThatIsWrong) {
    const char* const text = R"({"vtep": {"address": "192.0.2.1"}, "ports": [],
        "segments": [{"name": "s", "vni": 1, "remotes": ["192.0.2.1"]}],
        "hosts": {"a": {"ports": [{"interface": "p", "segment": "t"}]}, "b/c": {"vtep": {"address": "2001:db8::1"}},
                  "d": {"limits": {"arp": 1}, "hosts": {}}}})";
    EXPECT_EQ(complaints(text, "a"),
              "/hosts/d/hosts: unknown key\n/hosts/d/limits/arp: unknown key, did you mean arp_pps?\n"
              "/segments/0/remotes/0: 192.0.2.1 is this host's own VTEP\n"
              "/hosts/a/ports/0/segment: there is no segment t");
    EXPECT_NE(complaints(text, "b/c").find("/segments/0/remotes/0: 192.0.2.1 is IPv4, the VTEP 2001:db8::1 is IPv6"),
              std::string::npos);
}

TEST(Object, IsReadByTheSameSchema) {
    const Parsed good =
        parse_object("segments", json{{"name", "blue"}, {"vni", 7}, {"remotes", {"192.0.2.2"}}}, ORIGIN_CLI);
    ASSERT_EQ(weft::text(good.complaints), "");
    EXPECT_EQ(good.document.segments.at(0).owner, ORIGIN_CLI);
    EXPECT_EQ(good.document.segments.at(0).remotes.at(0).owner, ORIGIN_CLI);
    EXPECT_EQ(weft::text(parse_object("segments", json{{"nam", "blue"}, {"vnl", 7}}, ORIGIN_CLI).complaints),
              "/nam: unknown key, did you mean name?\n/vnl: unknown key, did you mean vni?\n/name: is missing");
    EXPECT_EQ(weft::text(parse_object("ports", json(5), ORIGIN_CLI).complaints), "is 5, must be an object {…}");
    EXPECT_EQ(weft::text(parse_object("vtep", json::object(), ORIGIN_CLI).complaints), "there is no list vtep");
    EXPECT_EQ(weft::text(parse_object("colours", json::object(), ORIGIN_CLI).complaints), "there is no list colours");
}

TEST(Object, RowsMayCarryWhatTheListsShow) {
    const json row = {{"segment", "blue"},     {"vni", 5001},     {"mac", "02:00:00:00:00:02"},
                      {"remote", "192.0.2.2"}, {"origin", "cli"}, {"age_seconds", nullptr}};
    EXPECT_EQ(weft::text(parse_object("fdb", row, ORIGIN_CLI).complaints), "");
    EXPECT_EQ(
        weft::text(parse_object("ports", json{{"interface", "a"}, {"segment", "b"}, {"origin", "cli"}}, ORIGIN_CLI)
                       .complaints),
        "/origin: unknown key");
}

TEST(RecordCheck, JudgesARowByTheDocument) {
    const Document document = parse_config(EXAMPLE, "").document;
    const RecordCheck check(document);
    FdbRecord record{.segment = "blue", .mac = *Mac::parse("02:00:00:00:00:09"), .port = "tap0", .vni = 5001};
    EXPECT_EQ(weft::text(check(record)), "");
    record.segment = "red";
    EXPECT_EQ(weft::text(check(record)), "/segment: there is no segment red\n/port: tap0 is no port of segment red");
    const NeighborRecord neighbor{
        .segment = "blue", .ip = *Ip::parse("198.51.100.7"), .mac = {}, .remote = Ip::parse("192.0.2.1")};
    EXPECT_EQ(weft::text(check(neighbor)),
              "/mac: 00:00:00:00:00:00 is all zero, which no host has\n/remote: 192.0.2.1 is this host's own VTEP");
}

TEST(Show, KeepsToOneOwner) {
    Document document = parse_config(EXAMPLE, "").document;
    document.segments[0].remotes.push_back({*Ip::parse("192.0.2.4"), ORIGIN_CLI});
    document.ports.push_back({.interface = "tap1", .segment = "blue", .owner = ORIGIN_CLI});
    const json cli = to_json(document, ORIGIN_CLI);
    EXPECT_EQ(cli["segments"][0]["remotes"], json{"192.0.2.4"});
    EXPECT_EQ(cli["ports"].size(), 1u);
    EXPECT_EQ(cli["fdb"], json::array());
    EXPECT_FALSE(cli.contains("vtep"));
    const json config = to_json(document, ORIGIN_CONFIG);
    EXPECT_EQ(config["segments"][0]["remotes"], (json{"192.0.2.2", "192.0.2.3"}));
    EXPECT_EQ(config["ports"][0]["interface"], "tap0");
    EXPECT_EQ(config["vtep"]["address"], "192.0.2.1");
}

}  // namespace
}  // namespace weft

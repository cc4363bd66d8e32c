// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Tenant records of the document: what is read, what they may not say, and how they come back out.
#include <gtest/gtest.h>

#include <chrono>
#include <nlohmann/json.hpp>

#include "config.hpp"
#include "records.hpp"

namespace weft {
namespace {

using nlohmann::json;

const char* const EXAMPLE = R"({
  "vtep":            { "address": "192.0.2.1" },
  "routing_domains": [ { "name": "a" } ],
  "segments":        [ { "name": "web", "vni": 5001, "remotes": ["192.0.2.2"], "routing_domain": "a",
                         "gateway": { "addresses": ["198.51.100.1/24", "2001:db8:1::1/64"] } },
                       { "name": "db", "vni": 5002 } ],
  "ports":           [ { "interface": "tap0", "segment": "web" } ],
  "fdb":             [ { "segment": "web", "mac": "02:00:00:00:00:09", "remote": "192.0.2.9" },
                       { "segment": "web", "mac": "02:00:00:00:00:0a", "port": "tap0" } ],
  "neighbors":       [ { "segment": "web", "ip": "198.51.100.9", "mac": "02:00:00:00:00:09" } ],
  "records":         [ { "vsid": 5001, "ca": "198.51.100.7", "mac": "02:00:00:00:00:07", "pa": "192.0.2.3" },
                       { "vsid": 5001, "ca": "2001:db8:1::7", "mac": "02:00:00:00:00:07", "pa": "192.0.2.3" },
                       { "vsid": 5002, "ca": "198.51.100.7", "mac": "02:00:00:00:00:07", "pa": "192.0.2.4" },
                       { "vsid": 5001, "ca": "198.51.100.5", "mac": "02:00:00:00:00:05", "pa": "192.0.2.1" } ]
})";

// EXAMPLE with one record more.
std::string with(const char* record) {
    json document = json::parse(EXAMPLE);
    document["records"].push_back(json::parse(record));
    return document.dump();
}

std::string complaints(std::string_view text) { return weft::text(parse_config(text, "").complaints); }

std::vector<std::string> remotes(const Segment& segment) {
    std::vector<std::string> out;
    for (const Remote& remote : segment.remotes) out.push_back(remote.address.text());
    return out;
}

TEST(RecordsConfig, ReadsEveryKey) {
    const Parsed parsed = parse_config(EXAMPLE, "");
    ASSERT_EQ(weft::text(parsed.complaints), "");
    ASSERT_EQ(parsed.document.records.size(), 4u);
    EXPECT_EQ(parsed.document.records[1],
              (TenantRecord{5001, *Ip::parse("2001:db8:1::7"), *Mac::parse("02:00:00:00:00:07"),
                            *Ip::parse("192.0.2.3"), ORIGIN_CONFIG}));
}

TEST(RecordsConfig, PutsTheirHostsIntoTheFloodListsButThisOne) {
    const Document document = parse_config(EXAMPLE, "").document;
    EXPECT_EQ(remotes(document.segments[0]), (std::vector<std::string>{"192.0.2.2", "192.0.2.3"}));
    EXPECT_EQ(remotes(document.segments[1]), (std::vector<std::string>{"192.0.2.4"}));
}

TEST(RecordsConfig, ComesBackFromItsOwnJson) {
    const Document once = parse_config(EXAMPLE, "").document;
    const Parsed twice = parse_config(to_json(once).dump(), "");
    EXPECT_EQ(weft::text(twice.complaints), "");
    EXPECT_EQ(twice.document, once);
    EXPECT_EQ(to_json(once, ORIGIN_CLI)["records"], json::array());
}

TEST(RecordsConfig, MayStandTwiceAndBesideEntriesThatSayTheSame) {
    EXPECT_EQ(
        complaints(with(R"({"vsid": 5001, "ca": "198.51.100.7", "mac": "02:00:00:00:00:07", "pa": "192.0.2.3"})")), "");
    EXPECT_EQ(
        complaints(with(R"({"vsid": 5001, "ca": "198.51.100.9", "mac": "02:00:00:00:00:09", "pa": "192.0.2.9"})")), "");
    EXPECT_EQ(
        complaints(with(R"({"vsid": 5001, "ca": "198.51.100.8", "mac": "02:00:00:00:00:0a", "pa": "192.0.2.1"})")), "");
}

struct Wrong {
    const char* what;
    const char* record;
    const char* complaint;
};

class WrongRecord : public testing::TestWithParam<Wrong> {};

TEST_P(WrongRecord, IsSaidInWords) { EXPECT_EQ(complaints(with(GetParam().record)), GetParam().complaint); }

// clang-format off
INSTANTIATE_TEST_SUITE_P(All, WrongRecord, testing::ValuesIn(std::vector<Wrong>{
    {"Without", R"({"vsid": 5001})",
     "/records/4/ca: is missing\n/records/4/mac: is missing\n/records/4/pa: is missing"},
    {"VsidZero", R"({"vsid": 0, "ca": "198.51.100.8", "mac": "02:00:00:00:00:08", "pa": "192.0.2.3"})",
     "/records/4/vsid: is 0, smallest is 1"},
    {"UnknownKey", R"({"vsid": 5001, "ca": "198.51.100.8", "mac": "02:00:00:00:00:08", "pa": "192.0.2.3", "rdid": 1})",
     "/records/4/rdid: unknown key"},
    {"NoSegment", R"({"vsid": 5003, "ca": "198.51.100.8", "mac": "02:00:00:00:00:08", "pa": "192.0.2.3"})",
     "/records/4/vsid: there is no segment of number 5003"},
    {"CaTwice", R"({"vsid": 5001, "ca": "198.51.100.7", "mac": "02:00:00:00:00:08", "pa": "192.0.2.3"})",
     "/records/4: 198.51.100.7 has 02:00:00:00:00:07 at 192.0.2.3 by /records/0"},
    {"MacElsewhere", R"({"vsid": 5001, "ca": "198.51.100.8", "mac": "02:00:00:00:00:07", "pa": "192.0.2.4"})",
     "/records/4/pa: 02:00:00:00:00:07 is at 192.0.2.3 by /records/0"},
    {"Multicast", R"({"vsid": 5001, "ca": "198.51.100.8", "mac": "03:00:00:00:00:08", "pa": "192.0.2.3"})",
     "/records/4/mac: 03:00:00:00:00:08 is a multicast address, which no host has"},
    {"OtherFamily", R"({"vsid": 5001, "ca": "198.51.100.8", "mac": "02:00:00:00:00:08", "pa": "2001:db8::3"})",
     "/records/4/pa: 2001:db8::3 is IPv6, the VTEP 192.0.2.1 is IPv4"},
    {"GatewaysAddress", R"({"vsid": 5001, "ca": "198.51.100.1", "mac": "02:00:00:00:00:08", "pa": "192.0.2.3"})",
     "/records/4/ca: 198.51.100.1 is the gateway of segment web"},
    {"GatewaysMac", R"({"vsid": 5001, "ca": "198.51.100.8", "mac": "00:00:5e:00:01:01", "pa": "192.0.2.3"})",
     "/records/4/mac: 00:00:5e:00:01:01 is the gateway's of segment web"},
    {"NeighborSaysElse", R"({"vsid": 5001, "ca": "198.51.100.9", "mac": "02:00:00:00:00:08", "pa": "192.0.2.3"})",
     "/records/4/ca: 198.51.100.9 is another's by /neighbors/0"},
    {"EntrySaysElse", R"({"vsid": 5001, "ca": "198.51.100.8", "mac": "02:00:00:00:00:09", "pa": "192.0.2.3"})",
     "/records/4/mac: 02:00:00:00:00:09 is elsewhere by /fdb/0"},
    {"PortSaysElse", R"({"vsid": 5001, "ca": "198.51.100.8", "mac": "02:00:00:00:00:0a", "pa": "192.0.2.3"})",
     "/records/4/mac: 02:00:00:00:00:0a is elsewhere by /fdb/1"},
}), [](const auto& info) { return info.param.what; });
// clang-format on

TEST(RecordsConfig, NeedsAVtep) {
    json document = json::parse(EXAMPLE);
    for (const char* key : {"vtep", "fdb", "neighbors"}) document.erase(key);
    document["segments"][0].erase("remotes");
    document["records"] = json::array({document["records"][0]});
    EXPECT_EQ(complaints(document.dump()), "/records/0/pa: there is no vtep to reach 192.0.2.3 from");
}

// A hundred thousand are what one host is told of a large tenant: quadratic work would take minutes.
TEST(RecordsConfig, AreReadByTheHundredThousandInSeconds) {
    json document = json::parse(EXAMPLE);
    for (std::uint32_t i = 0; i < 100'000; ++i) {
        const Ip ca = Ip::v4(0xcb007100u + (5u << 24) + i);
        const Mac mac{{2, 1, 0, static_cast<std::uint8_t>(i >> 16), static_cast<std::uint8_t>(i >> 8),
                       static_cast<std::uint8_t>(i)}};
        document["records"].push_back({{"vsid", 5001},
                                       {"ca", ca.text()},
                                       {"mac", mac.text()},
                                       {"pa", "192.0.2." + std::to_string(20 + i % 200)}});
    }
    const std::string text = document.dump();
    const auto begin = std::chrono::steady_clock::now();
    const Parsed parsed = parse_config(text, "");
    EXPECT_EQ(weft::text(parsed.complaints), "");
    EXPECT_EQ(parsed.document.records.size(), 100'004u);
    EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(20));
}

TEST(RecordsConfig, AreOfTheNvgreSegmentWhereANumberIsThatOfTwo) {
    Document document;
    Segment vxlan, nvgre;
    vxlan.name = "v";
    nvgre.name = "n";
    vxlan.vni = nvgre.vni = 5001;
    nvgre.encapsulation = Encapsulation::Nvgre;
    for (const auto& segments : {std::vector{vxlan, nvgre}, std::vector{nvgre, vxlan}}) {
        document.segments = segments;
        EXPECT_EQ(segments_by_vsid(document).at(5001)->name, "n");
    }
}

}  // namespace
}  // namespace weft

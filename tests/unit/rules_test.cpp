// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Lists of rules: the prefixes that a port range is made up of, shapes and keys, and the rows that the kernel holds,
// which a daemon finds again, replaces and takes away.
#include <arpa/inet.h>
#include <gtest/gtest.h>

#include <set>

#include "lib/test_tables.hpp"
#include "rule_keys.hpp"
#include "rule_lists.hpp"

namespace weft {
namespace {

Prefix prefix(const char* text) { return *Prefix::parse(text); }

RuleLine line(std::uint32_t rank, FlowMatch match, std::uint16_t action = RULE_ALLOW, std::uint16_t flags = 0) {
    return {rank, std::move(match), action, flags, 0};
}

FlowMatch tcp_to(std::uint16_t first, std::uint16_t last) {
    FlowMatch out;
    out.protocol = 6;
    out.destination_ports = PortRange{first, last};
    return out;
}

FlowMatch from(const char* text) {
    FlowMatch out;
    out.source = prefix(text);
    return out;
}

// --- port ranges

TEST(Prefixes, HoldExactlyThePortsOfTheRange) {
    for (const PortRange range : {PortRange{0, 65535}, PortRange{80, 89}, PortRange{443, 443}, PortRange{1, 65534},
                                  PortRange{1024, 65535}, PortRange{65535, 65535}, PortRange{0, 0}}) {
        std::set<std::uint32_t> held;
        for (const PortPrefix& one : prefixes_of(range))
            for (std::uint32_t port = one.port; port < one.port + (1u << (16 - one.bits)); ++port)
                EXPECT_TRUE(held.insert(port).second) << port << " twice";
        EXPECT_EQ(held.size(), std::size_t{range.last} - range.first + 1);
        EXPECT_EQ(*held.begin(), range.first);
        EXPECT_EQ(*held.rbegin(), range.last);
    }
}

TEST(Prefixes, AreTheFewest) {
    EXPECT_EQ(prefixes_of({0, 65535}), (std::vector<PortPrefix>{{0, 0}}));
    EXPECT_EQ(prefixes_of({80, 89}), (std::vector<PortPrefix>{{80, 13}, {88, 15}}));
    EXPECT_EQ(prefixes_of({1024, 65535}).size(), 6u);
    EXPECT_EQ(prefixes_of({1, 65534}).size(), 30u);
}

// --- shapes and keys

TEST(RuleKeys, RulesThatLookAtTheSameBitsShareAShape) {
    std::vector<RuleLine> lines;
    for (std::uint32_t i = 0; i < 100; ++i)
        lines.push_back(line(i, from(("198.51.100." + std::to_string(i) + "/32").c_str())));
    const RuleKeys out = keys_of(lines);
    EXPECT_EQ(out.shapes.size(), 1u);
    EXPECT_EQ(out.keys.size(), 100u);
    EXPECT_EQ(out.shapes[0].source_bits, 128);
    EXPECT_EQ(out.shapes[0].family, 4);
}

TEST(RuleKeys, ShapesComeByTheirBestRank) {
    const RuleKeys out = keys_of({line(30, from("0.0.0.0/0")), line(10, from("198.51.100.0/24")),
                                  line(20, from("2001:db8::/32")), line(5, tcp_to(80, 80))});
    ASSERT_EQ(out.shapes.size(), 4u);
    EXPECT_EQ(out.shapes[0].best_rank, 5u);
    EXPECT_EQ(out.shapes[0].flags, SHAPE_PROTOCOL | SHAPE_PORTS);
    EXPECT_EQ(out.shapes[0].family, 0) << "either";
    EXPECT_EQ(out.shapes[1].source_bits, 96 + 24);
    EXPECT_EQ(out.shapes[2].source_bits, 32);
    EXPECT_EQ(out.shapes[2].family, 6);
    EXPECT_EQ(out.shapes[3].source_bits, 96) << "any IPv4 address";
    for (const auto& [key, index] : out.keys) EXPECT_EQ(key.family, out.shapes[key.shape].family);
}

TEST(RuleKeys, WhatTwoRulesMatchIsThatOfTheLowerRank) {
    const RuleKeys out = keys_of({line(20, tcp_to(80, 95)), line(10, tcp_to(80, 87), RULE_DENY)});
    ASSERT_EQ(out.shapes.size(), 2u) << "80-95 is one prefix of 12 bits, 80-87 one of 13";
    const RuleKeys same = keys_of({line(20, tcp_to(80, 87)), line(10, tcp_to(80, 87), RULE_DENY)});
    ASSERT_EQ(same.keys.size(), 1u);
    EXPECT_EQ(same.keys.begin()->second, 1u);
    EXPECT_EQ(ntohs(same.keys.begin()->first.destination_port), 80);
}

TEST(RuleKeys, SayWhyThereAreTooMany) {
    std::vector<RuleLine> shapes;
    for (std::uint32_t length = 1; length <= 128; ++length)
        shapes.push_back(line(length, from(("8000::/" + std::to_string(length)).c_str())));
    EXPECT_EQ(keys_of(shapes).too_much, "");
    shapes.push_back(line(200, from("198.51.100.0/24")));
    EXPECT_NE(keys_of(shapes).too_much.find("129 different ways"), std::string::npos) << keys_of(shapes).too_much;
    std::vector<RuleLine> keys;
    for (std::uint32_t i = 0; i < 300; ++i) {
        FlowMatch match = tcp_to(1, 65534);
        match.source_ports = PortRange{1, 65534};
        keys.push_back(line(i, match));
    }
    EXPECT_NE(keys_of(keys).too_much, "") << "900 pairs of prefixes each";
}

TEST(Overlap, IsWhatAPacketCanMatchBothOf) {
    EXPECT_TRUE(overlap(from("198.51.100.0/24"), from("198.51.100.7/32")));
    EXPECT_FALSE(overlap(from("198.51.100.0/24"), from("203.0.113.0/24")));
    EXPECT_FALSE(overlap(from("198.51.100.0/24"), from("2001:db8::/32")));
    EXPECT_TRUE(overlap(tcp_to(80, 89), tcp_to(89, 99)));
    EXPECT_FALSE(overlap(tcp_to(80, 89), tcp_to(90, 99)));
    EXPECT_TRUE(overlap(from("198.51.100.0/24"), tcp_to(1, 2)));
    FlowMatch udp;
    udp.protocol = 17;
    EXPECT_FALSE(overlap(udp, tcp_to(1, 2)));
    FlowMatch to6;
    to6.destination = prefix("2001:db8::/32");
    EXPECT_FALSE(overlap(to6, from("198.51.100.0/24"))) << "no packet has both";
}

// --- rows

class RuleRows : public testing::Test {
protected:
    void SetUp() override {
        auto tables = test::make_tables(64);
        if (!tables && tables.error().code == EPERM) GTEST_SKIP() << "needs CAP_BPF to create maps";
        ASSERT_TRUE(tables) << tables.error().what;
        tables_.emplace(std::move(*tables));
        start();
    }
    void start() {
        lists_.emplace(*tables_);
        ASSERT_TRUE(lists_->adopt());
    }
    // One pass of what is wanted; none is not.
    std::uint16_t pass(const char* name, const std::vector<RuleLine>& lines, bool allow = false) {
        lists_->begin();
        const std::uint16_t row = name ? lists_->want(name, lines, allow, problems_) : 0;
        lists_->sweep();
        return row;
    }
    rule_list head(std::uint16_t row) { return *tables_->rule_lists.find(row).value(); }
    std::size_t keys_of_row(std::uint16_t row) {
        std::size_t out = 0;
        const auto rows = tables_->rules.rows();
        for (const auto& [key, value] : *rows) out += key.list == row;
        return out;
    }
    void decide(std::uint16_t row, std::uint64_t packets) {  // as the programs count
        const auto rows = tables_->rules.rows();
        for (const auto& [key, value] : *rows) {
            if (key.list != row) continue;
            std::vector<tally> per_cpu(static_cast<std::size_t>(detail::possible_cpus()));
            per_cpu[0] = {packets, packets * 60};
            ASSERT_EQ(bpf_map_update_elem(tables_->rule_counters.fd(), &value.counter, per_cpu.data(), BPF_ANY), 0);
        }
    }

    std::optional<Tables> tables_;
    std::optional<RuleLists> lists_;
    Problems problems_;
};

const std::vector<RuleLine> WEB = {line(10, tcp_to(80, 80)), line(20, tcp_to(443, 443), RULE_ALLOW, RULE_STATEFUL)};

TEST_F(RuleRows, AListIsItsHeadItsShapesAndItsKeys) {
    const std::uint16_t row = pass("web", WEB);
    ASSERT_NE(row, 0);
    EXPECT_EQ(head(row).flags, RULES_IN_USE | RULES_STATEFUL);
    EXPECT_EQ(head(row).shapes, 1);
    EXPECT_EQ(head(row).shape[0].best_rank, 10u);
    EXPECT_EQ(keys_of_row(row), 2u);
    EXPECT_EQ(pass("web", {}), 0) << "no rules, no list";
    EXPECT_EQ(problems_.reasons, std::vector<std::string>{});
}

TEST_F(RuleRows, WhatIsThereIsNotWrittenAgainNorByTheNextDaemon) {
    const std::uint16_t row = pass("web", WEB, true);
    EXPECT_EQ(head(row).flags & RULES_ALLOW, RULES_ALLOW);
    const std::uint64_t before = lists_->writes();
    EXPECT_EQ(pass("web", WEB, true), row);
    EXPECT_EQ(lists_->writes(), before);
    decide(row, 7);
    start();
    EXPECT_EQ(pass("web", WEB, true), row);
    EXPECT_EQ(lists_->writes(), 0u);
    const auto seen = lists_->counters("web", 2);
    ASSERT_TRUE(seen);
    EXPECT_EQ((*seen)[1].packets, 7u);
}

TEST_F(RuleRows, AChangedListIsAnotherRowAndTheOldOneGoesLater) {
    const std::uint16_t row = pass("web", WEB);
    decide(row, 7);
    std::vector<RuleLine> more = WEB;
    more.push_back(line(30, tcp_to(22, 22), RULE_DENY));
    more[0].rank = 11;
    const std::uint16_t next = pass("web", more);
    EXPECT_NE(next, row);
    EXPECT_EQ(keys_of_row(next), 3u);
    EXPECT_EQ(keys_of_row(row), 2u) << "packets may still be looking at it";
    const auto seen = lists_->counters("web", 3);
    ASSERT_TRUE(seen);
    EXPECT_EQ((*seen)[0].packets, 7u) << "another rank, the same rule";
    EXPECT_EQ((*seen)[2].packets, 0u);
    EXPECT_EQ(pass("web", WEB), row) << "it was still there";
}

TEST_F(RuleRows, ThereIsRoomForWhatReplacesAListOnceTheOldOneIsGone) {
    std::vector<RuleLine> many;
    for (std::uint16_t i = 0; i < 40; ++i) many.push_back(line(i, tcp_to(i, i)));
    const std::uint16_t row = pass("web", many);
    ASSERT_NE(row, 0);
    std::vector<RuleLine> other = many;
    other[0].action = RULE_DENY;
    EXPECT_EQ(pass("web", other), row) << "64 keys have no room for both: the old one stays";
    ASSERT_EQ(problems_.reasons.size(), 1u);
    EXPECT_NE(problems_.reasons[0].find("there is room for 24 more keys"), std::string::npos) << problems_.reasons[0];
    problems_.reasons.clear();
    pass(nullptr, {});
    EXPECT_NE(pass("web", other), 0) << "an unused list makes room at once";
    EXPECT_EQ(problems_.reasons, std::vector<std::string>{});
    EXPECT_EQ(keys_of_row(row) + keys_of_row(2), 40u);
}

TEST_F(RuleRows, ARowThatConnectionsRememberIsForgottenByThemBeforeItIsAnothers) {
    flow_key key{};
    key.at = 7;
    flow one{};
    one.list = 1;
    ASSERT_TRUE(tables_->flows.put(key, one));
    EXPECT_EQ(pass("web", WEB), 1);
    EXPECT_EQ(tables_->flows.rows()->size(), 0u);
    ASSERT_TRUE(tables_->flows.put(key, one));
    start();
    EXPECT_EQ(pass("web", WEB), 1);
    EXPECT_EQ(tables_->flows.rows()->size(), 1u) << "of a list that is still there";
}

TEST_F(RuleRows, KeysOfAListThatADaemonDidNotFinishGo) {
    rule_key key{};
    key.list = 9;
    ASSERT_TRUE(tables_->rules.put(key, rule{1, RULE_ALLOW, 0, 1, 0}));
    start();
    EXPECT_EQ(tables_->rules.rows()->size(), 0u);
}

}  // namespace
}  // namespace weft

// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Access rules for the rig's ports and segments, given as in the document and written as the daemon writes them.
#pragma once

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>

#include "bpf/bench.hpp"
#include "config.hpp"
#include "rule_lists.hpp"

namespace weft::test {

inline Acl acl_of(const char* rules, bool allow = false) {
    const nlohmann::json object = {
        {"name", "test"}, {"default", allow ? "allow" : "deny"}, {"rules", nlohmann::json::parse(rules)}};
    Parsed parsed = parse_object("acls", object, ORIGIN_CONFIG);
    EXPECT_EQ(text(parsed.complaints), "");
    return parsed.document.acls.front();
}

class Guard {
public:
    explicit Guard(Rig& rig) : rig_(rig), lists_(rig.tables()) {}

    void port(const Link& port, const Acl& acl) {
        put(port.ifindex, acl);
        guard(port);
    }
    // Its ports at p1 and p2.
    void segment(const Acl& acl) {
        put(ACL_SEGMENT | 1, acl);
        guard(rig_.p1);
        guard(rig_.p2);
    }
    ::acl row(std::uint32_t key) { return rig_.tables().acls.find(key).value().value(); }
    // What the rules of a direction decided.
    std::vector<std::uint64_t> counted(const std::string& list, std::size_t rules) {
        std::vector<std::uint64_t> out;
        const auto seen = lists_.counters(list, rules);
        EXPECT_TRUE(seen);
        for (const tally& one : *seen) out.push_back(one.packets);
        return out;
    }
    RuleLists& lists() { return lists_; }

private:
    void put(std::uint32_t key, const Acl& acl) {
        Problems problems;
        const auto row = [&](RuleDirection direction) {
            return lists_.want(std::to_string(key) + name(direction), lines_of(acl, direction), acl.default_allow,
                               problems);
        };
        const ::acl value{row(RuleDirection::FromPort), row(RuleDirection::ToPort)};
        EXPECT_EQ(problems.reasons, std::vector<std::string>{});
        ASSERT_TRUE(rig_.tables().acls.put(key, value));
    }
    void guard(const Link& port) {
        device row = rig_.tables().devices.find(port.ifindex).value().value();
        row.flags |= DEVICE_RULES;
        rig_.set_flags(SEGMENT_LEARNING | SEGMENT_RULES);
        ASSERT_TRUE(rig_.tables().devices.put(port.ifindex, row));
    }

    Rig& rig_;
    RuleLists lists_;
};

}  // namespace weft::test

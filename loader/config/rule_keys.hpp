// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// A list of rules as the programs look it up (maps/abi_rules.h): the shapes it has, and a key for each rule and for
// each prefix that its port ranges are made up of. No kernel here; `config check` counts by it, the daemon writes it.
#pragma once

#include <cstdint>
#include <cstring>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "abi.h"
#include "model.hpp"

namespace weft {

// One rule as a list has it. The lowest rank that matches wins, so each is one rule's only.
struct RuleLine {
    std::uint32_t rank = 0;
    FlowMatch match;
    std::uint16_t action = 0;  // RULE_*
    std::uint16_t flags = 0;   // RULE_STATEFUL
    std::uint32_t target = 0;
    bool operator==(const RuleLine&) const = default;
};

struct PortPrefix {
    std::uint16_t port = 0;  // host order, zero behind the prefix
    std::uint8_t bits = 0;
    bool operator==(const PortPrefix&) const = default;
};
// The fewest that make up the range.
std::vector<PortPrefix> prefixes_of(const PortRange& ports);

struct RuleKeyLess {
    bool operator()(const rule_key& a, const rule_key& b) const { return std::memcmp(&a, &b, sizeof a) < 0; }
};

struct RuleKeys {
    std::vector<rule_shape> shapes;                     // the best rank first
    std::map<rule_key, std::size_t, RuleKeyLess> keys;  // list is 0; which of the lines
    std::string too_much;                               // why there is no such list; else empty
};
// A rule that never is the first to match has no key.
RuleKeys keys_of(const std::vector<RuleLine>& lines);

std::vector<RuleLine> lines_of(const Acl& acl, RuleDirection direction);
std::uint32_t rank_of(std::uint16_t priority, std::size_t place);

// Whether a packet can match both.
bool overlap(const FlowMatch& a, const FlowMatch& b);

}  // namespace weft

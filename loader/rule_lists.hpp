// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Lists of rules in the kernel (`rule_lists`, `rules`, `rule_counters`). A list is written whole under a free row,
// whoever uses it is switched to that row with one write, and the old row goes two seconds later, when no packet can be
// looking at it. What the kernel holds already is not written again: a list that has not changed keeps its row over a
// restart. Counters stay with their rule as long as it stays what it is.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "problems.hpp"
#include "result.hpp"
#include "rule_keys.hpp"
#include "tables.hpp"

namespace weft {

class RuleLists {
public:
    explicit RuleLists(Tables& tables) : tables_(&tables) {}

    Result<> adopt();
    // Nothing is wanted until it is asked for again.
    void begin();
    // The row of the list of that name, 0 for one without rules. If it cannot be written the old row, if there is one,
    // stays in use.
    std::uint16_t want(const std::string& name, const std::vector<RuleLine>& lines, bool default_allow,
                       Problems& problems);
    // The rule of that priority as the kernel holds it now. Call before want().
    std::optional<rule> held(const std::string& name, std::uint16_t priority) const;
    // What is not wanted any more is on its way out. Call when nobody names it.
    void sweep();
    // Takes away what has been on its way for two seconds. Call now and then.
    void tidy(Problems& problems);

    // What each of the lines of a list that is wanted decided.
    Result<std::vector<tally>> counters(const std::string& name, std::size_t lines) const;
    std::uint64_t writes() const { return writes_; }

private:
    using Keys = std::map<rule_key, rule, RuleKeyLess>;
    using Clock = std::chrono::steady_clock;
    struct Row {
        rule_list head{};
        Keys keys;  // as the kernel holds them
        bool wanted = false;
        bool leaving = false;
        Clock::time_point since{};  // leaving
    };
    struct Named {
        std::uint16_t row = 0;
        bool default_allow = false;
        std::vector<RuleLine> lines;          // of the row
        std::vector<std::uint32_t> counters;  // of each line, 0: it never is the first to match
    };

    bool fits(const Row& row, const rule_list& head, const RuleKeys& keys, const std::vector<RuleLine>& lines) const;
    std::uint16_t find(const rule_list& head, const RuleKeys& keys, const std::vector<RuleLine>& lines) const;
    std::uint16_t row_before(const std::string& name) const;
    Result<std::uint16_t> free_row();
    Result<std::uint32_t> free_counter(const std::set<std::uint32_t>& taken, std::uint32_t& from);
    Result<std::vector<std::uint32_t>> counters_for(const Row* before, const RuleKeys& keys,
                                                    const std::vector<RuleLine>& lines);
    Result<std::uint16_t> write(const std::string& name, const rule_list& head, const RuleKeys& keys,
                                const std::vector<RuleLine>& lines);
    Result<> erase(std::uint16_t number, Row& row);
    Result<> make_room(std::size_t keys);
    Result<> forget_flows();

    Tables* tables_;
    std::map<std::uint16_t, Row> rows_;
    std::map<std::string, Named> named_;
    std::set<std::uint16_t> clean_;  // free rows that no connection remembers
    std::size_t keys_ = 0;           // of all rows
    std::uint64_t writes_ = 0;
};

}  // namespace weft

// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include "rule_lists.hpp"

#include <algorithm>
#include <cstring>

#include "name_hash.hpp"

namespace weft {

namespace {

constexpr auto REST = std::chrono::seconds(2);  // far longer than a packet is inside a program

rule_list head_of(const std::string& name, const RuleKeys& keys, const std::vector<RuleLine>& lines, bool allow) {
    rule_list out{};
    out.name_hash = name_hash(name);
    out.flags = RULES_IN_USE;
    if (allow) out.flags |= RULES_ALLOW;
    if (std::ranges::any_of(lines, [](const RuleLine& line) { return line.flags & RULE_STATEFUL; }))
        out.flags |= RULES_STATEFUL;
    out.shapes = static_cast<__u16>(keys.shapes.size());
    std::ranges::copy(keys.shapes, std::begin(out.shape));
    return out;
}

bool same(const rule_list& a, const rule_list& b) { return std::memcmp(&a, &b, sizeof a) == 0; }

bool says(const rule& row, const RuleLine& line) {
    return row.rank == line.rank && row.action == line.action && row.flags == line.flags && row.target == line.target;
}

// What a rule matches and does, wherever it stands: the same in an old list and in a new one.
struct Identity {
    rule_shape shape{};
    rule_key key{};
    std::uint32_t does = 0;
    bool operator<(const Identity& other) const { return std::memcmp(this, &other, sizeof *this) < 0; }
};
static_assert(std::has_unique_object_representations_v<Identity>);

Identity identity_of(const rule_key& key, const rule_shape& shape, std::uint16_t action, std::uint16_t flags) {
    Identity out{shape, key, std::uint32_t{action} << 16 | flags};
    out.shape.best_rank = 0;
    out.key.list = 0;
    out.key.shape = 0;
    return out;
}

}  // namespace

Result<> RuleLists::adopt() {
    for (std::uint32_t number = 1; number < tables_->rule_lists.max_entries(); ++number) {
        TRY(const auto found, tables_->rule_lists.find(number));
        if (found && found->flags & RULES_IN_USE) rows_[static_cast<std::uint16_t>(number)].head = *found;
    }
    TRY(const auto keys, tables_->rules.rows());
    for (const auto& [key, value] : keys) {
        const auto row = rows_.find(key.list);
        if (row == rows_.end()) {  // of a list that a daemon did not finish
            TRY_OK(tables_->rules.erase(key));
            continue;
        }
        row->second.keys.emplace(key, value);
        ++keys_;
    }
    return Ok{};
}

void RuleLists::begin() {
    for (auto& [number, row] : rows_) row.wanted = false;
}

// --- lists

bool RuleLists::fits(const Row& row, const rule_list& head, const RuleKeys& keys,
                     const std::vector<RuleLine>& lines) const {
    if (!same(row.head, head) || row.keys.size() != keys.keys.size()) return false;
    return std::ranges::all_of(row.keys, [&](const auto& one) {
        rule_key key = one.first;
        key.list = 0;
        const auto at = keys.keys.find(key);
        return at != keys.keys.end() && says(one.second, lines[at->second]);
    });
}

std::uint16_t RuleLists::find(const rule_list& head, const RuleKeys& keys, const std::vector<RuleLine>& lines) const {
    for (const auto& [number, row] : rows_)
        if (!row.wanted && fits(row, head, keys, lines)) return number;
    return 0;
}

// Also of the daemon before.
std::uint16_t RuleLists::row_before(const std::string& name) const {
    if (const auto known = named_.find(name); known != named_.end()) return known->second.row;
    for (const auto& [number, row] : rows_)
        if (row.head.name_hash == name_hash(name) && !row.wanted && !row.leaving) return number;
    return 0;
}

std::optional<rule> RuleLists::held(const std::string& name, std::uint16_t priority) const {
    const auto row = rows_.find(row_before(name));
    if (row == rows_.end()) return std::nullopt;
    for (const auto& [key, value] : row->second.keys)
        if (value.rank >> 16 == priority) return value;
    return std::nullopt;
}

std::uint16_t RuleLists::want(const std::string& name, const std::vector<RuleLine>& lines, bool default_allow,
                              Problems& problems) {
    if (lines.empty()) return 0;
    const std::uint16_t before = row_before(name);
    const auto known = named_.find(name);
    const auto keep = [&](std::uint16_t row) {
        rows_[row].wanted = true;
        rows_[row].leaving = false;
        return row;
    };
    if (known != named_.end() && known->second.lines == lines && known->second.default_allow == default_allow)
        return keep(before);
    const RuleKeys keys = keys_of(lines);
    const rule_list head = head_of(name, keys, lines, default_allow);
    const std::uint16_t there = find(head, keys, lines);
    const auto row = there ? Result<std::uint16_t>(there) : write(name, head, keys, lines);
    if (!problems.check(row, "rules of " + name)) return before ? keep(before) : 0;
    Named& now = named_[name] = {*row, default_allow, lines, std::vector<std::uint32_t>(lines.size())};
    for (const auto& [key, line] : keys.keys) {
        rule_key full = key;
        full.list = *row;
        now.counters[line] = rows_[*row].keys.at(full).counter;
    }
    return keep(*row);
}

// Keys first, then the row that makes a list of them.
Result<std::uint16_t> RuleLists::write(const std::string& name, const rule_list& head, const RuleKeys& keys,
                                       const std::vector<RuleLine>& lines) {
    if (!keys.too_much.empty()) return fail(E2BIG, "they " + keys.too_much);
    TRY_OK(make_room(keys.keys.size()));
    TRY(const std::uint16_t number, free_row());
    const auto before = rows_.find(row_before(name));
    TRY(const auto counters, counters_for(before == rows_.end() ? nullptr : &before->second, keys, lines));
    std::vector<rule_key> all;
    std::vector<rule> values;
    Row row{.head = head, .keys = {}};
    for (const auto& [key, line] : keys.keys) {
        all.push_back(key);
        all.back().list = number;
        values.push_back({lines[line].rank, lines[line].action, lines[line].flags, counters[line], lines[line].target});
        row.keys.emplace(all.back(), values.back());
    }
    if (auto done = tables_->rules.put_all(all, values); !done) {
        for (const rule_key& key : all) TRY_OK(tables_->rules.erase(key));
        return tl::make_unexpected(done.error());
    }
    TRY_OK(tables_->rule_lists.put(number, head));
    writes_ += all.size() + 1;
    keys_ += all.size();
    clean_.erase(number);
    rows_[number] = std::move(row);
    return number;
}

// --- room

// A row that connections remember would make them those of another list.
Result<std::uint16_t> RuleLists::free_row() {
    if (clean_.empty()) TRY_OK(forget_flows());
    if (clean_.empty()) {
        for (auto& [number, row] : rows_)
            if (row.leaving) TRY_OK(erase(number, row));
        std::erase_if(rows_, [](const auto& entry) { return entry.second.leaving; });
        TRY_OK(forget_flows());
    }
    if (clean_.empty())
        return fail(ENOSPC, "all " + std::to_string(tables_->rule_lists.max_entries() - 1) + " lists are used");
    return *clean_.begin();
}

// Connections that were let through by a list that is gone are over.
Result<> RuleLists::forget_flows() {
    std::vector<FlowTable::Row> batch;
    std::vector<flow_key> gone;
    Cursor<flow_key> cursor;
    for (bool more = true; more;) {
        TRY(more, tables_->flows.read_batch(cursor, batch));
        for (const auto& [key, value] : batch)
            if (!rows_.contains(value.list)) gone.push_back(key);
    }
    for (const flow_key& key : gone) TRY_OK(tables_->flows.erase(key));
    for (std::uint32_t number = 1; number < tables_->rule_lists.max_entries(); ++number)
        if (!rows_.contains(static_cast<std::uint16_t>(number))) clean_.insert(static_cast<std::uint16_t>(number));
    return Ok{};
}

Result<> RuleLists::make_room(std::size_t keys) {
    if (keys_ + keys <= tables_->rules.max_entries()) return Ok{};
    for (auto& [number, row] : rows_)
        if (row.leaving) TRY_OK(erase(number, row));
    std::erase_if(rows_, [](const auto& entry) { return entry.second.leaving; });
    if (keys_ + keys <= tables_->rules.max_entries()) return Ok{};
    return fail(ENOSPC, "there is room for " + std::to_string(tables_->rules.max_entries() - keys_) +
                            " more keys, it takes " + std::to_string(keys) +
                            " beside those of the list that it replaces");
}

// --- counters

Result<std::uint32_t> RuleLists::free_counter(const std::set<std::uint32_t>& taken, std::uint32_t& from) {
    const std::uint32_t all = tables_->rule_counters.max_entries();
    while (from < all && taken.contains(from)) ++from;
    if (from >= all) return fail(ENOSPC, "all " + std::to_string(all - 1) + " counters are used");
    TRY_OK(tables_->rule_counters.clear(from));
    return from++;
}

// A rule that was in the list before keeps its own.
Result<std::vector<std::uint32_t>> RuleLists::counters_for(const Row* before, const RuleKeys& keys,
                                                           const std::vector<RuleLine>& lines) {
    std::map<Identity, std::uint32_t> old;
    if (before)
        for (const auto& [key, value] : before->keys)
            old.emplace(identity_of(key, before->head.shape[key.shape], value.action, value.flags), value.counter);
    std::set<std::uint32_t> taken, given;
    for (const auto& [number, row] : rows_)
        for (const auto& [key, value] : row.keys) taken.insert(value.counter);
    std::vector<std::uint32_t> out(lines.size());
    std::vector<bool> fresh(lines.size());
    for (const auto& [key, line] : keys.keys) {
        if (out[line]) continue;
        const auto found = old.find(identity_of(key, keys.shapes[key.shape], lines[line].action, lines[line].flags));
        if (found != old.end() && given.insert(found->second).second) out[line] = found->second;
        fresh[line] = true;
    }
    std::uint32_t from = 1;
    for (std::size_t line = 0; line < lines.size(); ++line) {
        if (!fresh[line] || out[line]) continue;
        TRY(out[line], free_counter(taken, from));
    }
    return out;
}

Result<std::vector<tally>> RuleLists::counters(const std::string& name, std::size_t lines) const {
    std::vector<tally> out(lines);
    const auto known = named_.find(name);
    if (known == named_.end() || known->second.counters.size() != lines) return out;
    for (std::size_t line = 0; line < lines; ++line) {
        if (known->second.counters[line] == 0) continue;
        TRY(const auto per_cpu, tables_->rule_counters.read(known->second.counters[line]));
        for (const tally& one : per_cpu) {
            out[line].packets += one.packets;
            out[line].bytes += one.bytes;
        }
    }
    return out;
}

// --- away

void RuleLists::sweep() {
    for (auto& [number, row] : rows_) {
        if (row.wanted || row.leaving) continue;
        row.leaving = true;
        row.since = Clock::now();
    }
    std::erase_if(named_, [&](const auto& entry) {
        const auto row = rows_.find(entry.second.row);
        return row == rows_.end() || !row->second.wanted;
    });
}

Result<> RuleLists::erase(std::uint16_t number, Row& row) {
    TRY_OK(tables_->rule_lists.put(number, rule_list{}));
    for (const auto& [key, value] : row.keys) TRY_OK(tables_->rules.erase(key));
    keys_ -= row.keys.size();
    writes_ += row.keys.size() + 1;
    row.keys.clear();
    return Ok{};
}

void RuleLists::tidy(Problems& problems) {
    for (auto at = rows_.begin(); at != rows_.end();) {
        auto& [number, row] = *at;
        const bool due = row.leaving && Clock::now() - row.since >= REST;
        at = due && problems.check(erase(number, row), "sweep rules") ? rows_.erase(at) : std::next(at);
    }
}

}  // namespace weft

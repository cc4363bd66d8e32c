// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include "paths.hpp"

#include <algorithm>

namespace weft {

namespace {

path_group row_of(const Shares& shares) {
    path_group out{};
    std::copy(shares.begin(), shares.end(), std::begin(out.paths));
    return out;
}

// How many shares each path is to have. One more than the others is for those that have most already, so that none of
// them moves without need.
std::map<std::uint32_t, std::size_t> quotas(const Shares& before, const std::vector<std::uint32_t>& paths) {
    std::vector<std::uint32_t> order = paths;
    const auto has = [&](std::uint32_t path) { return std::count(before.begin(), before.end(), path); };
    std::stable_sort(order.begin(), order.end(), [&](auto a, auto b) { return has(a) > has(b); });
    std::map<std::uint32_t, std::size_t> out;
    for (std::size_t i = 0; i < order.size(); ++i)
        out[order[i]] = PATH_SLOTS / order.size() + (i < PATH_SLOTS % order.size() ? 1 : 0);
    return out;
}

}  // namespace

Shares share_out(const Shares& before, const std::vector<std::uint32_t>& paths) {
    Shares out{};
    if (paths.empty()) return out;
    auto left = quotas(before, paths);
    for (std::size_t slot = 0; slot < PATH_SLOTS; ++slot) {
        const auto found = left.find(before[slot]);
        if (found == left.end() || found->second == 0) continue;
        out[slot] = before[slot];
        --found->second;
    }
    std::size_t next = 0;
    for (std::uint32_t& share : out) {
        if (share != 0) continue;
        while (left[paths[next % paths.size()]] == 0) ++next;
        share = paths[next++ % paths.size()];
        --left[share];
    }
    return out;
}

Result<> Paths::adopt() {
    TRY(const auto paths, tables_->paths.rows());
    for (const auto& [row, value] : paths) {
        if (row == 0 || value.segment == 0) continue;
        paths_[row].value = {value.segment, Ip::of(value.via)};
        by_hop_[paths_[row].value] = row;
    }
    TRY(const auto groups, tables_->path_groups.rows());
    for (const auto& [row, value] : groups) {
        Shares shares;
        std::copy(std::begin(value.paths), std::end(value.paths), shares.begin());
        if (row == 0 || shares == Shares{}) continue;
        groups_[row].value = shares;
        by_shares_[shares] = row;
    }
    return Ok{};
}

void Paths::begin() {
    free_path_ = free_group_ = 1;
    for (auto& [row, known] : paths_) known.wanted = false;
    for (auto& [row, known] : groups_) known.wanted = false;
}

// From `from` on, for none becomes free between two sweeps.
template <typename Rows>
Result<std::uint32_t> Paths::free_row(const Rows& rows, std::uint32_t& from, std::uint32_t count, const char* what) {
    for (; from < count; ++from)
        if (!rows.contains(from)) return from;
    return fail(ENOSPC, "all " + std::to_string(count - 1) + " " + what + " are used");
}

Result<std::uint32_t> Paths::path(const Hop& hop) {
    if (const auto known = by_hop_.find(hop); known != by_hop_.end()) {
        paths_[known->second].wanted = true;
        return known->second;
    }
    TRY(const std::uint32_t row, free_row(paths_, free_path_, tables_->paths.max_entries(), "next hops of routes"));
    ::path value{};
    value.via = hop.via.raw();
    value.segment = hop.segment;
    TRY_OK(tables_->paths.put(row, value));
    ++writes_;
    paths_[row] = {hop, true};
    by_hop_[hop] = row;
    return row;
}

Result<std::uint32_t> Paths::group(const Shares& before, const std::vector<std::uint32_t>& paths) {
    const Shares shares = share_out(before, paths);
    if (const auto known = by_shares_.find(shares); known != by_shares_.end()) {
        groups_[known->second].wanted = true;
        return known->second;
    }
    TRY(const std::uint32_t row,
        free_row(groups_, free_group_, tables_->path_groups.max_entries(), "groups of next hops"));
    TRY_OK(tables_->path_groups.put(row, row_of(shares)));
    ++writes_;
    groups_[row] = {shares, true};
    by_shares_[shares] = row;
    return row;
}

Shares Paths::shares_of(const route& row) const {
    Shares out{};
    if (row.kind == ROUTE_PATH) out.fill(row.target);
    if (row.kind != ROUTE_GROUP) return out;
    const auto known = groups_.find(row.target);
    return known == groups_.end() ? out : known->second.value;
}

void Paths::sweep(Problems& problems) {
    std::erase_if(groups_, [&](const auto& entry) {
        const auto& [row, known] = entry;
        if (known.wanted || !problems.check(tables_->path_groups.put(row, path_group{}), "sweep next hops"))
            return false;
        ++writes_;
        if (by_shares_[known.value] == row) by_shares_.erase(known.value);
        return true;
    });
    std::erase_if(paths_, [&](const auto& entry) {
        const auto& [row, known] = entry;
        if (known.wanted || !problems.check(tables_->paths.put(row, ::path{}), "sweep next hops")) return false;
        ++writes_;
        if (by_hop_[known.value] == row) by_hop_.erase(known.value);
        return true;
    });
}

}  // namespace weft

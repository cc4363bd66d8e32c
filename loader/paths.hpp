// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Next hops of routes, and how flows are shared among several (`paths`, `path_groups`). Each share of flows has a path;
// when one of n paths goes, only its shares move, and one that comes takes its part evenly from the others. A group is
// known by its shares, so routes with the same ones have one, a change is a new group that the route is switched to,
// and the next daemon goes on from what it finds in the pinned rows.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "net.hpp"
#include "problems.hpp"
#include "result.hpp"
#include "tables.hpp"

namespace weft {

using Shares = std::array<std::uint32_t, PATH_SLOTS>;  // the path of each; 0: none

// The shares of `before` that have a path in `paths` keep it as far as the new split allows: as even as it can be.
Shares share_out(const Shares& before, const std::vector<std::uint32_t>& paths);

struct Hop {
    std::uint16_t segment = 0;
    Ip via;
    auto operator<=>(const Hop&) const = default;
};

class Paths {
public:
    explicit Paths(Tables& tables) : tables_(&tables) {}

    Result<> adopt();
    // Nothing is wanted until it is asked for again.
    void begin();
    // The row of a next hop.
    Result<std::uint32_t> path(const Hop& hop);
    // The row of a group over paths, of a route whose flows were shared so before (all 0: it is new).
    Result<std::uint32_t> group(const Shares& before, const std::vector<std::uint32_t>& paths);
    // How the flows of a route are shared now.
    Shares shares_of(const route& row) const;
    // Takes away what was not asked for. Call when no route names it any more.
    void sweep(Problems& problems);

    std::uint64_t writes() const { return writes_; }

private:
    template <typename Value>
    struct Row {
        Value value{};  // as the kernel holds it
        bool wanted = false;
    };
    template <typename Rows>
    static Result<std::uint32_t> free_row(const Rows& rows, std::uint32_t& from, std::uint32_t count, const char* what);

    Tables* tables_;
    std::map<std::uint32_t, Row<Hop>> paths_;
    std::map<Hop, std::uint32_t> by_hop_;
    std::map<std::uint32_t, Row<Shares>> groups_;
    std::map<Shares, std::uint32_t> by_shares_;
    std::uint32_t free_path_ = 1, free_group_ = 1;  // no row before it is free
    std::uint64_t writes_ = 0;
};

}  // namespace weft

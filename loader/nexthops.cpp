// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// The next-hop table: ids, rows, and when a row is written. The header's bytes are in nexthop_header.cpp.
#include "nexthops.hpp"

#include <linux/if_ether.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>

#include <cstddef>
#include <cstring>

namespace weft {

namespace {

bool same(const nexthop& a, const nexthop& b) { return std::memcmp(&a, &b, sizeof a) == 0; }

// A row's remote is the destination address of its header.
Ip remote_of(const nexthop& row) {
    Ip ip = Ip::v4(0);
    if (row.flags & NEXTHOP_IPV6)
        std::memcpy(ip.bytes.data(), row.header + ETH_HLEN + offsetof(ip6_hdr, ip6_dst), 16);
    else
        std::memcpy(ip.bytes.data() + 12, row.header + ETH_HLEN + offsetof(iphdr, daddr), 4);
    return ip;
}

}  // namespace

Result<NextHops> NextHops::open(Tables& tables, const Links& links, XdpTx xdp_tx) {
    TRY(auto underlay, Underlay::open(links, std::move(xdp_tx)));
    NextHops out(tables, std::move(underlay));
    TRY_OK(out.adopt());
    return out;
}

// What the table holds stays in force, untouched, until set_vtep() makes it anew.
Result<> NextHops::adopt() {
    TRY(auto rows, tables_->nexthops.rows());
    for (const auto& [id, row] : rows) {
        if (id == 0 || !(row.flags & NEXTHOP_IN_USE)) continue;
        const Ip remote = remote_of(row);
        const bool resolved = row.flags & NEXTHOP_RESOLVED;
        rows_.emplace(id, Row{{id, remote, row.vni, {}, resolved ? "resolved" : "resolving"}, row});
        ids_.try_emplace({remote, row.vni}, id);
        last_id_ = id;
    }
    return Ok{};
}

Result<> NextHops::set_vtep(const Vtep& vtep) {
    vtep_ = vtep;
    underlay_.set_source(vtep.address);
    for (const auto& [key, id] : ids_) TRY_OK(underlay_.add(key.first));
    return refresh();
}

// Rotating, so that a freed id rests as long as can be before it names another remote.
std::optional<std::uint32_t> NextHops::free_id() {
    const auto max = tables_->nexthops.max_entries();
    for (std::uint32_t tried = 1; tried < max; ++tried) {
        last_id_ = last_id_ + 1 < max ? last_id_ + 1 : 1;
        if (!rows_.contains(last_id_)) return last_id_;
    }
    return std::nullopt;
}

Result<std::uint32_t> NextHops::acquire(const Ip& remote, std::uint32_t network) {
    if (auto id = find(remote, network)) return *id;
    const auto id = free_id();
    if (!id)
        return fail(ENOSPC, "next hop for " + remote.text() + ": all " +
                                std::to_string(tables_->nexthops.max_entries() - 1) + " are in use");
    TRY_OK(underlay_.add(remote));
    Row row{{*id, remote, network, {}, {}}, {}};
    TRY_OK(update_row(row));
    rows_.emplace(*id, std::move(row));
    ids_[{remote, network}] = *id;
    return *id;
}

std::optional<std::uint32_t> NextHops::find(const Ip& remote, std::uint32_t network) const {
    const auto at = ids_.find({remote, network});
    if (at == ids_.end()) return std::nullopt;
    return at->second;
}

const NextHopInfo* NextHops::info(std::uint32_t id) const {
    const auto at = rows_.find(id);
    return at == rows_.end() ? nullptr : &at->second.info;
}

std::vector<NextHopInfo> NextHops::all() const {
    std::vector<NextHopInfo> out;
    for (const auto& [id, row] : rows_) out.push_back(row.info);
    return out;
}

Result<> NextHops::sweep(const std::set<std::uint32_t>& used) {
    for (auto at = rows_.begin(); at != rows_.end();) {
        if (used.contains(at->first)) {
            ++at;
            continue;
        }
        const auto [id, remote, network] = std::tuple(at->first, at->second.info.remote, at->second.info.network);
        TRY_OK(tables_->nexthops.put(id, {}));
        at = rows_.erase(at);
        if (find(remote, network) == id) ids_.erase({remote, network});
        const auto next = ids_.lower_bound({remote, 0});
        if (next == ids_.end() || next->first.first != remote) underlay_.drop(remote);
    }
    if (strays_released_) return Ok{};
    strays_released_ = true;
    return underlay_.release_strays();
}

void NextHops::want(std::uint32_t id) {
    const auto* hop = info(id);
    if (!hop || hop->path.resolved) return;
    underlay_.ask(hop->remote);
    (void)update(hop->remote);  // a table that cannot be written shows at the next refresh, which reports
}

Result<> NextHops::update_row(Row& row) {
    auto [path, state] = underlay_.view(row.info.remote);
    row.info.path = path;
    row.info.state = std::move(state);
    const nexthop made = make_nexthop(vtep_, row.info.remote, row.info.network, path);
    if (same(made, row.written)) return Ok{};
    TRY_OK(tables_->nexthops.put(row.info.id, made));
    row.written = made;
    return Ok{};
}

Result<> NextHops::update(const Ip& remote) {
    for (auto at = ids_.lower_bound({remote, 0}); at != ids_.end() && at->first.first == remote; ++at)
        TRY_OK(update_row(rows_.at(at->second)));
    return Ok{};
}

Result<> NextHops::receive() {
    TRY(auto changed, underlay_.receive());
    for (const auto& remote : changed) TRY_OK(update(remote));
    return Ok{};
}

Result<> NextHops::refresh() {
    TRY(auto changed, underlay_.refresh());
    for (const auto& remote : changed) TRY_OK(update(remote));
    return Ok{};
}

}  // namespace weft

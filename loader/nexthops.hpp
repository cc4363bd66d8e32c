// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Next-hop objects: one (remote VTEP, VNI or VSID) with its finished outer header, kept right from the underlay's
// routes and neighbors. FDB entries, flood lists and the remotes table name them by id; a path change is one write per
// next hop.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "links.hpp"
#include "model.hpp"
#include "result.hpp"
#include "tables.hpp"
#include "underlay.hpp"

namespace weft {

// A network by the number that tables and next hops have for it: its VNI, or its VSID with a bit that says so (abi.h).
inline std::uint32_t network_of(std::uint32_t number, Encapsulation encapsulation) {
    return encapsulation == Encapsulation::Nvgre ? number | VSID : number;
}
inline std::uint32_t network_of(const Segment& segment) { return network_of(segment.vni, segment.encapsulation); }
inline bool is_nvgre(std::uint32_t network) { return (network & VSID) != 0; }
// As people write it, of either encapsulation.
inline std::uint32_t number_of(std::uint32_t network) { return network & NETWORK_NUMBER_MASK; }

// The finished header of abi.h's struct nexthop for one path; pure, for tests.
nexthop make_nexthop(const Vtep& vtep, const Ip& remote, std::uint32_t network, const Path& path);

struct NextHopInfo {
    std::uint32_t id;
    Ip remote;
    std::uint32_t network;
    Path path;
    std::string state;  // as Underlay::View has it: "resolved", "resolving", "no route" …
};

class NextHops {
public:
    using XdpTx = Underlay::XdpTx;

    // Adopts what the pinned table holds. links must outlive this.
    static Result<NextHops> open(Tables& tables, const Links& links, XdpTx xdp_tx);

    // The VTEP changed (or is first known): every header is made anew.
    Result<> set_vtep(const Vtep& vtep);

    // The id of (remote, network), allocated on first use, then resolved in the background. ENOSPC: the table is full.
    Result<std::uint32_t> acquire(const Ip& remote, std::uint32_t network);
    std::optional<std::uint32_t> find(const Ip& remote, std::uint32_t network) const;
    const NextHopInfo* info(std::uint32_t id) const;
    std::vector<NextHopInfo> all() const;
    // Frees every id not in `used`. The first call also gives the kernel back the neighbors of an earlier run.
    Result<> sweep(const std::set<std::uint32_t>& used);

    // The datapath wanted it (EVENT_RESOLVE): ask the kernel to resolve now.
    void want(std::uint32_t id);

    // Event loop: poll fd, call receive(); it re-resolves what a route, address, neighbor or link change touched.
    int fd() const { return underlay_.fd(); }
    Result<> receive();
    Result<> refresh();  // look at every path again: `links` or the answers of XdpTx changed, or once in a while

    Result<bool> is_own(const Ip& address) { return underlay_.is_own(address); }

    // The largest outer packet on the way to a remote; none if no route is known.
    std::optional<std::uint32_t> path_mtu(const Ip& remote) { return underlay_.mtu(remote); }

private:
    struct Row {
        NextHopInfo info;
        nexthop written;  // what the kernel table holds
    };
    using Key = std::pair<Ip, std::uint32_t>;

    NextHops(Tables& tables, Underlay&& underlay) : tables_(&tables), underlay_(std::move(underlay)) {}
    Result<> adopt();
    Result<> update(const Ip& remote);
    Result<> update_row(Row& row);
    std::optional<std::uint32_t> free_id();

    Tables* tables_;
    Underlay underlay_;
    Vtep vtep_;
    std::map<std::uint32_t, Row> rows_;
    std::map<Key, std::uint32_t> ids_;
    std::uint32_t last_id_ = 0;
    bool strays_released_ = false;
};

}  // namespace weft

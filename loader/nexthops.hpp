// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Next-hop objects: one (remote VTEP, VNI) with its finished outer header, kept right from netlink routes and neighbors.
// FDB entries, flood lists and the remotes table name next hops by id; a path change is one write per next hop.
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
#include "netlink.hpp"
#include "result.hpp"
#include "tables.hpp"

namespace weft {

// The finished header of abi.h's struct nexthop for one path; pure, for tests. mac_* are of the underlay link.
struct Path {
    std::uint32_t ifindex = 0;
    Mac source_mac, gateway_mac;
    std::uint16_t mtu = 0;
    bool xdp_tx = false;     // XDP may redirect to the device
    bool resolved = false;   // gateway_mac is known
    bool device_only = false;  // egress is no Ethernet device
    bool operator==(const Path&) const = default;
};
nexthop make_nexthop(const Vtep& vtep, const Ip& remote, std::uint32_t vni, const Path& path);

struct NextHopInfo {
    std::uint32_t id;
    Ip remote;
    std::uint32_t vni;
    Path path;
    std::string state;  // "resolved", "resolving", "no route", "device"
};

class NextHops {
public:
    using XdpTx = std::function<bool(std::uint32_t ifindex)>;  // may XDP redirect into this device?

    // Adopts what the pinned table holds. links must outlive this.
    static Result<NextHops> open(Tables& tables, const Links& links, XdpTx xdp_tx);

    // The VTEP changed (or is first known): every header is made anew.
    Result<> set_vtep(const Vtep& vtep);

    // The id of (remote, vni), allocated on first use and then resolved in the background. ENOSPC when the table is full.
    Result<std::uint32_t> acquire(const Ip& remote, std::uint32_t vni);
    std::optional<std::uint32_t> find(const Ip& remote, std::uint32_t vni) const;
    const NextHopInfo* info(std::uint32_t id) const;
    std::vector<NextHopInfo> all() const;
    // Frees every id not in `used`.
    Result<> sweep(const std::set<std::uint32_t>& used);

    // The datapath wanted it (EVENT_RESOLVE): ask the kernel to resolve now.
    void want(std::uint32_t id);

    // Event loop: poll fd, call receive(); it re-resolves what a route, address, neighbor or link change touched.
    int fd() const { return events_.fd(); }
    Result<> receive();
    Result<> refresh();  // look at every path again (a link or the VTEP changed, or once a few seconds)

    // The smallest MTU on the way to any remote, for the segment's default; none if no route is known.
    std::optional<std::uint32_t> path_mtu(const Ip& remote) const;

private:
    struct Row {
        Ip remote;
        std::uint32_t vni;
        Path path;
        std::string state;
    };
    NextHops(Tables& tables, const Links& links, XdpTx xdp_tx, Netlink&& events, Netlink&& query);
    Tables* tables_;
    const Links* links_;
    XdpTx xdp_tx_;
    Netlink events_, query_;
    std::optional<Vtep> vtep_;
    std::map<std::uint32_t, Row> rows_;
    std::map<std::pair<Ip, std::uint32_t>, std::uint32_t> ids_;
};

}  // namespace weft

// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Where the underlay leads: for each remote VTEP the egress device, the MAC of the next hop on the link and the MTU,
// kept right from rtnetlink's routes, neighbors, addresses and links. The kernel does the resolving: it is asked to
// keep each neighbor in use fresh (NTF_EXT_MANAGED). Knows no tables; nexthops.hpp makes headers of what it says.
#pragma once

#include <compare>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>

#include "links.hpp"
#include "net.hpp"
#include "netlink.hpp"
#include "result.hpp"

namespace weft {

struct Path {
    std::uint32_t ifindex = 0;
    Mac source_mac, gateway_mac;  // of the underlay link
    std::uint16_t mtu = 0;        // largest outer IP packet, 0: not known
    bool xdp_tx = false;          // XDP may redirect to the device
    bool resolved = false;        // gateway_mac is known
    bool device_only = false;     // egress is no Ethernet device
    bool operator==(const Path&) const = default;
};

class Underlay {
public:
    using XdpTx = std::function<bool(std::uint32_t ifindex)>;  // may XDP redirect into this device?
    struct View {
        Path path;
        std::string state;  // "resolved", "resolving", "unreachable", "no route", "own address", "device"
    };

    // links must outlive this.
    static Result<Underlay> open(const Links& links, XdpTx xdp_tx);

    // The source of the tunnel packets, for source routing. refresh() afterwards.
    void set_source(const Ip& vtep) { source_ = vtep; }

    Result<> add(const Ip& remote);  // looks it up now; resolving goes on in the background
    void drop(const Ip& remote);     // a neighbor that no remote uses any more is the kernel's alone again
    View view(const Ip& remote) const;
    void ask(const Ip& remote);  // the kernel should resolve it now
    // MTU of the route to a remote, which need not be added; none without a route.
    std::optional<std::uint32_t> mtu(const Ip& remote);

    // Whether the address is on an interface of this host.
    Result<bool> is_own(const Ip& address);

    // Event loop: poll fd, call receive(); it and refresh() answer with the remotes whose view may be another now.
    int fd() const { return events_.fd(); }
    Result<std::set<Ip>> receive();
    Result<std::set<Ip>> refresh();

    // Gives back the neighbors that an earlier run asked for and this one does not use.
    Result<> release_strays();
    // The same for all of them, when weft leaves the machine.
    static Result<> release_all();

private:
    struct Hop {  // a neighbor on a link
        std::uint32_t ifindex = 0;
        Ip address;
        auto operator<=>(const Hop&) const = default;
    };
    struct Neighbor {
        Mac mac;
        std::uint16_t state = 0;      // NUD_*
        std::uint8_t flags = 0;       // NTF_* that others set and our requests must not take away
        std::uint32_t flags_ext = 0;  // NTF_EXT_*
        std::uint8_t protocol = 0;
        std::set<Ip> users;
        bool usable() const;
        bool ours() const;
    };
    struct Route {
        std::string problem;  // empty: there is a way
        Hop hop;
        std::uint32_t mtu = 0;
    };
    struct Batch {  // what one call of receive() saw
        std::set<Ip> changed, stale;
        bool everything = false;
    };

    Underlay(const Links& links, XdpTx xdp_tx, Netlink&& events, Netlink&& query)
        : links_(&links), xdp_tx_(std::move(xdp_tx)), events_(std::move(events)), query_(std::move(query)) {}

    const Link* device(std::uint32_t ifindex) const;
    bool is_egress(std::uint32_t ifindex) const;
    Result<Route> look_up(const Ip& remote);
    Result<> route(const Ip& remote);
    void join(const Hop& hop, const Ip& remote);
    void leave(const Hop& hop, const Ip& remote);
    void read(const Hop& hop, Neighbor& neighbor);
    void keep(const Hop& hop, const Neighbor& neighbor);
    static Result<> release(Netlink& netlink, const Hop& hop, const Neighbor& neighbor);
    static Result<std::map<Hop, Neighbor>> dump_neighbors(Netlink& netlink);
    Result<> reload_neighbors();

    static std::optional<Hop> parse(const nlmsghdr& message, Neighbor& out);
    void note(const nlmsghdr& message, Batch& batch);
    void note_neighbor(const nlmsghdr& message, Batch& batch);
    void note_route(const nlmsghdr& message, Batch& batch);
    bool note_link(const nlmsghdr& message);

    const Links* links_;
    XdpTx xdp_tx_;
    Netlink events_, query_;
    std::optional<Ip> source_;
    std::map<Ip, Route> routes_;
    std::map<Hop, Neighbor> neighbors_;
    std::map<std::uint32_t, Link> seen_links_;  // from our own socket, which may be ahead of links_
};

}  // namespace weft

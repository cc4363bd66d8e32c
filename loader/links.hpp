// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// The network devices of this netns, from rtnetlink (never from /sys, which nsenter does not switch). Links keeps a
// snapshot, follows RTNLGRP_LINK and tells what came, changed and went.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>

#include "net.hpp"
#include "netlink.hpp"
#include "result.hpp"

namespace weft {

struct Link {
    std::uint32_t ifindex = 0;
    std::string name;
    std::string kind;        // IFLA_INFO_KIND: "veth", "tun", "vxlan", "bond", …; empty for a physical NIC
    std::string parent_bus;  // IFLA_PARENT_DEV_BUS_NAME ("pci", "virtio"): set for real NICs
    Mac mac;
    bool ethernet = false;  // ARPHRD_ETHER
    bool up = false;        // IFF_UP
    bool carrier = false;   // IFF_LOWER_UP
    std::uint32_t mtu = 0;
    std::uint32_t rx_queues = 1;
    std::optional<std::int32_t> peer_netnsid;  // veth: IFLA_LINK_NETNSID, if the peer is elsewhere
    std::uint32_t peer_ifindex = 0;            // veth: IFLA_LINK
    std::uint32_t xdp_program = 0;             // IFLA_XDP program id, 0 none
    bool xdp_generic = false;
    std::string queue;  // IFLA_QDISC: kind of its root queueing discipline
    std::uint64_t tx_packets = 0;
    bool operator==(const Link&) const = default;
};

// What a message of rtnetlink says about a device; none if it is about something else (a bridge tells of its ports so).
std::optional<Link> read_link(const nlmsghdr& message);

class Links {
public:
    enum class Change { Added, Changed, Removed };
    using Watcher = std::function<void(Change, const Link&)>;

    static Result<Links> open();

    // Reads everything there is now into the snapshot (open() did it once) and tells the differences.
    Result<> reload(const Watcher& watcher = {});
    const std::map<std::uint32_t, Link>& all() const { return links_; }
    const Link* find(std::uint32_t ifindex) const;
    const Link* find(const std::string& name) const;

    // For the event loop: poll fd for reading, then call receive(), which updates the snapshot and calls the watcher
    // for each difference (not for tx_packets). A rename is Removed and Added, a move to another netns Removed. An
    // overrun is handled inside by reload().
    int fd() const { return socket_.fd(); }
    Result<> receive(const Watcher& watcher);

    // Fresh numbers of one link by RTM_GETLINK (tx_packets, xdp_program); none if it is gone.
    Result<std::optional<Link>> query(std::uint32_t ifindex);
    // The same into the snapshot. The kernel tells of a carrier at most once a second (linkwatch), but whoever asks
    // hears of it at once.
    Result<> look(std::uint32_t ifindex, const Watcher& watcher);
    // The peer of this veth, by RTM_GETLINK with IFLA_TARGET_NETNSID, which CAP_NET_ADMIN over the peer's netns allows;
    // none if it cannot be told.
    Result<std::optional<Link>> peer(const Link& veth);

private:
    Links(Netlink&& socket, Netlink&& query) : socket_(std::move(socket)), query_(std::move(query)) {}
    Result<std::map<std::uint32_t, Link>> dump();
    Result<std::optional<Link>> get(std::uint32_t ifindex, std::optional<std::int32_t> netnsid);
    void update(Link&& link, const Watcher& watcher);
    void remove(std::uint32_t ifindex, const Watcher& watcher);
    Netlink socket_, query_;
    std::map<std::uint32_t, Link> links_;
    std::map<std::string, std::uint32_t, std::less<>> names_;
};

}  // namespace weft

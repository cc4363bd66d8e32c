// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include "links.hpp"

#include <linux/if.h>
#include <linux/if_arp.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>

#include <algorithm>
#include <array>

namespace weft {

namespace {

constexpr int OVERRUNS_PER_RECEIVE = 8;

void read_kind(const Attributes& attributes, Link& link) {
    link.kind = Attributes(attributes[IFLA_LINKINFO]).text(IFLA_INFO_KIND);
    if (link.kind != "veth") return;
    link.peer_ifindex = attributes.get<std::uint32_t>(IFLA_LINK).value_or(0);
    link.peer_netnsid = attributes.get<std::int32_t>(IFLA_LINK_NETNSID);
}

void read_xdp(const Attributes& attributes, Link& link) {
    const Attributes xdp(attributes[IFLA_XDP]);
    const auto mode = xdp.get<std::uint8_t>(IFLA_XDP_ATTACHED).value_or(XDP_ATTACHED_NONE);
    if (mode == XDP_ATTACHED_NONE) return;
    link.xdp_generic = mode == XDP_ATTACHED_SKB;
    link.xdp_program = xdp.get<std::uint32_t>(IFLA_XDP_PROG_ID).value_or(0);
    // With a driver and a generic program at once the kernel gives no single id; the driver's sees the frames first.
    if (mode == XDP_ATTACHED_MULTI) link.xdp_program = xdp.get<std::uint32_t>(IFLA_XDP_DRV_PROG_ID).value_or(0);
}

Link read_device(const nlmsghdr& message) {
    const auto& info = *static_cast<const ifinfomsg*>(mnl_nlmsg_get_payload(&message));
    const Attributes attributes(message, sizeof info);
    Link link;
    link.ifindex = static_cast<std::uint32_t>(info.ifi_index);
    link.name = attributes.text(IFLA_IFNAME);
    link.parent_bus = attributes.text(IFLA_PARENT_DEV_BUS_NAME);
    if (auto mac = attributes.bytes(IFLA_ADDRESS); mac.size() == link.mac.bytes.size())
        std::copy(mac.begin(), mac.end(), link.mac.bytes.begin());
    link.ethernet = info.ifi_type == ARPHRD_ETHER;
    link.up = info.ifi_flags & IFF_UP;
    link.carrier = info.ifi_flags & IFF_LOWER_UP;
    link.mtu = attributes.get<std::uint32_t>(IFLA_MTU).value_or(0);
    link.rx_queues = attributes.get<std::uint32_t>(IFLA_NUM_RX_QUEUES).value_or(1);
    link.queue = attributes.text(IFLA_QDISC);
    if (auto stats = attributes.get<rtnl_link_stats64>(IFLA_STATS64)) link.tx_packets = stats->tx_packets;
    read_kind(attributes, link);
    read_xdp(attributes, link);
    return link;
}

// Traffic counters alone are no difference.
bool same(Link a, const Link& b) {
    a.tx_packets = b.tx_packets;
    return a == b;
}

}  // namespace

std::optional<Link> read_link(const nlmsghdr& message) {
    if (message.nlmsg_type != RTM_NEWLINK && message.nlmsg_type != RTM_DELLINK) return std::nullopt;
    const auto& info = *static_cast<const ifinfomsg*>(mnl_nlmsg_get_payload(&message));
    if (info.ifi_family != AF_UNSPEC) return std::nullopt;  // a bridge's port left it: no device went
    return read_device(message);
}

Result<Links> Links::open() {
    TRY(auto socket, Netlink::open(std::array<unsigned, 1>{RTNLGRP_LINK}));
    TRY(auto query, Netlink::open());
    Links links(std::move(socket), std::move(query));
    TRY_OK(links.reload());
    return links;
}

Result<std::map<std::uint32_t, Link>> Links::dump() {
    std::map<std::uint32_t, Link> now;
    Message<ifinfomsg> message(RTM_GETLINK, NLM_F_DUMP);
    TRY_OK(query_.request(message.header(), "list the network devices", [&](const nlmsghdr& answer) {
        if (auto link = read_link(answer)) now[link->ifindex] = std::move(*link);
    }));
    return now;
}

Result<> Links::reload(const Watcher& watcher) {
    TRY(auto now, dump());
    std::vector<std::uint32_t> gone;
    for (const auto& [ifindex, link] : links_)
        if (!now.contains(ifindex)) gone.push_back(ifindex);
    for (auto ifindex : gone) remove(ifindex, watcher);
    for (auto& [ifindex, link] : now) update(std::move(link), watcher);
    return Ok{};
}

const Link* Links::find(std::uint32_t ifindex) const {
    const auto at = links_.find(ifindex);
    return at == links_.end() ? nullptr : &at->second;
}

const Link* Links::find(const std::string& name) const {
    const auto at = names_.find(name);
    return at == names_.end() ? nullptr : find(at->second);
}

void Links::remove(std::uint32_t ifindex, const Watcher& watcher) {
    auto node = links_.extract(ifindex);
    if (node) names_.erase(node.mapped().name);
    if (node && watcher) watcher(Change::Removed, node.mapped());
}

// Names are unique: a device that takes the name of another one in the snapshot shows the other gone or renamed.
void Links::update(Link&& link, const Watcher& watcher) {
    if (const Link* holder = find(link.name); holder && holder->ifindex != link.ifindex)
        remove(holder->ifindex, watcher);
    if (const Link* known = find(link.ifindex); known && known->name != link.name) remove(link.ifindex, watcher);
    const auto ifindex = link.ifindex;
    const auto [at, added] = links_.try_emplace(ifindex);
    const bool changed = !added && !same(at->second, link);
    at->second = std::move(link);
    names_[at->second.name] = ifindex;
    if (!watcher || (!added && !changed)) return;
    watcher(added ? Change::Added : Change::Changed, at->second);
}

Result<> Links::receive(const Watcher& watcher) {
    for (int overruns = 0; overruns < OVERRUNS_PER_RECEIVE; ++overruns) {
        auto read = socket_.receive([&](const nlmsghdr& message) {
            auto link = read_link(message);
            if (!link) return;
            if (message.nlmsg_type == RTM_DELLINK) return remove(link->ifindex, watcher);
            update(std::move(*link), watcher);
        });
        if (read) return Ok{};
        if (read.error().code != ENOBUFS) return read;
        TRY_OK(reload(watcher));
    }
    return Ok{};
}

// By ifindex in this netns, or in that of netnsid as seen from here. None if there is no such device.
Result<std::optional<Link>> Links::get(std::uint32_t ifindex, std::optional<std::int32_t> netnsid) {
    Message<ifinfomsg> message(RTM_GETLINK);
    message.body().ifi_index = static_cast<int>(ifindex);
    if (netnsid) mnl_attr_put_u32(&message.header(), IFLA_TARGET_NETNSID, static_cast<std::uint32_t>(*netnsid));
    std::optional<Link> found;
    auto done = query_.request(message.header(), "look at device " + std::to_string(ifindex),
                               [&](const nlmsghdr& answer) { found = read_link(answer); });
    if (!done && done.error().code == ENODEV) return std::optional<Link>();
    if (!done) return tl::make_unexpected(done.error());
    return found;
}

Result<std::optional<Link>> Links::query(std::uint32_t ifindex) { return get(ifindex, {}); }

Result<> Links::look(std::uint32_t ifindex, const Watcher& watcher) {
    TRY(auto now, query(ifindex));
    if (now) update(std::move(*now), watcher);  // that it is gone is told without delay
    return Ok{};
}

Result<std::optional<Link>> Links::peer(const Link& veth) {
    if (veth.kind != "veth" || veth.peer_ifindex == 0) return std::optional<Link>();
    if (veth.peer_netnsid && *veth.peer_netnsid < 0) return std::optional<Link>();
    auto peer = get(veth.peer_ifindex, veth.peer_netnsid);
    if (!peer && (peer.error().code == EPERM || peer.error().code == EACCES || peer.error().code == EINVAL))
        return std::optional<Link>();  // another user namespace's, or its netns is going
    if (!peer) return tl::make_unexpected(peer.error());
    if (!*peer || (*peer)->kind != "veth" || (*peer)->peer_ifindex != veth.ifindex) return std::optional<Link>();
    return std::move(*peer);
}

}  // namespace weft

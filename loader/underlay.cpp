// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Routes and events; the neighbors are in underlay_neighbors.cpp.
#include "underlay.hpp"

#include <linux/rtnetlink.h>

#include <algorithm>
#include <array>

namespace weft {

namespace {

const char* const NO_ROUTE = "no route";
const char* const OWN_ADDRESS = "own address";

std::optional<Ip> read_address(std::span<const std::uint8_t> bytes) {
    Ip ip = Ip::v4(0);
    if (bytes.size() != 4 && bytes.size() != 16) return std::nullopt;
    std::copy(bytes.begin(), bytes.end(), ip.bytes.end() - static_cast<std::ptrdiff_t>(bytes.size()));
    return ip;
}

std::span<const std::uint8_t> wire(const Ip& ip) { return std::span(ip.bytes).subspan(ip.is_v4() ? 12 : 0); }

void put_address(nlmsghdr& message, std::uint16_t type, const Ip& ip) {
    mnl_attr_put(&message, type, wire(ip).size(), wire(ip).data());
}

// The neighbor to send to: the gateway, of either family, or the remote itself where it is on the link.
Ip next_router(const Attributes& attributes, const Ip& remote) {
    if (auto gateway = read_address(attributes.bytes(RTA_GATEWAY))) return *gateway;
    const auto via = attributes.bytes(RTA_VIA);  // struct rtvia: a 16-bit family, then the address
    if (via.size() > sizeof(rtvia))
        if (auto gateway = read_address(via.subspan(sizeof(rtvia)))) return *gateway;
    return remote;
}

}  // namespace

Result<Underlay> Underlay::open(const Links& links, XdpTx xdp_tx) {
    // A rule or a next-hop object changes routes without a route's own notification.
    static constexpr std::array<unsigned, 9> GROUPS = {RTNLGRP_LINK,       RTNLGRP_NEIGH,       RTNLGRP_IPV4_ROUTE,
                                                       RTNLGRP_IPV6_ROUTE, RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV6_IFADDR,
                                                       RTNLGRP_IPV4_RULE,  RTNLGRP_IPV6_RULE,   RTNLGRP_NEXTHOP};
    TRY(auto events, Netlink::open(GROUPS));
    TRY(auto query, Netlink::open());
    return Underlay(links, std::move(xdp_tx), std::move(events), std::move(query));
}

const Link* Underlay::device(std::uint32_t ifindex) const {
    const auto at = seen_links_.find(ifindex);
    return at == seen_links_.end() ? links_->find(ifindex) : &at->second;
}

// The kernel's answer for one packet from our VTEP to the remote: it has applied rules, multipath and exceptions.
Result<Underlay::Route> Underlay::look_up(const Ip& remote) {
    Message<rtmsg> message(RTM_GETROUTE);
    message.body().rtm_family = remote.is_v4() ? AF_INET : AF_INET6;
    message.body().rtm_dst_len = remote.is_v4() ? 32 : 128;
    put_address(message.header(), RTA_DST, remote);
    if (source_ && source_->is_v4() == remote.is_v4()) {
        message.body().rtm_src_len = message.body().rtm_dst_len;
        put_address(message.header(), RTA_SRC, *source_);
    }
    Route route{NO_ROUTE, {}, 0};
    auto done = query_.request(message.header(), "look up the route to " + remote.text(), [&](const nlmsghdr& answer) {
        const auto& body = *static_cast<const rtmsg*>(mnl_nlmsg_get_payload(&answer));
        const Attributes attributes(answer, sizeof body);
        if (body.rtm_type == RTN_LOCAL) route.problem = OWN_ADDRESS;
        if (body.rtm_type != RTN_UNICAST) return;
        route.problem.clear();
        route.hop = {attributes.get<std::uint32_t>(RTA_OIF).value_or(0), next_router(attributes, remote)};
        route.mtu = Attributes(attributes[RTA_METRICS]).get<std::uint32_t>(RTAX_MTU).value_or(0);
    });
    // Every refusal means there is no way now (no route, blackhole, our source address is not there, …); only a kernel
    // that does not answer is an error.
    if (!done && done.error().code == ETIMEDOUT) return tl::make_unexpected(done.error());
    if (!done) route.problem = NO_ROUTE;
    if (const Link* link = device(route.hop.ifindex))
        route.mtu = route.mtu ? std::min(route.mtu, link->mtu) : link->mtu;
    return route;
}

// Looks a remote up again and moves its use from the old neighbor to the new one.
Result<> Underlay::route(const Ip& remote) {
    TRY(auto found, look_up(remote));
    const auto at = routes_.find(remote);
    const Hop before = at->second.hop;
    const Link* egress = device(found.hop.ifindex);
    at->second = std::move(found);
    const Hop now = at->second.hop;
    if (egress && egress->ethernet && at->second.problem.empty()) join(now, remote);
    if (before != now) leave(before, remote);
    return Ok{};
}

Result<> Underlay::add(const Ip& remote) {
    const auto [at, added] = routes_.try_emplace(remote);
    return added ? route(remote) : Ok{};
}

void Underlay::drop(const Ip& remote) {
    const auto at = routes_.find(remote);
    if (at == routes_.end()) return;
    leave(at->second.hop, remote);
    routes_.erase(at);
}

Underlay::View Underlay::view(const Ip& remote) const {
    const auto at = routes_.find(remote);
    if (at == routes_.end()) return {{}, NO_ROUTE};
    const Route& route = at->second;
    if (!route.problem.empty()) return {{}, route.problem};
    const Link* egress = device(route.hop.ifindex);
    if (!egress) return {{}, "resolving"};
    View view{{}, "device"};
    view.path.ifindex = route.hop.ifindex;
    view.path.mtu = static_cast<std::uint16_t>(std::min<std::uint32_t>(route.mtu, UINT16_MAX));
    view.path.device_only = !egress->ethernet;
    if (view.path.device_only) return view;
    view.path.source_mac = egress->mac;
    const auto neighbor = neighbors_.find(route.hop);
    view.state = neighbor != neighbors_.end() && neighbor->second.state & NUD_FAILED ? "unreachable" : "resolving";
    if (neighbor == neighbors_.end() || !neighbor->second.usable()) return view;
    view.state = "resolved";
    view.path.resolved = true;
    view.path.gateway_mac = neighbor->second.mac;
    view.path.xdp_tx = xdp_tx_ && xdp_tx_(route.hop.ifindex);
    return view;
}

std::optional<std::uint32_t> Underlay::mtu(const Ip& remote) {
    if (auto route = look_up(remote); route && route->problem.empty() && route->mtu) return route->mtu;
    return std::nullopt;
}

Result<bool> Underlay::is_own(const Ip& address) {
    TRY(const Route route, look_up(address));
    return route.problem == OWN_ADDRESS;
}

Result<std::set<Ip>> Underlay::refresh() {
    TRY_OK(reload_neighbors());
    std::set<Ip> all;
    for (const auto& [remote, old] : routes_) all.insert(remote);
    for (const auto& remote : all) TRY_OK(route(remote));
    return all;
}

bool Underlay::is_egress(std::uint32_t ifindex) const {
    return std::any_of(routes_.begin(), routes_.end(),
                       [&](const auto& row) { return row.second.hop.ifindex == ifindex; });
}

// Does this event change what paths are made of? A hundred taps that come and stay down must cost nothing.
bool Underlay::note_link(const nlmsghdr& message) {
    const auto link = read_link(message);
    if (!link) return false;
    const auto seen = seen_links_.find(link->ifindex);
    const bool differs = seen == seen_links_.end() || seen->second.up != link->up ||
                         seen->second.carrier != link->carrier || seen->second.mac != link->mac ||
                         seen->second.mtu != link->mtu;
    if (message.nlmsg_type == RTM_DELLINK) {
        seen_links_.erase(link->ifindex);
        return is_egress(link->ifindex);
    }
    seen_links_.insert_or_assign(link->ifindex, *link);
    return differs && (link->up || is_egress(link->ifindex));
}

// The remotes that a route covers are stale; IPv4 addresses stand in the map as ::ffff:a.b.c.d.
void Underlay::note_route(const nlmsghdr& message, Batch& batch) {
    const auto& body = *static_cast<const rtmsg*>(mnl_nlmsg_get_payload(&message));
    if (body.rtm_flags & RTM_F_CLONED || (body.rtm_family != AF_INET && body.rtm_family != AF_INET6)) return;
    const bool v4 = body.rtm_family == AF_INET;
    const std::size_t bits = body.rtm_dst_len + (v4 ? 96u : 0u);
    const Attributes attributes(message, sizeof body);
    Ip first = v4 ? Ip::v4(0) : Ip{};
    if (auto prefix = read_address(attributes.bytes(RTA_DST))) first = *prefix;
    const auto covered = [&](const Ip& ip) {
        for (std::size_t bit = 0; bit < bits; bit += 8) {
            const auto mask = bits - bit >= 8 ? 0xff : 0xff << (8 - (bits - bit)) & 0xff;
            if ((ip.bytes[bit / 8] ^ first.bytes[bit / 8]) & mask) return false;
        }
        return true;
    };
    for (auto at = routes_.lower_bound(first); at != routes_.end() && covered(at->first); ++at)
        batch.stale.insert(at->first);
}

void Underlay::note(const nlmsghdr& message, Batch& batch) {
    switch (message.nlmsg_type) {
        case RTM_NEWNEIGH:
        case RTM_DELNEIGH: return note_neighbor(message, batch);
        case RTM_NEWROUTE:
        case RTM_DELROUTE: return note_route(message, batch);
        case RTM_NEWLINK:
        case RTM_DELLINK: batch.everything |= note_link(message); return;
        default: batch.everything = true;
    }
}

Result<std::set<Ip>> Underlay::receive() {
    Batch batch;
    auto read = events_.receive([&](const nlmsghdr& message) { note(message, batch); });
    if (!read && read.error().code != ENOBUFS) return tl::make_unexpected(read.error());
    if (!read) {  // an overrun: what was lost is not known, so nothing that was noted counts any more
        seen_links_.clear();
        return refresh();
    }
    if (batch.everything)
        for (const auto& [remote, old] : routes_) batch.stale.insert(remote);
    for (const auto& remote : batch.stale) TRY_OK(route(remote));
    // An address or a carrier that came may be what a neighbor waited for (IPv6 cannot ask before its link-local
    // address is no longer tentative); the kernel itself would try again in 5 s.
    if (batch.everything)
        for (const auto& [hop, neighbor] : neighbors_)
            if (!neighbor.usable()) keep(hop, neighbor);
    batch.changed.merge(batch.stale);
    return std::move(batch.changed);
}

}  // namespace weft

// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Neighbors of the underlay: read, kept fresh by the kernel on our behalf, given back.
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>

#include <algorithm>

#include "underlay.hpp"

namespace weft {

namespace {

// Marks what we asked for (NDA_PROTOCOL), so that a later run knows it again. A number rt_protos leaves free.
constexpr std::uint8_t NEIGHBOR_PROTOCOL = 87;
constexpr std::uint16_t NUD_USABLE = NUD_PERMANENT | NUD_NOARP | NUD_REACHABLE | NUD_PROBE | NUD_STALE | NUD_DELAY;

void put_key(Message<ndmsg>& message, std::uint32_t ifindex, const Ip& address) {
    message.body().ndm_family = address.is_v4() ? AF_INET : AF_INET6;
    message.body().ndm_ifindex = static_cast<int>(ifindex);
    const std::size_t skipped = address.is_v4() ? 12 : 0;
    mnl_attr_put(&message.header(), NDA_DST, address.bytes.size() - skipped, address.bytes.data() + skipped);
}

}  // namespace

bool Underlay::Neighbor::usable() const { return state & NUD_USABLE && !mac.is_zero(); }

bool Underlay::Neighbor::ours() const { return flags_ext & NTF_EXT_MANAGED && protocol == NEIGHBOR_PROTOCOL; }

std::optional<Underlay::Hop> Underlay::parse(const nlmsghdr& message, Neighbor& out) {
    const auto& body = *static_cast<const ndmsg*>(mnl_nlmsg_get_payload(&message));
    if (body.ndm_family != AF_INET && body.ndm_family != AF_INET6) return std::nullopt;  // a bridge's FDB
    const Attributes attributes(message, sizeof body);
    const auto address = attributes.bytes(NDA_DST);
    if (address.size() != (body.ndm_family == AF_INET ? 4u : 16u)) return std::nullopt;
    Hop hop{static_cast<std::uint32_t>(body.ndm_ifindex), Ip::v4(0)};
    std::copy(address.begin(), address.end(), hop.address.bytes.end() - static_cast<std::ptrdiff_t>(address.size()));
    out.state = message.nlmsg_type == RTM_DELNEIGH ? std::uint16_t{NUD_NONE} : body.ndm_state;
    out.flags = body.ndm_flags;
    out.flags_ext = attributes.get<std::uint32_t>(NDA_FLAGS_EXT).value_or(0);
    out.protocol = attributes.get<std::uint8_t>(NDA_PROTOCOL).value_or(0);
    out.mac = {};
    if (auto mac = attributes.bytes(NDA_LLADDR); mac.size() == out.mac.bytes.size())
        std::copy(mac.begin(), mac.end(), out.mac.bytes.begin());
    return hop;
}

// A neighbor the kernel does not know stays as it was made: not usable.
void Underlay::read(const Hop& hop, Neighbor& neighbor) {
    Message<ndmsg> message(RTM_GETNEIGH);
    put_key(message, hop.ifindex, hop.address);
    (void)query_.request(message.header(), "look up neighbor " + hop.address.text(),
                         [&](const nlmsghdr& answer) { parse(answer, neighbor); });
}

// Asks the kernel to resolve the neighbor now and to keep it fresh from now on. A refusal (its table is full) leaves it
// as it is: the next refresh, or a frame that wants it, asks again.
void Underlay::keep(const Hop& hop, const Neighbor& neighbor) {
    if (neighbor.state & (NUD_PERMANENT | NUD_NOARP)) return;  // the request would make the operator's entry dynamic
    Message<ndmsg> message(RTM_NEWNEIGH, NLM_F_CREATE);
    put_key(message, hop.ifindex, hop.address);
    message.body().ndm_flags = static_cast<std::uint8_t>(NTF_USE | (neighbor.flags & (NTF_EXT_LEARNED | NTF_ROUTER)));
    mnl_attr_put_u32(&message.header(), NDA_FLAGS_EXT, neighbor.flags_ext | NTF_EXT_MANAGED);
    const bool of_others = neighbor.flags_ext & NTF_EXT_MANAGED && !neighbor.ours();
    if (!of_others) mnl_attr_put_u8(&message.header(), NDA_PROTOCOL, NEIGHBOR_PROTOCOL);
    const auto doing = "resolve " + hop.address.text();
    if (auto done = query_.request(message.header(), doing); done || done.error().code != EINVAL) return;
    Message<ndmsg> plain(RTM_NEWNEIGH, NLM_F_CREATE);  // kernels before 5.16 do not manage
    put_key(plain, hop.ifindex, hop.address);
    plain.body().ndm_flags = message.body().ndm_flags;
    (void)query_.request(plain.header(), doing);
}

// The entry stays in the kernel's table, which ages it as any other.
Result<> Underlay::release(Netlink& netlink, const Hop& hop, const Neighbor& neighbor) {
    if (!neighbor.ours()) return Ok{};
    Message<ndmsg> message(neighbor.usable() ? RTM_NEWNEIGH : RTM_DELNEIGH);
    put_key(message, hop.ifindex, hop.address);
    if (neighbor.usable()) {
        message.body().ndm_flags =
            static_cast<std::uint8_t>(NTF_USE | (neighbor.flags & (NTF_EXT_LEARNED | NTF_ROUTER)));
        mnl_attr_put_u32(&message.header(), NDA_FLAGS_EXT, neighbor.flags_ext & ~std::uint32_t{NTF_EXT_MANAGED});
    }
    auto done = netlink.request(message.header(), "give back neighbor " + hop.address.text());
    if (!done && (done.error().code == ENOENT || done.error().code == ENODEV)) return Ok{};
    return done;
}

void Underlay::join(const Hop& hop, const Ip& remote) {
    const auto [at, added] = neighbors_.try_emplace(hop);
    at->second.users.insert(remote);
    if (!added) return;
    read(hop, at->second);
    keep(hop, at->second);
    read(hop, at->second);  // with the marks we just made; a loopback-like device resolves at once
}

void Underlay::leave(const Hop& hop, const Ip& remote) {
    const auto at = neighbors_.find(hop);
    if (at == neighbors_.end()) return;
    at->second.users.erase(remote);
    if (!at->second.users.empty()) return;
    (void)release(query_, hop, at->second);  // at worst the kernel keeps one entry fresh that nobody uses
    neighbors_.erase(at);
}

void Underlay::ask(const Ip& remote) {
    const auto at = routes_.find(remote);
    if (at == routes_.end()) return;
    if (!at->second.problem.empty()) {
        (void)route(remote);
        return;
    }
    const auto neighbor = neighbors_.find(at->second.hop);
    if (neighbor != neighbors_.end() && !neighbor->second.usable()) keep(neighbor->first, neighbor->second);
}

void Underlay::note_neighbor(const nlmsghdr& message, Batch& batch) {
    Neighbor now;
    const auto hop = parse(message, now);
    const auto at = hop ? neighbors_.find(*hop) : neighbors_.end();
    if (at == neighbors_.end()) return;
    Neighbor& known = at->second;
    const bool was_usable = known.usable(), was_kept = known.flags_ext & NTF_EXT_MANAGED;
    const bool changed = was_usable != now.usable() || known.mac != now.mac || known.state != now.state;
    now.users = std::move(known.users);
    known = std::move(now);
    if (changed) batch.changed.insert(known.users.begin(), known.users.end());
    // Deleted, or replaced by the operator's own entry: ask again. Not for one that never worked: where the kernel's
    // table is full each new entry evicts another, and we would chase our own tail.
    const bool lost = message.nlmsg_type == RTM_DELNEIGH || (was_kept && !(known.flags_ext & NTF_EXT_MANAGED));
    if (lost && was_usable) keep(at->first, known);
}

Result<std::map<Underlay::Hop, Underlay::Neighbor>> Underlay::dump_neighbors(Netlink& netlink) {
    std::map<Hop, Neighbor> all;
    Message<ndmsg> message(RTM_GETNEIGH, NLM_F_DUMP);
    TRY_OK(netlink.request(message.header(), "list the neighbors", [&](const nlmsghdr& answer) {
        Neighbor neighbor;
        if (const auto hop = parse(answer, neighbor)) all.emplace(*hop, std::move(neighbor));
    }));
    return all;
}

Result<> Underlay::reload_neighbors() {
    TRY(auto all, dump_neighbors(query_));
    for (auto& [hop, known] : neighbors_) {
        Neighbor now;
        if (const auto at = all.find(hop); at != all.end()) now = std::move(at->second);
        now.users = std::move(known.users);
        known = std::move(now);
        if (!(known.flags_ext & NTF_EXT_MANAGED)) keep(hop, known);
    }
    return Ok{};
}

Result<> Underlay::release_strays() {
    TRY(auto all, dump_neighbors(query_));
    for (const auto& [hop, neighbor] : all)
        if (!neighbors_.contains(hop)) TRY_OK(release(query_, hop, neighbor));
    return Ok{};
}

Result<> Underlay::release_all() {
    TRY(auto netlink, Netlink::open());
    TRY(auto all, dump_neighbors(netlink));
    for (const auto& [hop, neighbor] : all) TRY_OK(release(netlink, hop, neighbor));
    return Ok{};
}

}  // namespace weft

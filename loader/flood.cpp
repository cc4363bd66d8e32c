// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include "flood.hpp"

#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>

namespace weft {

namespace {

constexpr std::size_t COPIES_PER_CALL = 64;
constexpr int SEND_QUEUE_BYTES = 16 * 1024 * 1024;
constexpr int QUEUE_WAIT_MS = 20;  // a full queue drains or the rest is lost; the loop has other work

// Header and frame as they are, without a copy of the frame for each remote.
struct Outbox {
    std::array<sockaddr_ll, COPIES_PER_CALL> to{};
    std::array<iovec, 2 * COPIES_PER_CALL> parts{};
    std::array<mmsghdr, COPIES_PER_CALL> messages{};

    void put(std::size_t i, std::uint32_t ifindex, std::uint16_t protocol, std::span<const std::uint8_t> header,
             std::span<const std::uint8_t> frame) {
        to[i].sll_family = AF_PACKET;
        to[i].sll_protocol = protocol;
        to[i].sll_ifindex = static_cast<int>(ifindex);
        parts[2 * i] = {const_cast<std::uint8_t*>(header.data()), header.size()};
        parts[2 * i + 1] = {const_cast<std::uint8_t*>(frame.data()), frame.size()};
        messages[i] = {};
        messages[i].msg_hdr.msg_name = &to[i];
        messages[i].msg_hdr.msg_namelen = sizeof to[i];
        messages[i].msg_hdr.msg_iov = &parts[2 * i];
        messages[i].msg_hdr.msg_iovlen = 2;
    }
};

bool wait_for_room(int fd) {
    pollfd room{fd, POLLOUT, 0};
    return poll(&room, 1, QUEUE_WAIT_MS) == 1;
}

}  // namespace

Result<Flooder> Flooder::open(Tables& tables) {
    Fd socket(::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));  // protocol 0: it receives nothing
    if (!socket) return fail_errno("open a packet socket for flooding");
    if (setsockopt(socket.get(), SOL_SOCKET, SO_SNDBUFFORCE, &SEND_QUEUE_BYTES, sizeof SEND_QUEUE_BYTES) != 0)
        return fail_errno("size the flooding socket's queue");
    return Flooder(tables, std::move(socket));
}

// The headers for the remotes from position first_remote on; what cannot be sent is counted and left out.
std::vector<Flooder::Copy> Flooder::copies(const event& event, const InnerFrame& inner) {
    std::vector<Copy> out;
    const auto found = tables_->segments.find(event.segment);
    if (!found || !*found || !((*found)->flags & SEGMENT_IN_USE)) return out;
    const segment& row = **found;
    for (std::uint32_t i = event.first_remote; i < row.flood_remotes; ++i) {
        const auto id = tables_->floods.find({event.segment, row.flood_bank, row.flood_ports + row.flood_circuits + i});
        if (!id || !*id) continue;
        const auto hop = tables_->nexthops.find(**id);
        if (!hop || !*hop || !((*hop)->flags & NEXTHOP_RESOLVED)) {
            ++counters_.unresolved;
        } else if ((*hop)->header_len - ETH_HLEN + inner.bytes.size() > (*hop)->mtu) {
            ++counters_.too_big;
        } else {
            const auto protocol = htons((*hop)->flags & NEXTHOP_IPV6 ? ETH_P_IPV6 : ETH_P_IP);
            out.push_back({(*hop)->ifindex, protocol, outer_header(**hop, settings_, inner)});
        }
    }
    return out;
}

void Flooder::send(std::span<const Copy> copies, const InnerFrame& inner) {
    Outbox box;
    while (!copies.empty()) {
        const auto count = std::min(copies.size(), COPIES_PER_CALL);
        for (std::size_t i = 0; i < count; ++i)
            box.put(i, copies[i].ifindex, copies[i].protocol, copies[i].header, inner.bytes);
        const int sent = sendmmsg(socket_.get(), box.messages.data(), static_cast<unsigned>(count), MSG_DONTWAIT);
        if (sent > 0) {
            counters_.copies += static_cast<std::uint64_t>(sent);
            copies = copies.subspan(static_cast<std::size_t>(sent));
        } else if (errno != EINTR && (errno != EAGAIN || !wait_for_room(socket_.get()))) {
            ++counters_.send_failed;  // this one; a device that is down costs the others nothing
            copies = copies.subspan(1);
        }
    }
}

void Flooder::handle(const event& event, std::span<const std::uint8_t> frame) {
    // Split horizon: what came from a remote never goes to one.
    if (event.type != EVENT_FLOOD || event.flags & EVENT_FLAG_TUNNEL || frame.size() < ETH_HLEN) return;
    ++counters_.frames;
    const auto inner = describe(settings_, frame);
    send(copies(event, inner), inner);
}

}  // namespace weft

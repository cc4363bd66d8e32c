// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <poll.h>
#include <sys/socket.h>

#include "rig.hpp"

namespace weft::test {
namespace {

constexpr int WAIT_MS = 1000;
constexpr int LINGER_MS = 5;  // for a frame too many

void put_tag_back(Bytes& frame, const tpacket_auxdata& aux) {
    if (!(aux.tp_status & TP_STATUS_VLAN_VALID) || frame.size() < 12) return;
    const std::uint16_t type = aux.tp_status & TP_STATUS_VLAN_TPID_VALID ? aux.tp_vlan_tpid : ETH_P_8021Q;
    const Bytes tag = {static_cast<std::uint8_t>(type >> 8), static_cast<std::uint8_t>(type),
                       static_cast<std::uint8_t>(aux.tp_vlan_tci >> 8), static_cast<std::uint8_t>(aux.tp_vlan_tci)};
    frame.insert(frame.begin() + 12, tag.begin(), tag.end());
}

}  // namespace

Tap::Tap(const std::string& interface) : fd_(socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, htons(ETH_P_ALL))) {
    const int on = 1, room = 64 << 20;  // for a whole flood at once
    sockaddr_ll address{};
    address.sll_family = AF_PACKET;
    address.sll_protocol = htons(ETH_P_ALL);
    address.sll_ifindex = static_cast<int>(if_nametoindex(interface.c_str()));
    setsockopt(fd_.get(), SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof room);
    setsockopt(fd_.get(), SOL_PACKET, PACKET_AUXDATA, &on, sizeof on);
    setsockopt(fd_.get(), SOL_PACKET, PACKET_IGNORE_OUTGOING, &on, sizeof on);
    if (::bind(fd_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) fd_ = Fd();
    // What came between socket() and bind() is from other interfaces.
    Bytes stray;
    while (receive(stray, 0)) continue;
}

bool Tap::receive(Bytes& into, int timeout_ms) {
    pollfd wait{fd_.get(), POLLIN, 0};
    if (poll(&wait, 1, timeout_ms) <= 0) return false;
    into.resize(65536 + 64);
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(tpacket_auxdata))];
    iovec part{into.data(), into.size()};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    const ssize_t bytes = recvmsg(fd_.get(), &message, MSG_DONTWAIT);
    if (bytes < 0) return false;
    into.resize(static_cast<std::size_t>(bytes));
    for (cmsghdr* c = CMSG_FIRSTHDR(&message); c; c = CMSG_NXTHDR(&message, c)) {
        if (c->cmsg_level != SOL_PACKET || c->cmsg_type != PACKET_AUXDATA) continue;
        tpacket_auxdata aux;
        std::memcpy(&aux, CMSG_DATA(c), sizeof aux);
        last_sum_partial_ = aux.tp_status & TP_STATUS_CSUMNOTREADY;
        put_tag_back(into, aux);
    }
    return true;
}

std::vector<Bytes> Tap::take(std::size_t count) {
    std::vector<Bytes> frames;
    Bytes one;
    while (frames.size() < count && receive(one, WAIT_MS)) frames.push_back(one);
    while (receive(one, LINGER_MS)) frames.push_back(one);
    return frames;
}

bool Tap::send(const Bytes& frame) const {
    return ::send(fd_.get(), frame.data(), frame.size(), 0) == static_cast<ssize_t>(frame.size());
}

}  // namespace weft::test

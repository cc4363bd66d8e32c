// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include "announce.hpp"

#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <sys/socket.h>

namespace weft {

Result<Announcer> Announcer::open() {
    Fd socket(::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));  // protocol 0: it receives nothing
    if (!socket) return fail_errno("open a packet socket for announcements");
    return Announcer(std::move(socket));
}

std::size_t Announcer::drop(const VlanExit& exit) {
    return std::erase_if(queue_, [&](const Item& item) {
        return item.exit.ifindex == exit.ifindex && item.exit.vid == exit.vid && item.exit.protocol == exit.protocol;
    });
}

// False: the socket is full. On any other error the frame is lost.
bool Announcer::try_send(const VlanExit& exit, const std::vector<std::uint8_t>& frame) {
    sockaddr_ll to{};
    to.sll_family = AF_PACKET;
    to.sll_protocol = htons(exit.vid ? exit.protocol : std::uint16_t{ETH_P_RARP});
    to.sll_ifindex = static_cast<int>(exit.ifindex);
    const auto done = sendto(socket_.get(), frame.data(), frame.size(), MSG_DONTWAIT,
                             reinterpret_cast<const sockaddr*>(&to), sizeof to);
    if (done > 0) ++sent_;
    return done >= 0 || errno != EAGAIN;
}

void Announcer::send(const VlanExit& exit, const std::vector<std::uint8_t>& frame) { (void)try_send(exit, frame); }

void Announcer::send_some() {
    for (std::size_t i = 0; i < FRAMES_PER_TURN && !queue_.empty(); ++i) {
        if (!try_send(queue_.front().exit, queue_.front().frame)) return;  // the next turn
        queue_.pop_front();
    }
}

}  // namespace weft

// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include "announce.hpp"

#include <arpa/inet.h>
#include <linux/if_arp.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <sys/socket.h>

#include <algorithm>

namespace weft {

namespace {

constexpr std::uint16_t RARP_REQUEST = 3;  // RFC 903
constexpr std::size_t LEAST_FRAME = 60;

class Writer {
public:
    Writer& mac(const Mac& mac) { return bytes(mac.bytes); }
    Writer& number(std::uint16_t value) {
        out_.push_back(static_cast<std::uint8_t>(value >> 8));
        out_.push_back(static_cast<std::uint8_t>(value));
        return *this;
    }
    Writer& ip(const Ip& ip) { return bytes(std::span(ip.bytes).last(4)); }
    std::vector<std::uint8_t> frame() {
        out_.resize(std::max(out_.size(), LEAST_FRAME));
        return std::move(out_);
    }

private:
    Writer& bytes(std::span<const std::uint8_t> more) {
        out_.insert(out_.end(), more.begin(), more.end());
        return *this;
    }
    std::vector<std::uint8_t> out_;
};

const Mac ALL{{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}};
const Ip NOBODY = *Ip::parse("0.0.0.0");

Writer head(const Mac& source, const VlanExit& exit, std::uint16_t type) {
    Writer out;
    out.mac(ALL).mac(source);
    if (exit.vid) out.number(exit.protocol).number(exit.vid);
    out.number(type).number(ARPHRD_ETHER).number(ETH_P_IP).number(ETH_ALEN << 8 | 4);
    return out;
}

}  // namespace

std::vector<std::uint8_t> rarp_frame(const Mac& mac, const VlanExit& exit) {
    return head(mac, exit, ETH_P_RARP).number(RARP_REQUEST).mac(mac).ip(NOBODY).mac(mac).ip(NOBODY).frame();
}

std::vector<std::uint8_t> probe_frame(const Ip& address, const Mac& asker, const VlanExit& exit) {
    return head(asker, exit, ETH_P_ARP).number(ARPOP_REQUEST).mac(asker).ip(NOBODY).mac(Mac{}).ip(address).frame();
}

Result<Announcer> Announcer::open() {
    Fd socket(::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));  // protocol 0: it receives nothing
    if (!socket) return fail_errno("open a packet socket for announcements");
    return Announcer(std::move(socket));
}

void Announcer::drop(const VlanExit& exit) {
    std::erase_if(queue_, [&](const Item& item) {
        return item.exit.ifindex == exit.ifindex && item.exit.vid == exit.vid && item.exit.protocol == exit.protocol;
    });
}

void Announcer::send_some() {
    for (std::size_t i = 0; i < FRAMES_PER_TURN && !queue_.empty(); ++i) {
        const Item& item = queue_.front();
        sockaddr_ll to{};
        to.sll_family = AF_PACKET;
        to.sll_protocol = htons(item.exit.vid ? item.exit.protocol : std::uint16_t{ETH_P_RARP});
        to.sll_ifindex = static_cast<int>(item.exit.ifindex);
        const auto done = sendto(socket_.get(), item.frame.data(), item.frame.size(), MSG_DONTWAIT,
                                 reinterpret_cast<const sockaddr*>(&to), sizeof to);
        if (done < 0 && errno == EAGAIN) return;  // the next turn; on any other error the frame is lost
        if (done > 0) ++sent_;
        queue_.pop_front();
    }
}

}  // namespace weft

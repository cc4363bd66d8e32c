// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include "announce.hpp"

#include <arpa/inet.h>
#include <linux/if_arp.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <netinet/icmp6.h>
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
    Writer& address(const Ip& ip) { return bytes(ip.bytes); }
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

Writer ethernet(const Mac& source, const VlanExit& exit, std::uint16_t type, const Mac& to = ALL) {
    Writer out;
    out.mac(to).mac(source);
    if (exit.vid) out.number(exit.protocol).number(exit.vid);
    out.number(type);
    return out;
}

Writer head(const Mac& source, const VlanExit& exit, std::uint16_t type) {
    Writer out = ethernet(source, exit, type);
    out.number(ARPHRD_ETHER).number(ETH_P_IP).number(ETH_ALEN << 8 | 4);
    return out;
}

}  // namespace

std::vector<std::uint8_t> rarp_frame(const Mac& mac, const VlanExit& exit) {
    return head(mac, exit, ETH_P_RARP).number(RARP_REQUEST).mac(mac).ip(NOBODY).mac(mac).ip(NOBODY).frame();
}

std::vector<std::uint8_t> probe_frame(const Ip& address, const Mac& asker, const VlanExit& exit) {
    return head(asker, exit, ETH_P_ARP).number(ARPOP_REQUEST).mac(asker).ip(NOBODY).mac(Mac{}).ip(address).frame();
}

std::vector<std::uint8_t> solicitation_frame(const Ip& address, const Mac& asker, const VlanExit& exit) {
    constexpr std::uint16_t ICMP_BYTES = 24;
    Ip group = *Ip::parse("ff02::1:ff00:0");  // solicited-node, RFC 4291 §2.7.1
    std::copy_n(address.bytes.end() - 3, 3, group.bytes.end() - 3);
    const Mac to{{0x33, 0x33, 0xff, group.bytes[13], group.bytes[14], group.bytes[15]}};
    // The pseudo-header's and the message's own words, as numbers: RFC 8200 §8.1.
    std::uint64_t sum = ICMP_BYTES + IPPROTO_ICMPV6 + (ND_NEIGHBOR_SOLICIT << 8);
    for (const Ip& one : {group, address})
        for (std::size_t i = 0; i < one.bytes.size(); i += 2) sum += one.bytes[i] << 8 | one.bytes[i + 1];
    while (sum >> 16) sum = (sum & 0xffff) + (sum >> 16);
    Writer out = ethernet(asker, exit, ETH_P_IPV6, to);
    out.number(0x6000).number(0).number(ICMP_BYTES).number(IPPROTO_ICMPV6 << 8 | 255);
    out.address(Ip{}).address(group);
    out.number(ND_NEIGHBOR_SOLICIT << 8).number(static_cast<std::uint16_t>(~sum)).number(0).number(0);
    return out.address(address).frame();
}

std::vector<std::uint8_t> hello_frame(const Mac& source, std::uint16_t priority, const Ip& vtep, const VlanExit& exit) {
    Writer out = ethernet(source, exit, CHECK_PROTOCOL);
    out.number(priority).number(HELLO_MAGIC >> 16).number(HELLO_MAGIC & 0xffff);
    return out.address(vtep).frame();
}

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

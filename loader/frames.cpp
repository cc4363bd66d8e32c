// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include "frames.hpp"

#include <linux/if_arp.h>
#include <linux/if_ether.h>
#include <netinet/icmp6.h>

#include <algorithm>
#include <span>

#include "abi.h"

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

Writer head(const Mac& source, const VlanExit& exit, std::uint16_t type, const Mac& to = ALL) {
    Writer out = ethernet(source, exit, type, to);
    out.number(ARPHRD_ETHER).number(ETH_P_IP).number(ETH_ALEN << 8 | 4);
    return out;
}

// RFC 4291 §2.7.1
Ip solicited_node(const Ip& address) {
    Ip group = *Ip::parse("ff02::1:ff00:0");
    std::copy_n(address.bytes.end() - 3, 3, group.bytes.end() - 3);
    return group;
}

Mac group_mac(const Ip& address) {
    return {{0x33, 0x33, 0xff, address.bytes[13], address.bytes[14], address.bytes[15]}};
}

std::uint64_t words(std::span<const std::uint8_t> bytes) {
    std::uint64_t sum = 0;
    for (std::size_t i = 0; i + 1 < bytes.size(); i += 2) sum += bytes[i] << 8 | bytes[i + 1];
    return sum;
}

// A solicitation behind its Ethernet header, with the asker's MAC as its option if there is one (RFC 4861 §4.3). The
// sum is of the pseudo-header's and the message's own words, as numbers: RFC 8200 §8.1.
Writer& solicit(Writer& out, const Ip& source, const Ip& destination, const Ip& target, const std::optional<Mac>& mac) {
    constexpr std::uint16_t OPTION = ND_OPT_SOURCE_LINKADDR << 8 | 1;
    const std::uint16_t icmp_bytes = mac ? 32 : 24;
    std::uint64_t sum = icmp_bytes + IPPROTO_ICMPV6 + (ND_NEIGHBOR_SOLICIT << 8);
    sum += words(source.bytes) + words(destination.bytes) + words(target.bytes);
    if (mac) sum += OPTION + words(mac->bytes);
    while (sum >> 16) sum = (sum & 0xffff) + (sum >> 16);
    out.number(0x6000).number(0).number(icmp_bytes).number(IPPROTO_ICMPV6 << 8 | 255);
    out.address(source).address(destination);
    out.number(ND_NEIGHBOR_SOLICIT << 8).number(static_cast<std::uint16_t>(~sum)).number(0).number(0).address(target);
    if (mac) out.number(OPTION).mac(*mac);
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
    Writer out = ethernet(asker, exit, ETH_P_IPV6, group_mac(address));
    return solicit(out, Ip{}, solicited_node(address), address, {}).frame();
}

std::vector<std::uint8_t> question_frame(const Asker& asker, const Ip& target, const std::optional<Mac>& to) {
    if (target.is_v4()) {
        Writer out = head(asker.mac, {}, ETH_P_ARP, to.value_or(ALL));
        return out.number(ARPOP_REQUEST).mac(asker.mac).ip(asker.address).mac(Mac{}).ip(target).frame();
    }
    Writer out = ethernet(asker.mac, {}, ETH_P_IPV6, to.value_or(group_mac(target)));
    return solicit(out, asker.address, to ? target : solicited_node(target), target, asker.mac).frame();
}

std::vector<std::uint8_t> hello_frame(const Mac& source, std::uint16_t priority, const Ip& vtep, const VlanExit& exit) {
    Writer out = ethernet(source, exit, CHECK_PROTOCOL);
    out.number(priority).number(HELLO_MAGIC >> 16).number(HELLO_MAGIC & 0xffff);
    return out.address(vtep).frame();
}

}  // namespace weft

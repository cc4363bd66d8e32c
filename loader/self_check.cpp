// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include "self_check.hpp"

#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/ipv6.h>
#include <linux/udp.h>
#include <netinet/ip.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <thread>

#include "probe.hpp"

namespace weft {

namespace {

using Bytes = std::vector<std::uint8_t>;

constexpr std::size_t INNER_BYTES = 60, VXLAN_BYTES = 8;
constexpr std::array<std::uint8_t, 6> NEAREST_BRIDGE{0x01, 0x80, 0xc2, 0x00, 0x00, 0x0e};  // no bridge forwards it
constexpr std::array<std::uint8_t, 6> SENDER{0x02, 0x00, 0x00, 0x00, 0x00, 0x01};
constexpr std::array<std::uint8_t, 4> NO_OPERATION{1, 1, 1, 1};  // IPv4 options that say nothing, RFC 791 §3.1
// A destination options header that holds padding only (RFC 8200 §4.2, §4.6), UDP behind it.
constexpr std::array<std::uint8_t, 8> PADDING{IPPROTO_UDP, 0, 1, 4, 0, 0, 0, 0};

constexpr auto PATIENCE = std::chrono::milliseconds(250), STEP = std::chrono::milliseconds(1);

template <typename T>
void append(Bytes& to, const T& header) {
    const auto* at = reinterpret_cast<const std::uint8_t*>(&header);
    to.insert(to.end(), at, at + sizeof header);
}

void append_ethernet(Bytes& to, const std::array<std::uint8_t, 6>& destination, std::uint16_t protocol) {
    append(to, destination);
    append(to, SENDER);
    append(to, htons(protocol));
}

// RFC 1071 over `bytes` from `from` on.
std::uint16_t checksum(const Bytes& frame, std::size_t from, std::size_t bytes) {
    std::uint32_t sum = 0;
    for (std::size_t i = from; i < from + bytes; i += 2)
        sum += static_cast<std::uint32_t>(frame[i] << 8 | frame[i + 1]);
    while (sum >> 16) sum = (sum & 0xffff) + (sum >> 16);
    return static_cast<std::uint16_t>(~sum);
}

void append_ipv4(Bytes& to, const Ip& remote, const Ip& vtep, std::size_t payload) {
    iphdr ip{};
    const std::size_t start = to.size(), bytes = sizeof ip + NO_OPERATION.size();
    ip.version = 4;
    ip.ihl = bytes / 4;
    ip.tot_len = htons(static_cast<std::uint16_t>(bytes + payload));
    ip.ttl = 64;
    ip.protocol = IPPROTO_UDP;
    std::copy_n(remote.bytes.begin() + 12, 4, reinterpret_cast<std::uint8_t*>(&ip.saddr));
    std::copy_n(vtep.bytes.begin() + 12, 4, reinterpret_cast<std::uint8_t*>(&ip.daddr));
    append(to, ip);
    append(to, NO_OPERATION);
    const std::uint16_t check = checksum(to, start, bytes);
    to[start + 10] = static_cast<std::uint8_t>(check >> 8);
    to[start + 11] = static_cast<std::uint8_t>(check);
}

void append_ipv6(Bytes& to, const Ip& remote, const Ip& vtep, std::size_t payload) {
    ipv6hdr ip{};
    ip.version = 6;
    ip.payload_len = htons(static_cast<std::uint16_t>(PADDING.size() + payload));
    ip.nexthdr = IPPROTO_DSTOPTS;
    ip.hop_limit = 64;
    std::copy(remote.bytes.begin(), remote.bytes.end(), reinterpret_cast<std::uint8_t*>(&ip.saddr));
    std::copy(vtep.bytes.begin(), vtep.bytes.end(), reinterpret_cast<std::uint8_t*>(&ip.daddr));
    append(to, ip);
    append(to, PADDING);
}

Result<std::uint64_t> counted(const Accounts& accounts) {
    TRY(const auto rows, accounts.read(0));  // the tunnel device has no row of its own
    return rows[DROP_SELF_CHECK].packets;
}

}  // namespace

std::vector<std::uint8_t> self_check_frame(const Mac& uplink, const Ip& remote, const Ip& vtep, std::uint16_t port) {
    constexpr std::size_t udp_bytes = sizeof(udphdr) + VXLAN_BYTES + INNER_BYTES;
    Bytes frame;
    append_ethernet(frame, uplink.bytes, vtep.is_v4() ? ETH_P_IP : ETH_P_IPV6);
    vtep.is_v4() ? append_ipv4(frame, remote, vtep, udp_bytes) : append_ipv6(frame, remote, vtep, udp_bytes);
    udphdr udp{};  // without a checksum, which the tunnel device takes over IPv6 too
    udp.source = htons(SOURCE_PORT_MIN);
    udp.dest = htons(port);
    udp.len = htons(udp_bytes);
    append(frame, udp);
    append(frame, std::array{htonl(0x08000000), htonl(CHECK_VNI << 8)});
    const std::size_t inner = frame.size();
    append_ethernet(frame, NEAREST_BRIDGE, CHECK_PROTOCOL);
    frame.resize(inner + INNER_BYTES);
    return frame;
}

// A counter tells nobody that it moved. The packet comes through in the softirq that brought it in, so the first look
// finds it unless the host is busy.
Result<bool> passes_tunnel_device(const Link& uplink, const std::vector<std::uint8_t>& frame,
                                  const Accounts& accounts) {
    TRY(const std::uint64_t before, counted(accounts));
    TRY_OK(receive_as_if(uplink, frame));
    const auto end = std::chrono::steady_clock::now() + PATIENCE;
    while (true) {
        TRY(const std::uint64_t now, counted(accounts));
        if (now != before) return true;
        if (std::chrono::steady_clock::now() > end) return false;
        std::this_thread::sleep_for(STEP);
    }
}

}  // namespace weft

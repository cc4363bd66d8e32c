// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// The bytes of a next hop: Ethernet, IP, UDP, VXLAN (RFC 7348 §5) with what changes per packet left zero.
#include <linux/if_ether.h>
#include <linux/ipv6.h>
#include <linux/udp.h>
#include <netinet/in.h>
#include <netinet/ip.h>

#include <algorithm>
#include <cstring>

#include "nexthops.hpp"

namespace weft {

namespace {

struct vxlan_header {
    std::uint32_t flags, vni;
};

template <typename T>
void append(nexthop& out, const T& header) {
    std::memcpy(out.header + out.header_len, &header, sizeof header);
    out.header_len = static_cast<std::uint16_t>(out.header_len + sizeof header);
}

// RFC 1071: the 16-bit ones' complement sum in memory order, not complemented.
template <typename T>
std::uint32_t sum(const T& bytes) {
    static_assert(sizeof(T) % 2 == 0);
    std::uint16_t words[sizeof(T) / 2];
    std::memcpy(words, &bytes, sizeof words);
    std::uint32_t total = 0;
    for (auto word : words) total += word;
    return total;
}

std::uint16_t fold(std::uint32_t total) {
    while (total >> 16) total = (total & 0xffff) + (total >> 16);
    return static_cast<std::uint16_t>(total);
}

ethhdr ethernet(const Path& path, std::uint16_t protocol) {
    ethhdr out{};
    path.gateway_mac.copy_to(out.h_dest);
    path.source_mac.copy_to(out.h_source);
    out.h_proto = htons(protocol);
    return out;
}

// The configured DSCP. The ECN bits are the inner packet's (RFC 6040).
std::uint8_t dscp(const Vtep& vtep) { return vtep.tos.value_or(0) & 0xfc; }

iphdr ipv4(const Vtep& vtep, const Ip& remote) {
    iphdr out{};
    out.version = 4;
    out.ihl = 5;
    out.tos = dscp(vtep);
    out.frag_off = htons(vtep.df ? IP_DF : 0);
    out.ttl = vtep.ttl;
    out.protocol = IPPROTO_UDP;
    std::memcpy(&out.saddr, vtep.address.bytes.data() + 12, 4);
    std::memcpy(&out.daddr, remote.bytes.data() + 12, 4);
    return out;
}

ipv6hdr ipv6(const Vtep& vtep, const Ip& remote) {
    ipv6hdr out{};
    const std::uint32_t first = htonl(6u << 28 | std::uint32_t{dscp(vtep)} << 20);
    std::memcpy(&out, &first, sizeof first);
    out.nexthdr = IPPROTO_UDP;
    out.hop_limit = vtep.ttl;
    std::memcpy(&out.saddr, vtep.address.bytes.data(), 16);
    std::memcpy(&out.daddr, remote.bytes.data(), 16);
    return out;
}

std::uint16_t flags_of(const Path& path, bool v4) {
    std::uint16_t flags = NEXTHOP_IN_USE;
    if (!v4) flags |= NEXTHOP_IPV6;
    if (path.device_only) flags |= NEXTHOP_DEVICE;
    if (path.resolved) flags |= NEXTHOP_RESOLVED;
    if (path.resolved && path.xdp_tx) flags |= NEXTHOP_XDP_TX;
    return flags;
}

}  // namespace

nexthop make_nexthop(const Vtep& vtep, const Ip& remote, std::uint32_t vni, const Path& path) {
    const bool v4 = remote.is_v4();
    const vxlan_header vxlan{htonl(0x08000000), htonl(vni << 8)};
    udphdr udp{};
    udp.dest = htons(vtep.port);
    nexthop out{};
    out.ifindex = path.ifindex;
    out.flags = flags_of(path, v4);
    // Not known: the kernel's device decides, or nobody. The programs take the overhead off without a look.
    out.mtu =
        path.mtu ? std::max<std::uint16_t>(path.mtu, v4 ? VXLAN4_OVERHEAD_BYTES : VXLAN6_OVERHEAD_BYTES) : UINT16_MAX;
    out.vni = vni;
    append(out, ethernet(path, v4 ? ETH_P_IP : ETH_P_IPV6));
    if (v4) {
        const auto ip = ipv4(vtep, remote);
        append(out, ip);
        out.csum_base = fold(sum(ip));
    } else {
        const auto ip = ipv6(vtep, remote);
        append(out, ip);
        out.csum_base = fold(sum(ip.saddr) + sum(ip.daddr) + htons(IPPROTO_UDP) + udp.dest + sum(vxlan));
    }
    append(out, udp);
    append(out, vxlan);
    return out;
}

}  // namespace weft

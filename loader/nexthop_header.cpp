// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// The bytes of a next hop: Ethernet, IP, then UDP and VXLAN (RFC 7348 §5) or GRE (RFC 7637 §3.2), with what changes per
// packet left zero.
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

struct nvgre_header {
    std::uint16_t flags, protocol;
    std::uint32_t key;
};
constexpr std::uint16_t GRE_HAS_KEY = 0x2000;

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

iphdr ipv4(const Vtep& vtep, const Ip& remote, std::uint8_t protocol) {
    iphdr out{};
    out.version = 4;
    out.ihl = 5;
    out.tos = dscp(vtep);
    out.frag_off = htons(vtep.df ? IP_DF : 0);
    out.ttl = vtep.ttl;
    out.protocol = protocol;
    std::memcpy(&out.saddr, vtep.address.bytes.data() + 12, 4);
    std::memcpy(&out.daddr, remote.bytes.data() + 12, 4);
    return out;
}

ipv6hdr ipv6(const Vtep& vtep, const Ip& remote, std::uint8_t protocol) {
    ipv6hdr out{};
    const std::uint32_t first = htonl(6u << 28 | std::uint32_t{dscp(vtep)} << 20);
    std::memcpy(&out, &first, sizeof first);
    out.nexthdr = protocol;
    out.hop_limit = vtep.ttl;
    std::memcpy(&out.saddr, vtep.address.bytes.data(), 16);
    std::memcpy(&out.daddr, remote.bytes.data(), 16);
    return out;
}

// Ethernet and IP. csum_base: IPv4's share of it.
void append_outer(nexthop& out, const Vtep& vtep, const Ip& remote, const Path& path, std::uint8_t protocol) {
    append(out, ethernet(path, remote.is_v4() ? ETH_P_IP : ETH_P_IPV6));
    if (remote.is_v4()) {
        const auto ip = ipv4(vtep, remote, protocol);
        append(out, ip);
        out.csum_base = fold(sum(ip));
    } else {
        append(out, ipv6(vtep, remote, protocol));
    }
}

void append_vxlan(nexthop& out, const Vtep& vtep, const Ip& remote) {
    const vxlan_header vxlan{htonl(0x08000000), htonl(out.vni << 8)};
    udphdr udp{};
    udp.dest = htons(vtep.port);
    append(out, udp);
    append(out, vxlan);
    if (!remote.is_v4())
        out.csum_base = fold(sum(vtep.address.bytes) + sum(remote.bytes) + htons(IPPROTO_UDP) + udp.dest + sum(vxlan));
}

void append_nvgre(nexthop& out) {
    append(out, nvgre_header{htons(GRE_HAS_KEY), htons(ETH_P_TEB), htonl(number_of(out.vni) << 8)});
}

std::uint16_t flags_of(const Path& path, bool v4, bool nvgre) {
    std::uint16_t flags = NEXTHOP_IN_USE;
    if (nvgre) flags |= NEXTHOP_NVGRE;
    if (!v4) flags |= NEXTHOP_IPV6;
    if (path.device_only) flags |= NEXTHOP_DEVICE;
    if (path.resolved) flags |= NEXTHOP_RESOLVED;
    if (path.resolved && path.xdp_tx) flags |= NEXTHOP_XDP_TX;
    return flags;
}

}  // namespace

nexthop make_nexthop(const Vtep& vtep, const Ip& remote, std::uint32_t network, const Path& path) {
    const bool nvgre = is_nvgre(network);
    nexthop out{};
    out.ifindex = path.ifindex;
    out.flags = flags_of(path, remote.is_v4(), nvgre);
    out.vni = network;
    append_outer(out, vtep, remote, path, nvgre ? IPPROTO_GRE : IPPROTO_UDP);
    if (nvgre)
        append_nvgre(out);
    else
        append_vxlan(out, vtep, remote);
    // Not known: the kernel's device decides, or nobody. The programs take the overhead off without a look.
    out.mtu = path.mtu ? std::max(path.mtu, out.header_len) : UINT16_MAX;
    return out;
}

}  // namespace weft

// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// The document's VTEP and limits as the programs take them (struct config, set before load).
#include <arpa/inet.h>

#include <algorithm>

#include "engine.hpp"

namespace weft {

namespace {

constexpr std::uint32_t ICMP_BURST = 10, ARP_BURST = 50, PUNT_BURST = 100;
constexpr std::uint16_t VXLAN_PORT = 4789;

std::uint32_t interval_ns(std::uint32_t per_second) { return per_second ? 1'000'000'000u / per_second : 0; }

std::uint32_t flags_of(const Vtep& vtep) {
    std::uint32_t flags = 0;
    if (!vtep.address.is_v4()) flags |= CONFIG_IPV6;
    if (vtep.drop_reserved_bits) flags |= CONFIG_DROP_RESERVED;
    if (vtep.accept_any) flags |= CONFIG_ACCEPT_ANY;
    if (!vtep.tos) flags |= CONFIG_TOS_INHERIT;
    if (vtep.udp6_zero_checksum) flags |= CONFIG_UDP6_ZERO;
    if (vtep.accept_zero_checksum6) flags |= CONFIG_ACCEPT_ZERO_UDP6;
    if (vtep.df) flags |= CONFIG_DF;
    return flags;
}

}  // namespace

bool has_nvgre(const Document& document) {
    return std::ranges::any_of(document.segments,
                               [](const Segment& one) { return one.encapsulation == Encapsulation::Nvgre; });
}

::config settings_of(const Document& document, const TunnelDevices& devices) {
    ::config settings{};
    settings.port = htons(VXLAN_PORT);
    if (document.vtep) {
        settings.vtep = document.vtep->address.raw();
        settings.flags = flags_of(*document.vtep);
        settings.port = htons(document.vtep->port);
        settings.tos = static_cast<__u8>(document.vtep->tos.value_or(0) & 0xfc);
        settings.ttl = document.vtep->ttl;
        settings.tunnel_ifindex = devices.vxlan;
        settings.nvgre_ifindex = devices.gretap;
        if (has_nvgre(document)) settings.flags |= CONFIG_NVGRE;
        if (!document.routing_domains.empty()) settings.flags |= CONFIG_ROUTING;
    }
    if (!document.bridges.empty() || !document.switches.empty()) settings.flags |= CONFIG_VLANS;
    settings.icmp_interval_ns = interval_ns(document.limits.icmp_errors_pps);
    settings.icmp_burst = ICMP_BURST;
    settings.arp_interval_ns = interval_ns(document.limits.arp_pps);
    settings.arp_burst = ARP_BURST;
    settings.punt_interval_ns = interval_ns(document.limits.punt_pps);
    settings.punt_burst = PUNT_BURST;
    return settings;
}

}  // namespace weft

// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// The bytes of a copy: the programs' own parsers and hash, and their arithmetic once more for whole frames.
#include <arpa/inet.h>

#include <cstddef>
#include <cstring>
#include <optional>

#include "../bpf/classify.h"
#include "../bpf/hash.h"
#include "flood.hpp"

namespace weft {

namespace {

// RFC 1071 in memory order; an odd last byte counts as if a zero followed.
std::uint64_t sum(std::span<const std::uint8_t> bytes) {
    std::uint64_t total = 0;
    for (std::size_t i = 0; i + 1 < bytes.size(); i += 2) {
        std::uint16_t word;
        std::memcpy(&word, bytes.data() + i, sizeof word);
        total += word;
    }
    if (bytes.size() % 2) total += htons(static_cast<std::uint16_t>(bytes.back() << 8));
    return total;
}

void put16(std::uint8_t* at, std::uint16_t value) { std::memcpy(at, &value, sizeof value); }

// What an L4 checksum covers: its place in the frame, and its pseudo-header's sum.
struct Covered {
    std::size_t offset = 0, bytes = 0;
    std::uint8_t protocol = 0;
    std::uint64_t pseudo = 0;
};

std::optional<Covered> segment4(cursor c, std::span<const std::uint8_t> frame) {
    const auto* ip = take_ipv4(&c);
    if (!ip || ipv4_is_fragment(ip) || !skip_ipv4_options(&c, ip)) return std::nullopt;
    Covered out;
    out.offset = static_cast<std::size_t>(c.at - frame.data());
    const std::size_t header = static_cast<std::size_t>(ipv4_header_bytes(ip)), total = ntohs(ip->total_bytes);
    if (total < header || out.offset + total - header > frame.size()) return std::nullopt;
    out.bytes = total - header;
    out.protocol = ip->protocol;
    const auto* addresses = reinterpret_cast<const std::uint8_t*>(ip) + offsetof(ipv4_header, source);
    out.pseudo = sum({addresses, 8}) + htons(out.protocol) + htons(static_cast<std::uint16_t>(out.bytes));
    return out;
}

std::optional<Covered> segment6(cursor c, std::span<const std::uint8_t> frame) {
    const auto* ip = take_ipv6(&c);
    if (!ip) return std::nullopt;
    Covered out;
    out.offset = static_cast<std::size_t>(c.at - frame.data());
    out.bytes = ntohs(ip->payload_bytes);
    out.protocol = ip->next_header;
    if (out.offset + out.bytes > frame.size()) return std::nullopt;
    const auto* addresses = reinterpret_cast<const std::uint8_t*>(ip) + offsetof(ipv6_header, source);
    out.pseudo = sum({addresses, 32}) + htons(out.protocol) + htons(static_cast<std::uint16_t>(out.bytes));
    return out;
}

std::optional<Covered> find_segment(std::span<const std::uint8_t> frame) {
    cursor c{frame.data(), frame.data() + frame.size()};
    const auto* ethernet = take_ethernet(&c);
    if (!ethernet) return std::nullopt;
    switch (ntohs(skip_tags(&c, ethernet->protocol))) {
        case ETH_P_IP: return segment4(c, frame);
        case ETH_P_IPV6: return segment6(c, frame);
        default: return std::nullopt;
    }
}

// Where the check field lies in the segment; none for what has no such checksum.
std::optional<std::size_t> check_offset(std::uint8_t protocol) {
    switch (protocol) {
        case PROTOCOL_TCP: return 16;
        case PROTOCOL_UDP: return 6;
        case PROTOCOL_ICMP6: return 2;
        default: return std::nullopt;
    }
}

// A UDP sum of zero would mean that there is none (RFC 768).
std::uint16_t udp_check(std::uint64_t total) {
    const auto check = static_cast<std::uint16_t>(~fold(total));
    return check ? check : 0xffff;
}

void finish4(std::uint8_t* ip, const nexthop& hop, const InnerFrame& inner, std::uint16_t payload_bytes) {
    const auto total = htons(static_cast<std::uint16_t>(ntohs(payload_bytes) + IPV4_BYTES));
    ip[offsetof(ipv4_header, tos)] = static_cast<std::uint8_t>(ip[offsetof(ipv4_header, tos)] + inner.tos);
    put16(ip + offsetof(ipv4_header, total_bytes), total);
    const auto check = static_cast<std::uint16_t>(~fold(std::uint64_t{hop.csum_base} + total + htons(inner.tos)));
    put16(ip + offsetof(ipv4_header, check), check);
}

void finish6(std::uint8_t* ip, const InnerFrame& inner, std::uint16_t payload_bytes) {
    ip[0] = static_cast<std::uint8_t>(ip[0] | inner.tos >> 4);
    ip[1] = static_cast<std::uint8_t>(ip[1] | inner.tos << 4);
    put16(ip + offsetof(ipv6_header, payload_bytes), payload_bytes);
}

bool wants_full_checksum(const nexthop& hop, const config& settings) {
    return hop.flags & NEXTHOP_IPV6 && !(settings.flags & CONFIG_UDP6_ZERO);
}

}  // namespace

std::uint16_t source_port(std::span<const std::uint8_t> frame) {
    return flow_source_port(frame.data(), frame.data() + frame.size());
}

void finish_checksum(std::span<std::uint8_t> frame) {
    const auto segment = find_segment(frame);
    const auto check = segment ? check_offset(segment->protocol) : std::nullopt;
    if (!check || *check + 2 > segment->bytes) return;
    std::uint8_t* field = frame.data() + segment->offset + *check;
    std::uint16_t found;
    std::memcpy(&found, field, sizeof found);
    if (found != fold(segment->pseudo)) return;
    put16(field, 0);
    const auto total = segment->pseudo + sum(frame.subspan(segment->offset, segment->bytes));
    put16(field, segment->protocol == PROTOCOL_UDP ? udp_check(total) : static_cast<std::uint16_t>(~fold(total)));
}

InnerFrame describe(const config& settings, std::span<const std::uint8_t> frame) {
    InnerFrame out;
    out.source_port = source_port(frame);
    out.flow = flow_id(frame.data(), frame.data() + frame.size());
    out.tos = inner_tos(frame.data(), frame.data() + frame.size());
    if (!(settings.flags & CONFIG_TOS_INHERIT)) out.tos &= ECN_MASK;
    out.bytes.assign(frame.begin(), frame.end());
    finish_checksum(out.bytes);
    if (settings.flags & CONFIG_IPV6 && !(settings.flags & CONFIG_UDP6_ZERO)) out.sum = fold(sum(out.bytes));
    return out;
}

std::vector<std::uint8_t> outer_header(const nexthop& hop, const config& settings, const InnerFrame& inner) {
    std::vector<std::uint8_t> out(hop.header, hop.header + hop.header_len);
    const bool v6 = hop.flags & NEXTHOP_IPV6, nvgre = hop.flags & NEXTHOP_NVGRE;
    std::uint8_t* ip = out.data() + ETH_HLEN;
    std::uint8_t* udp = ip + (v6 ? IPV6_BYTES : IPV4_BYTES);
    const auto tunnel_bytes = nvgre ? GRE_BYTES : UDP_BYTES + VXLAN_BYTES;
    const auto payload_bytes = htons(static_cast<std::uint16_t>(tunnel_bytes + inner.bytes.size()));
    const auto port = htons(inner.source_port);
    if (v6)
        finish6(ip, inner, payload_bytes);
    else
        finish4(ip, hop, inner, payload_bytes);
    if (nvgre) {
        out.back() = inner.flow;
        return out;
    }
    const auto udp_bytes = payload_bytes;
    put16(udp + offsetof(udp_header, source), port);
    put16(udp + offsetof(udp_header, bytes), udp_bytes);
    if (wants_full_checksum(hop, settings))  // the length stands in the pseudo-header and in UDP's own
        put16(udp + offsetof(udp_header, check),
              udp_check(std::uint64_t{hop.csum_base} + udp_bytes + udp_bytes + port + inner.sum));
    return out;
}

std::vector<std::uint8_t> encapsulate(const nexthop& hop, const config& settings, std::span<const std::uint8_t> frame) {
    const auto inner = describe(settings, frame);
    auto out = outer_header(hop, settings, inner);
    out.insert(out.end(), inner.bytes.begin(), inner.bytes.end());
    return out;
}

}  // namespace weft

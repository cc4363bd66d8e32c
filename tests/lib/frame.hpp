// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// The tests' frame builder. Headers nest, lengths, types and checksums are filled unless told otherwise:
//
//   frame(Eth{.dst = b, .src = a}, Ip4{.src = "192.0.2.1", .dst = "192.0.2.2"}, Udp{.dport = 4789, .sum = Sum::ZERO},
//         Vxlan{.vni = 5001}, Eth{…}, Ip4{…}, Icmp4{.type = 8}, payload(56))
//
// It shares no code with the programs under test: it writes bytes from the RFCs. Addresses are text for readability; a
// text that is no address ends the test binary.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "net.hpp"

namespace weft::test {

using Bytes = std::vector<std::uint8_t>;

// What stands in a checksum field. PARTIAL is the folded pseudo-header sum, what a sender with checksum offload leaves
// there (CHECKSUM_PARTIAL); WRONG is the right sum with one bit flipped.
enum class Sum { RIGHT, ZERO, PARTIAL, WRONG };

// A MAC or IP written as text, or as the value type.
struct MacText {
    Mac mac;
    MacText(const char* text);
    MacText(const Mac& value) : mac(value) {}
};
struct IpText {
    Ip ip;
    IpText(const char* text);
    IpText(const Ip& value) : ip(value) {}
};

struct Eth {
    MacText dst = "02:00:00:00:00:02", src = "02:00:00:00:00:01";
    std::optional<std::uint16_t> type{};
};
struct Vlan {  // 802.1Q by default; tpid 0x88a8 is 802.1ad
    std::uint16_t id = 1;
    std::uint8_t priority = 0;
    std::uint16_t tpid = 0x8100;
    std::optional<std::uint16_t> type{};
};
struct Arp {
    std::uint16_t op = 1;
    MacText sha = "02:00:00:00:00:01";
    IpText spa = "198.51.100.1";
    MacText tha = "00:00:00:00:00:00";
    IpText tpa = "198.51.100.2";
    std::uint16_t hrd = 1, pro = 0x0800;
    std::uint8_t hln = 6, pln = 4;
};
struct Ip4 {
    IpText src = "198.51.100.1", dst = "198.51.100.2";
    std::uint8_t ttl = 64, tos = 0;
    bool df = true, mf = false;
    std::uint16_t fragment = 0;  // offset in units of 8 bytes
    std::uint16_t id = 0;
    std::optional<std::uint8_t> protocol{}, version{}, header_words{};
    std::optional<std::uint16_t> length{};
    Sum sum = Sum::RIGHT;
    Bytes options{};  // a multiple of 4 bytes
};
struct Ip6 {
    IpText src = "2001:db8::1", dst = "2001:db8::2";
    std::uint8_t hops = 64, traffic_class = 0;
    std::uint32_t flow_label = 0;
    std::optional<std::uint8_t> next{}, version{};
    std::optional<std::uint16_t> length{};
};
struct Ip6Fragment {
    std::uint16_t offset = 0;  // in units of 8 bytes
    bool more = false;
    std::uint32_t id = 1;
    std::optional<std::uint8_t> next{};
};
struct Ip6HopByHop {  // 8 bytes, PadN
    std::optional<std::uint8_t> next{};
};
struct Udp {
    std::uint16_t sport = 40000, dport = 9;
    Sum sum = Sum::RIGHT;
    std::optional<std::uint16_t> length{};
};
struct Tcp {
    std::uint16_t sport = 40000, dport = 80;
    std::uint32_t seq = 0, ack = 0;
    std::uint8_t flags = 0x10;
    Sum sum = Sum::RIGHT;
};
struct Icmp4 {
    std::uint8_t type = 8, code = 0;
    std::uint32_t rest = 0;  // the second word, host order
    Sum sum = Sum::RIGHT;
};
struct Icmp6 {
    std::uint8_t type = 128, code = 0;
    std::uint32_t rest = 0;
    Sum sum = Sum::RIGHT;
};
struct Ns {  // neighbor solicitation, with a source link-layer address option if given
    IpText target = "2001:db8::2";
    std::optional<Mac> slla{};
    Bytes options{};  // raw, after the option
    std::uint8_t code = 0;
    Sum sum = Sum::RIGHT;
};
struct Na {
    IpText target = "2001:db8::2";
    bool router = false, solicited = true, override_flag = false;
    std::optional<Mac> tlla{};
    Bytes options{};
    std::uint8_t code = 0;
    Sum sum = Sum::RIGHT;
};
struct Vxlan {
    std::uint32_t vni = 5001;
    std::uint8_t flags = 0x08;
    std::uint32_t reserved24 = 0;
    std::uint8_t reserved8 = 0;
};
struct Gre {  // NVGRE's (RFC 7637 §3.2). What the flags of RFC 2784 and RFC 2890 announce is there, as zeros
    std::uint32_t vsid = 5001;
    std::uint8_t flow = 0;
    std::uint16_t flags = 0x2000, protocol = 0x6558;
};
struct Payload {
    Bytes bytes;
};

// count bytes 0, 1, 2, … from `first`.
Payload payload(std::size_t count, std::uint8_t first = 0);

using Layer = std::variant<Eth, Vlan, Arp, Ip4, Ip6, Ip6Fragment, Ip6HopByHop, Udp, Tcp, Icmp4, Icmp6, Ns, Na, Vxlan,
                           Gre, Payload>;

Bytes build(std::span<const Layer> layers);

template <typename... Layers>
Bytes frame(const Layers&... layers) {
    const Layer list[] = {layers...};
    return build(list);
}

Mac mac(const char* text);
Ip ip(const char* text);
// 33:33:… of an IPv6 multicast address; the solicited-node group of a unicast one (RFC 4291 §2.7.1).
Mac multicast_mac(const Ip& group);
Ip solicited_node(const Ip& address);

// Ones' complement arithmetic, for checks: the folded sum, not complemented.
std::uint16_t ones_sum(std::span<const std::uint8_t> bytes, std::uint32_t start = 0);
// The same with the pseudo-header of an L4 segment in front.
std::uint16_t l4_sum(const Ip& src, const Ip& dst, std::uint8_t protocol, std::span<const std::uint8_t> segment);

// One line per 16 bytes; rows that differ from `other` are marked.
std::string dump(std::span<const std::uint8_t> bytes, std::span<const std::uint8_t> other = {});

Bytes operator+(Bytes left, const Bytes& right);
Bytes cut(const Bytes& bytes, std::size_t from, std::size_t count = SIZE_MAX);

}  // namespace weft::test

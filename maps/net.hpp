// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// The network's value types, as text and as the kernel tables hold them: Mac, Ip, Prefix, Vni. Byte order: arrays are
// wire order, integers host order. Used by the daemon, the CLI and the tests; knows no kernel.
#pragma once

#include <arpa/inet.h>

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "abi.h"

namespace weft {

constexpr std::uint32_t VNI_MAX = 0xffffff;

struct Mac {
    std::array<std::uint8_t, 6> bytes{};

    // "02:00:00:00:00:01", any case; nothing else.
    static std::optional<Mac> parse(std::string_view text);
    static Mac of(const std::uint8_t (&raw)[6]);
    std::string text() const;  // lower case with colons
    void copy_to(std::uint8_t (&raw)[6]) const;

    bool is_multicast() const { return bytes[0] & 1; }  // broadcast too
    bool is_zero() const { return *this == Mac{}; }
    auto operator<=>(const Mac&) const = default;
};

// IPv4 or IPv6; IPv4 is kept as ::ffff:a.b.c.d (struct ip_address of abi.h).
struct Ip {
    std::array<std::uint8_t, 16> bytes{};

    static std::optional<Ip> parse(std::string_view text);
    static Ip of(const ip_address& raw);
    static Ip v4(std::uint32_t host_order);
    std::string text() const;
    ip_address raw() const;

    bool is_v4() const;
    std::array<std::uint8_t, 4> v4_bytes() const { return {bytes[12], bytes[13], bytes[14], bytes[15]}; }
    bool is_unspecified() const;  // 0.0.0.0 or ::
    bool is_multicast() const;    // 224.0.0.0/4, ff00::/8; 255.255.255.255 too
    bool is_loopback() const;
    bool is_link_local() const;  // fe80::/10 (RFC 4291 §2.5.6): the same address may be in every segment
    // An address a single host can own: not unspecified, multicast, broadcast, loopback or 0/8.
    bool is_host() const;
    auto operator<=>(const Ip&) const = default;
};

// An address and how many of its bits are the network's: "198.51.100.1/24". The bits behind them may be set (a
// gateway's address) or clear (a route's prefix).
struct Prefix {
    Ip address;
    std::uint8_t length = 0;  // 0 to 32 or 128

    static std::optional<Prefix> parse(std::string_view text);
    std::string text() const;

    bool is_v4() const { return address.is_v4(); }
    std::uint8_t bits() const { return static_cast<std::uint8_t>(is_v4() ? 96 + length : length); }  // of Ip::bytes
    bool is_one_address() const { return bits() == 128; }
    Prefix network() const;  // bits behind the prefix clear
    Ip last() const;         // and set: IPv4's broadcast address
    bool contains(const Ip& ip) const;
    bool overlaps(const Prefix& other) const;
    auto operator<=>(const Prefix&) const = default;
};

}  // namespace weft

template <>
struct std::hash<weft::Mac> {
    std::size_t operator()(const weft::Mac& mac) const noexcept {
        return std::hash<std::string_view>{}({reinterpret_cast<const char*>(mac.bytes.data()), mac.bytes.size()});
    }
};

template <>
struct std::hash<weft::Ip> {
    std::size_t operator()(const weft::Ip& ip) const noexcept {
        return std::hash<std::string_view>{}({reinterpret_cast<const char*>(ip.bytes.data()), ip.bytes.size()});
    }
};

// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include "net.hpp"

#include <algorithm>
#include <cstdio>
#include <cstring>

namespace weft {

namespace {

constexpr std::array<std::uint8_t, 12> V4_MAPPED = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

int hex_digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

}  // namespace

std::optional<Mac> Mac::parse(std::string_view text) {
    if (text.size() != 17) return std::nullopt;
    Mac mac;
    for (std::size_t i = 0; i < 6; ++i) {
        const int high = hex_digit(text[3 * i]), low = hex_digit(text[3 * i + 1]);
        if (high < 0 || low < 0 || (i < 5 && text[3 * i + 2] != ':')) return std::nullopt;
        mac.bytes[i] = static_cast<std::uint8_t>(high << 4 | low);
    }
    return mac;
}

Mac Mac::of(const std::uint8_t (&raw)[6]) {
    Mac mac;
    std::copy(std::begin(raw), std::end(raw), mac.bytes.begin());
    return mac;
}

std::string Mac::text() const {
    char out[18];
    std::snprintf(out, sizeof out, "%02x:%02x:%02x:%02x:%02x:%02x", bytes[0], bytes[1], bytes[2], bytes[3], bytes[4],
                  bytes[5]);
    return out;
}

void Mac::copy_to(std::uint8_t (&raw)[6]) const { std::copy(bytes.begin(), bytes.end(), std::begin(raw)); }

std::optional<Ip> Ip::parse(std::string_view text) {
    const std::string copy(text);
    Ip ip;
    std::copy(V4_MAPPED.begin(), V4_MAPPED.end(), ip.bytes.begin());
    if (inet_pton(AF_INET, copy.c_str(), ip.bytes.data() + 12) == 1) return ip;
    if (inet_pton(AF_INET6, copy.c_str(), ip.bytes.data()) == 1) return ip;
    return std::nullopt;
}

Ip Ip::of(const ip_address& raw) {
    Ip ip;
    std::copy(std::begin(raw.bytes), std::end(raw.bytes), ip.bytes.begin());
    return ip;
}

Ip Ip::v4(std::uint32_t host_order) {
    Ip ip;
    std::copy(V4_MAPPED.begin(), V4_MAPPED.end(), ip.bytes.begin());
    const std::uint32_t wire = htonl(host_order);
    std::memcpy(ip.bytes.data() + 12, &wire, 4);
    return ip;
}

std::string Ip::text() const {
    char out[INET6_ADDRSTRLEN];
    if (is_v4()) return inet_ntop(AF_INET, bytes.data() + 12, out, sizeof out);
    return inet_ntop(AF_INET6, bytes.data(), out, sizeof out);
}

ip_address Ip::raw() const {
    ip_address raw{};
    std::copy(bytes.begin(), bytes.end(), std::begin(raw.bytes));
    return raw;
}

bool Ip::is_v4() const { return std::equal(V4_MAPPED.begin(), V4_MAPPED.end(), bytes.begin()); }

bool Ip::is_unspecified() const {
    const auto from = bytes.begin() + (is_v4() ? 12 : 0);
    return std::all_of(from, bytes.end(), [](std::uint8_t b) { return b == 0; });
}

bool Ip::is_multicast() const { return is_v4() ? bytes[12] >= 224 : bytes[0] == 0xff; }

bool Ip::is_loopback() const {
    if (is_v4()) return bytes[12] == 127;
    return bytes[15] == 1 && std::all_of(bytes.begin(), bytes.end() - 1, [](std::uint8_t b) { return b == 0; });
}

bool Ip::is_link_local() const { return bytes[0] == 0xfe && (bytes[1] & 0xc0) == 0x80; }

bool Ip::is_host() const {
    return !is_unspecified() && !is_multicast() && !is_loopback() && !(is_v4() && bytes[12] == 0);
}

namespace {

// The bits of a byte of Ip::bytes that are in front of bit `bits` of all.
std::uint8_t mask_of(std::size_t byte, unsigned bits) {
    if (bits >= 8 * (byte + 1)) return 0xff;
    return bits <= 8 * byte ? 0 : static_cast<std::uint8_t>(0xff << (8 * (byte + 1) - bits));
}

}  // namespace

std::optional<Prefix> Prefix::parse(std::string_view text) {
    const auto slash = text.find('/');
    if (slash == text.npos) return std::nullopt;
    const auto ip = Ip::parse(text.substr(0, slash));
    const std::string_view digits = text.substr(slash + 1);
    if (!ip || digits.empty() || digits.size() > 3 || (digits.size() > 1 && digits[0] == '0')) return std::nullopt;
    unsigned length = 0;
    for (const char c : digits) {
        if (c < '0' || c > '9') return std::nullopt;
        length = 10 * length + static_cast<unsigned>(c - '0');
    }
    if (length > (ip->is_v4() ? 32u : 128u)) return std::nullopt;
    return Prefix{*ip, static_cast<std::uint8_t>(length)};
}

std::string Prefix::text() const { return address.text() + "/" + std::to_string(length); }

Prefix Prefix::network() const {
    Prefix out = *this;
    for (std::size_t i = 0; i < out.address.bytes.size(); ++i) out.address.bytes[i] &= mask_of(i, bits());
    return out;
}

Ip Prefix::last() const {
    Ip out = address;
    for (std::size_t i = 0; i < out.bytes.size(); ++i) out.bytes[i] |= static_cast<std::uint8_t>(~mask_of(i, bits()));
    return out;
}

bool Prefix::contains(const Ip& ip) const {
    return ip.is_v4() == is_v4() && Prefix{ip, length}.network().address == network().address;
}

bool Prefix::overlaps(const Prefix& other) const {
    return length <= other.length ? contains(other.address) : other.contains(address);
}

}  // namespace weft

// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Encoding goes from the innermost layer outwards: each header is put in front of the bytes of what follows it. IP
// headers also fix the L4 checksum behind them, since only they know the pseudo-header.
#include "frame.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>

namespace weft::test {
namespace {

enum : std::uint8_t {
    PROTO_HOP = 0,
    PROTO_ICMP = 1,
    PROTO_TCP = 6,
    PROTO_UDP = 17,
    PROTO_FRAGMENT = 44,
    PROTO_GRE = 47,
    PROTO_ICMP6 = 58,
    PROTO_NONE = 59
};

[[noreturn]] void die(const char* what, const char* text) {
    std::fprintf(stderr, "frame builder: %s: %s\n", what, text);
    std::abort();
}

struct Writer {
    Bytes bytes;

    Writer& u8(unsigned value) {
        bytes.push_back(static_cast<std::uint8_t>(value));
        return *this;
    }
    Writer& u16(unsigned value) { return u8(value >> 8).u8(value & 0xff); }
    Writer& u32(std::uint32_t value) { return u16(value >> 16).u16(value & 0xffff); }
    Writer& add(std::span<const std::uint8_t> more) {
        bytes.insert(bytes.end(), more.begin(), more.end());
        return *this;
    }
    Writer& mac(const MacText& value) { return add(value.mac.bytes); }
    Writer& ip4(const IpText& value) { return add(value.ip.v4_bytes()); }
    Writer& ip6(const IpText& value) { return add(value.ip.bytes); }
};

void store16(Bytes& bytes, std::size_t at, unsigned value) {
    bytes[at] = static_cast<std::uint8_t>(value >> 8);
    bytes[at + 1] = static_cast<std::uint8_t>(value);
}

std::uint16_t finished(std::uint16_t sum, Sum kind, bool udp) {
    auto value = static_cast<std::uint16_t>(~sum);
    if (udp && value == 0) value = 0xffff;
    return kind == Sum::WRONG ? value ^ 0x0100 : value;
}

struct Codec {
    std::span<const Layer> layers;

    template <typename T>
    const T* at(std::size_t i) const {
        return i < layers.size() ? std::get_if<T>(&layers[i]) : nullptr;
    }

    std::uint16_t ether_type(std::size_t i) const {
        if (at<Ip4>(i)) return 0x0800;
        if (at<Ip6>(i)) return 0x86dd;
        if (at<Arp>(i)) return 0x0806;
        if (auto* vlan = at<Vlan>(i)) return vlan->tpid;
        return 0x88b5;  // IEEE 802: local experimental
    }

    std::uint8_t protocol(std::size_t i) const {
        if (at<Udp>(i)) return PROTO_UDP;
        if (at<Gre>(i)) return PROTO_GRE;
        if (at<Tcp>(i)) return PROTO_TCP;
        if (at<Icmp4>(i)) return PROTO_ICMP;
        if (at<Icmp6>(i) || at<Ns>(i) || at<Na>(i)) return PROTO_ICMP6;
        if (at<Ip6Fragment>(i)) return PROTO_FRAGMENT;
        if (at<Ip6HopByHop>(i)) return PROTO_HOP;
        return PROTO_NONE;
    }

    Bytes from(std::size_t i) const {
        if (i == layers.size()) return {};
        Bytes rest = from(i + 1);
        return std::visit([&](const auto& layer) { return encode(layer, i, std::move(rest)); }, layers[i]);
    }

    static Bytes join(const Writer& head, const Bytes& rest) { return head.bytes + rest; }

    Bytes encode(const Payload& layer, std::size_t, Bytes rest) const { return layer.bytes + rest; }

    Bytes encode(const Eth& layer, std::size_t i, Bytes rest) const {
        return join(Writer{}.mac(layer.dst).mac(layer.src).u16(layer.type.value_or(ether_type(i + 1))), rest);
    }

    Bytes encode(const Vlan& layer, std::size_t i, Bytes rest) const {
        return join(Writer{}.u16((layer.priority << 13) | layer.id).u16(layer.type.value_or(ether_type(i + 1))), rest);
    }

    Bytes encode(const Arp& layer, std::size_t, Bytes rest) const {
        Writer out;
        out.u16(layer.hrd).u16(layer.pro).u8(layer.hln).u8(layer.pln).u16(layer.op);
        return join(out.mac(layer.sha).ip4(layer.spa).mac(layer.tha).ip4(layer.tpa), rest);
    }

    Bytes encode(const Ip4& layer, std::size_t i, Bytes rest) const {
        const std::size_t head_bytes = 20 + layer.options.size();
        const std::uint8_t proto = layer.protocol.value_or(protocol(i + 1));
        fix_l4(layer.src.ip, layer.dst.ip, i + 1, rest);
        Writer out;
        out.u8((layer.version.value_or(4) << 4) |
               layer.header_words.value_or(static_cast<std::uint8_t>(head_bytes / 4)));
        out.u8(layer.tos)
            .u16(layer.length.value_or(static_cast<std::uint16_t>(head_bytes + rest.size())))
            .u16(layer.id);
        out.u16((layer.df ? 0x4000 : 0) | (layer.mf ? 0x2000 : 0) | layer.fragment).u8(layer.ttl).u8(proto).u16(0);
        out.ip4(layer.src).ip4(layer.dst).add(layer.options);
        if (layer.sum != Sum::ZERO) store16(out.bytes, 10, finished(ones_sum(out.bytes), layer.sum, false));
        return join(out, rest);
    }

    Bytes encode(const Ip6& layer, std::size_t i, Bytes rest) const {
        fix_l4(layer.src.ip, layer.dst.ip, i + 1, rest);
        Writer out;
        out.u32((std::uint32_t{layer.version.value_or(6)} << 28) | (std::uint32_t{layer.traffic_class} << 20) |
                layer.flow_label);
        out.u16(layer.length.value_or(static_cast<std::uint16_t>(rest.size())))
            .u8(layer.next.value_or(protocol(i + 1)));
        return join(out.u8(layer.hops).ip6(layer.src).ip6(layer.dst), rest);
    }

    Bytes encode(const Ip6Fragment& layer, std::size_t i, Bytes rest) const {
        Writer out;
        out.u8(layer.next.value_or(protocol(i + 1)))
            .u8(0)
            .u16((layer.offset << 3) | (layer.more ? 1 : 0))
            .u32(layer.id);
        return join(out, rest);
    }

    Bytes encode(const Ip6HopByHop& layer, std::size_t i, Bytes rest) const {
        Writer out;
        out.u8(layer.next.value_or(protocol(i + 1))).u8(0).u8(1).u8(4).u32(0);
        return join(out, rest);
    }

    Bytes encode(const Udp& layer, std::size_t, Bytes rest) const {
        const auto length = layer.length.value_or(static_cast<std::uint16_t>(8 + rest.size()));
        return join(Writer{}.u16(layer.sport).u16(layer.dport).u16(length).u16(0), rest);
    }

    Bytes encode(const Tcp& layer, std::size_t, Bytes rest) const {
        Writer out;
        out.u16(layer.sport).u16(layer.dport).u32(layer.seq).u32(layer.ack).u8(5 << 4).u8(layer.flags);
        return join(out.u16(65535).u16(0).u16(0), rest);
    }

    Bytes encode(const Icmp4& layer, std::size_t, Bytes rest) const {
        Bytes out = join(Writer{}.u8(layer.type).u8(layer.code).u16(0).u32(layer.rest), rest);
        if (layer.sum != Sum::ZERO) store16(out, 2, finished(ones_sum(out), layer.sum, false));
        return out;
    }

    Bytes encode(const Icmp6& layer, std::size_t, Bytes rest) const {
        return join(Writer{}.u8(layer.type).u8(layer.code).u16(0).u32(layer.rest), rest);
    }

    static void link_layer_option(Writer& out, std::uint8_t type, const std::optional<Mac>& address) {
        if (address) out.u8(type).u8(1).mac(*address);
    }

    Bytes encode(const Ns& layer, std::size_t, Bytes rest) const {
        Writer out;
        out.u8(135).u8(layer.code).u16(0).u32(0).ip6(layer.target);
        link_layer_option(out, 1, layer.slla);
        return join(out.add(layer.options), rest);
    }

    Bytes encode(const Na& layer, std::size_t, Bytes rest) const {
        const std::uint32_t flags =
            (layer.router ? 0x80u : 0) | (layer.solicited ? 0x40u : 0) | (layer.override_flag ? 0x20u : 0);
        Writer out;
        out.u8(136).u8(layer.code).u16(0).u32(flags << 24).ip6(layer.target);
        link_layer_option(out, 2, layer.tlla);
        return join(out.add(layer.options), rest);
    }

    Bytes encode(const Vxlan& layer, std::size_t, Bytes rest) const {
        return join(
            Writer{}.u32((std::uint32_t{layer.flags} << 24) | layer.reserved24).u32((layer.vni << 8) | layer.reserved8),
            rest);
    }

    Bytes encode(const Gre& layer, std::size_t, Bytes rest) const {
        Writer out;
        out.u16(layer.flags).u16(layer.protocol);
        if (layer.flags & 0xc000) out.u32(0);
        if (layer.flags & 0x2000) out.u32((layer.vsid << 8) | layer.flow);
        if (layer.flags & 0x1000) out.u32(0);
        return join(out, rest);
    }

    // Where the checksum field of the L4 header at layer i stands, and what was asked for it.
    struct Field {
        std::size_t offset;
        Sum sum;
        std::uint8_t protocol;
    };

    std::optional<Field> checksum_field(std::size_t i) const {
        if (auto* udp = at<Udp>(i)) return Field{6, udp->sum, PROTO_UDP};
        if (auto* tcp = at<Tcp>(i)) return Field{16, tcp->sum, PROTO_TCP};
        if (auto* icmp = at<Icmp6>(i)) return Field{2, icmp->sum, PROTO_ICMP6};
        if (auto* ns = at<Ns>(i)) return Field{2, ns->sum, PROTO_ICMP6};
        if (auto* na = at<Na>(i)) return Field{2, na->sum, PROTO_ICMP6};
        return std::nullopt;
    }

    void fix_l4(const Ip& src, const Ip& dst, std::size_t i, Bytes& rest) const {
        std::size_t skip = 0;
        while (at<Ip6Fragment>(i) || at<Ip6HopByHop>(i)) skip += 8, ++i;
        auto field = checksum_field(i);
        if (!field || field->sum == Sum::ZERO || rest.size() < skip + field->offset + 2) return;
        const std::span<const std::uint8_t> segment = std::span(rest).subspan(skip);
        if (field->sum == Sum::PARTIAL) {
            // The pseudo-header alone: an empty segment's sum plus the true length.
            const std::uint16_t sum =
                ones_sum({}, l4_sum(src, dst, field->protocol, {}) + static_cast<std::uint32_t>(segment.size()));
            store16(rest, skip + field->offset, sum);
            return;
        }
        const std::uint16_t sum = l4_sum(src, dst, field->protocol, segment);
        store16(rest, skip + field->offset, finished(sum, field->sum, field->protocol == PROTO_UDP));
    }
};

}  // namespace

MacText::MacText(const char* text) : mac(test::mac(text)) {}
IpText::IpText(const char* text) : ip(test::ip(text)) {}

Mac mac(const char* text) {
    auto value = Mac::parse(text);
    if (!value) die("no MAC", text);
    return *value;
}

Ip ip(const char* text) {
    auto value = Ip::parse(text);
    if (!value) die("no IP address", text);
    return *value;
}

Mac multicast_mac(const Ip& group) {
    return Mac{{0x33, 0x33, group.bytes[12], group.bytes[13], group.bytes[14], group.bytes[15]}};
}

Ip solicited_node(const Ip& address) {
    Ip group = ip("ff02::1:ff00:0");
    std::copy(address.bytes.begin() + 13, address.bytes.end(), group.bytes.begin() + 13);
    return group;
}

Payload payload(std::size_t count, std::uint8_t first) {
    Payload out;
    for (std::size_t i = 0; i < count; ++i) out.bytes.push_back(static_cast<std::uint8_t>(first + i));
    return out;
}

Bytes build(std::span<const Layer> layers) { return Codec{layers}.from(0); }

std::uint16_t ones_sum(std::span<const std::uint8_t> bytes, std::uint32_t start) {
    std::uint64_t sum = start;
    for (std::size_t i = 0; i < bytes.size(); ++i) sum += i % 2 ? bytes[i] : std::uint64_t{bytes[i]} << 8;
    while (sum >> 16) sum = (sum & 0xffff) + (sum >> 16);
    return static_cast<std::uint16_t>(sum);
}

std::uint16_t l4_sum(const Ip& src, const Ip& dst, std::uint8_t protocol, std::span<const std::uint8_t> segment) {
    Writer pseudo;
    if (src.is_v4())
        pseudo.ip4(src).ip4(dst).u16(protocol).u16(static_cast<unsigned>(segment.size()));
    else
        pseudo.ip6(src).ip6(dst).u32(static_cast<std::uint32_t>(segment.size())).u32(protocol);
    return ones_sum(segment, ones_sum(pseudo.bytes));
}

std::string dump(std::span<const std::uint8_t> bytes, std::span<const std::uint8_t> other) {
    std::string out;
    char cell[32];
    for (std::size_t row = 0; row < bytes.size(); row += 16) {
        std::snprintf(cell, sizeof cell, "%04zx ", row);
        out += cell;
        for (std::size_t i = row; i < std::min(row + 16, bytes.size()); ++i) {
            const bool differs = !other.empty() && (i >= other.size() || other[i] != bytes[i]);
            std::snprintf(cell, sizeof cell, differs ? "*%02x" : " %02x", bytes[i]);
            out += cell;
        }
        out += '\n';
    }
    return out;
}

Bytes operator+(Bytes left, const Bytes& right) {
    left.insert(left.end(), right.begin(), right.end());
    return left;
}

Bytes cut(const Bytes& bytes, std::size_t from, std::size_t count) {
    const std::size_t begin = std::min(from, bytes.size());
    const std::size_t end = begin + std::min(count, bytes.size() - begin);
    return {bytes.begin() + static_cast<std::ptrdiff_t>(begin), bytes.begin() + static_cast<std::ptrdiff_t>(end)};
}

}  // namespace weft::test

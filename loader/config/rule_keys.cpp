// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include "rule_keys.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <bit>

namespace weft {

namespace {

constexpr unsigned PORT_BITS = 16;

ip_address masked(const Prefix& prefix) { return prefix.network().address.raw(); }

// What a rule looks at, but for the length of its port prefixes; and the key of its addresses and protocol.
struct Form {
    rule_shape shape{};
    rule_key key{};
};

Form form_of(const FlowMatch& match) {
    Form out;
    const auto& any = match.source ? match.source : match.destination;
    if (any) out.shape.family = out.key.family = any->is_v4() ? 4 : 6;
    if (match.source) {
        out.shape.source_bits = match.source->bits();
        out.key.source = masked(*match.source);
    }
    if (match.destination) {
        out.shape.destination_bits = match.destination->bits();
        out.key.destination = masked(*match.destination);
    }
    if (match.protocol) {
        out.shape.flags |= SHAPE_PROTOCOL;
        out.key.protocol = *match.protocol;
    }
    if (match.dscp) {
        out.shape.flags |= SHAPE_DSCP;
        out.key.dscp = *match.dscp;
    }
    if (match.source_ports || match.destination_ports) out.shape.flags |= SHAPE_PORTS;
    return out;
}

std::vector<PortPrefix> prefixes_or_any(const std::optional<PortRange>& ports) {
    return ports ? prefixes_of(*ports) : std::vector<PortPrefix>{{}};
}

struct ShapeLess {
    bool operator()(const rule_shape& a, const rule_shape& b) const { return std::memcmp(&a, &b, sizeof a) < 0; }
};

// Shapes by what they look at, best_rank 0 in the key; its place and the best rank.
struct Shapes {
    std::map<rule_shape, std::size_t, ShapeLess> places;
    std::vector<rule_shape> all;

    std::size_t place(const rule_shape& shape, std::uint32_t rank) {
        const auto [at, fresh] = places.emplace(shape, all.size());
        if (fresh) {
            all.push_back(shape);
            all.back().best_rank = rank;
        }
        all[at->second].best_rank = std::min(all[at->second].best_rank, rank);
        return at->second;
    }
};

// A key for each pair of prefixes. What another rule of a lower rank matches already is that one's.
struct Placed {
    std::size_t shape;
    rule_key key;
    std::size_t line;
};

void add_keys(const RuleLine& line, std::size_t index, Shapes& shapes, std::vector<Placed>& out) {
    const Form form = form_of(line.match);
    for (const PortPrefix& from : prefixes_or_any(line.match.source_ports))
        for (const PortPrefix& to : prefixes_or_any(line.match.destination_ports)) {
            Placed one{0, form.key, index};
            rule_shape shape = form.shape;
            shape.source_port_bits = from.bits;
            shape.destination_port_bits = to.bits;
            one.key.source_port = htons(from.port);
            one.key.destination_port = htons(to.port);
            one.shape = shapes.place(shape, line.rank);
            out.push_back(one);
        }
}

// Sorted by rank, since a look-up ends at the first shape that can only be worse: where each one went.
std::vector<std::size_t> sort(std::vector<rule_shape>& shapes) {
    std::vector<std::size_t> order(shapes.size()), to(shapes.size());
    for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
    std::stable_sort(order.begin(), order.end(),
                     [&](auto a, auto b) { return shapes[a].best_rank < shapes[b].best_rank; });
    std::vector<rule_shape> sorted;
    for (std::size_t i = 0; i < order.size(); ++i) {
        sorted.push_back(shapes[order[i]]);
        to[order[i]] = i;
    }
    shapes = std::move(sorted);
    return to;
}

template <typename T>
bool differ(const std::optional<T>& a, const std::optional<T>& b) {
    return a && b && *a != *b;
}

bool apart(const std::optional<PortRange>& a, const std::optional<PortRange>& b) {
    return a && b && (a->first > b->last || b->first > a->last);
}

bool apart(const std::optional<Prefix>& a, const std::optional<Prefix>& b) {
    return a && b && (a->is_v4() != b->is_v4() || !a->overlaps(*b));
}

bool other_family(const FlowMatch& a, const FlowMatch& b) {
    const auto &x = a.source ? a.source : a.destination, &y = b.source ? b.source : b.destination;
    return x && y && x->is_v4() != y->is_v4();
}

}  // namespace

std::vector<PortPrefix> prefixes_of(const PortRange& ports) {
    std::vector<PortPrefix> out;
    for (std::uint32_t first = ports.first; first <= ports.last;) {
        // As large as the first port's place allows, and as is left.
        const unsigned aligned = first == 0 ? PORT_BITS : static_cast<unsigned>(std::countr_zero(first));
        const unsigned fits = static_cast<unsigned>(std::bit_width(ports.last - first + 1)) - 1;
        const unsigned size = std::min({aligned, fits, PORT_BITS});
        out.push_back({static_cast<std::uint16_t>(first), static_cast<std::uint8_t>(PORT_BITS - size)});
        first += 1u << size;
    }
    return out;
}

RuleKeys keys_of(const std::vector<RuleLine>& lines) {
    RuleKeys out;
    Shapes shapes;
    std::vector<Placed> placed;
    for (std::size_t i = 0; i < lines.size() && placed.size() <= MAX_RULE_KEYS; ++i)
        add_keys(lines[i], i, shapes, placed);
    if (shapes.all.size() > MAX_SHAPES)
        out.too_much = "look at packets in " + std::to_string(shapes.all.size()) +
                       " different ways (lengths of prefixes, port ranges, protocol or not), a list has room for " +
                       std::to_string(MAX_SHAPES);
    else if (placed.size() > MAX_RULE_KEYS)
        out.too_much =
            "need more than " + std::to_string(MAX_RULE_KEYS) + " keys, for port ranges are made up of prefixes";
    if (!out.too_much.empty()) return out;
    const std::vector<std::size_t> to = sort(shapes.all);
    out.shapes = std::move(shapes.all);
    for (Placed& one : placed) {
        one.key.shape = static_cast<__u8>(to[one.shape]);
        const auto [at, fresh] = out.keys.emplace(one.key, one.line);
        if (!fresh && lines[one.line].rank < lines[at->second].rank) at->second = one.line;
    }
    return out;
}

std::uint32_t rank_of(std::uint16_t priority, std::size_t place) {
    return std::uint32_t{priority} << 16 | static_cast<std::uint32_t>(place & 0xffff);
}

std::vector<RuleLine> lines_of(const Acl& acl, RuleDirection direction) {
    std::vector<RuleLine> out;
    for (std::size_t i = 0; i < acl.rules.size(); ++i) {
        const AclRule& rule = acl.rules[i];
        if (rule.direction != direction) continue;
        out.push_back({rank_of(rule.priority, i), rule.match,
                       static_cast<std::uint16_t>(rule.allow ? RULE_ALLOW : RULE_DENY),
                       static_cast<std::uint16_t>(rule.stateful ? RULE_STATEFUL : 0), 0});
    }
    return out;
}

bool overlap(const FlowMatch& a, const FlowMatch& b) {
    return !differ(a.protocol, b.protocol) && !differ(a.dscp, b.dscp) && !apart(a.source_ports, b.source_ports) &&
           !apart(a.destination_ports, b.destination_ports) && !apart(a.source, b.source) &&
           !apart(a.destination, b.destination) && !other_family(a, b);
}

}  // namespace weft

// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include "text.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <numeric>

#include "net.hpp"

namespace weft {

namespace {

using nlohmann::json;

constexpr std::size_t MAX_DEPTH = 64;  // the document has 8; bounds the work of a hostile text
constexpr std::size_t MAX_SHOWN = 60;

// Of the byte that follows `before`.
std::string position_text(std::string_view before) {
    const auto start = before.rfind('\n');
    const auto column = start == before.npos ? before.size() + 1 : before.size() - start;
    return "line " + std::to_string(1 + std::ranges::count(before, '\n')) + ", column " + std::to_string(column);
}

// Builds the value; unlike the library's own parser it sees a key twice and keeps the first.
class Builder : public nlohmann::json_sax<json> {
public:
    Builder(std::string_view text, std::vector<Complaint>& complaints) : text_(text), complaints_(complaints) {}

    json value;

    bool null() override { return put(nullptr); }
    bool boolean(bool val) override { return put(val); }
    bool number_integer(number_integer_t val) override { return put(val); }
    bool number_unsigned(number_unsigned_t val) override { return put(val); }
    bool number_float(number_float_t val, const string_t&) override { return put(val); }
    bool string(string_t& val) override { return put(std::move(val)); }
    bool binary(binary_t&) override { return false; }  // not in text

    bool start_object(std::size_t) override { return push(json::object()); }
    bool start_array(std::size_t) override { return push(json::array()); }
    bool end_object() override { return pop(); }
    bool end_array() override { return pop(); }

    bool key(string_t& val) override {
        frames_.back().key = val;
        if (frames_.back().value.contains(val)) complaints_.push_back({path(), "is given twice"});
        return true;
    }

    bool parse_error(std::size_t position, const std::string&, const nlohmann::detail::exception& error) override {
        const auto before = text_.substr(0, std::min(position > 0 ? position - 1 : 0, text_.size()));
        std::string what = error.what();
        if (const auto at = what.find(": "); what.find("parse_error") != what.npos && at != what.npos)
            what.erase(0, at + 2);
        else if (const auto end = what.find("] "); end != what.npos)
            what.erase(0, end + 2);
        complaints_.push_back({"", position_text(before) + ": " + what.substr(0, 200)});
        return false;
    }

private:
    struct Frame {
        json value;
        std::string key;
    };

    bool put(json item) {
        if (frames_.empty())
            value = std::move(item);
        else if (Frame& top = frames_.back(); top.value.is_array())
            top.value.push_back(std::move(item));
        else if (!top.value.contains(top.key))
            top.value[top.key] = std::move(item);
        return true;
    }

    bool push(json empty) {
        if (frames_.size() >= MAX_DEPTH) {
            complaints_.push_back({path(), "is nested deeper than " + std::to_string(MAX_DEPTH)});
            return false;
        }
        frames_.push_back({std::move(empty), {}});
        return true;
    }

    bool pop() {
        json done = std::move(frames_.back().value);
        frames_.pop_back();
        return put(std::move(done));
    }

    std::string path() const {
        std::string out;
        for (const Frame& frame : frames_)
            out += "/" + (frame.value.is_array() ? std::to_string(frame.value.size()) : pointer_token(frame.key));
        return out;
    }

    std::string_view text_;
    std::vector<Complaint>& complaints_;
    std::vector<Frame> frames_;
};

// Insertions, deletions, changes and swaps of neighbours that make b of a.
std::size_t edit_distance(std::string_view a, std::string_view b) {
    std::vector<std::size_t> before, above(b.size() + 1);
    std::iota(above.begin(), above.end(), 0);
    for (std::size_t i = 0; i < a.size(); ++i) {
        std::vector<std::size_t> row{i + 1};
        for (std::size_t j = 0; j < b.size(); ++j) {
            std::size_t least = std::min({above[j] + (a[i] == b[j] ? 0 : 1), above[j + 1] + 1, row[j] + 1});
            if (i > 0 && j > 0 && a[i] == b[j - 1] && a[i - 1] == b[j]) least = std::min(least, before[j - 1] + 1);
            row.push_back(least);
        }
        before = std::exchange(above, std::move(row));
    }
    return above.back();
}

std::string wrong_interface(const std::string& text) {
    if (text.empty() || text == "." || text == "..") return "which is no name of an interface";
    if (text.size() > 15) return "longest name of an interface is 15 characters";
    const bool bad =
        std::ranges::any_of(text, [](unsigned char c) { return c <= ' ' || c == '/' || c == ':' || c == 127; });
    return bad ? "the name of an interface has no space, '/' or ':'" : "";
}

std::string wrong_host(const std::string& text) {
    const auto ip = text.find('\0') == text.npos ? Ip::parse(text) : std::nullopt;  // "\u0000" would end it early
    if (!ip) return "which is no IP address";
    return ip->is_host() ? "" : "which is not the address of a host";
}

// All digits of text; none if it is empty, has others or is longer than five, which no VLAN id and no port is.
std::optional<unsigned> digits(std::string_view text) {
    unsigned out = 0;
    if (text.empty() || text.size() > 5) return std::nullopt;
    for (const char c : text) {
        if (c < '0' || c > '9') return std::nullopt;
        out = out * 10 + static_cast<unsigned>(c - '0');
    }
    return out;
}

bool is_vlan(unsigned id) { return id >= 1 && id <= 4094; }

std::string wrong_vlans(const std::string& text) {
    const auto dash = std::min(text.find('-'), text.size());
    const auto first = digits(text.substr(0, dash));
    const auto last = dash == text.size() ? first : digits(text.substr(dash + 1));
    if (!first || !last) return "which is no range of VLANs like 100-199";
    if (!is_vlan(*first) || !is_vlan(*last)) return "VLANs are 1 to 4094";
    return *first > *last ? "which ends before it starts" : "";
}

std::string wrong_ports(const std::string& text) {
    const auto dash = std::min(text.find('-'), text.size());
    const auto first = digits(text.substr(0, dash));
    const auto last = dash == text.size() ? first : digits(text.substr(dash + 1));
    if (!first || !last) return "which is no range of ports like 80-89";
    if (*first > 65535 || *last > 65535) return "the largest port is 65535";
    return *first > *last ? "which ends before it starts" : "";
}

// Of a route: what is routed at all, and once.
std::string wrong_prefix(const std::string& text) {
    const auto prefix = text.find('\0') == text.npos ? Prefix::parse(text) : std::nullopt;
    if (!prefix) return "which is no prefix like 198.51.100.0/24";
    const Prefix network = prefix->network();
    if (network != *prefix) return "which has bits behind the prefix, " + network.text() + " has none";
    if (network.address.is_multicast()) return "which is multicast, and that is never routed";
    if (network.address.is_loopback()) return "which is loopback, and that is never routed";
    return network.address.is_link_local() ? "which is link-local, and that is never routed" : "";
}

// Of packets, which may go to a group too.
std::string wrong_match(const std::string& text) {
    const auto prefix = text.find('\0') == text.npos ? Prefix::parse(text) : std::nullopt;
    if (!prefix) return "which is no prefix like 198.51.100.0/24";
    const Prefix network = prefix->network();
    return network == *prefix ? "" : "which has bits behind the prefix, " + network.text() + " has none";
}

// Of a gateway: an address that guests can ask for, in a network that has room for them. A network of two addresses has
// neither an address of its own nor a broadcast (RFC 3021, RFC 6164).
std::string wrong_gateway(const std::string& text) {
    const auto prefix = text.find('\0') == text.npos ? Prefix::parse(text) : std::nullopt;
    if (!prefix) return "which is no address with its prefix like 198.51.100.1/24";
    const Prefix network = prefix->network();
    if (!prefix->address.is_host()) return "which is not the address of a host";
    if (prefix->length == 0 || prefix->is_one_address()) return "which leaves no network for guests";
    if (prefix->bits() == 127) return "";
    if (prefix->address == network.address) return "which is the address of the network " + network.text() + " itself";
    return prefix->is_v4() && prefix->address == prefix->last() ? "which is the broadcast address of " + network.text()
                                                                : "";
}

constexpr std::pair<std::string_view, std::uint8_t> PROTOCOLS[] = {{"icmp", 1}, {"tcp", 6},     {"udp", 17},
                                                                   {"gre", 47}, {"icmpv6", 58}, {"sctp", 132}};

}  // namespace

std::optional<PortRange> parse_ports(const std::string& text) {
    if (!wrong_ports(text).empty()) return std::nullopt;
    const auto dash = std::min(text.find('-'), text.size());
    const auto first = static_cast<std::uint16_t>(*digits(text.substr(0, dash)));
    if (dash == text.size()) return PortRange{first, first};
    return PortRange{first, static_cast<std::uint16_t>(*digits(text.substr(dash + 1)))};
}

std::string text(const PortRange& ports) {
    const std::string first = std::to_string(ports.first);
    return ports.first == ports.last ? first : first + "-" + std::to_string(ports.last);
}

std::optional<std::uint8_t> protocol_of(std::string_view name) {
    for (const auto& [known, number] : PROTOCOLS)
        if (known == name) return number;
    return std::nullopt;
}

std::string protocol_name(std::uint8_t number) {
    for (const auto& [known, one] : PROTOCOLS)
        if (one == number) return std::string(known);
    return "";
}

std::optional<VlanRange> parse_vlans(const std::string& text) {
    if (!wrong_vlans(text).empty()) return std::nullopt;
    const auto dash = std::min(text.find('-'), text.size());
    const auto first = static_cast<std::uint16_t>(*digits(text.substr(0, dash)));
    if (dash == text.size()) return VlanRange{first, first};
    return VlanRange{first, static_cast<std::uint16_t>(*digits(text.substr(dash + 1)))};
}

std::string text(const VlanRange& vlans) {
    const std::string first = std::to_string(vlans.first);
    return vlans.first == vlans.last ? first : first + "-" + std::to_string(vlans.last);
}

std::optional<BridgeName> parse_bridge(std::string_view text) {
    const auto colon = text.rfind(':');
    if (colon == text.npos) return std::nullopt;
    const auto vlan = digits(text.substr(colon + 1));
    std::string interface(text.substr(0, colon));
    if (!vlan || !is_vlan(*vlan) || !wrong_interface(interface).empty()) return std::nullopt;
    return BridgeName{std::move(interface), static_cast<std::uint16_t>(*vlan)};
}

std::string BridgeName::text() const { return interface + ":" + std::to_string(vlan); }

json read_json(std::string_view text, std::vector<Complaint>& complaints) {
    if (text.find_first_not_of(" \t\r\n") == text.npos) {
        complaints.push_back({"", "the document is empty"});
        return nullptr;
    }
    Builder builder(text, complaints);
    if (const auto nul = text.find('\0'); nul != text.npos) {  // the library takes it for the end
        complaints.push_back({"", position_text(text.substr(0, nul)) + ": a byte that is zero"});
        return nullptr;
    }
    if (!json::sax_parse(text, &builder)) return nullptr;
    return std::move(builder.value);
}

std::string pointer_token(std::string_view key) {
    std::string printable = json(key).dump(-1, ' ', true, json::error_handler_t::replace);
    std::string out;
    for (const char c : printable.substr(1, printable.size() - 2)) {
        if (c == '~')
            out += "~0";
        else if (c == '/')
            out += "~1";
        else
            out += c;
    }
    return out;
}

std::string shown(const json& value) {
    if (value.is_object()) return "an object";
    if (value.is_array()) return "an array";
    std::string out = value.dump(-1, ' ', true, json::error_handler_t::replace);
    if (out.size() > MAX_SHOWN) out = out.substr(0, MAX_SHOWN) + "…";
    return out;
}

std::string_view nearest(std::string_view word, const std::vector<std::string_view>& candidates) {
    std::string_view best;
    std::size_t least = word.size() < 6 ? 2 : 3;  // a candidate must be nearer than this
    if (word.size() > 64) return best;
    for (const auto candidate : candidates) {
        const auto distance = edit_distance(word, candidate);
        if (distance < least)
            least = distance, best = candidate;
        else if (best.empty() && word.size() >= 3 && candidate.starts_with(word))
            best = candidate;
    }
    return best;
}

std::string wrong_format(const std::string& text, std::string_view format) {
    if (format == "interface") return wrong_interface(text);
    if (format == "ip-host") return wrong_host(text);
    if (format == "mac" && !Mac::parse(text)) return "which is no MAC address like 02:00:00:00:00:01";
    if (format == "vlans") return wrong_vlans(text);
    if (format == "prefix") return wrong_prefix(text);
    if (format == "prefix-or-any") return text == "any" ? "" : wrong_prefix(text);
    if (format == "match") return text == "any" ? "" : wrong_match(text);
    if (format == "ports") return wrong_ports(text);
    if (format == "gateway") return wrong_gateway(text);
    if (format == "bridge" && !parse_bridge(text)) return "which is no interface and VLAN like eth1:100";
    return "";
}

std::string text(const std::vector<Complaint>& complaints) {
    std::string out;
    for (const auto& [path, what] : complaints) {
        if (!out.empty()) out += '\n';
        if (!path.empty()) out.append(path).append(": ");
        out += what;
    }
    return out;
}

}  // namespace weft

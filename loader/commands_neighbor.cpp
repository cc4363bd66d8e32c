// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// `weft neighbor`: rows of the table, straight.
#include <nlohmann/json.hpp>

#include "commands.hpp"
#include "commands_entries.hpp"

namespace weft::commands {

using nlohmann::json;

namespace {

Result<neighbor_key> key_of(Resolver& resolver, const json& row) {
    TRY(const SegmentState* segment, resolver.segment(row));
    TRY(const std::string* text, optional_text(row, "ip"));
    if (!text) return fail(EINVAL, "ip is missing");
    const auto ip = Ip::parse(*text);
    if (!ip || !ip->is_host()) return fail(EINVAL, "\"" + *text + "\" is no host address");
    return neighbor_key{segment->index, ip->raw()};
}

Result<neighbor> entry_of(Resolver& resolver, const json& row) {
    TRY(const SegmentState* segment, resolver.segment(row));
    TRY(const std::string* text, optional_text(row, "mac"));
    if (!text) return fail(EINVAL, "mac is missing");
    const auto mac = Mac::parse(*text);
    if (!mac) return fail(EINVAL, "\"" + *text + "\" is no MAC address");
    if (mac->is_multicast() || mac->is_zero()) return fail(EINVAL, "MAC " + *text + " is no host's");
    neighbor entry{};
    mac->copy_to(entry.mac);
    TRY(entry.origin, wanted_origin(row));
    TRY(entry.used_s, wanted_stamp(row, entry.origin));
    TRY(entry.nexthop, resolver.nexthop(row, *segment, true));
    return entry;
}

std::string described(Engine& engine, const neighbor& entry) {
    std::string out = std::string(origin_name(entry.origin)) + ", " + Mac::of(entry.mac).text();
    if (const NextHopInfo* hop = engine.nexthops().info(entry.nexthop))
        out += ", remote " + hop->remote.text() + ", VNI " + std::to_string(hop->vni);
    return out;
}

Answer write(Engine& engine, const Request& request, Mode mode) {
    Resolver resolver(engine);
    auto& neighbors = engine.parts().entries().neighbors();
    auto answer = each_row(request, [&](const json& row) -> Result<> {
        TRY(const neighbor_key key, key_of(resolver, row));
        TRY(const neighbor entry, entry_of(resolver, row));
        TRY(const auto in_the_way, neighbors.put(key, entry, mode));
        if (!in_the_way) return Ok{};
        return fail(EEXIST, Ip::of(key.ip).text() + " is there already (" + described(engine, *in_the_way) + ")");
    });
    TRY_OK(engine.entries_changed());
    return answer;
}

bool takes(Engine& engine, const Filter& filter, const neighbor_key& key, const neighbor& entry,
           const NextHopInfo* hop) {
    if (filter.segment && *filter.segment != key.segment) return false;
    if (filter.ip && *filter.ip != Ip::of(key.ip)) return false;
    if (filter.mac && *filter.mac != Mac::of(entry.mac)) return false;
    if (filter.vni) {
        const SegmentState* segment = engine.parts().segments().find(key.segment);
        if (*filter.vni != (hop ? hop->vni : segment ? segment->row.vni : 0)) return false;
    }
    return filter.takes_origin(entry.origin) && filter.takes_nexthop(hop);
}

}  // namespace

Answer neighbor_list(Engine& engine, const Request& request) {
    TRY(const Filter filter, Filter::parse(engine, request.arguments));
    TRY(const auto rows, engine.parts().entries().neighbors().rows());
    Teller teller(engine);
    std::string out = "[";
    for (const auto& [key, entry] : rows) {
        if (!takes(engine, filter, key, entry, teller.hop(entry.nexthop))) continue;
        if (out.size() > 1) out += ",";
        teller.tell(out, key, entry);
    }
    return out + "]";
}

Answer neighbor_add(Engine& engine, const Request& request) { return write(engine, request, Mode::Add); }
Answer neighbor_set(Engine& engine, const Request& request) { return write(engine, request, Mode::Set); }

Answer neighbor_del(Engine& engine, const Request& request) {
    Resolver resolver(engine);
    auto& neighbors = engine.parts().entries().neighbors();
    auto answer = each_row(request, [&](const json& row) -> Result<> {
        TRY(const neighbor_key key, key_of(resolver, row));
        TRY(const Filter filter, Filter::parse(engine, row));
        TRY(const auto entry, neighbors.find(key));
        if (!entry || !takes(engine, filter, key, *entry, engine.nexthops().info(entry->nexthop)))
            return fail(ENOENT, "no such entry for " + Ip::of(key.ip).text());
        TRY_OK(neighbors.erase(key));
        return Ok{};
    });
    TRY_OK(engine.entries_changed());
    return answer;
}

Answer neighbor_flush(Engine& engine, const Request& request) {
    TRY(const Filter filter, Filter::parse(engine, request.arguments));
    const Teller teller(engine);
    const auto doomed = [&](const neighbor_key& key, const neighbor& entry) {
        return takes(engine, filter, key, entry, teller.hop(entry.nexthop));
    };
    TRY(const std::uint64_t count, engine.parts().entries().neighbors().erase_if(doomed));
    TRY_OK(engine.entries_changed());
    return json{{"flushed", count}}.dump();
}

}  // namespace weft::commands

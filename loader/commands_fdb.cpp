// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// `weft fdb`: rows of the table, straight.
#include <nlohmann/json.hpp>

#include "commands.hpp"
#include "commands_entries.hpp"

namespace weft::commands {

using nlohmann::json;

namespace {

Result<fdb_key> key_of(Resolver& resolver, const json& row) {
    TRY(const SegmentState* segment, resolver.segment(row));
    TRY(const std::string* text, optional_text(row, "mac"));
    if (!text) return fail(EINVAL, "mac is missing");
    const auto mac = Mac::parse(*text);
    if (!mac) return fail(EINVAL, "\"" + *text + "\" is no MAC address");
    if (mac->is_multicast() || mac->is_zero()) return fail(EINVAL, "MAC " + *text + " is no host's");
    fdb_key key{};
    key.segment = static_cast<__u16>(segment->index);
    mac->copy_to(key.mac);
    return key;
}

Result<std::uint32_t> port_of(Engine& engine, const std::string& port, const SegmentState& segment) {
    const Interface* interface = engine.parts().devices().find(port);
    if (!interface || interface->role != Role::Port) return fail(ENOENT, "no port " + port);
    if (interface->segment != segment.name)
        return fail(EINVAL, "port " + port + " is in segment " + interface->segment + ", not " + segment.name);
    if (interface->ifindex == 0) return fail(ENODEV, "port " + port + " does not exist yet");
    return interface->ifindex;
}

Result<fdb_entry> entry_of(Engine& engine, Resolver& resolver, const json& row) {
    TRY(const SegmentState* segment, resolver.segment(row));
    TRY(const std::string* port, optional_text(row, "port"));
    fdb_entry entry{};
    TRY(entry.origin, wanted_origin(row));
    TRY(entry.used_s, wanted_stamp(row, entry.origin));
    TRY(const std::uint32_t hop, resolver.nexthop(row, *segment, true));
    if ((hop != 0) == (port != nullptr)) return fail(EINVAL, "give a port or a remote");
    entry.kind = port ? FDB_PORT : FDB_REMOTE;
    entry.target = hop;
    if (port) {
        TRY(entry.target, port_of(engine, *port, *segment));
    }
    return entry;
}

std::string described(Engine& engine, const fdb_entry& entry) {
    const std::string who = std::string(origin_name(entry.origin)) + ", ";
    if (const NextHopInfo* hop = engine.nexthops().info(nexthop_of(entry)))
        return who + "remote " + hop->remote.text() + ", VNI " + std::to_string(hop->vni);
    const Interface* port = engine.parts().devices().find(entry.target);
    return who + "port " + (port ? port->name : "that is gone");
}

Answer write(Engine& engine, const Request& request, Mode mode) {
    Resolver resolver(engine);
    auto& fdb = engine.parts().entries().fdb();
    auto answer = each_row(request, [&](const json& row) -> Result<> {
        TRY(const fdb_key key, key_of(resolver, row));
        TRY(const fdb_entry entry, entry_of(engine, resolver, row));
        TRY(const auto in_the_way, fdb.put(key, entry, mode));
        if (!in_the_way) return Ok{};
        return fail(EEXIST, Mac::of(key.mac).text() + " is there already (" + described(engine, *in_the_way) + ")");
    });
    TRY_OK(engine.entries_changed());
    return answer;
}

bool takes(const Filter& filter, const fdb_key& key, const fdb_entry& entry, const NextHopInfo* hop) {
    if (filter.segment && *filter.segment != key.segment) return false;
    if (filter.mac && *filter.mac != Mac::of(key.mac)) return false;
    if (filter.port && (entry.kind != FDB_PORT || entry.target != *filter.port)) return false;
    if (filter.vni && hop && hop->vni != *filter.vni) return false;
    return filter.takes_origin(entry.origin) && filter.takes_nexthop(hop);
}

// The VNI of what is behind a port is its segment's.
bool takes_vni(Engine& engine, const Filter& filter, const fdb_key& key, const NextHopInfo* hop) {
    if (!filter.vni || hop) return true;
    const SegmentState* segment = engine.parts().segments().find(static_cast<std::uint32_t>(key.segment));
    return segment && segment->row.vni == *filter.vni;
}

}  // namespace

Answer fdb_list(Engine& engine, const Request& request) {
    TRY(const Filter filter, Filter::parse(engine, request.arguments));
    TRY(const auto rows, engine.parts().entries().fdb().rows());
    Teller teller(engine);
    std::string out = "[";
    for (const auto& [key, entry] : rows) {
        const NextHopInfo* hop = teller.hop(nexthop_of(entry));
        if (!takes(filter, key, entry, hop) || !takes_vni(engine, filter, key, hop)) continue;
        if (out.size() > 1) out += ",";
        teller.tell(out, key, entry);
    }
    return out + "]";
}

Answer fdb_add(Engine& engine, const Request& request) { return write(engine, request, Mode::Add); }
Answer fdb_set(Engine& engine, const Request& request) { return write(engine, request, Mode::Set); }

Answer fdb_del(Engine& engine, const Request& request) {
    Resolver resolver(engine);
    auto& fdb = engine.parts().entries().fdb();
    auto answer = each_row(request, [&](const json& row) -> Result<> {
        TRY(const fdb_key key, key_of(resolver, row));
        TRY(const Filter filter, Filter::parse(engine, row));
        const auto nothing = [&] { return fail(ENOENT, "no such entry for " + Mac::of(key.mac).text()); };
        TRY(const auto entry, fdb.find(key));
        if (!entry) return nothing();
        const NextHopInfo* hop = engine.nexthops().info(nexthop_of(*entry));
        if (!takes(filter, key, *entry, hop) || !takes_vni(engine, filter, key, hop)) return nothing();
        TRY_OK(fdb.erase(key));
        return Ok{};
    });
    TRY_OK(engine.entries_changed());
    return answer;
}

Answer fdb_flush(Engine& engine, const Request& request) {
    TRY(const Filter filter, Filter::parse(engine, request.arguments));
    const Teller teller(engine);
    const auto doomed = [&](const fdb_key& key, const fdb_entry& entry) {
        const NextHopInfo* hop = teller.hop(nexthop_of(entry));
        return takes(filter, key, entry, hop) && takes_vni(engine, filter, key, hop);
    };
    TRY(const std::uint64_t count, engine.parts().entries().fdb().erase_if(doomed));
    TRY_OK(engine.entries_changed());
    return json{{"flushed", count}}.dump();
}

}  // namespace weft::commands

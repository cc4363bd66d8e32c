// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// `weft fdb` and `weft neighbor`: rows of the tables, straight. list, add, set, del and flush are the same for both but
// for what a row's key and value are.
#include <nlohmann/json.hpp>

#include "commands.hpp"
#include "entry_arguments.hpp"
#include "entry_text.hpp"
#include "view.hpp"

namespace weft::commands {

using nlohmann::json;

namespace {

std::string remote_text(const NextHopInfo& hop) {
    return "remote " + hop.remote.text() + (is_nvgre(hop.network) ? ", VSID " : ", VNI ") +
           std::to_string(number_of(hop.network));
}

Result<std::uint32_t> port_of(Engine& engine, const std::string& port, const SegmentState& segment) {
    const Interface* interface = engine.parts().devices().find(port);
    if (!interface || interface->role != Role::Port) return fail(ENOENT, "no port " + port);
    if (interface->segment != segment.name)
        return fail(EINVAL, "port " + port + " is in segment " + interface->segment + ", not " + segment.name);
    if (interface->ifindex == 0) return fail(ENODEV, "port " + port + " does not exist yet");
    return interface->ifindex;
}

struct FdbKind {
    static auto& records(Engine& engine) { return engine.parts().entries().fdb(); }

    static Result<fdb_key> key(const EntryRow& row, const SegmentState& segment) {
        TRY(const Mac mac, host_mac(row));
        fdb_key key{};
        key.segment = static_cast<__u16>(segment.index);
        mac.copy_to(key.mac);
        return key;
    }

    static Result<fdb_entry> value(Engine& engine, Resolver& resolver, const EntryRow& row,
                                   const SegmentState& segment) {
        fdb_entry entry{};
        TRY(entry.target, resolver.nexthop(row, segment));
        if (row.remote.has_value() + row.port.has_value() + row.bridge.has_value() != 1)
            return fail(EINVAL, "give a port, a remote or a bridge");
        entry.kind = row.port ? FDB_PORT : row.bridge ? FDB_CIRCUIT : FDB_REMOTE;
        if (row.port) {
            TRY(entry.target, port_of(engine, std::string(*row.port), segment));
        }
        if (row.bridge) {
            TRY(entry.target, resolver.circuit(row, segment));
        }
        return entry;
    }

    static std::string text(const fdb_key& key) { return Mac::of(key.mac).text(); }

    static std::string text(Engine& engine, const fdb_entry& entry) {
        if (const NextHopInfo* hop = engine.nexthops().info(nexthop_of(entry))) return remote_text(*hop);
        if (entry.kind == FDB_CIRCUIT) {
            const auto names = circuit_names(engine);
            const auto name = names.find(entry.target);
            return "bridge " + (name == names.end() ? "that is gone" : name->second);
        }
        const Interface* port = engine.parts().devices().find(entry.target);
        return "port " + (port ? port->name : "that is gone");
    }

    // A command decided about the key: what waited for its port to come back does so no more.
    static bool end_wait(Engine& engine, const SegmentState& segment, const fdb_key& key) {
        return engine.parts().waiting().drop(segment.name, Mac::of(key.mac));
    }
    static std::uint64_t end_waits(Engine& engine, const Filter& filter) {
        return engine.parts().waiting().drop_if([&](const WaitingEntry& entry) { return filter.takes(entry); });
    }
};

struct NeighborKind {
    static auto& records(Engine& engine) { return engine.parts().entries().neighbors(); }

    static Result<neighbor_key> key(const EntryRow& row, const SegmentState& segment) {
        TRY(const Ip ip, host_address(row.ip, "ip"));
        return neighbor_key{segment.index, ip.raw()};
    }

    static Result<neighbor> value(Engine&, Resolver& resolver, const EntryRow& row, const SegmentState& segment) {
        neighbor entry{};
        TRY(const Mac mac, host_mac(row));
        mac.copy_to(entry.mac);
        TRY(entry.nexthop, resolver.nexthop(row, segment));
        return entry;
    }

    static std::string text(const neighbor_key& key) { return Ip::of(key.ip).text(); }

    static std::string text(Engine& engine, const neighbor& entry) {
        const NextHopInfo* hop = engine.nexthops().info(entry.nexthop);
        return Mac::of(entry.mac).text() + (hop ? ", " + remote_text(*hop) : "");
    }

    static bool end_wait(Engine&, const SegmentState&, const neighbor_key&) { return false; }  // they name no port
    static std::uint64_t end_waits(Engine&, const Filter&) { return 0; }
};

template <typename Kind>
Result<> put(Engine& engine, Resolver& resolver, const EntryRow& row, Mode mode) {
    TRY(const SegmentState* segment, resolver.segment(row));
    TRY(const auto key, Kind::key(row, *segment));
    TRY(auto entry, Kind::value(engine, resolver, row, *segment));
    TRY(entry.origin, wanted_origin(row));
    entry.used_s = wanted_stamp(row, entry.origin);
    TRY(const auto there, Kind::records(engine).put(key, entry, mode));
    if (!there) {
        Kind::end_wait(engine, *segment, key);
        return Ok{};
    }
    return fail(EEXIST, Kind::text(key) + " is there already (" + name(static_cast<Owner>(there->origin)) + ", " +
                            Kind::text(engine, *there) + ")");
}

template <typename Kind>
Answer put_rows(Engine& engine, const Request& request, Mode mode) {
    Resolver resolver(engine);
    auto answer = each_row(request, [&](const EntryRow& row) { return put<Kind>(engine, resolver, row, mode); });
    TRY_OK(engine.entries_changed());
    return answer;
}

// What else the row says of the entry must hold.
template <typename Kind>
Result<> del(Engine& engine, Resolver& resolver, const EntryRow& row) {
    TRY(const SegmentState* segment, resolver.segment(row));
    TRY(const auto key, Kind::key(row, *segment));
    TRY(const Filter filter, Filter::parse(engine, row));
    TRY(const auto entry, Kind::records(engine).find(key));
    const bool waited = !row.remote && Kind::end_wait(engine, *segment, key);
    if (!entry && waited) return Ok{};
    if (!entry || !filter.takes(key, *entry)) return fail(ENOENT, "no such entry for " + Kind::text(key));
    TRY_OK(Kind::records(engine).erase(key));
    return Ok{};
}

template <typename Kind>
Answer del_rows(Engine& engine, const Request& request) {
    Resolver resolver(engine);
    auto answer = each_row(request, [&](const EntryRow& row) { return del<Kind>(engine, resolver, row); });
    TRY_OK(engine.entries_changed());
    return answer;
}

template <typename Kind>
Answer list(Engine& engine, const Request& request) {
    TRY(const EntryRow options, entry_row(request.arguments));
    TRY(const Filter filter, Filter::parse(engine, options));
    TRY(const auto rows, Kind::records(engine).rows());
    const EntryText text(engine);
    std::string out = "[";
    for (const auto& [key, entry] : rows) {
        if (!filter.takes(key, entry)) continue;
        if (out.size() > 1) out += ',';
        text.tell(out, key, entry);
    }
    return out + "]";
}

template <typename Kind>
Answer flush(Engine& engine, const Request& request) {
    TRY(const EntryRow options, entry_row(request.arguments));
    TRY(const Filter filter, Filter::parse(engine, options));
    const auto doomed = [&](const auto& key, const auto& entry) { return filter.takes(key, entry); };
    TRY(const std::uint64_t rows, Kind::records(engine).erase_if(doomed));
    const std::uint64_t count = rows + Kind::end_waits(engine, filter);
    TRY_OK(engine.entries_changed());
    return json{{"flushed", count}}.dump();
}

}  // namespace

Answer fdb_list(Engine& engine, const Request& request) { return list<FdbKind>(engine, request); }
Answer fdb_add(Engine& engine, const Request& request) { return put_rows<FdbKind>(engine, request, Mode::Add); }
Answer fdb_set(Engine& engine, const Request& request) { return put_rows<FdbKind>(engine, request, Mode::Set); }
Answer fdb_del(Engine& engine, const Request& request) { return del_rows<FdbKind>(engine, request); }
Answer fdb_flush(Engine& engine, const Request& request) { return flush<FdbKind>(engine, request); }
Answer neighbor_list(Engine& engine, const Request& request) { return list<NeighborKind>(engine, request); }
Answer neighbor_add(Engine& engine, const Request& request) {
    return put_rows<NeighborKind>(engine, request, Mode::Add);
}
Answer neighbor_set(Engine& engine, const Request& request) {
    return put_rows<NeighborKind>(engine, request, Mode::Set);
}
Answer neighbor_del(Engine& engine, const Request& request) { return del_rows<NeighborKind>(engine, request); }
Answer neighbor_flush(Engine& engine, const Request& request) { return flush<NeighborKind>(engine, request); }

}  // namespace weft::commands

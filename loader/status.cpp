// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// `weft status`, `weft check` and `weft stats`.
#include <bpf/bpf.h>

#include <fstream>
#include <map>
#include <nlohmann/json.hpp>

#include "clock.hpp"
#include "commands.hpp"
#include "view.hpp"

namespace weft::commands {

using nlohmann::json;

namespace {

// What the kernel charges for a map, from its fdinfo; 0 if it does not say.
std::uint64_t memlock_bytes(int fd) {
    std::ifstream info("/proc/self/fdinfo/" + std::to_string(fd));
    std::string key;
    for (std::uint64_t value = 0; info >> key;) {
        if (key == "memlock:" && info >> value) return value;
        info.ignore(4096, '\n');
    }
    return 0;
}

// An array costs the same however full it is, a hash by its rows: bytes_per_entry is of a full one, or of those that
// are there, with the hash's own share (so it falls as it fills; null while it is empty).
template <typename Table>
json table_view(const Table& map, std::uint64_t used) {
    const std::uint64_t bytes = memlock_bytes(map.fd()), rows = map.is_array() ? map.max_entries() : used;
    return {{"used", used},
            {"max", map.max_entries()},
            {"bytes", bytes},
            {"bytes_per_entry", rows ? json((bytes + rows - 1) / rows) : json()}};
}

// Keys only, so that a status over a million entries stays quick.
template <typename Table>
std::uint64_t count_rows(const Table& map) {
    std::uint64_t count = 0;
    Cursor<typename Table::Key> cursor;
    std::vector<typename Table::Row> batch;
    for (bool more = true; more;) {
        const auto read = map.read_batch(cursor, batch, 65536);
        if (!read) break;
        count += batch.size();
        more = *read;
    }
    return count;
}

json maps_view(Engine& engine) {
    Tables& tables = engine.datapath().tables();
    const Segments& segments = engine.parts().segments();
    std::uint64_t floods = 0;
    for (const auto& [vni, state] : segments.by_key()) floods += state.slots.size() + state.idle_slots;
    return {{"segments", table_view(tables.segments, segments.by_key().size())},
            {"vnis", table_view(tables.vnis, segments.by_key().size())},
            {"devices", table_view(tables.devices, count_rows(tables.devices))},
            {"fdb", table_view(tables.fdb, count_rows(tables.fdb))},
            {"neighbors", table_view(tables.neighbors, count_rows(tables.neighbors))},
            {"nexthops", table_view(tables.nexthops, engine.nexthops().all().size())},
            {"remotes", table_view(tables.remotes, count_rows(tables.remotes))},
            {"floods", table_view(tables.floods, floods)},
            {"routes", table_view(tables.routes, engine.parts().routing().prefixes())},
            {"host_routes", table_view(tables.host_routes, engine.parts().routing().host_routes())}};
}

std::uint64_t sum(const Result<std::vector<std::uint64_t>>& per_cpu) {
    std::uint64_t total = 0;
    if (per_cpu)
        for (const std::uint64_t one : *per_cpu) total += one;
    return total;
}

json events_view(Engine& engine) {
    const auto& losses = engine.datapath().tables().event_losses;
    return {{"lost_by_ring", engine.events().lost()},
            {"malformed", engine.events().malformed()},
            {"no_reader", sum(losses.read(LOSS_NO_READER))},
            {"ring_full", sum(losses.read(LOSS_RING_FULL))},
            {"other", sum(losses.read(LOSS_OTHER))}};
}

json learning_view(const LearnCounters& c) {
    return {{"learned", c.learned},
            {"moved", c.moved},
            {"aged", c.aged},
            {"neighbors_learned", c.neighbors_learned},
            {"neighbors_moved", c.neighbors_moved},
            {"neighbors_aged", c.neighbors_aged},
            {"refused_limit", c.refused_limit},
            {"refused_full", c.refused_full},
            {"refused_static", c.refused_static},
            {"refused_move_rate", c.refused_move_rate},
            {"refused_own_mac", c.refused_own_mac}};
}

// MACs that moved too often (RFC 7432 §15.1): the operator looks for a duplicate address or a loop.
json held_view(Engine& engine) {
    json out = json::array();
    const std::uint32_t now = stamp_now_s();
    for (const HeldMac& held : engine.learner().held(now)) {
        const SegmentState* state = engine.parts().segments().find(held.segment);
        out.push_back({{"segment", state ? json(state->name) : json()},
                       {"mac", held.mac.text()},
                       {"held_seconds", held.held_until_s - now}});
    }
    return out;
}

json flooding_view(const FloodCounters& c) {
    return {{"frames", c.frames},
            {"copies", c.copies},
            {"unresolved", c.unresolved},
            {"send_failed", c.send_failed},
            {"too_big", c.too_big}};
}

json interface_line(json view) {
    json out = json::object();
    for (const char* key : {"interface", "segment", "state", "attached_hook", "reason", "warnings"})
        if (view.contains(key)) out[key] = std::move(view[key]);
    return out;
}

json segments_view(Engine& engine) {
    json out = json::array();
    for (const Segment& segment : engine.wanted().segments) {
        const SegmentState* state = engine.parts().segments().find(segment.name);
        if (!state) continue;
        out.push_back({{"name", segment.name},
                       {"vni", segment.vni},
                       {"index", state->index},
                       {"mtu", state->row.mtu},
                       {"learned", engine.learner().learned(state->index)},
                       {"learning_limit", segment.learning_limit}});
    }
    return out;
}

json tunnel_view(Engine& engine, std::uint32_t ifindex) {
    const Link* link = engine.links().find(ifindex);
    if (!link) return nullptr;
    return {{"interface", link->name}, {"ifindex", link->ifindex}};
}

json stub_misses(Engine& engine) {
    json out = json::object();
#define X(id, label) \
    if (const auto missed = sum(engine.datapath().tables().stub_misses.read(HOOK_##id))) out[#label] = missed;
    WEFT_HOOKS(X)
#undef X
    return out;
}

// --- stats

using Sums = std::map<std::pair<std::string, std::string>, tally>;  // (segment or port, verdict)

void add(Sums& sums, const Engine& engine, const std::string& of, std::uint16_t account) {
    const auto counters = engine.parts().accounts().read(account);
    if (!counters) return;
    for (std::uint32_t verdict = 0; verdict < MAX_VERDICTS; ++verdict) {
        const tally& one = (*counters)[verdict];
        const char* label = verdict_name(verdict);
        if (!label || one.packets == 0) continue;
        tally& to = sums[{of, label}];
        to.packets += one.packets;
        to.bytes += one.bytes;
    }
}

json rows(const Sums& sums, const char* column) {
    json out = json::array();
    for (const auto& [key, one] : sums) {
        json row{{"verdict", key.second}, {"packets", one.packets}, {"bytes", one.bytes}};
        if (column) row[column] = key.first;
        out.push_back(std::move(row));
    }
    return out;
}

}  // namespace

Answer status(Engine& engine, const Request&) {
    const Problems& problems = engine.problems();
    json out{{"instance", engine.options().instance},
             {"version", WEFT_VERSION},
             {"abi", ABI_VERSION},
             {"state", problems.reasons.empty() ? "ready" : "degraded"},
             {"reasons", problems.reasons},
             {"warnings", problems.warnings},
             {"vtep", engine.wanted().vtep ? json(engine.wanted().vtep->address.text()) : json()},
             {"tunnel_device", tunnel_view(engine, engine.settings().tunnel_ifindex)},
             {"nvgre_device", tunnel_view(engine, engine.settings().nvgre_ifindex)},
             {"segments", segments_view(engine)},
             {"maps", maps_view(engine)},
             {"events", events_view(engine)},
             {"learning", learning_view(engine.learner().counters())},
             {"held_macs", held_view(engine)},
             {"flooding", flooding_view(engine.flooder().counters())},
             {"stub_misses", stub_misses(engine)},
             {"rows_written", engine.parts().writes()}};
    out["uplinks"] = json::array();
    for (const Uplink& uplink : engine.wanted().uplinks)
        out["uplinks"].push_back(interface_line(uplink_view(engine, uplink)));
    out["ports"] = json::array();
    for (const Port& port : engine.wanted().ports) out["ports"].push_back(interface_line(port_view(engine, port)));
    return out.dump(-1, ' ', false, json::error_handler_t::replace);
}

Answer check(Engine& engine, const Request&) {
    TRY_OK(engine.examine());
    return json{{"state", "ready"}, {"warnings", engine.problems().warnings}}.dump();
}

// Per port: what came in by it. Per segment: what came in by its ports and VLANs and what the tunnels brought for it.
// By verdict: all there is, so that the sums hold per program.
Answer stats(Engine& engine, const Request& request) {
    std::string by = "verdict";
    if (request.arguments.contains("by")) {
        TRY(by, text_of(request.arguments, "by"));
    }
    Sums sums;
    const auto& interfaces = engine.parts().devices().all();
    const auto& segments = engine.parts().segments().by_key();
    const auto& circuits = engine.parts().circuits().all();
    if (by == "port") {
        for (const auto& [name, interface] : interfaces)
            if (interface.row.ifindex) add(sums, engine, name, interface.row.account);
        return rows(sums, "port").dump();
    }
    if (by == "segment") {
        for (const auto& [vni, state] : segments) add(sums, engine, state.name, state.row.account);
        for (const auto& [name, interface] : interfaces)
            if (interface.role == Role::Port && interface.row.ifindex)
                add(sums, engine, interface.segment, interface.row.account);
        for (const auto& [id, circuit] : circuits) add(sums, engine, circuit.segment, circuit.row.account);
        return rows(sums, "segment").dump();
    }
    if (by != "verdict") return fail(EINVAL, "by is segment, port or verdict, not \"" + by + "\"");
    add(sums, engine, "", 0);
    for (const auto& [vni, state] : segments) add(sums, engine, "", state.row.account);
    for (const auto& [name, interface] : interfaces)
        if (interface.row.ifindex) add(sums, engine, "", interface.row.account);
    for (const auto& [id, circuit] : circuits) add(sums, engine, "", circuit.row.account);
    return rows(sums, nullptr).dump();
}

}  // namespace weft::commands

// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// `weft record` and `weft monitor records`: tenant records over the two tables that hold them, neighbors and FDB. A
// record is added as a whole or not at all; with one goes the FDB entry that came with it, unless another names its
// MAC.
#include <spdlog/spdlog.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "clock.hpp"
#include "commands.hpp"
#include "entry_arguments.hpp"
#include "guests_here.hpp"

namespace weft::commands {

using nlohmann::json;

namespace {

// Of list, flush and del; what is given must hold.
struct RecordOptions {
    RecordFilter filter;
    std::optional<Ip> ca, pa;
    std::optional<Mac> mac;
    bool dynamic = false, fixed = false;

    static Result<RecordOptions> parse(const EntryRow& row) {
        RecordOptions out{.filter = {}, .ca = {}, .pa = {}, .mac = {}, .dynamic = row.dynamic, .fixed = row.fixed};
        if (row.vsid) out.filter.vsid = static_cast<std::uint32_t>(std::min<std::uint64_t>(*row.vsid, VNI_MAX + 1));
        if (row.origin) {
            TRY(out.filter.origin, origin_of(*row.origin));
        }
        if (row.ca) {
            TRY(out.ca, host_address(row.ca, "ca"));
        }
        if (row.pa) {
            TRY(out.pa, host_address(row.pa, "pa"));
        }
        if (row.mac) {
            TRY(out.mac, host_mac(row));
        }
        return out;
    }

    bool takes(const neighbor_key& key, const LocatedRecord& record) const {
        if (!filter.takes(record) || (ca && *ca != Ip::of(key.ip)) || (mac && *mac != record.mac)) return false;
        if ((dynamic && record.origin != ORIGIN_DYNAMIC) || (fixed && precedence(record.origin) != 2)) return false;
        return !pa || record.pa == pa;
    }
};

std::string text(const LocatedRecord& record) {
    return record.mac.text() + " at " + (record.pa ? record.pa->text() : "an unknown place");
}

// One command's changes: what its rows share, and what is put right behind the last of them.
class RecordWriter {
public:
    explicit RecordWriter(Engine& engine) : engine_(engine), resolver_(engine) {
        for (const Segment& segment : engine.wanted().segments)
            for (const Remote& remote : segment.remotes) homes_.emplace(segment.name, remote.address);
    }

    Result<> put(const EntryRow& row, Mode mode) {
        TRY(const SegmentState* segment, resolver_.tenant(row));
        TRY(const Ip ca, host_address(row.ca, "ca"));
        TRY(const Mac mac, host_mac(row));
        TRY(const Ip pa, host_address(row.pa, "pa"));
        TRY(const std::uint8_t origin, wanted_origin(row));
        neighbor known{.mac = {}, .origin = origin, .flags = 0, .used_s = wanted_stamp(row, origin), .nexthop = 0};
        mac.copy_to(known.mac);
        const auto undo = entries().fdb().find(mac_key(segment->index, known.mac));
        const auto& vtep = engine_.wanted().vtep;
        const bool here = vtep && vtep->address == pa;
        if (here)
            TRY_OK(expect_here(*segment, mac));
        else
            TRY_OK(put_home(row, *segment, known, mode));
        if (const auto done = put_neighbor({segment->index, ca.raw()}, known, mode); !done) {
            if (!here && undo) TRY_OK(restore(mac_key(segment->index, known.mac), *undo));
            return done;
        }
        if (!here && origin == ORIGIN_CLI && homes_.emplace(segment->name, pa).second)
            new_homes_.emplace_back(segment->name, pa);
        return Ok{};
    }

    Result<> del(const EntryRow& row) {
        TRY(const SegmentState* segment, resolver_.tenant(row));
        TRY(const Ip ca, host_address(row.ca, "ca"));
        TRY(const RecordOptions options, RecordOptions::parse(row));
        const neighbor_key key{segment->index, ca.raw()};
        TRY(const auto known, entries().neighbors().find(key));
        const auto record = known ? join().at(key, *known) : std::nullopt;
        if (!record || !options.takes(key, *record)) return fail(ENOENT, "no such record for " + ca.text());
        return remove(key, *known);
    }

    Result<std::uint64_t> flush(const RecordOptions& options) {
        TRY(const auto rows, entries().neighbors().rows());
        std::uint64_t count = 0;
        for (const auto& [key, row] : rows) {
            const auto record = join().at(key, row);
            if (!record || !options.takes(key, *record)) continue;
            TRY_OK(remove(key, row));
            ++count;
        }
        return count;
    }

    // The last step of a command, whatever its rows came to.
    Result<> finish() {
        TRY_OK(take_homes_away());
        TRY_OK(engine_.entries_changed());
        if (new_homes_.empty()) return Ok{};
        Document next = engine_.wanted();
        for (const auto& [name, home] : new_homes_)
            for (Segment& segment : next.segments)
                if (segment.name == name) segment.remotes.push_back({home, ORIGIN_CLI});
        TRY_OK(engine_.change(std::move(next)));
        return Ok{};
    }

private:
    using Loose = std::pair<fdb_key, std::uint8_t>;  // an entry that may have lost its last record, of an origin
    struct LooseLess {
        bool operator()(const Loose& a, const Loose& b) const {
            return BytesLess{}(a.first, b.first) || (!BytesLess{}(b.first, a.first) && a.second < b.second);
        }
    };

    Entries& entries() { return engine_.parts().entries(); }

    const RecordJoin& join() {
        if (!join_) join_.emplace(engine_.records());
        return *join_;
    }

    Result<> expect_here(const SegmentState& segment, const Mac& mac) {
        if (!here_) here_.emplace(engine_.datapath().tables(), engine_.wanted(), engine_.parts().devices());
        if (here_->has(segment, mac)) return Ok{};
        return fail(EINVAL, "pa is this host's own address, but no port of segment " + segment.name + " has shown " +
                                mac.text());
    }

    Result<> put_home(const EntryRow& row, const SegmentState& segment, const neighbor& known, Mode mode) {
        EntryRow way;
        way.remote = row.pa;
        fdb_entry entry{.target = 0, .kind = FDB_REMOTE, .origin = known.origin, .flags = 0, .used_s = known.used_s};
        TRY(entry.target, resolver_.nexthop(way, segment));
        TRY(const auto there, entries().fdb().put(mac_key(segment.index, known.mac), entry, mode));
        if (!there) return Ok{};
        const NextHopInfo* hop = engine_.nexthops().info(nexthop_of(*there));
        return fail(EEXIST, Mac::of(known.mac).text() + " is there already (" +
                                name(static_cast<Owner>(there->origin)) + ", at " +
                                (hop ? hop->remote.text() : "this host") + ")");
    }

    Result<> put_neighbor(const neighbor_key& key, const neighbor& known, Mode mode) {
        if (mode == Mode::Set) {
            TRY(const auto before, entries().neighbors().find(key));
            if (before && Mac::of(before->mac) != Mac::of(known.mac)) loosen(key, *before);
        }
        TRY(const auto there, entries().neighbors().put(key, known, mode));
        if (!there) return Ok{};
        const auto record = join().at(key, *there);
        return fail(EEXIST, Ip::of(key.ip).text() + " is there already (" + name(static_cast<Owner>(there->origin)) +
                                ", " + (record ? text(*record) : Mac::of(there->mac).text()) + ")");
    }

    Result<> restore(const fdb_key& key, const std::optional<fdb_entry>& before) {
        TRY(const auto now, entries().fdb().find(key));
        if (!before) return now ? Result<>(entries().fdb().erase(key).map([](bool) { return Ok{}; })) : Ok{};
        if (now && same_target(*now, *before) && now->origin == before->origin) return Ok{};
        TRY_OK(entries().fdb().put(key, *before, Mode::Set));
        return Ok{};
    }

    Result<> remove(const neighbor_key& key, const neighbor& row) {
        loosen(key, row);
        TRY_OK(entries().neighbors().erase(key));
        return Ok{};
    }

    void loosen(const neighbor_key& key, const neighbor& row) {
        loose_.emplace(mac_key(key.segment, row.mac), row.origin);
    }

    // One walk for all rows of a batch.
    Result<> take_homes_away() {
        if (loose_.empty()) return Ok{};
        TRY(const auto rows, entries().neighbors().rows());
        for (const auto& [key, row] : rows) loose_.erase({mac_key(key.segment, row.mac), row.origin});
        for (const auto& [key, origin] : loose_) {
            TRY(const auto entry, entries().fdb().find(key));
            if (entry && entry->kind == FDB_REMOTE && entry->origin == origin) TRY_OK(entries().fdb().erase(key));
        }
        return Ok{};
    }

    Engine& engine_;
    Resolver resolver_;
    std::optional<RecordJoin> join_;
    std::optional<GuestsHere> here_;
    std::set<std::pair<std::string, Ip>> homes_;  // of all flood lists
    std::vector<std::pair<std::string, Ip>> new_homes_;
    std::set<Loose, LooseLess> loose_;
};

Answer put_rows(Engine& engine, const Request& request, Mode mode) {
    RecordWriter writer(engine);
    auto answer = each_row(request, [&](const EntryRow& row) { return writer.put(row, mode); });
    TRY_OK(writer.finish());
    return answer;
}

void tell(std::string& out, const neighbor_key& key, const LocatedRecord& record, std::uint32_t now_s) {
    out.append(R"({"vsid":)").append(std::to_string(record.vsid));
    out.append(R"(,"segment":)").append(json(record.segment).dump());
    out.append(R"(,"ca":")").append(Ip::of(key.ip).text());
    out.append(R"(","mac":")").append(record.mac.text());
    out.append(R"(","pa":)").append(record.pa ? '"' + record.pa->text() + '"' : "null");
    out.append(R"(,"origin":")").append(name(static_cast<Owner>(record.origin))).append(R"(","age_seconds":)");
    const std::uint32_t age_s = now_s > record.used_s ? now_s - record.used_s : 0;
    out.append(record.origin == ORIGIN_DYNAMIC ? std::to_string(age_s) : "null").append("}");
}

}  // namespace

Answer record_add(Engine& engine, const Request& request) { return put_rows(engine, request, Mode::Add); }
Answer record_set(Engine& engine, const Request& request) { return put_rows(engine, request, Mode::Set); }

Answer record_del(Engine& engine, const Request& request) {
    RecordWriter writer(engine);
    auto answer = each_row(request, [&](const EntryRow& row) { return writer.del(row); });
    TRY_OK(writer.finish());
    return answer;
}

Answer record_flush(Engine& engine, const Request& request) {
    TRY(const EntryRow row, entry_row(request.arguments));
    TRY(const RecordOptions options, RecordOptions::parse(row));
    RecordWriter writer(engine);
    TRY(const std::uint64_t count, writer.flush(options));
    TRY_OK(writer.finish());
    return json{{"flushed", count}}.dump();
}

Answer record_list(Engine& engine, const Request& request) {
    TRY(const EntryRow row, entry_row(request.arguments));
    TRY(const RecordOptions options, RecordOptions::parse(row));
    TRY(const auto rows, engine.parts().entries().neighbors().rows());
    const RecordJoin join = engine.records();
    const std::uint32_t now_s = stamp_now_s();
    std::string out = "[";
    for (const auto& [key, neighbor] : rows) {
        const auto record = join.at(key, neighbor);
        if (!record || !options.takes(key, *record)) continue;
        if (out.size() > 1) out += ',';
        tell(out, key, *record, now_s);
    }
    return out + "]";
}

Begin monitor_records(Engine& engine, const Request& request) {
    TRY(const EntryRow row, entry_row(request.arguments));
    TRY(const RecordOptions options, RecordOptions::parse(row));
    return [&engine, filter = options.filter](const std::shared_ptr<Stream>& stream) {
        // A table that cannot be read now shows in every other command; records are then new when they next change.
        if (const auto heard = engine.watch().listen(stream, filter); !heard) spdlog::error("{}", heard.error().what);
        stream->send(R"({"event":"ready","time":")" + time_of_day() + "\"}");
    };
}

}  // namespace weft::commands

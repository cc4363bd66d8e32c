// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include "entries.hpp"

#include "records.hpp"

namespace weft {

int precedence(std::uint8_t origin) {
    if (origin == ORIGIN_DYNAMIC) return 0;
    return origin == ORIGIN_EVPN ? 1 : 2;
}

std::uint32_t nexthop_of(const fdb_entry& entry) { return entry.kind == FDB_REMOTE ? entry.target : 0; }
std::uint32_t nexthop_of(const neighbor& entry) { return entry.nexthop; }

bool same_target(const fdb_entry& a, const fdb_entry& b) { return a.kind == b.kind && a.target == b.target; }
bool same_target(const neighbor& a, const neighbor& b) {
    return std::memcmp(a.mac, b.mac, sizeof a.mac) == 0 && a.nexthop == b.nexthop;
}

namespace {

recent_key learn_event(const fdb_key& key) {
    recent_key event{.segment = key.segment, .type = EVENT_LEARN_MAC, .id = {}};
    std::memcpy(event.id.bytes, key.mac, sizeof key.mac);
    return event;
}
recent_key learn_event(const neighbor_key& key) {
    return {.segment = static_cast<__u16>(key.segment), .type = EVENT_LEARN_NEIGHBOR, .id = key.ip};
}

}  // namespace

template <typename Table>
Result<> Records<Table>::adopt() {
    TRY(const auto all, map_->rows());
    for (const auto& [key, entry] : all) {
        count(key, entry, 1);
        if (entry.origin == ORIGIN_CONFIG) config_[key] = entry;
    }
    return Ok{};
}

// Only static and evpn entries make a remote accepted; a dynamic one came from an accepted remote.
template <typename Table>
void Records<Table>::count(const K& key, const V& entry, int by) {
    if (entry.origin == ORIGIN_DYNAMIC) return watch_ ? watch_(key, entry, by) : void();
    const std::uint32_t hop = nexthop_of(entry);
    if (hop == 0) return;
    const std::pair<std::uint32_t, std::uint32_t> use{key.segment, hop};
    auto& uses = (*uses_)[use];
    if (uses == 0) remotes_changed_ = true;
    uses += static_cast<std::uint32_t>(by);
    if (uses != 0) return;
    uses_->erase(use);
    remotes_changed_ = true;
}

// The map's own errors, but for the one that an operator can do something about.
template <typename Table>
Result<> Records<Table>::put_row(const K& key, const V& entry, std::uint64_t flags) {
    auto done = map_->put(key, entry, flags);
    if (done || done.error().code != E2BIG) return done;
    const std::string max = std::to_string(map_->max_entries());
    return fail(ENOSPC, "table " + map_->name() + " is full: " + max + " of " + max + " entries are used");
}

template <typename Table>
Result<> Records<Table>::write(const K& key, const V& entry, const std::optional<V>& old) {
    TRY_OK(put_row(key, entry, BPF_ANY));
    if (old) count(key, *old, -1);
    written(key, entry);
    return Ok{};
}

// False if the key is there already.
template <typename Table>
Result<bool> Records<Table>::write_new(const K& key, const V& entry) {
    if (auto done = put_row(key, entry, BPF_NOEXIST); !done) {
        if (done.error().code == EEXIST) return false;
        return tl::make_unexpected(std::move(done).error());
    }
    written(key, entry);
    return true;
}

template <typename Table>
void Records<Table>::written(const K& key, const V& entry) {
    ++writes_;
    count(key, entry, 1);
    if (touch_) touch_(key);
}

template <typename Table>
void Records<Table>::override_config(const K& key) {
    if (config_.erase(key) == 0) return;
    overridden_.insert(key);
    ++config_version_;
}

// The next frame of the source is news, even right after one that was reported.
template <typename Table>
Result<> Records<Table>::remove(const K& key, const V& old) {
    TRY(const bool there, map_->erase(key));
    if (!there) return Ok{};
    TRY_OK(recent_->erase(learn_event(key)));
    ++writes_;
    erased_ = true;
    count(key, old, -1);
    if (touch_) touch_(key);
    override_config(key);
    return Ok{};
}

template <typename Table>
void Records<Table>::sync(const Wanted& wanted, Problems& problems) {
    for (const auto& [key, entry] : wanted) {
        const auto known = config_.find(key);
        if (known != config_.end() && same_target(known->second, entry)) continue;
        const auto old = map_->find(key);
        if (!problems.check(old, "static entry")) continue;
        if (!problems.check(write(key, entry, *old), "static entry")) continue;
        config_[key] = entry;
        ++config_version_;
    }
    std::vector<std::pair<K, V>> gone;
    for (const auto& [key, entry] : config_)
        if (!wanted.contains(key)) gone.emplace_back(key, entry);
    for (const auto& [key, entry] : gone) {
        problems.check(remove(key, entry), "sweep static entry");
        overridden_.erase(key);
    }
}

template <typename Table>
auto Records<Table>::put(const K& key, const V& entry, Mode mode) -> Result<std::optional<V>> {
    bool added = false;
    // Most rows of a large batch are new: one call to the kernel in place of two.
    if (mode == Mode::Add) {
        TRY(added, write_new(key, entry));
    }
    if (!added) {
        TRY(const auto old, map_->find(key));
        if (old && mode == Mode::Add) {
            const int theirs = precedence(old->origin), ours = precedence(entry.origin);
            if (theirs >= ours && same_target(*old, entry)) return std::optional<V>();
            if (theirs >= ours) return old;
        }
        TRY_OK(write(key, entry, old));
    }
    override_config(key);
    return std::optional<V>();
}

template <typename Table>
Result<bool> Records<Table>::erase(const K& key) {
    TRY(const auto old, map_->find(key));
    if (!old) return false;
    TRY_OK(remove(key, *old));
    return true;
}

template class Records<FdbTable>;
template class Records<NeighborTable>;

Result<> Entries::adopt() {
    TRY_OK(fdb_.adopt());
    return neighbors_.adopt();
}

// But for the lists, which are compared where they are.
Entries::Made Entries::facts_of(const Document& wanted, const Segments& segments, const Devices& devices) const {
    Made out;
    if (wanted.vtep) out.vtep = wanted.vtep->address;
    for (const auto& [key, segment] : segments.by_key()) out.segments[segment.name] = {segment.index, segment.row.vni};
    for (const auto& [name, port] : devices.all()) out.ports[name] = port.ifindex;
    out.version = fdb_.config_version() + neighbors_.config_version();
    return out;
}

bool Entries::is_made(const Document& wanted, const Made& now) const {
    return made_ && made_->vtep == now.vtep && made_->segments == now.segments && made_->ports == now.ports &&
           made_->version == now.version && made_->records == wanted.records && made_->fdb == wanted.fdb &&
           made_->neighbors == wanted.neighbors;
}

void Entries::sync(const Document& wanted, const Segments& segments, const Devices& devices, Problems& problems) {
    Made now = facts_of(wanted, segments, devices);
    if (is_made(wanted, now)) return;
    const std::size_t before = problems.reasons.size();
    made_.reset();
    FdbRows fdb;
    NeighborRows neighbors;
    add_records(wanted, segments, fdb, neighbors, problems);
    add_fdb(wanted, segments, devices, fdb, problems);
    add_neighbors(wanted, segments, neighbors, problems);
    fdb_.sync(fdb, problems);
    neighbors_.sync(neighbors, problems);
    if (problems.reasons.size() != before) return;  // the next pass tries again
    now.fdb = wanted.fdb;
    now.neighbors = wanted.neighbors;
    now.records = wanted.records;
    now.version = fdb_.config_version() + neighbors_.config_version();
    made_ = std::move(now);
}

void Entries::add_fdb(const Document& wanted, const Segments& segments, const Devices& devices, FdbRows& rows,
                      Problems& problems) {
    for (const FdbRecord& record : wanted.fdb) {
        const SegmentState* segment = segments.find(record.segment);
        if (!segment) continue;
        fdb_key key{};
        key.segment = static_cast<__u16>(segment->index);
        record.mac.copy_to(key.mac);
        fdb_entry entry{};
        entry.origin = ORIGIN_CONFIG;
        if (record.remote) {
            const auto id = nexthops_->acquire(*record.remote, network_towards(record.vni, *segment));
            if (!problems.check(id, "FDB entry " + record.mac.text())) continue;
            entry.kind = FDB_REMOTE;
            entry.target = *id;
        } else {
            const Interface* port = devices.find(record.port);
            if (!port || port->ifindex == 0) continue;  // written when the port appears
            entry.kind = FDB_PORT;
            entry.target = port->ifindex;
        }
        rows[key] = entry;
    }
}

void Entries::add_neighbors(const Document& wanted, const Segments& segments, NeighborRows& rows, Problems& problems) {
    for (const NeighborRecord& record : wanted.neighbors) {
        const SegmentState* segment = segments.find(record.segment);
        if (!segment) continue;
        neighbor entry{};
        record.mac.copy_to(entry.mac);
        entry.origin = ORIGIN_CONFIG;
        if (record.remote) {
            const auto id = nexthops_->acquire(*record.remote, network_towards(record.vni, *segment));
            if (!problems.check(id, "neighbor " + record.ip.text())) continue;
            entry.nexthop = *id;
        }
        rows[{segment->index, record.ip.raw()}] = entry;
    }
}

// A record is a neighbor, and an FDB entry that says where its MAC is. The neighbor has no next hop of its own: in a
// symmetric domain the way to a MAC behind a remote is that to its router. Of a guest that is here the FDB learns the
// port.
void Entries::add_records(const Document& wanted, const Segments& segments, FdbRows& fdb, NeighborRows& neighbors,
                          Problems& problems) {
    if (wanted.records.empty() || !wanted.vtep) return;
    std::map<std::uint32_t, const SegmentState*> states;
    for (const auto& [vsid, segment] : segments_by_vsid(wanted)) states[vsid] = segments.find(segment->name);
    std::map<std::pair<std::uint32_t, Ip>, std::uint32_t> hops;
    for (const TenantRecord& record : wanted.records) {
        const auto state = states.find(record.vsid);
        if (state == states.end() || !state->second) continue;
        const SegmentState& segment = *state->second;
        neighbor known{};
        record.mac.copy_to(known.mac);
        known.origin = ORIGIN_CONFIG;
        neighbors[{segment.index, record.ca.raw()}] = known;
        if (record.pa == wanted.vtep->address) continue;
        std::uint32_t& hop = hops[{segment.index, record.pa}];
        if (hop == 0) {
            const auto id = nexthops_->acquire(record.pa, segment.row.vni);
            if (!problems.check(id, "record " + record.ca.text())) continue;
            hop = *id;
        }
        fdb_key key{};
        key.segment = static_cast<__u16>(segment.index);
        record.mac.copy_to(key.mac);
        fdb[key] = {.target = hop, .kind = FDB_REMOTE, .origin = ORIGIN_CONFIG, .flags = 0, .used_s = 0};
    }
}

Result<> Entries::forget_segment(std::uint32_t index) {
    const auto in_segment = [index](const auto& key, const auto&) { return key.segment == index; };
    TRY_OK(fdb_.erase_if(in_segment));
    TRY_OK(neighbors_.erase_if(in_segment));
    return Ok{};
}

Result<std::vector<std::pair<fdb_key, fdb_entry>>> Entries::forget_port(std::uint32_t ifindex) {
    std::vector<std::pair<fdb_key, fdb_entry>> gone;
    TRY_OK(fdb_.erase_if([&](const fdb_key& key, const fdb_entry& entry) {
        if (entry.kind != FDB_PORT || entry.target != ifindex || entry.origin == ORIGIN_DYNAMIC) return false;
        if (entry.origin != ORIGIN_CONFIG) gone.emplace_back(key, entry);
        return true;
    }));
    return gone;
}

Result<std::uint64_t> Entries::forget_nexthops(const std::set<std::uint32_t>& ids) {
    const auto doomed = [&](const auto&, const auto& entry) {
        return entry.origin != ORIGIN_CONFIG && ids.contains(nexthop_of(entry));
    };
    TRY(const std::uint64_t macs, fdb_.erase_if(doomed));
    TRY(const std::uint64_t neighbors, neighbors_.erase_if(doomed));
    return macs + neighbors;
}

}  // namespace weft

// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include "entries.hpp"

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
    if (config_.erase(key)) overridden_.insert(key);
    return Ok{};
}

template <typename Table>
void Records<Table>::sync(const Wanted& wanted, Problems& problems) {
    for (const auto& [key, entry] : wanted) {
        const auto known = config_.find(key);
        if (known != config_.end() && same_target(known->second, entry)) continue;
        const auto old = map_->find(key);
        if (!problems.check(old, "static entry")) continue;
        if (problems.check(write(key, entry, *old), "static entry")) config_[key] = entry;
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
    if (config_.erase(key)) overridden_.insert(key);
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

void Entries::sync(const Document& wanted, const Segments& segments, const Devices& devices, Problems& problems) {
    sync_fdb(wanted, segments, devices, problems);
    sync_neighbors(wanted, segments, problems);
}

void Entries::sync_fdb(const Document& wanted, const Segments& segments, const Devices& devices, Problems& problems) {
    Records<FdbTable>::Wanted rows;
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
    fdb_.sync(rows, problems);
}

void Entries::sync_neighbors(const Document& wanted, const Segments& segments, Problems& problems) {
    Records<NeighborTable>::Wanted rows;
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
    neighbors_.sync(rows, problems);
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

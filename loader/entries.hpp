// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// FDB entries and neighbors that are not learned: the document's records become rows, the CLI's and EVPN's are rows
// from the start (and so survive a restart). Precedence: static (config, cli) over evpn over dynamic. Learner owns the
// rest.
#pragma once

#include <cstdint>
#include <cstring>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "devices.hpp"
#include "model.hpp"
#include "nexthops.hpp"
#include "problems.hpp"
#include "result.hpp"
#include "segments.hpp"
#include "tables.hpp"

namespace weft {

// 0 dynamic, 1 evpn, 2 static
int precedence(std::uint8_t origin);

// The next hop an entry names, 0 if none; the same way of forwarding, whoever wants it.
std::uint32_t nexthop_of(const fdb_entry& entry);
std::uint32_t nexthop_of(const neighbor& entry);
bool same_target(const fdb_entry& a, const fdb_entry& b);
bool same_target(const neighbor& a, const neighbor& b);

struct BytesLess {
    template <typename K>
    bool operator()(const K& a, const K& b) const {
        return std::memcmp(&a, &b, sizeof a) < 0;
    }
};

enum class Mode { Add, Set };

// One table whose rows have owners: fdb or neighbors.
template <typename Table>
class Records {
public:
    using K = typename Table::Key;
    using V = typename Table::Value;
    using Wanted = std::map<K, V, BytesLess>;
    // A dynamic row came (+1) or went (-1) by other ways than learning.
    using Watch = std::function<void(const K&, const V&, int change)>;

    Records(Table& map, Map<recent_key, ::recent>& recent, RemoteUses& uses)
        : map_(&map), recent_(&recent), uses_(&uses) {}
    void watch_dynamic(Watch watch) { watch_ = std::move(watch); }
    // A row came, changed or went by these ways.
    using Touch = std::function<void(const K&)>;
    void watch_all(Touch touch) { touch_ = std::move(touch); }
    // Learning wrote over this row of another's.
    void displaced(const K& key, const V& old) { count(key, old, -1); }

    Result<> adopt();
    // The document's rows: writes what differs, then takes away what it no longer holds.
    void sync(const Wanted& wanted, Problems& problems);
    // none: done. An entry: it stands in the way (same precedence and different, or a higher one).
    Result<std::optional<V>> put(const K& key, const V& entry, Mode mode);
    Result<bool> erase(const K& key);
    // Erases what the predicate takes; gives how many.
    template <typename Take>
    Result<std::uint64_t> erase_if(Take&& take);

    Result<std::optional<V>> find(const K& key) const { return map_->find(key); }
    Result<std::vector<std::pair<K, V>>> rows() const { return map_->rows(); }
    // Keys of the document's that a command changed: they are no longer the document's.
    std::set<K, BytesLess> take_overridden() { return std::exchange(overridden_, {}); }
    bool take_erased() { return std::exchange(erased_, false); }
    bool take_remotes_changed() { return std::exchange(remotes_changed_, false); }  // RemoteUses has other keys now
    std::uint64_t writes() const { return writes_; }
    // Changes with each row of the document's that came or went, by whomever.
    std::uint64_t config_version() const { return config_version_; }

private:
    Result<> put_row(const K& key, const V& entry, std::uint64_t flags);
    Result<> write(const K& key, const V& entry, const std::optional<V>& old);
    Result<bool> write_new(const K& key, const V& entry);
    void written(const K& key, const V& entry);
    Result<> remove(const K& key, const V& old);
    void override_config(const K& key);
    void count(const K& key, const V& entry, int by);

    Table* map_;
    Map<recent_key, ::recent>* recent_;
    RemoteUses* uses_;
    Wanted config_;  // rows of ORIGIN_CONFIG as the kernel holds them
    std::set<K, BytesLess> overridden_;
    Watch watch_;
    Touch touch_;
    bool erased_ = false, remotes_changed_ = false;
    std::uint64_t writes_ = 0, config_version_ = 0;
};

class Entries {
public:
    Entries(Tables& tables, NextHops& nexthops)
        : nexthops_(&nexthops),
          fdb_(tables.fdb, tables.recent, uses_),
          neighbors_(tables.neighbors, tables.recent, uses_) {}
    Entries(const Entries&) = delete;  // fdb_ and neighbors_ point at uses_
    Entries& operator=(const Entries&) = delete;

    Result<> adopt();
    void sync(const Document& wanted, const Segments& segments, const Devices& devices, Problems& problems);
    Result<> forget_segment(std::uint32_t index);
    // Takes away the static and evpn rows that name the port's old ifindex; gives those that are no document's.
    Result<std::vector<std::pair<fdb_key, fdb_entry>>> forget_port(std::uint32_t ifindex);
    // Rows that name one of these next hops, but the document's: those follow it. Gives how many went.
    Result<std::uint64_t> forget_nexthops(const std::set<std::uint32_t>& ids);

    Records<FdbTable>& fdb() { return fdb_; }
    Records<NeighborTable>& neighbors() { return neighbors_; }
    const RemoteUses& remote_uses() const { return uses_; }
    std::uint64_t writes() const { return fdb_.writes() + neighbors_.writes(); }

private:
    using FdbRows = Records<FdbTable>::Wanted;
    using NeighborRows = Records<NeighborTable>::Wanted;
    void add_fdb(const Document& wanted, const Segments& segments, const Devices& devices, FdbRows& rows,
                 Problems& problems);
    void add_neighbors(const Document& wanted, const Segments& segments, NeighborRows& rows, Problems& problems);
    // All that the document's rows are made of: a pass over a hundred thousand records that changes nothing is to cost
    // a comparison of them, for it is made every few seconds.
    struct Made {
        std::vector<FdbRecord> fdb;
        std::vector<NeighborRecord> neighbors;
        std::vector<TenantRecord> records;
        std::optional<Ip> vtep;
        std::map<std::string, std::pair<std::uint32_t, std::uint32_t>> segments;  // index and VNI by name
        std::map<std::string, std::uint32_t> ports;                               // ifindex by name
        std::uint64_t version = 0;                                                // of the rows
    };
    bool is_made(const Document& wanted, const Made& now) const;
    Made facts_of(const Document& wanted, const Segments& segments, const Devices& devices) const;
    void add_records(const Document& wanted, const Segments& segments, FdbRows& fdb, NeighborRows& neighbors,
                     Problems& problems);

    NextHops* nexthops_;
    std::optional<Made> made_;
    RemoteUses uses_;
    Records<FdbTable> fdb_;
    Records<NeighborTable> neighbors_;
};

extern template class Records<FdbTable>;
extern template class Records<NeighborTable>;

template <typename Table>
template <typename Take>
Result<std::uint64_t> Records<Table>::erase_if(Take&& take) {
    TRY(const auto all, map_->rows());
    std::uint64_t count = 0;
    for (const auto& [key, entry] : all) {
        if (!take(key, entry)) continue;
        TRY_OK(remove(key, entry));
        ++count;
    }
    return count;
}

}  // namespace weft

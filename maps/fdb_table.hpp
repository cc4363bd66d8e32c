// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// The FDB: the cuckoo hash of abi.h over a kernel array that is mapped into this process, so a row is written without a
// system call. The interface is Map's. One process writes at a time; programs read, and stamp, meanwhile.
#pragma once

#include <bit>

#include "map.hpp"

namespace weft {

class FdbTable {
public:
    using Key = fdb_key;
    using Value = fdb_entry;
    using Row = std::pair<fdb_key, fdb_entry>;

    // Takes its own duplicate of fd: an array of a power of two, and one, of fdb_bucket, made with BPF_F_MMAPABLE.
    static Result<FdbTable> open(int fd, std::string name);
    FdbTable(FdbTable&& other) noexcept;
    FdbTable& operator=(FdbTable&&) = delete;
    ~FdbTable();

    Result<std::optional<fdb_entry>> find(const fdb_key& key) const;
    // flags: BPF_ANY, BPF_NOEXIST (EEXIST) or BPF_EXIST (ENOENT). E2BIG when max_entries() are there; two thirds of the
    // slots, which such a hash fills without fail.
    Result<> put(const fdb_key& key, const fdb_entry& entry, std::uint64_t flags = BPF_ANY);
    Result<> put_all(std::span<const fdb_key> keys, std::span<const fdb_entry> entries);
    // False if there was nothing.
    Result<bool> erase(const fdb_key& key);

    Result<std::vector<Row>> rows() const;
    // As Map's, but a row that makes room for another between two calls may be met twice or not at all.
    Result<bool> read_batch(Cursor<fdb_key>& cursor, std::vector<Row>& out, std::uint32_t at_most = 4096) const;

    int fd() const { return map_.fd.get(); }
    const std::string& name() const { return map_.name; }
    std::uint32_t max_entries() const { return 2 * bucket_count_; }
    static bool is_array() { return true; }

private:
    struct Place {
        std::uint32_t bucket = 0, slot = 0;
    };
    using Choices = std::array<std::uint32_t, 2>;

    FdbTable(detail::OpenMap&& map, fdb_bucket* buckets);
    void draw_multipliers();
    void count_rows();

    Choices choices(std::uint64_t number) const;
    std::optional<Place> place_of(std::uint64_t number) const;
    std::optional<Place> slot_with(std::uint64_t number, std::uint32_t bucket) const;
    std::optional<Place> free_slot(std::uint64_t number) const;
    std::optional<Place> make_room(std::uint64_t number);
    void move(Place from, Place to);
    void publish(Place place, std::uint64_t number, const fdb_entry& entry);
    void release(Place place);

    std::uint64_t key_at(Place place) const;
    fdb_entry& entry_at(Place place) const { return buckets_[place.bucket].entries[place.slot]; }

    detail::OpenMap map_;
    fdb_bucket* buckets_;
    std::uint32_t bucket_count_;
    int log2_;  // of bucket_count_
    std::uint32_t used_ = 0;
};

}  // namespace weft

// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include "fdb_table.hpp"

#include <sys/mman.h>
#include <sys/random.h>

#include <atomic>
#include <cstring>

namespace weft {

namespace {

constexpr std::size_t MAX_SEARCH = 1024;  // buckets looked at for a row that can move

std::uint64_t number_of(const fdb_key& key) {
    std::uint16_t words[3];
    std::memcpy(words, key.mac, sizeof words);
    return fdb_number(key.segment, words);
}

fdb_key key_of(std::uint64_t number) {
    fdb_key key{.segment = static_cast<std::uint16_t>(number), .mac = {}};
    const std::uint16_t words[3] = {static_cast<std::uint16_t>(number >> 16), static_cast<std::uint16_t>(number >> 32),
                                    static_cast<std::uint16_t>(number >> 48)};
    std::memcpy(key.mac, words, sizeof words);
    return key;
}

std::size_t mapped_bytes(std::uint32_t buckets) { return (std::size_t{buckets} + 1) * sizeof(fdb_bucket); }

}  // namespace

Result<FdbTable> FdbTable::open(int fd, std::string name) {
    TRY(auto map, detail::open_map(fd, {std::move(name), sizeof(std::uint32_t), sizeof(fdb_bucket)}));
    if (map.max_entries < 2 || !std::has_single_bit(map.max_entries - 1))
        return fail(EINVAL, "map " + map.name + " has " + std::to_string(map.max_entries) +
                                " buckets, expected a power of two and one");
    void* at = mmap(nullptr, mapped_bytes(map.max_entries - 1), PROT_READ | PROT_WRITE, MAP_SHARED, map.fd.get(), 0);
    if (at == MAP_FAILED) return fail_errno("map " + map.name + " into memory");
    FdbTable table(std::move(map), static_cast<fdb_bucket*>(at));
    table.draw_multipliers();
    table.count_rows();
    return table;
}

FdbTable::FdbTable(detail::OpenMap&& map, fdb_bucket* buckets)
    : map_(std::move(map)),
      buckets_(buckets),
      bucket_count_(map_.max_entries - 1),
      log2_(std::countr_zero(bucket_count_)) {}

FdbTable::FdbTable(FdbTable&& other) noexcept
    : map_(std::move(other.map_)),
      buckets_(std::exchange(other.buckets_, nullptr)),
      bucket_count_(other.bucket_count_),
      log2_(other.log2_),
      used_(other.used_) {}

FdbTable::~FdbTable() {
    if (buckets_) munmap(buckets_, mapped_bytes(bucket_count_));
}

// A table that has them was filled with them.
void FdbTable::draw_multipliers() {
    fdb_bucket& last = buckets_[bucket_count_];
    for (int i : {0, 1}) {
        if (last.keys[i] != 0) continue;
        std::uint64_t drawn = 0;
        while (getrandom(&drawn, sizeof drawn, 0) != sizeof drawn) {
        }
        last.keys[i] = drawn | 1;
    }
}

void FdbTable::count_rows() {
    for (Place at; at.bucket < bucket_count_; ++at.bucket)
        for (at.slot = 0; at.slot < FDB_SLOTS; ++at.slot) used_ += key_at(at) != 0;
}

std::uint64_t FdbTable::key_at(Place place) const {
    return std::atomic_ref(buckets_[place.bucket].keys[place.slot]).load(std::memory_order_relaxed);
}

FdbTable::Choices FdbTable::choices(std::uint64_t number) const {
    if (log2_ == 0) return {0, 0};
    const auto hash = fdb_hash(number, buckets_[bucket_count_].keys);
    return {fdb_bucket_index(hash, 0, log2_), fdb_bucket_index(hash, 1, log2_)};
}

// number 0: a free slot.
std::optional<FdbTable::Place> FdbTable::slot_with(std::uint64_t number, std::uint32_t bucket) const {
    for (Place at{bucket, 0}; at.slot < FDB_SLOTS; ++at.slot)
        if (key_at(at) == number) return at;
    return {};
}

std::optional<FdbTable::Place> FdbTable::place_of(std::uint64_t number) const {
    for (const auto bucket : choices(number))
        if (auto place = slot_with(number, bucket)) return place;
    return {};
}

std::optional<FdbTable::Place> FdbTable::free_slot(std::uint64_t number) const {
    for (const auto bucket : choices(number))
        if (auto place = slot_with(0, bucket)) return place;
    return {};
}

// A program that looks the key up from now on finds the whole entry.
void FdbTable::publish(Place place, std::uint64_t number, const fdb_entry& entry) {
    entry_at(place) = entry;
    std::atomic_ref(buckets_[place.bucket].keys[place.slot]).store(number, std::memory_order_release);
}

// What was published before is seen before: a key that moves is in both places for a moment.
void FdbTable::release(Place place) {
    std::atomic_ref(buckets_[place.bucket].keys[place.slot]).store(0, std::memory_order_release);
}

void FdbTable::move(Place from, Place to) {
    publish(to, key_at(from), entry_at(from));
    release(from);
}

// Breadth first over the rows that could go to their other bucket, for the shortest chain of moves that frees a slot in
// one of the key's two. The chain is walked from its end, so no row is ever without a place.
std::optional<FdbTable::Place> FdbTable::make_room(std::uint64_t number) {
    struct Step {
        std::uint32_t bucket;
        std::size_t parent;  // whose row, at `slot`, can come here; a root is its own parent
        std::uint32_t slot;
    };
    std::vector<Step> steps;
    for (const auto bucket : choices(number)) steps.push_back({bucket, steps.size(), 0});
    for (std::size_t at = 0; at < steps.size(); ++at) {
        auto room = slot_with(0, steps[at].bucket);
        if (!room) {
            for (Place full{steps[at].bucket, 0}; full.slot < FDB_SLOTS && steps.size() < MAX_SEARCH; ++full.slot) {
                const auto [one, other] = choices(key_at(full));
                const auto there = one == full.bucket ? other : one;
                if (there != full.bucket) steps.push_back({there, at, full.slot});
            }
            continue;
        }
        for (; steps[at].parent != at; at = steps[at].parent) {
            const Place from{steps[steps[at].parent].bucket, steps[at].slot};
            move(from, *room);
            room = from;
        }
        return room;
    }
    return {};
}

Result<std::optional<fdb_entry>> FdbTable::find(const fdb_key& key) const {
    const auto place = place_of(number_of(key));
    return place ? std::optional(entry_at(*place)) : std::nullopt;
}

Result<> FdbTable::put(const fdb_key& key, const fdb_entry& entry, std::uint64_t flags) {
    const auto number = number_of(key);
    const auto old = place_of(number);
    if (old && flags == BPF_NOEXIST) return fail(EEXIST, "write to " + name());
    if (!old && flags == BPF_EXIST) return fail(ENOENT, "write to " + name());
    if (old) {
        fdb_entry& there = entry_at(*old);
        if (there.target == entry.target && there.kind == entry.kind) {
            there = entry;
            return Ok{};
        }
        // Without a free slot beside it, a frame of this moment finds nothing.
        const auto place = free_slot(number);
        if (!place) release(*old);
        publish(place.value_or(*old), number, entry);
        if (place) release(*old);
        return Ok{};
    }
    auto place = used_ < max_entries() ? free_slot(number) : std::nullopt;
    if (!place && used_ < max_entries()) place = make_room(number);
    if (!place) return fail(E2BIG, "write to " + name());
    publish(*place, number, entry);
    ++used_;
    return Ok{};
}

Result<> FdbTable::put_all(std::span<const fdb_key> keys, std::span<const fdb_entry> entries) {
    for (std::size_t i = 0; i < keys.size(); ++i) TRY_OK(put(keys[i], entries[i]));
    return Ok{};
}

Result<bool> FdbTable::erase(const fdb_key& key) {
    const auto place = place_of(number_of(key));
    if (!place) return false;
    release(*place);
    --used_;
    return true;
}

Result<bool> FdbTable::read_batch(Cursor<fdb_key>& cursor, std::vector<Row>& out, std::uint32_t at_most) const {
    out.clear();
    Place at;
    if (cursor.started) std::memcpy(&at.bucket, cursor.position.data(), sizeof at.bucket);
    for (; at.bucket < bucket_count_ && out.size() + FDB_SLOTS <= std::max<std::size_t>(at_most, FDB_SLOTS);
         ++at.bucket)
        for (at.slot = 0; at.slot < FDB_SLOTS; ++at.slot)
            if (const auto number = key_at(at)) out.emplace_back(key_of(number), entry_at(at));
    std::memcpy(cursor.position.data(), &at.bucket, sizeof at.bucket);
    cursor.started = at.bucket < bucket_count_;
    return cursor.started;
}

Result<std::vector<FdbTable::Row>> FdbTable::rows() const {
    std::vector<Row> all;
    all.reserve(used_);
    Cursor<fdb_key> cursor;
    TRY_OK(read_batch(cursor, all, UINT32_MAX));
    return all;
}

}  // namespace weft

// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Map<K, V> and PerCpu<V>: one kernel map with the types of abi.h. A key with a hole cannot instantiate it, and open()
// compares type, key and value size with the kernel's own. Errors carry the map's name. Batches fall back to single
// operations where the kernel has none for the type.
#pragma once

#include <bpf/bpf.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <concepts>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "abi.h"
#include "result.hpp"

namespace weft {

// What may cross the kernel line: no holes, no surprises.
template <typename T>
concept Wire =
    std::is_trivially_copyable_v<T> && std::is_standard_layout_v<T> && std::has_unique_object_representations_v<T>;

class Fd {
public:
    Fd() = default;
    explicit Fd(int fd) : fd_(fd) {}
    Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
    Fd& operator=(Fd&& other) noexcept {
        std::swap(fd_, other.fd_);
        return *this;
    }
    ~Fd() {
        if (fd_ >= 0) ::close(fd_);
    }
    int get() const { return fd_; }
    explicit operator bool() const { return fd_ >= 0; }

private:
    int fd_ = -1;
};

namespace detail {

// The kernel's view of a map: checked against what the caller believes it is. fd is duplicated.
struct MapShape {
    std::string name;
    std::uint32_t key_bytes, value_bytes;
};
struct OpenMap {
    Fd fd;
    std::string name;
    std::uint32_t type, max_entries;
};
Result<OpenMap> open_map(int fd, const MapShape& shape);
int possible_cpus();
constexpr int ENOTSUPP_KERNEL = 524;  // the kernel returns it though it is no errno of user space

}  // namespace detail

// Where a walk in batches stands; a default one starts at the beginning.
template <Wire K>
struct Cursor {
    std::array<std::uint8_t, std::max<std::size_t>(sizeof(K), 4)> position{};  // the kernel's: a bucket or a key
    bool started = false;
};

template <Wire K, Wire V>
class Map {
public:
    using Key = K;
    using Value = V;
    using Row = std::pair<K, V>;

    // Takes its own duplicate of fd. EINVAL with the numbers when the kernel's sizes differ.
    static Result<Map> open(int fd, std::string name) {
        TRY(auto raw, detail::open_map(fd, {std::move(name), sizeof(K), sizeof(V)}));
        return Map(std::move(raw));
    }

    Result<std::optional<V>> find(const K& key) const {
        V value{};
        if (bpf_map_lookup_elem(fd(), &key, &value) == 0) return std::optional<V>(value);
        if (errno == ENOENT) return std::optional<V>();
        return fail_errno("look up in " + map_.name);
    }

    // flags: BPF_ANY, BPF_NOEXIST (EEXIST) or BPF_EXIST (ENOENT). E2BIG when the map is full.
    Result<> put(const K& key, const V& value, std::uint64_t flags = BPF_ANY) {
        if (bpf_map_update_elem(fd(), &key, &value, flags) == 0) return Ok{};
        return fail_errno("write to " + map_.name);
    }

    // False if there was nothing.
    Result<bool> erase(const K& key) {
        if (bpf_map_delete_elem(fd(), &key) == 0) return true;
        if (errno == ENOENT) return false;
        return fail_errno("delete from " + map_.name);
    }

    // Many rows in one call each way; `count` rows done before an error are kept.
    Result<> put_all(std::span<const K> keys, std::span<const V> values);
    Result<std::vector<Row>> rows() const;

    // The next rows of a walk, into `out` (cleared first). False when these are the last; the cursor is then at the
    // beginning again. Rows that come or go meanwhile are met once or not at all, the others exactly once.
    Result<bool> read_batch(Cursor<K>& cursor, std::vector<Row>& out, std::uint32_t at_most = 4096) const;

    int fd() const { return map_.fd.get(); }
    const std::string& name() const { return map_.name; }
    std::uint32_t max_entries() const { return map_.max_entries; }
    bool is_array() const { return map_.type == BPF_MAP_TYPE_ARRAY; }  // its memory is there from the start

private:
    explicit Map(detail::OpenMap&& raw) : map_(std::move(raw)) {}
    detail::OpenMap map_;
};

// A per-CPU array of V by __u32 index; reads sum nothing: one V per possible CPU.
template <Wire V>
class PerCpu {
public:
    static Result<PerCpu> open(int fd, std::string name) {
        TRY(auto raw, detail::open_map(fd, {std::move(name), sizeof(std::uint32_t), sizeof(V)}));
        return PerCpu(std::move(raw));
    }

    Result<std::vector<V>> read(std::uint32_t index) const {
        static_assert(sizeof(V) % 8 == 0, "the kernel rounds per-CPU values up to 8 bytes");
        std::vector<V> values(static_cast<std::size_t>(detail::possible_cpus()));
        if (bpf_map_lookup_elem(map_.fd.get(), &index, values.data()) == 0) return values;
        return fail_errno("look up in " + map_.name);
    }

    Result<> clear(std::uint32_t index) {
        std::vector<V> zero(static_cast<std::size_t>(detail::possible_cpus()));
        if (bpf_map_update_elem(map_.fd.get(), &index, zero.data(), BPF_ANY) == 0) return Ok{};
        return fail_errno("write to " + map_.name);
    }

    int fd() const { return map_.fd.get(); }
    std::uint32_t max_entries() const { return map_.max_entries; }

private:
    explicit PerCpu(detail::OpenMap&& raw) : map_(std::move(raw)) {}
    detail::OpenMap map_;
};

template <Wire K, Wire V>
Result<> Map<K, V>::put_all(std::span<const K> keys, std::span<const V> values) {
    std::size_t done = 0;
    while (done < keys.size()) {
        auto count = static_cast<std::uint32_t>(std::min<std::size_t>(keys.size() - done, 4096));
        LIBBPF_OPTS(bpf_map_batch_opts, opts);
        if (bpf_map_update_batch(fd(), keys.data() + done, values.data() + done, &count, &opts) != 0) {
            if (errno != detail::ENOTSUPP_KERNEL && errno != EINVAL && errno != ENOSYS)
                return fail_errno("write to " + map_.name);
            for (; done < keys.size(); ++done) TRY_OK(put(keys[done], values[done]));
            return Ok{};
        }
        done += count;
    }
    return Ok{};
}

template <Wire K, Wire V>
Result<bool> Map<K, V>::read_batch(Cursor<K>& cursor, std::vector<Row>& out, std::uint32_t at_most) const {
    out.clear();
    std::vector<K> keys(at_most);
    std::vector<V> values(at_most);
    std::uint32_t count = at_most;
    LIBBPF_OPTS(bpf_map_batch_opts, opts);
    auto* from = cursor.started ? cursor.position.data() : nullptr;
    const int error =
        bpf_map_lookup_batch(fd(), from, cursor.position.data(), keys.data(), values.data(), &count, &opts);
    if (error != 0 && errno == ENOSPC) return read_batch(cursor, out, at_most * 2);  // one bucket holds more than that
    if (error != 0 && errno != ENOENT) return fail_errno("walk " + map_.name);
    for (std::uint32_t i = 0; i < count; ++i) out.emplace_back(keys[i], values[i]);
    cursor.started = error == 0;
    return cursor.started;
}

template <Wire K, Wire V>
auto Map<K, V>::rows() const -> Result<std::vector<Row>> {
    std::vector<Row> all, batch;
    Cursor<K> cursor;
    for (bool more = true; more;) {
        TRY(more, read_batch(cursor, batch));
        all.insert(all.end(), batch.begin(), batch.end());
    }
    return all;
}

}  // namespace weft

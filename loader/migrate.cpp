// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include "migrate.hpp"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>

namespace weft {

namespace {

bool is_per_cpu(std::uint32_t type) {
    return type == BPF_MAP_TYPE_PERCPU_ARRAY || type == BPF_MAP_TYPE_PERCPU_HASH ||
           type == BPF_MAP_TYPE_LRU_PERCPU_HASH;
}
bool is_array(std::uint32_t type) { return type == BPF_MAP_TYPE_ARRAY || type == BPF_MAP_TYPE_PERCPU_ARRAY; }
// These hold file descriptors: they can be shared, their rows cannot be read.
bool holds_objects(std::uint32_t type) {
    return type == BPF_MAP_TYPE_PROG_ARRAY || type == BPF_MAP_TYPE_PERF_EVENT_ARRAY;
}

std::size_t cpus(const MapShape& shape) {
    return is_per_cpu(shape.type) ? static_cast<std::size_t>(detail::possible_cpus()) : 1;
}
// The kernel gives and takes each CPU's value rounded up to 8 bytes.
std::size_t stride(const MapShape& shape) {
    return is_per_cpu(shape.type) ? (shape.value_bytes + 7) / 8 * 8 : shape.value_bytes;
}

Result<std::uint32_t> map_id(int fd) {
    bpf_map_info info{};
    std::uint32_t length = sizeof info;
    if (bpf_obj_get_info_by_fd(fd, &info, &length) != 0) return fail_errno("look at a pinned map");
    return info.id;
}

Result<> pin_again(const std::string& from, const std::string& to) {
    TRY(auto object, pins::open(from));
    TRY(auto present, pins::open(to));
    if (!object || present) return Ok{};
    return pins::pin(object->get(), to);
}

}  // namespace

const std::vector<Conversion>& known_conversions() {
    static const std::vector<Conversion> none;  // no release had another version
    return none;
}

Result<Migration> Migration::begin(const pins::Folder& to, const std::vector<Conversion>& conversions) {
    Migration migration(to);
    for (const auto version : pins::versions(to.instance))
        if (version != to.version) migration.others_.push_back(version);
    if (migration.others_.empty()) return migration;
    migration.from_ = pins::Folder{to.instance, migration.others_.back()};
    spdlog::info("taking over the state of ABI version {} for version {}", migration.from_->version, to.version);
    TRY_OK(for_each_map(
        [&](const char* name, const MapShape& wanted) { return migration.take_map(name, wanted, conversions); }));
    TRY_OK(migration.take_objects());
    migration.report_unknown_maps();
    return migration;
}

Result<> Migration::take_map(const std::string& name, const MapShape& wanted,
                             const std::vector<Conversion>& conversions) {
    TRY(auto from, pins::open(from_->map(name)));
    if (!from) return Ok{};
    TRY(auto present, pins::open(to_.map(name)));
    TRY(const auto shape, map_shape(from->get()));
    const auto conversion = std::find_if(conversions.begin(), conversions.end(), [&](const Conversion& known) {
        return known.from_version == from_->version && known.map == name;
    });
    const bool converts = conversion != conversions.end();
    if (present) {
        TRY(const auto old_id, map_id(from->get()));
        TRY(const auto new_id, map_id(present->get()));
        if (old_id == new_id) return Ok{};
    } else if (!converts && shape.same_rows(wanted) &&
               (shape.max_entries == wanted.max_entries || holds_objects(shape.type))) {
        return pins::pin(from->get(), to_.map(name));
    }
    const bool same_bytes = shape.key_bytes == wanted.key_bytes && shape.value_bytes == wanted.value_bytes;
    if (holds_objects(shape.type) || (!converts && !same_bytes)) {
        spdlog::warn("table {} of ABI version {} cannot be read by version {}: it starts empty", name, from_->version,
                     to_.version);
        return Ok{};
    }
    const bool resumed = present.has_value();
    return copy_map({.name = name,
                     .from = std::move(*from),
                     .to = resumed ? std::move(*present) : Fd(),
                     .from_shape = shape,
                     .to_shape = wanted,
                     .conversion = converts ? &*conversion : nullptr,
                     .resumed = resumed,
                     .seen = {}});
}

Result<> Migration::copy_map(Copy&& copy) {
    if (!copy.resumed) {
        LIBBPF_OPTS(bpf_map_create_opts, options, .map_flags = copy.to_shape.flags);
        copy.to =
            Fd(bpf_map_create(static_cast<bpf_map_type>(copy.to_shape.type), copy.name.c_str(), copy.to_shape.key_bytes,
                              copy.to_shape.value_bytes, copy.to_shape.max_entries, &options));
        if (!copy.to) return fail_errno("make map " + copy.name);
        TRY_OK(replay(copy));
        TRY(copy.seen, read(copy));
        TRY_OK(pins::pin(copy.to.get(), to_.map(copy.name)));
    }
    copies_.push_back(std::move(copy));
    return Ok{};
}

Result<Migration::Rows> Migration::read(const Copy& copy) {
    Rows rows;
    const auto& shape = copy.from_shape;
    std::string key, next(shape.key_bytes, 0), value(stride(shape) * cpus(shape), 0);
    // An LRU map may give up the key we stand on, and the walk starts anew: bounded, since all of it was seen by then.
    for (std::uint64_t steps = 0; steps < 2ull * shape.max_entries; ++steps) {
        const void* at = key.empty() ? nullptr : key.data();
        if (bpf_map_get_next_key(copy.from.get(), at, next.data()) != 0) {
            if (errno != ENOENT) return fail_errno("walk " + copy.name);
            break;
        }
        key = next;
        if (bpf_map_lookup_elem(copy.from.get(), key.data(), value.data()) == 0) rows[key] = value;
    }
    return rows;
}

std::optional<std::pair<std::string, std::string>> Migration::convert(const Copy& copy, const std::string& key,
                                                                      const std::string& value) {
    if (!copy.conversion) return std::pair(key, value);
    std::pair<std::string, std::string> out;
    for (std::size_t cpu = 0; cpu < cpus(copy.from_shape); ++cpu) {
        auto row =
            copy.conversion->convert(key, value.substr(cpu * stride(copy.from_shape), copy.from_shape.value_bytes));
        if (!row) return {};
        row->second.resize(stride(copy.to_shape), 0);
        out.first = row->first;
        out.second += row->second;
    }
    return out;
}

// Brings over the rows that are new or other than when they were last seen. Where both sides changed a row, the new
// programs' word stands.
Result<> Migration::replay(const Copy& copy) {
    TRY(const auto rows, read(copy));
    std::size_t homeless = 0;
    std::string there(stride(copy.to_shape) * cpus(copy.to_shape), 0);
    for (const auto& [key, value] : rows) {
        const auto seen = copy.seen.find(key);
        if (seen != copy.seen.end() && seen->second == value) continue;
        const auto row = convert(copy, key, value);
        const bool present = row && bpf_map_lookup_elem(copy.to.get(), row->first.data(), there.data()) == 0;
        if (present && (copy.resumed || seen != copy.seen.end())) {
            const auto before = seen == copy.seen.end() ? std::nullopt : convert(copy, key, seen->second);
            if (!before || before->second != there) continue;
        }
        if (!row || bpf_map_update_elem(copy.to.get(), row->first.data(), row->second.data(), BPF_ANY) != 0) ++homeless;
    }
    if (homeless && !is_array(copy.to_shape.type))
        spdlog::warn("{} rows of table {} have no place in the new version", homeless, copy.name);
    return Ok{};
}

Result<> Migration::take_objects() {
    for (const auto& name : pins::entries(from_->path() + "/progs"))
        TRY_OK(pin_again(from_->program(name), to_.program(name)));
    for (const auto& name : pins::entries(from_->links()))
        TRY_OK(pin_again(from_->links() + "/" + name, to_.links() + "/" + name));
    return Ok{};
}

void Migration::report_unknown_maps() const {
    for (const auto& name : pins::entries(from_->path())) {
        if (name == "progs" || name == "links" || access(to_.map(name).c_str(), F_OK) == 0) continue;
        spdlog::warn("table {} of ABI version {} is not taken over", name, from_->version);
    }
}

Result<> Migration::finish() {
    for (const auto& copy : copies_) TRY_OK(replay(copy));
    for (const auto version : others_) TRY_OK(pins::remove(pins::Folder{to_.instance, version}.path()));
    return Ok{};
}

}  // namespace weft

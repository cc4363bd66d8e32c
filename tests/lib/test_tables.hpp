// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Tables over fresh, unpinned kernel maps of the right types, for tests of what reads and writes them.
#pragma once

#include <bpf/bpf.h>

#include <bit>
#include <string_view>

#include "tables.hpp"

namespace weft::test {

template <typename T>
struct Shape;
template <typename K, typename V>
struct Shape<Map<K, V>> {
    static constexpr std::uint32_t key = sizeof(K), value = sizeof(V);
    static constexpr bool per_cpu = false;
};
template <typename K, typename V>
struct Shape<PrefixMap<K, V>> : Shape<Map<K, V>> {
    static constexpr bool is_trie = true;
};
template <typename V>
struct Shape<PerCpu<V>> {
    static constexpr std::uint32_t key = sizeof(std::uint32_t), value = sizeof(V);
    static constexpr bool per_cpu = true;
};
template <>
struct Shape<FdbTable> {
    static constexpr std::uint32_t key = sizeof(std::uint32_t), value = sizeof(fdb_bucket);
    static constexpr bool per_cpu = false;
};

template <typename T>
int create_table(const char* name, std::uint32_t max_entries) {
    if constexpr (std::is_same_v<T, FdbTable>) {
        LIBBPF_OPTS(bpf_map_create_opts, options, .map_flags = BPF_F_MMAPABLE);
        return bpf_map_create(BPF_MAP_TYPE_ARRAY, name, Shape<T>::key, Shape<T>::value,
                              std::bit_ceil(max_entries) / 2 + 1, &options);
    }
    if constexpr (requires { Shape<T>::is_trie; }) {
        LIBBPF_OPTS(bpf_map_create_opts, options, .map_flags = BPF_F_NO_PREALLOC);
        return bpf_map_create(BPF_MAP_TYPE_LPM_TRIE, name, Shape<T>::key, Shape<T>::value, max_entries, &options);
    }
    const std::string_view arrays[] = {"segments", "circuits",    "leases",    "teams",    "policies",
                                       "guests",   "nexthops",    "limiters",  "gateways", "domains",
                                       "paths",    "path_groups", "rule_lists"};
    auto type = Shape<T>::per_cpu ? BPF_MAP_TYPE_PERCPU_ARRAY : BPF_MAP_TYPE_HASH;
    for (auto array : arrays)
        if (array == name) type = BPF_MAP_TYPE_ARRAY;
    if (std::string_view(name) == "recent" || std::string_view(name) == "askers" || std::string_view(name) == "flows")
        type = BPF_MAP_TYPE_LRU_HASH;
    return bpf_map_create(type, name, Shape<T>::key, Shape<T>::value, max_entries, nullptr);
}

// EPERM without CAP_BPF: skip the test then.
inline Result<Tables> make_tables(std::uint32_t max_entries = 1024) {
    std::vector<Fd> created;  // Tables keeps duplicates
    return Tables::open([&](const char* wanted) {
        int fd = -ENOENT;
#define X(name, ...) \
    if (std::string_view(wanted) == #name) fd = create_table<__VA_ARGS__>(#name, max_entries);
        WEFT_TABLES(X)
#undef X
        created.emplace_back(fd);
        return fd;
    });
}

}  // namespace weft::test

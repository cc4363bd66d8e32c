// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// bench_tool fill, storm, clear: a running host's FDB, by the batches the daemon uses. Entries are copies of the one of
// the MAC `like`, so a whole range of MACs lies where that one is; the datapath cannot tell them from the daemon's.
#include "tables.hpp"

#include <bpf/bpf.h>

#include <cstdio>
#include <fstream>

#include "tool.hpp"

namespace weft::bench {

namespace {

template <typename M>
Result<M> open_pinned(const std::string& folder, const char* name) {
    const Fd fd(bpf_obj_get((folder + "/" + name).c_str()));
    if (!fd) return fail_errno("open " + folder + "/" + name);
    return M::open(fd.get(), name);
}

// The generator's MACs: 0a:00 and a number.
fdb_key numbered(std::uint16_t segment, std::uint32_t number) {
    return {segment,
            {0x0a, 0, static_cast<std::uint8_t>(number >> 24), static_cast<std::uint8_t>(number >> 16),
             static_cast<std::uint8_t>(number >> 8), static_cast<std::uint8_t>(number)}};
}

struct Rows {
    FdbTable fdb;
    std::vector<fdb_key> keys;
    std::vector<fdb_entry> entries;
};

Result<std::uint16_t> segment_of(const std::string& folder, std::uint32_t vni) {
    TRY(const auto vnis, (open_pinned<Map<std::uint32_t, std::uint32_t>>(folder, "vnis")));
    TRY(const auto index, vnis.find(vni));
    if (!index) return fail(ENOENT, "no segment has this VNI");
    return static_cast<std::uint16_t>(*index);
}

Result<Rows> make_rows(const Options& options) {
    TRY(const auto folder, options.text("pins"));
    TRY(const auto vni, options.number("vni"));
    TRY(const auto count, options.number("count"));
    TRY(const auto like, options.value<Mac>("like"));
    TRY(const auto segment, segment_of(folder, static_cast<std::uint32_t>(vni)));
    TRY(auto fdb, open_pinned<FdbTable>(folder, "fdb"));
    fdb_key key{segment, {}};
    like.copy_to(key.mac);
    TRY(auto entry, fdb.find(key));
    if (!entry) return fail(ENOENT, "the FDB has no " + like.text());
    entry->origin = ORIGIN_CLI;
    Rows rows{std::move(fdb), {}, {}};
    for (auto i = static_cast<std::uint32_t>(options.number("first", 0)); i < static_cast<std::uint32_t>(count); ++i)
        rows.keys.push_back(numbered(segment, i));
    rows.entries.resize(rows.keys.size(), *entry);
    return rows;
}

// What the kernel charges for the map, from its fdinfo.
std::uint64_t locked_bytes(const FdbTable& fdb) {
    std::ifstream info("/proc/self/fdinfo/" + std::to_string(fdb.fd()));
    for (std::string word; info >> word;)
        if (word == "memlock:" && info >> word) return std::stoull(word);
    return 0;
}

}  // namespace

Result<> fill(const Options& options) {
    TRY(auto rows, make_rows(options));
    const auto start = Clock::now();
    TRY_OK(rows.fdb.put_all(rows.keys, rows.entries));
    std::printf("{\"entries\": %zu, \"seconds\": %.6f, \"bytes_per_entry\": %.1f}\n", rows.keys.size(), since(start),
                static_cast<double>(locked_bytes(rows.fdb)) / rows.fdb.max_entries());
    return Ok{};
}

Result<> clear(const Options& options) {
    TRY(auto rows, make_rows(options));
    for (const fdb_key& key : rows.keys) TRY_OK(rows.fdb.erase(key));
    std::puts("{}");
    return Ok{};
}

// Writes all rows anew, again and again.
Result<> storm(const Options& options) {
    TRY(const auto seconds, options.number("seconds"));
    TRY_OK(stay_on(static_cast<unsigned>(options.number("cpu", 0))));
    TRY(auto rows, make_rows(options));
    std::puts("{\"ready\": true}");
    std::fflush(stdout);
    std::uint64_t written = 0;
    const auto start = Clock::now();
    constexpr std::size_t BATCH = 4096;
    for (std::size_t at = 0; since(start) < seconds; at = at + BATCH < rows.keys.size() ? at + BATCH : 0) {
        const auto count = std::min(BATCH, rows.keys.size() - at);
        TRY_OK(rows.fdb.put_all(std::span(rows.keys).subspan(at, count), std::span(rows.entries).subspan(at, count)));
        written += count;
    }
    std::printf("{\"entries\": %lu, \"seconds\": %.6f}\n", written, since(start));
    return Ok{};
}

}  // namespace weft::bench

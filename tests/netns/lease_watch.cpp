// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// lease_watch ROUTER INSTANCE…: prints "NOW NUMBER SINCE RENEWED" (ns of CLOCK_MONOTONIC, NUMBER counts the instances)
// when the row of the virtual router in an instance's leases differs from the line before, looking at all of them each
// millisecond, until it is ended. What a program of weft's would make of a row is lease_holds() of abi.h.
#include <time.h>

#include <charconv>
#include <cstdio>
#include <iostream>
#include <span>
#include <string_view>
#include <vector>

#include "abi.h"
#include "map.hpp"
#include "pins.hpp"

namespace {

using Leases = weft::Map<std::uint32_t, lease>;

weft::Result<Leases> open_leases(const char* instance) {
    const weft::pins::Folder folder{instance, ABI_VERSION};
    TRY(auto fd, weft::pins::open(folder.map("leases")));
    if (!fd) return weft::fail(ENOENT, std::string("no leases of instance ") + instance);
    return Leases::open(fd->get(), "leases");
}

weft::Result<> watch(std::uint32_t router, std::span<char*> instances) {
    std::vector<Leases> tables;
    for (const char* instance : instances) {
        TRY(auto table, open_leases(instance));
        tables.push_back(std::move(table));
    }
    std::vector<lease> last(tables.size());
    timespec now{};
    clock_gettime(CLOCK_MONOTONIC, &now);
    while (true) {
        const auto now_ns = static_cast<unsigned long long>(now.tv_sec) * 1'000'000'000 + now.tv_nsec;
        for (std::size_t i = 0; i < tables.size(); ++i) {
            TRY(const auto row, tables[i].find(router));
            if (!row || (row->since_ns == last[i].since_ns && row->renewed_ns == last[i].renewed_ns)) continue;
            last[i] = *row;
            std::printf("%llu %zu %llu %llu\n", now_ns, i, row->since_ns, row->renewed_ns);
            std::fflush(stdout);
        }
        const timespec pause{.tv_sec = 0, .tv_nsec = 1'000'000};
        clock_nanosleep(CLOCK_MONOTONIC, 0, &pause, nullptr);
        clock_gettime(CLOCK_MONOTONIC, &now);
    }
}

}  // namespace

int main(int argc, char** argv) {
    const std::span<char*> words(argv, static_cast<std::size_t>(argc));
    std::uint32_t router = 0;
    if (words.size() < 3) return 2;
    const std::string_view number = words[1];
    if (std::from_chars(number.data(), number.data() + number.size(), router).ec != std::errc{}) return 2;
    const auto result = watch(router, words.subspan(2));
    if (!result) std::cerr << "lease_watch: " << result.error().what << "\n";
    return 1;
}

// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// FdbTable over a real kernel array: rows, limits, and what a reader sees while rows make room for others.
#include "fdb_table.hpp"

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <map>
#include <random>
#include <thread>

#include "test_tables.hpp"

namespace weft {
namespace {

fdb_key nth(std::uint32_t n, std::uint16_t segment = 1) {
    return {.segment = segment,
            .mac = {2, 0, std::uint8_t(n >> 24), std::uint8_t(n >> 16), std::uint8_t(n >> 8), std::uint8_t(n)}};
}
fdb_entry to(std::uint32_t target, std::uint8_t kind = FDB_REMOTE) {
    return {.target = target, .kind = kind, .origin = ORIGIN_CLI, .flags = 0, .used_s = 0};
}

class FdbTableTest : public testing::Test {
protected:
    // multipliers: 0 to have them drawn.
    void make(std::uint32_t entries, std::array<std::uint64_t, 2> multipliers = {}) {
        fd_ = Fd(test::create_table<FdbTable>("fdb", entries));
        if (!fd_ && errno == EPERM) GTEST_SKIP() << "needs CAP_BPF";
        ASSERT_TRUE(fd_);
        if (multipliers[0] != 0) write_multipliers(multipliers);
        auto table = FdbTable::open(fd_.get(), "fdb");
        ASSERT_TRUE(table) << table.error().what;
        table_.emplace(std::move(*table));
    }

    void write_multipliers(std::array<std::uint64_t, 2> multipliers) {
        bpf_map_info info{};
        std::uint32_t size = sizeof info;
        ASSERT_EQ(bpf_obj_get_info_by_fd(fd_.get(), &info, &size), 0);
        const std::uint32_t last = info.max_entries - 1;
        const fdb_bucket bucket{.entries = {}, .reserved = 0, .keys = {multipliers[0], multipliers[1], 0}};
        ASSERT_EQ(bpf_map_update_elem(fd_.get(), &last, &bucket, BPF_ANY), 0);
    }

    Fd fd_;
    std::optional<FdbTable> table_;
};

TEST_F(FdbTableTest, DoesWhatItsFlagsSay) {
    make(64);
    if (!table_) return;
    EXPECT_FALSE(*table_->find(nth(1)));
    EXPECT_EQ(table_->put(nth(1), to(1), BPF_EXIST).error().code, ENOENT);
    EXPECT_TRUE(table_->put(nth(1), to(1), BPF_NOEXIST));
    EXPECT_EQ(table_->put(nth(1), to(2), BPF_NOEXIST).error().code, EEXIST);
    EXPECT_EQ((*table_->find(nth(1)))->target, 1u);
    EXPECT_TRUE(table_->put(nth(1), to(7, FDB_PORT), BPF_EXIST));
    EXPECT_EQ((*table_->find(nth(1)))->target, 7u);
    EXPECT_EQ((*table_->find(nth(1)))->kind, FDB_PORT);
    EXPECT_FALSE(*table_->find(nth(1, 2))) << "another segment's";
    EXPECT_EQ(table_->rows()->size(), 1u);
    EXPECT_TRUE(*table_->erase(nth(1)));
    EXPECT_FALSE(*table_->erase(nth(1)));
    EXPECT_TRUE(table_->rows()->empty());
}

TEST_F(FdbTableTest, TakesAsManyAsItSaysWhateverTheyAre) {
    make(1 << 16);
    if (!table_) return;
    for (int round = 0; round < 4; ++round) {  // in a row, scattered, of many segments
        for (std::uint32_t n = 0; n < table_->max_entries(); ++n) {
            const auto key = round == 0 ? nth(n) : nth(n * 0x9e3779b1u, static_cast<std::uint16_t>(1 + n % round));
            ASSERT_TRUE(table_->put(key, to(n), BPF_NOEXIST)) << "entry " << n << " of round " << round;
        }
        EXPECT_EQ(table_->put(nth(7, 1023), to(1)).error().code, E2BIG);
        EXPECT_TRUE(table_->put(table_->rows()->front().first, to(1))) << "one that is there changes all the same";
        const auto rows = *table_->rows();
        for (const auto& [key, entry] : rows) ASSERT_TRUE(*table_->erase(key));
    }
}

// MACs in a row, by either end of the address, are what a factory and a script give; whatever multipliers are drawn.
// The first draws are two that a hash without the fold before its first multiplication could not live with.
TEST_F(FdbTableTest, TakesMacsInARowWhateverItDraws) {
    constexpr std::array<std::uint64_t, 2> HARD[] = {{0x84c74af060cb2bbd, 0x272ed66611b91bd},
                                                     {0x8936f1d4c3c516bf, 0x72460a53563a5147}};
    for (std::size_t draw = 0; draw < 100; ++draw) {
        make(1 << 14, draw < 4 ? HARD[draw / 2] : std::array<std::uint64_t, 2>{});
        if (!table_) return;
        for (std::uint32_t n = 0; n < table_->max_entries(); ++n) {
            const auto number = draw % 2 ? n : n << 12;
            ASSERT_TRUE(table_->put(nth(number), to(n), BPF_NOEXIST)) << "entry " << n << " of draw " << draw;
        }
    }
}

TEST_F(FdbTableTest, KeepsTheRowsOfAMapThroughAnyOrderOfChanges) {
    make(1 << 12);
    if (!table_) return;
    std::mt19937 random(2);
    std::map<std::uint32_t, std::uint32_t> wanted;
    for (int step = 0; step < 400'000; ++step) {
        const auto n = static_cast<std::uint32_t>(random() % 6000);
        if (random() % 3 == 0) {
            EXPECT_EQ(*table_->erase(nth(n)), wanted.erase(n) != 0);
        } else {
            const auto target = static_cast<std::uint32_t>(random());
            const bool fits = wanted.size() < table_->max_entries() || wanted.contains(n);
            ASSERT_EQ(table_->put(nth(n), to(target)).has_value(), fits);
            if (fits) wanted[n] = target;
        }
    }
    const auto rows = *table_->rows();
    EXPECT_EQ(rows.size(), wanted.size());
    for (const auto& [n, target] : wanted) ASSERT_EQ((*table_->find(nth(n)))->target, target);
}

TEST_F(FdbTableTest, IsWalkedInPartsAndFoundAgainByAnotherProcess) {
    make(1 << 10);
    if (!table_) return;
    for (std::uint32_t n = 0; n < 1000; ++n) ASSERT_TRUE(table_->put(nth(n), to(n)));
    auto again = FdbTable::open(fd_.get(), "fdb");
    ASSERT_TRUE(again);
    EXPECT_EQ((*again->find(nth(999)))->target, 999u);
    std::map<std::uint32_t, int> met;
    Cursor<fdb_key> cursor;
    std::vector<FdbTable::Row> part;
    int parts = 0;
    for (bool more = true; more; ++parts) {
        const auto read = again->read_batch(cursor, part, 100);
        ASSERT_TRUE(read);
        more = *read;
        EXPECT_LE(part.size(), 100u);
        for (const auto& [key, entry] : part) ++met[entry.target];
    }
    EXPECT_GE(parts, 10);
    EXPECT_EQ(met.size(), 1000u);
    for (std::uint32_t n = 0; n < 24; ++n) ASSERT_TRUE(again->put(nth(2000 + n), to(1)));
    EXPECT_EQ(again->put(nth(3000), to(1)).error().code, E2BIG) << "the rows that were there count";
}

// A row that leads elsewhere, and rows that make room, are there at all times for whoever looks twice: a reader between
// the two places of a row that moves may miss it once, no more.
TEST_F(FdbTableTest, AReaderSeesOneOrTheOtherPlaceOfARowAndNeverHalfOfIt) {
    make(1 << 10);
    if (!table_) return;
    constexpr std::uint32_t STAY = 700;
    for (std::uint32_t n = 0; n < STAY; ++n) ASSERT_TRUE(table_->put(nth(n), to(1)));
    std::atomic<bool> stop = false;
    std::atomic<std::uint64_t> mixed = 0, missed_twice = 0, looks = 0;
    auto reading = FdbTable::open(fd_.get(), "fdb");
    ASSERT_TRUE(reading);
    std::thread reader([&] {
        for (std::uint32_t n = 0; !stop; n = (n + 1) % STAY, ++looks) {
            auto found = *reading->find(nth(n));
            if (!found) found = *reading->find(nth(n));
            if (!found) ++missed_twice;
            if (found && (found->target == 1) != (found->kind == FDB_REMOTE)) ++mixed;
        }
    });
    for (std::uint32_t n = 0; looks < 2'000'000; ++n) {
        ASSERT_TRUE(table_->put(nth(10'000 + n % 320), to(1)));
        ASSERT_TRUE(table_->erase(nth(10'000 + n * 13 % 320)));
        const auto moves = nth(n % STAY);
        ASSERT_TRUE(table_->put(moves, n & 1 ? to(2, FDB_PORT) : to(1)));
    }
    stop = true;
    reader.join();
    EXPECT_EQ(mixed, 0u);
    EXPECT_EQ(missed_twice, 0u);
}

}  // namespace
}  // namespace weft

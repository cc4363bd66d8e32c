// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// What the learner lets go because nobody used it.
#include "learning.hpp"

namespace weft {
namespace {

TEST_F(Learning, AgesWhatWasNotUsedAndKeepsWhatWas) {
    set_rules({.aging_seconds = 300});
    learner_->handle(mac_event(GUEST, PORT_A));
    learner_->handle(mac_event(OTHER, PORT_A));
    now_s_ += 299;
    ASSERT_TRUE(learner_->age(now_s_));
    EXPECT_TRUE(entry(GUEST));
    stamp(OTHER, now_s_);
    now_s_ += 1;
    ASSERT_TRUE(learner_->age(now_s_));
    EXPECT_FALSE(entry(GUEST));
    EXPECT_TRUE(entry(OTHER));
    EXPECT_EQ(counters().aged, 1u);
    EXPECT_EQ(learner_->learned(BLUE), 1u);
}

TEST_F(Learning, KeepsAnEntryWhoseStampIsAheadOfTheTick) {
    learner_->handle(mac_event(GUEST, PORT_A));
    stamp(GUEST, now_s_ + 5);
    ASSERT_TRUE(learner_->age(now_s_));
    EXPECT_TRUE(entry(GUEST));
}

TEST_F(Learning, NeverAgesWhereAgingIsZeroNorWhatIsStatic) {
    set_rules({.aging_seconds = 0});
    learner_->handle(mac_event(GUEST, PORT_A));
    learner_->handle(mac_event(GUEST, GREEN_PORT, GREEN));
    put_static(OTHER, PORT_A);
    now_s_ += 1'000'000;
    ASSERT_TRUE(learner_->age(now_s_));
    EXPECT_TRUE(entry(GUEST));
    EXPECT_FALSE(entry(GUEST, GREEN));
    set_rules({.aging_seconds = 1});
    ASSERT_TRUE(learner_->age(now_s_));
    EXPECT_FALSE(entry(GUEST));
    EXPECT_TRUE(entry(OTHER));
}

TEST_F(Learning, AgesAMillionEntriesInShortCalls) {
    constexpr std::uint32_t MANY = MAX_FDB_ENTRIES;
    start(MANY);
    set_rules({.aging_seconds = 300, .limit = MANY});
    std::vector<fdb_key> keys;
    for (std::uint32_t n = 0; n < MANY; ++n) keys.push_back(key(nth_mac(n)));
    const fdb_entry fresh{.target = PORT_A, .kind = FDB_PORT, .origin = ORIGIN_DYNAMIC, .flags = 0, .used_s = now_s_};
    const fdb_entry stale{
        .target = PORT_A, .kind = FDB_PORT, .origin = ORIGIN_DYNAMIC, .flags = 0, .used_s = now_s_ - 300};
    std::vector<fdb_entry> entries(MANY, stale);
    for (std::uint32_t n = 0; n < MANY; n += 1000) entries[n] = fresh;
    ASSERT_TRUE(tables_->fdb.put_all(keys, entries));
    ASSERT_TRUE(learner_->recount());
    ASSERT_EQ(learner_->learned(BLUE), MANY);

    const std::uint64_t doomed = MANY - (MANY + 999) / 1000;
    int calls = 0;
    for (; calls < 1000 && counters().aged < doomed; ++calls) ASSERT_TRUE(learner_->age(now_s_));
    EXPECT_EQ(counters().aged, doomed);
    EXPECT_EQ(learner_->learned(BLUE), MANY - doomed);
    EXPECT_GT(calls, 1) << "one call must not hold the loop for the whole table";
    RecordProperty("calls", calls);
}

}  // namespace
}  // namespace weft

// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Learner over real kernel maps, with a clock and next hops of the test's own.
#include "learn.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "lib/test_tables.hpp"

namespace weft {
namespace {

constexpr std::uint16_t BLUE = 1, GREEN = 2;
constexpr std::uint32_t PORT_A = 11, PORT_B = 12, GREEN_PORT = 21;
const Mac GUEST = *Mac::parse("02:00:00:00:00:01");
const Mac OTHER = *Mac::parse("02:00:00:00:00:02");
const Mac OWN = *Mac::parse("02:00:00:00:0f:01");
const Ip VTEP_B = *Ip::parse("192.0.2.2"), VTEP_C = *Ip::parse("192.0.2.3");
const Ip ADDRESS = *Ip::parse("198.51.100.1");

Mac nth_mac(std::uint32_t n) {
    return {{0x02, 0x01, 0, static_cast<std::uint8_t>(n >> 16), static_cast<std::uint8_t>(n >> 8),
             static_cast<std::uint8_t>(n)}};
}

class Learning : public testing::Test {
protected:
    void SetUp() override { start(1024); }

    void start(std::uint32_t max_entries) {
        auto tables = test::make_tables(max_entries);
        if (!tables && tables.error().code == EPERM) GTEST_SKIP() << "needs CAP_BPF to create maps";
        ASSERT_TRUE(tables) << tables.error().what;
        tables_.emplace(std::move(*tables));
        Learner::Context context;
        context.port_segment = [](std::uint32_t port) -> std::uint32_t {
            return port == GREEN_PORT ? GREEN : port == PORT_A || port == PORT_B ? BLUE : 0;
        };
        context.own_mac = [](const Mac& mac) { return mac == OWN; };
        context.next_hop = [this](const Ip& vtep, std::uint32_t vni) { return next_hop(vtep, vni); };
        context.now_s = [this] { return now_s_; };
        learner_.emplace(*tables_, std::move(context));
        set_rules({});
    }

    Result<std::uint32_t> next_hop(const Ip& vtep, std::uint32_t vni) {
        if (hops_.size() == max_hops_ && !hops_.contains({vtep, vni})) return fail(ENOSPC, "no next hop is free");
        return hops_.try_emplace({vtep, vni}, hops_.size() + 1).first->second;
    }

    void set_rules(LearnRules blue) {
        blue.vni = 5001;
        ASSERT_TRUE(learner_->set_rules({{BLUE, blue}, {GREEN, {.vni = 5002}}}));
    }

    static event mac_event(const Mac& mac, std::uint32_t port, std::uint16_t segment = BLUE) {
        event e{.type = EVENT_LEARN_MAC, .segment = segment, .ifindex = port};
        mac.copy_to(e.mac);
        return e;
    }
    static event mac_event(const Mac& mac, const Ip& vtep, std::uint16_t segment = BLUE) {
        event e = mac_event(mac, 99, segment);
        e.source = vtep.raw();
        e.flags = EVENT_FLAG_TUNNEL;
        return e;
    }
    static event neighbor_event(const Ip& ip, const Mac& mac, std::uint32_t port, bool override = true) {
        event e = mac_event(mac, port);
        e.type = EVENT_LEARN_NEIGHBOR;
        e.ip = ip.raw();
        if (override) e.flags |= EVENT_FLAG_OVERRIDE;
        return e;
    }

    static fdb_key key(const Mac& mac, std::uint16_t segment = BLUE) {
        fdb_key out{.segment = segment, .mac = {}};
        mac.copy_to(out.mac);
        return out;
    }
    std::optional<fdb_entry> entry(const Mac& mac, std::uint16_t segment = BLUE) {
        return tables_->fdb.find(key(mac, segment)).value();
    }
    std::optional<neighbor> binding(const Ip& ip) { return tables_->neighbors.find({BLUE, ip.raw()}).value(); }
    void put_static(const Mac& mac, std::uint32_t port, std::uint8_t origin = ORIGIN_CLI) {
        ASSERT_TRUE(tables_->fdb.put(key(mac), {.target = port, .kind = FDB_PORT, .origin = origin}));
    }
    void stamp(const Mac& mac, std::uint32_t used_s) {
        auto row = *entry(mac);
        row.used_s = used_s;
        ASSERT_TRUE(tables_->fdb.put(key(mac), row));
    }
    const LearnCounters& counters() { return learner_->counters(); }

    std::optional<Tables> tables_;
    std::optional<Learner> learner_;
    std::map<std::pair<Ip, std::uint32_t>, std::uint32_t> hops_;
    std::size_t max_hops_ = 100;
    std::uint32_t now_s_ = 10'000;
};

TEST_F(Learning, PutsALocalSourceBehindItsPort) {
    learner_->handle(mac_event(GUEST, PORT_A));
    ASSERT_TRUE(entry(GUEST));
    EXPECT_EQ(entry(GUEST)->kind, FDB_PORT);
    EXPECT_EQ(entry(GUEST)->target, PORT_A);
    EXPECT_EQ(entry(GUEST)->origin, ORIGIN_DYNAMIC);
    EXPECT_EQ(entry(GUEST)->used_s, now_s_);
    EXPECT_EQ(learner_->learned(BLUE), 1u);
    EXPECT_EQ(counters().learned, 1u);
}

TEST_F(Learning, PutsARemoteSourceBehindItsVtepInTheSegmentsVni) {
    learner_->handle(mac_event(GUEST, VTEP_B));
    ASSERT_TRUE(entry(GUEST));
    EXPECT_EQ(entry(GUEST)->kind, FDB_REMOTE);
    EXPECT_EQ(entry(GUEST)->target, (hops_.at({VTEP_B, 5001})));
}

TEST_F(Learning, GivesAVtepThatWasUnknownItsRowOfRemotes) {
    learner_->handle(mac_event(GUEST, VTEP_B));
    const auto row = tables_->remotes.find({BLUE, VTEP_B.raw()}).value();
    ASSERT_TRUE(row);
    EXPECT_EQ(row->nexthop, entry(GUEST)->target);
    EXPECT_EQ(learner_->next_hops_used().at(row->nexthop), 1u);
}

TEST_F(Learning, KeepsOneMacInTwoSegmentsApart) {
    learner_->handle(mac_event(GUEST, PORT_A));
    learner_->handle(mac_event(GUEST, GREEN_PORT, GREEN));
    EXPECT_EQ(entry(GUEST)->target, PORT_A);
    EXPECT_EQ(entry(GUEST, GREEN)->target, GREEN_PORT);
    EXPECT_EQ(learner_->learned(BLUE), 1u);
    EXPECT_EQ(learner_->learned(GREEN), 1u);
}

TEST_F(Learning, IgnoresAPortThatLeftTheSegment) {
    learner_->handle(mac_event(GUEST, GREEN_PORT, BLUE));
    learner_->handle(mac_event(GUEST, 77, BLUE));
    EXPECT_FALSE(entry(GUEST));
}

TEST_F(Learning, IgnoresSegmentsThatDoNotLearn) {
    set_rules({.learning = false});
    learner_->handle(mac_event(GUEST, PORT_A));
    learner_->handle(neighbor_event(ADDRESS, GUEST, PORT_A));
    learner_->handle(mac_event(GUEST, PORT_A, 3));
    EXPECT_FALSE(entry(GUEST));
    EXPECT_FALSE(entry(GUEST, 3));
    EXPECT_FALSE(binding(ADDRESS));
}

TEST_F(Learning, IgnoresSourcesThatAreNoHost) {
    for (const char* mac : {"00:00:00:00:00:00", "ff:ff:ff:ff:ff:ff", "01:00:5e:00:00:01"}) {
        learner_->handle(mac_event(*Mac::parse(mac), PORT_A));
        EXPECT_FALSE(entry(*Mac::parse(mac))) << mac;
    }
    for (const char* ip : {"0.0.0.0", "255.255.255.255", "224.0.0.1", "127.0.0.1", "::", "ff02::1"}) {
        learner_->handle(neighbor_event(*Ip::parse(ip), GUEST, PORT_A));
        EXPECT_FALSE(binding(*Ip::parse(ip))) << ip;
    }
}

TEST_F(Learning, NeverTakesAnOwnMacFromATunnel) {
    learner_->handle(mac_event(OWN, VTEP_B));
    EXPECT_FALSE(entry(OWN));
    EXPECT_EQ(counters().refused_own_mac, 1u);
    EXPECT_TRUE(hops_.empty());
}

TEST_F(Learning, NeverOverwritesStaticOrEvpnEntries) {
    std::uint64_t refused = 0;
    for (const std::uint8_t origin : {ORIGIN_CLI, ORIGIN_CONFIG, ORIGIN_EVPN}) {
        put_static(GUEST, PORT_A, origin);
        learner_->handle(mac_event(GUEST, PORT_B));
        learner_->handle(mac_event(GUEST, VTEP_B));
        EXPECT_EQ(entry(GUEST)->target, PORT_A);
        EXPECT_EQ(entry(GUEST)->origin, origin);
        EXPECT_EQ(counters().refused_static, refused += 2);
    }
    EXPECT_TRUE(hops_.empty()) << "a refused source takes no next hop";
}

TEST_F(Learning, MovesAtOnce) {
    learner_->handle(mac_event(GUEST, PORT_A));
    learner_->handle(mac_event(GUEST, VTEP_B));
    EXPECT_EQ(entry(GUEST)->target, (hops_.at({VTEP_B, 5001})));
    learner_->handle(mac_event(GUEST, VTEP_C));
    EXPECT_EQ(entry(GUEST)->target, (hops_.at({VTEP_C, 5001})));
    EXPECT_FALSE(learner_->next_hops_used().contains(hops_.at({VTEP_B, 5001})));
    EXPECT_EQ(counters().moved, 2u);
    EXPECT_EQ(learner_->learned(BLUE), 1u);
}

TEST_F(Learning, TakesARepeatedEventForNoMove) {
    for (int i = 0; i < 10; ++i) learner_->handle(mac_event(GUEST, PORT_A));
    EXPECT_EQ(counters().learned, 1u);
    EXPECT_EQ(counters().moved, 0u);
}

TEST_F(Learning, HoldsAMacThatMovesMoreThanFiveTimesInThreeMinutes) {
    learner_->handle(mac_event(GUEST, PORT_A));
    for (int move = 1; move <= 5; ++move) {
        now_s_ += 10;
        learner_->handle(mac_event(GUEST, move % 2 ? PORT_B : PORT_A));
        EXPECT_EQ(counters().moved, static_cast<std::uint64_t>(move));
    }
    learner_->handle(mac_event(GUEST, PORT_A));
    EXPECT_EQ(entry(GUEST)->target, PORT_B);
    EXPECT_EQ(counters().refused_move_rate, 1u);
    ASSERT_EQ(learner_->held(now_s_).size(), 1u);
    EXPECT_EQ(learner_->held(now_s_)[0].mac, GUEST);

    now_s_ += Learner::MOVE_WINDOW_S - 1;
    learner_->handle(mac_event(GUEST, PORT_A));
    EXPECT_EQ(entry(GUEST)->target, PORT_B);
    now_s_ += 1;
    EXPECT_TRUE(learner_->held(now_s_).empty());
    learner_->handle(mac_event(GUEST, PORT_A));
    EXPECT_EQ(entry(GUEST)->target, PORT_A);
}

TEST_F(Learning, DoesNotHoldAMacThatMovesNowAndThen) {
    learner_->handle(mac_event(GUEST, PORT_A));
    for (std::uint64_t move = 1; move <= 20; ++move) {
        now_s_ += 60;
        learner_->handle(mac_event(GUEST, move % 2 ? PORT_B : PORT_A));
        EXPECT_EQ(counters().moved, move);
    }
}

TEST_F(Learning, HoldsOneMacAndLetsTheOthersMove) {
    for (int i = 0; i < 10; ++i) learner_->handle(mac_event(GUEST, i % 2 ? PORT_B : PORT_A));
    learner_->handle(mac_event(OTHER, PORT_A));
    learner_->handle(mac_event(OTHER, PORT_B));
    EXPECT_EQ(entry(OTHER)->target, PORT_B);
}

TEST_F(Learning, BoundsTheListOfMovers) {
    start(2 * Learner::MAX_MOVERS);
    set_rules({.limit = 2 * Learner::MAX_MOVERS});
    for (std::uint32_t n = 0; n < Learner::MAX_MOVERS + 100; ++n) {
        learner_->handle(mac_event(nth_mac(n), PORT_A));
        for (int i = 0; i < 7; ++i) learner_->handle(mac_event(nth_mac(n), i % 2 ? PORT_A : PORT_B));
    }
    EXPECT_EQ(learner_->held(now_s_).size(), Learner::MAX_MOVERS);
}

TEST_F(Learning, StopsAtTheSegmentsLimit) {
    set_rules({.limit = 10});
    for (std::uint32_t n = 0; n < 12; ++n) learner_->handle(mac_event(nth_mac(n), PORT_A));
    EXPECT_EQ(learner_->learned(BLUE), 10u);
    EXPECT_EQ(counters().refused_limit, 2u);
    learner_->handle(mac_event(nth_mac(0), PORT_B));
    EXPECT_EQ(entry(nth_mac(0))->target, PORT_B) << "a move takes no room";
    learner_->handle(mac_event(GUEST, GREEN_PORT, GREEN));
    EXPECT_TRUE(entry(GUEST, GREEN)) << "the limit is the segment's own";
}

TEST_F(Learning, StopsWhenTheTableIsFull) {
    start(8);
    for (std::uint32_t n = 0; n < 20; ++n) learner_->handle(mac_event(nth_mac(n), PORT_A));
    EXPECT_EQ(counters().refused_full, 12u);
    EXPECT_EQ(learner_->learned(BLUE), 8u);
}

TEST_F(Learning, StopsWhenNoNextHopIsFree) {
    max_hops_ = 1;
    learner_->handle(mac_event(GUEST, VTEP_B));
    learner_->handle(mac_event(OTHER, VTEP_C));
    EXPECT_TRUE(entry(GUEST));
    EXPECT_FALSE(entry(OTHER));
    EXPECT_EQ(counters().refused_full, 1u);
}

TEST_F(Learning, CountsWhatAnEarlierDaemonLearned) {
    learner_->handle(mac_event(GUEST, VTEP_B));
    learner_->handle(neighbor_event(ADDRESS, GUEST, PORT_A));
    put_static(OTHER, PORT_A);
    Learner later(*tables_, {});
    ASSERT_TRUE(later.set_rules({}));
    EXPECT_EQ(later.learned(BLUE), 1u);
    EXPECT_EQ(later.learned_neighbors(BLUE), 1u);
    EXPECT_EQ(later.next_hops_used(), learner_->next_hops_used());
}

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
    std::vector<fdb_entry> entries(MANY, fresh);
    for (std::uint32_t n = 0; n < MANY; n += 1000) entries[n] = stale;
    ASSERT_TRUE(tables_->fdb.put_all(keys, entries));
    ASSERT_TRUE(learner_->recount());
    ASSERT_EQ(learner_->learned(BLUE), MANY);

    const std::uint64_t doomed = (MANY + 999) / 1000;
    int calls = 0;
    for (; calls < 1000 && counters().aged < doomed; ++calls) ASSERT_TRUE(learner_->age(now_s_));
    EXPECT_EQ(counters().aged, doomed);
    EXPECT_EQ(learner_->learned(BLUE), MANY - doomed);
    EXPECT_GT(calls, 1) << "one call must not hold the loop for the whole table";
    RecordProperty("calls", calls);
}

TEST_F(Learning, BindsAnAddressToItsMac) {
    for (const char* ip : {"198.51.100.1", "2001:db8::1", "fe80::1"}) {
        learner_->handle(neighbor_event(*Ip::parse(ip), GUEST, PORT_A));
        ASSERT_TRUE(binding(*Ip::parse(ip))) << ip;
        EXPECT_EQ(Mac::of(binding(*Ip::parse(ip))->mac), GUEST);
    }
    EXPECT_EQ(counters().neighbors_learned, 3u);
}

TEST_F(Learning, RebindsOnlyWhereTheMessageMayOverride) {
    learner_->handle(neighbor_event(ADDRESS, GUEST, PORT_A, false));
    ASSERT_TRUE(binding(ADDRESS)) << "nothing to override";
    learner_->handle(neighbor_event(ADDRESS, OTHER, PORT_A, false));
    EXPECT_EQ(Mac::of(binding(ADDRESS)->mac), GUEST);
    learner_->handle(neighbor_event(ADDRESS, OTHER, PORT_A, true));
    EXPECT_EQ(Mac::of(binding(ADDRESS)->mac), OTHER);
    EXPECT_EQ(counters().neighbors_moved, 1u);
}

TEST_F(Learning, NeverRebindsAStaticNeighbor) {
    neighbor fixed{.mac = {}, .origin = ORIGIN_CONFIG};
    OTHER.copy_to(fixed.mac);
    ASSERT_TRUE(tables_->neighbors.put({BLUE, ADDRESS.raw()}, fixed));
    learner_->handle(neighbor_event(ADDRESS, GUEST, PORT_A));
    EXPECT_EQ(Mac::of(binding(ADDRESS)->mac), OTHER);
    EXPECT_EQ(counters().refused_static, 1u);
}

TEST_F(Learning, BoundsTheNeighborsOfASegment) {
    set_rules({.limit = 2});
    for (const char* ip : {"198.51.100.1", "198.51.100.2", "198.51.100.3"})
        learner_->handle(neighbor_event(*Ip::parse(ip), GUEST, PORT_A));
    EXPECT_EQ(learner_->learned_neighbors(BLUE), 2u);
    EXPECT_EQ(counters().refused_limit, 1u);
}

TEST_F(Learning, TakesTheBindingsOfAMacThatAgedOut) {
    learner_->handle(mac_event(GUEST, PORT_A));
    learner_->handle(mac_event(OTHER, PORT_A));
    now_s_ += 100;
    learner_->handle(neighbor_event(ADDRESS, GUEST, PORT_A));
    learner_->handle(neighbor_event(*Ip::parse("198.51.100.2"), OTHER, PORT_A));
    now_s_ += 200;
    stamp(OTHER, now_s_);
    ASSERT_TRUE(learner_->age(now_s_));
    EXPECT_FALSE(entry(GUEST));
    EXPECT_FALSE(binding(ADDRESS));
    EXPECT_TRUE(binding(*Ip::parse("198.51.100.2")));
    EXPECT_EQ(learner_->learned_neighbors(BLUE), 1u);
}

TEST_F(Learning, LeavesABindingTimeForItsMacToArrive) {
    learner_->handle(neighbor_event(ADDRESS, GUEST, PORT_A));
    ASSERT_TRUE(learner_->age(now_s_ + 1));
    EXPECT_TRUE(binding(ADDRESS));
    ASSERT_TRUE(learner_->age(now_s_ + 2));
    EXPECT_FALSE(binding(ADDRESS)) << "its MAC never came";
}

TEST_F(Learning, AgesABindingThatNobodyConfirmedThoughItsMacLives) {
    learner_->handle(mac_event(GUEST, PORT_A));
    learner_->handle(neighbor_event(ADDRESS, GUEST, PORT_A));
    now_s_ += 300;
    stamp(GUEST, now_s_);
    ASSERT_TRUE(learner_->age(now_s_));
    EXPECT_TRUE(entry(GUEST));
    EXPECT_FALSE(binding(ADDRESS));
}

TEST_F(Learning, ForgetsWhatWasBehindAPort) {
    learner_->handle(mac_event(GUEST, PORT_A));
    learner_->handle(neighbor_event(ADDRESS, GUEST, PORT_A));
    learner_->handle(mac_event(OTHER, PORT_B));
    put_static(nth_mac(1), PORT_A);
    ASSERT_TRUE(learner_->forget_port(PORT_A));
    EXPECT_FALSE(entry(GUEST));
    EXPECT_FALSE(binding(ADDRESS));
    EXPECT_TRUE(entry(OTHER));
    EXPECT_TRUE(entry(nth_mac(1))) << "static rows are not learning's to take";
    EXPECT_EQ(learner_->learned(BLUE), 1u);
}

TEST_F(Learning, ForgetsASegment) {
    learner_->handle(mac_event(GUEST, VTEP_B));
    learner_->handle(neighbor_event(ADDRESS, GUEST, PORT_A));
    learner_->handle(mac_event(GUEST, GREEN_PORT, GREEN));
    ASSERT_TRUE(learner_->forget_segment(BLUE));
    EXPECT_FALSE(entry(GUEST));
    EXPECT_FALSE(binding(ADDRESS));
    EXPECT_TRUE(entry(GUEST, GREEN));
    EXPECT_EQ(learner_->learned(BLUE), 0u);
    EXPECT_EQ(learner_->learned_neighbors(BLUE), 0u);
    EXPECT_TRUE(learner_->next_hops_used().empty());
}

}  // namespace
}  // namespace weft

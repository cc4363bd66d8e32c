// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Tenant records in the daemon: what a command leaves of the document's, and who is told of what became of them.
#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "config.hpp"
#include "lib/test_tables.hpp"
#include "links.hpp"
#include "overrides.hpp"
#include "record_watch.hpp"

namespace weft {
namespace {

using nlohmann::json;

Ip ip(const char* text) { return *Ip::parse(text); }
Mac mac(const char* text) { return *Mac::parse(text); }

Document document() {
    Document out;
    out.vtep = Vtep{ip("192.0.2.1")};
    Segment blue;
    blue.name = "blue";
    blue.vni = 5001;
    out.segments = {blue};
    out.records = {{5001, ip("198.51.100.7"), mac("02:00:00:00:00:07"), ip("192.0.2.3")},
                   {5001, ip("2001:db8:1::7"), mac("02:00:00:00:00:07"), ip("192.0.2.3")},
                   {5001, ip("198.51.100.5"), mac("02:00:00:00:00:05"), ip("192.0.2.1")}};
    return out;
}

TEST(Overrides, OfBothHalvesEndTheRecord) {
    Document all = document();
    forget_overridden(all, {.macs = {{"blue", mac("02:00:00:00:00:07")}},
                            .ips = {{"blue", ip("198.51.100.7")}, {"blue", ip("2001:db8:1::7")}}});
    ASSERT_EQ(all.records.size(), 1u);
    EXPECT_EQ(all.records[0].ca, ip("198.51.100.5"));
    EXPECT_TRUE(all.fdb.empty() && all.neighbors.empty());
}

TEST(Overrides, OfAnEntryLeaveTheNeighborsOfItsRecords) {
    Document all = document();
    forget_overridden(all, {.macs = {{"blue", mac("02:00:00:00:00:07")}}, .ips = {}});
    EXPECT_EQ(all.records.size(), 1u);
    ASSERT_EQ(all.neighbors.size(), 2u);
    EXPECT_EQ(all.neighbors[1].ip, ip("2001:db8:1::7"));
    EXPECT_EQ(all.neighbors[1].mac, mac("02:00:00:00:00:07"));
    EXPECT_TRUE(check(all).empty());
}

TEST(Overrides, OfANeighborLeaveItsEntryUnlessAnotherRecordHasIt) {
    Document all = document();
    forget_overridden(all, {.macs = {}, .ips = {{"blue", ip("198.51.100.7")}}});
    EXPECT_EQ(all.records.size(), 2u);
    EXPECT_TRUE(all.fdb.empty()) << "the other record has the MAC still";
    forget_overridden(all, {.macs = {}, .ips = {{"blue", ip("2001:db8:1::7")}, {"blue", ip("198.51.100.5")}}});
    EXPECT_TRUE(all.records.empty());
    ASSERT_EQ(all.fdb.size(), 1u) << "of a guest that is here there is none";
    EXPECT_EQ(all.fdb[0].remote, ip("192.0.2.3"));
}

TEST(Overrides, OfAnotherSegmentChangeNothing) {
    Document all = document();
    forget_overridden(all, {.macs = {{"green", mac("02:00:00:00:00:07")}}, .ips = {{"green", ip("198.51.100.7")}}});
    EXPECT_EQ(all, document());
}

class Ear : public Stream {
public:
    bool is_open() const override { return open; }
    void send(std::string_view line) override { heard.push_back(json::parse(line)); }
    bool open = true;
    std::vector<json> heard;
};

class Watched : public testing::Test {
protected:
    static constexpr std::uint32_t BLUE = 1, HOP_B = 1, HOP_C = 2;

    void SetUp() override {
        auto tables = test::make_tables();
        if (!tables && tables.error().code == EPERM) GTEST_SKIP() << "needs CAP_BPF to create maps";
        ASSERT_TRUE(tables) << tables.error().what;
        tables_.emplace(std::move(*tables));
        document_ = document();
        auto links = Links::open();
        ASSERT_TRUE(links) << links.error().what;
        links_.emplace(std::move(*links));
        for (const auto& [id, remote] : {std::pair(HOP_B, ip("192.0.2.2")), std::pair(HOP_C, ip("192.0.2.3"))})
            put_nexthop(id, remote);
        auto hops = NextHops::open(*tables_, *links_, [](std::uint32_t) { return false; });
        ASSERT_TRUE(hops) << hops.error().what;
        hops_.emplace(std::move(*hops));
        accounts_.emplace(*tables_);
        segments_.emplace(*tables_, *accounts_, *hops_);
        Problems problems;
        segments_->prepare(document_, *links_, problems);
        ASSERT_EQ(segments_->find("blue")->index, BLUE);
        watch_.emplace(
            *tables_, [this] { return RecordJoin(*tables_, *hops_, *segments_, document_); },
            [] { return std::string("now"); });
    }

    // As a daemon before this one left it: nobody is asked where it is.
    void put_nexthop(std::uint32_t id, const Ip& remote) {
        nexthop row{};
        row.flags = NEXTHOP_IN_USE;
        row.vni = 5001;
        const auto address = remote.v4_bytes();
        std::copy(address.begin(), address.end(), row.header + 14 + 16);
        ASSERT_TRUE(tables_->nexthops.put(id, row));
    }

    static fdb_key key(const Mac& mac) {
        fdb_key out{.segment = BLUE, .mac = {}};
        mac.copy_to(out.mac);
        return out;
    }

    // As the writers of the tables do it.
    void locate(const Mac& mac, std::uint8_t kind, std::uint32_t target, std::uint8_t origin = ORIGIN_DYNAMIC) {
        ASSERT_TRUE(tables_->fdb.put(key(mac), {.target = target, .kind = kind, .origin = origin}));
        watch_->touch(key(mac));
    }
    void lose(const Mac& mac) {
        ASSERT_TRUE(tables_->fdb.erase(key(mac)));
        watch_->touch(key(mac));
    }
    void bind(const Ip& ca, const Mac& mac, std::uint8_t origin = ORIGIN_DYNAMIC) {
        neighbor row{.mac = {}, .origin = origin};
        mac.copy_to(row.mac);
        ASSERT_TRUE(tables_->neighbors.put({BLUE, ca.raw()}, row));
        watch_->touch(neighbor_key{BLUE, ca.raw()});
    }
    void unbind(const Ip& ca) {
        ASSERT_TRUE(tables_->neighbors.erase({BLUE, ca.raw()}));
        watch_->touch(neighbor_key{BLUE, ca.raw()});
    }

    std::shared_ptr<Ear> listen(RecordFilter filter = {}) {
        auto ear = std::make_shared<Ear>();
        EXPECT_TRUE(watch_->listen(ear, filter));
        return ear;
    }
    // "new 198.51.100.7 02:… 192.0.2.2"
    std::vector<std::string> news(Ear& ear) {
        EXPECT_TRUE(watch_->publish());
        std::vector<std::string> out;
        for (const json& one : std::exchange(ear.heard, {}))
            out.push_back(one["event"].get<std::string>() + " " + one["ca"].get<std::string>() + " " +
                          one["mac"].get<std::string>() + " " + one["pa"].get<std::string>());
        return out;
    }
    using News = std::vector<std::string>;

    const Ip CA = ip("198.51.100.7"), CA6 = ip("2001:db8:1::7");
    const Mac GUEST = mac("02:00:00:00:00:07"), OTHER = mac("02:00:00:00:00:08");
    std::optional<Tables> tables_;
    Document document_;
    std::optional<Links> links_;
    std::optional<NextHops> hops_;
    std::optional<Accounts> accounts_;
    std::optional<Segments> segments_;
    std::optional<RecordWatch> watch_;
};

TEST_F(Watched, ARecordIsNewOnceItIsKnownWhereItsMacIs) {
    const auto ear = listen();
    bind(CA, GUEST);
    EXPECT_EQ(news(*ear), News{});
    locate(GUEST, FDB_REMOTE, HOP_B);
    EXPECT_EQ(news(*ear), News{"new 198.51.100.7 02:00:00:00:00:07 192.0.2.2"});
    EXPECT_EQ(news(*ear), News{});
}

TEST_F(Watched, AGuestOfThisHostIsAtItsOwnAddress) {
    const auto ear = listen();
    locate(GUEST, FDB_PORT, 11);
    bind(CA6, GUEST);
    EXPECT_EQ(news(*ear), News{"new 2001:db8:1::7 02:00:00:00:00:07 192.0.2.1"});
}

TEST_F(Watched, AMacThatMovesTakesAllItsAddressesWithIt) {
    locate(GUEST, FDB_REMOTE, HOP_B);
    bind(CA, GUEST);
    bind(CA6, GUEST);
    const auto ear = listen();
    locate(GUEST, FDB_REMOTE, HOP_C);
    auto heard = news(*ear);
    std::sort(heard.begin(), heard.end());
    EXPECT_EQ(heard, (News{"moved 198.51.100.7 02:00:00:00:00:07 192.0.2.3",
                           "moved 2001:db8:1::7 02:00:00:00:00:07 192.0.2.3"}));
}

TEST_F(Watched, AnAddressMovesToAnotherMac) {
    locate(GUEST, FDB_REMOTE, HOP_B);
    locate(OTHER, FDB_REMOTE, HOP_B);
    bind(CA, GUEST);
    const auto ear = listen();
    bind(CA, OTHER);
    EXPECT_EQ(news(*ear), News{"moved 198.51.100.7 02:00:00:00:00:08 192.0.2.2"});
    lose(GUEST);
    EXPECT_EQ(news(*ear), News{}) << "the address is no longer that MAC's";
}

TEST_F(Watched, ARecordIsGoneWithEitherHalfAndOnce) {
    locate(GUEST, FDB_REMOTE, HOP_B);
    bind(CA, GUEST);
    bind(CA6, GUEST);
    const auto ear = listen();
    unbind(CA);
    EXPECT_EQ(news(*ear), News{"gone 198.51.100.7 02:00:00:00:00:07 192.0.2.2"});
    lose(GUEST);
    EXPECT_EQ(news(*ear), News{"gone 2001:db8:1::7 02:00:00:00:00:07 192.0.2.2"});
    unbind(CA6);
    EXPECT_EQ(news(*ear), News{});
}

TEST_F(Watched, WhatCameAndWentBetweenTwoLooksIsNoNews) {
    const auto ear = listen();
    locate(GUEST, FDB_REMOTE, HOP_B);
    bind(CA, GUEST);
    unbind(CA);
    EXPECT_EQ(news(*ear), News{});
}

TEST_F(Watched, AListenerHearsOnlyWhatItsFilterTakesAndNothingFromBefore) {
    locate(GUEST, FDB_REMOTE, HOP_B);
    bind(CA, GUEST);
    const auto dynamic = listen({.vsid = {}, .origin = ORIGIN_DYNAMIC}), other = listen({.vsid = 5002, .origin = {}});
    bind(CA6, GUEST, ORIGIN_EVPN);
    EXPECT_EQ(news(*dynamic), News{"new 2001:db8:1::7 02:00:00:00:00:07 192.0.2.2"})
        << "where the entry is learned the record is";
    locate(GUEST, FDB_REMOTE, HOP_B, ORIGIN_EVPN);
    bind(ip("198.51.100.8"), GUEST, ORIGIN_EVPN);
    EXPECT_EQ(news(*dynamic), News{});
    EXPECT_EQ(news(*other), News{});
}

TEST_F(Watched, WhoStoppedListeningIsForgotten) {
    auto ear = listen();
    ear->open = false;
    bind(CA, GUEST);
    locate(GUEST, FDB_REMOTE, HOP_B);
    EXPECT_EQ(news(*ear), News{});
    ear = listen();
    lose(GUEST);
    EXPECT_EQ(news(*ear).size(), 1u) << "a new listener starts from what is there";
}

TEST_F(Watched, EveryLineNamesTheRecordWhole) {
    const auto ear = listen();
    locate(GUEST, FDB_REMOTE, HOP_B);
    bind(CA, GUEST);
    ASSERT_TRUE(watch_->publish());
    ASSERT_EQ(ear->heard.size(), 1u);
    EXPECT_EQ(ear->heard[0], (json{{"event", "new"},
                                   {"vsid", 5001},
                                   {"segment", "blue"},
                                   {"ca", "198.51.100.7"},
                                   {"mac", "02:00:00:00:00:07"},
                                   {"pa", "192.0.2.2"},
                                   {"origin", "dynamic"},
                                   {"time", "now"}}));
}

TEST(TimeOfDay, IsWrittenAsRfc3339HasIt) {
    const std::string now = time_of_day();
    ASSERT_EQ(now.size(), 24u) << now;
    EXPECT_EQ(now.substr(0, 2), "20");
    EXPECT_EQ(now[10], 'T');
    EXPECT_EQ(now.back(), 'Z');
}

}  // namespace
}  // namespace weft

// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// The daemon's parts that need no programs: objects of the CLI beside the document, MTU arithmetic, settings, counter
// rows, entries with owners, and that every command of the table has its handler.
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "accounts.hpp"
#include "commands.hpp"
#include "engine.hpp"
#include "entries.hpp"
#include "lib/test_tables.hpp"
#include "mtu.hpp"
#include "objects.hpp"
#include "protocol.hpp"

namespace weft {
namespace {

Ip ip(const char* text) { return *Ip::parse(text); }

Segment segment(const char* name, std::uint32_t vni, Owner owner, std::vector<Remote> remotes = {}) {
    Segment out;
    out.name = name;
    out.vni = vni;
    out.owner = owner;
    out.remotes = std::move(remotes);
    return out;
}

Document document() {
    Document out;
    out.vtep = Vtep{ip("192.0.2.1")};
    out.uplinks = {{"eth0"}};
    out.segments = {segment("blue", 5001, ORIGIN_CONFIG, {{ip("192.0.2.2"), ORIGIN_CONFIG}})};
    return out;
}

CliObjects objects() {
    CliObjects out;
    out.document.segments = {segment("green", 5002, ORIGIN_CLI, {{ip("192.0.2.3"), ORIGIN_CLI}})};
    out.document.ports = {{.interface = "tap7", .segment = "green", .owner = ORIGIN_CLI}};
    out.remotes = {{"blue", ip("192.0.2.9")}};
    return out;
}

TEST(Objects, OfTheCliStandBesideTheDocumentsAndComeBackOut) {
    const Document all = merged(document(), objects());
    ASSERT_EQ(all.segments.size(), 2u);
    EXPECT_EQ(all.segments[0].remotes.size(), 2u);
    EXPECT_EQ(all.segments[0].remotes[1].owner, ORIGIN_CLI);
    EXPECT_EQ(cli_part(all), objects());
}

TEST(Objects, UnderAKeyOfTheDocumentAreTheDocuments) {
    Document config = document();
    config.segments.push_back(segment("green", 5002, ORIGIN_CONFIG));
    const Document all = merged(config, objects());
    ASSERT_EQ(all.segments.size(), 2u);
    EXPECT_EQ(all.segments[1].owner, ORIGIN_CONFIG);
    EXPECT_EQ(cli_part(all).document.segments.size(), 0u);
}

TEST(Objects, ThatDoNotFitAnyMoreAreLeftOutWithAWarningAtStart) {
    Document config = document();
    config.segments[0].vni = 5002;  // green's
    std::vector<std::string> warnings;
    const Document all = merged_leniently(config, objects(), warnings);
    EXPECT_EQ(all.segments.size(), 1u);
    EXPECT_EQ(all.ports.size(), 0u);  // its segment is not there
    EXPECT_EQ(all.segments[0].remotes.size(), 2u);
    EXPECT_EQ(warnings.size(), 2u);
}

TEST(Objects, AreReadBackAsTheyWereWritten) {
    const std::string path = testing::TempDir() + "weft-objects-" + std::to_string(getpid());
    CliObjects kept = objects();
    kept.waiting = {{"blue", *Mac::parse("02:00:00:00:00:07"), "tap7", ORIGIN_CLI},
                    {"blue", *Mac::parse("02:00:00:00:00:08"), "tap7", ORIGIN_EVPN}};
    ASSERT_TRUE(save_objects(path, kept));
    const auto read = load_objects(path);
    ASSERT_TRUE(read) << read.error().what;
    EXPECT_EQ(*read, kept);
    EXPECT_FALSE(std::filesystem::exists(path + ".new"));
    std::filesystem::remove(path);
}

TEST(Objects, OfNoFileAreNoneAndOfABrokenOneAnError) {
    const std::string path = testing::TempDir() + "weft-broken-" + std::to_string(getpid());
    EXPECT_EQ(*load_objects(path), CliObjects{});
    for (const char* text : {"", "{", "[]", R"({"segments":[{"name":5}]})", R"({"remotes":[{"segment":"blue"}]})",
                             R"({"remotes":5})", R"({"waiting":[{"mac":"x"}]})",
                             R"({"waiting":[{"segment":"blue","mac":"02:00:00:00:00:07","port":"tap7"}]})"}) {
        std::ofstream(path) << text;
        EXPECT_FALSE(load_objects(path)) << text;
    }
    std::filesystem::remove(path);
}

TEST(Objects, DifferenceNamesWhatIsAddedChangedAndDeleted) {
    Document after = merged(document(), objects());
    after.segments[0].mtu = 1400;
    after.uplinks.clear();
    const std::vector<ObjectChange> expected{{"delete", "uplink", "eth0"},
                                             {"change", "segment", "blue"},
                                             {"add", "segment", "green"},
                                             {"add", "port", "tap7"}};
    EXPECT_EQ(difference(document(), after), expected);
    EXPECT_TRUE(difference(after, after).empty());
}

LinkMap uplink(std::uint32_t mtu) {
    Link link;
    link.ifindex = 2;
    link.name = "eth0";
    link.mtu = mtu;
    return {{2, link}};
}

TEST(Mtu, IsWhatTheUplinksLeaveAndNeverMore) {
    Document config = document();
    Segment& blue = config.segments[0];
    EXPECT_EQ(effective_mtu(config, blue, uplink(1600)), 1550);
    EXPECT_EQ(effective_mtu(config, blue, {}), 1450);
    blue.keep_inner_tags = true;
    EXPECT_EQ(effective_mtu(config, blue, uplink(1600)), 1546);
    blue.keep_inner_tags = false;
    blue.mtu = 1500;
    EXPECT_EQ(effective_mtu(config, blue, uplink(9000)), 1500);
    EXPECT_EQ(effective_mtu(config, blue, uplink(1500)), 1450);
    EXPECT_EQ(effective_mtu(config, blue, uplink(60)), 68);
    config.vtep->address = ip("2001:db8::1");
    EXPECT_EQ(effective_mtu(config, blue, uplink(1500)), 1430);
    blue.encapsulation = Encapsulation::Nvgre;
    EXPECT_EQ(effective_mtu(config, blue, uplink(1500)), 1438);
    config.vtep->address = ip("192.0.2.1");
    EXPECT_EQ(effective_mtu(config, blue, uplink(1500)), 1458);
}

TEST(Mtu, ThatDoesNotFitIsComplainedOfWithTheNumbers) {
    Document config = document();
    config.segments[0].mtu = 1500;
    EXPECT_TRUE(mtu_complaints(config, uplink(1550)).empty());
    EXPECT_TRUE(mtu_complaints(config, {}).empty());
    const std::vector<Complaint> expected{
        {"/segments/0/mtu", "1500 + 50 bytes of VXLAN over IPv4 is 1550, uplink eth0 carries 1549"}};
    EXPECT_EQ(mtu_complaints(config, uplink(1549)), expected);
    config.segments[0].encapsulation = Encapsulation::Nvgre;
    EXPECT_TRUE(mtu_complaints(config, uplink(1542)).empty());
    const std::vector<Complaint> nvgre{
        {"/segments/0/mtu", "1500 + 42 bytes of NVGRE over IPv4 is 1542, uplink eth0 carries 1541"}};
    EXPECT_EQ(mtu_complaints(config, uplink(1541)), nvgre);
}

TEST(Commands, EachOfTheTableHasAHandler) {
    for (const auto& command : protocol::COMMANDS) {
        const std::string name = protocol::name(command);
        EXPECT_EQ(commands::knows(name), name != "config check") << name;  // the CLI checks a file by itself
    }
}

// The programs are loaded without the code of what there is none of.
TEST(Settings, NameWhatAHostHas) {
    constexpr std::uint32_t CODE = CONFIG_NVGRE | CONFIG_ROUTING | CONFIG_VLANS;
    const auto code = [](const Document& document) { return settings_of(document, {}).flags & CODE; };
    EXPECT_EQ(code(document()), 0u);
    Document nvgre = document(), routing = document(), bridge = document(), lan;
    nvgre.segments[0].encapsulation = Encapsulation::Nvgre;
    routing.routing_domains.emplace_back();
    bridge.bridges.emplace_back();
    lan.switches.emplace_back();  // a host without a VTEP
    EXPECT_EQ(code(nvgre), std::uint32_t{CONFIG_NVGRE});
    EXPECT_EQ(code(routing), std::uint32_t{CONFIG_ROUTING});
    EXPECT_EQ(code(bridge), std::uint32_t{CONFIG_VLANS});
    EXPECT_EQ(code(lan), std::uint32_t{CONFIG_VLANS});
}

class OverTables : public testing::Test {
protected:
    void SetUp() override {
        auto made = test::make_tables();
        if (!made && made.error().code == EPERM) GTEST_SKIP() << "needs CAP_BPF";
        ASSERT_TRUE(made) << made.error().what;
        tables.emplace(std::move(*made));
    }
    std::optional<Tables> tables;
};

TEST_F(OverTables, AnAccountGivenOutAnewStartsAtZero) {
    Accounts accounts(*tables);
    accounts.adopt(1);
    accounts.adopt(3);
    tallies used{};
    used.by_verdict[TX_LOCAL] = {7, 700};
    const std::vector<tallies> full(static_cast<std::size_t>(detail::possible_cpus()), used);
    const std::uint32_t row = 2;
    ASSERT_EQ(bpf_map_update_elem(tables->counters.fd(), &row, full.data(), BPF_ANY), 0);
    EXPECT_EQ((*accounts.read(2))[TX_LOCAL].packets, 7u * full.size());
    EXPECT_EQ(*accounts.allocate(), 2);
    EXPECT_EQ((*accounts.read(2))[TX_LOCAL].packets, 0u);
    EXPECT_EQ(*accounts.allocate(), 4);
    accounts.release(1);
    EXPECT_EQ(*accounts.allocate(), 1);
}

fdb_entry to_hop(std::uint32_t hop, origin owner) { return {hop, FDB_REMOTE, static_cast<__u8>(owner), 0, 0}; }

struct Precedence : OverTables {
    fdb_key key{1, {2, 0, 0, 0, 0, 1}};
    RemoteUses uses;
};

TEST_F(Precedence, DecidesWhatAnAddReplaces) {
    Records<FdbTable> fdb(tables->fdb, tables->recent, uses);
    const origin owners[] = {ORIGIN_DYNAMIC, ORIGIN_EVPN, ORIGIN_CLI, ORIGIN_CONFIG};
    for (const origin there : owners)
        for (const origin wanted : owners) {
            ASSERT_TRUE(tables->fdb.put(key, to_hop(1, there)));
            const auto same = fdb.put(key, to_hop(1, wanted), Mode::Add);
            EXPECT_FALSE(same->has_value()) << "the same target is done";
            ASSERT_TRUE(tables->fdb.put(key, to_hop(1, there)));
            const auto other = fdb.put(key, to_hop(2, wanted), Mode::Add);
            EXPECT_EQ(other->has_value(), precedence(there) >= precedence(wanted)) << there << " and " << wanted;
            EXPECT_FALSE(fdb.put(key, to_hop(2, wanted), Mode::Set)->has_value());
            EXPECT_EQ((*fdb.find(key))->origin, wanted);
        }
}

TEST_F(Precedence, OnlyStaticAndEvpnEntriesUseARemote) {
    Records<FdbTable> fdb(tables->fdb, tables->recent, uses);
    const std::pair<std::uint32_t, std::uint32_t> use{1, 9};
    ASSERT_TRUE(fdb.put(key, to_hop(9, ORIGIN_DYNAMIC), Mode::Set));
    EXPECT_TRUE(uses.empty());
    ASSERT_TRUE(fdb.put(key, to_hop(9, ORIGIN_EVPN), Mode::Set));
    ASSERT_TRUE(fdb.put({1, {2, 0, 0, 0, 0, 2}}, to_hop(9, ORIGIN_CLI), Mode::Set));
    EXPECT_EQ(uses[use], 2u);
    EXPECT_TRUE(*fdb.erase(key));
    EXPECT_FALSE(*fdb.erase(key));
    EXPECT_EQ(uses[use], 1u);
    EXPECT_EQ(*fdb.erase_if([](const auto&, const auto&) { return true; }), 1u);
    EXPECT_TRUE(uses.empty());
}

TEST_F(Precedence, DynamicRowsThatComeAndGoAreToldAndMayBeReportedAgain) {
    Records<FdbTable> fdb(tables->fdb, tables->recent, uses);
    int told = 0;
    fdb.watch_dynamic([&](const fdb_key&, const fdb_entry&, int change) { told += change; });
    ASSERT_TRUE(fdb.put(key, to_hop(1, ORIGIN_DYNAMIC), Mode::Set));
    ASSERT_TRUE(fdb.put(key, to_hop(2, ORIGIN_DYNAMIC), Mode::Set));
    EXPECT_EQ(told, 1);
    ASSERT_TRUE(fdb.put(key, to_hop(2, ORIGIN_CLI), Mode::Set));
    EXPECT_EQ(told, 0);
    ASSERT_TRUE(fdb.put(key, to_hop(2, ORIGIN_DYNAMIC), Mode::Set));
    const recent_key event{.segment = 1, .type = EVENT_LEARN_MAC, .id = {{2, 0, 0, 0, 0, 1}}};
    ASSERT_TRUE(tables->recent.put(event, {}));
    EXPECT_TRUE(*fdb.erase(key));
    EXPECT_EQ(told, 0);
    EXPECT_FALSE(tables->recent.find(event)->has_value());
}

TEST_F(Precedence, TheDocumentsRowsAreWrittenOnceAndSwept) {
    Records<FdbTable> fdb(tables->fdb, tables->recent, uses);
    const fdb_key cli{1, {2, 0, 0, 0, 0, 7}};
    ASSERT_TRUE(fdb.put(cli, to_hop(3, ORIGIN_CLI), Mode::Add));
    Problems problems;
    fdb.sync({{key, to_hop(1, ORIGIN_CONFIG)}}, problems);
    const auto once = fdb.writes();
    fdb.sync({{key, to_hop(1, ORIGIN_CONFIG)}}, problems);
    EXPECT_EQ(fdb.writes(), once);
    Records<FdbTable> again(tables->fdb, tables->recent, uses);  // as after a restart
    ASSERT_TRUE(again.adopt());
    again.sync({{key, to_hop(1, ORIGIN_CONFIG)}}, problems);
    EXPECT_EQ(again.writes(), 0u);
    again.sync({}, problems);
    EXPECT_FALSE(again.find(key)->has_value());
    EXPECT_TRUE(again.find(cli)->has_value());
    EXPECT_TRUE(problems.reasons.empty());
}

TEST(StaticInsert, IntoAFullTableIsRefusedWithTheNumbers) {
    auto tables = test::make_tables(2);
    if (!tables && tables.error().code == EPERM) GTEST_SKIP() << "needs CAP_BPF";
    ASSERT_TRUE(tables) << tables.error().what;
    RemoteUses uses;
    Records<FdbTable> fdb(tables->fdb, tables->recent, uses);
    for (__u8 n = 1; n <= 2; ++n) ASSERT_TRUE(fdb.put({1, {2, 0, 0, 0, 0, n}}, to_hop(1, ORIGIN_CLI), Mode::Add));
    const auto refused = fdb.put({1, {2, 0, 0, 0, 0, 3}}, to_hop(1, ORIGIN_CLI), Mode::Add);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().what, "table fdb is full: 2 of 2 entries are used");
    EXPECT_EQ(uses.size(), 1u);
}

}  // namespace
}  // namespace weft

// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// From one ABI version's pinned state to another's. The other version is this build under another number, and tables of
// another shape are made here.
#include "migrate.hpp"

#include <bpf/bpf.h>
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "datapath.hpp"
#include "frame.hpp"
#include "netns.hpp"

namespace weft {
namespace {

using test::Netns;

constexpr std::uint32_t OTHER_VERSION = ABI_VERSION + 1;

struct WideNeighbor {  // of a version that never was
    neighbor row;
    std::uint32_t extra;
};

fdb_key mac_key(std::uint8_t last) { return {.segment = 1, .mac = {2, 0, 0, 0, 0, last}}; }
fdb_entry to_port(std::uint32_t target) {
    return {.target = target, .kind = FDB_PORT, .origin = ORIGIN_DYNAMIC, .flags = 0, .used_s = 7};
}
neighbor_key key(std::uint8_t last) {
    neighbor_key out{.segment = 1, .ip = {}};
    out.ip.bytes[15] = last;
    return out;
}
neighbor row(std::uint32_t nexthop) { return {.mac = {2}, .origin = ORIGIN_DYNAMIC, .used_s = 7, .nexthop = nexthop}; }

template <typename T>
std::string bytes(const T& value) {
    return {reinterpret_cast<const char*>(&value), sizeof value};
}

class MigrateTest : public testing::Test {
protected:
    void SetUp() override {
        if (geteuid() != 0) GTEST_SKIP() << "needs root for network namespaces and programs";
        if (!pins::require_bpffs()) GTEST_SKIP() << "needs a BPF file system on /sys/fs/bpf";
        ASSERT_TRUE(here_ && there_);
        ASSERT_TRUE(
            here_.run("ip link add v0 type veth peer name v1 netns " + there_.name() + " && ip link set v0 up"));
        ASSERT_TRUE(there_.run("sysctl -qw net.ipv6.conf.v1.disable_ipv6=1 && ip link set v1 up"));
    }
    void TearDown() override {
        if (here_) here_.in([&] { return Datapath::remove(instance_); });
    }

    Result<Datapath> open(std::uint32_t version) {
        return here_.in([&] { return Datapath::open(instance_, config{.ttl = 64}, {.abi_version = version}); });
    }
    Link port() {
        auto links = here_.in([] { return Links::open(); });
        return *links->find("v0");
    }
    Result<Attachment> attach(Datapath& datapath) {
        const auto link = port();
        return here_.in([&] { return datapath.attach(link, Role::Port, Hook::Tc); });
    }
    // Frames the port's program counted, whatever it thought of them, and frames that found no program.
    static std::pair<std::uint64_t, std::uint64_t> counted(Datapath& datapath) {
        std::pair<std::uint64_t, std::uint64_t> out;
        const auto host = datapath.tables().counters.read(0);
        for (const auto& per_cpu : *host)
            for (const auto& tally : per_cpu.by_verdict) out.first += tally.packets;
        const auto misses = datapath.tables().stub_misses.read(HOOK_TC_PORT);
        for (const auto count : *misses) out.second += count;
        return out;
    }
    // The neighbors of `other_` in the wide shape, in place of its own.
    Map<neighbor_key, WideNeighbor> widen(std::uint32_t entries) {
        LIBBPF_OPTS(bpf_map_create_opts, options, .map_flags = BPF_F_NO_PREALLOC);
        const Fd wide(bpf_map_create(BPF_MAP_TYPE_HASH, "neighbors", sizeof(neighbor_key), sizeof(WideNeighbor),
                                     entries, &options));
        EXPECT_TRUE(pins::unpin(other_.map("neighbors")));
        EXPECT_TRUE(pins::pin(wide.get(), other_.map("neighbors")));
        return std::move(*Map<neighbor_key, WideNeighbor>::open(wide.get(), "neighbors"));
    }
    std::optional<neighbor> migrated(const neighbor_key& key) {
        auto fd = pins::open(folder_.map("neighbors"));
        return *NeighborTable::open((*fd)->get(), "neighbors")->find(key);
    }

    const std::string instance_ = "mig" + std::to_string(getpid());
    const pins::Folder folder_{instance_, ABI_VERSION}, other_{instance_, OTHER_VERSION};
    Netns here_{"here"}, there_{"there"};
};

TEST_F(MigrateTest, TakesOverAttachmentsAndTablesWhileFramesFlow) {
    auto old = open(OTHER_VERSION);
    ASSERT_TRUE(old) << old.error().what;
    ASSERT_TRUE(attach(*old));
    ASSERT_TRUE(old->tables().fdb.put(mac_key(1), to_port(17)));
    const auto before = counted(*old);
    const auto frame = test::frame(test::Eth{.type = 0x88b5}, test::payload(46));
    const test::PacketSocket guest(there_, "v1");
    std::atomic<bool> stop = false;
    std::atomic<std::uint64_t> sent = 0;
    std::thread traffic([&] {
        while (!stop) sent += guest.send(frame);
    });
    while (sent < 100) std::this_thread::yield();
    auto now = open(ABI_VERSION);
    const auto at_switch = sent.load();
    while (sent < at_switch + 100) std::this_thread::yield();
    stop = true;
    traffic.join();
    ASSERT_TRUE(now) << now.error().what;
    // What was sent sits in the far end's queue for a moment: wait until the count no longer lacks a frame.
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(5);
    while (counted(*now).first - before.first < sent && std::chrono::steady_clock::now() < end)
        std::this_thread::yield();
    EXPECT_EQ(counted(*now).first - before.first, sent);
    EXPECT_EQ(counted(*now).second, before.second) << "frames met an empty slot";
    EXPECT_EQ((*now->tables().fdb.find(mac_key(1)))->target, 17u);
    EXPECT_EQ(pins::versions(instance_), std::vector<std::uint32_t>{ABI_VERSION});
}

TEST_F(MigrateTest, LinksAndStubsAreTheSameAndTheSlotIsNot) {
    auto old = open(OTHER_VERSION);
    ASSERT_TRUE(old && attach(*old));
    const auto device = port();
    ASSERT_TRUE(here_.in([&] { return old->attach_lease(device); }));
    const auto ids = [&](const pins::Folder& folder) {
        auto link = pins::open(folder.link(port().ifindex));
        auto egress = pins::open(folder.egress_link(port().ifindex));
        auto hook = pins::open(folder.map("hook_tc_port"));
        auto stub = pins::open(folder.program("stub_tc_port"));
        bpf_link_info info{}, egress_info{};
        std::uint32_t length = sizeof info, egress_length = length, zero = 0, slot = 0;
        bpf_obj_get_info_by_fd((*link)->get(), &info, &length);
        bpf_obj_get_info_by_fd((*egress)->get(), &egress_info, &egress_length);
        bpf_map_lookup_elem((*hook)->get(), &zero, &slot);
        return std::array{info.id, *program_id((*stub)->get()), slot, egress_info.id};
    };
    const auto before = ids(other_);
    auto now = open(ABI_VERSION);
    ASSERT_TRUE(now && attach(*now));
    const auto after = ids(folder_);
    EXPECT_EQ(after[0], before[0]);
    EXPECT_EQ(after[1], before[1]);
    EXPECT_NE(after[2], before[2]);
    EXPECT_EQ(after[3], before[3]);
    EXPECT_NE(after[3], 0u);
}

TEST_F(MigrateTest, ATableOfAnotherShapeIsConvertedAndReplayed) {
    ASSERT_TRUE(open(OTHER_VERSION));
    auto wide = widen(64);
    for (std::uint8_t i = 1; i <= 4; ++i) ASSERT_TRUE(wide.put(key(i), {row(i), 1}));
    const Conversion narrow{OTHER_VERSION, "neighbors", [](const std::string& key, const std::string& value) {
                                const bool dropped = key == bytes(weft::key(4));
                                return dropped ? std::nullopt
                                               : std::optional(std::pair(key, value.substr(0, sizeof(neighbor))));
                            }};
    ASSERT_TRUE(pins::make(folder_));
    auto migration = Migration::begin(folder_, {narrow});
    ASSERT_TRUE(migration) << migration.error().what;
    EXPECT_EQ(migrated(key(1))->nexthop, 1u);
    EXPECT_FALSE(migrated(key(4)));
    // Until the switch the old programs write on; from then on the new ones do.
    ASSERT_TRUE(wide.put(key(2), {row(22), 1}));
    ASSERT_TRUE(wide.put(key(3), {row(33), 1}));
    ASSERT_TRUE(wide.put(key(5), {row(55), 1}));
    auto fd = pins::open(folder_.map("neighbors"));
    ASSERT_TRUE((NeighborTable::open((*fd)->get(), "neighbors")->put(key(3), row(333))));
    ASSERT_TRUE(migration->finish());
    EXPECT_EQ(migrated(key(1))->nexthop, 1u);
    EXPECT_EQ(migrated(key(2))->nexthop, 22u);
    EXPECT_EQ(migrated(key(3))->nexthop, 333u) << "the new programs' word stands";
    EXPECT_EQ(migrated(key(5))->nexthop, 55u);
    EXPECT_EQ(pins::versions(instance_), std::vector<std::uint32_t>{ABI_VERSION});
}

TEST_F(MigrateTest, AnInterruptedMigrationGoesOnWithoutUndoingWhatIsNewer) {
    ASSERT_TRUE(open(OTHER_VERSION));
    auto wide = widen(64);
    ASSERT_TRUE(wide.put(key(1), {row(1), 1}) && wide.put(key(2), {row(2), 1}));
    const Conversion narrow{OTHER_VERSION, "neighbors", [](const std::string& key, const std::string& value) {
                                return std::optional(std::pair(key, value.substr(0, sizeof(neighbor))));
                            }};
    ASSERT_TRUE(pins::make(folder_));
    ASSERT_TRUE(Migration::begin(folder_, {narrow}));  // and killed here
    auto fd = pins::open(folder_.map("neighbors"));
    ASSERT_TRUE((NeighborTable::open((*fd)->get(), "neighbors")->put(key(1), row(11))));
    ASSERT_TRUE(wide.put(key(3), {row(3), 1}));
    auto again = Migration::begin(folder_, {narrow});
    ASSERT_TRUE(again && again->finish());
    EXPECT_EQ(migrated(key(1))->nexthop, 11u);
    EXPECT_EQ(migrated(key(2))->nexthop, 2u);
    EXPECT_EQ(migrated(key(3))->nexthop, 3u);
}

TEST_F(MigrateTest, ATableNobodyCanConvertStartsEmpty) {
    ASSERT_TRUE(open(OTHER_VERSION));
    auto wide = widen(64);
    ASSERT_TRUE(wide.put(key(1), {row(1), 1}));
    auto now = open(ABI_VERSION);
    ASSERT_TRUE(now) << now.error().what;
    EXPECT_TRUE(now->tables().neighbors.rows()->empty());
}

TEST_F(MigrateTest, AMillionEntriesAreSharedInTime) {
    auto old = open(OTHER_VERSION);
    ASSERT_TRUE(old);
    std::vector<fdb_key> keys(MAX_FDB_ENTRIES);
    for (std::uint32_t i = 0; i < keys.size(); ++i)
        keys[i] = {.segment = 1, .mac = {2, 0, 0, std::uint8_t(i >> 16), std::uint8_t(i >> 8), std::uint8_t(i)}};
    ASSERT_TRUE(old->tables().fdb.put_all(keys, std::vector<fdb_entry>(keys.size(), to_port(1))));
    ASSERT_TRUE(pins::make(folder_));
    const auto start = std::chrono::steady_clock::now();
    ASSERT_TRUE(Migration::begin(folder_));
    EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(2));
}

}  // namespace
}  // namespace weft

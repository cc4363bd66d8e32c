// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// The fixture of the learner's tests: real kernel maps, with a clock and next hops of the test's own.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>

#include "learn.hpp"
#include "lib/test_tables.hpp"

namespace weft {

constexpr std::uint16_t BLUE = 1, GREEN = 2;
constexpr std::uint32_t PORT_A = 11, PORT_B = 12, GREEN_PORT = 21;
const Mac GUEST = *Mac::parse("02:00:00:00:00:01");
const Mac OTHER = *Mac::parse("02:00:00:00:00:02");
const Mac OWN = *Mac::parse("02:00:00:00:0f:01");
const Ip VTEP_B = *Ip::parse("192.0.2.2"), VTEP_C = *Ip::parse("192.0.2.3");
const Ip ADDRESS = *Ip::parse("198.51.100.1");

inline Mac nth_mac(std::uint32_t n) {
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
        context.circuit_segment = [](std::uint32_t) -> std::uint32_t { return 0; };
        context.port_segment = [](std::uint32_t port) -> std::uint32_t {
            return port == GREEN_PORT ? GREEN : port == PORT_A || port == PORT_B ? BLUE : 0;
        };
        context.own_mac = [](const Mac& mac) { return mac == OWN; };
        context.next_hop = [this](const Ip& vtep, std::uint32_t vni) { return next_hop(vtep, vni); };
        context.now_s = [this] { return now_s_; };
        context.entry_displaced = [this](const fdb_key&, const fdb_entry& old) {
            if (displaced_) displaced_->push_back(old);
        };
        context.came_here = [this](const fdb_key&, std::uint32_t port) {
            if (came_) came_->push_back(port);
        };
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
    std::vector<fdb_entry>* displaced_ = nullptr;
    std::vector<std::uint32_t>* came_ = nullptr;
    std::uint32_t now_s_ = 10'000;
};

}  // namespace weft

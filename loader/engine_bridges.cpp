// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// The engine's part in bridged VLANs: what happens when a role begins or ends, and when a frame comes round.
#include <arpa/inet.h>
#include <spdlog/spdlog.h>

#include "engine.hpp"

namespace weft {

namespace {

VlanExit exit_of(const CircuitState& circuit) {
    return {circuit.row.ifindex, circuit.row.vid, ntohs(circuit.row.protocol)};
}

}  // namespace

void Engine::reflection(const event& event) {
    const NextHopInfo* hop = nexthops_->info(event.nexthop);
    const std::string remote = hop ? hop->remote.text() : Ip::of(event.source).text();
    const bool overlay = hop || event.flags & EVENT_FLAG_TUNNEL;
    reconciler_->circuits().note_reflection(event.circuit, Mac::of(event.mac),
                                            overlay ? "behind remote " + remote : "behind a port of this host");
}

// Every guest of the segment is reached by this NIC now, and whoever is on the VLAN is asked where it is.
Result<> Engine::announce(const CircuitState& circuit) {
    const Link* link = links_.find(circuit.row.ifindex);
    if (!link) return Ok{};
    const VlanExit exit = exit_of(circuit);
    TRY(const auto entries, reconciler_->entries().fdb().rows());
    for (const auto& [key, entry] : entries)
        if (key.segment == circuit.row.segment && entry.kind != FDB_CIRCUIT)
            announcer_.queue(exit, rarp_frame(Mac::of(key.mac), exit));
    TRY(const auto neighbors, reconciler_->entries().neighbors().rows());
    for (const auto& [key, neighbor] : neighbors) {
        const Ip ip = Ip::of(key.ip);
        if (key.segment != circuit.row.segment) continue;
        announcer_.queue(exit, ip.is_v4() ? probe_frame(ip, link->mac, exit) : solicitation_frame(ip, link->mac, exit));
    }
    return Ok{};
}

// On each VLAN of which this host is the designated bridge.
void Engine::say_hello() {
    const auto every = std::chrono::milliseconds(HELLO_MS);
    const auto now = std::chrono::steady_clock::now();
    if (now - last_hello_ < every) return;
    last_hello_ = now;
    for (const auto& [id, circuit] : reconciler_->circuits().all()) {
        const Link* link = links_.find(circuit.row.ifindex);
        if (!link || !wanted_.vtep || circuit.row.team || !circuit.designated) continue;
        const VlanExit exit = exit_of(circuit);
        announcer_.send(exit, hello_frame(link->mac, circuit.row.priority, wanted_.vtep->address, exit));
    }
}

Result<> Engine::follow() {
    TRY_OK(follow_beacons());
    announcer_.send_some();
    resolver_->tick();
    if (reconciler_->circuits().all().empty()) return Ok{};
    TRY(const auto turned, reconciler_->follow_roles());
    if (!turned.began.empty()) last_hello_ = {};
    say_hello();
    for (const std::uint32_t id : turned.began) {
        const CircuitState* circuit = reconciler_->circuits().find(id);
        spdlog::info("designated bridge of {} for segment {}", circuit->name, circuit->segment);
        TRY_OK(announce(*circuit));
    }
    for (const std::uint32_t id : turned.outranked) {
        const CircuitState* circuit = reconciler_->circuits().find(id);
        if (const auto rival = reconciler_->circuits().rival(*circuit))
            spdlog::error("{} of segment {}: {} bridges it too and comes before this host, which stands down",
                          circuit->name, circuit->segment, rival->text());
    }
    for (const std::uint32_t id : turned.ended) {
        const CircuitState* circuit = reconciler_->circuits().find(id);
        spdlog::info("no longer the designated bridge of {} for segment {}", circuit->name, circuit->segment);
        announcer_.drop(exit_of(*circuit));
    }
    return Ok{};
}

}  // namespace weft

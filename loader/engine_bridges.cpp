// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// The engine's part in bridged VLANs: what happens when a role begins or ends, and when a frame comes round.
#include <arpa/inet.h>
#include <spdlog/spdlog.h>

#include "engine.hpp"

namespace weft {

void Engine::reflection(const event& event) {
    const NextHopInfo* hop = nexthops_->info(event.nexthop);
    const std::string remote = hop ? hop->remote.text() : Ip::of(event.source).text();
    const bool overlay = hop || event.flags & EVENT_FLAG_TUNNEL;
    reconciler_->circuits().note_reflection(event.circuit, Mac::of(event.mac),
                                            overlay ? "behind remote " + remote : "behind a port of this host");
}

// Every guest of the segment is reached by this NIC now, and whoever is on the VLAN is asked where it is.
Result<> Engine::announce(const CircuitState& circuit) {
    const Link* link = links_.find(circuit.row.uplinks[0]);
    if (!link) return Ok{};
    const VlanExit exit{link->ifindex, circuit.row.vid, ntohs(circuit.row.protocol)};
    TRY(const auto entries, reconciler_->entries().fdb().rows());
    for (const auto& [key, entry] : entries)
        if (key.segment == circuit.row.segment && entry.kind != FDB_CIRCUIT)
            announcer_.queue(exit, rarp_frame(Mac::of(key.mac), exit));
    TRY(const auto neighbors, reconciler_->entries().neighbors().rows());
    for (const auto& [key, neighbor] : neighbors) {
        const Ip ip = Ip::of(key.ip);
        if (key.segment == circuit.row.segment && ip.is_v4()) announcer_.queue(exit, probe_frame(ip, link->mac, exit));
    }
    return Ok{};
}

Result<> Engine::follow() {
    announcer_.send_some();
    if (reconciler_->circuits().all().empty()) return Ok{};
    TRY(const auto turned, reconciler_->follow_roles());
    for (const std::uint32_t id : turned.began) {
        const CircuitState* circuit = reconciler_->circuits().find(id);
        spdlog::info("designated bridge of {} for segment {}", circuit->name, circuit->segment);
        TRY_OK(announce(*circuit));
    }
    for (const std::uint32_t id : turned.ended) {
        const CircuitState* circuit = reconciler_->circuits().find(id);
        spdlog::info("no longer the designated bridge of {} for segment {}", circuit->name, circuit->segment);
        announcer_.drop({circuit->row.uplinks[0], circuit->row.vid, ntohs(circuit->row.protocol)});
    }
    return Ok{};
}

}  // namespace weft

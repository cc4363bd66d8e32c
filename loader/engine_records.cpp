// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// The engine's part in tenant records: who hears of them, and that a guest which came from another host is told of.
#include <spdlog/spdlog.h>

#include "engine.hpp"

namespace weft {

RecordJoin Engine::records() { return {datapath_.tables(), *nexthops_, reconciler_->segments(), wanted_}; }

void Engine::open_watch() {
    watch_.emplace(
        datapath_.tables(), [this] { return records(); }, time_of_day);
    Entries& entries = reconciler_->entries();
    entries.fdb().watch_all([this](const fdb_key& key) { watch_->touch(key); });
    entries.neighbors().watch_all([this](const neighbor_key& key) { watch_->touch(key); });
}

// Its first frame may be for one host alone; the others, and the switches of bridged VLANs, would go on sending to
// where it was until their entries age. So they get a RARP in its name, as hypervisors send one after a migration.
void Engine::announce(const fdb_key& guest, std::uint32_t port) {
    const auto sent = send_as_host(guest.segment, rarp_frame(Mac::of(guest.mac), {}), port);
    if (!sent) spdlog::debug("announcing {}: {}", Mac::of(guest.mac).text(), sent.error().what);
}

}  // namespace weft

// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// The engine's part in teams: a NIC that fails is answered before anything else is, and physical switches are told
// where the MACs of this host's guests are then.
#include <spdlog/spdlog.h>

#include <algorithm>

#include "engine.hpp"

namespace weft {

Result<> Engine::follow_teams() {
    TRY_OK(reconciler_->teams().follow(links_));
    for (const TeamMove& move : reconciler_->teams().take_moves()) TRY_OK(announce(move));
    return Ok{};
}

Result<> Engine::look_at_uplinks() {
    bool news = false;
    for (const auto& [name, nic] : reconciler_->teams().nics())
        if (nic.ifindex != 0) TRY_OK(links_.look(nic.ifindex, [&news](Links::Change, const Link&) { news = true; }));
    return news ? follow_links(true) : Ok{};
}

Result<> Engine::follow_beacons() {
    const std::uint64_t now = monotonic_ns();
    beacons_.turn(reconciler_->teams().plans(), links_, now);
    reconciler_->teams().note_lost(beacons_.lost());
    return follow_teams();
}

// The VLAN of each port whose frames leave by the team, by ifindex. Guests that tag themselves have no one VLAN: their
// own frames tell the switches.
std::map<std::uint32_t, std::uint16_t> Engine::vlans_behind(const std::string& team) {
    std::map<std::uint32_t, std::uint16_t> out;
    for (const PortGroup& group : wanted_.port_groups) {
        if (!is_vlan_backed(wanted_, group) || team_name(group) != team) continue;
        if (group.vlan == 0 && !group.trunk.empty()) continue;
        for (const Port& port : wanted_.ports) {
            const Interface* served = reconciler_->devices().find(port.interface);
            if (port.port_group == group.name && served && served->ifindex) out[served->ifindex] = group.vlan;
        }
    }
    return out;
}

// What was queued for the NICs that lost shares would send the switches the wrong way; who is still there is announced
// again.
Result<> Engine::announce(const TeamMove& move) {
    if (!move.notify_switches) return Ok{};
    const auto vlans = vlans_behind(move.team);
    std::set<std::uint32_t> left, dropped;
    for (std::size_t share = 0; share < TEAM_SLOTS; ++share)
        if (move.from[share] != move.to[share]) left.insert(move.from[share]);
    std::set<std::uint16_t> tags;
    for (const auto& [port, vlan] : vlans) tags.insert(vlan);
    for (const std::uint32_t nic : left)
        for (const std::uint16_t vlan : tags)
            if (announcer_.drop({.ifindex = nic, .vid = vlan}) > 0) dropped.insert(nic);
    TRY(const auto entries, reconciler_->entries().fdb().rows());
    for (const auto& [key, entry] : entries) {
        const auto vlan = vlans.find(entry.target);
        if (entry.kind != FDB_PORT || vlan == vlans.end()) continue;
        const Mac mac = Mac::of(key.mac);
        const std::uint32_t nic = move.to[TeamMove::share(move.policy, mac, entry.target)];
        if (nic == 0 || (!move.moved(mac, entry.target) && !dropped.contains(nic))) continue;
        const VlanExit exit{.ifindex = nic, .vid = vlan->second};
        announcer_.queue(exit, rarp_frame(mac, exit));
    }
    return Ok{};
}

}  // namespace weft

// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// A document with every key of switches, port groups and bridges, and what is said of it once it is changed.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "config.hpp"

namespace weft {

inline const char* const SWITCH_EXAMPLE = R"({
  "vtep":        { "address": "192.0.2.1" },
  "uplinks":     [ { "interface": "eth0" } ],
  "segments":    [ { "name": "blue", "vni": 5001, "keep_inner_tags": true }, { "name": "green", "vni": 5002 },
                   { "name": "lan" }, { "name": "dmz" } ],
  "switches":    [ { "name": "dvs0", "team": { "uplinks": ["eth0", "eth2", "eth3"], "policy": "explicit",
                     "active": ["eth2"], "standby": ["eth3"], "detection": "beacon", "failback": false,
                     "failback_delay_seconds": 0, "notify_switches": false } },
                   { "name": "dvs1", "team": { "uplinks": ["eth4"] } } ],
  "port_groups": [ { "name": "web", "switch": "dvs0", "segment": "lan", "vlan": 10, "trunk": ["100-199", "300"],
                     "isolated": true, "team": { "policy": "ip-hash", "active": ["eth3"] },
                     "security": { "promiscuous": "accept", "forged_transmits": "accept" },
                     "limits": { "from_port": { "average_kbps": 1000, "peak_kbps": 2000, "burst_kbytes": 64 } },
                     "storm": { "broadcast_pps": 100, "multicast_pps": 200, "unknown_unicast_pps": 300 } },
                   { "name": "db", "switch": "dvs0", "segment": "dmz", "vlan": 20 },
                   { "name": "far", "switch": "dvs1", "segment": "blue", "vlan": 10, "trunk": ["100-199"] } ],
  "ports":       [ { "interface": "tap0", "port_group": "web", "service": "vmotion",
                     "bind": [ { "mac": "02:00:00:00:00:05", "ips": ["198.51.100.5", "2001:db8::5"] },
                               { "mac": "02:00:00:00:00:06" } ] },
                   { "interface": "tap1", "segment": "green" } ],
  "bridges":     [ { "segment": "blue", "interface": "eth0", "vlan": 400, "role": "elected", "priority": 200 },
                   { "segment": "green", "interface": "eth2", "vlan": 400, "role": "standby", "tag_protocol": "802.1ad" } ],
  "fdb":         [ { "segment": "blue", "mac": "02:00:00:00:00:07", "bridge": "eth0:0400" } ]
})";

// SWITCH_EXAMPLE with one merge patch (RFC 7396) applied.
inline std::string patched(const char* patch) {
    nlohmann::json document = nlohmann::json::parse(SWITCH_EXAMPLE);
    document.merge_patch(nlohmann::json::parse(patch));
    return document.dump();
}

inline std::string complaints(std::string_view text, std::string_view host = "") {
    return weft::text(parse_config(text, host).complaints);
}

}  // namespace weft

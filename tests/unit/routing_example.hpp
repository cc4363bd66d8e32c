// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// A document with every key of gateways, routing domains and routes, and what is said of it once it is changed.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "config.hpp"

namespace weft::routing {

inline const char* const EXAMPLE = R"({
  "vtep":            { "address": "192.0.2.1" },
  "segments":        [ { "name": "web", "vni": 5001, "remotes": ["192.0.2.2"], "arp": "local-proxy", "routing_domain": "a",
                         "gateway": { "addresses": ["198.51.100.1/25", "2001:db8:1::1/64", "fe80::1/64"],
                                      "mac": "02:00:00:00:00:fe", "answer_remote": true } },
                       { "name": "db", "vni": 5002, "remotes": ["192.0.2.2", "192.0.2.3"], "routing_domain": "a",
                         "gateway": { "addresses": ["198.51.100.129/25", "fe80::1/64"] } },
                       { "name": "far", "vni": 5003, "remotes": ["192.0.2.2"], "routing_domain": "b",
                         "gateway": { "addresses": ["198.51.100.1/24"] } },
                       { "name": "lan" } ],
  "routing_domains": [ { "name": "a", "routes": [ { "prefix": "0.0.0.0/0", "via": ["198.51.100.2", "198.51.100.130"] },
                                                  { "prefix": "::/0", "via": ["2001:db8:1::2"] },
                                                  { "prefix": "192.0.2.0/25", "action": "blackhole" },
                                                  { "prefix": "203.0.113.7/32", "action": "unreachable" },
                                                  { "prefix": "203.0.113.0/24", "leak": "b" } ],
                         "policy_routes": [ { "priority": 10, "source": "198.51.100.5/32", "destination": "any", "dscp": 46,
                                              "protocol": "tcp", "source_ports": "1024-65535", "destination_ports": "443",
                                              "via": ["198.51.100.3", "198.51.100.131"] },
                                            { "priority": 20, "protocol": 50, "destination": "2001:db8:7::/48",
                                              "via": ["2001:db8:1::3"] } ] },
                       { "name": "b", "model": "symmetric", "l3_vni": 5999, "router_mac": "02:00:5e:00:00:01",
                         "remotes": [ "192.0.2.3", { "address": "192.0.2.4", "router_mac": "02:00:5e:00:00:04" } ],
                         "routes": [ { "prefix": "203.0.113.0/24", "via": ["192.0.2.2", "192.0.2.4"] },
                                     { "prefix": "2001:db8:2::/48", "via": ["192.0.2.3"] } ] } ]
})";

// EXAMPLE with one merge patch (RFC 7396) applied.
inline std::string patched(const char* patch) {
    nlohmann::json document = nlohmann::json::parse(EXAMPLE);
    document.merge_patch(nlohmann::json::parse(patch));
    return document.dump();
}

// EXAMPLE with the value at a JSON pointer replaced or, where it ends in "-", appended.
inline std::string with(const char* pointer, const char* value) {
    nlohmann::json document = nlohmann::json::parse(EXAMPLE);
    document[nlohmann::json::json_pointer(pointer)] = nlohmann::json::parse(value);
    return document.dump();
}

inline std::string complaints(std::string_view text, std::string_view host = "") {
    return weft::text(parse_config(text, host).complaints);
}

}  // namespace weft::routing

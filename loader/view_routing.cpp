// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Routing domains and routes as lists and `show` give them.
#include <nlohmann/json.hpp>

#include "view.hpp"

namespace weft {

using nlohmann::json;

namespace {

const char* kind_of(const Route& route) {
    if (route.action) return name(*route.action);
    return route.leak.empty() ? "via" : "leak";
}

json row(const RoutingDomain& domain, const Prefix& prefix, const char* kind, Owner owner) {
    return {{"routing_domain", domain.name}, {"prefix", prefix.text()}, {"kind", kind}, {"origin", name(owner)}};
}

void add_gateway(json& out, const RoutingDomain& domain, const Segment& segment) {
    std::vector<Prefix> connected;
    for (const Prefix& address : segment.gateway.addresses) {
        json local = row(domain, {address.address, std::uint8_t(address.is_v4() ? 32 : 128)}, "local", segment.owner);
        local["segment"] = segment.name;
        out.push_back(std::move(local));
        const Prefix network = address.network();
        if (address.address.is_link_local() || std::ranges::find(connected, network) != connected.end()) continue;
        connected.push_back(network);
        json one = row(domain, network, "connected", segment.owner);
        one["segment"] = segment.name;
        out.push_back(std::move(one));
    }
}

}  // namespace

json routing_domain_view(Engine& engine, const RoutingDomain& domain) {
    json out = to_json(domain);
    out["owner"] = name(domain.owner);
    out["segments"] = json::array();
    for (const Segment& segment : engine.wanted().segments)
        if (segment.routing_domain == domain.name) out["segments"].push_back(segment.name);
    return out;
}

json routes_view(const Document& wanted, const RoutingDomain& domain) {
    json out = json::array();
    for (const Segment& segment : wanted.segments)
        if (segment.routing_domain == domain.name) add_gateway(out, domain, segment);
    for (const Route& route : domain.routes) {
        out.push_back(row(domain, route.prefix, kind_of(route), route.owner));
        out.back().update(to_json(route));
    }
    return out;
}

}  // namespace weft

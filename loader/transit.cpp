// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include "transit.hpp"

#include <algorithm>
#include <set>

namespace weft {

namespace {

bool is_symmetric(const RoutingDomain& domain) {
    return domain.model == RoutingModel::Symmetric && domain.l3_vni && domain.router_mac;
}

Segment transit_of(const RoutingDomain& domain) {
    Segment out;
    out.name = transit_name(domain);
    out.vni = *domain.l3_vni;
    out.learning = false;
    out.drop_unknown_unicast = true;
    out.routing_domain = domain.name;
    out.gateway.mac = *domain.router_mac;
    out.owner = domain.owner;
    return out;
}

}  // namespace

std::string transit_name(const RoutingDomain& domain) { return domain.name + "/l3"; }

std::vector<RouterRemote> routers_of(const Document& document, const RoutingDomain& domain) {
    std::vector<RouterRemote> out;
    if (!is_symmetric(domain)) return out;
    std::set<Ip> seen;
    const auto add = [&](const Ip& address, const std::optional<Mac>& mac) {
        if (seen.insert(address).second) out.push_back({address, mac ? mac : domain.router_mac});
    };
    for (const RouterRemote& remote : domain.remotes) add(remote.address, remote.router_mac);
    for (const Segment& segment : document.segments)
        if (segment.routing_domain == domain.name)
            for (const Remote& remote : segment.remotes) add(remote.address, {});
    return out;
}

std::optional<Document> with_transits(const Document& document) {
    if (std::ranges::none_of(document.routing_domains, is_symmetric)) return std::nullopt;
    Document out = document;
    for (const RoutingDomain& domain : document.routing_domains) {
        if (!is_symmetric(domain)) continue;
        out.segments.push_back(transit_of(domain));
        for (const RouterRemote& router : routers_of(document, domain))
            out.neighbors.push_back({.segment = transit_name(domain),
                                     .ip = router.address,
                                     .mac = *router.router_mac,
                                     .remote = router.address,
                                     .vni = {},
                                     .owner = ORIGIN_CONFIG});
    }
    return out;
}

}  // namespace weft

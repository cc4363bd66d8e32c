// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// What gateways, routing domains and routes must satisfy: within a domain an address is in one segment, and whatever a
// route names as its next hop can be asked for its MAC.
#include <algorithm>
#include <map>
#include <set>

#include "check.hpp"

namespace weft {

namespace {

// A prefix that a gateway's address puts into a domain.
struct Connected {
    Prefix network;
    Ip gateway;
    const Segment* segment;
};

struct Scope {
    std::vector<Connected> connected;
    std::set<Ip> routers;  // VTEPs that may be next hops
};

const char* family(bool v4) { return v4 ? "IPv4" : "IPv6"; }

bool is_guest(const Prefix& network, const Ip& ip) {
    if (!network.contains(ip)) return false;
    return network.bits() >= 127 || (ip != network.address && !(network.is_v4() && ip == network.last()));
}

class RoutingCheck {
public:
    explicit RoutingCheck(const Document& document) : document_(document) {
        for (std::size_t i = 0; i < document.routing_domains.size(); ++i)
            names_.emplace(document.routing_domains[i].name, i);
        for (const Segment& segment : document.segments)
            if (segment.vni != 0 && segment.encapsulation == Encapsulation::Vxlan)
                vnis_.emplace(segment.vni, "segment " + segment.name + "'s");
    }

    std::vector<Complaint> all() {
        check_room();
        for (std::size_t i = 0; i < document_.segments.size(); ++i) check_segment(i);
        for (std::size_t i = 0; i < document_.routing_domains.size(); ++i) check_domain(i);
        return std::move(out_);
    }

private:
    void complain(std::string path, std::string what) { out_.push_back({std::move(path), std::move(what)}); }

    void check_room() {
        const std::size_t domains = document_.routing_domains.size(), segments = document_.segments.size();
        if (domains >= MAX_DOMAINS)
            complain("/routing_domains", std::to_string(domains) + " routing domains, a host has room for " +
                                             std::to_string(MAX_DOMAINS - 1));
        const auto symmetric = static_cast<std::size_t>(
            std::count_if(document_.routing_domains.begin(), document_.routing_domains.end(),
                          [](const RoutingDomain& domain) { return domain.model == RoutingModel::Symmetric; }));
        if (segments < MAX_SEGMENTS && segments + symmetric >= MAX_SEGMENTS)
            complain("/routing_domains", std::to_string(segments) + " segments and the L3 VNIs of " +
                                             std::to_string(symmetric) + " routing domains, a host has room for " +
                                             std::to_string(MAX_SEGMENTS - 1));
    }

    // --- segments
    void check_segment(std::size_t index) {
        const Segment& segment = document_.segments[index];
        const std::string path = path_of("segments", index), whose = of_cli(segment.owner, "segment " + segment.name);
        const std::string& domain = segment.routing_domain;
        const bool routed = !segment.gateway.addresses.empty();
        if (!domain.empty() && !names_.contains(domain))
            complain(path + "/routing_domain", "there is no routing domain " + domain + whose);
        if (routed && domain.empty())
            complain(path + "/routing_domain",
                     "is missing: a gateway routes between the segments of one domain" + whose);
        if (!routed && !domain.empty())
            complain(path + "/gateway/addresses", "is missing: without a gateway nothing is routed between segment " +
                                                      segment.name + " and routing domain " + domain + whose);
        if (!routed && segment.arp == ArpMode::LocalProxy)
            complain(path + "/arp", "is local-proxy, but there is no gateway that could answer" + whose);
        if (auto wrong = wrong_host_mac(segment.gateway.mac); !wrong.empty())
            complain(path + "/gateway/mac", std::move(wrong));
        for (std::size_t i = 0; i < segment.gateway.addresses.size(); ++i)
            check_address(segment, segment.gateway.addresses[i], path + "/gateway/addresses/" + std::to_string(i));
        for (const Remote& remote : segment.remotes) scopes_[domain].routers.insert(remote.address);
    }

    // A link-local address is one in each segment, and leads nowhere else.
    void check_address(const Segment& segment, const Prefix& address, const std::string& path) {
        if (address.length == 0) return;  // its form is wrong
        if (document_.vtep && document_.vtep->address == address.address)
            complain(path, address.address.text() + " is this host's own VTEP");
        for (const Prefix& before : segment.gateway.addresses) {
            if (&before == &address) break;
            if (before.address == address.address) return complain(path, address.address.text() + " is given twice");
        }
        if (address.address.is_link_local() || segment.routing_domain.empty()) return;
        const Prefix network = address.network();
        auto& connected = scopes_[segment.routing_domain].connected;
        const std::string whose = of_cli(segment.owner, "segment " + segment.name);
        for (const Connected& other : connected) {
            if (other.segment == &segment) continue;
            if (other.gateway == address.address)
                complain(path, address.address.text() + " is already the gateway of segment " + other.segment->name +
                                   " in the same routing domain" + whose);
            else if (other.network.overlaps(network))
                complain(path, network.text() + " overlaps " + other.network.text() + " of segment " +
                                   other.segment->name + " in the same routing domain" + whose);
            else
                continue;
            break;
        }
        connected.push_back({network, address.address, &segment});
    }

    // --- routing domains
    void check_domain(std::size_t index) {
        const RoutingDomain& domain = document_.routing_domains[index];
        const std::string path = path_of("routing_domains", index);
        if (!domain.name.empty() && names_.at(domain.name) != index)
            complain(path + "/name", domain.name + " is given twice");
        const std::string whose = of_cli(domain.owner, "routing domain " + domain.name);
        if (domain.model == RoutingModel::Symmetric)
            check_symmetric(domain, path, whose);
        else
            check_asymmetric(domain, path, whose);
        if (domain.router_mac)
            if (auto wrong = wrong_host_mac(*domain.router_mac); !wrong.empty())
                complain(path + "/router_mac", std::move(wrong));
        std::set<Prefix> seen;
        for (std::size_t i = 0; i < domain.routes.size(); ++i)
            check_route(domain, domain.routes[i], path + "/routes/" + std::to_string(i), seen);
        std::set<std::uint16_t> priorities;
        for (std::size_t i = 0; i < domain.policy_routes.size(); ++i)
            check_policy(domain, domain.policy_routes[i], path + "/policy_routes/" + std::to_string(i), priorities);
    }

    void check_symmetric(const RoutingDomain& domain, const std::string& path, const std::string& whose) {
        if (!document_.vtep) complain(path + "/model", "is symmetric, but there is no vtep" + whose);
        if (!domain.l3_vni) complain(path + "/l3_vni", "is missing: a symmetric domain routes by it" + whose);
        if (!domain.router_mac) complain(path + "/router_mac", "is missing: a symmetric domain has one" + whose);
        if (domain.l3_vni) {
            const auto [old, fresh] = vnis_.emplace(*domain.l3_vni, "routing domain " + domain.name + "'s");
            if (!fresh)
                complain(path + "/l3_vni", std::to_string(*domain.l3_vni) + " is already " + old->second + whose);
        }
        Scope& scope = scopes_[domain.name];
        std::set<Ip> seen;
        for (std::size_t i = 0; i < domain.remotes.size(); ++i) {
            const RouterRemote& remote = domain.remotes[i];
            const std::string here = path + "/remotes/" + std::to_string(i);
            if (auto wrong = wrong_remote(document_, remote.address); document_.vtep && !wrong.empty())
                complain(here, std::move(wrong));
            if (remote.router_mac)
                if (auto wrong = wrong_host_mac(*remote.router_mac); !wrong.empty())
                    complain(here + "/router_mac", std::move(wrong));
            if (!remote.address.is_unspecified() && !seen.insert(remote.address).second)
                complain(here, remote.address.text() + " is given twice");
            scope.routers.insert(remote.address);
        }
    }

    void check_asymmetric(const RoutingDomain& domain, const std::string& path, const std::string& whose) {
        const auto refuse = [&](bool given, const char* key) {
            if (given) complain(path + key, "is for a symmetric domain only" + whose);
        };
        refuse(domain.l3_vni.has_value(), "/l3_vni");
        refuse(domain.router_mac.has_value(), "/router_mac");
        refuse(!domain.remotes.empty(), "/remotes");
        scopes_[domain.name].routers.clear();
    }

    // --- routes
    void check_route(const RoutingDomain& domain, const Route& route, const std::string& path, std::set<Prefix>& seen) {
        const std::string whose = of_cli(route.owner, "route " + route.prefix.text());
        if (route.prefix.length != WRONG_LENGTH) {
            if (!seen.insert(route.prefix).second) complain(path + "/prefix", route.prefix.text() + " is given twice");
            check_connected(domain, route, path + "/prefix", whose);
        }
        if (!route.leak.empty() && route.leak == domain.name)
            complain(path + "/leak", "routing domain " + domain.name + " cannot leak to itself" + whose);
        else if (!route.leak.empty() && !names_.contains(route.leak))
            complain(path + "/leak", "there is no routing domain " + route.leak + whose);
        check_via(domain, route.prefix.length == WRONG_LENGTH ? std::nullopt : std::optional(route.prefix), route.via,
                  path + "/via", whose);
    }

    // `prefix`: of the packets that go there, where it is known.
    void check_via(const RoutingDomain& domain, const std::optional<Prefix>& prefix, const std::vector<Ip>& via,
                   const std::string& path, const std::string& whose) {
        if (via.size() > PATH_SLOTS)
            complain(path, std::to_string(via.size()) + " next hops, flows are shared among " +
                               std::to_string(PATH_SLOTS) + " at most" + whose);
        std::set<Ip> hops;
        for (std::size_t i = 0; i < via.size(); ++i) {
            const Ip& ip = via[i];
            if (ip.is_unspecified()) continue;
            std::string wrong = hops.insert(ip).second ? wrong_hop(domain, prefix, ip) : ip.text() + " is given twice";
            if (!wrong.empty()) complain(path + "/" + std::to_string(i), wrong + whose);
        }
    }

    // What is connected is not for a route to decide.
    void check_connected(const RoutingDomain& domain, const Route& route, const std::string& path,
                         const std::string& whose) {
        for (const Connected& one : scopes_[domain.name].connected) {
            if (one.network == route.prefix)
                return complain(path, route.prefix.text() + " is the prefix of segment " + one.segment->name + whose);
            if (route.prefix.is_one_address() && route.prefix.address == one.gateway)
                return complain(path, one.gateway.text() + " is the gateway of segment " + one.segment->name + whose);
        }
    }

    // --- policy routes
    void check_policy(const RoutingDomain& domain, const PolicyRoute& route, const std::string& path,
                      std::set<std::uint16_t>& seen) {
        const FlowMatch& match = route.match;
        if (!seen.insert(route.priority).second)
            complain(path + "/priority", std::to_string(route.priority) + " is given twice");
        check_match(match, path, out_);
        const std::optional<Prefix>& prefix = match.destination ? match.destination : match.source;
        check_via(domain, prefix, route.via, path + "/via", "");
        for (std::size_t i = 1; i < route.via.size() && !prefix; ++i)
            if (route.via[i].is_v4() != route.via[0].is_v4() && !scopes_[domain.name].routers.contains(route.via[i]))
                complain(path + "/via/" + std::to_string(i),
                         route.via[i].text() + " is " + family(route.via[i].is_v4()) + ", " + route.via[0].text() +
                             " is " + family(route.via[0].is_v4()));
    }

    std::string wrong_hop(const RoutingDomain& domain, const std::optional<Prefix>& prefix, const Ip& ip) {
        const Scope& scope = scopes_[domain.name];
        if (scope.routers.contains(ip)) return "";
        for (const Connected& one : scope.connected)
            if (one.gateway == ip) return ip.text() + " is the domain's own gateway in segment " + one.segment->name;
        if (prefix && prefix->is_v4() != ip.is_v4())
            return ip.text() + " is " + family(ip.is_v4()) + ", the prefix " + prefix->text() + " is " +
                   family(prefix->is_v4());
        if (ip.is_link_local()) return ip.text() + " is link-local: it could be in any segment";
        for (const Connected& one : scope.connected)
            if (is_guest(one.network, ip)) return "";
        return "nobody can reach " + ip.text() + ": it is in no prefix of a gateway of routing domain " + domain.name +
               (domain.model == RoutingModel::Symmetric ? ", and no remote" : "");
    }

    const Document& document_;
    std::vector<Complaint> out_;
    std::unordered_map<std::string_view, std::size_t> names_;  // of domains -> index of the first
    std::map<std::uint32_t, std::string> vnis_;                // -> whose it is
    std::map<std::string, Scope> scopes_;                      // by domain
};

}  // namespace

std::vector<Complaint> check_routing(const Document& document) { return RoutingCheck(document).all(); }

}  // namespace weft

// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include "routing.hpp"

#include <algorithm>
#include <cstring>

#include "name_hash.hpp"
#include "transit.hpp"

namespace weft {

namespace {

template <typename Value>
bool same(const Value& a, const Value& b) {
    return std::memcmp(&a, &b, sizeof a) == 0;
}

bool is_host(const route_key& key) { return key.bits == ROUTE_HOST_BITS; }

Prefix host_prefix(const Ip& ip) { return {ip, static_cast<std::uint8_t>(ip.is_v4() ? 32 : 128)}; }

// To all of a segment nothing is routed (RFC 2644 §2), and its own address is nobody's. In a /31 both are hosts (RFC
// 3021).
bool has_broadcast(const Prefix& network) { return network.is_v4() && network.length < 31; }

route route_to(route_kind kind, Owner owner, std::uint32_t target = 0) {
    return {static_cast<__u16>(kind), static_cast<__u16>(owner), target};
}

// The first of each family; a link-local address only where there is no other, for it is nobody's beyond the segment.
void take_addresses(gateway& row, const Segment& segment, bool link_local) {
    const ip_address none{};
    for (const Prefix& one : segment.gateway.addresses) {
        const bool local = one.address.is_link_local();
        if (one.is_v4() && row.address4 == 0)
            std::memcpy(&row.address4, one.address.v4_bytes().data(), sizeof row.address4);
        const bool better = same(row.address6, none) || (!local && Ip::of(row.address6).is_link_local());
        if (!one.is_v4() && better && (!local || link_local)) row.address6 = one.address.raw();
    }
}

gateway row_of(const Segment& segment, std::uint16_t domain) {
    gateway out{};
    out.domain = domain;
    if (segment.gateway.answer_remote) out.flags |= GATEWAY_ANSWER_REMOTE;
    if (segment.arp == ArpMode::LocalProxy) out.flags |= GATEWAY_LOCAL_PROXY;
    segment.gateway.mac.copy_to(out.mac);
    take_addresses(out, segment, true);
    return out;
}

}  // namespace

route_key key_of(std::uint16_t domain, const Prefix& prefix) {
    const Prefix network = prefix.network();
    route_key key{};
    key.bits = ROUTE_FIXED_BITS + network.bits();
    key.domain = domain;
    key.family = network.is_v4() ? 4 : 6;
    key.ip = network.address.raw();
    return key;
}

Result<> Routing::adopt() {
    TRY(const auto domains, tables_->domains.rows());
    for (const auto& [row, value] : domains)
        if (value.flags & DOMAIN_IN_USE) domains_[static_cast<std::uint16_t>(row)].value = value;
    TRY(const auto gateways, tables_->gateways.rows());
    for (const auto& [index, value] : gateways)
        if (value.domain != 0) gateways_[index].value = value;
    TRY(const auto prefixes, tables_->routes.rows());
    for (const auto& [key, value] : prefixes) routes_[key].value = value;
    TRY(const auto hosts, tables_->host_routes.rows());
    for (const auto& [key, value] : hosts) routes_[key].value = value;
    host_routes_ = hosts.size();
    return paths_.adopt();
}

void Routing::serve(const Document& wanted, Segments& segments, Problems& problems) {
    for (auto& [row, known] : domains_) known.wanted = false;
    for (auto& [index, known] : gateways_) known.wanted = false;
    for (auto& [key, known] : routes_) known.wanted = false;
    scopes_.clear();
    paths_.begin();
    serve_domains(wanted, segments, problems);
    serve_connected(wanted, segments, problems);
    serve_routes(wanted, problems);
    serve_policy_routes(wanted, problems);
    serve_gateways(wanted, segments, problems);
}

// --- domains

Result<std::uint16_t> Routing::ensure(const std::string& name) {
    for (const auto& [row, known] : domains_)
        if (known.value.name_hash == name_hash(name) && !known.wanted) return row;
    for (std::uint16_t row = 1; row < tables_->domains.max_entries(); ++row)
        if (!domains_.contains(row)) return row;
    return fail(ENOSPC, "all " + std::to_string(tables_->domains.max_entries() - 1) + " are used");
}

void Routing::serve_domains(const Document& wanted, const Segments& segments, Problems& problems) {
    for (const RoutingDomain& one : wanted.routing_domains) {
        const auto row = ensure(one.name);
        if (!problems.check(row, "routing domain " + one.name)) continue;
        domain value{};
        value.name_hash = name_hash(one.name);
        value.flags = DOMAIN_IN_USE;
        if (const auto now = domains_.find(*row); now != domains_.end()) {  // until serve_policy_routes()
            value.policy_routes = now->second.value.policy_routes;
            value.flags |= now->second.value.flags & DOMAIN_POLICY_ROUTES;
        }
        Scope scope{.row = *row};
        if (const SegmentState* transit = segments.find(transit_name(one)); transit && one.router_mac) {
            value.flags |= DOMAIN_SYMMETRIC;
            value.transit = scope.transit = static_cast<std::uint16_t>(transit->index);
            one.router_mac->copy_to(value.router_mac);
            for (const RouterRemote& router : routers_of(wanted, one)) scope.routers.insert(router.address);
        }
        Row<domain>& known = domains_[*row];
        known.wanted = true;
        scopes_[one.name] = std::move(scope);
        if (same(known.value, value)) continue;
        if (!problems.check(tables_->domains.put(*row, value), "routing domain " + one.name)) continue;
        known.value = value;
        ++writes_;
    }
}

// --- routes

Result<> Routing::put(const route_key& key, const route& row) {
    const auto [at, fresh] = routes_.try_emplace(key);
    at->second.wanted = true;
    if (!fresh && same(at->second.value, row)) return Ok{};
    const auto done = is_host(key) ? tables_->host_routes.put(key, row) : tables_->routes.put(key, row);
    if (!done) {
        if (fresh) routes_.erase(at);
        return done;
    }
    if (fresh && is_host(key)) ++host_routes_;
    at->second.value = row;
    ++writes_;
    return Ok{};
}

// Where the gateways are: their own addresses, and what is behind them. A link-local address is one of its segment
// alone.
void Routing::serve_connected(const Document& wanted, const Segments& segments, Problems& problems) {
    for (const Segment& segment : wanted.segments) {
        const auto scope = scopes_.find(segment.routing_domain);
        const SegmentState* state = segments.find(segment.name);
        if (scope == scopes_.end() || !state) continue;
        const auto index = static_cast<std::uint16_t>(state->index);
        for (const Prefix& address : segment.gateway.addresses) {
            const bool local = address.address.is_link_local();
            const auto domain = static_cast<std::uint16_t>(local ? ROUTE_SCOPE_SEGMENT | index : scope->second.row);
            const std::string what = "gateway " + address.text() + " of segment " + segment.name;
            problems.check(
                put(key_of(domain, host_prefix(address.address)), route_to(ROUTE_LOCAL, segment.owner, index)), what);
            if (local) continue;
            const Prefix network = address.network();
            scope->second.connected.push_back({network, index});
            problems.check(put(key_of(domain, network), route_to(ROUTE_CONNECTED, segment.owner, index)), what);
            if (!has_broadcast(network)) continue;
            for (const Ip& nobody : {network.address, network.last()})
                problems.check(put(key_of(domain, host_prefix(nobody)), route_to(ROUTE_BLACKHOLE, segment.owner)),
                               what);
        }
    }
}

// A remote's address is the remote, whatever addresses the tenant uses.
Result<std::uint32_t> Routing::path_of(const Ip& via, const Scope& scope) {
    if (scope.routers.contains(via)) return paths_.path({scope.transit, via});
    const Connected* best = nullptr;
    for (const Connected& one : scope.connected)
        if (one.network.contains(via) && (!best || one.network.length > best->network.length)) best = &one;
    if (!best) return fail(EHOSTUNREACH, via.text() + " is in no segment");
    return paths_.path({best->segment, via});
}

Result<route> Routing::row_of(const Route& route, const route_key& key, const Scope& scope) {
    if (route.action)
        return route_to(route.action == RouteAction::Blackhole ? ROUTE_BLACKHOLE : ROUTE_UNREACHABLE, route.owner);
    if (!route.leak.empty()) {
        const std::uint16_t to = row(route.leak);
        if (to == 0) return fail(ENOENT, "there is no routing domain " + route.leak);
        return route_to(ROUTE_LEAK, route.owner, to);
    }
    const auto known = routes_.find(key);
    return lead(route.via, route.owner, scope,
                known == routes_.end() ? Shares{} : paths_.shares_of(known->second.value));
}

// To next hops, among which flows were shared so before.
Result<route> Routing::lead(const std::vector<Ip>& via, Owner owner, const Scope& scope, const Shares& before) {
    std::vector<std::uint32_t> paths;
    for (const Ip& ip : via) {
        TRY(const std::uint32_t path, path_of(ip, scope));
        paths.push_back(path);
    }
    if (paths.empty()) return fail(EINVAL, "it leads nowhere");
    if (paths.size() == 1) return route_to(ROUTE_PATH, owner, paths.front());
    TRY(const std::uint32_t group, paths_.group(before, paths));
    return route_to(ROUTE_GROUP, owner, group);
}

void Routing::serve_routes(const Document& wanted, Problems& problems) {
    for (const RoutingDomain& domain : wanted.routing_domains) {
        const auto scope = scopes_.find(domain.name);
        if (scope == scopes_.end()) continue;
        for (const Route& route : domain.routes) {
            const std::string what = "route " + route.prefix.text() + " of routing domain " + domain.name;
            const route_key key = key_of(scope->second.row, route.prefix);
            const auto row = row_of(route, key, scope->second);
            if (problems.check(row, what)) problems.check(put(key, *row), what);
        }
    }
}

// --- policy routes

static_assert(int{RULE_PATH} == int{ROUTE_PATH} && int{RULE_GROUP} == int{ROUTE_GROUP}, "a policy route is one");

namespace {

std::string list_name(const RoutingDomain& domain) { return "routing domain " + domain.name; }

}  // namespace

// One whose packets may be of either family is for that of its next hops: nobody else can take them. A router of a
// symmetric domain takes both.
Result<RuleLine> Routing::line_of(const RoutingDomain& domain, std::size_t place, const Scope& scope) {
    const PolicyRoute& policy = domain.policy_routes[place];
    const auto known = rules_->held(list_name(domain), policy.priority);
    const Shares before = known ? paths_.shares_of({known->action, 0, known->target}) : Shares{};
    TRY(const route to, lead(policy.via, domain.owner, scope, before));
    RuleLine out{rank_of(policy.priority, place), policy.match, to.kind, 0, to.target};
    const Ip& via = policy.via.front();
    if (!out.match.source && !out.match.destination && !scope.routers.contains(via))
        out.match.destination = Prefix{via.is_v4() ? Ip::v4(0) : Ip{}, 0};
    return out;
}

Result<> Routing::switch_policy(const Scope& scope, std::uint16_t list) {
    Row<domain>& known = domains_[scope.row];
    domain value = known.value;
    value.policy_routes = list;
    value.flags &= static_cast<__u16>(~DOMAIN_POLICY_ROUTES);
    if (list) value.flags |= DOMAIN_POLICY_ROUTES;
    if (same(known.value, value)) return Ok{};
    TRY_OK(tables_->domains.put(scope.row, value));
    known.value = value;
    ++writes_;
    return Ok{};
}

void Routing::serve_policy_routes(const Document& wanted, Problems& problems) {
    for (const RoutingDomain& domain : wanted.routing_domains) {
        const auto scope = scopes_.find(domain.name);
        if (scope == scopes_.end()) continue;
        std::vector<RuleLine> lines;
        for (std::size_t i = 0; i < domain.policy_routes.size(); ++i) {
            auto line = line_of(domain, i, scope->second);
            if (problems.check(line, "policy route " + std::to_string(domain.policy_routes[i].priority) +
                                         " of routing domain " + domain.name))
                lines.push_back(std::move(*line));
        }
        const std::uint16_t list = rules_->want(list_name(domain), lines, false, problems);
        problems.check(switch_policy(scope->second, list), "policy routes of routing domain " + domain.name);
    }
}

// --- gateways

// What routes between hosts has no address of its own: errors and answers come from one that the domain has.
void Routing::serve_gateways(const Document& wanted, Segments& segments, Problems& problems) {
    for (const Segment& segment : wanted.segments) {
        const auto scope = scopes_.find(segment.routing_domain);
        const SegmentState* state = segments.find(segment.name);
        if (scope == scopes_.end() || !state) continue;
        gateway value = weft::row_of(segment, scope->second.row);
        if (state->index == scope->second.transit) {
            value.flags |= GATEWAY_TRANSIT;
            for (const Segment& other : wanted.segments)
                if (other.routing_domain == segment.routing_domain) take_addresses(value, other, false);
        }
        const std::string what = "gateway of segment " + segment.name;
        Row<gateway>& known = gateways_[state->index];
        known.wanted = true;
        if (!same(known.value, value)) {
            if (!problems.check(tables_->gateways.put(state->index, value), what)) continue;
            known.value = value;
            ++writes_;
        }
        problems.check(segments.open_gateway(state->index), what);
    }
}

// --- away with the rest, what names before what is named

Result<> Routing::erase(const route_key& key) {
    TRY(const bool there, is_host(key) ? tables_->host_routes.erase(key) : tables_->routes.erase(key));
    if (there) ++writes_;
    if (is_host(key)) --host_routes_;
    return Ok{};
}

void Routing::sweep(Problems& problems) {
    std::erase_if(gateways_, [&](const auto& entry) {
        if (entry.second.wanted) return false;
        ++writes_;
        return problems.check(tables_->gateways.put(entry.first, gateway{}), "sweep gateways");
    });
    std::erase_if(routes_, [&](const auto& entry) {
        return !entry.second.wanted && problems.check(erase(entry.first), "sweep routes");
    });
    paths_.sweep(problems);
    std::erase_if(domains_, [&](const auto& entry) {
        if (entry.second.wanted) return false;
        ++writes_;
        return problems.check(tables_->domains.put(entry.first, domain{}), "sweep routing domains");
    });
}

std::uint16_t Routing::row(const std::string& domain) const {
    const auto found = scopes_.find(domain);
    return found == scopes_.end() ? 0 : found->second.row;
}

}  // namespace weft

// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Routing as the programs see it: domains, gateways and routes of the document (`domains`, `gateways`, `routes`,
// `host_routes`; Paths has the next hops, RuleLists the policy routes). Keeps what the kernel holds beside what is
// wanted and writes only the difference, what is named before what names it; only then a segment's gateway takes
// packets (SEGMENT_GATEWAY).
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "entries.hpp"
#include "model.hpp"
#include "paths.hpp"
#include "problems.hpp"
#include "result.hpp"
#include "rule_lists.hpp"
#include "segments.hpp"
#include "tables.hpp"

namespace weft {

// Of a prefix in a domain; of one address in host_routes.
route_key key_of(std::uint16_t domain, const Prefix& prefix);

class Routing {
public:
    Routing(Tables& tables, RuleLists& rules) : tables_(&tables), rules_(&rules), paths_(tables) {}

    Result<> adopt();
    // Call after Segments::prepare, with the same document (with_transits).
    void serve(const Document& wanted, Segments& segments, Problems& problems);
    // Takes away what is not wanted. Call before Segments::sweep, which gives indices free.
    void sweep(Problems& problems);

    std::uint16_t row(const std::string& domain) const;  // 0: there is none
    std::size_t prefixes() const { return routes_.size() - host_routes_; }
    std::size_t host_routes() const { return host_routes_; }
    std::uint64_t writes() const { return writes_ + paths_.writes(); }

private:
    // A prefix that leads to a segment.
    struct Connected {
        Prefix network;
        std::uint16_t segment;
    };
    struct Scope {
        std::uint16_t row = 0, transit = 0;
        std::vector<Connected> connected;
        std::set<Ip> routers;  // VTEPs that may be next hops
    };
    template <typename Value>
    struct Row {
        Value value{};  // as the kernel holds it
        bool wanted = false;
    };

    Result<std::uint16_t> ensure(const std::string& name);
    void serve_domains(const Document& wanted, const Segments& segments, Problems& problems);
    void serve_connected(const Document& wanted, const Segments& segments, Problems& problems);
    void serve_routes(const Document& wanted, Problems& problems);
    void serve_policy_routes(const Document& wanted, Problems& problems);
    Result<RuleLine> line_of(const RoutingDomain& domain, std::size_t place, const Scope& scope);
    Result<> switch_policy(const Scope& scope, std::uint16_t list);
    void serve_gateways(const Document& wanted, Segments& segments, Problems& problems);
    Result<route> row_of(const Route& route, const route_key& key, const Scope& scope);
    Result<::route> lead(const std::vector<Ip>& via, Owner owner, const Scope& scope, const Shares& before);
    Result<std::uint32_t> path_of(const Ip& via, const Scope& scope);
    Result<> put(const route_key& key, const route& row);
    Result<> erase(const route_key& key);

    Tables* tables_;
    RuleLists* rules_;
    Paths paths_;
    std::map<std::uint16_t, Row<domain>> domains_;
    std::map<std::uint32_t, Row<gateway>> gateways_;     // by segment index
    std::map<route_key, Row<route>, BytesLess> routes_;  // of both tables
    std::map<std::string, Scope> scopes_;                // by domain's name, of what is wanted
    std::size_t host_routes_ = 0;
    std::uint64_t writes_ = 0;
};

}  // namespace weft

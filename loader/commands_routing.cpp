// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Routing domains and their routes. A route is in a domain as a remote is in a segment: it has an owner of its own.
#include "object_commands.hpp"
#include "view.hpp"

namespace weft::commands {

using nlohmann::json;

namespace {

auto find_route(RoutingDomain& domain, const Prefix& prefix) {
    return std::ranges::find(domain.routes, prefix, &Route::prefix);
}

struct RoutingDomainKind : KindDefaults {
    using Object = RoutingDomain;
    static constexpr const char* noun = "routing domain";
    static constexpr const char* section = "routing_domains";
    static constexpr auto list = &Document::routing_domains;
    static const std::string& name(const RoutingDomain& domain) { return domain.name; }
    static Result<std::string> named(const json& arguments) { return text_of(arguments, "name"); }
    static json view(Engine& engine, const RoutingDomain& domain) { return routing_domain_view(engine, domain); }

    static void keep(RoutingDomain& now, const RoutingDomain& old, const json&) { now.routes = old.routes; }

    // Its routes go with it; who is in it, or leaks to it, must be told first.
    static Result<> may_go(Document& next, const std::string& name) {
        for (const Segment& segment : next.segments)
            if (segment.routing_domain == name)
                return fail(EBUSY, "routing domain " + name + " has segment " + segment.name);
        for (const RoutingDomain& domain : next.routing_domains)
            for (const Route& route : domain.routes)
                if (route.leak == name)
                    return fail(EBUSY,
                                "routing domain " + domain.name + " leaks " + route.prefix.text() + " to " + name);
        return Ok{};
    }
};

struct RouteName {
    std::string domain;
    Prefix prefix;
    std::string text() const { return prefix.text() + " of routing domain " + domain; }
};

Result<Prefix> prefix_of(const json& arguments) {
    TRY(const std::string text, text_of(arguments, "prefix"));
    const auto prefix = Prefix::parse(text);
    if (!prefix) return fail(EINVAL, "\"" + text + "\" is no prefix");
    return *prefix;
}

Result<RouteName> route_name(const json& arguments) {
    RouteName out;
    TRY(out.domain, text_of(arguments, "routing_domain"));
    TRY(out.prefix, prefix_of(arguments));
    return out;
}

// The route that the arguments are in the form of the document, judged by the same schema.
Result<Route> route_of(json arguments, Owner owner) {
    arguments.erase("routing_domain");
    const json domain = {{"name", "of_the_command"}, {"routes", json::array({std::move(arguments)})}};
    Parsed parsed = parse_object("routing_domains", domain, owner);
    constexpr std::string_view WHERE = "/routes/0";
    for (Complaint& one : parsed.complaints)
        if (one.path.starts_with(WHERE)) one.path.erase(0, WHERE.size());
    if (!parsed.complaints.empty()) return fail(EINVAL, text(parsed.complaints));
    return std::move(parsed.document.routing_domains.front().routes.front());
}

Result<RoutingDomain*> domain_in(Document& document, const std::string& name) {
    const auto found = find<RoutingDomainKind>(document, name);
    if (found == document.routing_domains.end()) return tl::make_unexpected(none<RoutingDomainKind>(name));
    return &*found;
}

bool matches(const json& row, const json& filters) {
    return std::ranges::all_of(filters.items(),
                               [&](const auto& wanted) { return row.at(wanted.key()) == wanted.value(); });
}

}  // namespace

Answer routing_domain_list(Engine& engine, const Request& request) {
    return list_objects<RoutingDomainKind>(engine, request);
}
Answer routing_domain_show(Engine& engine, const Request& request) {
    return show_object<RoutingDomainKind>(engine, request);
}
Answer routing_domain_add(Engine& engine, const Request& request) {
    return add_object<RoutingDomainKind>(engine, request);
}
Answer routing_domain_set(Engine& engine, const Request& request) {
    return set_object<RoutingDomainKind>(engine, request);
}
Answer routing_domain_del(Engine& engine, const Request& request) {
    return del_object<RoutingDomainKind>(engine, request);
}

Answer route_list(Engine& engine, const Request& request) {
    json filters = request.arguments;
    if (filters.contains("prefix")) {
        TRY(const Prefix prefix, prefix_of(filters));
        filters["prefix"] = prefix.text();
    }
    json out = json::array();
    for (const RoutingDomain& domain : engine.wanted().routing_domains)
        for (json& row : routes_view(engine.wanted(), domain))
            if (matches(row, filters)) out.push_back(std::move(row));
    return out.dump();
}

Answer route_show(Engine& engine, const Request& request) {
    TRY(const RouteName name, route_name(request.arguments));
    Document wanted = engine.wanted();
    TRY(const RoutingDomain* domain, domain_in(wanted, name.domain));
    for (const json& row : routes_view(wanted, *domain))
        if (row["prefix"] == name.prefix.text()) return row.dump();
    return fail(ENOENT, "no route " + name.text());
}

Answer route_add(Engine& engine, const Request& request) {
    TRY(const RouteName name, route_name(request.arguments));
    Document next = engine.wanted();
    TRY(RoutingDomain * domain, domain_in(next, name.domain));
    TRY(Route route, route_of(request.arguments, ORIGIN_CLI));
    const auto found = find_route(*domain, name.prefix);
    if (found == domain->routes.end()) {
        domain->routes.push_back(std::move(route));
        return changed(engine, std::move(next));
    }
    if (same(std::move(route), *found)) return "null";
    return fail(EEXIST, "route " + name.text() + " is there already, and different: use set");
}

// The whole of a route but its prefix is where it leads, so nothing of the old one is kept. Its owner stays.
Answer route_set(Engine& engine, const Request& request) {
    TRY(const RouteName name, route_name(request.arguments));
    Document next = engine.wanted();
    TRY(RoutingDomain * domain, domain_in(next, name.domain));
    const auto found = find_route(*domain, name.prefix);
    if (found == domain->routes.end()) return fail(ENOENT, "no route " + name.text());
    TRY(*found, route_of(request.arguments, found->owner));
    return changed(engine, std::move(next));
}

Answer route_del(Engine& engine, const Request& request) {
    TRY(const RouteName name, route_name(request.arguments));
    Document next = engine.wanted();
    TRY(RoutingDomain * domain, domain_in(next, name.domain));
    const auto found = find_route(*domain, name.prefix);
    if (found == domain->routes.end()) return fail(ENOENT, "no route " + name.text());
    domain->routes.erase(found);
    return changed(engine, std::move(next));
}

}  // namespace weft::commands

// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include "objects.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <map>
#include <nlohmann/json.hpp>

#include "map.hpp"

namespace weft {

std::string bridge_key(const Bridge& bridge) {
    return bridge.segment + " " + BridgeName{bridge.interface, bridge.vlan}.text();
}

namespace {

const std::string& key(const Uplink& uplink) { return uplink.interface; }
const std::string& key(const Segment& segment) { return segment.name; }
const std::string& key(const Port& port) { return port.interface; }
const std::string& key(const Switch& one) { return one.name; }
const std::string& key(const PortGroup& group) { return group.name; }
std::string key(const Bridge& bridge) { return bridge_key(bridge); }
const std::string& key(const RoutingDomain& domain) { return domain.name; }
const std::string& key(const Acl& acl) { return acl.name; }
std::string key(const FdbRecord& record) { return record.segment + " " + record.mac.text(); }
std::string key(const NeighborRecord& record) { return record.segment + " " + record.ip.text(); }
std::string key(const TenantRecord& record) { return std::to_string(record.vsid) + " " + record.ca.text(); }

struct NamedRoute {
    std::string domain;
    Route route;
    bool operator==(const NamedRoute&) const = default;
};
std::string key(const NamedRoute& named) { return named.domain + " " + named.route.prefix.text(); }

template <typename T>
bool holds(const std::vector<T>& objects, const std::string& wanted) {
    return std::any_of(objects.begin(), objects.end(), [&](const T& one) { return key(one) == wanted; });
}

Segment* find_segment(Document& document, const std::string& name) {
    for (Segment& segment : document.segments)
        if (segment.name == name) return &segment;
    return nullptr;
}

void add_remote(Segment& segment, const Ip& address) {
    const bool there = std::any_of(segment.remotes.begin(), segment.remotes.end(),
                                   [&](const Remote& remote) { return remote.address == address; });
    if (!there) segment.remotes.push_back({address, ORIGIN_CLI});
}

template <typename T>
void add_missing(std::vector<T>& to, const std::vector<T>& from) {
    for (const T& object : from)
        if (!holds(to, key(object))) to.push_back(object);
}

// A segment of the CLI that the document took over keeps the remotes the CLI gave it.
void add_remotes(Document& document, const CliObjects& cli) {
    for (const auto& [name, address] : cli.remotes)
        if (Segment* segment = find_segment(document, name)) add_remote(*segment, address);
    for (const Segment& from : cli.document.segments)
        if (Segment* segment = find_segment(document, from.name))
            for (const Remote& remote : from.remotes) add_remote(*segment, remote.address);
}

std::vector<RoutingDomain> without_routes(std::vector<RoutingDomain> domains) {
    for (RoutingDomain& domain : domains) domain.routes.clear();
    return domains;
}

std::vector<NamedRoute> routes_of(const std::vector<RoutingDomain>& domains) {
    std::vector<NamedRoute> out;
    for (const RoutingDomain& domain : domains)
        for (const Route& route : domain.routes) out.push_back({domain.name, route});
    return out;
}

std::vector<NamedRoute> routes_of(const CliObjects& cli) {
    std::vector<NamedRoute> out = routes_of(cli.document.routing_domains);
    for (const auto& [domain, route] : cli.routes) out.push_back({domain, route});
    return out;
}

// A route to a prefix that the document routes is the document's.
void add_route(Document& document, const NamedRoute& named) {
    const auto domain = std::ranges::find(document.routing_domains, named.domain, &RoutingDomain::name);
    if (domain == document.routing_domains.end()) return;
    if (std::ranges::find(domain->routes, named.route.prefix, &Route::prefix) == domain->routes.end())
        domain->routes.push_back(named.route);
}

template <typename T>
void compare(std::vector<ObjectChange>& changes, const char* what, const std::vector<T>& before,
             const std::vector<T>& after) {
    std::map<std::string, const T*> old;
    for (const T& object : before) old[key(object)] = &object;
    for (const T& object : after) {
        const auto found = old.find(key(object));
        if (found == old.end())
            changes.push_back({"add", what, key(object)});
        else if (!(*found->second == object))
            changes.push_back({"change", what, key(object)});
        if (found != old.end()) old.erase(found);
    }
    for (const auto& [name, object] : old) changes.push_back({"delete", what, name});
}

// A role that a command set holds as long as the bridge is given the same one as then.
void set_roles(Document& document, const CliObjects& cli) {
    for (Bridge& bridge : document.bridges)
        for (const RoleChoice& choice : cli.roles)
            if (choice.bridge == bridge_key(bridge) && choice.given == bridge.role) bridge.set_role = choice.role;
}

// Adds one object and keeps the result only if it fits.
template <typename Add>
void try_one(Document& document, const std::string& name, std::vector<std::string>& warnings, Add&& add) {
    Document candidate = document;
    add(candidate);
    complete(candidate);
    const auto complaints = check(candidate);
    if (complaints.empty())
        document = std::move(candidate);
    else
        warnings.push_back(name +
                           " of the CLI does not fit the configuration and is left out: " + complaints.front().what);
}

template <typename T>
Result<> load_section(const nlohmann::json& file, const char* section, std::vector<T> Document::*member,
                      Document& into) {
    if (!file.contains(section)) return Ok{};
    for (const auto& object : file.at(section)) {
        auto parsed = parse_object(section, object, ORIGIN_CLI);
        if (!parsed.complaints.empty()) return fail(EINVAL, text(parsed.complaints));
        for (T& one : parsed.document.*member) (into.*member).push_back(std::move(one));
    }
    return Ok{};
}

Result<BridgeRole> role_of(const std::string& text) {
    for (const BridgeRole role : {BridgeRole::Designated, BridgeRole::Standby, BridgeRole::Elected})
        if (text == name(role)) return role;
    return fail(EINVAL, "\"" + text + "\" is no role of a bridge");
}

Result<std::vector<RoleChoice>> load_roles(const nlohmann::json& file) {
    std::vector<RoleChoice> out;
    for (const auto& one : file.value("roles", nlohmann::json::array())) {
        TRY(const BridgeRole given, role_of(one.at("given").get<std::string>()));
        TRY(const BridgeRole role, role_of(one.at("role").get<std::string>()));
        out.push_back({one.at("bridge").get<std::string>(), given, role});
    }
    return out;
}

nlohmann::json roles_json(const std::vector<RoleChoice>& roles) {
    auto out = nlohmann::json::array();
    for (const RoleChoice& one : roles)
        out.push_back({{"bridge", one.bridge}, {"given", name(one.given)}, {"role", name(one.role)}});
    return out;
}

Result<std::vector<std::pair<std::string, Route>>> load_routes(const nlohmann::json& file) {
    std::vector<std::pair<std::string, Route>> out;
    for (const auto& one : file.value("routes", nlohmann::json::array())) {
        const nlohmann::json domain = {{"name", one.at("routing_domain")},
                                       {"routes", nlohmann::json::array({one.at("route")})}};
        auto parsed = parse_object("routing_domains", domain, ORIGIN_CLI);
        if (!parsed.complaints.empty()) return fail(EINVAL, text(parsed.complaints));
        RoutingDomain& read = parsed.document.routing_domains.front();
        out.emplace_back(read.name, std::move(read.routes.front()));
    }
    return out;
}

nlohmann::json routes_json(const std::vector<std::pair<std::string, Route>>& routes) {
    auto out = nlohmann::json::array();
    for (const auto& [domain, route] : routes) out.push_back({{"routing_domain", domain}, {"route", to_json(route)}});
    return out;
}

Result<CliObjects> from_json(const nlohmann::json& file) {
    CliObjects objects;
    TRY_OK(load_section(file, "uplinks", &Document::uplinks, objects.document));
    TRY_OK(load_section(file, "segments", &Document::segments, objects.document));
    TRY_OK(load_section(file, "switches", &Document::switches, objects.document));
    TRY_OK(load_section(file, "port_groups", &Document::port_groups, objects.document));
    TRY_OK(load_section(file, "ports", &Document::ports, objects.document));
    TRY_OK(load_section(file, "bridges", &Document::bridges, objects.document));
    TRY_OK(load_section(file, "routing_domains", &Document::routing_domains, objects.document));
    TRY_OK(load_section(file, "acls", &Document::acls, objects.document));
    TRY(objects.routes, load_routes(file));
    TRY(objects.roles, load_roles(file));
    for (const auto& remote : file.value("remotes", nlohmann::json::array())) {
        const auto address = Ip::parse(remote.at("address").get<std::string>());
        if (!address) return fail(EINVAL, "a remote's address is none");
        objects.remotes.emplace_back(remote.at("segment").get<std::string>(), *address);
    }
    for (const auto& entry : file.value("waiting", nlohmann::json::array())) {
        const auto mac = Mac::parse(entry.at("mac").get<std::string>());
        if (!mac) return fail(EINVAL, "the MAC of a waiting entry is none");
        const bool evpn = entry.at("origin").get<std::string>() == name(ORIGIN_EVPN);
        objects.waiting.push_back({entry.at("segment").get<std::string>(), *mac, entry.at("port").get<std::string>(),
                                   evpn ? ORIGIN_EVPN : ORIGIN_CLI});
    }
    return objects;
}

}  // namespace

CliObjects cli_part(const Document& all) {
    CliObjects cli;
    const auto own = [](const auto& object) { return object.owner == ORIGIN_CLI; };
    std::copy_if(all.uplinks.begin(), all.uplinks.end(), std::back_inserter(cli.document.uplinks), own);
    std::copy_if(all.segments.begin(), all.segments.end(), std::back_inserter(cli.document.segments), own);
    std::copy_if(all.switches.begin(), all.switches.end(), std::back_inserter(cli.document.switches), own);
    std::copy_if(all.port_groups.begin(), all.port_groups.end(), std::back_inserter(cli.document.port_groups), own);
    std::copy_if(all.ports.begin(), all.ports.end(), std::back_inserter(cli.document.ports), own);
    std::copy_if(all.bridges.begin(), all.bridges.end(), std::back_inserter(cli.document.bridges), own);
    std::copy_if(all.acls.begin(), all.acls.end(), std::back_inserter(cli.document.acls), own);
    for (const RoutingDomain& domain : all.routing_domains) {
        if (own(domain)) cli.document.routing_domains.push_back(domain);
        for (const Route& route : domain.routes)
            if (!own(domain) && own(route)) cli.routes.emplace_back(domain.name, route);
    }
    for (const Bridge& bridge : all.bridges)
        if (bridge.set_role) cli.roles.push_back({bridge_key(bridge), bridge.role, *bridge.set_role});
    for (const Segment& segment : all.segments) {
        if (own(segment)) continue;
        for (const Remote& remote : segment.remotes)
            if (own(remote)) cli.remotes.emplace_back(segment.name, remote.address);
    }
    return cli;
}

Document merged(Document config, const CliObjects& cli) {
    add_missing(config.uplinks, cli.document.uplinks);
    add_missing(config.segments, cli.document.segments);
    add_missing(config.switches, cli.document.switches);
    add_missing(config.port_groups, cli.document.port_groups);
    add_missing(config.ports, cli.document.ports);
    add_missing(config.bridges, cli.document.bridges);
    add_missing(config.acls, cli.document.acls);
    add_missing(config.routing_domains, without_routes(cli.document.routing_domains));
    add_remotes(config, cli);
    for (const NamedRoute& named : routes_of(cli)) add_route(config, named);
    return with_roles(std::move(config), cli);
}

Document with_roles(Document config, const CliObjects& cli) {
    set_roles(config, cli);
    complete(config);
    return config;
}

Document merged_leniently(Document config, const CliObjects& cli, std::vector<std::string>& warnings) {
    Document whole = merged(config, cli);
    if (check(whole).empty()) return whole;
    Document bare = cli.document;  // routes lead through segments: they come after them
    bare.routing_domains = without_routes(std::move(bare.routing_domains));
    const auto try_list = [&](const char* what, auto Document::*list) {
        for (const auto& object : bare.*list)
            if (!holds(config.*list, key(object)))
                try_one(config, what + (" " + key(object)), warnings,
                        [&](Document& d) { (d.*list).push_back(object); });
    };
    try_list("uplink", &Document::uplinks);
    try_list("acl", &Document::acls);
    try_list("routing domain", &Document::routing_domains);
    try_list("segment", &Document::segments);
    try_list("switch", &Document::switches);
    try_list("port group", &Document::port_groups);
    try_list("port", &Document::ports);
    try_list("bridge", &Document::bridges);
    for (const auto& [name, address] : cli.remotes)
        if (find_segment(config, name))
            try_one(config, "remote " + address.text(), warnings, [&, &name = name, &address = address](Document& d) {
                add_remote(*find_segment(d, name), address);
            });
    for (const NamedRoute& named : routes_of(cli))
        try_one(config, "route " + key(named), warnings, [&](Document& d) { add_route(d, named); });
    for (const RoleChoice& choice : cli.roles)
        try_one(config, "role of bridge " + choice.bridge, warnings, [&](Document& d) {
            CliObjects alone;
            alone.roles = {choice};
            set_roles(d, alone);
        });
    return config;
}

std::vector<ObjectChange> difference(const Document& before, const Document& after) {
    std::vector<ObjectChange> changes;
    if (before.vtep.has_value() != after.vtep.has_value())
        changes.push_back({after.vtep ? "add" : "delete", "vtep", (after.vtep ? after : before).vtep->address.text()});
    else if (before.vtep != after.vtep)
        changes.push_back({"change", "vtep", after.vtep->address.text()});
    if (!(before.limits == after.limits)) changes.push_back({"change", "limits", ""});
    compare(changes, "uplink", before.uplinks, after.uplinks);
    compare(changes, "segment", before.segments, after.segments);
    compare(changes, "switch", before.switches, after.switches);
    compare(changes, "port-group", before.port_groups, after.port_groups);
    compare(changes, "port", before.ports, after.ports);
    compare(changes, "bridge", before.bridges, after.bridges);
    compare(changes, "routing-domain", without_routes(before.routing_domains), without_routes(after.routing_domains));
    compare(changes, "acl", before.acls, after.acls);
    compare(changes, "route", routes_of(before.routing_domains), routes_of(after.routing_domains));
    compare(changes, "fdb", before.fdb, after.fdb);
    compare(changes, "neighbor", before.neighbors, after.neighbors);
    if (before.records != after.records) compare(changes, "record", before.records, after.records);
    return changes;
}

nlohmann::json to_json(const std::vector<ObjectChange>& changes) {
    auto out = nlohmann::json::array();
    for (const ObjectChange& change : changes)
        out.push_back({{"action", change.action}, {"object", change.object}, {"name", change.name}});
    return out;
}

Result<CliObjects> load_objects(const std::string& path) {
    std::ifstream file(path);
    if (!file) {
        if (errno == ENOENT) return CliObjects{};
        return fail_errno("open " + path);
    }
    try {
        auto objects = from_json(nlohmann::json::parse(file));
        if (!objects) return fail(objects.error(), path);
        return objects;
    } catch (const nlohmann::json::exception& error) {
        return fail(EINVAL, path + ": " + error.what());
    }
}

Result<> save_objects(const std::string& path, const CliObjects& objects) {
    nlohmann::json file = to_json(objects.document, ORIGIN_CLI);
    file["remotes"] = nlohmann::json::array();
    for (const auto& [segment, address] : objects.remotes)
        file["remotes"].push_back({{"segment", segment}, {"address", address.text()}});
    file["waiting"] = nlohmann::json::array();
    for (const WaitingEntry& entry : objects.waiting)
        file["waiting"].push_back({{"segment", entry.segment},
                                   {"mac", entry.mac.text()},
                                   {"port", entry.port},
                                   {"origin", name(entry.origin)}});
    file["routes"] = routes_json(objects.routes);
    file["roles"] = roles_json(objects.roles);
    const std::string text = file.dump(2) + "\n", next = path + ".new";

    Fd fd(::open(next.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640));
    if (!fd) return fail_errno("create " + next);
    if (::write(fd.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size()) || ::fsync(fd.get()) != 0)
        return fail_errno("write " + next);
    if (::rename(next.c_str(), path.c_str()) != 0) return fail_errno("rename " + next);
    return Ok{};
}

}  // namespace weft

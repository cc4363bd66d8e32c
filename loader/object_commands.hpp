// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// list, show, add, set and del of the document's objects, the same for every kind. A change is made to a copy of what
// is wanted, which is checked as a whole document would be; complaints come back and nothing is changed then.
//
// A Kind says what differs: Object, `noun`, `section` and `list` of the document, name() of an object, named() by a
// request's arguments, view(), and where it has something to say before(), over() and may_go() of KindDefaults.
#pragma once

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>

#include "commands.hpp"
#include "flat.hpp"

namespace weft::commands {

struct KindDefaults {
    // Of `set`: makes room in the object's JSON for the keys that are given.
    static void before(nlohmann::json& /*object*/, const nlohmann::json& /*given*/) {}
    // Of `set`: what the new object keeps of the old one.
    template <typename Object>
    static void keep(Object& /*now*/, const Object& /*old*/, const nlohmann::json& /*given*/) {}
    // Of `del`: what must go first, and what goes with it. `next` is without the object.
    static Result<> may_go(Document& /*next*/, const std::string& /*name*/) { return Ok{}; }
};

template <typename Kind>
auto find(Document& document, const std::string& name) {
    auto& list = document.*Kind::list;
    return std::find_if(list.begin(), list.end(), [&](const auto& object) { return Kind::name(object) == name; });
}

template <typename Kind>
Error none(const std::string& name) {
    return {ENOENT, std::string("no ") + Kind::noun + " " + name};
}

template <typename Kind>
Result<typename Kind::Object> parse(const nlohmann::json& object, Owner owner) {
    Parsed parsed = parse_object(Kind::section, object, owner);
    if (!parsed.complaints.empty()) return fail(EINVAL, text(parsed.complaints));
    return std::move((parsed.document.*Kind::list).front());
}

inline Answer changed(Engine& engine, Document next) {
    TRY(const Applied applied, engine.change(std::move(next)));
    return applied_text(applied);
}

// The arguments are filters, all of which must hold.
template <typename Kind>
Answer list_objects(Engine& engine, const Request& request) {
    nlohmann::json out = nlohmann::json::array();
    for (const auto& object : engine.wanted().*Kind::list) {
        nlohmann::json view = Kind::view(engine, object);
        const bool taken = std::ranges::all_of(request.arguments.items(), [&](const auto& wanted) {
            const auto at = view.find(wanted.key());
            return at != view.end() && *at == wanted.value();
        });
        if (taken) out.push_back(std::move(view));
    }
    return out.dump();
}

template <typename Kind>
Answer show_object(Engine& engine, const Request& request) {
    TRY(const std::string name, Kind::named(request.arguments));
    for (const auto& object : engine.wanted().*Kind::list)
        if (Kind::name(object) == name) return Kind::view(engine, object).dump();
    return tl::make_unexpected(none<Kind>(name));
}

// The same object but for who owns it, and for what a command said over it since.
template <typename T>
bool same(T a, const T& b) {
    a.owner = b.owner;
    if constexpr (std::is_same_v<T, Segment>) {
        if (a.remotes.size() != b.remotes.size()) return false;
        for (std::size_t i = 0; i < a.remotes.size(); ++i) a.remotes[i].owner = b.remotes[i].owner;
    }
    if constexpr (std::is_same_v<T, RoutingDomain>) {  // whose routes are not said here
        a.routes = b.routes;
        a.policy_routes = b.policy_routes;
    }
    if constexpr (std::is_same_v<T, Bridge>) a.set_role = b.set_role;
    return a == b;
}

template <typename Kind>
Answer add_object(Engine& engine, const Request& request) {
    nlohmann::json object = nlohmann::json::object();
    object.merge_patch(unflattened(Kind::section, request.arguments));
    TRY(const std::string name, Kind::named(request.arguments));
    TRY(auto parsed, parse<Kind>(object, ORIGIN_CLI));
    Document next = engine.wanted();
    auto& list = next.*Kind::list;
    list.push_back(std::move(parsed));
    complete(next);
    const auto found = find<Kind>(next, name);
    if (found + 1 == list.end()) return changed(engine, std::move(next));
    if (same(list.back(), *found)) return "null";
    return fail(EEXIST, std::string(Kind::noun) + " " + name + " is there already, and different: use set");
}

// The object in the form of the document, with the keys that were given over it. Its owner stays.
template <typename Kind>
Answer set_object(Engine& engine, const Request& request) {
    TRY(const std::string name, Kind::named(request.arguments));
    Document next = engine.wanted();
    const auto found = find<Kind>(next, name);
    if (found == (next.*Kind::list).end()) return tl::make_unexpected(none<Kind>(name));
    const nlohmann::json given = unflattened(Kind::section, request.arguments);
    nlohmann::json object = to_json(*found);
    Kind::before(object, given);
    object.merge_patch(given);
    TRY(auto parsed, parse<Kind>(object, found->owner));
    Kind::keep(parsed, *found, given);
    *found = std::move(parsed);
    return changed(engine, std::move(next));
}

template <typename Kind>
Answer del_object(Engine& engine, const Request& request) {
    TRY(const std::string name, Kind::named(request.arguments));
    Document next = engine.wanted();
    const auto found = find<Kind>(next, name);
    if (found == (next.*Kind::list).end()) return tl::make_unexpected(none<Kind>(name));
    (next.*Kind::list).erase(found);
    TRY_OK(Kind::may_go(next, name));
    return changed(engine, std::move(next));
}

}  // namespace weft::commands

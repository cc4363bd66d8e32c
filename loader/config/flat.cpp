// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include "flat.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>

#include "schema.hpp"

namespace weft {

namespace {

using nlohmann::json;

const Rule* property(const Rule& rule, std::string_view key) {
    const auto at = std::ranges::find(rule.properties, key, &std::pair<std::string, const Rule*>::first);
    return at == rule.properties.end() ? nullptr : at->second;
}

// "02:00:00:00:00:05=198.51.100.5+2001:db8::5"
json binding(const std::string& text) {
    const auto equals = std::min(text.find('='), text.size());
    json out = {{"mac", text.substr(0, equals)}};
    for (auto at = equals; at < text.size();) {
        const auto end = std::min(text.find('+', at + 1), text.size());
        out["ips"].push_back(text.substr(at + 1, end - at - 1));
        at = end;
    }
    return out;
}

// "192.0.2.2=02:00:5e:00:00:02"
json router(const std::string& text) {
    const auto equals = text.find('=');
    if (equals == text.npos) return text;
    return {{"address", text.substr(0, equals)}, {"router_mac", text.substr(equals + 1)}};
}

// "priority=100+action=allow+direction=to_port+protocol=tcp+destination_ports=443+stateful"
json access_rule(const Rule& rule, const std::string& text) {
    json out = json::object();
    for (std::size_t at = 0; at <= text.size();) {
        const auto end = std::min(text.find('+', at), text.size());
        const std::string word = text.substr(at, end - at);
        const auto equals = std::min(word.find('='), word.size());
        const std::string key = word.substr(0, equals),
                          value = equals == word.size() ? "true" : word.substr(equals + 1);
        const Rule* found = property(rule, key);
        const json number = json::parse(value, nullptr, false);
        const bool plain = found && found->type == "string" && found->any_of.empty();
        out[key] = !plain && !number.is_discarded() ? number : json(value);
        at = end + 1;
    }
    return out;
}

json value_of(const Rule& rule, const Rule& parent, const std::string& key, const json& value) {
    const bool needed = std::ranges::find(parent.required, key) != parent.required.end();
    if (!needed && !rule.has_default && (value == "none" || value == json{"none"})) return nullptr;
    // Elements that are objects in the document.
    const bool bindings = key == "bind", rules = key == "rules";
    const bool routers = key == "remotes" && rule.items && !rule.items->any_of.empty();
    if ((!bindings && !routers && !rules) || !value.is_array()) return value;
    json out = json::array();
    for (const json& one : value) {
        if (!one.is_string())
            out.push_back(one);
        else if (rules)
            out.push_back(access_rule(*rule.items, one.get<std::string>()));
        else
            out.push_back(bindings ? binding(one.get<std::string>()) : router(one.get<std::string>()));
    }
    return out;
}

// False: the rule has no such key, at no depth.
bool place(json& object, const Rule& rule, const std::string& key, const json& value) {
    if (const Rule* found = property(rule, key)) {
        object[key] = value_of(*found, rule, key, value);
        return true;
    }
    return std::ranges::any_of(rule.properties, [&](const auto& part) {
        const auto& [name, below] = part;
        if (below->type != "object" || !key.starts_with(name + "_")) return false;
        json inner = object.contains(name) && object[name].is_object() ? object[name] : json::object();
        if (!place(inner, *below, key.substr(name.size() + 1), value)) return false;
        object[name] = std::move(inner);
        return true;
    });
}

const Rule* rule_below(const Rule& rule, std::string_view key) {
    if (const Rule* found = property(rule, key)) return found;
    for (const auto& [name, below] : rule.properties)
        if (below->type == "object" && key.starts_with(name + "_"))
            if (const Rule* found = rule_below(*below, key.substr(name.size() + 1))) return found;
    return nullptr;
}

}  // namespace

const Rule* flat_rule(std::string_view section, std::string_view key) {
    const Rule* rule = item_rule(section);
    return rule ? rule_below(*rule, key) : nullptr;
}

json unflattened(std::string_view section, const json& flat) {
    const Rule* rule = item_rule(section);
    if (!rule || !flat.is_object()) return flat;
    json out = json::object();
    for (const auto& [key, value] : flat.items())
        if (!place(out, *rule, key, value)) out[key] = value;
    return out;
}

}  // namespace weft

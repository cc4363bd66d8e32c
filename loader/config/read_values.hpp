// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// How read*.cpp take values out of JSON: what is absent, of the wrong type or out of range leaves the default, for it
// has a complaint of form already. Not for others.
#pragma once

#include <concepts>
#include <initializer_list>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config.hpp"

namespace weft::reading {

using nlohmann::json;

inline const json* member(const json& object, const char* key) {
    if (!object.is_object()) return nullptr;
    const auto at = object.find(key);
    return at == object.end() ? nullptr : &*at;
}

inline void take(const json& object, const char* key, bool& out) {
    if (const json* at = member(object, key); at && at->is_boolean()) out = at->get<bool>();
}

inline void take(const json& object, const char* key, std::optional<bool>& out) {
    if (const json* at = member(object, key); at && at->is_boolean()) out = at->get<bool>();
}

inline void take(const json& object, const char* key, std::string& out) {
    if (const json* at = member(object, key); at && at->is_string()) out = at->get<std::string>();
}

template <std::unsigned_integral T>
bool take_number(const json* at, T& out) {
    if (!at || !at->is_number()) return false;
    const auto number = at->get<double>();
    if (!(number >= 0 && number <= static_cast<double>(std::numeric_limits<T>::max()))) return false;
    out = static_cast<T>(number);
    return true;
}

template <std::unsigned_integral T>
void take(const json& object, const char* key, T& out) {
    take_number(member(object, key), out);
}

template <std::unsigned_integral T>
void take(const json& object, const char* key, std::optional<T>& out) {
    if (T value{}; take_number(member(object, key), value)) out = value;
}

// Ip, Mac and Prefix: what does not parse has a complaint of form already.
template <typename T>
std::optional<T> parsed(const json* at) {
    return at && at->is_string() ? T::parse(at->get_ref<const std::string&>()) : std::nullopt;
}

template <typename T>
requires requires { T::parse(""); }
void take(const json& object, const char* key, T& out) {
    if (const auto value = parsed<T>(member(object, key))) out = *value;
}

template <typename T>
requires requires { T::parse(""); }
void take(const json& object, const char* key, std::optional<T>& out) { out = parsed<T>(member(object, key)); }

inline bool is(const json& object, const char* key, std::string_view value) {
    const json* at = member(object, key);
    return at && at->is_string() && at->get_ref<const std::string&>() == value;
}

// An enumerator by its name; none if the key is absent or says none of them.
template <typename T>
std::optional<T> word(const json& object, const char* key, std::initializer_list<T> all) {
    for (const T one : all)
        if (is(object, key, name(one))) return one;
    return std::nullopt;
}

// Elements of a list, none for one of the wrong type: they keep their index.
template <typename T, typename Read>
std::vector<T> list(const json& object, const char* key, Read&& read) {
    std::vector<T> out;
    if (const json* at = member(object, key); at && at->is_array())
        for (const json& one : *at) out.push_back(read(one));
    return out;
}

inline std::string text_or_none(const json& value) {
    return value.is_string() ? value.get<std::string>() : std::string();
}

inline const json& part(const json& object, const char* key) {
    static const json NONE;
    const json* at = member(object, key);
    return at ? *at : NONE;
}

}  // namespace weft::reading

namespace weft {

// read_routing.cpp
Gateway read_gateway(const nlohmann::json& object);
RoutingDomain read_routing_domain(const nlohmann::json& object, Owner owner);
Acl read_acl(const nlohmann::json& object, Owner owner);

}  // namespace weft

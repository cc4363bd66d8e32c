// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// The form of the document: an interpreter for the JSON Schema keywords that dist/weft.schema.json uses, so that the
// file which ships is what speaks. It words its complaints for people. What a document means is judged in check.cpp.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <regex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config.hpp"

namespace weft {

// One (sub)schema with its $ref resolved. Lives as long as the program.
struct Rule {
    std::string type;    // object, array, string, integer, boolean
    std::string format;  // ip-host, mac, interface, vlans, bridge, prefix, prefix-or-any, match, gateway, ports
    std::string hint;    // "x-hint": a reason that is put behind a complaint
    std::vector<std::pair<std::string, const Rule*>> properties;
    std::vector<std::string> required;
    std::vector<std::string> one_of;  // of these keys exactly one must be there; empty: no such rule
    std::vector<std::pair<std::string, std::string>> together;  // a key, and the key it makes no sense without
    const Rule* additional = nullptr;  // rule of keys that properties does not name; none: they are unknown
    const Rule* items = nullptr;
    std::vector<const Rule*> any_of;
    std::vector<nlohmann::json> values;  // enum
    bool has_default = false;            // what it is lies in the values of model.hpp
    std::optional<std::int64_t> minimum, maximum, multiple_of;
    std::optional<std::size_t> min_length, max_length, min_items;
    std::optional<std::regex> pattern;

    const Rule* find(std::string_view key) const;
};

const Rule& document_rule();
// Of one object of an array of the document ("segments", "fdb" …); null for any other name.
const Rule* item_rule(std::string_view section);

// Keywords of the schema that the interpreter does not know: always empty, which a test holds.
std::vector<std::string> unknown_keywords();

// `ignored`: keys of the outermost object that are not looked at.
std::vector<Complaint> check_form(const nlohmann::json& value, const Rule& rule,
                                  const std::vector<std::string_view>& ignored = {});

}  // namespace weft

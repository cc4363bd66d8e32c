// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Compiles the schema's text to Rules, once. Judging by them is form.cpp.
#include "schema.hpp"

#include <algorithm>
#include <deque>

namespace weft {

extern const std::string_view SCHEMA_TEXT;  // dist/weft.schema.json, embedded at build time

std::string_view schema_text() { return SCHEMA_TEXT; }

namespace {

using nlohmann::json;

class Compiler {
public:
    Compiler() : root_(json::parse(SCHEMA_TEXT)) { document = compile(root_); }

    const Rule* document;
    std::vector<std::string> unknown;

private:
    const Rule* compile(const json& schema) {
        if (schema.contains("$ref"))
            return compile(root_.at(json::json_pointer(schema["$ref"].get<std::string>().substr(1))));
        Rule& rule = rules_.emplace_back();
        for (const auto& [keyword, value] : schema.items()) {
            if (!take_text(rule, keyword, value) && !take_bound(rule, keyword, value) &&
                !take_rule(rule, keyword, value))
                unknown.push_back(keyword);
        }
        return &rule;
    }

    static bool take_text(Rule& rule, const std::string& keyword, const json& value) {
        if (keyword == "type")
            rule.type = value;
        else if (keyword == "format")
            rule.format = value;
        else if (keyword == "x-hint")
            rule.hint = value;
        else if (keyword == "pattern")
            rule.pattern.emplace(value.get<std::string>(), std::regex::ECMAScript);
        else if (keyword == "required")
            rule.required = value;
        else if (keyword == "enum")
            rule.values.assign(value.begin(), value.end());
        else if (keyword == "default")
            rule.has_default = true;
        else
            return keyword == "$schema" || keyword == "$defs" || keyword == "title" || keyword == "description";
        return true;
    }

    static bool take_bound(Rule& rule, const std::string& keyword, const json& value) {
        if (keyword == "minimum")
            rule.minimum = value;
        else if (keyword == "maximum")
            rule.maximum = value;
        else if (keyword == "multipleOf")
            rule.multiple_of = value;
        else if (keyword == "minLength")
            rule.min_length = value;
        else if (keyword == "maxLength")
            rule.max_length = value;
        else if (keyword == "minItems")
            rule.min_items = value;
        else
            return false;
        return true;
    }

    // Of "oneOf" only what says that one of several keys is required; anything else is a keyword of which we know
    // nothing.
    static bool take_one_of(Rule& rule, const json& value) {
        for (const json& one : value) {
            if (one.size() != 1 || !one.contains("required") || one["required"].size() != 1) return false;
            rule.one_of.push_back(one["required"][0]);
        }
        return true;
    }

    bool take_rule(Rule& rule, const std::string& keyword, const json& value) {
        if (keyword == "oneOf") return take_one_of(rule, value);
        if (keyword == "dependentRequired")
            for (const auto& [key, needed] : value.items())
                for (const json& one : needed) rule.together.emplace_back(key, one);
        else if (keyword == "items")
            rule.items = compile(value);
        else if (keyword == "anyOf")
            for (const json& one : value) rule.any_of.push_back(compile(one));
        else if (keyword == "properties")
            for (const auto& [key, one] : value.items()) rule.properties.emplace_back(key, compile(one));
        else if (keyword != "additionalProperties")
            return false;
        else if (value.is_object())
            rule.additional = compile(value);
        else
            return value == false;  // true would be a key that nobody reads
        return true;
    }

    json root_;
    std::deque<Rule> rules_;
};

const Compiler& compiled() {
    static const Compiler compiler;
    return compiler;
}

}  // namespace

const Rule* Rule::find(std::string_view key) const {
    const auto at = std::ranges::find(properties, key, &std::pair<std::string, const Rule*>::first);
    return at == properties.end() ? additional : at->second;
}

const Rule& document_rule() { return *compiled().document; }

const Rule* item_rule(std::string_view section) {
    const Rule* array = document_rule().find(section);
    return array ? array->items : nullptr;
}

std::vector<std::string> unknown_keywords() { return compiled().unknown; }

}  // namespace weft

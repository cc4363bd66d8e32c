// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Judges a JSON value by the schema's rules. Paths are kept as a chain on the stack and written out only for a
// complaint: a batch of a million good rows must not pay for them.
#include <algorithm>
#include <cmath>

#include "schema.hpp"
#include "text.hpp"

namespace weft {

namespace {

using nlohmann::json;

struct Path {
    const Path* up = nullptr;
    std::string_view key = {};
    std::size_t index = 0;  // where key is empty and `array`
    bool array = false;

    std::string text() const {
        if (!up) return "";
        return up->text() + "/" + (array ? std::to_string(index) : pointer_token(key));
    }
};

class Judge {
public:
    Judge(std::vector<Complaint>& out, const std::vector<std::string_view>& ignored) : out_(out), ignored_(ignored) {}

    void check(const json& value, const Rule& rule, const Path& path) {
        if (!rule.any_of.empty()) return check_any(value, rule, path);
        if (!has_type(value, rule)) return complain(path, "is " + shown(value) + ", must be " + wanted(rule));
        if (value.is_object())
            check_object(value, rule, path);
        else if (value.is_array())
            check_array(value, rule, path);
        else if (value.is_string())
            check_string(value, rule, path);
        else if (value.is_number())
            check_number(value, rule, path);
    }

private:
    static bool is_whole(const json& value) {
        return value.is_number_integer() ||
               (value.is_number_float() && std::trunc(value.get<double>()) == value.get<double>());
    }

    static bool has_type(const json& value, const Rule& rule) {
        if (rule.type == "object") return value.is_object();
        if (rule.type == "array") return value.is_array();
        if (rule.type == "string") return value.is_string();
        if (rule.type == "boolean") return value.is_boolean();
        return is_whole(value);
    }

    static std::string wanted(const Rule& rule) {
        if (!rule.values.empty()) return choices(rule);
        if (rule.type == "object") return "an object {…}";
        if (rule.type == "array") return "an array […]";
        if (rule.type == "boolean") return "true or false";
        if (rule.type == "integer") return "a whole number";
        if (rule.format == "ip-host") return "an IP address as a string";
        if (rule.format == "mac") return "a MAC address as a string";
        if (rule.format == "prefix" || rule.format == "match") return "a prefix as a string";
        return "a string";
    }

    static std::string choices(const Rule& rule) {
        std::string out = rule.values.size() > 1 ? "one of " : "";
        for (const json& one : rule.values) out += (&one == &rule.values.front() ? "" : ", ") + one.dump();
        return out;
    }

    void check_any(const json& value, const Rule& rule, const Path& path) {
        std::string all;
        for (const Rule* one : rule.any_of) {
            if (has_type(value, *one)) return check(value, *one, path);
            all += (all.empty() ? "" : " or ") + wanted(*one);
        }
        complain(path, "is " + shown(value) + ", must be " + all);
    }

    void check_object(const json& value, const Rule& rule, const Path& path) {
        for (auto at = value.begin(); at != value.end(); ++at) {
            const Path below{&path, at.key()};
            if (const Rule* found = rule.find(at.key()))
                check(at.value(), *found, below);
            else if (path.up || std::ranges::find(ignored_, at.key()) == ignored_.end())
                unknown_key(at.key(), rule, below);
        }
        for (const std::string& key : rule.required)
            if (!value.contains(key)) complain({&path, key}, "is missing");
        for (const auto& [key, needed] : rule.together)
            if (value.contains(key) && !value.contains(needed))
                complain({&path, key}, "goes with " + needed + " only, which is missing");
        check_one_of(value, rule, path);
    }

    // Named by the first of the keys: what else is wrong with the object is still said.
    void check_one_of(const json& value, const Rule& rule, const Path& path) {
        if (rule.one_of.empty()) return;
        std::string all, given;
        for (const std::string& key : rule.one_of) {
            all += (all.empty() ? "" : " or ") + key;
            if (value.contains(key)) given += (given.empty() ? "" : " and ") + key;
        }
        const auto count = std::ranges::count_if(rule.one_of, [&](const auto& key) { return value.contains(key); });
        if (count == 0) complain({&path, rule.one_of.front()}, "is missing: there must be " + all);
        if (count > 1) complain({&path, rule.one_of.front()}, given + " exclude each other: there must be " + all);
    }

    void unknown_key(const std::string& key, const Rule& rule, const Path& path) {
        std::vector<std::string_view> known;
        for (const auto& [name, _] : rule.properties) known.push_back(name);
        const auto near = nearest(key, known);
        complain(path, near.empty() ? "unknown key" : "unknown key, did you mean " + std::string(near) + "?");
    }

    void check_array(const json& value, const Rule& rule, const Path& path) {
        if (rule.min_items && value.size() < *rule.min_items) return complain(path, "is empty");
        if (!rule.items) return;
        std::size_t index = 0;
        for (const json& one : value) check(one, *rule.items, {&path, {}, index++, true});
    }

    void check_string(const json& value, const Rule& rule, const Path& path) {
        const auto& text = value.get_ref<const std::string&>();
        if (!rule.values.empty() && std::ranges::find(rule.values, value) == rule.values.end())
            return complain(path, "is " + shown(value) + ", must be " + choices(rule));
        if (rule.min_length && text.size() < *rule.min_length) return complain(path, "is empty");
        if (rule.max_length && text.size() > *rule.max_length)
            return complain(path, "is " + std::to_string(text.size()) + " characters long, longest is " +
                                      std::to_string(*rule.max_length));
        if (rule.pattern && !std::regex_match(text, *rule.pattern))
            return complain(path, "is " + shown(value) +
                                      ", may hold letters, digits, '.', '_' and '-' only and starts "
                                      "with neither '.' nor '-'");
        if (const auto wrong = wrong_format(text, rule.format); !wrong.empty())
            complain(path, "is " + shown(value) + ", " + wrong);
    }

    void check_number(const json& value, const Rule& rule, const Path& path) {
        // long double holds every 64-bit integer.
        const auto number = value.is_number_float()      ? static_cast<long double>(value.get<double>())
                            : value.is_number_unsigned() ? static_cast<long double>(value.get<std::uint64_t>())
                                                         : static_cast<long double>(value.get<std::int64_t>());
        const std::string is = "is " + shown(value) + ", ";
        const std::string why = rule.hint.empty() ? "" : ": " + rule.hint;
        if (rule.minimum && number < *rule.minimum)
            complain(path, is + "smallest is " + std::to_string(*rule.minimum));
        else if (rule.maximum && number > *rule.maximum)
            complain(path, is + "largest is " + std::to_string(*rule.maximum));
        else if (rule.multiple_of && std::fmod(number, static_cast<long double>(*rule.multiple_of)) != 0)
            complain(path, is + "must be a multiple of " + std::to_string(*rule.multiple_of) + why);
    }

    void complain(const Path& path, std::string what) { out_.push_back({path.text(), std::move(what)}); }

    std::vector<Complaint>& out_;
    const std::vector<std::string_view>& ignored_;
};

}  // namespace

std::vector<Complaint> check_form(const nlohmann::json& value, const Rule& rule,
                                  const std::vector<std::string_view>& ignored) {
    std::vector<Complaint> out;
    Judge(out, ignored).check(value, rule, {});
    return out;
}

}  // namespace weft

// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include "render.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <vector>

namespace weft::cli {

namespace {

using nlohmann::json;
using Cells = std::vector<std::string>;

std::string cell(const json& value) {
    if (value.is_null()) return "-";
    if (value.is_string()) return value.get<std::string>();
    if (value.is_boolean()) return value.get<bool>() ? "yes" : "no";
    if (!value.is_structured()) return value.dump();
    if (value.empty()) return "-";
    std::string out;
    for (const auto& [key, one] : value.items())
        out += (out.empty() ? "" : value.is_array() ? "," : ", ") + (value.is_object() ? key + " " : "") + cell(one);
    return out;
}

// Bytes that start a character: good enough to align names in UTF-8.
std::size_t width(const std::string& text) {
    return static_cast<std::size_t>(std::ranges::count_if(text, [](char c) { return (c & 0xc0) != 0x80; }));
}

std::string align(const std::vector<Cells>& lines, std::string_view indent) {
    std::vector<std::size_t> widths;
    for (const Cells& line : lines) {
        widths.resize(std::max(widths.size(), line.size()));
        for (std::size_t i = 0; i < line.size(); ++i) widths[i] = std::max(widths[i], width(line[i]));
    }
    std::string out;
    for (const Cells& line : lines) {
        out += indent;
        for (std::size_t i = 0; i < line.size(); ++i) {
            out += line[i];
            if (i + 1 < line.size()) out.append(widths[i] - width(line[i]) + 2, ' ');
        }
        out += '\n';
    }
    return out;
}

// Keys of all rows: those of `columns` in its order, then the others as they come.
std::vector<std::string> keys_of(const std::vector<const json*>& rows, std::string_view columns) {
    std::vector<std::string> given, out;
    for (const json* row : rows)
        for (const auto& [key, _] : row->items())
            if (std::ranges::find(given, key) == given.end()) given.push_back(key);
    while (!columns.empty()) {
        const auto end = std::min(columns.find(' '), columns.size());
        if (const auto at = std::ranges::find(given, columns.substr(0, end)); at != given.end()) {
            out.push_back(std::move(*at));
            given.erase(at);
        }
        columns.remove_prefix(std::min(end + 1, columns.size()));
    }
    out.insert(out.end(), given.begin(), given.end());
    return out;
}

// Values that are objects themselves (counters, flood) are for `show` and --json: a table has one line a row.
bool fits_column(const std::vector<const json*>& rows, const std::string& key) {
    return std::ranges::none_of(rows, [&](const json* row) { return row->contains(key) && row->at(key).is_object(); });
}

std::string table(const std::vector<const json*>& rows, const Cells& names, const std::string& first,
                  std::string_view columns, std::string_view indent) {
    std::vector<std::string> keys = keys_of(rows, columns);
    std::erase_if(keys, [&](const std::string& key) { return !fits_column(rows, key); });
    std::vector<Cells> lines(1, names.empty() ? Cells() : Cells{first});
    lines[0].insert(lines[0].end(), keys.begin(), keys.end());
    for (std::size_t i = 0; i < rows.size(); ++i) {
        Cells& line = lines.emplace_back(names.empty() ? Cells() : Cells{names[i]});
        for (const std::string& key : keys) line.push_back(rows[i]->contains(key) ? cell(rows[i]->at(key)) : "-");
    }
    return align(lines, indent);
}

bool all_objects(const json& value) {
    return !value.empty() && std::ranges::all_of(value, [](const json& one) { return one.is_object(); });
}

std::string list(const json& value, std::string_view columns, std::string_view indent) {
    std::string out;
    if (all_objects(value)) {
        std::vector<const json*> rows;
        for (const json& one : value) rows.push_back(&one);
        return table(rows, {}, "", columns, indent);
    }
    for (const json& one : value) out += std::string(indent) + cell(one) + "\n";
    return out;
}

std::string object(const json& value, std::string_view columns, const std::string& indent);

// What does not fit on the key's own line.
std::string block(const std::string& key, const json& value, const std::string& indent) {
    const std::string head = indent + key + "\n", deeper = indent + "  ";
    if (value.is_array()) return head + list(value, "", deeper);
    if (!all_objects(value)) return head + object(value, "", deeper);
    Cells names;
    std::vector<const json*> rows;
    for (const auto& [name, row] : value.items()) {
        names.push_back(name);
        rows.push_back(&row);
    }
    return table(rows, names, key, "", indent);
}

bool is_block(const json& value) {
    if (!value.is_structured() || value.empty()) return false;
    // Sentences of warnings hold commas and spaces: a line each.
    return value.is_object() || std::ranges::any_of(value, [](const json& one) {
               return one.is_structured() ||
                      (one.is_string() && one.get_ref<const std::string&>().find(' ') != std::string::npos);
           });
}

std::string object(const json& value, std::string_view columns, const std::string& indent) {
    std::vector<Cells> lines;
    std::string blocks;
    for (const std::string& key : keys_of({&value}, columns)) {
        if (is_block(value[key]))
            blocks += block(key, value[key], indent);
        else
            lines.push_back({key, cell(value[key])});
    }
    return align(lines, indent) + blocks;
}

}  // namespace

std::string render(const nlohmann::json& result, std::string_view columns) {
    if (result.is_null()) return "";
    if (result.is_array()) return list(result, columns, "");
    if (result.is_object()) return object(result, columns, "");
    return cell(result) + "\n";
}

}  // namespace weft::cli

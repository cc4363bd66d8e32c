// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include "render.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

namespace weft::cli {

namespace {

using nlohmann::json;
using Cells = std::vector<std::string>;

void put_cell(std::string& out, const json& value) {
    if (value.is_string()) {
        out += value.get_ref<const std::string&>();
    } else if (value.is_number_unsigned()) {  // without dump(), which a list of a million rows would feel
        out += std::to_string(value.get<std::uint64_t>());
    } else if (value.is_null() || (value.is_structured() && value.empty())) {
        out += '-';
    } else if (value.is_boolean()) {
        out += value.get<bool>() ? "yes" : "no";
    } else if (!value.is_structured()) {
        out += value.dump();
    } else {
        bool first = true;
        for (const auto& [key, one] : value.items()) {
            if (!std::exchange(first, false)) out += value.is_array() ? "," : ", ";
            if (value.is_object()) out.append(key).append(" ");
            put_cell(out, one);
        }
    }
}

std::string cell(const json& value) {
    std::string out;
    put_cell(out, value);
    return out;
}

// Bytes that start a character: good enough to align names in UTF-8.
std::size_t width(std::string_view text) {
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
        for (auto at = row->begin(); at != row->end(); ++at)
            if (std::ranges::find(given, at.key()) == given.end()) given.push_back(at.key());
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

bool all_objects(const json& value) {
    return !value.empty() && std::ranges::all_of(value, [](const json& one) { return one.is_object(); });
}

// A table in two passes, one for the widths and one for the text. No cell is kept, for a list may have a million rows.
class Table {
public:
    Table(const std::vector<const json*>& rows, std::string_view columns, std::string_view indent)
        : rows_(rows), indent_(indent) {
        for (std::string& key : keys_of(rows, columns)) columns_.push_back({std::move(key), {}, false});
    }

    // A first column, of the rows' names.
    void name_rows(const std::string& head, const Cells& names) {
        names_ = &names;
        head_ = {head, width(head), false};
        for (const std::string& name : names) head_.width = std::max(head_.width, width(name));
    }

    std::string text() {
        for (Column& column : columns_) column.width = width(column.key);
        for (const json* row : rows_)
            for (Column& column : columns_) measure(column, *row);
        // Values that are objects themselves (counters, flood), or lists of them (rules), are for `show` and --json: a
        // table has one line a row.
        std::erase_if(columns_, [](const Column& column) { return column.has_objects; });
        begin_line(head_.key);
        for (const Column& column : columns_) put(column.key, column.width);
        end_line();
        for (std::size_t i = 0; i < rows_.size(); ++i) line(i);
        return std::move(out_);
    }

private:
    struct Column {
        std::string key;
        std::size_t width = 0;
        bool has_objects = false;
    };

    const std::string& cell_of(const Column& column, const json& row) {
        const auto at = row.find(column.key);
        cell_.clear();
        put_cell(cell_, at == row.end() ? json() : *at);
        return cell_;
    }

    void measure(Column& column, const json& row) {
        const auto at = row.find(column.key);
        if (at != row.end() && (at->is_object() || (at->is_array() && all_objects(*at)))) column.has_objects = true;
        if (!column.has_objects) column.width = std::max(column.width, width(cell_of(column, row)));
    }

    void line(std::size_t i) {
        begin_line(names_ ? (*names_)[i] : "");
        for (const Column& column : columns_) put(cell_of(column, *rows_[i]), column.width);
        end_line();
    }

    void begin_line(const std::string& name) {
        out_ += indent_;
        if (names_) put(name, head_.width);
    }

    void put(const std::string& text, std::size_t wide) {
        out_ += text;
        out_.append(wide - width(text) + 2, ' ');
    }

    // The last column is as wide as what stands in it.
    void end_line() {
        out_.erase(out_.find_last_not_of(' ') + 1);
        out_ += '\n';
    }

    const std::vector<const json*>& rows_;
    std::string_view indent_;
    std::vector<Column> columns_;
    const Cells* names_ = nullptr;
    Column head_;
    std::string out_, cell_;
};

std::string list(const json& value, std::string_view columns, std::string_view indent) {
    std::string out;
    if (all_objects(value)) {
        std::vector<const json*> rows;
        for (const json& one : value) rows.push_back(&one);
        return Table(rows, columns, indent).text();
    }
    for (const json& one : value) out += std::string(indent) + cell(one) + "\n";
    return out;
}

std::string object(const json& value, std::string_view columns, const std::string& indent);

// What does not fit on the key's own line.
std::string block(const std::string& key, const json& value, std::string_view columns, const std::string& indent) {
    const std::string head = indent + key + "\n", deeper = indent + "  ";
    if (value.is_array()) return head + list(value, columns, deeper);
    if (!all_objects(value)) return head + object(value, "", deeper);
    Cells names;
    std::vector<const json*> rows;
    for (const auto& [name, row] : value.items()) {
        names.push_back(name);
        rows.push_back(&row);
    }
    Table table(rows, "", indent);
    table.name_rows(key, names);
    return table.text();
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
    // What a command changed is told without the problems and warnings that there were not.
    const bool short_form = value.contains("changes");
    for (const std::string& key : keys_of({&value}, columns)) {
        if (short_form && value[key].empty()) continue;
        if (is_block(value[key]))
            blocks += block(key, value[key], columns, indent);
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

// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include "row.hpp"

#include <charconv>
#include <string>
#include <vector>

#include "text.hpp"

namespace weft {

namespace {

using nlohmann::json;

EntryRow::Text* text_of(EntryRow& row, std::string_view key) {
    if (key == "segment") return &row.segment;
    if (key == "mac") return &row.mac;
    if (key == "ip") return &row.ip;
    if (key == "port") return &row.port;
    if (key == "remote") return &row.remote;
    if (key == "bridge") return &row.bridge;
    if (key == "origin") return &row.origin;
    if (key == "ca") return &row.ca;
    if (key == "pa") return &row.pa;
    return nullptr;
}

std::optional<std::uint64_t>* number_of(EntryRow& row, std::string_view key) {
    if (key == "vni") return &row.vni;
    if (key == "vsid") return &row.vsid;
    return key == "age_seconds" ? &row.age_seconds : nullptr;
}

bool* flag_of(EntryRow& row, std::string_view key) {
    if (key == "dynamic") return &row.dynamic;
    return key == "static" ? &row.fixed : nullptr;
}

// One flat object of plain values, left to right. False means "not that plain", never "wrong".
class PlainRow {
public:
    PlainRow(std::string_view text, EntryRow& row) : at_(text.data()), end_(text.data() + text.size()), row_(row) {}

    bool read() {
        skip_space();
        if (!skip('{')) return false;
        skip_space();
        if (!skip('}')) {
            do
                if (!member()) return false;
            while (skip(','));
            if (!skip('}')) return false;
        }
        skip_space();
        return at_ == end_;
    }

private:
    bool member() {
        std::string_view key;
        skip_space();
        if (!string(key)) return false;
        skip_space();
        if (!skip(':')) return false;
        skip_space();
        if (at_ == end_ || !value(key)) return false;
        skip_space();
        return true;
    }

    bool value(std::string_view key) {
        if (*at_ == '"') {
            std::string_view text;
            if (number_of(row_, key) || flag_of(row_, key) || !string(text)) return false;
            if (auto* to = text_of(row_, key)) *to = text;
            return true;
        }
        if (*at_ >= '0' && *at_ <= '9') {
            std::uint64_t number = 0;
            if (text_of(row_, key) || flag_of(row_, key) || !digits(number)) return false;
            if (auto* to = number_of(row_, key)) *to = number;
            return true;
        }
        return word(key);
    }

    bool word(std::string_view key) {
        const bool yes = skip_word("true");
        if (yes || skip_word("false")) {
            if (text_of(row_, key) || number_of(row_, key)) return false;
            if (auto* to = flag_of(row_, key)) *to = yes;
            return true;
        }
        if (!skip_word("null")) return false;
        if (auto* text = text_of(row_, key)) text->reset();
        if (auto* number = number_of(row_, key)) number->reset();
        if (auto* flag = flag_of(row_, key)) *flag = false;
        return true;
    }

    // Of printable ASCII without an escape: what such a string means is what stands there.
    bool string(std::string_view& out) {
        if (!skip('"')) return false;
        const char* from = at_;
        while (at_ != end_ && *at_ >= ' ' && *at_ < 0x7f && *at_ != '"' && *at_ != '\\') ++at_;
        out = {from, at_};
        return skip('"');
    }

    // Neither 007 nor 1.5 nor what does not fit.
    bool digits(std::uint64_t& out) {
        const bool zero = *at_ == '0';
        const char* from = at_;
        const auto [end, error] = std::from_chars(at_, end_, out);
        if (error != std::errc() || (zero && end != from + 1)) return false;
        at_ = end;
        return at_ != end_ && *at_ != '.' && *at_ != 'e' && *at_ != 'E';
    }

    bool skip(char c) {
        if (at_ == end_ || *at_ != c) return false;
        ++at_;
        return true;
    }

    bool skip_word(std::string_view word) {
        if (!std::string_view(at_, end_).starts_with(word)) return false;
        at_ += word.size();
        return true;
    }

    void skip_space() {
        while (at_ != end_ && (*at_ == ' ' || *at_ == '\t' || *at_ == '\r' || *at_ == '\n')) ++at_;
    }

    const char* at_;
    const char* end_;
    EntryRow& row_;
};

Result<> take(EntryRow& row, const std::string& key, const json& value) {
    if (value.is_null()) return Ok{};
    if (auto* text = text_of(row, key)) {
        if (!value.is_string()) return fail(EINVAL, key + " is no string");
        *text = value.get_ref<const std::string&>();
    }
    if (auto* number = number_of(row, key)) {
        if (!value.is_number_unsigned()) return fail(EINVAL, key + " is no whole number from 0 on");
        *number = value.get<std::uint64_t>();
    }
    if (auto* flag = flag_of(row, key)) {
        if (!value.is_boolean()) return fail(EINVAL, key + " is no boolean");
        *flag = value.get<bool>();
    }
    return Ok{};
}

}  // namespace

Result<EntryRow> entry_row(const json& object) {
    EntryRow row;
    for (auto at = object.begin(); at != object.end(); ++at) TRY_OK(take(row, at.key(), at.value()));
    return row;
}

RowReader::RowReader(const json& defaults) : defaults_(defaults) {
    if (auto row = entry_row(defaults)) plain_defaults_ = *row;
}

Result<EntryRow> RowReader::read(std::string_view text) {
    if (plain_defaults_) {
        EntryRow row = *plain_defaults_;
        if (PlainRow(text, row).read()) return row;
    }
    return read_tree(text);
}

Result<EntryRow> RowReader::read_tree(std::string_view text) {
    json given = json::parse(text, nullptr, false);
    if (given.is_discarded() || text.find('\0') != text.npos) {  // which the parser takes for the end
        std::vector<Complaint> complaints;
        read_json(text, complaints);
        return fail(EINVAL, complaints.empty() ? "no JSON" : complaints.front().what);
    }
    if (!given.is_object()) return fail(EINVAL, "not a JSON object");
    tree_ = defaults_;
    tree_.update(given);
    return entry_row(tree_);
}

}  // namespace weft

// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include "request.hpp"

#include <vector>

#include "text.hpp"

namespace weft {

namespace {

using nlohmann::json;
using protocol::Command;

// Options in JSON's spelling; `config apply` sends the file's text.
std::vector<std::string> keys_of(const Command& command) {
    std::vector<std::string> out;
    for (const auto& option : command.options) out.push_back(protocol::json_key(option.name));
    if (command.positional == "file") out.push_back("document");
    return out;
}

Result<> check_keys(const Command& command, const json& arguments) {
    const std::vector<std::string> known = keys_of(command);
    for (const auto& [key, _] : arguments.items()) {
        if (std::ranges::find(known, key) != known.end()) continue;
        const auto near = nearest(key, {known.begin(), known.end()});
        return fail(EINVAL, name(command) + " takes no " + shown(json(key)) +
                                (near.empty() ? "" : ", did you mean " + std::string(near) + "?"));
    }
    return Ok{};
}

Result<> take(const std::string& key, json& value, ControlRequest& out) {
    if (key == "command") return Ok{};
    if (key == "arguments" && value.is_object()) {
        out.arguments = std::move(value);
        return check_keys(*out.command, out.arguments);
    }
    if (key == "batch" && value.is_array()) {
        if (!out.command->batch) return fail(EINVAL, name(*out.command) + " takes no batch");
        return out.batch ? Ok{} : Result<>(fail(EINVAL, "\"batch\" is to be written without escapes"));
    }
    if (key == "first_line" && value.is_number_unsigned()) {
        out.first_line = value.get<std::uint64_t>();
        return Ok{};
    }
    if (key == "arguments") return fail(EINVAL, "\"arguments\" is no object");
    if (key == "batch") return fail(EINVAL, "\"batch\" is no array");
    if (key == "first_line") return fail(EINVAL, "\"first_line\" is no line number");
    return fail(EINVAL, "a request has no " + shown(json(key)));
}

// The text up to the end of the value that starts at `at`: a walk over brackets and strings, no judgement.
std::size_t end_of_value(std::string_view text, std::size_t at) {
    std::size_t depth = 0;
    bool quoted = false;
    for (; at < text.size(); ++at) {
        const char c = text[at];
        if (c == '"')
            quoted = !quoted;
        else if (c == '\\' && quoted)
            ++at;
        else if (quoted)
            continue;
        else if (c == '{' || c == '[')
            ++depth;
        else if (depth == 0 && (c == ',' || c == '}' || c == ']'))
            return at;
        else if (c == '}' || c == ']')
            --depth;
    }
    return text.npos;
}

std::size_t skip_space(std::string_view text, std::size_t at) {
    return std::min(text.find_first_not_of(" \t\r\n", at), text.size());
}

// The elements of the array that starts at `at`; `at` is then behind it. None if it has no end.
std::optional<std::vector<std::string_view>> split_array(std::string_view text, std::size_t& at) {
    std::vector<std::string_view> out;
    for (at = skip_space(text, at + 1);;) {
        const std::size_t end = end_of_value(text, at);
        if (end == text.npos || text[end] == '}') return std::nullopt;
        if (text[end] == ',' || end > at || !out.empty()) out.push_back(text.substr(at, end - at));
        at = text[end] == ',' ? skip_space(text, end + 1) : end + 1;
        if (text[end] == ']') return out;
    }
}

struct Split {
    std::string request;  // the line with its batch made empty
    std::optional<std::vector<std::string_view>> batch;
};

// Takes the rows of a batch out before a JSON parser builds a tree of them. What is not understood here stays where it
// is, for the parser to judge.
Split take_batch_out(std::string_view line) {
    Split out;
    std::size_t at = skip_space(line, 0), copied = 0;
    while (at < line.size() && (line[at] == '{' || line[at] == ',')) {
        const std::size_t key = skip_space(line, at + 1), colon = line.find(':', key);
        if (colon == line.npos) break;
        at = skip_space(line, colon + 1);
        if (line.substr(key).starts_with("\"batch\"") && skip_space(line, key + 7) == colon &&
            line.substr(at, 1) == "[") {
            const std::size_t from = at;
            out.batch = split_array(line, at);
            if (!out.batch) break;
            out.request.append(line.substr(copied, from - copied)).append("[]");
            copied = at;
        }
        at = end_of_value(line, at);
    }
    out.request.append(line.substr(copied));
    return out;
}

}  // namespace

Result<ControlRequest> read_request(std::string_view line) {
    Split split = take_batch_out(line);
    // The plain parser: the document of an apply is not slowed down by the search for duplicate keys.
    json request = json::parse(split.request, nullptr, false);
    if (request.is_discarded() || line.find('\0') != line.npos) {
        std::vector<Complaint> complaints;
        read_json(split.request, complaints);
        return fail(EINVAL,
                    "the request is no JSON: " + (complaints.empty() ? std::string() : complaints.front().what));
    }
    const auto command = request.is_object() ? request.find("command") : request.end();
    if (!request.is_object() || command == request.end() || !command->is_string())
        return fail(EINVAL, "a request is a JSON object with a \"command\"");
    ControlRequest out{.command = protocol::find(command->get_ref<const std::string&>())};
    if (!out.command) return fail(EINVAL, "unknown command " + shown(*command));
    out.batch = std::move(split.batch);
    for (auto at = request.begin(); at != request.end(); ++at) TRY_OK(take(at.key(), at.value(), out));
    return out;
}

}  // namespace weft

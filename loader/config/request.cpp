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
        out.batch = std::move(value);
        return Ok{};
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

}  // namespace

Result<ControlRequest> read_request(std::string_view line) {
    // The plain parser: a batch of thousands of rows is not slowed down by the search for duplicate keys.
    json request = json::parse(line, nullptr, false);
    if (request.is_discarded() || line.find('\0') != line.npos) {
        std::vector<Complaint> complaints;
        read_json(line, complaints);
        return fail(EINVAL,
                    "the request is no JSON: " + (complaints.empty() ? std::string() : complaints.front().what));
    }
    const auto command = request.is_object() ? request.find("command") : request.end();
    if (!request.is_object() || command == request.end() || !command->is_string())
        return fail(EINVAL, "a request is a JSON object with a \"command\"");
    ControlRequest out{.command = protocol::find(command->get_ref<const std::string&>())};
    if (!out.command) return fail(EINVAL, "unknown command " + shown(*command));
    for (auto at = request.begin(); at != request.end(); ++at) TRY_OK(take(at.key(), at.value(), out));
    return out;
}

}  // namespace weft

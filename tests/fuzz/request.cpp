// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// A line of the control socket: read as a request, its rows by both ways of row.hpp and as objects of the document,
// judged as the daemon would. And the CLI's test for a line of a batch: what is one JSON object passes it, what passes
// it is no other JSON, and stays one row on the socket.
#include "request.hpp"

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "batch.hpp"
#include "config.hpp"
#include "expect.hpp"
#include "flat.hpp"
#include "row.hpp"

namespace {

using namespace weft;

const Document& document() {
    static const Document parsed = parse_config(R"({"vtep": {"address": "192.0.2.1"},
        "segments": [{"name": "blue", "vni": 5001, "remotes": ["192.0.2.2"]}],
        "ports": [{"interface": "tap0", "segment": "blue"}]})",
                                                "")
                                       .document;
    return parsed;
}

std::string section_of(const protocol::Command& command) {
    if (command.noun == "fdb") return "fdb";
    if (command.noun == "switch") return "switches";
    return protocol::json_key(command.noun) + "s";
}

void judge(const protocol::Command& command, const nlohmann::json& row) {
    const std::string section = section_of(command);
    const Parsed object = parse_object(section, unflattened(section, row), ORIGIN_CLI);
    if (!object.complaints.empty()) return;
    const RecordCheck check(document());
    for (const FdbRecord& one : object.document.fdb) {
        FUZZ_EXPECT(parse_object("fdb", to_json(one), ORIGIN_CLI).document.fdb.at(0) == one);
        check(one);
    }
    for (const NeighborRecord& one : object.document.neighbors) {
        FUZZ_EXPECT(parse_object("neighbors", to_json(one), ORIGIN_CLI).document.neighbors.at(0) == one);
        check(one);
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view line(reinterpret_cast<const char*>(data), size);
    if (const auto json = nlohmann::json::parse(line, nullptr, false); !json.is_discarded() && !line.empty()) {
        const bool bare = line.front() == '{' && line.back() == '}' && line.find('\0') == line.npos;
        FUZZ_EXPECT(cli::is_one_object(line) == (json.is_object() && bare));
    }
    if (cli::is_one_object(line)) {  // then it swallows no neighbour on its way
        const std::string batch =
            R"({"command":"fdb add","batch":[)" + std::string(line) + "," + std::string(line) + "]}";
        const auto both = read_request(batch);
        FUZZ_EXPECT(both && both->batch->size() == 2 && both->batch->at(0) == line && both->batch->at(1) == line);
    }
    const auto request = read_request(line);
    if (!request) {
        FUZZ_EXPECT(!request.error().what.empty() && request.error().what.find('\n') == std::string::npos);
        return 0;
    }
    judge(*request->command, request->arguments);
    RowReader reader(request->arguments);
    for (const std::string_view row : request->batch.value_or(std::vector<std::string_view>())) {
        const auto json = nlohmann::json::parse(row, nullptr, false);
        const auto read = reader.read(row);
        FUZZ_EXPECT(!read || json.is_object());
        if (!json.is_object()) continue;
        judge(*request->command, json);
        nlohmann::json whole = request->arguments;
        whole.update(json);
        const auto by_tree = entry_row(whole);
        FUZZ_EXPECT(read.has_value() == by_tree.has_value() && (!read || *read == *by_tree));
    }
    return 0;
}

// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// docs/config.md and docs/cli.md name what there is: every key with its default, every command with an example.
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <regex>
#include <set>
#include <sstream>

#include "config.hpp"
#include "protocol.hpp"
#include "run.hpp"

namespace weft {
namespace {

using nlohmann::json;

std::string page(const std::string& name) {
    std::ifstream file(DOCS_PATH "/" + name);
    return {std::istreambuf_iterator<char>(file), {}};
}

// From the heading "## name" to the next.
std::string section(const std::string& text, const std::string& heading) {
    const auto from = text.find("\n## " + heading + "\n");
    return from == text.npos ? "" : text.substr(from, text.find("\n## ", from + 1) - from);
}

// Each ```language … ``` block.
std::vector<std::string> blocks(const std::string& text, const std::string& fence) {
    std::vector<std::string> out;
    for (std::size_t at = 0; (at = text.find("```" + fence + "\n", at)) != text.npos;) {
        const auto from = text.find('\n', at) + 1, end = text.find("```", from);
        out.push_back(text.substr(from, end - from));
        at = end + 3;
    }
    return out;
}

// A row for each key of an object, and for those of the objects in it: `team`, `team.policy`, `bind[].mac`.
void expect_rows(const std::string& part, const json& schema, const json& object, const std::string& prefix) {
    const json required = object.value("required", json::array());
    for (const auto& [key, given] : object["properties"].items()) {
        const json& one =
            given.contains("$ref") ? schema.at(json::json_pointer(given["$ref"].get<std::string>().substr(1))) : given;
        const bool needed = std::find(required.begin(), required.end(), key) != required.end();
        const std::string value = needed                    ? "required"
                                  : one.contains("default") ? "`" + one["default"].dump() + "`"
                                                            : "none";
        const auto row = part.find("| `" + prefix + key + "` | ");
        ASSERT_NE(row, part.npos) << prefix << key;
        const std::string line = part.substr(row, part.find('\n', row) - row);
        EXPECT_TRUE(line.ends_with("| " + value + " | " + one["description"].get<std::string>() + " |")) << line;
        if (one.contains("properties")) expect_rows(part, schema, one, prefix + key + ".");
        if (one.contains("items") && one["items"].contains("properties"))
            expect_rows(part, schema, one["items"], prefix + key + "[].");
    }
}

TEST(ConfigPage, NamesEveryKeyWithItsDefaultAndMeaning) {
    const std::string text = page("config.md");
    const json schema = json::parse(schema_text());
    for (const auto& [name, _] : schema["properties"].items()) {
        const std::string part = section(text, name);
        ASSERT_NE(part, "") << name;
        if (name == "hosts") continue;
        const json& rule = schema["$defs"][name];
        expect_rows(part, schema, rule.contains("items") ? rule["items"] : rule, "");
    }
}

TEST(ConfigPage, HasExamplesThatAreGood) {
    const auto examples = blocks(page("config.md"), "json");
    ASSERT_EQ(examples.size(), 4u);
    EXPECT_EQ(text(parse_config(examples[0], "").complaints), "");
    EXPECT_EQ(text(parse_config(examples[1], "").complaints), "");
    EXPECT_EQ(text(parse_config(examples[2], "").complaints), "");
    EXPECT_EQ(text(parse_config(examples[3], "host-a").complaints), "");
    EXPECT_EQ(text(parse_config(examples[3], "host-b").complaints), "");
}

TEST(CliPage, ShowsEveryCommandAndOption) {
    const std::string text = page("cli.md");
    for (const auto& command : protocol::COMMANDS) {
        const std::string name = protocol::name(command);
        EXPECT_NE(text.find("\nweft " + name), text.npos) << name;
        for (const auto& option : command.options)
            EXPECT_NE(text.find("--" + std::string(option.name)), text.npos) << name << " --" << option.name;
    }
}

// Of the command table, or of every command (cli/args.cpp).
bool is_option(const std::string& name) {
    const std::set<std::string> of_all{"json",   "instance", "help",   "version", "batch",
                                       "config", "host",     "detach", "attach"};
    return of_all.contains(name) || std::ranges::any_of(protocol::COMMANDS, [&](const auto& command) {
               return std::ranges::any_of(command.options, [&](const auto& option) { return option.name == name; });
           });
}

TEST(CliPage, ShowsNoOptionThatThereIsNot) {
    const std::string text = page("cli.md");
    const std::regex option("`--([a-z0-9-]*[a-z0-9])(?![a-z0-9-])");  // not the beginning of several
    std::size_t seen = 0;
    for (std::sregex_iterator at(text.begin(), text.end(), option), end; at != end; ++at, ++seen)
        EXPECT_TRUE(is_option((*at)[1])) << (*at)[0];
    EXPECT_GT(seen, 40u);
}

TEST(CliPage, HasExamplesThatAreWellFormed) {
    int examples = 0;
    for (const std::string& block : blocks(page("cli.md"), "")) {
        std::istringstream lines(block);
        for (std::string line; std::getline(lines, line); ++examples) {
            if (line.find('|') != line.npos) continue;  // a pipe is for a shell
            std::istringstream words(line);
            std::vector<std::string> all{std::istream_iterator<std::string>(words), {}};
            ASSERT_EQ(all.at(0), "weft");
            all.erase(all.begin());
            all.insert(all.end(), {"--instance", "none-of-that-name"});
            std::istringstream in;
            std::ostringstream out, err;
            EXPECT_NE(cli::run(all, nullptr, {in, out, err}), cli::USAGE) << line << "\n" << err.str();
        }
    }
    EXPECT_GE(examples, 25);
}

}  // namespace
}  // namespace weft

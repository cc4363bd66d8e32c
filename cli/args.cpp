// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include "args.hpp"

#include <algorithm>
#include <boost/program_options.hpp>
#include <charconv>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "text.hpp"

namespace weft::cli {

namespace {

namespace po = boost::program_options;
using nlohmann::json;
using protocol::Command;
using protocol::Kind;
using protocol::Option;

using Values = std::map<std::string, std::vector<std::string>>;  // option -> what was given, flags with none

constexpr std::string_view GENERAL[] = {"instance", "socket", "batch"};  // beside the table's, with a value
constexpr std::string_view GENERAL_FLAGS[] = {"json", "help", "version"};

struct Line {
    std::vector<std::string> words;  // noun, verb, positional
    Values values;
};

// Every option of the table once: where the noun stands is not known before the options are taken apart.
po::options_description all_options() {
    po::options_description out;
    std::set<std::string> seen;
    const auto add = [&](std::string_view name, bool flag) {
        if (!seen.emplace(name).second) return;
        const std::string text(name == "help" ? "help,h" : name);
        if (flag)
            out.add_options()(text.c_str(), "");
        else
            out.add_options()(text.c_str(), po::value<std::vector<std::string>>());
    };
    for (const auto name : GENERAL) add(name, false);
    for (const auto name : GENERAL_FLAGS) add(name, true);
    for (const Command& command : protocol::COMMANDS)
        for (const Option& option : command.options) add(option.name, option.kind == Kind::Flag);
    out.add_options()("word", po::value<std::vector<std::string>>());
    return out;
}

std::string wording(const po::options_description& known, const po::unknown_option& error) {
    std::string given = error.get_option_name();
    given.erase(0, given.find_first_not_of('-'));
    std::vector<std::string_view> names;
    for (const auto& one : known.options()) names.push_back(one->long_name());
    const auto near = nearest(given, names);
    return "unknown option --" + given +
           (near.empty() || near == "word" ? "" : ", did you mean --" + std::string(near) + "?");
}

Result<Line> take_apart(const std::vector<std::string>& words) {
    const po::options_description known = all_options();
    po::positional_options_description positional;
    positional.add("word", -1);
    Line out;
    try {
        const int style = po::command_line_style::default_style & ~po::command_line_style::allow_guessing;
        const auto parsed = po::command_line_parser(words).options(known).positional(positional).style(style).run();
        for (const auto& option : parsed.options) {
            auto& to = option.string_key == "word" ? out.words : out.values[option.string_key];
            to.insert(to.end(), option.value.begin(), option.value.end());
        }
    } catch (const po::unknown_option& error) {
        return fail(EINVAL, wording(known, error));
    } catch (const po::error& error) {
        return fail(EINVAL, error.what());
    }
    return out;
}

std::vector<std::string_view> split(std::string_view text, char at) {
    std::vector<std::string_view> out;
    for (std::size_t start = 0; start <= text.size();) {
        const auto end = std::min(text.find(at, start), text.size());
        if (end > start) out.push_back(text.substr(start, end - start));
        start = end + 1;
    }
    return out;
}

std::optional<json> number(std::string_view text) {
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return value;
}

Result<json> boolean(const std::string& name, std::string_view text) {
    for (const auto yes : {"true", "on", "yes"})
        if (text == yes) return true;
    for (const auto no : {"false", "off", "no"})
        if (text == no) return false;
    return fail(EINVAL, "--" + name + " is on or off, not \"" + std::string(text) + "\"");
}

Result<json> value_of(const Option& option, const std::vector<std::string>& given) {
    const std::string name(option.name);
    if (option.kind == Kind::Flag) return true;
    if (option.kind == Kind::Addresses) {
        json out = json::array();
        for (const std::string& list : given)
            for (const auto one : split(list, ',')) out.push_back(std::string(one));
        return out;
    }
    if (given.size() != 1) return fail(EINVAL, "--" + name + " is given twice");
    if (option.kind == Kind::Boolean) return boolean(name, given[0]);
    const auto as_number = number(given[0]);
    if (option.kind == Kind::Number && !as_number)
        return fail(EINVAL, "--" + name + " is a number, not \"" + given[0] + "\"");
    return option.kind == Kind::Text || !as_number ? json(given[0]) : *as_number;
}

std::string verbs_of(std::string_view noun) {
    std::string out;
    for (const Command& command : protocol::COMMANDS)
        if (command.noun == noun) out += (out.empty() ? "" : ", ") + std::string(command.verb);
    return out;
}

bool is_noun(std::string_view word) {
    return std::ranges::find(protocol::COMMANDS, word, &Command::noun) != std::end(protocol::COMMANDS);
}

Result<const Command*> find_command(const std::vector<std::string>& words) {
    if (words.empty()) return fail(EINVAL, "no command given; weft --help lists them");
    if (const Command* alone = protocol::find(words[0], "")) return alone;
    if (!is_noun(words[0])) {
        std::vector<std::string_view> nouns;
        for (const Command& command : protocol::COMMANDS) nouns.push_back(command.noun);
        const auto near = nearest(words[0], nouns);
        return fail(EINVAL,
                    "unknown command \"" + words[0] + "\"" +
                        (near.empty() ? "; weft --help lists them" : ", did you mean " + std::string(near) + "?"));
    }
    if (words.size() < 2) return fail(EINVAL, words[0] + " needs a verb: " + verbs_of(words[0]));
    if (const Command* found = protocol::find(words[0], words[1])) return found;
    return fail(EINVAL, words[0] + " has no \"" + words[1] + "\", but " + verbs_of(words[0]));
}

// The word behind the verb becomes the option (or the file) that the table names.
Result<> take_positional(Line& line, Invocation& out) {
    const Command& command = *out.command;
    const std::size_t own = command.verb.empty() ? 1 : 2;
    if (line.words.size() <= own) return Ok{};
    if (line.words.size() > own + 1 || command.positional.empty())
        return fail(EINVAL, name(command) + " does not take \"" +
                                line.words[command.positional.empty() ? own : own + 1] + "\"");
    if (command.positional == "file")
        out.file = line.words[own];
    else
        line.values[std::string(command.positional)].push_back(line.words[own]);
    return Ok{};
}

Result<> check_required(const Command& command, const json& arguments, const Invocation& out) {
    for (const auto one : split(command.required, ' ')) {
        if (out.batch || (one == "file" ? !out.file.empty() : arguments.contains(protocol::json_key(one)))) continue;
        const std::string what =
            one == "file" ? "a FILE" : (one == command.positional ? "a " : "--") + std::string(one);
        return fail(EINVAL, name(command) + " needs " + what);
    }
    return Ok{};
}

Result<> take_options(Line& line, Invocation& out) {
    const Command& command = *out.command;
    json arguments = json::object();
    for (const auto& [key, given] : line.values) {
        const Option* option = protocol::find_option(command, key);
        if (!option) return fail(EINVAL, name(command) + " takes no --" + key);
        TRY(json value, value_of(*option, given));
        arguments[protocol::json_key(key)] = std::move(value);
    }
    if (out.batch && !command.batch) return fail(EINVAL, name(command) + " takes no --batch");
    if (arguments.contains("dynamic") && (arguments.contains("static") || arguments.contains("origin")))
        return fail(EINVAL, "--dynamic excludes --static and --origin");
    TRY_OK(check_required(command, arguments, out));
    out.host = arguments.value("host", "");
    out.arguments = arguments.dump(-1, ' ', false, json::error_handler_t::replace);
    return Ok{};
}

bool good_instance(const std::string& name) {
    const auto good = [](char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '-'; };
    return !name.empty() && name.size() <= 48 && std::ranges::all_of(name, good);
}

Result<std::optional<std::string>> take_one(Values& values, const char* key) {
    const auto node = values.extract(key);
    if (!node) return std::optional<std::string>();
    if (node.mapped().size() > 1) return fail(EINVAL, std::string("--") + key + " is given twice");
    return std::optional<std::string>(node.mapped().empty() ? "" : node.mapped()[0]);
}

Result<> take_general(Values& values, Invocation& out) {
    TRY(const auto instance, take_one(values, "instance"));
    TRY(const auto socket, take_one(values, "socket"));
    TRY(out.batch, take_one(values, "batch"));
    if (instance) out.instance = *instance;
    if (!good_instance(out.instance))
        return fail(EINVAL, "instance \"" + out.instance + "\" is not 1 to 48 of A-Z a-z 0-9 _ -");
    out.socket = socket.value_or("/run/weft/" + out.instance + "/weftd.sock");
    out.json = values.erase("json") > 0;
    out.help = values.erase("help") > 0;
    out.version = values.erase("version") > 0;
    return Ok{};
}

}  // namespace

Result<Invocation> parse_args(const std::vector<std::string>& words, const char* environment_instance) {
    Invocation out;
    if (environment_instance) out.instance = environment_instance;
    TRY(Line line, take_apart(words));
    TRY_OK(take_general(line.values, out));
    if (out.version) return out;
    if (out.help) {
        if (!line.words.empty() && is_noun(line.words[0])) out.noun = line.words[0];
        return out;
    }
    TRY(out.command, find_command(line.words));
    TRY_OK(take_positional(line, out));
    TRY_OK(take_options(line, out));
    return out;
}

}  // namespace weft::cli

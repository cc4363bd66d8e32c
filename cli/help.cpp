// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include "help.hpp"

#include <algorithm>
#include <set>

#include "protocol.hpp"

namespace weft::cli {

namespace {

using protocol::Command;
using protocol::Kind;
using protocol::Option;

std::string upper(std::string_view text) {
    std::string out(text);
    std::ranges::transform(out, out.begin(), [](unsigned char c) { return std::toupper(c); });
    return out;
}

std::string row(const std::string& left, std::string_view right) {
    constexpr std::size_t WIDTH = 30;
    std::string out = "  " + left;
    out.append(left.size() + 2 < WIDTH ? WIDTH - left.size() - 2 : 1, ' ');
    return out.append(right).append("\n");
}

std::string usage_of(const Command& command) {
    std::string out = name(command);
    if (!command.positional.empty()) out += " " + upper(command.positional);
    return out;
}

std::string option_left(const Option& option) {
    std::string out = "--" + std::string(option.name);
    switch (option.kind) {
        case Kind::Flag: return out;
        case Kind::Number: return out + " N";
        case Kind::Boolean: return out + " on|off";
        case Kind::Addresses: return out + " A,B…";
        default: return out + " " + upper(option.name.substr(0, option.name.find('-')));
    }
}

std::string general_options() {
    return "\noptions of every command\n" +
           row("--instance NAME", "which weftd; default: $WEFT_INSTANCE, else \"default\"") +
           row("--json", "the daemon's result as JSON") +
           row("-h, --help", "this; with a noun: its verbs and options") + row("--version", "version of this program") +
           "\nexit code: 0 done, 1 refused, 2 wrong usage, 3 no daemon\n";
}

}  // namespace

std::string version_line() { return "weft " WEFT_VERSION "\n"; }

std::string help_text(std::string_view noun) {
    std::string out = version_line() + "\n" +
                      (noun.empty() ? "weft NOUN VERB [OPTIONS]: manages the tables of weftd\n\n"
                                    : "weft " + std::string(noun) + "\n\n");
    std::set<std::string_view> seen;
    std::string options;
    bool batch = false;
    for (const Command& command : protocol::COMMANDS) {
        if (!noun.empty() && command.noun != noun) continue;
        out += row(usage_of(command), command.help);
        batch |= command.batch;
        for (const Option& option : command.options)
            if (seen.insert(option.name).second) options += row(option_left(option), option.help);
    }
    if (noun.empty()) return out + general_options();
    if (batch) options += row("--batch FILE|-", "one JSON object a line, as list --json gives them");
    return out + (options.empty() ? "" : "\noptions\n" + options) + general_options();
}

}  // namespace weft::cli

// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include "completion.hpp"

#include <map>
#include <set>
#include <string_view>
#include <utility>

#include "flat.hpp"
#include "protocol.hpp"
#include "schema.hpp"

namespace weft::cli {

namespace {

using protocol::Command;
using protocol::Kind;
using protocol::Option;

using Lines = std::map<std::string, std::string>;  // of a case: patterns -> words

// Where a word is taken from that no table has: @file and @interface, else @NOUN, whose list the daemon knows.
constexpr std::pair<std::string_view, std::string_view> NAMES[] = {
    {"file", "@file"}, {"interface", "@interface"},           {"segment", "@segment"},
    {"port", "@port"}, {"port-group", "@port-group"},         {"switch", "@switch"},
    {"acl", "@acl"},   {"routing-domain", "@routing-domain"}, {"leak", "@routing-domain"},
};

constexpr std::string_view HEAD = R"(# bash completion for weft, made of its table of commands by: weft completion bash

)";

// A word behind an option that takes a value is that value, wherever the noun stands; `--option=value` is three words.
// Names are compared here and not by compgen -W, which would carry out what an interface's name says.
constexpr std::string_view TAIL = R"(
_weft() {
    local current=${COMP_WORDS[COMP_CWORD]} words=() instance=() option= command choices i word
    COMPREPLY=()
    for ((i = 1; i < COMP_CWORD; i++)); do
        word=${COMP_WORDS[i]}
        if [[ $option ]]; then
            [[ $word == = ]] && continue
            [[ $option == --instance ]] && instance=(--instance "$word")
            option=
        elif [[ $word == -* ]]; then
            [[ " $_weft_flags " == *" $word "* ]] || option=$word
        else
            words+=("$word")
        fi
    done
    [[ $current == = ]] && current=
    command="${words[*]:0:2}"
    choices=$(_weft_verbs "${words[0]-}")
    if [[ $option ]]; then
        choices=$(_weft_values "$command" "$option")
    elif [[ $current == -* ]]; then
        choices="$(_weft_options "$command") $_weft_general"
    elif ((${#words[@]} >= (${#choices} ? 2 : 1))); then
        choices=$(_weft_values "$command" "")
        ((${#words[@]} == 2)) || choices=
    elif ((${#words[@]} == 0)); then
        choices=$_weft_nouns
    fi
    case $choices in
    @file)
        compopt -o filenames 2>/dev/null
        mapfile -t COMPREPLY < <(compgen -f -- "$current")
        return
        ;;
    @interface) choices=$(cd /sys/class/net 2>/dev/null && echo *) ;;
    @*) choices=$(timeout 1 weft "${instance[@]}" "${choices#@}" list 2>/dev/null | sed '1d; s/ .*//') ;;
    esac
    for word in $choices; do
        [[ $word == "$current"* ]] && COMPREPLY+=("$word")
    done
}
complete -F _weft weft
)";

void append(std::string& list, std::string_view word) {
    if (!list.empty()) list += ' ';
    list += word;
}

// "port-group" -> port_groups, "switch" -> switches; null for a noun that is no section of the document.
const Rule* rule_of(std::string_view noun, const Option& option) {
    const std::string section = protocol::json_key(noun), key = protocol::json_key(option.name);
    for (const auto* plural : {"s", "es"})
        if (const Rule* found = flat_rule(section + plural, key)) return found;
    return nullptr;
}

std::string values_in_schema(const Rule& rule) {
    std::string out;
    for (const auto& value : rule.values)
        if (value.is_string()) append(out, value.get<std::string>());
    for (const Rule* one : rule.any_of)
        if (const auto below = values_in_schema(*one); !below.empty()) append(out, below);
    return out;
}

// An object that is to be made has no name yet that could be completed.
std::string names_for(const Command& command, std::string_view option) {
    const bool own = option == command.positional && command.verb != "add";
    if (own && (option == "name" || option == "interface")) return "@" + std::string(command.noun);
    for (const auto& [name, source] : NAMES)
        if (option == name) return std::string(source);
    return "";
}

std::string values_of(const Command& command, const Option& option) {
    if (option.kind == Kind::Flag) return "";
    if (option.kind == Kind::Boolean) return "on off";
    if (!option.values.empty()) return std::string(option.values);
    if (const Rule* rule = rule_of(command.noun, option))
        if (auto values = values_in_schema(*rule); !values.empty()) return values;
    return names_for(command, option.name);
}

std::string function(std::string_view name, const Lines& answers, std::string_view key) {
    std::string out = std::string(name) + "() {\n    case " + std::string(key) + " in\n";
    for (const auto& [patterns, words] : answers) out += "    " + patterns + ") echo \"" + words + "\" ;;\n";
    return out + "    esac\n}\n";
}

std::string verbs_function() {
    Lines answers;
    for (const Command& command : protocol::COMMANDS)
        if (!command.verb.empty()) append(answers[std::string(command.noun)], command.verb);
    return function("_weft_verbs", answers, "$1");
}

std::string in_quotes(std::string_view text) { return "\"" + std::string(text) + "\""; }

std::string options_function() {
    Lines answers;
    for (const Command& command : protocol::COMMANDS) {
        std::string& words = answers[in_quotes(name(command))];
        for (const Option& option : command.options) append(words, "--" + std::string(option.name));
        if (command.batch) append(words, "--batch");
    }
    return function("_weft_options", answers, "$1");
}

// Turned about: a line for all options whose values are the same.
std::string values_function() {
    Lines patterns, answers;
    const auto add = [&](const std::string& pattern, const std::string& values) {
        if (!values.empty()) patterns[values] += (patterns[values].empty() ? "" : " | ") + in_quotes(pattern);
    };
    for (const Command& command : protocol::COMMANDS) {
        for (const Option& option : command.options) {
            const std::string values = values_of(command, option);
            add(name(command) + " --" + std::string(option.name), values);
            if (option.name == command.positional) add(name(command) + " ", values);
        }
        if (command.positional == "file") add(name(command) + " ", "@file");
        if (command.batch) add(name(command) + " --batch", "@file");
    }
    for (const auto& [values, all] : patterns) answers[all] = values;
    return function("_weft_values", answers, "\"$1 $2\"");
}

std::string variables() {
    std::string nouns, flags = "-h --help --version --json";
    std::set<std::string_view> seen, seen_flags;
    for (const Command& command : protocol::COMMANDS) {
        if (seen.insert(command.noun).second) append(nouns, command.noun);
        for (const Option& option : command.options)
            if (option.kind == Kind::Flag && seen_flags.insert(option.name).second)
                append(flags, "--" + std::string(option.name));
    }
    return "_weft_nouns=" + in_quotes(nouns) + "\n_weft_flags=" + in_quotes(flags) +
           "\n_weft_general=\"--instance --json --help --version\"\n";
}

}  // namespace

std::string completion_text() {
    return std::string(HEAD) + variables() + verbs_function() + options_function() + values_function() +
           std::string(TAIL);
}

}  // namespace weft::cli

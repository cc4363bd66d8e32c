// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// The command line to an Invocation, by the table of maps/protocol.hpp alone: noun, verb and options in any order.
// Boost.Program_options and its exceptions stay in args.cpp.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "protocol.hpp"
#include "result.hpp"

namespace weft::cli {

struct Invocation {
    const protocol::Command* command = nullptr;  // null with help or version only
    std::string arguments = "{}";                // of the request: a JSON object as text
    std::string file;                            // of `config check|apply FILE`, "-" is stdin
    std::optional<std::string> batch;            // file of rows, "-" is stdin
    std::string host;                            // of `config check --host`
    bool json = false;
    bool help = false, version = false;
    std::string noun;  // with help: which part, may be empty
    std::string instance = "default";
    std::string socket;  // --socket, for tests: instead of the instance's
};

// words: without the program's name. environment_instance: WEFT_INSTANCE or null. Every error is one of usage.
Result<Invocation> parse_args(const std::vector<std::string>& words, const char* environment_instance);

}  // namespace weft::cli

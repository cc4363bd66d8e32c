// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// The control protocol and the one table of commands: the CLI's parser, its help and completion, and the daemon's
// dispatch all come from it. Header only, no dependencies: both programs include it.
//
// The socket carries one JSON object a line each way, requests answered in order:
//   -> {"command":"fdb add","arguments":{"segment":"blue","mac":"02:00:00:00:00:02","remote":"192.0.2.2"}}
//   <- {"ok":true,"result":…}            exit 0
//   <- {"ok":false,"error":"one line"}   exit 1
// A batch sends "batch":[{…},…] beside "arguments" (which hold for each row); the answer's result is
// {"done":N,"errors":[{"line":L,"error":"…"}]} with lines counted from "first_line" of the request (default 1).
#pragma once

#include <array>
#include <string_view>

namespace weft::protocol {

enum class Kind {
    Text,      // JSON string
    Number,    // JSON number
    Boolean,   // "true"/"false", "on"/"off", "yes"/"no" on the command line; JSON boolean
    Addresses, // comma separated, repeatable; JSON array of strings
    Flag,      // no value; JSON true
    NumberOrText,  // vtep-like "inherit" or a number
};

struct Option {
    std::string_view name;  // on the command line with dashes: aging-seconds; in JSON with underscores
    Kind kind;
    std::string_view help;
    bool required = false;
};

struct Command {
    std::string_view noun, verb;       // verb empty: `weft status`
    std::string_view positional;       // name of the one positional argument ("name", "file"), empty if none
    std::string_view help;
    const Option* options;
    std::size_t option_count;
    bool batch = false;                // takes --batch FILE|-
};

}  // namespace weft::protocol

// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// The program weft but for main(): arguments to an exit code, with its streams as parameters for the tests.
#pragma once

#include <iosfwd>
#include <string>
#include <vector>

namespace weft::cli {

enum ExitCode { DONE = 0, REFUSED = 1, USAGE = 2, NO_DAEMON = 3 };

struct Streams {
    std::istream& in;
    std::ostream& out;
    std::ostream& err;
};

// words: without the program's name. environment_instance: WEFT_INSTANCE or null.
int run(const std::vector<std::string>& words, const char* environment_instance, Streams streams);

}  // namespace weft::cli

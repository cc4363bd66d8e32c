// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// `--batch`: rows from a stream to the daemon in large requests, a few ahead of the answers. Lines are passed on as
// text: the CLI only makes sure that each is one object, so that a bad line cannot swallow its neighbours.
#pragma once

#include <cstdint>
#include <functional>
#include <istream>
#include <string>
#include <string_view>

#include "client.hpp"
#include "result.hpp"

namespace weft::cli {

struct BatchOutcome {
    std::uint64_t done = 0;
    std::uint64_t refused = 0;
};

// head: the request without "batch", as `{"command":"fdb add","arguments":{}`. refused is called for each bad line, in
// order of the answers. An Error is the connection's; what was sent before it may have been done.
Result<BatchOutcome> run_batch(Client& client, std::istream& rows, const std::string& head,
                               const std::function<void(std::uint64_t line, const std::string& why)>& refused);

// Does line hold exactly one {…}, as far as brackets and strings tell? All else is left to the daemon.
bool is_one_object(std::string_view line);

}  // namespace weft::cli

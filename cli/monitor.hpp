// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// `weft monitor`: the lines of a stream, each written out at once, until the reader, the user or the daemon ends it.
#pragma once

#include <ostream>
#include <string_view>

#include "client.hpp"

namespace weft::cli {

// The command was accepted. Good: SIGINT or SIGTERM came, or nobody reads `out` any more. An error: the daemon is gone.
// columns: null as in the request's JSON, else the values of these keys, in that order.
Result<> show_stream(Client& client, std::ostream& out, const std::string_view* columns);

}  // namespace weft::cli

// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// One line of the control socket to a request of the table of commands (maps/protocol.hpp). What it asks for is not
// looked at here. Beside the document because both are where a stranger's text comes in, and both are fuzzed.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string_view>

#include "protocol.hpp"
#include "result.hpp"

namespace weft {

struct ControlRequest {
    const protocol::Command* command = nullptr;
    nlohmann::json arguments = nlohmann::json::object();  // keys of the command's options only
    std::optional<nlohmann::json> batch;                  // an array; its rows are not looked at
    std::uint64_t first_line = 1;
};

// Never throws.
Result<ControlRequest> read_request(std::string_view line);

}  // namespace weft

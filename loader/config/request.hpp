// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// One line of the control socket to a request of the table of commands (maps/protocol.hpp). What it asks for is not
// looked at here, nor are the rows of a batch: they stay text (row.hpp reads them), so that one which is no JSON spoils
// no other. Beside the document because both are where a stranger's text comes in, and both are fuzzed.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string_view>
#include <vector>

#include "protocol.hpp"
#include "result.hpp"

namespace weft {

struct ControlRequest {
    const protocol::Command* command = nullptr;
    nlohmann::json arguments = nlohmann::json::object();  // keys of the command's options only
    std::optional<std::vector<std::string_view>> batch;   // its elements, text within the line
    std::uint64_t first_line = 1;
};

// Never throws.
Result<ControlRequest> read_request(std::string_view line);

}  // namespace weft

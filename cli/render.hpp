// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// A result of the daemon as text for people: lists as aligned tables, objects as aligned lines. It knows no command,
// only the order of columns; what it does not know comes behind, so that nothing the daemon says is lost.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

namespace weft::cli {

// columns: keys separated by spaces (protocol::Command::columns); a listed column that no row has is left out.
std::string render(const nlohmann::json& result, std::string_view columns);

}  // namespace weft::cli

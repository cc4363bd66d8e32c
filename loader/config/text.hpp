// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Text in and words out: the JSON reader that finds duplicate keys and says where a syntax error is, and the small
// pieces that complaints are made of.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "config.hpp"

namespace weft {

// Never throws. A syntax error is one complaint with line and column and no path, and the value is then null;
// duplicate keys are complaints each, and the first value stands.
nlohmann::json read_json(std::string_view text, std::vector<Complaint>& complaints);

std::string pointer_token(std::string_view key);  // one step of a JSON pointer (RFC 6901), printable
std::string shown(const nlohmann::json& value);   // as JSON, cut to a length that fits a line
// The candidate that a typing error away from word, or empty.
std::string_view nearest(std::string_view word, const std::vector<std::string_view>& candidates);
// What is wrong with text as an "ip-host", "mac", "interface", "vlans", "bridge", "prefix", "prefix-or-any",
// "match", "gateway" or "ports"; empty if nothing.
std::string wrong_format(const std::string& text, std::string_view format);

}  // namespace weft

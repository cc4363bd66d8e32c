// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Objects as `list --json`, `show` and `status` give them: what is wanted, in the document's keys, and what is.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "engine.hpp"

namespace weft {

nlohmann::json segment_view(Engine& engine, const Segment& segment);
nlohmann::json port_view(Engine& engine, const Port& port);
nlohmann::json uplink_view(Engine& engine, const Uplink& uplink);
nlohmann::json remote_view(Engine& engine, const Segment& segment, const Remote& remote);

const char* verdict_name(std::uint32_t verdict);  // "TX_LOCAL"; null if there is none of the number
// {"TX_LOCAL":{"packets":1,"bytes":60},…} of those that are not zero
nlohmann::json counters_view(const Engine& engine, std::uint16_t account);

}  // namespace weft

// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Objects as the command line gives them. Its options are flat and are text: --team-policy is policy of team, and
// --bind 02:00:00:00:00:05=198.51.100.5 and --remotes 192.0.2.2=02:00:5e:00:00:02 are objects of a list. The schema
// says what lies in what, so that a key of the document is an option without another list of them.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string_view>

namespace weft {

struct Rule;

// In the form of the section's objects. "none" for a key that an object may lack, and that has no default, becomes
// null, which a JSON merge patch (RFC 7396) takes for its removal. What the schema does not know stays where it is, for
// check_form to judge.
nlohmann::json unflattened(std::string_view section, const nlohmann::json& flat);

// The rule of such a flat key in the section's objects; null if they have none.
const Rule* flat_rule(std::string_view section, std::string_view key);

}  // namespace weft

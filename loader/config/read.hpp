// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// JSON of the document's form to the plain values of model.hpp. Lenient: what has the wrong type is left at its default
// and elements keep their index, so that check() can still judge the rest of a document that has complaints of form.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string_view>

#include "model.hpp"

namespace weft {

Document read_document(const nlohmann::json& document, Owner owner);
// Appends the object to the section of out; false if there is no such section.
bool read_object(std::string_view section, const nlohmann::json& object, Owner owner, Document& out);

}  // namespace weft

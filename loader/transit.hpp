// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// What a symmetric routing domain needs of tables that are segments': its L3 VNI is a segment without ports and without
// a flood list, in which each remote's address leads to its router (RFC 9135 §5). Put into the document before tables
// are made of it, so that segments, next hops and accepted remotes are made as always.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "model.hpp"

namespace weft {

// Of the hidden segment: no segment of a document can have it.
std::string transit_name(const RoutingDomain& domain);

// The VTEPs that route for a symmetric domain, each with its router MAC: those it names and its segments' remotes.
std::vector<RouterRemote> routers_of(const Document& document, const RoutingDomain& domain);

// None: the document is as it is wanted.
std::optional<Document> with_transits(const Document& document);

}  // namespace weft

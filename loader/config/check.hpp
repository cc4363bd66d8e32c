// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// What the parts of check() share; not for others.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "config.hpp"

namespace weft {

// "/segments/0/vni"
std::string path_of(const char* section, std::size_t index, std::string_view rest = "");

// An object of the CLI stands in no document: its path alone would mislead.
std::string of_cli(Owner owner, const std::string& what);

// Names of interfaces that no document may use: lo, and what weft calls its own devices.
bool is_reserved(std::string_view interface);

// switches, port_groups, bridges and what ports take from them.
std::vector<Complaint> check_switching(const Document& document);
// gateways of segments, routing_domains and their routes.
std::vector<Complaint> check_routing(const Document& document);
// acls, who names them, and what room access rules and policy routes need.
std::vector<Complaint> check_rules(const Document& document);
// What of a packet cannot be matched together. `path`: of the object that has the match.
void check_match(const FlowMatch& match, const std::string& path, std::vector<Complaint>& out);
// records, beside fdb and neighbors.
std::vector<Complaint> check_records(const Document& document);

}  // namespace weft

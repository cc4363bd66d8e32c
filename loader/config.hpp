// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// The configuration document (docs/config.md): JSON in, Document out, and back. Form comes from the JSON Schema that
// ships as dist/weft.schema.json and is compiled in; meaning (duplicates, families, references, MTU) from check().
// All complaints come at once, each with its JSON path ("/segments/0/vni"); a document with one changes nothing.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model.hpp"
#include "result.hpp"

namespace weft {

struct Complaint {
    std::string path;  // JSON pointer into the document
    std::string what;  // "5001 is taken by segment green", no full stop
    bool operator==(const Complaint&) const = default;
};
std::string text(const std::vector<Complaint>& complaints);  // a line each: path: what

struct Parsed {
    Document document;  // meaningful only when complaints is empty
    std::vector<Complaint> complaints;
};

// text -> document of host (the `hosts` section of that name is merged over the rest; empty: none). Never throws.
Parsed parse_config(std::string_view text, std::string_view host);

// One object as the CLI gives it, checked against the same schema: {"name":"blue","vni":5001}. Paths are relative.
struct ParsedObject {
    Document document;  // holds just that object
    std::vector<Complaint> complaints;
};
// section: "segments", "ports", "uplinks", "fdb", "neighbors"
ParsedObject parse_object(std::string_view section, const nlohmann::json& object, Owner owner);

// What one document must satisfy beyond form; also run on config + cli objects together. Link facts (MTU) are not here.
std::vector<Complaint> check(const Document& document);

// In the form of the document; owner: only that owner's objects. Parsing the result gives the same Document.
nlohmann::json to_json(const Document& document, std::optional<Owner> owner = {});

std::string_view schema_text();

const char* name(Hook hook);     // "auto", "xdp", "xdp-generic", "tc"
const char* name(ArpMode mode);  // "off", "suppress", "strict"
const char* name(Owner owner);   // "dynamic", "evpn", "cli", "config"

}  // namespace weft

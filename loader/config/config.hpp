// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// The configuration document (docs/config.md): JSON in, Document out, and back. Form comes from the JSON Schema that
// ships as dist/weft.schema.json and is compiled in (schema, form); meaning (duplicates, families, references) from
// check(). Its own library, which the CLI links for `weft config check`: nothing here knows the daemon or the kernel.
// All complaints come at once, each with its JSON path ("/segments/0/vni"); a document with one changes nothing.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
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
// section: "segments", "ports", "uplinks", "fdb", "neighbors". Rows of fdb and neighbors may carry what the lists show
// besides ("origin", "age_seconds", "dynamic", "static"): not looked at here. Form only; see RecordCheck for meaning.
// The Document holds just that object.
using ParsedObject = Parsed;
ParsedObject parse_object(std::string_view section, const nlohmann::json& object, Owner owner);

// What one document must satisfy beyond form; also run on config + cli objects together. Link facts (MTU) are not here.
std::vector<Complaint> check(const Document& document);

// What is wrong with ip as another VTEP of document, and with mac as that of a host; empty if nothing.
std::string wrong_remote(const Document& document, const Ip& ip);
std::string wrong_host_mac(const Mac& mac);

// Judges single records by a document's segments, ports and VTEP: a batch makes it once. The document must outlive it.
class RecordCheck {
public:
    explicit RecordCheck(const Document& document);
    // Paths are relative to the record: "/mac". Records are not compared with each other.
    std::vector<Complaint> operator()(const FdbRecord& record) const;
    std::vector<Complaint> operator()(const NeighborRecord& record) const;

private:
    void check_remote(const std::string& segment, const std::optional<Ip>& remote,
                      const std::optional<std::uint32_t>& vni, std::vector<Complaint>& out) const;

    const Document& document_;
    std::unordered_map<std::string_view, const Segment*> segments_;  // by name
    std::unordered_map<std::string_view, const Port*> ports_;        // by interface
};

// In the form of the document; owner: only that owner's objects (vtep and limits are config's; a segment of another
// owner is there with this owner's remotes). Parsing the whole gives the same Document, but for owners.
nlohmann::json to_json(const Document& document, std::optional<Owner> owner = {});
nlohmann::json to_json(const Segment& segment, std::optional<Owner> owner = {});
nlohmann::json to_json(const Port& port);
nlohmann::json to_json(const Uplink& uplink);
nlohmann::json to_json(const FdbRecord& record);
nlohmann::json to_json(const NeighborRecord& record);

std::string_view schema_text();

const char* name(Hook hook);     // "auto", "xdp", "xdp-generic", "tc"
const char* name(ArpMode mode);  // "off", "suppress", "strict"
const char* name(Owner owner);   // "dynamic", "evpn", "cli", "config"

}  // namespace weft

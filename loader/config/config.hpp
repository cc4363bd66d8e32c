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
// section: a list of the document ("segments", "port_groups", "fdb" …). Rows of fdb and neighbors may carry what the
// lists show besides ("origin", "age_seconds", "dynamic", "static"): not looked at here. Form only; see RecordCheck for
// meaning. The Document holds just that object. What it gets from others (complete()) is not in it yet.
using ParsedObject = Parsed;
ParsedObject parse_object(std::string_view section, const nlohmann::json& object, Owner owner);

// What objects get from others: a port its port group's segment, an elected bridge its virtual router id, a flood list
// the hosts of its segment's records. A parsed document is complete; call it after objects were put together in another
// way.
void complete(Document& document);

// What one complete document must satisfy beyond form; also run on config + cli objects together. Link facts (MTU) are
// not here.
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
    void check_place(const FdbRecord& record, std::vector<Complaint>& out) const;

    const Document& document_;
    std::unordered_map<std::string_view, const Segment*> segments_;  // by name
    std::unordered_map<std::string_view, const Port*> ports_;        // by interface
    std::unordered_map<std::string, const Bridge*> bridges_;         // by BridgeName
};

// In the form of the document; owner: only that owner's objects (vtep and limits are config's; a segment or routing
// domain of another owner is there with this owner's remotes or routes). Parsing the whole gives the same Document, but
// for owners.
nlohmann::json to_json(const Document& document, std::optional<Owner> owner = {});
nlohmann::json to_json(const Segment& segment, std::optional<Owner> owner = {});
nlohmann::json to_json(const Port& port);
nlohmann::json to_json(const Uplink& uplink);
nlohmann::json to_json(const Bridge& bridge);
nlohmann::json to_json(const Switch& one);
nlohmann::json to_json(const PortGroup& group);
nlohmann::json to_json(const RoutingDomain& domain, std::optional<Owner> owner = {});
nlohmann::json to_json(const Route& route);
nlohmann::json to_json(const AclRule& rule);
nlohmann::json to_json(const Acl& acl);
nlohmann::json to_json(const FdbRecord& record);
nlohmann::json to_json(const NeighborRecord& record);
nlohmann::json to_json(const TenantRecord& record);

std::string_view schema_text();

// NVGRE's network numbers; what is wrong with one.
bool is_vsid(std::uint32_t number);
std::string wrong_vsid(std::uint32_t number);

const char* name(Hook hook);                    // "auto", "xdp", "xdp-generic", "tc"
const char* name(ArpMode mode);                 // "off", "suppress", "strict", "local-proxy"
const char* name(Encapsulation encapsulation);  // "vxlan", "nvgre"
const char* name(Owner owner);                  // "dynamic", "evpn", "cli", "config"
const char* name(BridgeRole role);              // "designated", "standby", "elected"
const char* name(TagProtocol protocol);         // "802.1q", "802.1ad"
const char* name(TeamPolicy policy);            // "explicit", "port", "source-mac", "ip-hash"
const char* name(Detection detection);          // "link", "beacon"
const char* name(RoutingModel model);           // "asymmetric", "symmetric"
const char* name(RouteAction action);           // "blackhole", "unreachable"
const char* name(RuleDirection direction);      // "from_port", "to_port"

// A bridge as FDB entries and messages name it: interface and VLAN are one bridge's only.
struct BridgeName {
    std::string interface;
    std::uint16_t vlan = 0;

    std::string text() const;  // "eth1:100"
    bool operator==(const BridgeName&) const = default;
};
std::optional<BridgeName> parse_bridge(std::string_view text);

// Of TCP and UDP: "80-89", "443"
std::optional<PortRange> parse_ports(const std::string& text);
std::string text(const PortRange& ports);

// Numbers of IANA that have a name here: "tcp" is 6.
std::optional<std::uint8_t> protocol_of(std::string_view name);
std::string protocol_name(std::uint8_t number);  // empty: it has none

// "100-199", "300"
std::optional<VlanRange> parse_vlans(const std::string& text);
std::string text(const VlanRange& vlans);

}  // namespace weft

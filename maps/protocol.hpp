// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// The control protocol and the one table of commands: the CLI's parser, its help and the daemon's dispatch all come
// from it. Header only, no dependencies: both programs include it.
//
// The socket carries one JSON object a line each way, requests answered in order:
//   -> {"command":"fdb add","arguments":{"segment":"blue","mac":"02:00:00:00:00:02","remote":"192.0.2.2"}}
//   <- {"ok":true,"result":…}            exit 0
//   <- {"ok":false,"error":"one line"}   exit 1; a document's complaints come one a line ("\n") in "error"
// A batch sends "batch":[{…},…] beside "arguments" (which hold for each row); the answer's result is
// {"done":N,"errors":[{"line":L,"error":"…"}]} with lines counted from "first_line" of the request (default 1). A row
// is told from the next by its brackets and strings alone, so one that is no JSON has an error of its own.
//
// A command that streams (`monitor records`) is answered like any other, and then by a line for each thing that happens
// until either end closes: {"event":"new",…}. What a slow reader misses is one line, {"event":"lost","count":N}.
//
// Arguments carry an option's name with underscores (aging-seconds -> "aging_seconds"), flat: config/flat.hpp knows
// that "team_policy" is policy of the document's team. null for a key, or "none", takes it away where it may be absent.
// Two nouns differ from that only for files: `config apply FILE` sends {"document":"<text of the file>"}, and `config
// check` is done by the CLI.
#pragma once

#include <algorithm>
#include <span>
#include <string>
#include <string_view>

namespace weft::protocol {

enum class Kind {
    Text,          // JSON string
    Number,        // JSON number
    Boolean,       // "true"/"false", "on"/"off", "yes"/"no" on the command line; JSON boolean
    Addresses,     // or names: comma separated, repeatable; JSON array of strings
    Flag,          // no value; JSON true
    NumberOrText,  // "none" or a number
};

struct Option {
    std::string_view name;  // on the command line with dashes: aging-seconds; in JSON with underscores
    Kind kind;
    std::string_view help;
    std::string_view values = {};  // separated by spaces; those of a key of the document are in its schema
};

struct Command {
    std::string_view noun, verb;  // verb empty: `weft status`
    std::string_view positional;  // the option (or "file") that may stand without its name, empty if none
    std::string_view required;    // names of options, separated by spaces; a batch gives them in its rows
    std::string_view help;
    std::span<const Option> options;
    std::string_view columns = {};  // keys of the result's rows, in the order people read them
    bool batch = false;             // takes --batch FILE|-
    bool stream = false;            // answers on and on
};

namespace detail {

inline constexpr Option SEGMENT_KEYS[] = {
    {"name", Kind::Text, "name of the segment"},
    {"vni", Kind::Number, "VXLAN network identifier, or NVGRE's VSID; none: the segment is a VLAN of a switch"},
    {"remotes", Kind::Addresses, "the flood list: addresses of the other VTEPs"},
    {"encapsulation", Kind::Text, "vxlan or nvgre"},
    {"learning", Kind::Boolean, "learn MACs and neighbors from frames"},
    {"aging-seconds", Kind::Number, "life of a learned entry that is not used as a source"},
    {"learning-limit", Kind::Number, "how many entries may be learned"},
    {"arp", Kind::Text, "off, suppress (answer what is known), strict (requests never leave the host) or local-proxy"},
    {"unknown-unicast", Kind::Text, "flood or drop"},
    {"keep-inner-tags", Kind::Boolean, "let the guests' VLAN tags travel in the tunnel"},
    {"mtu", Kind::Number, "largest IP packet of a guest"},
    {"acl", Kind::Text, "name of the access rules of all its ports, or none"},
    {"routing-domain", Kind::Text, "name of its routing domain, or none"},
    {"gateway-addresses", Kind::Addresses, "of its gateway, with the prefix: 198.51.100.1/24; empty: no gateway"},
    {"gateway-mac", Kind::Text, "MAC address of its gateway"},
    {"gateway-answer-remote", Kind::Boolean, "the gateway answers ARP and ND of remotes too"},
};
inline constexpr Option PORT_KEYS[] = {
    {"interface", Kind::Text, "tap, veth or NIC that serves the guest"},
    {"segment", Kind::Text, "name of its segment, or else:"},
    {"port-group", Kind::Text, "name of its port group, which gives the segment"},
    {"service", Kind::Text, "what a port of the host itself is for; none: a guest's"},
    {"acl", Kind::Text, "name of its access rules, or none (its port group's)"},
    {"bind", Kind::Addresses, "the only addresses behind it: MAC, or MAC=IP+IP…; empty: any"},
    {"hook", Kind::Text, "auto, xdp or tc"},
};
inline constexpr Option BRIDGE_KEYS[] = {
    {"segment", Kind::Text, "name of its segment"},
    {"interface", Kind::Text, "the NIC that carries the VLAN"},
    {"vlan", Kind::Number, "VLAN id on the wire, 1 to 4094"},
    {"role", Kind::Text, "designated, standby or elected"},
    {"tag-protocol", Kind::Text, "802.1q or 802.1ad"},
    {"virtual-router-id", Kind::Number, "of the election, 1 to 255"},
    {"priority", Kind::Number, "in the election, 1 to 254: the highest is designated"},
};
inline constexpr Option BRIDGE_NAME[] = {
    {"segment", Kind::Text, "name of its segment"},
    {"interface", Kind::Text, "the NIC that carries the VLAN"},
    {"vlan", Kind::Number, "VLAN id on the wire"},
};
inline constexpr Option SWITCH_KEYS[] = {
    {"name", Kind::Text, "name of the switch"},
    {"team-uplinks", Kind::Addresses, "its NICs"},
    {"team-policy", Kind::Text, "explicit, port, source-mac or ip-hash"},
    {"team-active", Kind::Addresses, "uplinks to use, in order"},
    {"team-standby", Kind::Addresses, "uplinks that take over, in order"},
    {"team-detection", Kind::Text, "link or beacon"},
    {"team-failback", Kind::Boolean, "go back to an uplink that is up again"},
    {"team-failback-delay-seconds", Kind::Number, "how long it must be up before"},
    {"team-notify-switches", Kind::Boolean, "tell physical switches by RARP when MACs move"},
};
inline constexpr Option PORT_GROUP_KEYS[] = {
    {"name", Kind::Text, "name of the port group"},
    {"switch", Kind::Text, "name of its switch"},
    {"segment", Kind::Text, "name of its segment"},
    {"vlan", Kind::Number, "tag on the uplinks (VLAN-backed segment) or of the guests (overlay); 0: none"},
    {"trunk", Kind::Addresses, "VLANs that guests tag themselves: 100-199,300"},
    {"isolated", Kind::Boolean, "its ports do not reach each other"},
    {"acl", Kind::Text, "name of the access rules of its ports, or none"},
    {"team-policy", Kind::Text, "explicit, port, source-mac, ip-hash or none (the switch's)"},
    {"team-active", Kind::Addresses, "uplinks to use, in order"},
    {"team-standby", Kind::Addresses, "uplinks that take over, in order"},
    {"team-detection", Kind::Text, "link, beacon or none (the switch's)"},
    {"team-failback", Kind::Boolean, "go back to an uplink that is up again"},
    {"team-failback-delay-seconds", Kind::NumberOrText, "how long it must be up before, or none (the switch's)"},
    {"team-notify-switches", Kind::Boolean, "tell physical switches by RARP when MACs move"},
    {"security-promiscuous", Kind::Text, "accept or reject"},
    {"security-mac-changes", Kind::Text, "accept or reject"},
    {"security-forged-transmits", Kind::Text, "accept or reject"},
    {"limits-from-port-average-kbps", Kind::NumberOrText, "from the guest, in the long run; none: no limit"},
    {"limits-from-port-peak-kbps", Kind::NumberOrText, "from the guest, in a burst, or none"},
    {"limits-from-port-burst-kbytes", Kind::NumberOrText, "length of a burst from the guest, or none"},
    {"limits-from-port-excess", Kind::Text, "drop or delay what is over the rate from the guest"},
    {"limits-to-port-average-kbps", Kind::NumberOrText, "to the guest, in the long run; none: no limit"},
    {"limits-to-port-peak-kbps", Kind::NumberOrText, "to the guest, in a burst, or none"},
    {"limits-to-port-burst-kbytes", Kind::NumberOrText, "length of a burst to the guest, or none"},
    {"limits-to-port-excess", Kind::Text, "drop or delay what is over the rate to the guest"},
    {"storm-broadcast-pps", Kind::NumberOrText, "broadcasts a second from each port, or none"},
    {"storm-multicast-pps", Kind::NumberOrText, "multicasts a second from each port, or none"},
    {"storm-unknown-unicast-pps", Kind::NumberOrText, "unicasts to unknown MACs a second from each port, or none"},
};
inline constexpr Option UPLINK_KEYS[] = {
    {"interface", Kind::Text, "the physical NIC"},
    {"hook", Kind::Text, "auto, xdp, xdp-generic or tc"},
};
inline constexpr Option REMOTE_KEYS[] = {
    {"segment", Kind::Text, "name of the segment"},
    {"address", Kind::Text, "address of the remote VTEP"},
};
inline constexpr Option FDB_KEYS[] = {
    {"segment", Kind::Text, "name of the segment"},
    {"mac", Kind::Text, "MAC address"},
    {"port", Kind::Text, "interface of the local port behind which it is"},
    {"remote", Kind::Text, "address of the VTEP behind which it is"},
    {"bridge", Kind::Text, "interface and VLAN of the bridge behind which it is: eth1:100"},
    {"vni", Kind::Number, "VNI towards that remote, if not the segment's"},
    {"origin", Kind::Text, "cli, evpn or dynamic (list, flush: config too)", "cli evpn dynamic config"},
    {"dynamic", Kind::Flag, "learned entries; with add: one that ages"},
    {"static", Kind::Flag, "entries of config and cli"},
};
inline constexpr Option NEIGHBOR_KEYS[] = {
    {"segment", Kind::Text, "name of the segment"},
    {"ip", Kind::Text, "address of the guest"},
    {"mac", Kind::Text, "its MAC address"},
    {"remote", Kind::Text, "VTEP behind which it is, where the FDB cannot say"},
    {"vni", Kind::Number, "VNI towards that remote, if not the segment's"},
    {"origin", Kind::Text, "cli, evpn or dynamic (list, flush: config too)", "cli evpn dynamic config"},
    {"dynamic", Kind::Flag, "learned entries; with add: one that ages"},
    {"static", Kind::Flag, "entries of config and cli"},
};
inline constexpr Option RECORD_KEYS[] = {
    {"vsid", Kind::Number, "number of the segment, its VNI or VSID"},
    {"ca", Kind::Text, "customer address: the guest's"},
    {"mac", Kind::Text, "its MAC address"},
    {"pa", Kind::Text, "provider address: the VTEP behind which it is"},
    {"origin", Kind::Text, "cli, evpn or dynamic (list, flush: config too)", "cli evpn dynamic config"},
    {"dynamic", Kind::Flag, "learned records; with add: one that ages"},
    {"static", Kind::Flag, "records of config and cli"},
};
inline constexpr Option MONITOR_RECORDS_KEYS[] = {
    {"vsid", Kind::Number, "only those of this segment"},
    {"origin", Kind::Text, "only those of config, cli, evpn or dynamic", "config cli evpn dynamic"},
};
inline constexpr Option DOMAIN_KEYS[] = {
    {"name", Kind::Text, "name of the routing domain"},
    {"model", Kind::Text, "asymmetric or symmetric"},
    {"l3-vni", Kind::NumberOrText, "VNI between the routers of a symmetric domain, or none"},
    {"router-mac", Kind::Text, "MAC address of its routers, or none"},
    {"remotes", Kind::Addresses, "other routers: ADDRESS, or ADDRESS=MAC where it has a MAC of its own"},
};
inline constexpr Option ROUTE_KEYS[] = {
    {"routing-domain", Kind::Text, "name of the routing domain"},
    {"prefix", Kind::Text, "what is routed so: 0.0.0.0/0"},
    {"via", Kind::Addresses, "the next hops, or else:"},
    {"action", Kind::Text, "blackhole or unreachable, or else:", "blackhole unreachable"},
    {"leak", Kind::Text, "the routing domain whose routes decide"},
};
inline constexpr Option ROUTE_NAME[] = {
    {"routing-domain", Kind::Text, "name of the routing domain"},
    {"prefix", Kind::Text, "prefix of the route"},
};
inline constexpr Option ROUTE_FILTERS[] = {
    {"routing-domain", Kind::Text, "only those of this routing domain"},
    {"prefix", Kind::Text, "only those of this prefix"},
    {"kind", Kind::Text, "only via, blackhole, unreachable, leak, connected or local ones",
     "via blackhole unreachable leak connected local"},
};
inline constexpr Option ACL_KEYS[] = {
    {"name", Kind::Text, "name of the access rules"},
    {"default", Kind::Text, "deny or allow what no rule of its direction matches"},
    {"rules", Kind::Addresses, "KEY=VALUE+KEY=VALUE…: priority, action, direction, protocol, source, stateful …"},
};
inline constexpr Option BY_NAME[] = {{"name", Kind::Text, "its name"}};
inline constexpr Option BY_INTERFACE[] = {{"interface", Kind::Text, "its interface"}};
inline constexpr Option PORT_FILTERS[] = {
    {"segment", Kind::Text, "only those of this segment"},
    {"port-group", Kind::Text, "only those of this port group"},
};
inline constexpr Option PORT_GROUP_FILTERS[] = {
    {"switch", Kind::Text, "only those on this switch"},
    {"segment", Kind::Text, "only those of this segment"},
};
inline constexpr Option STATS_KEYS[] = {
    {"by", Kind::Text, "segment, port or verdict (default: verdict)", "segment port verdict"},
};
inline constexpr Option SHOW_KEYS[] = {{"owner", Kind::Text, "only what config or cli owns", "config cli"}};
inline constexpr Option CHECK_KEYS[] = {{"host", Kind::Text, "as this host of the document's hosts"}};
inline constexpr Option APPLY_KEYS[] = {
    {"dry-run", Kind::Flag, "say what would change, change nothing"},
    {"replace", Kind::Flag, "remove objects of the CLI that the document does not name"},
};

inline constexpr std::string_view SEGMENT_COLUMNS =
    "name vni remotes encapsulation learning aging_seconds learning_limit arp unknown_unicast keep_inner_tags mtu "
    "routing_domain gateway_addresses owner";
inline constexpr std::string_view PORT_COLUMNS = "interface segment port_group service hook state owner";
inline constexpr std::string_view BRIDGE_COLUMNS =
    "segment interface vlan tag_protocol role state given_role virtual_router_id priority owner";
inline constexpr std::string_view SWITCH_COLUMNS = "name uplinks state port_groups team owner";
inline constexpr std::string_view PORT_GROUP_COLUMNS =
    "name switch segment vlan trunk isolated ports team security limits storm owner";
inline constexpr std::string_view UPLINK_COLUMNS = "interface hook state owner";
inline constexpr std::string_view REMOTE_COLUMNS = "segment vni address owner";
inline constexpr std::string_view DOMAIN_COLUMNS = "name model l3_vni router_mac segments owner";
inline constexpr std::string_view ROUTE_COLUMNS = "routing_domain prefix kind via segment leak origin";
inline constexpr std::string_view ACL_COLUMNS = "name default rules ports port_groups segments owner";
inline constexpr std::string_view FDB_COLUMNS = "segment vni mac port remote bridge origin age_seconds";
inline constexpr std::string_view NEIGHBOR_COLUMNS = "segment vni ip mac remote origin age_seconds";
inline constexpr std::string_view RECORD_COLUMNS = "vsid segment ca mac pa origin age_seconds";
inline constexpr std::string_view RECORD_EVENT_COLUMNS = "time event vsid segment ca mac pa origin";
inline constexpr std::string_view CHANGE_COLUMNS = "action object name";
inline constexpr std::string_view STATS_COLUMNS = "segment port verdict packets bytes";

}  // namespace detail

inline constexpr Command COMMANDS[] = {
    {"status", "", "", "", "what the daemon runs and what it waits for", {}},
    {"check", "", "", "", "test the datapath; refused (1) while anything is degraded", {}},
    {"stats", "", "", "", "packets and bytes by verdict, segment or port", detail::STATS_KEYS, detail::STATS_COLUMNS},

    {"config", "show", "", "", "everything, in the form that apply takes", detail::SHOW_KEYS},
    {"config", "check", "file", "file", "read a document and say what is wrong with it; needs no daemon",
     detail::CHECK_KEYS},
    {"config", "apply", "file", "file", "make the document the configuration", detail::APPLY_KEYS,
     detail::CHANGE_COLUMNS},

    {"segment", "list", "", "", "all segments", {}, detail::SEGMENT_COLUMNS},
    {"segment", "show", "name", "name", "one segment", detail::BY_NAME, detail::SEGMENT_COLUMNS},
    {"segment", "add", "name", "name", "make a segment", detail::SEGMENT_KEYS, detail::CHANGE_COLUMNS},
    {"segment", "set", "name", "name", "change the keys that are given", detail::SEGMENT_KEYS, detail::CHANGE_COLUMNS},
    {"segment", "del", "name", "name", "remove a segment", detail::BY_NAME, detail::CHANGE_COLUMNS},

    {"port", "list", "", "", "all ports", detail::PORT_FILTERS, detail::PORT_COLUMNS},
    {"port", "show", "interface", "interface", "one port: its hook, and why", detail::BY_INTERFACE,
     detail::PORT_COLUMNS},
    {"port", "add", "interface", "interface", "attach an interface to a segment or a port group", detail::PORT_KEYS,
     detail::CHANGE_COLUMNS},
    {"port", "set", "interface", "interface", "change the keys that are given", detail::PORT_KEYS,
     detail::CHANGE_COLUMNS},
    {"port", "del", "interface", "interface", "detach a port", detail::BY_INTERFACE, detail::CHANGE_COLUMNS},

    {"uplink", "list", "", "", "all uplinks", {}, detail::UPLINK_COLUMNS},
    {"uplink", "show", "interface", "interface", "one uplink: its hook, and why", detail::BY_INTERFACE,
     detail::UPLINK_COLUMNS},
    {"uplink", "add", "interface", "interface", "use an interface as an uplink", detail::UPLINK_KEYS,
     detail::CHANGE_COLUMNS},
    {"uplink", "set", "interface", "interface", "change the keys that are given", detail::UPLINK_KEYS,
     detail::CHANGE_COLUMNS},
    {"uplink", "del", "interface", "interface", "stop using an uplink", detail::BY_INTERFACE, detail::CHANGE_COLUMNS},

    {"bridge", "list", "", "", "VLANs that are joined to segments; options are filters", detail::BRIDGE_NAME,
     detail::BRIDGE_COLUMNS},
    {"bridge", "add", "", "segment interface vlan", "join a VLAN of a NIC to a segment", detail::BRIDGE_KEYS,
     detail::CHANGE_COLUMNS},
    {"bridge", "set", "", "segment interface vlan", "change the keys that are given, or the role until an apply does",
     detail::BRIDGE_KEYS, detail::CHANGE_COLUMNS},
    {"bridge", "del", "", "segment interface vlan", "take a VLAN from its segment", detail::BRIDGE_NAME,
     detail::CHANGE_COLUMNS},

    {"switch", "list", "", "", "all switches", {}, detail::SWITCH_COLUMNS},
    {"switch", "show", "name", "name", "one switch", detail::BY_NAME, detail::SWITCH_COLUMNS},
    {"switch", "add", "name", "name", "make a switch", detail::SWITCH_KEYS, detail::CHANGE_COLUMNS},
    {"switch", "set", "name", "name", "change the keys that are given", detail::SWITCH_KEYS, detail::CHANGE_COLUMNS},
    {"switch", "del", "name", "name", "remove a switch", detail::BY_NAME, detail::CHANGE_COLUMNS},

    {"port-group", "list", "", "", "all port groups", detail::PORT_GROUP_FILTERS, detail::PORT_GROUP_COLUMNS},
    {"port-group", "show", "name", "name", "one port group", detail::BY_NAME, detail::PORT_GROUP_COLUMNS},
    {"port-group", "add", "name", "name switch segment", "make a port group", detail::PORT_GROUP_KEYS,
     detail::CHANGE_COLUMNS},
    {"port-group", "set", "name", "name", "change the keys that are given", detail::PORT_GROUP_KEYS,
     detail::CHANGE_COLUMNS},
    {"port-group", "del", "name", "name", "remove a port group", detail::BY_NAME, detail::CHANGE_COLUMNS},

    {"remote", "list", "", "", "the flood lists", detail::REMOTE_KEYS, detail::REMOTE_COLUMNS},
    {"remote", "add", "address", "segment address", "add a VTEP to a segment's flood list", detail::REMOTE_KEYS,
     detail::CHANGE_COLUMNS},
    {"remote", "del", "address", "segment address", "take a VTEP from a flood list; entries that point there stay",
     detail::REMOTE_KEYS, detail::CHANGE_COLUMNS},

    {"routing-domain", "list", "", "", "all routing domains", {}, detail::DOMAIN_COLUMNS},
    {"routing-domain", "show", "name", "name", "one routing domain", detail::BY_NAME, detail::DOMAIN_COLUMNS},
    {"routing-domain", "add", "name", "name", "make a routing domain", detail::DOMAIN_KEYS, detail::CHANGE_COLUMNS},
    {"routing-domain", "set", "name", "name", "change the keys that are given", detail::DOMAIN_KEYS,
     detail::CHANGE_COLUMNS},
    {"routing-domain", "del", "name", "name", "remove a routing domain and its routes", detail::BY_NAME,
     detail::CHANGE_COLUMNS},

    {"route", "list", "", "", "routes; options are filters", detail::ROUTE_FILTERS, detail::ROUTE_COLUMNS},
    {"route", "show", "prefix", "routing-domain prefix", "one route", detail::ROUTE_NAME, detail::ROUTE_COLUMNS},
    {"route", "add", "prefix", "routing-domain prefix", "add a route; refused if another to the prefix is there",
     detail::ROUTE_KEYS, detail::CHANGE_COLUMNS},
    {"route", "set", "prefix", "routing-domain prefix", "change where a route leads", detail::ROUTE_KEYS,
     detail::CHANGE_COLUMNS},
    {"route", "del", "prefix", "routing-domain prefix", "remove a route", detail::ROUTE_NAME, detail::CHANGE_COLUMNS},

    {"acl", "list", "", "", "access rules, and who names them", {}, detail::ACL_COLUMNS},
    {"acl", "show", "name", "name", "the rules of one name, with the packets that each decided", detail::BY_NAME,
     detail::ACL_COLUMNS},
    {"acl", "add", "name", "name", "make access rules", detail::ACL_KEYS, detail::CHANGE_COLUMNS},
    {"acl", "set", "name", "name", "change the keys that are given; rules replace all there are", detail::ACL_KEYS,
     detail::CHANGE_COLUMNS},
    {"acl", "del", "name", "name", "remove access rules that nobody names", detail::BY_NAME, detail::CHANGE_COLUMNS},

    {"fdb", "list", "", "", "MAC addresses and where they are; options are filters", detail::FDB_KEYS,
     detail::FDB_COLUMNS},
    {"fdb",
     "add",
     "",
     "segment mac",
     "add an entry; refused if another of the same rank is there",
     detail::FDB_KEYS,
     {},
     true},
    {"fdb", "set", "", "segment mac", "add or replace an entry", detail::FDB_KEYS, {}, true},
    {"fdb", "del", "", "segment mac", "remove an entry", detail::FDB_KEYS, {}, true},
    {"fdb", "flush", "", "", "remove all entries that the filters take", detail::FDB_KEYS},

    {"neighbor", "list", "", "", "IP addresses and their MACs; options are filters", detail::NEIGHBOR_KEYS,
     detail::NEIGHBOR_COLUMNS},
    {"neighbor",
     "add",
     "",
     "segment ip mac",
     "add an entry; refused if another of the same rank is there",
     detail::NEIGHBOR_KEYS,
     {},
     true},
    {"neighbor", "set", "", "segment ip mac", "add or replace an entry", detail::NEIGHBOR_KEYS, {}, true},
    {"neighbor", "del", "", "segment ip", "remove an entry", detail::NEIGHBOR_KEYS, {}, true},
    {"neighbor", "flush", "", "", "remove all entries that the filters take", detail::NEIGHBOR_KEYS},

    {"record", "list", "", "", "tenant records: who has an address, and behind which host; options are filters",
     detail::RECORD_KEYS, detail::RECORD_COLUMNS},
    {"record",
     "add",
     "",
     "vsid ca mac pa",
     "add a record; refused if another of the same rank is there",
     detail::RECORD_KEYS,
     {},
     true},
    {"record", "set", "", "vsid ca mac pa", "add or replace a record", detail::RECORD_KEYS, {}, true},
    {"record", "del", "", "vsid ca", "remove a record", detail::RECORD_KEYS, {}, true},
    {"record", "flush", "", "", "remove all records that the filters take", detail::RECORD_KEYS},

    {"monitor", "records", "", "", "tell of each record that becomes new, moves or goes, until it is stopped",
     detail::MONITOR_RECORDS_KEYS, detail::RECORD_EVENT_COLUMNS, false, true},
};

constexpr const Command* find(std::string_view noun, std::string_view verb) {
    const auto at = std::ranges::find_if(COMMANDS, [&](const Command& c) { return c.noun == noun && c.verb == verb; });
    return at == std::end(COMMANDS) ? nullptr : at;
}

// "fdb add" or "status", as the request's "command" has it.
constexpr const Command* find(std::string_view name) {
    const auto space = name.find(' ');
    return find(name.substr(0, space), space == name.npos ? "" : name.substr(space + 1));
}

constexpr const Option* find_option(const Command& command, std::string_view option) {
    const auto at = std::ranges::find(command.options, option, &Option::name);
    return at == command.options.end() ? nullptr : &*at;
}

// "fdb add"; the inverse of find.
inline std::string name(const Command& command) {
    std::string out(command.noun);
    if (!command.verb.empty()) out.append(" ").append(command.verb);
    return out;
}

// aging-seconds -> aging_seconds
inline std::string json_key(std::string_view option) {
    std::string out(option);
    std::ranges::replace(out, '-', '_');
    return out;
}

}  // namespace weft::protocol

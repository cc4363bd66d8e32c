// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// What the operator wants, in plain values: the objects of the configuration document and of the CLI. config.cpp makes
// a Document of JSON, reconcile.cpp makes kernel tables of it. No kernel, no JSON, no I/O here.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "net.hpp"

namespace weft {

enum class Hook { Auto, Xdp, XdpGeneric, Tc };
enum class ArpMode { Off, Suppress, Strict, LocalProxy };
enum class Encapsulation { Vxlan, Nvgre };

// Who wants the object: ORIGIN_CONFIG or ORIGIN_CLI (abi.h); tables add ORIGIN_EVPN and ORIGIN_DYNAMIC.
using Owner = origin;

struct Vtep {
    Ip address;
    std::uint16_t port = 4789;
    std::uint8_t ttl = 64;
    std::optional<std::uint8_t> tos;  // none: inherit the inner packet's DSCP
    bool df = true;
    bool drop_reserved_bits = false;
    bool accept_any = false;
    bool udp6_zero_checksum = false;
    bool accept_zero_checksum6 = false;
    bool operator==(const Vtep&) const = default;
};

struct Limits {                           // frames a second
    std::uint32_t icmp_errors_pps = 100;  // per port, burst 10
    std::uint32_t arp_pps = 500;          // per port
    std::uint32_t punt_pps = 1000;        // per segment
    bool operator==(const Limits&) const = default;
};

struct Uplink {
    std::string interface;
    Hook hook = Hook::Auto;
    Owner owner = ORIGIN_CONFIG;
    bool operator==(const Uplink&) const = default;
};

struct Remote {
    Ip address;
    Owner owner = ORIGIN_CONFIG;
    bool operator==(const Remote&) const = default;
};

// The address of every host's router in a segment, the same on all of them.
struct Gateway {
    std::vector<Prefix> addresses;  // with the bits behind the prefix; none: the segment is not routed
    Mac mac{{0x00, 0x00, 0x5e, 0x00, 0x01, 0x01}};
    bool answer_remote = false;  // ARP and ND of remotes too
    bool operator==(const Gateway&) const = default;
};

struct Segment {
    std::string name;
    Encapsulation encapsulation = Encapsulation::Vxlan;
    std::uint32_t vni = 0;        // with Nvgre a VSID; 0: VLAN-backed, its ports meet a physical VLAN of a switch
    std::vector<Remote> remotes;  // the flood list
    bool learning = true;
    std::uint32_t aging_seconds = 300;
    std::uint32_t learning_limit = 16384;
    ArpMode arp = ArpMode::Off;
    bool drop_unknown_unicast = false;
    bool keep_inner_tags = false;
    std::optional<std::uint16_t> mtu;  // none: what the uplinks allow
    std::string routing_domain;        // empty: none
    Gateway gateway;
    std::string acl;  // empty: none
    Owner owner = ORIGIN_CONFIG;
    bool operator==(const Segment&) const = default;
};

// A guest's address and what may stand behind it.
struct Binding {
    Mac mac;
    std::vector<Ip> ips;  // empty: any
    bool operator==(const Binding&) const = default;
};

struct Port {
    std::string interface;
    std::string segment;     // of the port group, where it has one
    std::string port_group;  // empty: none
    std::string service;     // what a kernel port is for: management, vmotion, storage, …; empty: a guest's
    std::vector<Binding> bind;
    std::string acl;  // empty: its port group's
    Hook hook = Hook::Auto;
    Owner owner = ORIGIN_CONFIG;
    bool operator==(const Port&) const = default;
};

// A static FDB entry: exactly one of port, remote and bridge is set.
struct FdbRecord {
    std::string segment;
    Mac mac;
    std::string port;  // interface name, empty if it is elsewhere
    std::optional<Ip> remote;
    std::optional<std::uint32_t> vni;   // of the remote, none: the segment's
    std::optional<std::string> bridge;  // "eth1:100"
    Owner owner = ORIGIN_CONFIG;
    bool operator==(const FdbRecord&) const = default;
};

struct NeighborRecord {
    std::string segment;
    Ip ip;
    Mac mac;
    std::optional<Ip> remote;
    std::optional<std::uint32_t> vni;
    Owner owner = ORIGIN_CONFIG;
    bool operator==(const NeighborRecord&) const = default;
};

enum class BridgeRole { Designated, Standby, Elected };
enum class TagProtocol : std::uint16_t { Dot1q = 0x8100, Dot1ad = 0x88a8 };

// A VLAN of a NIC joined to an overlay segment.
struct Bridge {
    std::string segment;
    std::string interface;
    std::uint16_t vlan = 0;
    TagProtocol tag_protocol = TagProtocol::Dot1q;
    BridgeRole role = BridgeRole::Designated;  // as the document (or `bridge add`) says
    std::optional<BridgeRole> set_role;        // `bridge set --role`: holds over role until an apply names another
    std::uint8_t virtual_router_id = 0;        // of the election, 1 to 255; 0: not elected
    std::uint8_t priority = 100;               // 1 to 254, the highest is designated
    Owner owner = ORIGIN_CONFIG;
    BridgeRole role_now() const { return set_role.value_or(role); }
    // Its frames depend on the election's lease, whatever the election's last word (set_role) was.
    bool is_elected() const { return role == BridgeRole::Elected || set_role == BridgeRole::Elected; }
    bool operator==(const Bridge&) const = default;
};

enum class TeamPolicy { Explicit, Port, SourceMac, IpHash };
enum class Detection { Link, Beacon };

// How traffic is shared among a switch's uplinks. In a port group only what is set overrides the switch's.
struct Team {
    std::vector<std::string> uplinks;  // a switch's only
    std::optional<TeamPolicy> policy;
    std::optional<std::vector<std::string>> active, standby;  // neither: all uplinks are active
    std::optional<Detection> detection;
    std::optional<bool> failback, notify_switches;
    std::optional<std::uint32_t> failback_delay_seconds;
    bool operator==(const Team&) const = default;
};

struct Switch {
    std::string name;
    Team team;
    Owner owner = ORIGIN_CONFIG;
    bool operator==(const Switch&) const = default;
};

struct VlanRange {
    std::uint16_t first = 0, last = 0;  // both included
    bool operator==(const VlanRange&) const = default;
};

struct RateLimit {
    std::optional<std::uint64_t> average_kbps, peak_kbps;
    std::optional<std::uint32_t> burst_kbytes;
    bool delay = false;  // what is over the rate waits for its turn instead of being dropped
    bool operator==(const RateLimit&) const = default;
};

struct PortGroup {
    std::string name;
    std::string switch_name;
    std::string segment;
    std::uint16_t vlan = 0;        // VLAN-backed: the tag on the uplinks; overlay: the guest's; 0: none
    std::vector<VlanRange> trunk;  // tags of the guest that pass
    bool isolated = false;         // its ports do not reach each other
    Team team;
    bool accept_promiscuous = false, accept_mac_changes = false, accept_forged_transmits = false;
    RateLimit from_port, to_port;
    std::optional<std::uint32_t> broadcast_pps, multicast_pps, unknown_unicast_pps;
    std::string acl;  // empty: none
    Owner owner = ORIGIN_CONFIG;
    bool operator==(const PortGroup&) const = default;
};

enum class RoutingModel { Asymmetric, Symmetric };
enum class RouteAction { Blackhole, Unreachable };
constexpr std::uint8_t WRONG_LENGTH = 255;

// One of via, action and leak says what becomes of a packet.
struct Route {
    Prefix prefix{{}, WRONG_LENGTH};  // no address has so long a prefix: its form is wrong
    std::vector<Ip> via;              // next hops, among which flows are shared
    std::optional<RouteAction> action;
    std::string leak;  // the routing domain that routes it
    Owner owner = ORIGIN_CONFIG;
    bool operator==(const Route&) const = default;
};

struct PortRange {
    std::uint16_t first = 0, last = 0;  // both included
    bool operator==(const PortRange&) const = default;
};

// Packets by their headers; what is absent is any.
struct FlowMatch {
    std::optional<Prefix> source, destination;
    std::optional<std::uint8_t> protocol;  // of IANA
    std::optional<PortRange> source_ports, destination_ports;
    std::optional<std::uint8_t> dscp;
    bool operator==(const FlowMatch&) const = default;
};

// Looked at before the routes, the lowest priority first.
struct PolicyRoute {
    std::uint16_t priority = 0;
    FlowMatch match;
    std::vector<Ip> via;
    bool operator==(const PolicyRoute&) const = default;
};

// A VTEP that routes what comes by the L3 VNI.
struct RouterRemote {
    Ip address;
    std::optional<Mac> router_mac;  // none: the domain's
    bool operator==(const RouterRemote&) const = default;
};

// Segments that are routed to each other.
struct RoutingDomain {
    std::string name;
    RoutingModel model = RoutingModel::Asymmetric;
    std::optional<std::uint32_t> l3_vni;  // of a symmetric one
    std::optional<Mac> router_mac;
    std::vector<RouterRemote> remotes;  // beside those of its segments
    std::vector<Route> routes;
    std::vector<PolicyRoute> policy_routes;
    Owner owner = ORIGIN_CONFIG;
    bool operator==(const RoutingDomain&) const = default;
};

enum class RuleDirection { FromPort, ToPort };  // what guests send, what they get

struct AclRule {
    std::uint16_t priority = 0;  // the lowest is looked at first
    bool allow = false;
    RuleDirection direction = RuleDirection::ToPort;
    FlowMatch match;
    bool stateful = false;  // answers to what it allows pass too
    bool operator==(const AclRule&) const = default;
};

// Access rules, which ports, port groups and segments name.
struct Acl {
    std::string name;
    bool default_allow =
        false;  // what no rule of its direction matches; a direction without rules lets everything pass
    std::vector<AclRule> rules;
    Owner owner = ORIGIN_CONFIG;
    bool operator==(const Acl&) const = default;
};

// Of a tenant's address table: who has the customer address, and behind which provider address (RFC 7637's terms).
struct TenantRecord {
    std::uint32_t vsid = 0;  // of a segment of either encapsulation
    Ip ca;
    Mac mac;
    Ip pa;
    Owner owner = ORIGIN_CONFIG;
    bool operator==(const TenantRecord&) const = default;
};

struct Document {
    std::optional<Vtep> vtep;
    Limits limits;
    std::vector<Uplink> uplinks;
    std::vector<Segment> segments;
    std::vector<Port> ports;
    std::vector<FdbRecord> fdb;
    std::vector<NeighborRecord> neighbors;
    std::vector<Bridge> bridges;
    std::vector<Switch> switches;
    std::vector<PortGroup> port_groups;
    std::vector<RoutingDomain> routing_domains;
    std::vector<Acl> acls;
    std::vector<TenantRecord> records;
    bool operator==(const Document&) const = default;
};

}  // namespace weft

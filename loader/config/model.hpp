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
enum class ArpMode { Off, Suppress, Strict };

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

struct Segment {
    std::string name;
    std::uint32_t vni = 0;
    std::vector<Remote> remotes;  // the flood list
    bool learning = true;
    std::uint32_t aging_seconds = 300;
    std::uint32_t learning_limit = 16384;
    ArpMode arp = ArpMode::Off;
    bool drop_unknown_unicast = false;
    bool keep_inner_tags = false;
    std::optional<std::uint16_t> mtu;  // none: what the uplinks allow
    Owner owner = ORIGIN_CONFIG;
    bool operator==(const Segment&) const = default;
};

struct Port {
    std::string interface;
    std::string segment;
    Hook hook = Hook::Auto;
    Owner owner = ORIGIN_CONFIG;
    bool operator==(const Port&) const = default;
};

// A static FDB entry: exactly one of port and remote is set.
struct FdbRecord {
    std::string segment;
    Mac mac;
    std::string port;  // interface name, empty if remote
    std::optional<Ip> remote;
    std::optional<std::uint32_t> vni;  // of the remote, none: the segment's
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

struct Document {
    std::optional<Vtep> vtep;
    Limits limits;
    std::vector<Uplink> uplinks;
    std::vector<Segment> segments;
    std::vector<Port> ports;
    std::vector<FdbRecord> fdb;
    std::vector<NeighborRecord> neighbors;
    bool operator==(const Document&) const = default;
};

}  // namespace weft

// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// What the options of `weft fdb`, `weft neighbor` and `weft record` (config/row.hpp) mean on this host: which segment,
// which next hop, whose entry, and which entries a filter takes.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "engine.hpp"
#include "result.hpp"
#include "row.hpp"

namespace weft::commands {

// The MAC of a host. EINVAL if there is none, or none that a host can have.
Result<Mac> host_mac(const EntryRow& row);
// The address of a host; key names it in the error.
Result<Ip> host_address(const EntryRow::Text& text, const char* key);
Result<std::uint8_t> origin_of(std::string_view text);
// --origin, --dynamic, --static of add and set; ORIGIN_CLI by default.
Result<std::uint8_t> wanted_origin(const EntryRow& row);
// used_s of an added entry: now, less what age_seconds of a listed row says; 0 if it does not age.
std::uint32_t wanted_stamp(const EntryRow& row, std::uint8_t origin);

// Looks up what rows name, once for each name: a batch has a million rows.
class Resolver {
public:
    explicit Resolver(Engine& engine) : engine_(&engine) {}
    Result<const SegmentState*> segment(const EntryRow& row);
    // By "vsid".
    Result<const SegmentState*> tenant(const EntryRow& row);
    // The next hop of "remote" and "vni", made if it is not there; 0 without a remote.
    Result<std::uint32_t> nexthop(const EntryRow& row, const SegmentState& segment);
    // The circuit of "bridge", one of the segment's.
    Result<std::uint32_t> circuit(const EntryRow& row, const SegmentState& segment);

private:
    using Names = std::map<std::string, std::uint32_t, std::less<>>;  // remote -> next hop
    Engine* engine_;
    std::map<std::string, const SegmentState*, std::less<>> segments_;
    std::map<std::uint64_t, const SegmentState*> tenants_;  // by VSID
    std::map<std::uint32_t, Names> nexthops_;               // by VNI
    std::optional<Names> circuits_;                         // by BridgeName
};

// The options of list, flush and del; they are ANDed.
class Filter {
public:
    static Result<Filter> parse(Engine& engine, const EntryRow& row);
    bool takes(const fdb_key& key, const fdb_entry& entry) const;
    bool takes(const neighbor_key& key, const neighbor& entry) const;
    bool takes(const WaitingEntry& entry) const;  // one whose port is away

private:
    explicit Filter(Engine& engine) : engine_(&engine) {}
    bool takes_place(std::uint32_t segment, std::uint32_t nexthop, std::uint8_t origin) const;

    Engine* engine_;
    std::optional<std::uint32_t> segment_;
    std::optional<Mac> mac_;
    std::optional<Ip> ip_;
    std::optional<std::uint32_t> port_;  // ifindex; 0 matches no row
    std::string port_name_;
    std::optional<std::uint32_t> circuit_;  // 0 matches no row
    std::optional<Ip> remote_;
    std::optional<std::uint32_t> vni_;
    std::optional<std::uint8_t> origin_;
    bool only_dynamic_ = false, only_static_ = false;
};

}  // namespace weft::commands

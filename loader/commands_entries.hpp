// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// What `weft fdb` and `weft neighbor` share: the arguments of an entry, the filter of list and flush, and how an entry
// is told. A batch has a million rows: segments and next hops are looked up once and remembered.
#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "engine.hpp"
#include "result.hpp"

namespace weft::commands {

std::uint32_t now_s();  // the clock of used_s

// A key of a row as text without a copy; null if absent (or JSON null). EINVAL if it is no string.
Result<const std::string*> optional_text(const nlohmann::json& row, const char* key);

const char* origin_name(std::uint8_t origin);
// --origin, --dynamic, --static of add and set; ORIGIN_CLI by default.
Result<std::uint8_t> wanted_origin(const nlohmann::json& row);
// used_s of an added entry: now, less what age_seconds of a listed row says.
Result<std::uint32_t> wanted_stamp(const nlohmann::json& row, std::uint8_t origin);

// Looks up what rows name, once for each name.
class Resolver {
public:
    explicit Resolver(Engine& engine) : engine_(&engine) {}
    Result<const SegmentState*> segment(const nlohmann::json& row);
    // The next hop of "remote" and "vni"; 0 without a remote. make: allocate it if it is not there.
    Result<std::uint32_t> nexthop(const nlohmann::json& row, const SegmentState& segment, bool make);

private:
    Engine* engine_;
    std::map<std::string, const SegmentState*, std::less<>> segments_;
    std::map<std::pair<std::string, std::uint32_t>, std::uint32_t> nexthops_;
};

// The options of list, flush and del that hold for both tables; they are ANDed.
struct Filter {
    std::optional<std::uint32_t> segment;
    std::optional<Mac> mac;
    std::optional<Ip> ip;
    std::optional<std::uint32_t> port;  // ifindex; 0 matches nothing
    std::optional<Ip> remote;
    std::optional<std::uint32_t> vni;
    std::optional<std::uint8_t> origin;
    bool only_dynamic = false, only_static = false;

    static Result<Filter> parse(Engine& engine, const nlohmann::json& arguments);
    bool takes_origin(std::uint8_t of) const;
    bool takes_nexthop(const NextHopInfo* hop) const;
};

// Entries as text, one JSON object each; grows `out`.
class Teller {
public:
    explicit Teller(Engine& engine);
    void tell(std::string& out, const fdb_key& key, const fdb_entry& entry);
    void tell(std::string& out, const neighbor_key& key, const neighbor& entry);
    const NextHopInfo* hop(std::uint32_t id) const;

private:
    void tell_segment(std::string& out, std::uint32_t index);
    void tell_rest(std::string& out, const NextHopInfo* hop, std::uint8_t origin, std::uint32_t used_s);
    Engine* engine_;
    std::map<std::uint32_t, std::string> segments_, ports_;  // as JSON text
    std::map<std::uint32_t, NextHopInfo> hops_;
    std::uint32_t now_;
};

}  // namespace weft::commands

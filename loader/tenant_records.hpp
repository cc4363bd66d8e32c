// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Neighbors and FDB entries as tenant records: (VSID, CA) -> (MAC, PA). A record is no row of its own: the neighbor has
// the MAC, and where that is the FDB says, or the neighbor itself.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "nexthops.hpp"
#include "segments.hpp"
#include "tables.hpp"

namespace weft {

struct LocatedRecord {
    std::uint32_t vsid = 0;
    std::string segment;
    Mac mac;
    std::optional<Ip> pa;  // this host's VTEP address for its own guests; none: nobody knows where the MAC is
    std::uint8_t origin = ORIGIN_DYNAMIC;
    std::uint32_t used_s = 0;  // of a dynamic one
};

// As the tables are while it is used: make it anew for each command.
class RecordJoin {
public:
    RecordJoin(const Tables& tables, const NextHops& nexthops, const Segments& segments, const Document& wanted);
    // None: it is no record, but a neighbor that does not answer, of a segment without a number, or of routers.
    std::optional<LocatedRecord> at(const neighbor_key& key, const neighbor& row) const;

private:
    struct Subnet {
        std::uint32_t vsid;
        std::string name;
    };
    std::optional<Ip> home_of(const neighbor& row, const std::optional<fdb_entry>& entry) const;

    const Tables* tables_;
    const NextHops* nexthops_;
    std::optional<Ip> own_;
    std::map<std::uint32_t, Subnet> subnets_;  // by segment index
};

fdb_key mac_key(std::uint32_t segment, const std::uint8_t (&mac)[6]);

}  // namespace weft

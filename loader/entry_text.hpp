// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// FDB entries and neighbors as the lists tell them: JSON text, one object each, without a tree for a million rows.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "engine.hpp"

namespace weft::commands {

class EntryText {
public:
    explicit EntryText(Engine& engine);

    // Grows `out`.
    void tell(std::string& out, const fdb_key& key, const fdb_entry& entry) const;
    void tell(std::string& out, const neighbor_key& key, const neighbor& entry) const;

private:
    // What is the same for all entries of a segment, and for all behind a next hop.
    struct Place {
        std::uint32_t vni = 0;
        std::string text;  // `{"segment":"blue","vni":` and `,"remote":"192.0.2.2"`
    };
    const Place& segment(std::uint32_t index) const;
    const Place* hop(std::uint32_t id) const;
    void tell_place(std::string& out, std::uint32_t segment, const Place* hop) const;
    void tell_rest(std::string& out, const Place* hop, std::uint8_t origin, std::uint32_t used_s) const;

    std::map<std::uint32_t, Place> segments_, hops_;
    std::map<std::uint32_t, std::string> ports_, circuits_;  // by ifindex and circuit id, as JSON text
    std::uint32_t now_s_;
};

}  // namespace weft::commands

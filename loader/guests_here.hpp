// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Which guests are on this host, as far as it can tell: by what their ports and VLANs showed, by `bind`, and by the MAC
// of a veth's far end. A record that says that a guest is here is judged by it.
#pragma once

#include <set>
#include <string>
#include <utility>

#include "devices.hpp"
#include "model.hpp"
#include "problems.hpp"
#include "segments.hpp"
#include "tables.hpp"

namespace weft {

class GuestsHere {
public:
    GuestsHere(const Tables& tables, const Document& wanted, const Devices& devices);
    bool has(const SegmentState& segment, const Mac& mac) const;

private:
    const Tables* tables_;
    std::set<std::pair<std::string, Mac>> told_;  // by others than the FDB: (segment, MAC)
};

// Of the document's records with this host's own address; one line, whatever their number.
void warn_of_absent_guests(const Tables& tables, const Document& wanted, const Devices& devices,
                           const Segments& segments, Problems& problems);

}  // namespace weft

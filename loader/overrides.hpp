// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// What a command changed of the document's entries is the document's no longer, or the next pass would write it again.
#pragma once

#include <set>
#include <string>
#include <utility>

#include "model.hpp"

namespace weft {

struct Overridden {
    std::set<std::pair<std::string, Mac>> macs;  // (segment, MAC) of FDB entries
    std::set<std::pair<std::string, Ip>> ips;    // (segment, IP) of neighbors
    bool empty() const { return macs.empty() && ips.empty(); }
};

// A tenant record of which one half was changed leaves its other half.
void forget_overridden(Document& document, const Overridden& changed);

}  // namespace weft

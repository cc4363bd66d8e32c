// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Connections between two namespaces, both ends in this process.
#pragma once

#include "tool.hpp"

namespace weft::bench {

struct Pairs {
    std::vector<Fd> near, far;  // in from=, and in to=
};

// `count` connections from=NETNS to=NETNS, where the far end is address=IP.
Result<Pairs> connect_pairs(const Options& options, std::size_t count);

}  // namespace weft::bench

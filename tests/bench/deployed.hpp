// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// The programs a running weftd has in its hooks, found through their pinned maps.
#pragma once

#include "tool.hpp"

namespace weft::bench {

struct Deployed {
    std::string hook;  // "tc_port"
    Fd fd;
    std::string name;  // "from_port_tc"
    std::uint32_t verified_instructions, jited_bytes;
    std::uint64_t runs, run_ns;  // of the stub in front: a tail call counts for the program that was attached
};

Result<std::vector<Deployed>> deployed_programs(const std::string& folder);
// The settings they were loaded with.
Result<config> deployed_settings(const Deployed& program);

}  // namespace weft::bench

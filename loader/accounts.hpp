// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Counter rows ("accounts") of devices and segments, which share one space. The rows that use a number hold it, so a
// daemon that starts over pinned tables finds the same numbers; a number given out anew starts at zero.
#pragma once

#include <array>
#include <cstdint>
#include <set>

#include "result.hpp"
#include "tables.hpp"

namespace weft {

class Accounts {
public:
    explicit Accounts(Tables& tables) : tables_(&tables) {}

    void adopt(std::uint16_t account) { used_.insert(account); }
    Result<std::uint16_t> allocate();  // ENOSPC when all are used
    void release(std::uint16_t account) { used_.erase(account); }

    // All verdicts of an account, summed over the CPUs.
    Result<std::array<tally, MAX_VERDICTS>> read(std::uint16_t account) const;
    Result<tally> refusals(std::uint16_t account) const;  // frames kept from a port by its rate or isolation
    Result<tally> deliveries(std::uint16_t account) const;

private:
    Result<> clear(std::uint16_t account);
    Tables* tables_;
    std::set<std::uint16_t> used_;
};

}  // namespace weft

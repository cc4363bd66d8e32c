// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include "accounts.hpp"

namespace weft {

namespace {

void add(tally& total, const tally& one) {
    total.packets += one.packets;
    total.bytes += one.bytes;
}

tally sum(const std::vector<tally>& per_cpu) {
    tally total{};
    for (const tally& one : per_cpu) add(total, one);
    return total;
}

}  // namespace

Result<std::uint16_t> Accounts::allocate() {
    std::uint16_t account = 1;  // 0 is the host's own
    for (const std::uint16_t used : used_) {
        if (used > account) break;
        if (used == account) ++account;
    }
    if (account >= MAX_ACCOUNTS)
        return fail(ENOSPC, "all " + std::to_string(MAX_ACCOUNTS - 1) + " counter rows are used");
    TRY_OK(clear(account));
    used_.insert(account);
    return account;
}

Result<> Accounts::clear(std::uint16_t account) {
    TRY_OK(tables_->counters.clear(account));
    TRY_OK(tables_->deliveries.clear(account));
    TRY_OK(tables_->refusals.clear(account));
    TRY_OK(tables_->guests.put(account, guest{}));
    for (std::uint32_t limit = 0; limit < LIMIT_CLASSES; ++limit)
        TRY_OK(tables_->limiters.put(account * LIMIT_CLASSES + limit, 0));
    return Ok{};
}

Result<std::array<tally, MAX_VERDICTS>> Accounts::read(std::uint16_t account) const {
    TRY(const auto per_cpu, tables_->counters.read(account));
    std::array<tally, MAX_VERDICTS> all{};
    for (const tallies& one : per_cpu)
        for (std::uint32_t verdict = 0; verdict < MAX_VERDICTS; ++verdict) add(all[verdict], one.by_verdict[verdict]);
    return all;
}

Result<tally> Accounts::refusals(std::uint16_t account) const {
    TRY(const auto per_cpu, tables_->refusals.read(account));
    return sum(per_cpu);
}

Result<tally> Accounts::deliveries(std::uint16_t account) const {
    TRY(const auto per_cpu, tables_->deliveries.read(account));
    return sum(per_cpu);
}

}  // namespace weft

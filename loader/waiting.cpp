// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include "waiting.hpp"

#include <algorithm>

namespace weft {

void Waiting::add(WaitingEntry entry) {
    const std::pair key{entry.segment, entry.mac};
    entries_.insert_or_assign(key, std::move(entry));
    changed_ = true;
}

bool Waiting::drop(const std::string& segment, const Mac& mac) {
    if (entries_.empty() || entries_.erase({segment, mac}) == 0) return false;
    changed_ = true;
    return true;
}

std::uint64_t Waiting::drop_if(const std::function<bool(const WaitingEntry&)>& take) {
    const auto count = std::erase_if(entries_, [&](const auto& entry) { return take(entry.second); });
    changed_ = changed_ || count != 0;
    return count;
}

std::uint64_t Waiting::count(const std::string& port) const {
    return static_cast<std::uint64_t>(
        std::count_if(entries_.begin(), entries_.end(), [&](const auto& entry) { return entry.second.port == port; }));
}

std::vector<WaitingEntry> Waiting::all() const {
    std::vector<WaitingEntry> out;
    for (const auto& [key, entry] : entries_) out.push_back(entry);
    return out;
}

}  // namespace weft

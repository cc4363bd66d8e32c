// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// FDB entries of the CLI and of EVPN whose port's interface is away: rows name an ifindex, which the next one will not
// have, so they are kept by the port's name until it is served again (the document's come back by themselves). Kept in
// objects.json across restarts.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "model.hpp"
#include "net.hpp"

namespace weft {

struct WaitingEntry {
    std::string segment;
    Mac mac;
    std::string port;
    Owner origin = ORIGIN_CLI;
    bool operator==(const WaitingEntry&) const = default;
};

class Waiting {
public:
    void add(WaitingEntry entry);
    // A command decided about this key. False if nothing waited.
    bool drop(const std::string& segment, const Mac& mac);
    std::uint64_t drop_if(const std::function<bool(const WaitingEntry&)>& take);
    std::uint64_t count(const std::string& port) const;
    std::vector<WaitingEntry> all() const;
    bool empty() const { return entries_.empty(); }
    bool take_changed() { return std::exchange(changed_, false); }

private:
    std::map<std::pair<std::string, Mac>, WaitingEntry> entries_;
    bool changed_ = false;
};

}  // namespace weft

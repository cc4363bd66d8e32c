// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// `weft monitor records`: tells those that listen of each tenant record that became new, moved or went. Who writes rows
// touches their keys; what became of them is looked at a little later, many at once, so that a batch of a hundred
// thousand costs the writer next to nothing. Costs nothing at all while nobody listens.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "entries.hpp"
#include "stream.hpp"
#include "tables.hpp"
#include "tenant_records.hpp"

namespace weft {

// Which records a listener wants.
struct RecordFilter {
    std::optional<std::uint32_t> vsid;
    std::optional<std::uint8_t> origin;
    bool takes(const LocatedRecord& record) const {
        return (!vsid || *vsid == record.vsid) && (!origin || *origin == record.origin);
    }
};

class RecordWatch {
public:
    using Join = std::function<RecordJoin()>;
    using Clock = std::function<std::string()>;  // RFC 3339, of the events
    RecordWatch(const Tables& tables, Join join, Clock clock)
        : tables_(&tables), join_(std::move(join)), clock_(std::move(clock)) {}

    void touch(const fdb_key& key) {
        if (!listeners_.empty()) macs_.insert(key);
    }
    void touch(const neighbor_key& key) {
        if (!listeners_.empty()) ips_.insert(key);
    }

    // It hears of what happens from now on.
    Result<> listen(std::weak_ptr<Stream> listener, RecordFilter filter);
    // Looks at what was touched, and tells.
    Result<> publish();

private:
    struct Listener {
        std::weak_ptr<Stream> stream;
        RecordFilter filter;
    };
    template <typename K>
    using Keys = std::set<K, BytesLess>;

    Result<> remember_all();
    void forget_all();
    void judge(const neighbor_key& key, const std::optional<LocatedRecord>& now);
    void tell(const char* event, const neighbor_key& key, const LocatedRecord& record);

    const Tables* tables_;
    Join join_;
    Clock clock_;
    std::vector<Listener> listeners_;
    Keys<fdb_key> macs_;                                       // touched
    Keys<neighbor_key> ips_;                                   // touched
    std::map<neighbor_key, LocatedRecord, BytesLess> known_;   // as the listeners know them
    std::map<fdb_key, Keys<neighbor_key>, BytesLess> by_mac_;  // of known_
};

// The time of day as RFC 3339 has it, with milliseconds, in UTC.
std::string time_of_day();

}  // namespace weft

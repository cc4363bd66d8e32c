// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include "record_watch.hpp"

#include <spdlog/fmt/chrono.h>
#include <spdlog/fmt/fmt.h>

#include <chrono>
#include <nlohmann/json.hpp>

#include "config.hpp"

namespace weft {

namespace {

fdb_key mac_of(const neighbor_key& key, const LocatedRecord& record) {
    fdb_key out{.segment = static_cast<__u16>(key.segment), .mac = {}};
    record.mac.copy_to(out.mac);
    return out;
}

}  // namespace

std::string time_of_day() {
    using namespace std::chrono;
    const auto now = time_point_cast<milliseconds>(system_clock::now());
    const std::time_t seconds = system_clock::to_time_t(now);
    return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03}Z", fmt::gmtime(seconds), now.time_since_epoch().count() % 1000);
}

Result<> RecordWatch::listen(std::weak_ptr<Stream> listener, RecordFilter filter) {
    TRY_OK(publish());
    if (listeners_.empty()) TRY_OK(remember_all());
    listeners_.push_back({std::move(listener), filter});
    return Ok{};
}

Result<> RecordWatch::remember_all() {
    TRY(const auto rows, tables_->neighbors.rows());
    const RecordJoin join = join_();
    for (const auto& [key, row] : rows) {
        auto record = join.at(key, row);
        if (!record) continue;
        by_mac_[mac_of(key, *record)].insert(key);
        known_.emplace(key, std::move(*record));
    }
    return Ok{};
}

void RecordWatch::forget_all() {
    macs_.clear();
    ips_.clear();
    known_.clear();
    by_mac_.clear();
}

// A record is news once it is known where its MAC is.
void RecordWatch::judge(const neighbor_key& key, const std::optional<LocatedRecord>& now) {
    const auto at = known_.find(key);
    const bool was_there = at != known_.end() && at->second.pa, is_there = now && now->pa;
    if (was_there && !is_there) tell("gone", key, at->second);
    if (!was_there && is_there) tell("new", key, *now);
    if (was_there && is_there && (at->second.mac != now->mac || at->second.pa != now->pa)) tell("moved", key, *now);
    if (at != known_.end()) {
        const auto macs = by_mac_.find(mac_of(key, at->second));
        if (macs->second.erase(key) && macs->second.empty()) by_mac_.erase(macs);
        known_.erase(at);
    }
    if (!now) return;
    by_mac_[mac_of(key, *now)].insert(key);
    known_.emplace(key, *now);
}

Result<> RecordWatch::publish() {
    std::erase_if(listeners_, [](const Listener& one) {
        const auto stream = one.stream.lock();
        return !stream || !stream->is_open();
    });
    if (listeners_.empty()) forget_all();
    if (macs_.empty() && ips_.empty()) return Ok{};
    auto dirty = std::exchange(ips_, {});
    for (const fdb_key& mac : std::exchange(macs_, {}))
        if (const auto of = by_mac_.find(mac); of != by_mac_.end()) dirty.insert(of->second.begin(), of->second.end());
    const RecordJoin join = join_();
    for (const neighbor_key& key : dirty) {
        TRY(const auto row, tables_->neighbors.find(key));
        judge(key, row ? join.at(key, *row) : std::nullopt);
    }
    return Ok{};
}

void RecordWatch::tell(const char* event, const neighbor_key& key, const LocatedRecord& record) {
    std::string line;
    for (const Listener& listener : listeners_) {
        if (!listener.filter.takes(record)) continue;
        if (line.empty())
            line = fmt::format(
                R"({{"event":"{}","vsid":{},"segment":{},"ca":"{}","mac":"{}","pa":"{}","origin":"{}","time":"{}"}})",
                event, record.vsid, nlohmann::json(record.segment).dump(), Ip::of(key.ip).text(), record.mac.text(),
                record.pa->text(), name(static_cast<Owner>(record.origin)), clock_());
        if (const auto stream = listener.stream.lock()) stream->send(line);
    }
}

}  // namespace weft

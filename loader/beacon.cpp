// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include "beacon.hpp"

#include <algorithm>

#include "abi.h"

namespace weft {

namespace {

constexpr std::size_t PROTOCOL_AT = 12, ETHERNET_BYTES = 14, PAYLOAD_BYTES = 21, LEAST_FRAME = 60;

template <typename T>
void append(std::vector<std::uint8_t>& to, T value) {
    for (std::size_t i = sizeof value; i-- > 0;) to.push_back(static_cast<std::uint8_t>(value >> (8 * i)));
}

template <typename T>
T take(std::span<const std::uint8_t>& from) {
    T value = 0;
    for (const std::uint8_t byte : from.first(sizeof value)) value = static_cast<T>(value << 8 | byte);
    from = from.subspan(sizeof value);
    return value;
}

}  // namespace

std::vector<std::uint8_t> beacon_frame(const Mac& source, const Beacon& beacon) {
    std::vector<std::uint8_t> frame;
    for (std::size_t i = 0; i < source.bytes.size(); ++i) frame.push_back(0xff);
    for (const std::uint8_t byte : source.bytes) frame.push_back(byte);
    append(frame, std::uint16_t{CHECK_PROTOCOL});
    append(frame, std::uint32_t{BEACON_MAGIC});
    append(frame, BEACON_VERSION);
    append(frame, beacon.switch_hash);
    append(frame, beacon.host);
    append(frame, beacon.ifindex);
    frame.resize(LEAST_FRAME);
    return frame;
}

std::optional<Beacon> read_beacon(std::span<const std::uint8_t> frame) {
    if (frame.size() < ETHERNET_BYTES + PAYLOAD_BYTES) return std::nullopt;
    frame = frame.subspan(PROTOCOL_AT);
    if (take<std::uint16_t>(frame) != CHECK_PROTOCOL || take<std::uint32_t>(frame) != BEACON_MAGIC) return std::nullopt;
    if (take<std::uint8_t>(frame) != BEACON_VERSION) return std::nullopt;
    Beacon beacon;
    beacon.switch_hash = take<std::uint32_t>(frame);
    beacon.host = take<std::uint64_t>(frame);
    beacon.ifindex = take<std::uint32_t>(frame);
    return beacon;
}

void BeaconJudge::watch(const std::set<std::uint32_t>& uplinks, std::uint64_t now_ns) {
    std::erase_if(since_, [&](const auto& entry) { return !uplinks.contains(entry.first); });
    for (const std::uint32_t uplink : uplinks) since_.try_emplace(uplink, now_ns);
    std::erase_if(lost_, [&](std::uint32_t uplink) { return !uplinks.contains(uplink); });
    std::erase_if(heard_, [&](const auto& entry) {
        return !uplinks.contains(entry.first.listener) || !is_fresh(entry.second, now_ns);
    });
}

void BeaconJudge::hear(std::uint32_t listener, const Beacon& beacon, std::uint64_t now_ns) {
    if (beacon.host == host_ && beacon.ifindex == listener) return;  // its own, come round
    heard_[{listener, beacon.host, beacon.ifindex}] = now_ns;
}

bool BeaconJudge::has_contact(std::uint32_t uplink, std::uint64_t now_ns) const {
    return std::ranges::any_of(heard_, [&](const auto& entry) {
        const auto& [heard, at_ns] = entry;
        return is_fresh(at_ns, now_ns) &&
               (heard.listener == uplink || (heard.host == host_ && heard.ifindex == uplink));
    });
}

bool BeaconJudge::others_hear(std::uint32_t uplink, std::uint64_t now_ns) const {
    return std::ranges::any_of(heard_, [&](const auto& entry) {
        const auto& [heard, at_ns] = entry;
        return is_fresh(at_ns, now_ns) && heard.listener != uplink && (heard.host != host_ || heard.ifindex != uplink);
    });
}

// The last one that is up is never cut off: there is nothing to compare it with, and nothing better.
const std::set<std::uint32_t>& BeaconJudge::judge(std::uint64_t now_ns) {
    for (const auto& [uplink, since_ns] : since_) {
        if (has_contact(uplink, now_ns) || since_.size() == 1)
            lost_.erase(uplink);
        else if (now_ns - since_ns >= PATIENCE_NS && others_hear(uplink, now_ns))
            lost_.insert(uplink);
    }
    return lost_;
}

bool BeaconJudge::is_alone(std::uint64_t now_ns) const {
    if (since_.size() >= 3) return false;
    return std::ranges::none_of(
        heard_, [&](const auto& entry) { return entry.first.host != host_ && is_fresh(entry.second, now_ns); });
}

}  // namespace weft

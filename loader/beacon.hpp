// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Beacons: a broadcast a second by each uplink of a switch, by which a path is found dead although its link is up. Here
// are the frame and the judgement, which need no socket and no clock; beacons.cpp has both.
//
// An uplink is cut off when for three beacons in a row it heard no other uplink, of this host or of another with the
// same switch, and no other of this host heard it, while others do hear each other: so it takes three uplinks, or
// another host. It stays so until it hears, or is heard, again.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "net.hpp"

namespace weft {

constexpr std::uint8_t BEACON_VERSION = 1;

struct Beacon {
    std::uint32_t switch_hash = 0;  // name_hash() of its name
    std::uint64_t host = 0;         // a number that each daemon draws at its start
    std::uint32_t ifindex = 0;      // of the uplink, there
    auto operator<=>(const Beacon&) const = default;
};

std::vector<std::uint8_t> beacon_frame(const Mac& source, const Beacon& beacon);
std::optional<Beacon> read_beacon(std::span<const std::uint8_t> frame);  // none: not one of weft's

// The uplinks of one switch.
class BeaconJudge {
public:
    static constexpr std::uint64_t EVERY_NS = 1'000'000'000, PATIENCE_NS = 3 * EVERY_NS + EVERY_NS / 2;

    explicit BeaconJudge(std::uint64_t host) : host_(host) {}

    // The uplinks whose link is up, by ifindex. One that was not among them has time to be heard first.
    void watch(const std::set<std::uint32_t>& uplinks, std::uint64_t now_ns);
    // Nothing was sent or heard for a while, and that was no uplink's fault.
    void start_again() { since_.clear(); }
    void hear(std::uint32_t listener, const Beacon& beacon, std::uint64_t now_ns);

    const std::set<std::uint32_t>& judge(std::uint64_t now_ns);  // who is cut off
    // Fewer than three uplinks, and no other host: nobody can be judged.
    bool is_alone(std::uint64_t now_ns) const;

private:
    struct Heard {
        std::uint32_t listener;
        std::uint64_t host;
        std::uint32_t ifindex;
        auto operator<=>(const Heard&) const = default;
    };
    static bool is_fresh(std::uint64_t at_ns, std::uint64_t now_ns) { return now_ns - at_ns < PATIENCE_NS; }
    bool has_contact(std::uint32_t uplink, std::uint64_t now_ns) const;
    bool others_hear(std::uint32_t uplink, std::uint64_t now_ns) const;

    std::uint64_t host_;
    std::map<std::uint32_t, std::uint64_t> since_;  // watched
    std::map<Heard, std::uint64_t> heard_;
    std::set<std::uint32_t> lost_;
};

}  // namespace weft

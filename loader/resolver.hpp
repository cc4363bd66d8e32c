// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Neighbors that the router wants and nobody knows: asked for by ARP and ND from the gateway's address, in the whole
// segment, while the first frames wait here. They go on when the neighbor is learned; when nobody answers they go on
// too, and the datapath answers them with "host unreachable".
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "frames.hpp"
#include "result.hpp"
#include "tables.hpp"

namespace weft {

struct ResolverCounters {
    std::uint64_t asked = 0, resolved = 0, given_up = 0, frames_held = 0, frames_sent_on = 0, frames_lost = 0;
};

class Resolver {
public:
    static constexpr std::uint64_t RETRY_NS = 1'000'000'000, FAILED_NS = 3'000'000'000;
    static constexpr unsigned TRIES = 3;
    static constexpr std::size_t MAX_WAITS = 4096;

    struct Context {
        // None: the segment has no gateway address of that family.
        std::function<std::optional<Asker>(std::uint32_t segment, const Ip& target)> asker;
        // A frame of this host's own into a segment; not to the port that is said, 0: to all.
        std::function<Result<>(std::uint32_t segment, std::span<const std::uint8_t> frame, std::uint32_t but)> send;
        // A frame that waited, from where it came.
        std::function<Result<>(const event& event, std::span<const std::uint8_t> frame)> send_on;
        std::function<std::uint64_t()> now_ns;
    };
    Resolver(Tables& tables, Context context) : tables_(&tables), context_(std::move(context)) {}

    Result<> adopt();  // forgets what a daemon before this one gave up
    void handle(const event& event, std::span<const std::uint8_t> frame);  // EVENT_MISS
    void ask_for(const event& event);                                      // EVENT_ASK
    void learned(std::uint32_t segment, const Ip& ip);
    void probe(std::uint32_t segment, const Ip& ip, const Mac& mac);
    void tick();  // often: asks again, gives up, forgets that it did
    const ResolverCounters& counters() const { return counters_; }

private:
    struct Held {
        event about;
        std::vector<std::uint8_t> frame;
    };
    struct Wait {
        std::vector<Held> frames;
        unsigned tries = 0;
        std::uint64_t next_ns = 0;
    };
    using Key = std::pair<std::uint32_t, Ip>;

    void ask(const Key& key, Wait& wait);
    void ask_as_host(const Key& key, const Asker& asker);
    void send_on(Wait& wait);
    bool is_known(const Key& key) const;
    void give_up(const Key& key, Wait& wait);
    void forget_failures(std::uint64_t now_ns);

    Tables* tables_;
    Context context_;
    std::map<Key, Wait> waits_;
    std::map<Key, std::uint64_t> failed_;  // until when
    ResolverCounters counters_;
};

}  // namespace weft

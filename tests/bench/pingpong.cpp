// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// bench_tool pingpong: one byte there and back over TCP, both ends on one core: the length of the path without the
// wake-up of another core. Prints the median and the 99th percentile of the round trip.
#include <sys/socket.h>

#include <algorithm>
#include <thread>

#include "tcp.hpp"

namespace weft::bench {

namespace {

constexpr int WARM_UP = 1000;  // round trips

bool pass_byte(int fd, bool first) {
    char byte = 'w';
    if (first) return ::send(fd, &byte, 1, MSG_NOSIGNAL) == 1 && recv(fd, &byte, 1, 0) == 1;
    return recv(fd, &byte, 1, 0) == 1 && ::send(fd, &byte, 1, MSG_NOSIGNAL) == 1;
}

}  // namespace

Result<> ping_pong(const Options& options) {
    TRY(const auto seconds, options.number("seconds"));
    const auto cpu = static_cast<unsigned>(options.number("cpu", 0));
    TRY(auto pairs, connect_pairs(options, 1));
    TRY_OK(stay_on(cpu));  // the other end inherits it
    std::jthread far([fd = pairs.far[0].get()] {
        while (pass_byte(fd, false)) continue;
    });
    const int near = pairs.near[0].get();
    std::vector<double> trips_us;
    bool alive = true;
    for (int i = 0; alive && i < WARM_UP; ++i) alive = pass_byte(near, true);
    const auto begin = Clock::now();
    for (auto start = begin; alive && since(begin) < seconds;) {
        alive = pass_byte(near, true);
        const auto end = Clock::now();
        trips_us.push_back(Seconds(end - start).count() * 1e6);
        start = end;
    }
    shutdown(near, SHUT_RDWR);  // ends the other end
    if (!alive || trips_us.empty()) return fail(EPIPE, "the connection broke");
    std::sort(trips_us.begin(), trips_us.end());
    const auto at = [&](double part) {
        return trips_us[static_cast<std::size_t>(part * static_cast<double>(trips_us.size() - 1))];
    };
    std::printf("{\"trips\": %zu, \"p50\": %.3f, \"p99\": %.3f}\n", trips_us.size(), at(0.5), at(0.99));
    return Ok{};
}

}  // namespace weft::bench

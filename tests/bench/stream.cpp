// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// bench_tool stream: TCP as fast as it goes, the sender on one core, the receiver on another. Prints what the receiver
// read per second, after a warm-up in which windows open.
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include <atomic>
#include <thread>

#include "tcp.hpp"

namespace weft::bench {

namespace {

constexpr Seconds WARM_UP(0.2);
constexpr std::size_t CHUNK = 128 * 1024;  // what iperf3 writes at once

struct State {
    std::atomic<bool> end = false;
    std::atomic<std::uint64_t> received = 0;
};

// Calls `move` for each socket that is ready for `events`, until the end.
template <typename Move>
void serve(const std::vector<Fd>& sockets, short events, const State& state, Move&& move) {
    std::vector<pollfd> waits;
    for (const Fd& socket : sockets) waits.push_back({socket.get(), events, 0});
    while (!state.end) {
        if (poll(waits.data(), waits.size(), 100) <= 0) continue;
        for (const pollfd& each : waits)
            if (each.revents) move(each.fd);
    }
}

void write_all(const std::vector<Fd>& sockets, const State& state) {
    const std::vector<char> chunk(CHUNK, 'w');
    serve(sockets, POLLOUT, state,
          [&](int fd) { ::send(fd, chunk.data(), chunk.size(), MSG_DONTWAIT | MSG_NOSIGNAL); });
}

void read_all(const std::vector<Fd>& sockets, State& state) {
    std::vector<char> chunk(CHUNK);
    serve(sockets, POLLIN, state, [&](int fd) {
        const auto bytes = recv(fd, chunk.data(), chunk.size(), MSG_DONTWAIT);
        if (bytes > 0) state.received += static_cast<std::uint64_t>(bytes);
    });
}

}  // namespace

Result<> stream(const Options& options) {
    TRY(const auto seconds, options.number("seconds"));
    TRY(const auto pairs, connect_pairs(options, static_cast<std::size_t>(options.number("flows", 1))));
    State state;
    std::jthread reader([&] {
        stay_on(static_cast<unsigned>(options.number("to_cpu", 0)));
        read_all(pairs.far, state);
    });
    std::jthread writer([&] {
        stay_on(static_cast<unsigned>(options.number("from_cpu", 0)));
        write_all(pairs.near, state);
    });
    std::this_thread::sleep_for(WARM_UP);
    const auto from = state.received.load();
    const auto start = Clock::now();
    std::this_thread::sleep_for(Seconds(seconds));
    const auto bytes = state.received.load() - from;
    const auto time = since(start);
    state.end = true;
    std::printf("{\"seconds\": %.6f, \"bytes\": %lu}\n", time, bytes);
    return Ok{};
}

}  // namespace weft::bench

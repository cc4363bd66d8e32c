// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Perf events from the programs (BPF_MAP_TYPE_PERF_EVENT_ARRAY by libbpf's perf_buffer): opens the rings into the pinned
// map, hands each record to its handler. Lost records are counted.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>

#include "abi.h"
#include "result.hpp"

namespace weft {

class Events {
public:
    // frame: what follows the struct (EVENT_FLOOD), of exactly event.frame_bytes bytes.
    using Handler = std::function<void(const event&, std::span<const std::uint8_t> frame)>;

    static Result<Events> open(int perf_array_fd, Handler handler);
    Events(Events&&) noexcept;
    ~Events();

    int fd() const;        // epoll fd for the loop
    Result<> receive();    // what is waiting now, bounded per call
    std::uint64_t lost() const;

private:
    struct State;
    explicit Events(std::unique_ptr<State> state);
    std::unique_ptr<State> state_;
};

}  // namespace weft

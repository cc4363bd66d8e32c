// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Perf events from the programs (BPF_MAP_TYPE_PERF_EVENT_ARRAY by libbpf's perf_buffer): opens the rings into the
// pinned map, hands each record to its handler. Lost records are counted.
//
// In an event loop wait for fd() again *before* receive(): arming a wait looks at the rings, and a look takes a ring's
// mark away (the kernel's perf_poll), so a record that came between receive() and the wait would lie until the next
// one.
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

    // Takes the array over from an earlier daemon: from now on the programs write into these rings. Do this before the
    // tables are read, else what came in between is missing.
    static Result<Events> open(int perf_array_fd, Handler handler);
    Events(Events&&) noexcept;
    ~Events();

    int fd() const;              // epoll fd for the loop
    Result<> receive();          // what the rings hold now
    std::uint64_t lost() const;  // overrun by the kernel; the programs count their side in `event_losses`
    std::uint64_t malformed() const;

private:
    struct State;
    explicit Events(std::unique_ptr<State> state);
    std::unique_ptr<State> state_;
};

}  // namespace weft

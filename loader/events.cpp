// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include "events.hpp"

#include <bpf/libbpf.h>
#include <fcntl.h>

#include <cstring>
#include <utility>

#include "map.hpp"

namespace weft {

namespace {

// 256 KiB a CPU: some 3000 learn events, or 27 frames of MAX_EVENT_FRAME_BYTES. The kernel grants a user 516 KiB a CPU
// without CAP_IPC_LOCK (perf_event_mlock_kb), so two instances fit.
constexpr std::size_t RING_PAGES = 64;

// Debian's kernels know a level 3, and have it by default, on which CAP_PERFMON is not enough.
tl::unexpected<Error> no_rings() {
    const int code = errno;
    if (code != EACCES && code != EPERM) return fail_errno("open the event rings", code);
    return fail(code,
                "open the event rings: not permitted, run as root or with kernel.perf_event_paranoid at 2 or less "
                "(sysctl; Debian has 3)");
}

}  // namespace

struct Events::State {
    Fd array;  // perf_buffer keeps the number, not a duplicate, and empties the slots when it is freed
    Handler handler;
    std::uint64_t lost = 0, malformed = 0;
    perf_buffer* buffer = nullptr;

    ~State() {
        if (buffer) perf_buffer__free(buffer);
    }

    static void on_sample(void* self, int, void* data, __u32 size) { static_cast<State*>(self)->sample(data, size); }
    static void on_lost(void* self, int, __u64 count) { static_cast<State*>(self)->lost += count; }

    void sample(const void* data, std::size_t size) {
        event header{};
        if (size < sizeof header) {
            ++malformed;
            return;
        }
        std::memcpy(&header, data, sizeof header);
        // The kernel pads a record to 8 bytes, so what is behind the frame is no part of it.
        if (header.frame_bytes > size - sizeof header || header.frame_bytes > MAX_EVENT_FRAME_BYTES) {
            ++malformed;
            return;
        }
        handler(header, {static_cast<const std::uint8_t*>(data) + sizeof header, header.frame_bytes});
    }
};

Events::Events(std::unique_ptr<State> state) : state_(std::move(state)) {}
Events::Events(Events&&) noexcept = default;
Events::~Events() = default;

Result<Events> Events::open(int perf_array_fd, Handler handler) {
    auto state = std::make_unique<State>();
    state->array = Fd(fcntl(perf_array_fd, F_DUPFD_CLOEXEC, 3));
    if (!state->array) return fail_errno("open the event rings");
    state->handler = std::move(handler);
    state->buffer =
        perf_buffer__new(state->array.get(), RING_PAGES, State::on_sample, State::on_lost, state.get(), nullptr);
    if (!state->buffer) return no_rings();
    return Events(std::move(state));
}

int Events::fd() const { return perf_buffer__epoll_fd(state_->buffer); }

// consume, not poll: the loop's own look at the epoll fd may already have taken a ring's mark away (the kernel's
// perf_poll clears it). Each ring is read up to where it stood when its turn came, so a call ends.
Result<> Events::receive() {
    const int error = perf_buffer__consume(state_->buffer);
    if (error < 0) return fail_errno("read the event rings", -error);
    return Ok{};
}

std::uint64_t Events::lost() const { return state_->lost; }
std::uint64_t Events::malformed() const { return state_->malformed; }

}  // namespace weft

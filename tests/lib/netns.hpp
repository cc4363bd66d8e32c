// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Network namespaces for tests that link the code under test: sockets opened inside stay there, so one process can be a
// host and its router. Names carry the pid; the destructor deletes the namespace and all devices in it.
#pragma once

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <functional>
#include <string>

#include "map.hpp"

namespace weft::test {

// One shell command, silent unless it fails; true on exit status 0.
inline bool sh(const std::string& command) { return std::system(command.c_str()) == 0; }

class Netns {
public:
    explicit Netns(const std::string& suffix)
        : name_("weft" + std::to_string(getpid()) + "-" + suffix), home_(::open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC)) {
        if (sh("ip netns add " + name_)) fd_ = Fd(::open(("/run/netns/" + name_).c_str(), O_RDONLY | O_CLOEXEC));
        if (*this) sh("ip -n " + name_ + " link set lo up");
    }
    ~Netns() {
        if (*this) sh("ip netns del " + name_);
    }
    Netns(const Netns&) = delete;
    Netns& operator=(const Netns&) = delete;

    explicit operator bool() const { return static_cast<bool>(fd_); }
    const std::string& name() const { return name_; }

    // Runs f inside; sockets it opens stay inside.
    template <typename F>
    auto in(F&& f) const {
        struct Back {
            int fd;
            ~Back() { setns(fd, CLONE_NEWNET); }
        } back{home_.get()};
        if (setns(fd_.get(), CLONE_NEWNET) != 0) std::abort();
        return f();
    }
    bool run(const std::string& command) const {
        return in([&] { return sh(command); });
    }

private:
    std::string name_;
    Fd home_, fd_;
};

// Waits for fd to be readable and calls receive() until done() holds. False when it does not within the time.
inline bool await(int fd, const std::function<void()>& receive, const std::function<bool()>& done,
                  std::chrono::milliseconds within = std::chrono::seconds(10)) {
    const auto end = std::chrono::steady_clock::now() + within;
    while (!done()) {
        const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end - std::chrono::steady_clock::now());
        pollfd wait{fd, POLLIN, 0};
        if (left.count() <= 0 || poll(&wait, 1, static_cast<int>(left.count())) <= 0) return done();
        receive();
    }
    return true;
}

}  // namespace weft::test

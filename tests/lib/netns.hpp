// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Network namespaces for tests that link the code under test: sockets opened inside stay there, so one process can be a
// host and its router. Names carry the pid; the destructor deletes the namespace and all devices in it.
#pragma once

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "map.hpp"

namespace weft::test {

// One shell command, silent unless it fails; true on exit status 0.
inline bool sh(const std::string& command) { return std::system(command.c_str()) == 0; }

class Netns {
public:
    explicit Netns(const std::string& suffix)
        : name_("weft" + std::to_string(getpid()) + "-" + suffix),
          home_(::open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC)) {
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

// Raw frames on one device of a namespace.
class PacketSocket {
public:
    // Hears what comes in (not what goes out) and sends.
    PacketSocket(const Netns& where, const std::string& device) {
        where.in([&] {
            fd_ = Fd(::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, htons(ETH_P_ALL)));
            sockaddr_ll at{};
            at.sll_family = AF_PACKET;
            at.sll_protocol = htons(ETH_P_ALL);
            at.sll_ifindex = static_cast<int>(if_nametoindex(device.c_str()));
            const int room = 32 * 1024 * 1024;
            setsockopt(fd_.get(), SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof room);
            if (bind(fd_.get(), reinterpret_cast<sockaddr*>(&at), sizeof at) != 0) fd_ = Fd();
        });
    }

    bool send(std::span<const std::uint8_t> frame) const {
        return ::send(fd_.get(), frame.data(), frame.size(), 0) == static_cast<ssize_t>(frame.size());
    }

    // The next frame that came in and is wanted; none within the time.
    std::optional<std::vector<std::uint8_t>> receive(const std::function<bool(std::span<const std::uint8_t>)>& wanted,
                                                     std::chrono::milliseconds within = std::chrono::seconds(5)) const {
        const auto end = std::chrono::steady_clock::now() + within;
        std::vector<std::uint8_t> frame(65536);
        for (;;) {
            const auto left =
                std::chrono::duration_cast<std::chrono::milliseconds>(end - std::chrono::steady_clock::now());
            pollfd wait{fd_.get(), POLLIN, 0};
            if (poll(&wait, 1, static_cast<int>(std::max<std::int64_t>(left.count(), 0))) != 1) return std::nullopt;
            sockaddr_ll from{};
            socklen_t from_bytes = sizeof from;
            const auto bytes = recvfrom(fd_.get(), frame.data(), frame.size(), MSG_DONTWAIT,
                                        reinterpret_cast<sockaddr*>(&from), &from_bytes);
            if (bytes < 0 || from.sll_pkttype == PACKET_OUTGOING) continue;
            if (!wanted({frame.data(), static_cast<std::size_t>(bytes)})) continue;
            frame.resize(static_cast<std::size_t>(bytes));
            return frame;
        }
    }

private:
    Fd fd_;
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

// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include "tcp.hpp"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

namespace weft::bench {

namespace {

constexpr timeval PATIENCE{.tv_sec = 10, .tv_usec = 0};

Result<Fd> tcp_socket() {
    Fd fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (!fd) return fail_errno("make a TCP socket");
    // Bounds connect() and accept() too.
    setsockopt(fd.get(), SOL_SOCKET, SO_SNDTIMEO, &PATIENCE, sizeof PATIENCE);
    setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &PATIENCE, sizeof PATIENCE);
    return fd;
}

Result<Fd> listener(sockaddr_in& at) {
    TRY(auto fd, tcp_socket());
    auto* address = reinterpret_cast<sockaddr*>(&at);
    socklen_t bytes = sizeof at;
    if (bind(fd.get(), address, bytes) != 0 || listen(fd.get(), 16) != 0) return fail_errno("listen");
    if (getsockname(fd.get(), address, &bytes) != 0) return fail_errno("look up the port");
    return fd;
}

}  // namespace

Result<Pairs> connect_pairs(const Options& options, std::size_t count) {
    TRY(const auto from, options.text("from"));
    TRY(const auto to, options.text("to"));
    sockaddr_in at{};
    at.sin_family = AF_INET;
    inet_pton(AF_INET, options.text("address", "").c_str(), &at.sin_addr);
    TRY_OK(enter(to));
    TRY(const auto server, listener(at));
    TRY_OK(enter(from));
    Pairs pairs;
    const int yes = 1;
    for (std::size_t i = 0; i < count; ++i) {
        TRY(auto near, tcp_socket());
        if (connect(near.get(), reinterpret_cast<const sockaddr*>(&at), sizeof at) != 0) return fail_errno("connect");
        Fd far(accept4(server.get(), nullptr, nullptr, SOCK_CLOEXEC));
        if (!far) return fail_errno("accept");
        for (const Fd* each : {&near, &far}) setsockopt(each->get(), IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
        setsockopt(far.get(), SOL_SOCKET, SO_RCVTIMEO, &PATIENCE, sizeof PATIENCE);
        pairs.near.push_back(std::move(near));
        pairs.far.push_back(std::move(far));
    }
    return pairs;
}

}  // namespace weft::bench

// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include "client.hpp"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <utility>
#include <vector>

namespace weft::cli {

namespace {

constexpr int PATIENCE_MS = 60'000;  // an apply of a large document takes seconds; past this the daemon hangs

}  // namespace

Result<Client> Client::connect(const std::string& path) {
    sockaddr_un address{.sun_family = AF_UNIX};
    if (path.size() >= sizeof address.sun_path) return fail_errno(path, ENAMETOOLONG);
    path.copy(address.sun_path, path.size());
    Client client(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (client.fd_ < 0) return fail_errno("socket");
    if (::connect(client.fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
        return fail_errno(path);
    return client;
}

Client::Client(Client&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)), input_(std::move(other.input_)), searched_(other.searched_) {}

Client::~Client() {
    if (fd_ >= 0) ::close(fd_);
}

Result<> Client::wait(short events, short& ready) const {
    pollfd one{fd_, events, 0};
    int count;
    do count = ::poll(&one, 1, PATIENCE_MS);
    while (count < 0 && errno == EINTR);
    if (count < 0) return fail_errno("poll");
    if (count == 0) return fail(ETIMEDOUT, "weftd did not answer for a minute");
    ready = one.revents;
    return Ok{};
}

Result<> Client::read_some() {
    std::array<char, 65536> buffer;  // NOLINT(*-member-init): recv() fills it
    const ssize_t got = ::recv(fd_, buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return Ok{};
    if (got < 0) return fail_errno("read from weftd");
    if (got == 0) return fail(EPIPE, "weftd closed the connection");
    input_.append(buffer.data(), static_cast<std::size_t>(got));
    return Ok{};
}

Result<> Client::send(std::string_view line) {
    const std::string whole = std::string(line) + '\n';
    for (std::size_t done = 0; done < whole.size();) {
        short ready = 0;
        TRY_OK(wait(POLLIN | POLLOUT, ready));
        if (ready & POLLIN) TRY_OK(read_some());
        if (!(ready & POLLOUT)) {
            if (ready & (POLLHUP | POLLERR) && !(ready & POLLIN)) return fail(EPIPE, "weftd closed the connection");
            continue;
        }
        const ssize_t sent = ::send(fd_, whole.data() + done, whole.size() - done, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent < 0 && errno != EAGAIN && errno != EINTR) return fail_errno("write to weftd");
        if (sent > 0) done += static_cast<std::size_t>(sent);
    }
    return Ok{};
}

std::optional<std::string> Client::take_line() {
    const auto end = input_.find('\n', searched_);
    searched_ = end == input_.npos ? input_.size() : 0;
    if (end == input_.npos) return std::nullopt;
    std::string line = input_.substr(0, end);
    input_.erase(0, end + 1);
    return line;
}

Result<std::string> Client::receive() {
    for (;;) {
        if (auto line = take_line()) return *line;
        short ready = 0;
        TRY_OK(wait(POLLIN, ready));
        TRY_OK(read_some());
    }
}

Result<std::optional<std::string>> Client::receive_unless(std::span<const pollfd> ends) {
    std::vector<pollfd> all(ends.begin(), ends.end());
    all.push_back({fd_, POLLIN, 0});
    for (;;) {
        if (auto line = take_line()) return line;
        if (::poll(all.data(), all.size(), -1) < 0) {
            if (errno == EINTR) continue;
            return fail_errno("poll");
        }
        for (std::size_t i = 0; i + 1 < all.size(); ++i)
            if (all[i].revents != 0) return std::optional<std::string>();
        TRY_OK(read_some());
    }
}

}  // namespace weft::cli

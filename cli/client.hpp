// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// The CLI's end of the control socket: lines out, lines in, in order. Requests may be sent ahead of their answers:
// while it writes it also reads, so that neither side waits for the other.
#pragma once

#include <poll.h>

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "result.hpp"

namespace weft::cli {

class Client {
public:
    static Result<Client> connect(const std::string& path);
    Client(Client&& other) noexcept;
    Client& operator=(Client&&) = delete;
    ~Client();

    // line: without its newline.
    Result<> send(std::string_view line);
    // The next answer, without its newline. ETIMEDOUT after a minute in which nothing came.
    Result<std::string> receive();
    // The next line of a stream, however long it takes; none if one of `ends` had something to say first.
    Result<std::optional<std::string>> receive_unless(std::span<const pollfd> ends);

private:
    std::optional<std::string> take_line();
    explicit Client(int fd) : fd_(fd) {}
    Result<> wait(short events, short& ready) const;
    Result<> read_some();

    int fd_ = -1;
    std::string input_;
    std::size_t searched_ = 0;  // of input_, without a newline so far
};

}  // namespace weft::cli

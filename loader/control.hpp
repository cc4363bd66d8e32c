// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// The control socket: a unix stream socket, one JSON object a line each way, requests of a client answered in order.
// Bounded: line length, clients, the time a client may leave an answer unread, and the lines that wait for one that
// listens (stream.hpp). Knows no command.
#pragma once

#include <boost/asio/io_context.hpp>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "result.hpp"
#include "stream.hpp"

namespace weft {

class Control {
public:
    // A request line (without its newline) to its reply; never throws.
    using Handler = std::function<Reply(std::string_view)>;

    // Replaces a socket file that nobody listens on; the caller holds the instance's lock, so it is stale.
    static Result<Control> open(boost::asio::io_context& loop, const std::string& path, Handler handler);
    Control(Control&&) noexcept;
    ~Control();  // closes every client and removes the socket file

    struct Server;

private:
    explicit Control(std::shared_ptr<Server> server);
    std::shared_ptr<Server> server_;
};

}  // namespace weft

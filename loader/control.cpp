// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include "control.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <boost/asio/buffer.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <set>

namespace weft {

namespace asio = boost::asio;
using Protocol = asio::local::stream_protocol;
using boost::system::error_code;

namespace {

constexpr std::size_t MAX_LINE_BYTES = 16 << 20;
constexpr std::size_t MAX_CLIENTS = 64;
constexpr auto UNREAD_LIMIT = std::chrono::seconds(10);
constexpr std::size_t MAX_WAITING_BYTES = 8 << 20;  // of a stream: some 40000 records that changed

class Session;

}  // namespace

struct Control::Server : std::enable_shared_from_this<Control::Server> {
    Server(asio::io_context& loop, std::string socket_path, Handler answer)
        : acceptor(loop), path(std::move(socket_path)), handler(std::move(answer)) {}

    Result<> listen();
    void accept();

    Protocol::acceptor acceptor;
    std::string path;
    Handler handler;
    std::set<std::shared_ptr<Session>> sessions;
};

namespace {

// One client: read a line, answer it, write the answer, read on; or write it a stream for as long as it stays. What it
// does not read holds up nobody but itself.
class Session : public Stream, public std::enable_shared_from_this<Session> {
public:
    Session(Protocol::socket socket, Control::Server& server)
        : socket_(std::move(socket)), unread_(socket_.get_executor()), server_(&server) {}

    void read() {
        asio::async_read_until(socket_, asio::dynamic_buffer(input_, MAX_LINE_BYTES), '\n',
                               [self = shared_from_this()](error_code error, std::size_t length) {
                                   if (error == asio::error::not_found)
                                       self->refuse("a request is longer than 16 MiB");
                                   else if (error)
                                       self->close();
                                   else
                                       self->serve(length);
                               });
    }

    void refuse(std::string_view reason) {
        last_ = true;
        output_ = "{\"ok\":false,\"error\":\"" + std::string(reason) + "\"}\n";
        write();
    }

    void close() {
        if (!server_) return;
        error_code ignored;
        unread_.cancel(ignored);
        socket_.close(ignored);
        std::exchange(server_, nullptr)->sessions.erase(shared_from_this());
    }

    // The server is going: no way back to it.
    void abandon() {
        server_ = nullptr;
        error_code ignored;
        unread_.cancel(ignored);
        socket_.close(ignored);
    }

    bool is_open() const override { return server_ != nullptr; }

    // Once lines were lost the next one waits for room, so that a slow reader is told of its gaps now and then and not
    // before each line.
    void send(std::string_view line) override {
        if (!server_) return;
        const std::size_t most = lost_ ? MAX_WAITING_BYTES / 2 : MAX_WAITING_BYTES;
        if (waiting_.size() + line.size() > most) {
            ++lost_;
            return;
        }
        tell_lost();
        waiting_.append(line).push_back('\n');
        if (output_.empty()) write_waiting();
    }

private:
    void serve(std::size_t length) {
        const Reply reply = server_->handler(std::string_view(input_).substr(0, length - 1));
        output_ = reply.line;
        output_ += '\n';
        input_.erase(0, length);
        streams_ = static_cast<bool>(reply.begin);
        write();
        if (!streams_) return;
        await_end();
        reply.begin(shared_from_this());
    }

    // A client that listens has nothing more to say: what comes is its end, or of no interest.
    void await_end() {
        input_.resize(64);
        socket_.async_read_some(asio::buffer(input_), [self = shared_from_this()](error_code error, std::size_t) {
            if (error || !self->server_) return self->close();
            self->await_end();
        });
    }

    void tell_lost() {
        if (lost_ == 0) return;
        waiting_.append("{\"event\":\"lost\",\"count\":" + std::to_string(std::exchange(lost_, 0)) + "}\n");
    }

    void write_waiting() {
        if (waiting_.empty()) tell_lost();
        if (waiting_.empty()) return;
        output_.swap(waiting_);
        write();
    }

    // By pieces, so that the time limit is on progress and not on the size of a list. Who listens may pause.
    void write() {
        unread_.expires_after(UNREAD_LIMIT);
        unread_.async_wait([self = shared_from_this()](error_code error) {
            if (!error && !self->streams_) self->close();
        });
        socket_.async_write_some(
            asio::buffer(output_) + written_,
            [self = shared_from_this()](error_code error, std::size_t bytes) { self->wrote(error, bytes); });
    }

    void wrote(error_code error, std::size_t bytes) {
        if (error || !server_) return close();
        written_ += bytes;
        if (written_ < output_.size()) return write();
        unread_.cancel();
        written_ = 0;
        output_ = {};  // a list of a million entries is not kept
        if (streams_) return write_waiting();
        last_ ? close() : read();
    }

    Protocol::socket socket_;
    asio::steady_timer unread_;
    Control::Server* server_;
    std::string input_, output_;
    std::string waiting_;  // lines of a stream behind output_
    std::uint64_t lost_ = 0;
    std::size_t written_ = 0;
    bool last_ = false, streams_ = false;
};

}  // namespace

Result<> Control::Server::listen() {
    const auto say = [this](const char* doing, const error_code& error) {
        return fail(error.value(), std::string(doing) + " " + path + ": " + error.message());
    };
    if (path.size() >= sizeof(sockaddr_un::sun_path)) return fail(ENAMETOOLONG, "socket path " + path + " is too long");
    if (::unlink(path.c_str()) != 0 && errno != ENOENT) return fail_errno("remove stale " + path);
    error_code error;
    if (acceptor.open(Protocol(), error)) return say("open", error);
    // Born with its mode: between bind and chmod nobody else could connect, but 0660 must not need a chown either.
    const mode_t before = ::umask(0117);
    acceptor.bind(Protocol::endpoint(path), error);
    ::umask(before);
    if (error) return say("bind", error);
    if (acceptor.listen(asio::socket_base::max_listen_connections, error)) return say("listen on", error);
    return Ok{};
}

void Control::Server::accept() {
    acceptor.async_accept([self = shared_from_this()](error_code error, Protocol::socket socket) {
        if (error == asio::error::operation_aborted || !self->acceptor.is_open()) return;
        if (!error) {
            const auto session = std::make_shared<Session>(std::move(socket), *self);
            const bool full = self->sessions.size() >= MAX_CLIENTS;
            self->sessions.insert(session);
            full ? session->refuse("too many clients") : session->read();
        }
        self->accept();
    });
}

Result<Control> Control::open(asio::io_context& loop, const std::string& path, Handler handler) {
    auto server = std::make_shared<Server>(loop, path, std::move(handler));
    TRY_OK(server->listen());
    server->accept();
    return Control(std::move(server));
}

Control::Control(std::shared_ptr<Server> server) : server_(std::move(server)) {}
Control::Control(Control&&) noexcept = default;

Control::~Control() {
    if (!server_) return;
    error_code ignored;
    server_->acceptor.close(ignored);
    for (const auto& session : std::exchange(server_->sessions, {})) session->abandon();
    ::unlink(server_->path.c_str());
}

}  // namespace weft

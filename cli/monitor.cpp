// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include "monitor.hpp"

#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <iostream>
#include <nlohmann/json.hpp>
#include <sstream>

namespace weft::cli {

namespace {

using nlohmann::json;

// SIGINT and SIGTERM as something to read, and a closed pipe as an error of the write, for as long as this lives.
class Signals {
public:
    Signals() {
        sigset_t wanted;
        sigemptyset(&wanted);
        sigaddset(&wanted, SIGINT);
        sigaddset(&wanted, SIGTERM);
        sigprocmask(SIG_BLOCK, &wanted, &before_);
        pipe_ = signal(SIGPIPE, SIG_IGN);
        fd_ = signalfd(-1, &wanted, SFD_CLOEXEC | SFD_NONBLOCK);
    }
    Signals(const Signals&) = delete;
    Signals& operator=(const Signals&) = delete;
    // What came is used up first: it must not end the program now that it has ended the stream.
    ~Signals() {
        signalfd_siginfo came;
        while (fd_ >= 0 && read(fd_, &came, sizeof came) > 0) {
        }
        if (fd_ >= 0) close(fd_);
        signal(SIGPIPE, pipe_);
        sigprocmask(SIG_SETMASK, &before_, nullptr);
    }
    int fd() const { return fd_; }

private:
    sigset_t before_{};
    sighandler_t pipe_ = SIG_DFL;
    int fd_ = -1;
};

std::string in_columns(const std::string& line, std::string_view columns) {
    const json event = json::parse(line, nullptr, false);
    if (!event.is_object()) return line;
    std::string out;
    std::istringstream keys{std::string(columns)};
    for (std::string key; keys >> key;) {
        const auto found = event.find(key);
        if (found == event.end()) continue;
        out.append(out.empty() ? "" : "  ").append(found->is_string() ? found->get<std::string>() : found->dump());
    }
    return event.value("event", "") == "lost" ? out + "  " + event.value("count", json(0)).dump() : out;
}

}  // namespace

Result<> show_stream(Client& client, std::ostream& out, const std::string_view* columns) {
    const Signals signals;
    std::vector<pollfd> ends{{signals.fd(), POLLIN, 0}};
    if (&out == &std::cout) ends.push_back({STDOUT_FILENO, 0, 0});  // a reader that went shows before the next line
    for (;;) {
        TRY(const auto line, client.receive_unless(ends));
        if (!line) return Ok{};
        out << (columns ? in_columns(*line, *columns) : *line) << std::endl;
        if (!out) return Ok{};
    }
}

}  // namespace weft::cli

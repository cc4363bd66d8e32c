// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include "daemon.hpp"

#include <fcntl.h>
#include <signal.h>
#include <spdlog/spdlog.h>
#include <sys/file.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <filesystem>
#include <list>

#include "commands.hpp"
#include "control.hpp"
#include "notify.hpp"
#include "tunnel_device.hpp"

namespace weft {

namespace asio = boost::asio;
using boost::system::error_code;

namespace {

constexpr auto TICK = std::chrono::seconds(1);
constexpr auto REFRESH = std::chrono::seconds(5);
constexpr auto FOLLOW = std::chrono::milliseconds(50);
constexpr auto LOOK = std::chrono::milliseconds(20);
constexpr auto PUBLISH = std::chrono::milliseconds(20);

void log_error(const char* doing, const Result<>& result) {
    if (!result) spdlog::error("{}: {}", doing, result.error().what);
}

// The engine on an event loop. Everything it starts ends with the loop.
class Daemon {
public:
    explicit Daemon(Engine& engine)
        : engine_(&engine),
          signals_(loop_, SIGTERM, SIGINT, SIGHUP),
          tick_(loop_),
          refresh_(loop_),
          follow_(loop_),
          look_(loop_),
          publish_(loop_) {}

    Result<> run(const std::string& socket_path) {
        for (Engine::Source& source : engine_->sources()) TRY_OK(watch(std::move(source)));
        TRY(const Control control,
            Control::open(loop_, socket_path, [this](std::string_view line) { return respond(*engine_, line); }));
        wait_for_signal();
        repeat(tick_, TICK, "tick", &Engine::tick);
        repeat(refresh_, REFRESH, "refresh", &Engine::refresh);
        repeat(follow_, FOLLOW, "follow roles", &Engine::follow);
        repeat(look_, LOOK, "look at uplinks", &Engine::look_at_uplinks);
        repeat(publish_, PUBLISH, "publish records", &Engine::publish);
        notify("READY=1\nSTATUS=" + summary());
        spdlog::info("ready: {}", summary());
        loop_.run();
        notify("STOPPING=1");
        return Ok{};
    }

private:
    // Descriptors are duplicated: closing one here must not close the engine's.
    Result<> watch(const Engine::Source& source) {
        const int fd = fcntl(source.fd, F_DUPFD_CLOEXEC, 3);
        if (fd < 0) return fail_errno("watch a descriptor");
        wait_readable(watched_.emplace_back(loop_, fd), source.ready);
        log_error("event", source.ready());
        return Ok{};
    }

    // Waits first, reads then: to wait is a look at the descriptor, and perf_poll forgets at a look that its ring has
    // something. What came before the look is read now, what comes after it wakes.
    void wait_readable(asio::posix::stream_descriptor& descriptor, const std::function<Result<>()>& ready) {
        descriptor.async_wait(asio::posix::stream_descriptor::wait_read, [this, &descriptor, ready](error_code error) {
            if (error) return;
            wait_readable(descriptor, ready);
            log_error("event", ready());
        });
    }

    void repeat(asio::steady_timer& timer, std::chrono::milliseconds every, const char* doing,
                Result<> (Engine::*work)()) {
        timer.expires_after(every);
        timer.async_wait([this, &timer, every, doing, work](error_code error) {
            if (error) return;
            log_error(doing, (engine_->*work)());
            repeat(timer, every, doing, work);
        });
    }

    void wait_for_signal() {
        signals_.async_wait([this](error_code error, int signal) {
            if (error) return;
            if (signal != SIGHUP) return loop_.stop();
            const auto applied = engine_->reload();
            if (applied)
                spdlog::info("configuration read again: {} changes", applied->changes.size());
            else
                spdlog::error("configuration stays as it is: {}", applied.error().what);
            wait_for_signal();
        });
    }

    std::string summary() const {
        const Document& wanted = engine_->wanted();
        return std::to_string(wanted.segments.size()) + " segments, " + std::to_string(wanted.ports.size()) +
               " ports, " + std::to_string(wanted.uplinks.size()) + " uplinks" +
               (engine_->problems().reasons.empty() ? "" : ", degraded: " + engine_->problems().reasons.front());
    }

    Engine* engine_;
    asio::io_context loop_{1};
    asio::signal_set signals_;
    asio::steady_timer tick_, refresh_, follow_, look_, publish_;
    std::list<asio::posix::stream_descriptor> watched_;
};

}  // namespace

Result<std::string> make_run_dir(const std::string& instance) {
    const std::string path = "/run/weft/" + instance;
    std::error_code error;
    std::filesystem::create_directories(path, error);
    if (error == std::errc::permission_denied)
        return fail(error.value(), "create " + path + ": not permitted, run as root or by the systemd unit");
    if (error) return fail(error.value(), "create " + path + ": " + error.message());
    return path;
}

Result<Fd> lock_instance(const std::string& run_dir, const std::string& instance) {
    const std::string path = run_dir + "/lock";
    Fd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0640));
    if (!fd) return fail_errno("open " + path);
    if (::flock(fd.get(), LOCK_EX | LOCK_NB) == 0) return fd;
    if (errno == EWOULDBLOCK) return fail(EBUSY, "weftd of instance " + instance + " is running already");
    return fail_errno("lock " + path);
}

Result<> detach_instance(const EngineOptions& options) {
    TRY(const Fd lock, lock_instance(options.run_dir, options.instance));
    TRY_OK(Datapath::remove(options.instance));
    TRY(Netlink netlink, Netlink::open());
    TRY_OK(remove_tunnel_device(netlink, options.instance));
    TRY_OK(remove_gretap(netlink, options.instance));
    std::error_code error;
    std::filesystem::remove_all(options.run_dir, error);
    if (error) return fail(error.value(), "remove " + options.run_dir + ": " + error.message());
    return Ok{};
}

Result<> run_daemon(const EngineOptions& options) {
    TRY(const Fd lock, lock_instance(options.run_dir, options.instance));
    TRY(const auto engine, Engine::start(options));
    Daemon daemon(*engine);
    return daemon.run(options.run_dir + "/weftd.sock");
}

}  // namespace weft

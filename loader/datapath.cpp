// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include "datapath.hpp"

#include <bpf/bpf.h>
#include <sys/socket.h>

#include <cstring>

#include "datapath_state.hpp"
#include "migrate.hpp"

namespace weft {

namespace {

#ifndef SO_NETNS_COOKIE
constexpr int SO_NETNS_COOKIE = 71;  // asm-generic/socket.h since 5.14
#endif

Result<Fd> pinned_map(const pins::Folder& folder, const char* name) {
    TRY(auto fd, pins::open(folder.map(name)));
    if (!fd) return fail(ENOENT, "no map " + folder.map(name));
    return std::move(*fd);
}

Result<Tables> open_tables(const pins::Folder& folder) {
    Fd held;  // Tables keeps a duplicate of each
    return Tables::open([&](const char* name) {
        auto fd = pinned_map(folder, name);
        if (!fd) return -fd.error().code;
        held = std::move(*fd);
        return held.get();
    });
}

}  // namespace

Result<std::uint64_t> netns_cookie() {
    const Fd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    if (!socket) return fail_errno("open a socket");
    std::uint64_t cookie = 0;
    socklen_t length = sizeof cookie;
    if (getsockopt(socket.get(), SOL_SOCKET, SO_NETNS_COOKIE, &cookie, &length) != 0)
        return fail_errno("read the network namespace's cookie");
    return cookie;
}

Result<Datapath::State> Datapath::State::open(const pins::Folder& folder, const config& settings, TcMethod tc) {
    TRY(const auto cookie, netns_cookie());
    TRY(auto stubs, load_stubs(folder));
    TRY(auto tables, open_tables(folder));
    TRY(auto events, pinned_map(folder, "events"));
    TRY(auto links, Links::open());
    return State{folder,          settings, tc, cookie, std::move(stubs), std::move(tables), std::move(events),
                 std::move(links)};
}

Result<> Datapath::require_host() {
    TRY_OK(require_kernel());
    return pins::require_bpffs();
}

Result<Datapath> Datapath::open(const std::string& instance, const config& settings) {
    return open(instance, settings, Options{});
}

Result<Datapath> Datapath::open(const std::string& instance, const config& settings, const Options& options) {
    quiet_libraries();
    const pins::Folder folder{instance, options.abi_version};
    TRY_OK(require_host());
    TRY_OK(pins::make(folder));
    TRY(auto migration, Migration::begin(folder));
    TRY_OK(load_stubs(folder));
    TRY_OK(load_generation(folder, settings));
    TRY_OK(migration.finish());
    TRY(auto state, State::open(folder, settings, options.tc));
    return Datapath(std::make_unique<State>(std::move(state)));
}

Datapath::Datapath(std::unique_ptr<State> state) : state_(std::move(state)) {}
Datapath::Datapath(Datapath&&) noexcept = default;
Datapath& Datapath::operator=(Datapath&&) noexcept = default;
Datapath::~Datapath() = default;

Result<> Datapath::configure(const config& settings) {
    if (std::memcmp(&settings, &state_->settings, sizeof settings) == 0) return Ok{};
    TRY_OK(load_generation(state_->folder, settings));
    state_->settings = settings;
    return Ok{};
}

// bpf_clone_redirect acts at once, also in a test run.
Result<> Datapath::send_as_host(std::span<const std::uint8_t> frame, const frame_facts& facts, std::uint32_t ifindex) {
    __sk_buff skb{};
    static_assert(sizeof skb.cb == sizeof facts);
    std::memcpy(skb.cb, &facts, sizeof facts);
    // Of what waited the device only says where it came in: on its own device a frame may not outgrow that one's MTU.
    (facts.flags & FRAME_WAITED ? skb.ingress_ifindex : skb.ifindex) = ifindex;
    LIBBPF_OPTS(bpf_test_run_opts, run, .data_in = frame.data(),
                .data_size_in = static_cast<std::uint32_t>(frame.size()), .ctx_in = &skb, .ctx_size_in = sizeof skb,
                .repeat = 1);
    const int error = bpf_prog_test_run_opts(state_->stubs[HOOK_TC_HOST].get(), &run);
    return error == 0 ? Result<>(Ok{}) : fail_errno("send a frame of this host's own", -error);
}

Tables& Datapath::tables() { return state_->tables; }
int Datapath::events_fd() const { return state_->events.get(); }

}  // namespace weft

// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// bench_tool cost: nanoseconds of a program alone, above an empty one, on the tables and settings of two running hosts.
// XDP: again.bpf.c by BPF_PROG_TEST_RUN with repeat, the best of some. TC: the deployed programs, one fresh skb a run,
// the median of many. The tunnel packet for host b is what host a makes of the guest's.
#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include <algorithm>
#include <cstdio>
#include <functional>

#include "abi.h"
#include "again.skel.h"
#include "deployed.hpp"
#include "frame.hpp"

namespace weft::bench {

namespace {

using test::Bytes;
using Again = std::unique_ptr<again_bpf, decltype(&again_bpf__destroy)>;

constexpr int XDP_REDIRECTED = 4, TC_REDIRECTED = 7;
constexpr int REPEAT = 200'000, TRIES = 9, SINGLE_RUNS = 8000;

struct Host {
    std::string netns, pins;
    std::uint32_t port = 0, uplink = 0;
    std::vector<Deployed> programs;

    int program(std::string_view hook) const {
        const auto is = [&](const Deployed& each) { return each.hook == hook; };
        return std::find_if(programs.begin(), programs.end(), is)->fd.get();
    }
};

Result<Host> open_host(const Options& options, const std::string& which) {
    Host host;
    TRY(host.netns, options.text("netns_" + which));
    TRY(host.pins, options.text("pins_" + which));
    TRY_OK(enter(host.netns));
    TRY(host.port, ifindex_of(options.text("port_" + which, "")));
    TRY(host.uplink, ifindex_of("eth0"));
    TRY(host.programs, deployed_programs(host.pins));
    return host;
}

struct Run {
    std::uint32_t action, nanoseconds;
    Bytes out;
};

Result<Run> test_run(int fd, bool xdp, const Bytes& frame, std::uint32_t ifindex, int repeat) {
    Run run{0, 0, Bytes(frame.size() + 256)};
    xdp_md md{};
    md.data_end = static_cast<__u32>(frame.size());
    md.ingress_ifindex = ifindex;
    __sk_buff skb{};
    skb.ifindex = ifindex;
    LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = frame.data(), .data_out = run.out.data(),
                .data_size_in = static_cast<__u32>(frame.size()), .data_size_out = static_cast<__u32>(run.out.size()),
                .ctx_in = xdp ? static_cast<void*>(&md) : &skb,
                .ctx_size_in = static_cast<__u32>(xdp ? sizeof md : sizeof skb), .repeat = repeat);
    if (const int error = bpf_prog_test_run_opts(fd, &options); error != 0) return fail_errno("run a program", -error);
    run.action = options.retval;
    run.nanoseconds = options.duration;
    run.out.resize(options.data_size_out);
    return run;
}

Result<double> repeated(int fd, const Bytes& frame, std::uint32_t ifindex, std::uint32_t action) {
    std::uint32_t best = ~0u;
    for (int i = 0; i < TRIES; ++i) {
        TRY(const auto run, test_run(fd, true, frame, ifindex, REPEAT));
        if (run.action != action) return fail(EPROTO, "an XDP program returned " + std::to_string(run.action));
        best = std::min(best, run.nanoseconds);
    }
    return best;
}

Result<double> single(int fd, const Bytes& frame, std::uint32_t ifindex, std::uint32_t action) {
    std::vector<std::uint32_t> times;
    for (int i = 0; i < SINGLE_RUNS; ++i) {
        TRY(const auto run, test_run(fd, false, frame, ifindex, 1));
        if (run.action != action) return fail(EPROTO, "a TC program returned " + std::to_string(run.action));
        times.push_back(run.nanoseconds);
    }
    std::nth_element(times.begin(), times.begin() + SINGLE_RUNS / 2, times.end());
    return times[SINGLE_RUNS / 2];
}

// again.bpf.c over a host's tables; maps of its own where the host pins none.
Result<Again> load_again(const Host& host) {
    Again again(again_bpf__open(), again_bpf__destroy);
    if (!again) return fail_errno("open the programs");
    TRY(const auto settings, deployed_settings(host.programs[0]));
    const_cast<config&>(again->rodata->settings) = settings;
    bpf_map* map = nullptr;
    bpf_object__for_each_map(map, again->obj) {
        const Fd pinned(bpf_obj_get((host.pins + "/" + bpf_map__name(map)).c_str()));
        if (pinned && bpf_map__reuse_fd(map, pinned.get()) != 0) return fail_errno("adopt a map");
    }
    if (const int error = again_bpf__load(again.get()); error != 0) return fail_errno("load the programs", -error);
    return again;
}

struct Path {
    const char* name;
    const Host& host;
    const Bytes& frame;
    std::uint32_t ifindex;
};

Result<> print_xdp(const Path& path) {
    TRY_OK(enter(path.host.netns));
    TRY(const auto again, load_again(path.host));
    const auto cost = [&](const std::string& name, std::uint32_t action) {
        const auto* program = bpf_object__find_program_by_name(again->obj, name.c_str());
        return repeated(bpf_program__fd(program), path.frame, path.ifindex, action);
    };
    constexpr std::uint32_t PASSED = 2;
    TRY(const auto empty, cost("empty", PASSED));
    TRY(const auto move, cost("move", PASSED));
    TRY(const auto whole, cost(path.name, XDP_REDIRECTED));
    std::printf("\"%s\": {\"cost_ns\": %.1f, \"empty_ns\": %.1f, \"move_ns\": %.1f", path.name,
                whole - empty - (move - empty) / 2, empty, (move - empty) / 2);
    for (const char stage : {'1', '2', '3'}) {
        TRY(const auto prefix, cost(std::string(path.name) + "_" + stage, XDP_REDIRECTED));
        std::printf(", \"until_%c_ns\": %.1f", stage, prefix - empty);
    }
    std::printf("}");
    return Ok{};
}

Result<> print_tc(const Path& path, const char* hook) {
    TRY_OK(enter(path.host.netns));
    const Again again(again_bpf__open_and_load(), again_bpf__destroy);
    if (!again) return fail_errno("load the programs");
    TRY(const auto empty, single(bpf_program__fd(again->progs.empty_tc), path.frame, path.ifindex, 0));
    TRY(const auto whole, single(path.host.program(hook), path.frame, path.ifindex, TC_REDIRECTED));
    std::printf("\"%s\": {\"cost_ns\": %.1f, \"empty_ns\": %.1f}", path.name, whole - empty, empty);
    return Ok{};
}

Result<Bytes> guest_frame(const Options& options) {
    using namespace test;
    TRY(const auto from, options.value<Mac>("from_mac"));
    TRY(const auto to, options.value<Mac>("to_mac"));
    return frame(Eth{.dst = to, .src = from}, Ip4{}, Udp{.sum = Sum::ZERO}, payload(18));
}

}  // namespace

Result<> cost(const Options& options) {
    const bool xdp = options.text("hook", "tc") == "xdp";
    TRY(const auto a, open_host(options, "a"));
    TRY(const auto b, open_host(options, "b"));
    TRY(const auto inner, guest_frame(options));
    TRY_OK(enter(a.netns));
    TRY(const auto made, test_run(a.program(xdp ? "xdp_port" : "tc_port"), xdp, inner, a.port, 1));
    const Path encap{"encap", a, inner, a.port}, decap{"decap", b, made.out, b.uplink};
    std::printf("{");
    TRY_OK(xdp ? print_xdp(encap) : print_tc(encap, "tc_port"));
    std::printf(", ");
    TRY_OK(xdp ? print_xdp(decap) : print_tc(decap, "tc_wire"));
    std::puts("}");
    return Ok{};
}

}  // namespace weft::bench

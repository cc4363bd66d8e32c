// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// The bound: a host that only redirects between its port and its uplink, without encapsulation. Serves until stdin
// ends.
#include <unistd.h>

#include <cstdio>

#include "tool.hpp"
#include "traffic.h"
#include "traffic.skel.h"

namespace weft::bench {

namespace {

using Programs = std::unique_ptr<traffic_bpf, decltype(&traffic_bpf__destroy)>;

Result<std::vector<Attachment>> attach(const traffic_bpf& bpf, const std::string& hook, std::uint32_t port,
                                       std::uint32_t uplink) {
    const bool xdp = hook == "xdp";
    const auto attach = xdp ? Attachment::xdp : Attachment::tc;
    const auto& programs = bpf.progs;
    std::vector<Attachment> attachments;
    TRY(auto at_port, attach(bpf_program__fd(xdp ? programs.port_to_uplink_xdp : programs.port_to_uplink_tc), port));
    attachments.push_back(std::move(at_port));
    TRY(auto at_uplink,
        attach(bpf_program__fd(xdp ? programs.uplink_to_port_xdp : programs.uplink_to_port_tc), uplink));
    attachments.push_back(std::move(at_uplink));
    return attachments;
}

}  // namespace

Result<> forward(const Options& options) {
    TRY(const auto netns, options.text("netns"));
    TRY(const auto hook, options.text("hook"));
    TRY_OK(enter(netns));
    TRY(const auto port, ifindex_of(options.text("port", "")));
    TRY(const auto uplink, ifindex_of(options.text("uplink", "eth0")));
    const Programs bpf(traffic_bpf__open(), traffic_bpf__destroy);
    if (!bpf) return fail_errno("open the programs");
    bpf->rodata->port_ifindex = port;
    bpf->rodata->uplink_ifindex = uplink;
    if (const int error = traffic_bpf__load(bpf.get()); error != 0) return fail_errno("load the programs", -error);
    TRY(const auto attachments, attach(*bpf, hook, port, uplink));
    std::puts("{\"ready\": true}");
    std::fflush(stdout);
    char unused;
    while (read(STDIN_FILENO, &unused, 1) > 0) continue;
    return Ok{};
}

}  // namespace weft::bench

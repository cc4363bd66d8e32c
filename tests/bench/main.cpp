// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// bench_tool COMMAND key=value…: what scripts/bench cannot do in Python. Exit 1 with one line if it failed.
#include <bpf/libbpf.h>

#include <algorithm>
#include <cstdio>
#include <iterator>

#include "tool.hpp"

namespace weft::bench {
namespace {

struct Command {
    std::string_view name;
    Result<> (*run)(const Options&);
    const char* options;
};

constexpr Command COMMANDS[] = {
    {"send", send, "kind=live|udp|packet|gso from=NETNS to=NETNS [sink=tc|xdp|socket] seconds=S cpu=N… (see send.cpp)"},
    {"stream", stream, "from=NETNS to=NETNS address=IP flows=N seconds=S from_cpu=N to_cpu=N"},
    {"pingpong", ping_pong, "from=NETNS to=NETNS address=IP seconds=S cpu=N"},
    {"forward", forward, "netns=NETNS port=DEVICE uplink=DEVICE hook=xdp|tc: serves until stdin ends"},
    {"fill", fill, "pins=FOLDER vni=N like=MAC first=N count=N"},
    {"storm", storm, "pins=FOLDER vni=N like=MAC count=N cpu=N seconds=S"},
    {"clear", clear, "pins=FOLDER vni=N count=N"},
    {"programs", programs, "pins=FOLDER"},
    {"cost", cost,
     "hook=xdp|tc netns_a=NETNS pins_a=FOLDER port_a=DEVICE netns_b=… pins_b=… port_b=… from_mac=MAC to_mac=MAC"},
};

int usage() {
    std::fputs("usage: bench_tool COMMAND key=value…\n", stderr);
    for (const Command& each : COMMANDS) std::fprintf(stderr, "  %-9s %s\n", each.name.data(), each.options);
    return 2;
}

Result<> run(const Command& command, int count, char** words) {
    TRY(const auto options, Options::parse(count, words));
    return command.run(options);
}

}  // namespace
}  // namespace weft::bench

int main(int argc, char** argv) {
    using namespace weft::bench;
    libbpf_set_print(nullptr);
    const auto named = [&](const Command& each) { return argc > 1 && each.name == argv[1]; };
    const auto* command = std::find_if(std::begin(COMMANDS), std::end(COMMANDS), named);
    if (command == std::end(COMMANDS)) return usage();
    const auto done = run(*command, argc - 2, argv + 2);
    if (done) return 0;
    std::fprintf(stderr, "bench_tool %s: %s\n", argv[1], done.error().what.c_str());
    return 1;
}

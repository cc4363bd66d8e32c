// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include "probe.hpp"

#include <bpf/bpf.h>

#include <algorithm>
#include <array>
#include <memory>

#include "ethtool.hpp"
#include "probe.skel.h"

namespace weft {

namespace {

// The kernel's name for it is one bit; our headers may be older than 5.18.
constexpr std::uint32_t LIVE_FRAMES = 1u << 1;
constexpr std::array<std::uint8_t, 6> NEAREST_BRIDGE{0x01, 0x80, 0xc2, 0x00, 0x00, 0x0e};  // no bridge forwards it
constexpr std::array<std::uint8_t, 2> LOCAL_EXPERIMENTAL{0x88, 0xb5};                      // IEEE 802 ethertype
constexpr std::size_t FRAME_BYTES = 60;

using Probe = std::unique_ptr<probe_bpf, decltype(&probe_bpf__destroy)>;

std::array<std::uint8_t, FRAME_BYTES> probe_frame(const Mac& source) {
    std::array<std::uint8_t, FRAME_BYTES> frame{};
    auto at = std::copy(NEAREST_BRIDGE.begin(), NEAREST_BRIDGE.end(), frame.begin());
    at = std::copy(source.bytes.begin(), source.bytes.end(), at);
    std::copy(LOCAL_EXPERIMENTAL.begin(), LOCAL_EXPERIMENTAL.end(), at);
    return frame;
}

// veth counts at ndo_xdp_xmit what its far end took: "tx_queue_0_xdp_xmit".
Result<std::uint64_t> taken(const Ethtool& ethtool) {
    TRY(const auto statistics, ethtool.statistics());
    std::uint64_t sum = 0;
    for (const auto& [name, value] : statistics)
        if (name.starts_with("tx_queue_") && name.ends_with("_xdp_xmit")) sum += value;
    return sum;
}

// Of the programs of the object only this one is loaded.
Result<Probe> load_probe(const char* program_name) {
    Probe probe(probe_bpf__open(), probe_bpf__destroy);
    if (!probe) return fail_errno("open the probes");
    bpf_program* program;
    bpf_object__for_each_program(program, probe->obj)
        bpf_program__set_autoload(program, std::string_view(bpf_program__name(program)) == program_name);
    if (const int error = probe_bpf__load(probe.get()); error != 0)
        return fail_errno(std::string("load ") + program_name, -error);
    return probe;
}

}  // namespace

Result<bool> probe_xdp_tx(const Link& link) {
    TRY(const Probe probe, load_probe("probe_transmit"));
    probe->bss->target = link.ifindex;
    TRY(const auto ethtool, Ethtool::open(link.name));
    TRY(const auto before, taken(ethtool));
    auto frame = probe_frame(link.mac);
    LIBBPF_OPTS(bpf_test_run_opts, run, .data_in = frame.data(), .data_size_in = frame.size(), .repeat = 1,
                .flags = LIVE_FRAMES);
    if (const int error = bpf_prog_test_run_opts(bpf_program__fd(probe->progs.probe_transmit), &run); error != 0) {
        if (error == -EINVAL || error == -EOPNOTSUPP) return false;
        return fail_errno("run the transmit probe", -error);
    }
    TRY(const auto after, taken(ethtool));
    return after > before;
}

// bpf_clone_redirect acts at once, also in a test run.
Result<> receive_as_if(const Link& link, std::span<const std::uint8_t> frame) {
    TRY(const Probe probe, load_probe("probe_receive"));
    probe->bss->target = link.ifindex;
    LIBBPF_OPTS(bpf_test_run_opts, run, .data_in = frame.data(),
                .data_size_in = static_cast<std::uint32_t>(frame.size()), .repeat = 1);
    const std::string doing = "have a frame come in by " + link.name;
    if (const int error = bpf_prog_test_run_opts(bpf_program__fd(probe->progs.probe_receive), &run); error != 0)
        return fail_errno(doing, -error);
    if (run.retval != 0) return fail(ENETDOWN, doing + ": the kernel refused it");
    return Ok{};
}

}  // namespace weft

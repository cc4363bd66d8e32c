// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include "dispatcher.hpp"

#include <bpf/libbpf.h>
#include <unistd.h>
#include <xdp/libxdp.h>

#include <array>
#include <cstring>
#include <memory>

#include "attach_xdp.hpp"
#include "generation.hpp"
#include "stubs.skel.h"

namespace weft {

namespace {

struct Close {
    void operator()(stubs_bpf* stubs) const { stubs_bpf__destroy(stubs); }
    void operator()(xdp_program* program) const { xdp_program__close(program); }
    void operator()(xdp_multiprog* programs) const { xdp_multiprog__close(programs); }
};
using Stubs = std::unique_ptr<stubs_bpf, Close>;
using Program = std::unique_ptr<xdp_program, Close>;
using Programs = std::unique_ptr<xdp_multiprog, Close>;

const std::string& stub_name() { return hooks()[HOOK_XDP_WIRE].stub; }

Programs programs_on(std::uint32_t ifindex) {
    xdp_multiprog* programs = xdp_multiprog__get_from_ifindex(static_cast<int>(ifindex));
    return Programs(libxdp_get_error(programs) ? nullptr : programs);
}

xdp_program* find_ours(const xdp_multiprog* programs) {
    for (xdp_program* at = xdp_multiprog__next_prog(nullptr, programs); at; at = xdp_multiprog__next_prog(at, programs))
        if (stub_name().starts_with(xdp_program__name(at))) return at;  // the kernel keeps 15 characters
    return nullptr;
}

// An unloaded stub, since the dispatcher needs it loaded as an extension; over the pinned PROG_ARRAY.
Result<Stubs> open_stub(const pins::Folder& folder) {
    Stubs stubs(stubs_bpf__open());
    if (!stubs) return fail_errno("open the stubs");
    forget_attach_types(stubs->obj);
    bpf_program* program = nullptr;
    bpf_object__for_each_program(program, stubs->obj)
        bpf_program__set_autoload(program, bpf_program__name(program) == stub_name());
    bpf_map* map = nullptr;
    bpf_object__for_each_map(map, stubs->obj) {
        TRY(auto pinned, pins::open(folder.map(bpf_map__name(map))));
        if (pinned && bpf_map__reuse_fd(map, pinned->get()) != 0) return fail_errno("adopt a pinned map");
    }
    return stubs;
}

// A stub for the dispatcher: attached as such, or alone where there can be none.
Result<Chained> attach_with_libxdp(std::uint32_t ifindex, const pins::Folder& folder, int pinned_stub) {
    TRY(const auto stubs, open_stub(folder));
    DECLARE_LIBXDP_OPTS(xdp_program_opts, options);
    options.obj = stubs->obj;
    options.prog_name = stub_name().c_str();
    xdp_program* raw = xdp_program__create(&options);
    if (const long error = libxdp_get_error(raw))
        return fail_errno("open the stub with libxdp", static_cast<int>(-error));
    const Program program(raw);
    if (const int error = xdp_program__attach(raw, static_cast<int>(ifindex), XDP_MODE_NATIVE, 0); error != 0)
        return fail_errno("attach XDP with libxdp", -error);
    const auto there = programs_on(ifindex);
    if (there && !xdp_multiprog__is_legacy(there.get())) return Chained::Dispatcher;
    // The pinned stub in place of libxdp's copy: the daemon knows it by its id.
    TRY_OK(attach_xdp(ifindex, XdpMode::Native, pinned_stub, std::array{xdp_program__fd(raw)}));
    return Chained::Alone;
}

}  // namespace

Result<Chained> chain_xdp(std::uint32_t ifindex, const pins::Folder& folder) {
    TRY(const auto stub, pins::open(folder.program(stub_name())));
    if (!stub) return fail(ENOENT, "no stub " + folder.program(stub_name()));
    TRY(const auto present, xdp_program_on(ifindex));
    TRY(const auto own, find_program(present.id, std::array{stub->get()}));
    if (own) return Chained::Alone;
    if (const auto there = programs_on(ifindex);
        there && !xdp_multiprog__is_legacy(there.get()) && find_ours(there.get()))
        return Chained::Dispatcher;
    return attach_with_libxdp(ifindex, folder, stub->get());
}

Result<> unchain_xdp(std::uint32_t ifindex) {
    const auto there = programs_on(ifindex);
    if (!there || xdp_multiprog__is_legacy(there.get())) return Ok{};
    xdp_program* ours = find_ours(there.get());
    if (!ours) return Ok{};
    const int error = xdp_program__detach(ours, static_cast<int>(ifindex), xdp_multiprog__attach_mode(there.get()), 0);
    if (error != 0) return fail_errno("leave libxdp's dispatcher (weftd --detach can)", -error);
    return Ok{};
}

// libxdp pins what it chained as xdp/dispatch-<ifindex>-<id of the dispatcher>.
Result<bool> is_chained(std::uint32_t ifindex, std::uint16_t bits) {
    if (!(bits & ATTACHED_XDP_DISPATCHER)) return false;
    TRY(const auto present, xdp_program_on(ifindex));
    const std::string pin = "/sys/fs/bpf/xdp/dispatch-" + std::to_string(ifindex) + "-" + std::to_string(present.id);
    return present.id != 0 && access(pin.c_str(), F_OK) == 0;
}

}  // namespace weft

// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include "generation.hpp"

#include <bpf/libbpf.h>
#include <spdlog/spdlog.h>
#include <sys/utsname.h>
#include <unistd.h>
#include <xdp/libxdp.h>

#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <memory>

#include "stubs.skel.h"
#include "weft.skel.h"

namespace weft {

namespace {

constexpr int KERNEL_MAJOR = 5, KERNEL_MINOR = 17;  // bpf_loop

template <typename Skeleton, void (*destroy)(Skeleton*)>
struct Destroy {
    void operator()(Skeleton* skeleton) const { destroy(skeleton); }
};
using Weft = std::unique_ptr<weft_bpf, Destroy<weft_bpf, weft_bpf__destroy>>;
using Stubs = std::unique_ptr<stubs_bpf, Destroy<stubs_bpf, stubs_bpf__destroy>>;

// One message may be the verifier's whole log, the reason at its end: that part is shown.
constexpr std::size_t LOG_TAIL_BYTES = 8192;

void log_line(const char* who, const char* format, va_list arguments) {
    if (!spdlog::should_log(spdlog::level::debug)) return;
    char* line = nullptr;
    if (vasprintf(&line, format, arguments) < 0) return;
    std::string_view text = line;
    while (text.ends_with('\n')) text.remove_suffix(1);
    const std::size_t left_out = text.size() > LOG_TAIL_BYTES ? text.size() - LOG_TAIL_BYTES : 0;
    spdlog::debug("{}: {}{}", who, left_out ? "… " : "", text.substr(left_out));
    std::free(line);
}

int log_libbpf(libbpf_print_level, const char* format, va_list arguments) {
    log_line("libbpf", format, arguments);
    return 0;
}

int log_libxdp(libxdp_print_level, const char* format, va_list arguments) {
    log_line("libxdp", format, arguments);
    return 0;
}

// "tc_port": the program type, then where its frames come from. To some they come from all the others.
HookNames hook_names(hook_program id, const std::string& name) {
    const auto line = name.find('_');
    const std::string type = name.substr(0, line), where = name.substr(line + 1);
    const std::string program = (id == HOOK_TC_RESOLVE || id == HOOK_TC_ROUTE ? "" : "from_") + where + "_" + type;
    return {id, "hook_" + name, "stub_" + name, program, type == "xdp"};
}

MapShape wanted_shape(const bpf_map* map) {
    return {bpf_map__type(map), bpf_map__key_size(map), bpf_map__value_size(map), bpf_map__max_entries(map),
            bpf_map__map_flags(map)};
}

// .rodata and .bss belong to one generation; everything else is shared by name.
bool is_shared(const bpf_map* map) { return !bpf_map__is_internal(map); }

Result<> adopt_map(bpf_map* map, const pins::Folder& folder) {
    const std::string name = bpf_map__name(map);
    TRY(auto pinned, pins::open(folder.map(name)));
    if (!pinned) return Ok{};
    TRY(const auto shape, map_shape(pinned->get()));
    const auto wanted = wanted_shape(map);
    if (!shape.same_rows(wanted))
        return fail(EINVAL, "pinned map " + name + " holds " + text(shape) + ", these programs want " + text(wanted) +
                                ": another build of the same ABI version made it, run weftd --detach first");
    if (bpf_map__reuse_fd(map, pinned->get()) != 0) return fail_errno("adopt the pinned map " + name);
    return Ok{};
}

Result<> adopt_maps(const bpf_object* object, const pins::Folder& folder) {
    bpf_map* map;
    bpf_object__for_each_map(map, object) {
        if (is_shared(map)) TRY_OK(adopt_map(map, folder));
    }
    return Ok{};
}

Result<> pin_maps(const bpf_object* object, const pins::Folder& folder) {
    bpf_map* map;
    bpf_object__for_each_map(map, object) {
        if (!is_shared(map) || access(folder.map(bpf_map__name(map)).c_str(), F_OK) == 0) continue;
        TRY_OK(pins::pin(bpf_map__fd(map), folder.map(bpf_map__name(map))));
    }
    return Ok{};
}

tl::unexpected<Error> load_failed(const char* what, int code) {
    return tl::make_unexpected(load_error(what, code, access("/sys/kernel/btf/vmlinux", F_OK) == 0));
}

Result<> switch_hook(const bpf_object* object, const HookNames& hook) {
    const bpf_program* program = bpf_object__find_program_by_name(object, hook.program.c_str());
    const int slots = bpf_object__find_map_fd_by_name(object, hook.map.c_str());
    if (!program || slots < 0) return fail(ENOENT, "the programs lack " + hook.program + " or " + hook.map);
    const std::uint32_t slot = 0;
    const int fd = bpf_program__fd(program);
    if (bpf_map_update_elem(slots, &slot, &fd, BPF_ANY) == 0) return Ok{};
    return fail_errno("switch " + hook.map + " to the new " + hook.program);
}

Result<std::optional<Fd>> pinned_stub(const pins::Folder& folder, const HookNames& hook) {
    return pins::open(folder.program(hook.stub));
}

Result<> load_missing_stubs(const pins::Folder& folder, const std::array<Fd, MAX_HOOKS>& present) {
    Stubs stubs(stubs_bpf__open());
    if (!stubs) return fail_errno("open the stubs");
    forget_attach_types(stubs->obj);
    TRY_OK(adopt_maps(stubs->obj, folder));
    if (const int error = stubs_bpf__load(stubs.get()); error != 0) return load_failed("stubs", -error);
    TRY_OK(pin_maps(stubs->obj, folder));
    for (const auto& hook : hooks()) {
        if (present[hook.id]) continue;
        const bpf_program* program = bpf_object__find_program_by_name(stubs->obj, hook.stub.c_str());
        if (!program) return fail(ENOENT, "the stubs lack " + hook.stub);
        TRY_OK(pins::pin(bpf_program__fd(program), folder.program(hook.stub)));
    }
    return Ok{};
}

}  // namespace

const std::array<HookNames, MAX_HOOKS>& hooks() {
#define X(id, name) hook_names(HOOK_##id, #name),
    static const std::array<HookNames, MAX_HOOKS> all{WEFT_HOOKS(X)};
#undef X
    return all;
}

bool MapShape::same_rows(const MapShape& other) const {
    return type == other.type && key_bytes == other.key_bytes && value_bytes == other.value_bytes &&
           flags == other.flags;
}

Result<MapShape> map_shape(int fd) {
    bpf_map_info info{};
    std::uint32_t length = sizeof info;
    if (bpf_obj_get_info_by_fd(fd, &info, &length) != 0) return fail_errno("look at a pinned map");
    return MapShape{info.type, info.key_size, info.value_size, info.max_entries, info.map_flags};
}

std::string text(const MapShape& shape) {
    return std::to_string(shape.key_bytes) + " -> " + std::to_string(shape.value_bytes) + " bytes (type " +
           std::to_string(shape.type) + ", flags " + std::to_string(shape.flags) + ")";
}

Result<> for_each_map(const std::function<Result<>(const char*, const MapShape&)>& visit) {
    Weft weft(weft_bpf__open());
    if (!weft) return fail_errno("open the programs");
    const bpf_map* map;
    bpf_object__for_each_map(map, weft->obj) {
        if (is_shared(map)) TRY_OK(visit(bpf_map__name(map), wanted_shape(map)));
    }
    return Ok{};
}

Result<> require_kernel() {
    utsname about{};
    if (uname(&about) != 0) return Ok{};
    return require_kernel(about.release);
}

// A release that cannot be read is left to the load, which says what it lacks.
Result<> require_kernel(const std::string& release) {
    int major = 0, minor = 0;
    if (std::sscanf(release.c_str(), "%d.%d", &major, &minor) != 2) return Ok{};
    if (major > KERNEL_MAJOR || (major == KERNEL_MAJOR && minor >= KERNEL_MINOR)) return Ok{};
    return fail(ENOTSUP, "kernel " + release + " is too old: it has no bpf_loop, which weft needs to flood (" +
                             std::to_string(KERNEL_MAJOR) + "." + std::to_string(KERNEL_MINOR) +
                             "); weft config check works here, to forward boot 6.1 or newer, where it is tested");
}

// EPERM is about privilege; EACCES is the verifier's word for what a program may not do.
Error load_error(const std::string& what, int code, bool has_btf) {
    const std::string doing = "load the " + what + ": ";
    if (code == EPERM)
        return {code,
                doing + "not permitted, run as root or by the systemd unit (CAP_BPF, CAP_NET_ADMIN, CAP_PERFMON)"};
    const std::string why = doing + std::strerror(code);
    if (!has_btf) return {code, why + "; this kernel has no BTF, use one built with CONFIG_DEBUG_INFO_BTF"};
    return {code, why + "; --log-level debug shows the verifier's reason"};
}

void quiet_libraries() {
    libbpf_set_print(log_libbpf);
    libxdp_set_print(log_libxdp);
}

void forget_attach_types(const bpf_object* object) {
    bpf_program* program;
    bpf_object__for_each_program(program, object) {
        if (bpf_program__type(program) == BPF_PROG_TYPE_XDP)
            bpf_program__set_expected_attach_type(program, static_cast<bpf_attach_type>(0));
    }
}

Result<std::array<Fd, MAX_HOOKS>> load_stubs(const pins::Folder& folder) {
    std::array<Fd, MAX_HOOKS> fds;
    for (int attempt = 0; attempt < 2; ++attempt) {
        bool complete = true;
        for (const auto& hook : hooks()) {
            TRY(auto stub, pinned_stub(folder, hook));
            if (stub) fds[hook.id] = std::move(*stub);
            complete = complete && stub;
        }
        if (complete) return fds;
        TRY_OK(load_missing_stubs(folder, fds));
    }
    return fail(ENOENT, "the stubs vanish from " + folder.path() + " as soon as they are pinned");
}

Result<> make_maps(const pins::Folder& folder) {
    Weft weft(weft_bpf__open());
    if (!weft) return fail_errno("open the programs");
    bpf_program* program;
    bpf_object__for_each_program(program, weft->obj) bpf_program__set_autoload(program, false);
    TRY_OK(adopt_maps(weft->obj, folder));
    if (const int error = weft_bpf__load(weft.get()); error != 0) return load_failed("maps", -error);
    return pin_maps(weft->obj, folder);
}

Result<> load_generation(const pins::Folder& folder, const config& settings) {
    Weft weft(weft_bpf__open());
    if (!weft) return fail_errno("open the programs");
    weft->rodata->settings = settings;
    forget_attach_types(weft->obj);
    TRY_OK(adopt_maps(weft->obj, folder));
    if (const int error = weft_bpf__load(weft.get()); error != 0) return load_failed("programs", -error);
    TRY_OK(pin_maps(weft->obj, folder));
    for (const auto& hook : hooks()) TRY_OK(switch_hook(weft->obj, hook));
    return Ok{};
}

Result<std::uint32_t> program_id(int program_fd) {
    bpf_prog_info info{};
    std::uint32_t length = sizeof info;
    if (bpf_obj_get_info_by_fd(program_fd, &info, &length) != 0) return fail_errno("look at a program");
    return info.id;
}

}  // namespace weft

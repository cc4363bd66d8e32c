// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// bench_tool programs: what the deployed programs are and, with kernel.bpf_stats_enabled, have taken so far.
#include <bpf/bpf.h>

#include <algorithm>
#include <cstdio>

#include "deployed.hpp"

namespace weft::bench {

namespace {

constexpr const char* HOOKS[] = {
#define X(id, name) #name,
    WEFT_HOOKS(X)
#undef X
};

Result<bpf_prog_info> info_of(int fd) {
    bpf_prog_info info{};
    std::uint32_t bytes = sizeof info;
    if (bpf_obj_get_info_by_fd(fd, &info, &bytes) != 0) return fail_errno("look at a program");
    return info;
}

Result<Fd> in_slot(const std::string& folder, const std::string& hook) {
    const Fd map(bpf_obj_get((folder + "/hook_" + hook).c_str()));
    const std::uint32_t slot = 0;
    std::uint32_t id = 0;
    if (!map || bpf_map_lookup_elem(map.get(), &slot, &id) != 0) return fail_errno("find the program of " + hook);
    Fd program(bpf_prog_get_fd_by_id(id));
    if (!program) return fail_errno("open the program of " + hook);
    return program;
}

}  // namespace

Result<std::vector<Deployed>> deployed_programs(const std::string& folder) {
    std::vector<Deployed> all;
    for (const std::string hook : HOOKS) {
        TRY(auto fd, in_slot(folder, hook));
        TRY(const auto info, info_of(fd.get()));
        const Fd stub(bpf_obj_get((folder + "/progs/stub_" + hook).c_str()));
        if (!stub) return fail_errno("open the stub of " + hook);
        TRY(const auto front, info_of(stub.get()));
        all.push_back({hook, std::move(fd), info.name, info.verified_insns, info.jited_prog_len, front.run_cnt,
                       front.run_time_ns});
    }
    return all;
}

Result<config> deployed_settings(const Deployed& program) {
    std::uint32_t ids[64], bytes = sizeof(bpf_prog_info);
    bpf_prog_info info{};
    info.nr_map_ids = std::size(ids);
    info.map_ids = reinterpret_cast<std::uintptr_t>(ids);
    if (bpf_obj_get_info_by_fd(program.fd.get(), &info, &bytes) != 0) return fail_errno("look at a program");
    for (std::uint32_t i = 0; i < std::min<std::uint32_t>(info.nr_map_ids, std::size(ids)); ++i) {
        const Fd map(bpf_map_get_fd_by_id(ids[i]));
        bpf_map_info about{};
        std::uint32_t about_bytes = sizeof about;
        if (!map || bpf_obj_get_info_by_fd(map.get(), &about, &about_bytes) != 0) return fail_errno("look at a map");
        if (!std::string_view(about.name).ends_with(".rodata") || about.value_size < sizeof(config)) continue;
        std::vector<std::uint8_t> value(about.value_size);
        const std::uint32_t first = 0;
        if (bpf_map_lookup_elem(map.get(), &first, value.data()) != 0) return fail_errno("read the settings");
        config settings;
        std::memcpy(&settings, value.data(), sizeof settings);  // the only variable there, so the first
        return settings;
    }
    return fail(ENOENT, "the programs have no settings");
}

Result<> programs(const Options& options) {
    TRY(const auto folder, options.text("pins"));
    TRY(const auto all, deployed_programs(folder));
    std::printf("[");
    for (const Deployed& each : all)
        std::printf(
            "%s{\"hook\": \"%s\", \"name\": \"%s\", \"verified\": %u, \"jited_bytes\": %u, \"runs\": %lu, \"run_ns\": "
            "%lu}",
            &each == all.data() ? "" : ", ", each.hook.c_str(), each.name.c_str(), each.verified_instructions,
            each.jited_bytes, each.runs, each.run_ns);
    std::puts("]");
    return Ok{};
}

}  // namespace weft::bench

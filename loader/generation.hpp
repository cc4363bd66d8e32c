// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Loading: the stubs once, and the programs of a generation with its settings in .rodata, both over the pinned
// maps of one folder. Switching generations is one write to slot 0 of each hook's PROG_ARRAY.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <string>

#include "abi.h"
#include "map.hpp"
#include "pins.hpp"
#include "result.hpp"

struct bpf_object;

namespace weft {

struct HookNames {
    hook_program id;
    std::string map;      // "hook_tc_port"
    std::string stub;     // "stub_tc_port"
    std::string program;  // "from_port_tc"
    bool xdp;
};
const std::array<HookNames, MAX_HOOKS>& hooks();

struct MapShape {
    std::uint32_t type = 0, key_bytes = 0, value_bytes = 0, max_entries = 0, flags = 0;
    // Rows of the one can stand in the other as they are.
    bool same_rows(const MapShape& other) const;
    bool operator==(const MapShape&) const = default;
};
Result<MapShape> map_shape(int fd);
std::string text(const MapShape& shape);

// What this build's programs want to be there: called for each map that is pinned, with its name.
Result<> for_each_map(const std::function<Result<>(const char* name, const MapShape& shape)>& visit);

// ENOTSUP with the version that is needed when the kernel is too old.
Result<> require_kernel();
Result<> require_kernel(const std::string& release);  // of uname
// One line that says what to do about a load that the kernel refused with `code`.
Error load_error(const std::string& what, int code, bool has_btf);
// XDP programs are loaded for no attach type, as libxdp's dispatcher has it when it loads the stub as its extension:
// since 6.18, and in stable kernels from then on, all that use a PROG_ARRAY must have been loaded for one.
void forget_attach_types(const bpf_object* object);
// libbpf and libxdp speak at level debug from now on.
void quiet_libraries();

// Loads and pins what is missing; what is pinned stays. The fds of all stubs, by hook_program.
Result<std::array<Fd, MAX_HOOKS>> load_stubs(const pins::Folder& folder);
// The maps without the programs, where they are not there yet.
Result<> make_maps(const pins::Folder& folder);
// Loads the programs over the folder's maps (missing ones are made and pinned) and writes slot 0 of each hook.
Result<> load_generation(const pins::Folder& folder, const config& settings);

Result<std::uint32_t> program_id(int program_fd);

}  // namespace weft

// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include "map.hpp"

#include <bpf/libbpf.h>
#include <fcntl.h>

namespace weft::detail {

Result<OpenMap> open_map(int fd, const MapShape& shape) {
    bpf_map_info info{};
    std::uint32_t length = sizeof info;
    if (bpf_obj_get_info_by_fd(fd, &info, &length) != 0) return fail_errno("open map " + shape.name);
    if (info.key_size != shape.key_bytes || info.value_size != shape.value_bytes)
        return fail(EINVAL, "map " + shape.name + " holds " + std::to_string(info.key_size) + " -> " +
                                std::to_string(info.value_size) + " bytes, expected " +
                                std::to_string(shape.key_bytes) + " -> " + std::to_string(shape.value_bytes));
    Fd own(fcntl(fd, F_DUPFD_CLOEXEC, 3));
    if (!own) return fail_errno("open map " + shape.name);
    return OpenMap{std::move(own), shape.name, info.type, info.max_entries};
}

int possible_cpus() {
    static const int cpus = libbpf_num_possible_cpus();
    return cpus;
}

}  // namespace weft::detail

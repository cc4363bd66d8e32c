// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// A stub as the XDP program of a device, by netlink and without a link object, so that it stays when the daemon goes
// and libxdp's dispatcher, which attaches the same way, can be beside it. A program that is not ours is not touched.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "result.hpp"

namespace weft {

enum class XdpMode { Native, Generic };

struct XdpProgram {
    std::uint32_t id = 0;  // 0: none
    XdpMode mode = XdpMode::Native;
};
Result<XdpProgram> xdp_program_on(std::uint32_t ifindex);

// "id 17 (xdp_dispatcher)", or the id alone without CAP_SYS_ADMIN.
std::string describe_program(std::uint32_t id);

// ours: fds of all stubs that may be there from earlier. EBUSY when another program is there, else the kernel's errno
// and words (ERANGE: MTU too large; EOPNOTSUPP: no native XDP).
Result<> attach_xdp(std::uint32_t ifindex, XdpMode mode, int stub_fd, std::span<const int> ours);
// Only if one of ours is there.
Result<> detach_xdp(std::uint32_t ifindex, std::span<const int> ours);

// The fd among ours whose program has this id.
Result<std::optional<int>> find_program(std::uint32_t id, std::span<const int> ours);

}  // namespace weft

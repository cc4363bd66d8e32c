// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include "attach_xdp.hpp"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>

#include "generation.hpp"
#include "map.hpp"
#include "netlink.hpp"

namespace weft {

namespace {

constexpr int NO_PROGRAM = -1;

std::uint32_t mode_flag(XdpMode mode) { return mode == XdpMode::Native ? XDP_FLAGS_DRV_MODE : XDP_FLAGS_SKB_MODE; }

// libbpf's bpf_xdp_attach would do, but it keeps the kernel's words to itself. expected: the fd of the program that
// must be there, else none may be.
Result<> set_xdp(std::uint32_t ifindex, XdpMode mode, int program, std::optional<int> expected) {
    TRY(auto netlink, Netlink::open());
    Message<ifinfomsg> message(RTM_SETLINK);
    message.body().ifi_index = static_cast<int>(ifindex);
    nlattr* nest = mnl_attr_nest_start(&message.header(), IFLA_XDP);
    mnl_attr_put_u32(&message.header(), IFLA_XDP_FD, static_cast<std::uint32_t>(program));
    mnl_attr_put_u32(&message.header(), IFLA_XDP_FLAGS,
                     mode_flag(mode) | (expected ? XDP_FLAGS_REPLACE : XDP_FLAGS_UPDATE_IF_NOEXIST));
    if (expected) mnl_attr_put_u32(&message.header(), IFLA_XDP_EXPECTED_FD, static_cast<std::uint32_t>(*expected));
    mnl_attr_nest_end(&message.header(), nest);
    return netlink.request(message.header(), program == NO_PROGRAM ? "detach XDP" : "attach XDP");
}

}  // namespace

Result<XdpProgram> xdp_program_on(std::uint32_t ifindex) {
    LIBBPF_OPTS(bpf_xdp_query_opts, options);
    if (const int error = bpf_xdp_query(static_cast<int>(ifindex), 0, &options); error != 0)
        return fail_errno("look for an XDP program", -error);
    if (options.drv_prog_id != 0) return XdpProgram{options.drv_prog_id, XdpMode::Native};
    return XdpProgram{options.skb_prog_id, XdpMode::Generic};
}

std::string describe_program(std::uint32_t id) {
    std::string text = "id " + std::to_string(id);
    const Fd program(bpf_prog_get_fd_by_id(id));
    bpf_prog_info info{};
    std::uint32_t length = sizeof info;
    if (!program || bpf_obj_get_info_by_fd(program.get(), &info, &length) != 0) return text;
    return text + " (" + info.name + ")";
}

Result<std::optional<int>> find_program(std::uint32_t id, std::span<const int> ours) {
    for (const int fd : ours) {
        TRY(const auto own, program_id(fd));
        if (own == id) return std::optional<int>(fd);
    }
    return std::optional<int>();
}

Result<> attach_xdp(std::uint32_t ifindex, XdpMode mode, int stub_fd, std::span<const int> ours) {
    TRY(const auto present, xdp_program_on(ifindex));
    if (present.id == 0) return set_xdp(ifindex, mode, stub_fd, {});
    TRY(const auto own, find_program(present.id, ours));
    if (!own) return fail(EBUSY, "XDP program " + describe_program(present.id) + " is there and stays");
    if (*own == stub_fd && present.mode == mode) return Ok{};
    if (present.mode == mode) return set_xdp(ifindex, mode, stub_fd, own);
    TRY_OK(set_xdp(ifindex, present.mode, NO_PROGRAM, own));  // the kernel refuses native beside generic
    return set_xdp(ifindex, mode, stub_fd, {});
}

Result<> detach_xdp(std::uint32_t ifindex, std::span<const int> ours) {
    auto present = xdp_program_on(ifindex);
    if (!present && present.error().code == ENODEV) return Ok{};
    if (!present) return tl::make_unexpected(present.error());
    if (present->id == 0) return Ok{};
    TRY(const auto own, find_program(present->id, ours));
    if (!own) return Ok{};
    return set_xdp(ifindex, present->mode, NO_PROGRAM, own);
}

}  // namespace weft

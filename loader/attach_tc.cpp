// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include "attach_tc.hpp"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "abi.h"
#include "generation.hpp"
#include "map.hpp"
#include "netlink.hpp"
#include "pins.hpp"

namespace weft {

namespace {

// Of kernel 6.6's linux/bpf.h; the headers we build with are older.
constexpr std::uint32_t TCX_INGRESS = 46;    // enum bpf_attach_type: BPF_TCX_INGRESS
constexpr std::uint32_t TCX_EGRESS = 47;     // BPF_TCX_EGRESS
constexpr std::uint32_t LINK_TYPE_TCX = 11;  // enum bpf_link_type: BPF_LINK_TYPE_TCX

constexpr std::uint32_t FILTER_PRIORITY = 0x7766;  // "wf", so that `tc filter show` tells whose it is
constexpr std::uint32_t FILTER_HANDLE = 1;

// A side as the kernel's interfaces name it, and how the attachments table says what is there.
struct Place {
    std::uint32_t attach_type;
    bpf_tc_attach_point point;
    std::uint16_t tcx, clsact;
    const char* name;
};

constexpr Place place_of(TcSide side) {
    if (side == TcSide::Egress)
        return {TCX_EGRESS, BPF_TC_EGRESS, ATTACHED_EGRESS_TCX, ATTACHED_EGRESS_CLSACT, "egress"};
    return {TCX_INGRESS, BPF_TC_INGRESS, ATTACHED_TCX, ATTACHED_CLSACT, "ingress"};
}

std::string pin_of(const pins::Folder& folder, std::uint32_t ifindex, TcSide side) {
    return side == TcSide::Egress ? folder.egress_link(ifindex) : folder.link(ifindex);
}

std::uint16_t replace(std::uint16_t flags, std::uint32_t of, std::uint32_t bits) {
    return static_cast<std::uint16_t>((flags & ~of) | bits);
}

struct LinkInfo {
    std::uint32_t type, program, ifindex;
};

Result<LinkInfo> link_info(int fd) {
    bpf_link_info info{};
    std::uint32_t length = sizeof info;
    if (bpf_obj_get_info_by_fd(fd, &info, &length) != 0) return fail_errno("look at a TCX link");
    return LinkInfo{info.type, info.prog_id, info.xdp.ifindex};  // tcx.ifindex lies where xdp.ifindex does
}

// bpf_link_create of libbpf 1.1 does not know the attach type's arguments; the system call needs none of them.
int create_tcx_link(std::uint32_t ifindex, const Place& place, int stub_fd) {
    union bpf_attr attributes {};
    attributes.link_create.prog_fd = static_cast<std::uint32_t>(stub_fd);
    attributes.link_create.target_ifindex = ifindex;
    attributes.link_create.attach_type = place.attach_type;
    return static_cast<int>(syscall(SYS_bpf, BPF_LINK_CREATE, &attributes, sizeof attributes));
}

bool kernel_lacks_tcx(int code) { return code == EINVAL || code == EOPNOTSUPP || code == detail::ENOTSUPP_KERNEL; }

// Gone now and not when the kernel gets to it: the last close only schedules the detach.
Result<> drop_link(const std::string& link_pin) {
    TRY(auto link, pins::open(link_pin));
    if (!link) return Ok{};
    if (bpf_link_detach(link->get()) != 0 && errno != ENOLINK && errno != EOPNOTSUPP) return fail_errno("detach TCX");
    return pins::unpin(link_pin);
}

// True when the pinned link serves the device with this stub now.
Result<bool> adopt_link(std::uint32_t ifindex, int stub_fd, const std::string& link_pin) {
    TRY(auto link, pins::open(link_pin));
    if (!link) return false;
    TRY(const auto info, link_info(link->get()));
    if (info.type != LINK_TYPE_TCX || info.ifindex != ifindex) {
        TRY_OK(drop_link(link_pin));
        return false;
    }
    TRY(const auto stub, program_id(stub_fd));
    if (info.program == stub) return true;
    if (bpf_link_update(link->get(), stub_fd, nullptr) == 0) return true;
    if (errno != ENOLINK) return fail_errno("put the stub into the TCX link");
    TRY_OK(drop_link(link_pin));
    return false;
}

bpf_tc_hook hook_of(std::uint32_t ifindex, const Place& place) {
    bpf_tc_hook hook{};
    hook.sz = sizeof hook;
    hook.ifindex = static_cast<int>(ifindex);
    hook.attach_point = place.point;
    return hook;
}

bpf_tc_opts our_filter() {
    bpf_tc_opts options{};
    options.sz = sizeof options;
    options.handle = FILTER_HANDLE;
    options.priority = FILTER_PRIORITY;
    return options;
}

Result<std::uint16_t> attach_clsact(std::uint32_t ifindex, const Place& place, int stub_fd, std::uint16_t before) {
    auto hook = hook_of(ifindex, place);
    auto flags = replace(before, place.tcx, place.clsact);
    if (const int error = bpf_tc_hook_create(&hook); error == 0)
        flags |= ATTACHED_CLSACT_OURS;
    else if (error != -EEXIST)
        return fail_errno("add the clsact qdisc", -error);
    TRY(const auto stub, program_id(stub_fd));
    auto present = our_filter();
    if (bpf_tc_query(&hook, &present) == 0 && present.prog_id == stub) return flags;
    auto filter = our_filter();
    filter.prog_fd = stub_fd;
    filter.flags = BPF_TC_F_REPLACE;
    if (const int error = bpf_tc_attach(&hook, &filter); error != 0) return fail_errno("add the TC filter", -error);
    return flags;
}

// Filters on either side of the qdisc that are still there: somebody else's.
Result<bool> qdisc_in_use(std::uint32_t ifindex) {
    TRY(auto netlink, Netlink::open());
    bool used = false;
    for (const std::uint32_t parent : {TC_H_MIN_INGRESS, TC_H_MIN_EGRESS}) {
        Message<tcmsg> message(RTM_GETTFILTER, NLM_F_DUMP);
        message.body().tcm_ifindex = static_cast<int>(ifindex);
        message.body().tcm_parent = TC_H_MAKE(TC_H_CLSACT, parent);
        TRY_OK(netlink.request(message.header(), "list TC filters", [&](const nlmsghdr&) { used = true; }));
    }
    return used;
}

bool is_gone(int error) { return error == -ENOENT || error == -ENODEV || error == -EINVAL; }

// The flags that are left. The qdisc is both sides'.
Result<std::uint16_t> detach_clsact(std::uint32_t ifindex, const Place& place, std::uint16_t before) {
    const auto kept = replace(before, place.clsact, 0), none = replace(kept, ATTACHED_CLSACT_OURS, 0);
    auto hook = hook_of(ifindex, place);
    auto filter = our_filter();
    if (const int error = bpf_tc_detach(&hook, &filter); error != 0 && !is_gone(error))
        return fail_errno("remove the TC filter", -error);
    if (!(before & ATTACHED_CLSACT_OURS)) return kept;
    auto used = qdisc_in_use(ifindex);
    if (!used && used.error().code == ENODEV) return none;
    if (!used) return tl::make_unexpected(used.error());
    if (*used) return kept;
    hook.attach_point = static_cast<bpf_tc_attach_point>(BPF_TC_INGRESS | BPF_TC_EGRESS);
    if (const int error = bpf_tc_hook_destroy(&hook); error != 0 && !is_gone(error))
        return fail_errno("remove the clsact qdisc", -error);
    return none;
}

}  // namespace

Result<std::uint16_t> attach_tc(const pins::Folder& folder, std::uint32_t ifindex, TcSide side, int stub_fd,
                                std::uint16_t before, TcMethod method) {
    const auto place = place_of(side);
    const auto pin = pin_of(folder, ifindex, side);
    TRY(bool linked, adopt_link(ifindex, stub_fd, pin));
    if (!linked && method == TcMethod::Best) {
        const Fd link(create_tcx_link(ifindex, place, stub_fd));
        linked = static_cast<bool>(link);
        if (linked) TRY_OK(pins::pin(link.get(), pin));
        if (!linked && !kernel_lacks_tcx(errno))
            return fail_errno(std::string("attach to TC ") + place.name + " by TCX");
    }
    if (!linked) return attach_clsact(ifindex, place, stub_fd, before);
    if (!(before & place.clsact)) return replace(before, 0, place.tcx);
    // The kernel was upgraded under a filter of ours: TCX runs first, so nothing is lost in between.
    TRY(const auto left, detach_clsact(ifindex, place, before));
    return replace(left, 0, place.tcx);
}

Result<std::uint16_t> detach_tc(const pins::Folder& folder, std::uint32_t ifindex, TcSide side, std::uint16_t before) {
    const auto place = place_of(side);
    TRY_OK(drop_link(pin_of(folder, ifindex, side)));
    const auto left = replace(before, place.tcx, 0);
    if (!(left & place.clsact)) return left;
    return detach_clsact(ifindex, place, left);
}

Result<std::uint16_t> detach_tc(const pins::Folder& folder, std::uint32_t ifindex, std::uint16_t before) {
    TRY(const auto left, detach_tc(folder, ifindex, TcSide::Egress, before));
    return detach_tc(folder, ifindex, TcSide::Ingress, left);
}

Result<std::optional<std::uint32_t>> tcx_target(const std::string& link_pin) {
    TRY(auto link, pins::open(link_pin));
    if (!link) return std::optional<std::uint32_t>();
    TRY(const auto info, link_info(link->get()));
    return std::optional<std::uint32_t>(info.ifindex);
}

}  // namespace weft

// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include "hook_choice.hpp"

#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <unistd.h>

namespace weft {

namespace {

constexpr std::uint32_t XDP_HEADROOM_BYTES = 256;  // XDP_PACKET_HEADROOM
constexpr std::uint32_t SHARED_INFO_BYTES = 320;   // struct skb_shared_info behind the frame, cache aligned

HookChoice automatic(const Link& link, Role role) {
    if (!link.parent_bus.empty()) return {Hook::Xdp, "NIC with native XDP"};
    if (link.kind == "veth" && role == Role::Port)
        return {Hook::Tc, "veth: XDP would lose the guest's checksum and segmentation offload"};
    if (link.kind == "veth") return {Hook::Tc, "veth: XDP would lose segmentation and receive offload"};
    if (link.kind == "tun") return {Hook::Tc, "tap: XDP would lose the guest's checksum and segmentation offload"};
    return {Hook::Tc, (link.kind.empty() ? "virtual device" : link.kind) + ": no driver with native XDP of its own"};
}

}  // namespace

HookChoice choose_hook(const Link& link, Role role, Hook wanted) {
    switch (wanted) {
        case Hook::Tc: return {Hook::Tc, "asked for"};
        case Hook::Xdp: return {Hook::Xdp, "asked for"};
        case Hook::XdpGeneric:
            if (role == Role::Uplink) return {Hook::XdpGeneric, "asked for"};
            return {Hook::Tc, "generic XDP loses a guest's offloaded frames and is never used on a port"};
        case Hook::Auto: break;
    }
    return automatic(link, role);
}

HookChoice without_xdp(const Link& link, const Error& error) {
    if (error.code == EOPNOTSUPP) return {Hook::Tc, "the driver has no native XDP"};
    const bool veth = link.kind == "veth";
    if (error.code == ERANGE || (error.code == EINVAL && error.what.find("MTU") != std::string::npos)) {
        std::string reason = "MTU too large for native XDP: the interface has " + std::to_string(link.mtu);
        if (veth)
            reason += ", and either end of a veth may have " +
                      std::to_string(veth_xdp_mtu(static_cast<std::uint32_t>(sysconf(_SC_PAGESIZE)))) + " at most";
        return {Hook::Tc, reason};
    }
    return {Hook::Tc, error.what};
}

std::vector<std::string> far_end_warnings(const Link& link, Role role, Hook hook) {
    if (hook != Hook::Xdp || (link.kind != "veth" && link.kind != "tun")) return {};
    return {"these must be off on the " + std::string(role == Role::Port ? "guest's" : "other") + " end of " +
            link.name + ": tx checksumming, tso, tx-udp-segmentation, txvlan"};
}

std::uint32_t veth_xdp_mtu(std::uint32_t page_bytes) {
    return page_bytes - XDP_HEADROOM_BYTES - SHARED_INFO_BYTES - ETH_HLEN;
}

}  // namespace weft

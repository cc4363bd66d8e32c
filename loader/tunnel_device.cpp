// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include "tunnel_device.hpp"

#include <arpa/inet.h>
#include <linux/if.h>
#include <linux/if_link.h>
#include <linux/if_tunnel.h>
#include <linux/rtnetlink.h>

#include <array>
#include <cstdio>
#include <optional>

#include "abi.h"

namespace weft {

namespace {

// Room for a link message with an alternative name; netlink messages are aligned to 4.
using Buffer = std::array<char, 1024>;

constexpr std::uint32_t TUNNEL_MTU = 65535 - VXLAN6_OVERHEAD_BYTES;  // GSO frames pass it whole: never the limit
constexpr std::uint8_t ADDR_GEN_NONE = 1;                            // IN6_ADDR_GEN_MODE_NONE: no link-local address

nlmsghdr* link_message(Buffer& buffer, std::uint16_t type, std::uint16_t flags, std::uint32_t ifindex) {
    nlmsghdr* message = mnl_nlmsg_put_header(buffer.data());
    message->nlmsg_type = type;
    message->nlmsg_flags = NLM_F_REQUEST | flags;
    auto* info = static_cast<ifinfomsg*>(mnl_nlmsg_put_extra_header(message, sizeof(ifinfomsg)));
    info->ifi_index = static_cast<int>(ifindex);
    return message;
}

// One of ours: a vxlan device, or a gretap. Another kind or port needs another device.
struct Wanted {
    std::string name, altname;
    std::string kind;
    std::uint16_t port = 0;  // vxlan's

    bool is_vxlan() const { return kind == "vxlan"; }
    std::string text() const { return kind + " device " + name; }
};

// What there is under our name.
struct Present {
    std::uint32_t ifindex = 0;
    bool external = false, up = false;
    std::string kind;
    std::uint16_t port = 0;
};

Present read_present(const nlmsghdr& message) {
    const auto* header = static_cast<const ifinfomsg*>(mnl_nlmsg_get_payload(&message));
    const Attributes link(message, sizeof(ifinfomsg));
    const Attributes info(link[IFLA_LINKINFO]);
    const Attributes data(info[IFLA_INFO_DATA]);
    Present out{.ifindex = static_cast<std::uint32_t>(header->ifi_index),
                .external = data[IFLA_GRE_COLLECT_METADATA] != nullptr,
                .up = (header->ifi_flags & IFF_UP) != 0,
                .kind = info.text(IFLA_INFO_KIND)};
    if (out.kind != "vxlan") return out;
    out.external = data.get<std::uint8_t>(IFLA_VXLAN_COLLECT_METADATA).value_or(0) != 0;
    out.port = ntohs(data.get<std::uint16_t>(IFLA_VXLAN_PORT).value_or(0));
    return out;
}

Result<std::optional<Present>> look(Netlink& netlink, const std::string& name) {
    Buffer buffer{};
    nlmsghdr* message = link_message(buffer, RTM_GETLINK, 0, 0);
    mnl_attr_put_strz(message, IFLA_IFNAME, name.c_str());
    std::optional<Present> out;
    auto found =
        netlink.request(*message, "look at " + name, [&](const nlmsghdr& answer) { out = read_present(answer); });
    if (!found && found.error().code != ENODEV) return tl::make_unexpected(found.error());
    return out;
}

void put_vxlan(nlmsghdr* message, std::uint16_t port) {
    mnl_attr_put_u8(message, IFLA_VXLAN_COLLECT_METADATA, 1);
    mnl_attr_put_u8(message, IFLA_VXLAN_LEARNING, 0);
    mnl_attr_put_u8(message, IFLA_VXLAN_UDP_ZERO_CSUM6_RX, 1);  // the programs judge zero checksums before
    mnl_attr_put_u16(message, IFLA_VXLAN_PORT, htons(port));
    const ifla_vxlan_port_range range{htons(SOURCE_PORT_MIN), htons(SOURCE_PORT_MIN + SOURCE_PORT_MASK)};
    mnl_attr_put(message, IFLA_VXLAN_PORT_RANGE, sizeof range, &range);
}

void put_kind(nlmsghdr* message, const Wanted& wanted) {
    nlattr* info = mnl_attr_nest_start(message, IFLA_LINKINFO);
    mnl_attr_put_strz(message, IFLA_INFO_KIND, wanted.kind.c_str());
    nlattr* data = mnl_attr_nest_start(message, IFLA_INFO_DATA);
    if (wanted.is_vxlan())
        put_vxlan(message, wanted.port);
    else
        mnl_attr_put(message, IFLA_GRE_COLLECT_METADATA, 0, nullptr);
    mnl_attr_nest_end(message, data);
    mnl_attr_nest_end(message, info);
}

// No link-local address, so that the host says nothing on it. A host without IPv6 refuses this and has none anyway.
void forbid_addresses(Netlink& netlink, std::uint32_t ifindex) {
    Buffer buffer{};
    nlmsghdr* message = link_message(buffer, RTM_SETLINK, 0, ifindex);
    nlattr* families = mnl_attr_nest_start(message, IFLA_AF_SPEC);
    nlattr* ipv6 = mnl_attr_nest_start(message, AF_INET6);
    mnl_attr_put_u8(message, IFLA_INET6_ADDR_GEN_MODE, ADDR_GEN_NONE);
    mnl_attr_nest_end(message, ipv6);
    mnl_attr_nest_end(message, families);
    (void)netlink.request(*message, "configure IPv6");
}

std::string taken(const Wanted& wanted, const std::string& by) {
    if (!wanted.is_vxlan()) return "another external " + wanted.kind + " takes all GRE of this network namespace";
    return "UDP port " + std::to_string(wanted.port) + " is taken by another " + by;
}

// Made down and brought up after, since only the second opens vxlan's socket and says that the port is taken.
Result<> create(Netlink& netlink, const Wanted& wanted) {
    Buffer buffer{};
    nlmsghdr* message = link_message(buffer, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, 0);
    mnl_attr_put_strz(message, IFLA_IFNAME, wanted.name.c_str());
    mnl_attr_put_u32(message, IFLA_MTU, TUNNEL_MTU);
    put_kind(message, wanted);
    auto made = netlink.request(*message, "create " + wanted.text());
    if (!made && made.error().code == EEXIST)  // another external device has the port, or is the one of its kind
        return fail(EADDRINUSE, taken(wanted, "vxlan device"));
    return made;
}

Result<> bring_up(Netlink& netlink, const Wanted& wanted, std::uint32_t ifindex) {
    Buffer buffer{};
    nlmsghdr* message = link_message(buffer, RTM_NEWLINK, 0, ifindex);
    auto* info = static_cast<ifinfomsg*>(mnl_nlmsg_get_payload(message));
    info->ifi_flags = IFF_UP;
    info->ifi_change = IFF_UP;
    auto up = netlink.request(*message, "bring up " + wanted.name);
    if (!up && up.error().code == EADDRINUSE) return fail(EADDRINUSE, taken(wanted, "socket or vxlan device"));
    return up;
}

// For people only; a kernel before 5.5 has none, and a name that is taken is no reason to fail.
void give_altname(Netlink& netlink, const std::string& altname, std::uint32_t ifindex) {
    Buffer buffer{};
    nlmsghdr* message = link_message(buffer, RTM_NEWLINKPROP, NLM_F_CREATE | NLM_F_EXCL | NLM_F_APPEND, ifindex);
    nlattr* list = mnl_attr_nest_start(message, IFLA_PROP_LIST);
    mnl_attr_put_strz(message, IFLA_ALT_IFNAME, altname.c_str());
    mnl_attr_nest_end(message, list);
    (void)netlink.request(*message, "name " + altname);
}

Result<> destroy(Netlink& netlink, const std::string& name, std::uint32_t ifindex) {
    Buffer buffer{};
    return netlink.request(*link_message(buffer, RTM_DELLINK, 0, ifindex), "remove tunnel device " + name);
}

Result<std::uint32_t> ensure(Netlink& netlink, const Wanted& wanted) {
    TRY(auto present, look(netlink, wanted.name));
    if (present && present->external && present->kind == wanted.kind && present->port == wanted.port) {
        if (!present->up) TRY_OK(bring_up(netlink, wanted, present->ifindex));
        return present->ifindex;
    }
    if (present) TRY_OK(destroy(netlink, wanted.name, present->ifindex));
    TRY_OK(create(netlink, wanted));
    TRY(present, look(netlink, wanted.name));
    if (!present) return fail(ENODEV, wanted.text() + " vanished as soon as it was made");
    forbid_addresses(netlink, present->ifindex);
    give_altname(netlink, wanted.altname, present->ifindex);
    if (auto up = bring_up(netlink, wanted, present->ifindex); !up) {
        TRY_OK(destroy(netlink, wanted.name, present->ifindex));
        return tl::make_unexpected(up.error());
    }
    return present->ifindex;
}

Result<bool> remove(Netlink& netlink, const std::string& name) {
    TRY(auto present, look(netlink, name));
    if (!present) return false;
    TRY_OK(destroy(netlink, name, present->ifindex));
    return true;
}

}  // namespace

std::string tunnel_device_name(const std::string& instance) {
    std::uint32_t hash = 2166136261u;  // FNV-1a: the same name on every run and machine
    for (unsigned char c : instance) hash = (hash ^ c) * 16777619u;
    std::array<char, IFNAMSIZ> name{};
    std::snprintf(name.data(), name.size(), "weft-%08x", hash);
    return name.data();
}

// No instance has a slash in its name.
std::string gretap_name(const std::string& instance) { return tunnel_device_name(instance + "/nvgre"); }

Result<std::uint32_t> ensure_tunnel_device(Netlink& netlink, const std::string& instance, std::uint16_t port) {
    return ensure(netlink, {tunnel_device_name(instance), "weft-" + instance, "vxlan", port});
}

Result<std::uint32_t> ensure_gretap(Netlink& netlink, const std::string& instance, bool ipv6) {
    return ensure(netlink, {gretap_name(instance), "weft-" + instance + "-nvgre", ipv6 ? "ip6gretap" : "gretap"});
}

Result<bool> remove_tunnel_device(Netlink& netlink, const std::string& instance) {
    return remove(netlink, tunnel_device_name(instance));
}

Result<bool> remove_gretap(Netlink& netlink, const std::string& instance) {
    return remove(netlink, gretap_name(instance));
}

}  // namespace weft

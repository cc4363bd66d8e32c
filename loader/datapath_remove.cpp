// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// weftd --attach and weftd --detach: the two ends of an instance's life that need CAP_SYS_ADMIN.
#include <spdlog/spdlog.h>
#include <unistd.h>

#include "attach_xdp.hpp"
#include "datapath_state.hpp"
#include "dispatcher.hpp"
#include "offloads.hpp"
#include "promiscuous.hpp"
#include "tunnel_device.hpp"
#include "underlay.hpp"

namespace weft {

namespace {

using Rows = std::vector<std::pair<std::uint32_t, attachment>>;

// What one ABI version's folder pins, as far as it can still be read.
struct Remains {
    pins::Folder folder;
    Rows rows;
    std::vector<Fd> stubs;
    std::vector<int> xdp_stubs;
};

Result<Remains> look(const pins::Folder& folder) {
    Remains out{folder, {}, {}, {}};
    TRY(const auto table, pins::open(folder.map("attachments")));
    if (table) {
        auto rows = Map<std::uint32_t, attachment>::open(table->get(), "attachments");
        if (rows) {
            TRY(out.rows, rows->rows());
        } else {
            spdlog::warn("{}: {}: offloads that were turned off stay off", folder.path(), rows.error().what);
        }
    }
    for (const auto& hook : hooks()) {
        TRY(auto stub, pins::open(folder.program(hook.stub)));
        if (!stub) continue;
        if (hook.xdp) out.xdp_stubs.push_back(stub->get());
        out.stubs.push_back(std::move(*stub));
    }
    return out;
}

// A row of another netns stands in the way while its device lives; that of a netns that went does not.
Result<> require_same_netns(const Remains& remains, std::uint64_t cookie) {
    for (const auto& [ifindex, row] : remains.rows) {
        if (row.netns_cookie == cookie) continue;
        TRY(const auto target, tcx_target(remains.folder.link(ifindex)));
        if ((row.flags & ATTACHED_TCX) && (!target || *target == 0)) continue;
        return fail(EPERM, "instance " + remains.folder.instance + " serves " +
                               reinterpret_cast<const char*>(row.name) +
                               " in another network namespace: run weftd --detach there");
    }
    return Ok{};
}

Result<> release(const Remains& remains, std::uint64_t cookie, const Links& links) {
    for (const auto& [ifindex, row] : remains.rows) {
        const Link* link = links.find(ifindex);
        if (!link || row.netns_cookie != cookie) continue;
        if (row.flags & ATTACHED_XDP_DISPATCHER) TRY_OK(unchain_xdp(ifindex));
        TRY_OK(detach_xdp(ifindex, remains.xdp_stubs));
        TRY_OK(restore_offloads(link->name, row.offloads_disabled));
        if (row.flags & ATTACHED_PROMISC_OURS) TRY_OK(set_promiscuous(link->name, false));
        TRY_OK(detach_tc(remains.folder, ifindex, row.flags));
    }
    // What no row tells of: links by their pins, XDP by the ids of our stubs.
    for (const auto ifindex : pins::pinned_links(remains.folder)) TRY_OK(detach_tc(remains.folder, ifindex, 0));
    for (const auto& [ifindex, link] : links.all())
        if (link.xdp_program != 0) TRY_OK(detach_xdp(ifindex, remains.xdp_stubs));
    return Ok{};
}

Result<bool> release_all(const std::string& instance) {
    TRY(const auto cookie, netns_cookie());
    TRY(const auto links, Links::open());
    std::vector<Remains> all;
    for (const auto version : pins::versions(instance)) {
        TRY(auto remains, look({instance, version}));
        TRY_OK(require_same_netns(remains, cookie));
        all.push_back(std::move(remains));
    }
    for (const auto& remains : all) TRY_OK(release(remains, cookie, links));
    return !all.empty();
}

Result<> chain_uplink(const Link& link, const pins::Folder& folder, Map<std::uint32_t, attachment>& rows) {
    TRY(const auto cookie, netns_cookie());
    TRY(const auto known, rows.find(link.ifindex));
    attachment row = known && known->netns_cookie == cookie ? *known : attachment{};
    row.netns_cookie = cookie;
    row.role = DEVICE_UPLINK;
    link.name.copy(reinterpret_cast<char*>(row.name), sizeof row.name - 1);
    link.mac.copy_to(row.mac);
    TRY(const auto change, disable_offloads(link.name, HIDE_FROM_XDP));  // some drivers refuse it once XDP is there
    row.offloads_disabled |= change.disabled;
    TRY_OK(rows.put(link.ifindex, row));
    TRY(const auto chained, chain_xdp(link.ifindex, folder));
    row.flags |= chained == Chained::Dispatcher ? ATTACHED_XDP_DISPATCHER : ATTACHED_XDP;
    return rows.put(link.ifindex, row);
}

}  // namespace

Result<bool> Datapath::remove(const std::string& instance) {
    quiet_libraries();
    TRY(bool found, release_all(instance));
    TRY(auto netlink, Netlink::open());
    TRY(const bool tunnel, remove_tunnel_device(netlink, instance));
    TRY(const bool gretap, remove_gretap(netlink, instance));
    found = found || tunnel || gretap || access(pins::instance_path(instance).c_str(), F_OK) == 0;
    if (found) TRY_OK(Underlay::release_all());  // the neighbors that the kernel keeps fresh for us
    TRY_OK(pins::remove(pins::instance_path(instance)));
    TRY_OK(pins::remove_root_if_empty());
    return found;
}

Result<> Datapath::attach_privileged(const std::string& instance, const config&, const std::vector<Uplink>& uplinks) {
    quiet_libraries();
    TRY_OK(require_kernel());
    TRY_OK(pins::mount_bpffs());
    const pins::Folder folder{instance, ABI_VERSION};
    // Another version's programs serve the uplinks until the daemon has taken them over.
    for (const auto version : pins::versions(instance))
        if (version != ABI_VERSION) return Ok{};
    TRY_OK(pins::make(folder));
    TRY_OK(make_maps(folder));
    TRY_OK(load_stubs(folder));
    TRY(const auto table, pins::open(folder.map("attachments")));
    if (!table) return fail(ENOENT, "no map " + folder.map("attachments"));
    TRY(auto rows, (Map<std::uint32_t, attachment>::open(table->get(), "attachments")));
    TRY(const auto links, Links::open());
    for (const auto& uplink : uplinks) {
        const Link* link = links.find(uplink.interface);
        if (!link || choose_hook(*link, Role::Uplink, uplink.hook).hook != Hook::Xdp) continue;
        if (auto done = chain_uplink(*link, folder, rows); !done)
            spdlog::warn("{}: {}; the daemon attaches it", uplink.interface, done.error().what);
    }
    return Ok{};
}

}  // namespace weft

// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Stubs onto interfaces and off again, with the attachments table as the record of what is to be taken away. A row is
// written before the interface is touched: after a crash it says too much, never too little.
#include <net/if.h>

#include <algorithm>
#include <cstring>

#include "attach_xdp.hpp"
#include "datapath_state.hpp"
#include "dispatcher.hpp"
#include "offloads.hpp"
#include "probe.hpp"
#include "promiscuous.hpp"

namespace weft {

namespace {

constexpr std::uint16_t XDP_BITS = ATTACHED_XDP | ATTACHED_XDP_GENERIC | ATTACHED_XDP_DISPATCHER;

hook_program tc_hook(Role role) { return role == Role::Port ? HOOK_TC_PORT : HOOK_TC_WIRE; }
hook_program xdp_hook(Role role) { return role == Role::Port ? HOOK_XDP_PORT : HOOK_XDP_WIRE; }

// Not the kernel's judgement of this interface but a broken setup: TC would not work either.
bool is_broken(int code) { return code == EPERM || code == EACCES || code == ENODEV || code == ENOMEM; }

void replace_bits(attachment& row, std::uint16_t of, std::uint16_t bits) {
    row.flags = static_cast<std::uint16_t>((row.flags & ~of) | bits);
}

// Leases alone look at what leaves.
TcSide side_of(hook_program stub) { return stub == HOOK_TC_VRRP ? TcSide::Egress : TcSide::Ingress; }

}  // namespace

std::array<int, 2> Datapath::State::xdp_stubs() const {
    return {stubs[HOOK_XDP_WIRE].get(), stubs[HOOK_XDP_PORT].get()};
}

Result<> Datapath::State::forget(std::uint32_t ifindex) {
    TRY_OK(detach_tc(folder, ifindex, 0));
    TRY_OK(tables.attachments.erase(ifindex));
    return Ok{};
}

// A link of ours was on a device that is gone: its index was given to another.
Result<bool> Datapath::State::device_went(std::uint32_t ifindex) const {
    for (const auto& pin : {folder.link(ifindex), folder.egress_link(ifindex)}) {
        TRY(const auto target, tcx_target(pin));
        if (target && *target == 0) return true;
    }
    return false;
}

Result<attachment> Datapath::State::row_of(const Link& link) {
    TRY(const auto known, tables.attachments.find(link.ifindex));
    TRY(const bool went, device_went(link.ifindex));
    attachment row{};
    if (known && known->netns_cookie == cookie && !went)
        row = *known;
    else
        TRY_OK(forget(link.ifindex));
    row.netns_cookie = cookie;
    std::fill(std::begin(row.name), std::end(row.name), 0);
    link.name.copy(reinterpret_cast<char*>(row.name), sizeof row.name - 1);
    link.mac.copy_to(row.mac);
    return row;
}

Result<> Datapath::State::attach_stub(const Link& link, hook_program stub, attachment& row) {
    TRY_OK(tables.attachments.put(link.ifindex, row));
    TRY(row.flags, weft::attach_tc(folder, link.ifindex, side_of(stub), stubs[stub].get(), row.flags, tc));
    return tables.attachments.put(link.ifindex, row);
}

Result<> Datapath::State::take_vlans(const std::string& nic, attachment& row) {
    TRY(const auto change, disable_offloads(nic, VLAN_FILTERS));
    row.offloads_disabled |= change.disabled;
    TRY(const bool changed, set_promiscuous(nic, true));
    row.flags = static_cast<__u16>(row.flags | ATTACHED_VLANS | (changed ? ATTACHED_PROMISC_OURS : 0));
    return Ok{};
}

Result<> Datapath::State::leave_vlans(const std::string& nic, attachment& row) {
    if (row.flags & ATTACHED_PROMISC_OURS) TRY_OK(set_promiscuous(nic, false));
    if (!(row.flags & ATTACHED_XDP)) {
        TRY_OK(restore_offloads(nic, row.offloads_disabled & VLAN_FILTERS));
        row.offloads_disabled &= ~VLAN_FILTERS;
    }
    replace_bits(row, ATTACHED_VLANS | ATTACHED_PROMISC_OURS, 0);
    return Ok{};
}

Result<> Datapath::State::drop_xdp(const Link& link, attachment& row) {
    if (row.flags & ATTACHED_XDP_DISPATCHER) TRY_OK(unchain_xdp(link.ifindex));
    TRY_OK(detach_xdp(link.ifindex, xdp_stubs()));
    const std::uint32_t kept = row.flags & ATTACHED_VLANS ? row.offloads_disabled & VLAN_FILTERS : 0;
    TRY_OK(restore_offloads(link.name, row.offloads_disabled & ~kept));
    row.offloads_disabled = kept;
    replace_bits(row, XDP_BITS, 0);
    return tables.attachments.put(link.ifindex, row);
}

Result<Attachment> Datapath::State::serve_xdp(const Link& link, Role role, Hook wanted, attachment& row) {
    const auto choice = choose_hook(link, role, wanted);
    Attachment out{choice.hook, choice.reason, {}};
    if (choice.hook == Hook::Tc) {
        TRY_OK(drop_xdp(link, row));
        return out;
    }
    const bool native = choice.hook == Hook::Xdp;
    if (native) {
        TRY(auto change, disable_offloads(link.name, HIDE_FROM_XDP));
        row.offloads_disabled |= change.disabled;
        out.warnings = std::move(change.warnings);
    }
    TRY(const bool chained, is_chained(link.ifindex, row.flags));
    if (!chained) {
        replace_bits(row, XDP_BITS, native ? ATTACHED_XDP : ATTACHED_XDP | ATTACHED_XDP_GENERIC);
        TRY_OK(tables.attachments.put(link.ifindex, row));
        const auto mode = native ? XdpMode::Native : XdpMode::Generic;
        const auto done = attach_xdp(link.ifindex, mode, stubs[xdp_hook(role)].get(), xdp_stubs());
        if (!done && is_broken(done.error().code)) return tl::make_unexpected(done.error());
        if (!done) {
            TRY_OK(drop_xdp(link, row));
            const auto refused = without_xdp(link, done.error());
            return Attachment{refused.hook, refused.reason, {}};
        }
    }
    const auto far_end = far_end_warnings(link, role, choice.hook);
    out.warnings.insert(out.warnings.end(), far_end.begin(), far_end.end());
    TRY_OK(tables.attachments.put(link.ifindex, row));
    return out;
}

Result<> Datapath::State::explore_delivery(const Link& link, Attachment& out) {
    if (link.kind == "veth") {
        if (out.hook == Hook::Xdp) {
            TRY(out.xdp_tx, probe_xdp_tx(link));
            if (!out.xdp_tx)
                out.warnings.push_back("an XDP redirect into " + link.name +
                                       " is lost, so frames are delivered by TC: switch "
                                       "GRO on at its other end");
        }
        TRY(const auto peer, links.peer(link));
        if (!peer) return Ok{};
        out.guest_mac = peer->mac;
        // The kernel drops what is redirected to a peer in the same netns, or one that is down.
        out.peer_redirect = link.peer_netnsid && link.carrier && peer->xdp_program == 0;
        return Ok{};
    }
    // A tap's queue takes XDP frames always; a NIC's transmit rings for XDP exist while it has a program.
    out.xdp_tx = link.kind == "tun" || (out.hook == Hook::Xdp && !link.parent_bus.empty());
    return Ok{};
}

Result<Attachment> Datapath::attach(const Link& link, Role role, Hook wanted) {
    if (!link.ethernet) return fail(EINVAL, link.name + " is no Ethernet device");
    auto clause = [&](const Error& error) { return fail(error, "attach to " + link.name); };
    auto row = state_->row_of(link);
    if (!row) return clause(row.error());
    row->hook = static_cast<std::uint16_t>(wanted);
    row->role = role == Role::Port ? DEVICE_PORT : DEVICE_UPLINK;
    if (auto done = state_->attach_stub(link, tc_hook(role), *row); !done) return clause(done.error());
    auto out = state_->serve_xdp(link, role, wanted, *row);
    if (!out) return clause(out.error());
    if (auto done = state_->explore_delivery(link, *out); !done) return clause(done.error());
    return out;
}

Result<> Datapath::attach_tunnel(const Link& vxlan) {
    TRY(auto row, state_->row_of(vxlan));
    row.flags |= ATTACHED_TUNNEL;
    row.role = 0;
    if (auto done = state_->attach_stub(vxlan, HOOK_TC_TUNNEL, row); !done)
        return fail(done.error(), "attach to " + vxlan.name);
    return Ok{};
}

Result<> Datapath::carry_vlans(const Link& nic, bool carries) {
    TRY(auto row, state_->row_of(nic));
    if (!carries && !(row.flags & ATTACHED_VLANS)) return Ok{};
    const attachment before = row;
    TRY_OK(carries ? state_->take_vlans(nic.name, row) : state_->leave_vlans(nic.name, row));
    if (std::memcmp(&before, &row, sizeof row) == 0) return Ok{};
    return state_->tables.attachments.put(nic.ifindex, row);
}

Result<> Datapath::attach_lease(const Link& uplink) {
    if (!uplink.ethernet) return fail(EINVAL, uplink.name + " is no Ethernet device");
    TRY(auto row, state_->row_of(uplink));
    if (auto done = state_->attach_stub(uplink, HOOK_TC_VRRP, row); !done)
        return fail(done.error(), "attach to " + uplink.name);
    return Ok{};
}

Result<> Datapath::detach_lease(std::uint32_t ifindex) {
    TRY(auto row, state_->tables.attachments.find(ifindex));
    if (!row || row->netns_cookie != state_->cookie) return Ok{};
    TRY(const auto left, detach_tc(state_->folder, ifindex, TcSide::Egress, row->flags));
    if (left == row->flags) return Ok{};
    row->flags = left;
    return state_->tables.attachments.put(ifindex, *row);
}

Result<> Datapath::detach(std::uint32_t ifindex) {
    TRY(auto row, state_->tables.attachments.find(ifindex));
    char name[IF_NAMESIZE];
    if (!row || row->netns_cookie != state_->cookie || !if_indextoname(ifindex, name)) return state_->forget(ifindex);
    Link link;
    link.ifindex = ifindex;
    link.name = name;
    TRY_OK(state_->leave_vlans(link.name, *row));
    TRY_OK(state_->drop_xdp(link, *row));
    TRY_OK(detach_tc(state_->folder, ifindex, row->flags));
    TRY_OK(state_->tables.attachments.erase(ifindex));
    return Ok{};
}

Result<> Datapath::forget_missing(const Links& links) {
    TRY(const auto rows, state_->tables.attachments.rows());
    for (const auto& [ifindex, row] : rows)
        if (row.netns_cookie != state_->cookie || !links.find(ifindex)) TRY_OK(state_->forget(ifindex));
    for (const auto ifindex : pins::pinned_links(state_->folder))
        if (!links.find(ifindex)) TRY_OK(state_->forget(ifindex));
    return Ok{};
}

}  // namespace weft

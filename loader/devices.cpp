// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include "devices.hpp"

#include <algorithm>

#include "acls.hpp"
#include "team_plan.hpp"

namespace weft {

namespace {

constexpr std::uint64_t SILENT_AFTER = 100;  // deliveries without a frame back

bool same(const device& a, const device& b) { return std::memcmp(&a, &b, sizeof a) == 0; }

// The NICs of bridges and switches.
std::set<std::string> nics_of(const Document& wanted) {
    std::set<std::string> out;
    for (const Bridge& bridge : wanted.bridges) out.insert(bridge.interface);
    for (const Switch& one : wanted.switches) out.insert(one.team.uplinks.begin(), one.team.uplinks.end());
    return out;
}

PortRules rules_of(const Port& port, const Document& wanted, const Policies& policies) {
    PortRules rules;
    if (!port.bind.empty()) rules.flags |= DEVICE_BOUND;
    if (is_guarded(wanted, port)) rules.flags |= DEVICE_RULES;
    const auto group = std::ranges::find(wanted.port_groups, port.port_group, &PortGroup::name);
    if (group == wanted.port_groups.end()) return rules;
    rules.policy = policies.row(group->name);
    if (!is_vlan_backed(wanted, *group)) rules.vid = group->vlan;
    if (group->isolated) rules.flags |= DEVICE_ISOLATED;
    if (group->accept_promiscuous) rules.flags |= DEVICE_PROMISCUOUS;
    rules.delays = group->to_port.delay;
    return rules;
}

// A multi-queue NIC has mq at the root, and the kind below is per queue.
bool paces(const Link& link) { return link.queue == "fq" || link.queue == "mq"; }

const char* noun(Role role) { return role == Role::Port ? "port" : "uplink"; }

}  // namespace

Result<> Devices::adopt() {
    TRY(const auto rows, tables_->devices.rows());
    for (const auto& [ifindex, row] : rows) {
        // Without an attachment of ours the number belongs to another device by now: start its counters anew.
        TRY(const auto attachment, tables_->attachments.find(ifindex));
        if (!attachment) {
            TRY_OK(tables_->devices.erase(ifindex));
            continue;
        }
        accounts_->adopt(row.account);
        rows_[ifindex] = row;
        names_[ifindex] = reinterpret_cast<const char*>(attachment->name);
    }
    return Ok{};
}

Interface& Devices::want(const std::string& name, Role role, Hook hook) {
    Interface& interface = interfaces_[name];
    if (interface.wanted != hook || interface.role != role) interface.attachment.reset();
    interface.name = name;
    interface.role = role;
    interface.wanted = hook;
    interface.segment.clear();
    interface.rules = {};
    interface.vlans = false;
    return interface;
}

// A NIC of a bridge or switch that is an underlay uplink too is served as its `uplinks` line says.
std::set<std::string> Devices::want_all(const Document& wanted, const Policies& policies) {
    std::set<std::string> names;
    for (const Uplink& uplink : wanted.uplinks) {
        want(uplink.interface, Role::Uplink, uplink.hook);
        names.insert(uplink.interface);
    }
    for (const std::string& nic : nics_of(wanted)) {
        if (names.insert(nic).second) want(nic, Role::Uplink, Hook::Auto);
        interfaces_[nic].vlans = true;
    }
    for (const Port& port : wanted.ports) {
        Interface& interface = want(port.interface, Role::Port, port.hook);
        interface.segment = port.segment;
        interface.rules = rules_of(port, wanted, policies);
        names.insert(port.interface);
    }
    return names;
}

void Devices::serve(const Document& wanted, const Links& links, const Segments& segments, const Policies& policies,
                    bool again, Problems& problems) {
    const std::set<std::string> names = want_all(wanted, policies);
    std::erase_if(interfaces_, [&](const auto& entry) { return !names.contains(entry.first); });

    for (auto& [name, interface] : interfaces_) {
        const Link* link = links.find(name);
        if (!link || link->ifindex != interface.ifindex) {
            interface.attachment.reset();
            interface.silent = false;
        }
        interface.ifindex = link ? link->ifindex : 0;
        if (link) {
            serve_one(interface, *link, segments, again, problems);
            continue;
        }
        interface.problem = "does not exist yet: it is attached when it appears";
        const std::string line = std::string(noun(interface.role)) + " " + name + " " + interface.problem;
        interface.role == Role::Uplink ? problems.add(line) : problems.warn(line);
    }
    look_at_queues(wanted, links, problems);
}

void Devices::look_at_queues(const Document& wanted, const Links& links, Problems& problems) const {
    const bool uplinks_delay =
        std::ranges::any_of(wanted.port_groups, [](const PortGroup& g) { return g.from_port.delay; });
    for (const auto& [name, interface] : interfaces_) {
        const Link* link = links.find(name);
        if (!(interface.role == Role::Uplink ? uplinks_delay : interface.rules.delays) || !link || paces(*link))
            continue;
        problems.warn(std::string(noun(interface.role)) + " " + name + " queues by " + link->queue +
                      ": what a port group's limits delay leaves it at once (tc qdisc replace dev " + name +
                      " root fq)");
    }
}

void Devices::serve_one(Interface& interface, const Link& link, const Segments& segments, bool again,
                        Problems& problems) {
    const std::string what = std::string(noun(interface.role)) + " " + interface.name;
    if (!link.ethernet) {
        interface.problem = "is no Ethernet device";
        problems.add(what + " " + interface.problem);
        return;
    }
    if (!interface.attachment || again) {
        auto attached = datapath_->attach(link, interface.role, interface.wanted);
        if (!attached) {
            interface.attachment.reset();
            interface.problem = attached.error().what;
            problems.add(what + ": " + interface.problem);
            return;
        }
        interface.attachment = std::move(*attached);
        interface.problem.clear();
    }
    if (interface.role == Role::Uplink) problems.check(datapath_->carry_vlans(link, interface.vlans), what);
    problems.check(write_row(interface, link, segments), what);
    // A port that is down is a guest's affair; without the uplink no remote is reached.
    if (interface.role == Role::Uplink && !(link.up && link.carrier))
        problems.add(what + (link.up ? " has no carrier" : " is down"));
}

Result<std::uint16_t> Devices::account_for(std::uint32_t ifindex) {
    const auto found = rows_.find(ifindex);
    if (found != rows_.end()) return found->second.account;
    return accounts_->allocate();
}

Result<> Devices::write_row(Interface& interface, const Link& link, const Segments& segments) {
    TRY(const std::uint16_t account, account_for(link.ifindex));
    device row{};
    row.ifindex = link.ifindex;
    row.account = account;
    row.mtu = static_cast<std::uint16_t>(std::min<std::uint32_t>(link.mtu, 65535));
    row.flags = interface.role == Role::Port ? DEVICE_PORT : DEVICE_UPLINK;
    if (interface.attachment->xdp_tx && !interface.silent) row.flags |= DEVICE_XDP_TX;
    // redirect_peer passes the device's queue by, in which delayed frames wait.
    if (interface.attachment->peer_redirect && !interface.rules.delays) row.flags |= DEVICE_PEER;
    // By XDP nobody would see that the guest routes (FDB_ROUTER).
    if (row.flags & DEVICE_PEER && interface.attachment->hook == Hook::Tc) row.flags |= DEVICE_GSO;
    if (const SegmentState* segment = segments.find(interface.segment))
        row.segment = static_cast<std::uint16_t>(segment->index);
    row.policy = interface.rules.policy;
    row.vid = interface.rules.vid;
    row.flags |= interface.rules.flags;

    const auto old = rows_.find(link.ifindex);
    if (old != rows_.end() && old->second.segment != row.segment && (old->second.flags & DEVICE_PORT))
        moved_.insert(link.ifindex);
    interface.row = row;
    names_[link.ifindex] = link.name;
    if (old != rows_.end() && same(old->second, row)) return Ok{};
    if (row.policy != 0 && (old == rows_.end() || old->second.policy == 0)) TRY_OK(expect_guest(interface));
    TRY_OK(tables_->devices.put(link.ifindex, row));
    rows_[link.ifindex] = row;
    ++writes_;
    return Ok{};
}

// Behind a veth its guest's MAC can be seen; behind other ports it is the first that sends.
Result<> Devices::expect_guest(const Interface& port) {
    guest row{};
    if (port.attachment->guest_mac) port.attachment->guest_mac->copy_to(row.mac);
    return tables_->guests.put(port.row.account, row);
}

std::vector<Devices::Gone> Devices::sweep(const Links& links, Problems& problems) {
    std::set<std::uint32_t> served;
    for (const auto& [name, interface] : interfaces_)
        if (interface.attachment) served.insert(interface.ifindex);
    std::vector<Gone> gone;
    for (const std::uint32_t ifindex : std::exchange(moved_, {})) gone.push_back({ifindex, ""});
    std::erase_if(rows_, [&](const auto& entry) {
        const auto& [ifindex, row] = entry;
        if (served.contains(ifindex)) return false;
        if (links.find(ifindex)) problems.check(datapath_->detach(ifindex), "detach");
        if (!problems.check(tables_->devices.erase(ifindex), "sweep devices")) return false;
        accounts_->release(row.account);
        ++writes_;
        const Interface* wanted = find(names_[ifindex]);
        if (row.flags & DEVICE_PORT)
            gone.push_back({ifindex, wanted && wanted->role == Role::Port ? wanted->name : ""});
        names_.erase(ifindex);
        return true;
    });
    if (const auto forgotten = datapath_->forget_missing(links); !forgotten)
        problems.add(forgotten.error().prepend("clean up after vanished interfaces").what);
    return gone;
}

bool Devices::is_silent(const Interface& port) const {
    const auto delivered = accounts_->deliveries(port.row.account);
    if (!delivered || delivered->packets < SILENT_AFTER) return false;
    const auto seen = accounts_->read(port.row.account);
    return seen && std::all_of(seen->begin(), seen->end(), [](const tally& one) { return one.packets == 0; });
}

// Once XDP is out of the way a frame may come back: then it is given another chance.
void Devices::look_for_silent_ports() {
    const bool any_xdp = std::any_of(interfaces_.begin(), interfaces_.end(), [](const auto& entry) {
        return entry.second.attachment && entry.second.attachment->hook != Hook::Tc;
    });
    for (auto& [name, interface] : interfaces_) {
        const bool redirected_to =
            any_xdp && interface.role == Role::Port && interface.attachment && interface.attachment->xdp_tx;
        interface.silent = redirected_to && is_silent(interface);
    }
}

BySegment Devices::ports_by_segment() const {
    BySegment out;
    for (const auto& [name, interface] : interfaces_)
        if (interface.role == Role::Port && interface.attachment) out[interface.segment].push_back(interface.ifindex);
    for (auto& [segment, ports] : out) std::sort(ports.begin(), ports.end());
    return out;
}

const Interface* Devices::find(const std::string& name) const {
    const auto found = interfaces_.find(name);
    return found == interfaces_.end() ? nullptr : &found->second;
}

const Interface* Devices::find(std::uint32_t ifindex) const {
    for (const auto& [name, interface] : interfaces_)
        if (interface.ifindex == ifindex && ifindex != 0) return &interface;
    return nullptr;
}

bool Devices::may_xdp_redirect(std::uint32_t ifindex) const {
    const Interface* interface = find(ifindex);
    return interface && interface->attachment && interface->attachment->xdp_tx;
}

}  // namespace weft

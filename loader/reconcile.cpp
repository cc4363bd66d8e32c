// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include "reconcile.hpp"

#include "guests_here.hpp"
#include "mtu.hpp"
#include "transit.hpp"

namespace weft {

Reconciler::Reconciler(Datapath& datapath, NextHops& nexthops, Learner& learner, const Links& links)
    : tables_(&datapath.tables()),
      datapath_(&datapath),
      nexthops_(&nexthops),
      learner_(&learner),
      links_(&links),
      accounts_(datapath.tables()),
      segments_(datapath.tables(), accounts_, nexthops),
      devices_(datapath.tables(), datapath, accounts_),
      teams_(datapath.tables()),
      policies_(datapath.tables()),
      circuits_(datapath.tables(), accounts_),
      rule_lists_(datapath.tables()),
      routing_(datapath.tables(), rule_lists_),
      acls_(datapath.tables(), rule_lists_),
      entries_(datapath.tables(), nexthops) {
    entries_.fdb().watch_dynamic([&learner](const fdb_key& key, const fdb_entry& entry, int change) {
        learner.count_entry(key, entry, change);
    });
    entries_.neighbors().watch_dynamic(
        [&learner](const neighbor_key& key, const neighbor&, int change) { learner.count_neighbor(key, change); });
}

Result<> Reconciler::adopt() {
    TRY_OK(devices_.adopt());
    TRY_OK(segments_.adopt());
    TRY_OK(teams_.adopt());
    TRY_OK(policies_.adopt());
    TRY_OK(circuits_.adopt());
    TRY_OK(rule_lists_.adopt());
    TRY_OK(routing_.adopt());
    TRY_OK(acls_.adopt());
    return entries_.adopt();
}

Problems Reconciler::run(const Document& document, bool again) {
    const auto more = with_transits(document);
    const Document& wanted = more ? *more : document;
    Problems problems;
    for (const Complaint& complaint : mtu_complaints(wanted, links_->all()))
        problems.add(complaint.path + ": " + complaint.what);
    segments_.prepare(wanted, *links_, problems);
    rule_lists_.begin();
    routing_.serve(wanted, segments_, problems);
    acls_.serve(wanted, *links_, segments_, problems);
    teach(wanted, problems);
    teams_.prepare(plan_teams(wanted), problems);
    policies_.serve(wanted, teams_, problems);
    policies_.bind(wanted, *links_, problems);
    devices_.serve(wanted, *links_, segments_, policies_, again, problems);
    teams_.serve(*links_, devices_, problems);
    circuits_.serve(plan_circuits(wanted), devices_, segments_, teams_, problems);
    segments_.publish(wanted, devices_.ports_by_segment(), circuits_.by_segment(), problems);
    entries_.sync(wanted, segments_, devices_, problems);
    accept(wanted, problems);
    sweep(wanted, problems);
    warn_of_absent_guests(*tables_, wanted, devices_, segments_, problems);
    return problems;
}

// Advertisements leave by an underlay uplink: there the lease is seen.
void Reconciler::watch_leases(const Document& wanted, Problems& problems) {
    const bool elected = circuits_.any_elected();
    for (const Uplink& uplink : wanted.uplinks) {
        const Link* link = links_->find(uplink.interface);
        const Interface* served = devices_.find(uplink.interface);
        if (!link || !served || !served->attachment) continue;
        problems.check(elected ? datapath_->attach_lease(*link) : datapath_->detach_lease(link->ifindex),
                       "election on " + uplink.interface);
    }
}

void Reconciler::sweep(const Document& wanted, Problems& problems) {
    routing_.sweep(problems);
    const auto segments = segments_.sweep(wanted, problems);
    for (const std::uint32_t index : segments) {
        problems.check(entries_.forget_segment(index), "sweep segment");
        problems.check(learner_->forget_segment(index), "sweep segment");
    }
    for (const std::uint32_t id : circuits_.sweep(problems)) problems.check(learner_->forget_circuit(id), "sweep VLAN");
    watch_leases(wanted, problems);
    const auto ports = devices_.sweep(*links_, problems);
    for (const Devices::Gone& port : ports) forget_port(port, problems);
    policies_.sweep(problems);
    acls_.sweep(problems);
    rule_lists_.sweep();
    rule_lists_.tidy(problems);
    teams_.sweep(problems);
    restore(problems);
    if (!segments.empty() || !ports.empty()) accept(wanted, problems);
}

void Reconciler::forget_port(const Devices::Gone& port, Problems& problems) {
    problems.check(learner_->forget_port(port.ifindex), "sweep port");
    const auto rows = entries_.forget_port(port.ifindex);
    if (!problems.check(rows, "sweep port") || port.name.empty()) return;
    for (const auto& [key, entry] : *rows)
        if (const SegmentState* segment = segments_.find(std::uint32_t{key.segment}))
            waiting_.add({segment->name, Mac::of(key.mac), port.name, static_cast<Owner>(entry.origin)});
}

// What waited for a port that is served again becomes rows; what waited for one nobody wants there any more goes.
void Reconciler::restore(Problems& problems) {
    if (waiting_.empty()) return;
    waiting_.drop_if([&](const WaitingEntry& waiting) {
        const Interface* port = devices_.find(waiting.port);
        const SegmentState* segment = segments_.find(waiting.segment);
        if (!segment || !port || port->role != Role::Port || port->segment != waiting.segment) return true;
        if (!port->attachment) return false;
        fdb_key key{};
        key.segment = static_cast<__u16>(segment->index);
        waiting.mac.copy_to(key.mac);
        const fdb_entry entry{port->ifindex, FDB_PORT, static_cast<__u8>(waiting.origin), 0, 0};
        return problems.check(entries_.fdb().put(key, entry, Mode::Add), "entry " + waiting.mac.text());
    });
}

void Reconciler::teach(const Document& wanted, Problems& problems) {
    std::map<std::uint32_t, LearnRules> rules;
    for (const Segment& segment : wanted.segments)
        if (const SegmentState* state = segments_.find(segment.name))
            rules[state->index] = {network_of(segment),
                                   segment.learning,
                                   segment.aging_seconds,
                                   segment.learning_limit,
                                   segment.routing_domain.empty() ? Mac{} : segment.gateway.mac,
                                   segment.arp == ArpMode::LocalProxy};
    if (taught_ && rules == rules_) return;
    if (!problems.check(learner_->set_rules(rules), "learning")) return;
    rules_ = std::move(rules);
    taught_ = true;
}

Problems Reconciler::accept(const Document& wanted) {
    Problems problems;
    accept(wanted, problems);
    return problems;
}

// With vtep.accept "any" a remote that entries were learned from has a row of its own, for its next hop's sake.
void Reconciler::accept(const Document& wanted, Problems& problems) {
    const auto& learned = learner_->next_hops_used();
    const bool any = wanted.vtep && wanted.vtep->accept_any;
    segments_.accept(
        wanted, entries_.remote_uses(), [&](std::uint32_t id) { return any && learned.contains(id); }, problems);
}

Result<Circuits::Turned> Reconciler::follow_roles() {
    auto turned = circuits_.look_for_turns();
    for (const std::uint32_t id : turned.ended) TRY_OK(learner_->forget_circuit(id));
    return turned;
}

Result<> Reconciler::sweep_nexthops() {
    std::set<std::uint32_t> used;
    segments_.collect_nexthops(used);
    TRY(const auto entries, tables_->fdb.rows());
    for (const auto& [key, entry] : entries) used.insert(nexthop_of(entry));
    TRY(const auto neighbors, tables_->neighbors.rows());
    for (const auto& [key, entry] : neighbors) used.insert(nexthop_of(entry));
    return nexthops_->sweep(used);
}

}  // namespace weft

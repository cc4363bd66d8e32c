// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Wanted -> tables. One pass adds and changes first and sweeps after; what the kernel holds already is not written
// again, so a pass over pinned tables that are right writes nothing. Runs at start, after each command that changed an
// object, and when an interface came, changed or went.
#pragma once

#include <cstdint>

#include "accounts.hpp"
#include "acls.hpp"
#include "circuits.hpp"
#include "datapath.hpp"
#include "devices.hpp"
#include "entries.hpp"
#include "learn.hpp"
#include "links.hpp"
#include "model.hpp"
#include "nexthops.hpp"
#include "policies.hpp"
#include "problems.hpp"
#include "routing.hpp"
#include "rule_lists.hpp"
#include "segments.hpp"
#include "teams.hpp"
#include "waiting.hpp"

namespace weft {

class Reconciler {
public:
    Reconciler(Datapath& datapath, NextHops& nexthops, Learner& learner, const Links& links);
    Reconciler(const Reconciler&) = delete;  // the parts point at each other
    Reconciler& operator=(const Reconciler&) = delete;

    // Reads the pinned tables: call once, before the first run().
    Result<> adopt();
    // again: attached interfaces are looked at too (offloads drift, programs are taken off by hand).
    Problems run(const Document& document, bool again);
    // After a command changed entries: the remotes they name are accepted, others no longer.
    Problems accept(const Document& wanted);

    Accounts& accounts() { return accounts_; }
    const Accounts& accounts() const { return accounts_; }
    Segments& segments() { return segments_; }
    const Segments& segments() const { return segments_; }
    Devices& devices() { return devices_; }
    const Devices& devices() const { return devices_; }
    Teams& teams() { return teams_; }
    Circuits& circuits() { return circuits_; }
    const Circuits& circuits() const { return circuits_; }
    Routing& routing() { return routing_; }
    const Routing& routing() const { return routing_; }
    const Acls& acls() const { return acls_; }
    Entries& entries() { return entries_; }
    Waiting& waiting() { return waiting_; }
    const Waiting& waiting() const { return waiting_; }
    // Rows written since the start.
    std::uint64_t writes() const {
        return segments_.writes() + devices_.writes() + teams_.writes() + policies_.writes() + circuits_.writes() +
               routing_.writes() + rule_lists_.writes() + acls_.writes() + entries_.writes();
    }

    // Forgets what was learned by VLANs of which this host is no longer the designated bridge. Call often while a role
    // is elected.
    Result<Circuits::Turned> follow_roles();

    // Frees next hops that nothing names. Walks the tables: call seldom, and only after something was deleted.
    Result<> sweep_nexthops();

private:
    void watch_leases(const Document& wanted, Problems& problems);
    void sweep(const Document& wanted, Problems& problems);
    void forget_port(const Devices::Gone& port, Problems& problems);
    void restore(Problems& problems);
    void teach(const Document& wanted, Problems& problems);
    void accept(const Document& wanted, Problems& problems);

    Tables* tables_;
    Datapath* datapath_;
    NextHops* nexthops_;
    Learner* learner_;
    const Links* links_;
    Accounts accounts_;
    Segments segments_;
    Devices devices_;
    Teams teams_;
    Policies policies_;
    Circuits circuits_;
    RuleLists rule_lists_;
    Routing routing_;
    Acls acls_;
    Entries entries_;
    Waiting waiting_;
    std::map<std::uint32_t, LearnRules> rules_;
    bool taught_ = false;
};

}  // namespace weft

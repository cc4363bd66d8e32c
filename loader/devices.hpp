// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Ports and uplinks as they are served: which of the wanted interfaces exist, what is attached to them, and their rows
// of `devices`. An interface that does not exist is waited for; one that came back with another ifindex is attached
// anew.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "accounts.hpp"
#include "datapath.hpp"
#include "links.hpp"
#include "model.hpp"
#include "policies.hpp"
#include "problems.hpp"
#include "result.hpp"
#include "segments.hpp"

namespace weft {

// What `devices` says of a port besides its segment: its port group's part, whether it is bound, and obeys access
// rules.
struct PortRules {
    std::uint16_t policy = 0, vid = 0, flags = 0;
    bool delays = false;  // what is over its rate to the port waits in the port's queue
    bool operator==(const PortRules&) const = default;
};

// One wanted port or uplink.
struct Interface {
    std::string name;
    Role role = Role::Port;
    Hook wanted = Hook::Auto;
    std::string segment;                   // ports
    PortRules rules;                       // ports
    bool vlans = false;                    // it carries VLANs of bridges or of a switch
    std::uint32_t ifindex = 0;             // 0: it does not exist now
    std::optional<Attachment> attachment;  // none: not served
    std::string problem;                   // why not served
    bool silent = false;                   // frames went in and nothing ever came back: delivered through TC
    device row{};                          // as the kernel holds it
};

class Devices {
public:
    Devices(Tables& tables, Datapath& datapath, Accounts& accounts)
        : tables_(&tables), datapath_(&datapath), accounts_(&accounts) {}

    Result<> adopt();

    // Attaches what is wanted and exists, and writes its row. again: look at what is attached already too (drift).
    void serve(const Document& wanted, const Links& links, const Segments& segments, const Policies& policies,
               bool again, Problems& problems);
    // A port that went, or changed segment. name: it is still wanted and may come back; else empty.
    struct Gone {
        std::uint32_t ifindex;
        std::string name;
    };
    // Takes away what is not wanted or no longer exists.
    std::vector<Gone> sweep(const Links& links, Problems& problems);
    // Finds the ports that XDP redirects to and that never answered (see Interface::silent); serve() acts on it.
    void look_for_silent_ports();

    BySegment ports_by_segment() const;  // served ports, by ifindex
    const std::map<std::string, Interface>& all() const { return interfaces_; }
    const Interface* find(const std::string& name) const;
    const Interface* find(std::uint32_t ifindex) const;
    bool may_xdp_redirect(std::uint32_t ifindex) const;  // uplinks, for next hops
    std::uint64_t writes() const { return writes_; }

private:
    Interface& want(const std::string& name, Role role, Hook hook);
    std::set<std::string> want_all(const Document& wanted, const Policies& policies);
    void serve_one(Interface& interface, const Link& link, const Segments& segments, bool again, Problems& problems);
    Result<> write_row(Interface& interface, const Link& link, const Segments& segments);
    Result<> expect_guest(const Interface& port);
    Result<std::uint16_t> account_for(std::uint32_t ifindex);
    bool is_silent(const Interface& port) const;
    // Warns of devices without the queue that delayed frames need.
    void look_at_queues(const Document& wanted, const Links& links, Problems& problems) const;

    Tables* tables_;
    Datapath* datapath_;
    Accounts* accounts_;
    std::map<std::string, Interface> interfaces_;
    std::map<std::uint32_t, device> rows_;        // as the kernel holds them
    std::map<std::uint32_t, std::string> names_;  // of rows_
    std::set<std::uint32_t> moved_;               // ports whose segment changed since the last sweep
    std::uint64_t writes_ = 0;
};

}  // namespace weft

// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// The sockets of beacons: one for each uplink that is up of each switch whose team, or a group's, has detection
// "beacon". Nothing is open, and nothing sent, where none has.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "beacon.hpp"
#include "links.hpp"
#include "map.hpp"
#include "result.hpp"
#include "team_plan.hpp"

namespace weft {

class Beacons {
public:
    Beacons();

    // Call some twenty times a second: hears what has come, sends when a second is over, judges.
    void turn(const std::vector<TeamPlan>& plans, const Links& links, std::uint64_t now_ns);

    const std::set<std::string>& lost() const { return lost_; }  // uplinks that are cut off
    std::vector<std::string> warnings(std::uint64_t now_ns) const;

private:
    struct Uplink {
        std::uint32_t ifindex = 0;
        Mac mac;
        Fd socket;
    };
    struct Watch {  // over a switch
        explicit Watch(std::uint64_t host) : judge(host) {}
        BeaconJudge judge;
        std::uint64_t since_ns = 0;
        std::string problem;  // of a socket
        std::map<std::string, Uplink> uplinks;
    };

    void serve(const std::vector<TeamPlan>& plans, const Links& links, std::uint64_t now_ns);
    static void serve_switch(Watch& one, const TeamPlan& plan, const Links& links, std::uint64_t now_ns);
    void send();
    static void hear(const std::string& name, Watch& one, std::uint64_t now_ns);

    std::uint64_t host_;
    std::map<std::string, Watch> switches_;
    std::uint64_t sent_ns_ = 0, turned_ns_ = 0;
    std::set<std::string> lost_;
};

}  // namespace weft

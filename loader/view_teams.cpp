// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// What `weft switch show` says of teams: which uplink carries what, and why another does not.
#include <algorithm>
#include <nlohmann/json.hpp>

#include "view.hpp"

namespace weft {

using nlohmann::json;

namespace {

json uplinks_view(const Failover& failover) {
    json out = json::array();
    for (const Failover::View& one : failover.view(monotonic_ns())) {
        json line{{"interface", one.interface}, {"state", one.state}, {"shares", one.shares}};
        if (!one.why.empty()) line["why"] = one.why;
        out.push_back(std::move(line));
    }
    return out;
}

json team_view(const Failover& failover) {
    const TeamPlan& plan = failover.plan();
    return {{"policy", name(plan.policy)},
            {"detection", name(plan.detection)},
            {"active", plan.active},
            {"standby", plan.standby},
            {"receiver", failover.receiver().empty() ? json() : json(failover.receiver())},
            {"uplinks", uplinks_view(failover)}};
}

}  // namespace

json teams_view(Engine& engine, const Switch& one) {
    json out = json::object();
    for (const TeamPlan& plan : engine.parts().teams().plans())
        if (plan.switch_name == one.name) out[plan.name] = team_view(*engine.parts().teams().find(plan.name));
    return out;
}

}  // namespace weft

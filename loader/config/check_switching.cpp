// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// What switches, port groups, bridges and bindings must satisfy: a NIC is of one switch, and a VLAN of a NIC leads to
// one segment, whoever wants it there. VLANs are compared by their number alone, whatever the type of the tag: entries
// and messages name a bridge by interface and number.
#include <algorithm>
#include <map>
#include <set>

#include "check.hpp"

namespace weft {

namespace {

using Names = std::unordered_map<std::string_view, std::size_t>;  // -> index in its section; the first of the name

template <typename T>
const T* find(const std::vector<T>& list, const Names& names, const std::string& name) {
    const auto at = names.find(name);
    return at == names.end() ? nullptr : &list[at->second];
}

bool overlap(const VlanRange& a, const VlanRange& b) { return a.first <= b.last && b.first <= a.last; }

// A group without a tag of its own takes untagged frames, but for a trunk: that has the tags it names and nothing else.
bool takes_untagged(const PortGroup& group) { return group.vlan == 0 && group.trunk.empty(); }

class SwitchCheck {
public:
    explicit SwitchCheck(const Document& document) : document_(document) {
        const auto index = [](Names& names, const auto& list) {
            for (std::size_t i = 0; i < list.size(); ++i) names.emplace(list[i].name, i);
        };
        index(segments_, document.segments);
        index(switches_, document.switches);
        index(groups_, document.port_groups);
        for (const Port& port : document.ports) ports_.emplace(port.interface, &port);
        for (const Uplink& uplink : document.uplinks) underlay_.insert(uplink.interface);
    }

    std::vector<Complaint> all() {
        for (std::size_t i = 0; i < document_.switches.size(); ++i) check_switch(i);
        for (std::size_t i = 0; i < document_.port_groups.size(); ++i) check_group(i);
        for (std::size_t i = 0; i < document_.ports.size(); ++i) check_port(i);
        for (std::size_t i = 0; i < document_.bridges.size(); ++i) check_bridge(i);
        return std::move(out_);
    }

private:
    void complain(std::string path, std::string what) { out_.push_back({std::move(path), std::move(what)}); }

    void check_name(const char* section, std::size_t index, const std::string& name, const Names& names) {
        if (!name.empty() && names.at(name) != index)
            complain(path_of(section, index, "/name"), name + " is given twice");
    }

    // A NIC that carries VLANs: no name of ours, and no guest's.
    void check_nic(const std::string& interface, const std::string& use, const std::string& path) {
        if (is_reserved(interface)) complain(path, interface + " cannot be " + use);
        if (const auto port = ports_.find(interface); port != ports_.end())
            complain(path, interface + " is already a port" +
                               (port->second->segment.empty() ? "" : " of segment " + port->second->segment));
    }

    // --- switches
    void check_switch(std::size_t index) {
        const Switch& one = document_.switches[index];
        check_name("switches", index, one.name, switches_);
        const std::string use = "an uplink of switch " + one.name, path = path_of("switches", index, "/team");
        if (one.team.uplinks.size() > TEAM_SLOTS)
            complain(path + "/uplinks", std::to_string(one.team.uplinks.size()) + " uplinks, a team has room for " +
                                            std::to_string(TEAM_SLOTS));
        for (std::size_t i = 0; i < one.team.uplinks.size(); ++i) {
            const std::string &nic = one.team.uplinks[i], here = path + "/uplinks/" + std::to_string(i);
            if (nic.empty()) continue;
            check_nic(nic, use, here);
            const auto [old, fresh] = teams_.emplace(nic, index);
            if (!fresh && old->second == index) complain(here, nic + " is given twice");
            if (!fresh && old->second != index)
                complain(here, nic + " is already an uplink of switch " + document_.switches[old->second].name +
                                   of_cli(one.owner, "switch " + one.name));
        }
        check_order(one.team, one, path);
    }

    // active and standby name uplinks of the switch, each once.
    void check_order(const Team& team, const Switch& one, const std::string& path) {
        std::set<std::string_view> seen;
        const auto check = [&](const std::vector<std::string>& list, const std::string& at) {
            for (std::size_t i = 0; i < list.size(); ++i) {
                const std::string here = at + "/" + std::to_string(i);
                if (list[i].empty()) continue;
                if (std::ranges::find(one.team.uplinks, list[i]) == one.team.uplinks.end())
                    complain(here, list[i] + " is no uplink of switch " + one.name);
                else if (!seen.insert(list[i]).second)
                    complain(here, list[i] + " is given twice");
            }
        };
        if (team.active) check(*team.active, path + "/active");
        if (team.standby) check(*team.standby, path + "/standby");
    }

    // --- port groups
    void check_group(std::size_t index) {
        const PortGroup& group = document_.port_groups[index];
        check_name("port_groups", index, group.name, groups_);
        const std::string path = path_of("port_groups", index), whose = of_cli(group.owner, "port group " + group.name);
        const Switch* on = find(document_.switches, switches_, group.switch_name);
        const Segment* segment = find(document_.segments, segments_, group.segment);
        if (!on) complain(path + "/switch", "there is no switch " + group.switch_name + whose);
        if (!segment) complain(path + "/segment", "there is no segment " + group.segment + whose);
        if (on) check_order(group.team, *on, path + "/team");
        check_own_trunk(group, path);
        check_rate(group.from_port, path + "/limits/from_port");
        check_rate(group.to_port, path + "/limits/to_port");
        if (!segment) return;
        if (segment->vni != 0 && !group.trunk.empty() && !segment->keep_inner_tags)
            complain(path + "/trunk",
                     "segment " + segment->name + " does not keep inner tags (keep_inner_tags)" + whose);
        if (segment->vni != 0 || !on) return;
        check_one_switch(group, path);
        check_untagged(group, *on, path);
        check_vlans(index, path);
    }

    void check_own_trunk(const PortGroup& group, const std::string& path) {
        for (std::size_t i = 0; i < group.trunk.size(); ++i) {
            const VlanRange& vlans = group.trunk[i];
            const std::string here = path + "/trunk/" + std::to_string(i);
            if (vlans.first == 0) continue;
            if (group.vlan != 0 && overlap(vlans, {group.vlan, group.vlan}))
                complain(here, text(vlans) + " holds the group's own VLAN " + std::to_string(group.vlan));
            for (std::size_t k = 0; k < i; ++k)
                if (overlap(vlans, group.trunk[k]))
                    complain(here, text(vlans) + " overlaps " + text(group.trunk[k]) + " of the same group");
        }
    }

    void check_rate(const RateLimit& rate, const std::string& path) {
        if (rate.peak_kbps && rate.average_kbps && *rate.peak_kbps < *rate.average_kbps)
            complain(path + "/peak_kbps", "is " + std::to_string(*rate.peak_kbps) + ", the average is " +
                                              std::to_string(*rate.average_kbps) + ": the peak cannot be below");
    }

    // A VLAN-backed segment is one VLAN of one switch: frames would else pass from one to another.
    void check_one_switch(const PortGroup& group, const std::string& path) {
        const auto [old, fresh] = homes_.emplace(group.segment, &group);
        if (fresh) return;
        const PortGroup& first = *old->second;
        const std::string segment = "segment " + group.segment;
        if (first.switch_name != group.switch_name)
            complain(path + "/switch", segment + " is on switch " + first.switch_name + " (port group " + first.name +
                                           "): no frame passes from one switch to another");
        else if (first.vlan != group.vlan)
            complain(path + "/vlan", "is " + std::to_string(group.vlan) + ", but " + segment + " has VLAN " +
                                         std::to_string(first.vlan) + " (port group " + first.name + ")");
    }

    void check_untagged(const PortGroup& group, const Switch& on, const std::string& path) {
        if (!takes_untagged(group)) return;
        for (const std::string& nic : on.team.uplinks)
            if (underlay_.contains(nic))
                complain(path + "/vlan",
                         "is 0, but the untagged frames of " + nic + " (switch " + on.name + ") are the underlay's");
    }

    // Against the groups before it on the same switch that have VLANs on its uplinks.
    void check_vlans(std::size_t index, const std::string& path) {
        const PortGroup& group = document_.port_groups[index];
        auto& others = on_wire_[group.switch_name];
        for (const PortGroup* other : others) {
            const std::string whose = " of port group " + other->name;
            const bool same_vlan =
                group.vlan != 0 ? other->vlan == group.vlan : takes_untagged(group) && takes_untagged(*other);
            if (same_vlan && other->segment != group.segment)
                complain(path + "/vlan", "VLAN " + std::to_string(group.vlan) + " is segment " + other->segment +
                                             "'s on switch " + group.switch_name + " (port group " + other->name + ")");
            for (const VlanRange& theirs : other->trunk)
                if (group.vlan != 0 && overlap(theirs, {group.vlan, group.vlan}))
                    complain(path + "/vlan", std::to_string(group.vlan) + " is in " + text(theirs) + whose);
            for (std::size_t i = 0; i < group.trunk.size(); ++i)
                check_range(group.trunk[i], *other, path + "/trunk/" + std::to_string(i));
        }
        others.push_back(&group);
    }

    void check_range(const VlanRange& vlans, const PortGroup& other, const std::string& path) {
        if (vlans.first == 0) return;
        const std::string whose = " of port group " + other.name;
        if (other.vlan != 0 && overlap(vlans, {other.vlan, other.vlan}))
            complain(path, text(vlans) + " holds VLAN " + std::to_string(other.vlan) + whose);
        for (const VlanRange& theirs : other.trunk)
            if (overlap(vlans, theirs)) complain(path, text(vlans) + " overlaps " + text(theirs) + whose);
    }

    // --- ports
    void check_port(std::size_t index) {
        const Port& port = document_.ports[index];
        if (!port.port_group.empty() && !groups_.contains(port.port_group))
            complain(path_of("ports", index, "/port_group"),
                     "there is no port group " + port.port_group + of_cli(port.owner, "port " + port.interface));
        for (std::size_t i = 0; i < port.bind.size(); ++i) {
            const Binding& one = port.bind[i];
            const std::string path = path_of("ports", index, "/bind/" + std::to_string(i));
            if (auto wrong = wrong_host_mac(one.mac); !wrong.empty()) complain(path + "/mac", std::move(wrong));
            const auto [old, fresh] = bound_.emplace(std::pair(port.segment, one.mac), port.interface);
            if (!fresh)
                complain(path + "/mac", one.mac.text() + " is already bound to port " + old->second + " in segment " +
                                            port.segment + of_cli(port.owner, "port " + port.interface));
            std::set<Ip> seen;
            for (std::size_t k = 0; k < one.ips.size(); ++k)
                if (!one.ips[k].is_unspecified() && !seen.insert(one.ips[k]).second)
                    complain(path + "/ips/" + std::to_string(k), one.ips[k].text() + " is given twice");
        }
    }

    // --- bridges
    void check_bridge(std::size_t index) {
        const Bridge& bridge = document_.bridges[index];
        const std::string path = path_of("bridges", index), name = BridgeName{bridge.interface, bridge.vlan}.text();
        const std::string whose = of_cli(bridge.owner, "bridge " + name);
        const Segment* segment = find(document_.segments, segments_, bridge.segment);
        if (!segment) complain(path + "/segment", "there is no segment " + bridge.segment + whose);
        if (segment && segment->vni == 0)
            complain(path + "/segment", "segment " + segment->name +
                                            " has no vni: its port groups join it to a VLAN, a bridge cannot" + whose);
        if (!bridge.interface.empty()) check_nic(bridge.interface, "the NIC of a bridge", path + "/interface");
        if (bridge.is_elected() && segment) check_election(index, name, path);
        if (bridge.interface.empty() || bridge.vlan == 0) return;
        const auto [old, fresh] = bridged_.emplace(name, &bridge);
        if (!fresh && old->second->segment == bridge.segment)
            complain(path, name + " of segment " + bridge.segment + " is given twice");
        if (!fresh && old->second->segment != bridge.segment)
            complain(path + "/vlan", name + " is already bridged to segment " + old->second->segment + whose);
        check_against_groups(bridge, path + "/vlan");
    }

    void check_election(std::size_t index, const std::string& name, const std::string& path) {
        const Bridge& bridge = document_.bridges[index];
        const auto [old, fresh] = routers_.emplace(bridge.virtual_router_id, name + " of segment " + bridge.segment);
        if (!fresh)
            complain(path + "/virtual_router_id", std::to_string(bridge.virtual_router_id) + " is already bridge " +
                                                      old->second + "'s: give one of them another");
    }

    void check_against_groups(const Bridge& bridge, const std::string& path) {
        const auto team = teams_.find(bridge.interface);
        if (team == teams_.end()) return;
        const auto groups = on_wire_.find(document_.switches[team->second].name);
        if (groups == on_wire_.end()) return;
        const VlanRange vlan{bridge.vlan, bridge.vlan};
        for (const PortGroup* group : groups->second) {
            const bool in_trunk =
                std::ranges::any_of(group->trunk, [&](const auto& one) { return overlap(one, vlan); });
            if (group->vlan != bridge.vlan && !in_trunk) continue;
            complain(path, "VLAN " + std::to_string(bridge.vlan) + " of " + bridge.interface + " is port group " +
                               group->name + "'s (switch " + group->switch_name + ")");
        }
    }

    const Document& document_;
    std::vector<Complaint> out_;
    Names segments_, switches_, groups_;
    std::unordered_map<std::string_view, const Port*> ports_;  // by interface
    std::set<std::string_view> underlay_;
    std::map<std::string, std::size_t> teams_;                      // NIC -> index of its switch
    std::map<std::string, const PortGroup*> homes_;                 // VLAN-backed segment -> its first group
    std::map<std::string, std::vector<const PortGroup*>> on_wire_;  // switch -> groups with VLANs on its uplinks
    std::map<std::pair<std::string, Mac>, std::string> bound_;      // -> port
    std::map<std::string, const Bridge*> bridged_;                  // by BridgeName
    std::map<std::uint8_t, std::string> routers_;                   // virtual router id -> bridge
};

}  // namespace

std::vector<Complaint> check_switching(const Document& document) { return SwitchCheck(document).all(); }

}  // namespace weft

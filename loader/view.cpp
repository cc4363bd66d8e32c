// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include "view.hpp"

#include <nlohmann/json.hpp>

namespace weft {

using nlohmann::json;

namespace {

// An object in the document's keys, with its owner.
template <typename T>
json base(const T& object) {
    json out = to_json(object);
    out["owner"] = name(object.owner);
    return out;
}

json tally_view(const tally& one) { return {{"packets", one.packets}, {"bytes", one.bytes}}; }

void add_interface(Engine& engine, json& out, const std::string& interface_name) {
    const Interface* interface = engine.parts().devices().find(interface_name);
    const Link* link = engine.links().find(interface_name);
    out["state"] = "waiting";
    out["present"] = link != nullptr;
    out["warnings"] = json::array();
    if (link)
        out.update({{"ifindex", link->ifindex}, {"mtu", link->mtu}, {"up", link->up}, {"carrier", link->carrier}});
    if (!interface) return;
    if (!interface->attachment) {
        if (link) out["state"] = "failed";
        out["reason"] = interface->problem;
        return;
    }
    const Attachment& attachment = *interface->attachment;
    out["state"] = "attached";
    out["attached_hook"] = name(attachment.hook);
    out["reason"] = attachment.reason;
    out["xdp_delivery"] = (interface->row.flags & DEVICE_XDP_TX) != 0;
    out["warnings"] = attachment.warnings;
    if (interface->silent)
        out["warnings"].push_back(
            "100 frames and more were delivered and none came back: delivered by TC now; an XDP redirect into a veth "
            "needs GRO or an XDP program on its peer");
    out["counters"] = counters_view(engine, interface->row.account);
    if (const auto delivered = engine.parts().accounts().deliveries(interface->row.account))
        out["delivered"] = tally_view(*delivered);
    const auto refused = engine.parts().accounts().refusals(interface->row.account);
    if (refused && refused->packets) out["refused"] = tally_view(*refused);
}

}  // namespace

const char* verdict_name(std::uint32_t verdict) {
    switch (verdict) {
#define X(name, number, help) \
    case number: return #name;
        WEFT_VERDICTS(X)
#undef X
        default: return nullptr;
    }
}

json counters_view(const Engine& engine, std::uint16_t account) {
    json out = json::object();
    const auto counters = engine.parts().accounts().read(account);
    if (!counters) return out;
    for (std::uint32_t verdict = 0; verdict < MAX_VERDICTS; ++verdict) {
        const tally& one = (*counters)[verdict];
        if (const char* label = verdict_name(verdict); label && one.packets) out[label] = tally_view(one);
    }
    return out;
}

json segment_view(Engine& engine, const Segment& segment) {
    json out = base(segment);
    out["gateway_addresses"] = json::array();  // where a table has no room for a whole gateway
    for (const Prefix& one : segment.gateway.addresses) out["gateway_addresses"].push_back(one.text());
    const SegmentState* state = engine.parts().segments().find(segment.name);
    if (!state) return out;
    out["mtu"] = state->row.mtu;
    out["index"] = state->index;
    out["learned"] = engine.learner().learned(state->index);
    out["flood"] = {
        {"ports", state->row.flood_ports}, {"vlans", state->row.flood_circuits}, {"remotes", state->row.flood_remotes}};
    out["counters"] = counters_view(engine, state->row.account);
    return out;
}

// Whose MAC a port group that rejects others takes its port's guest to have; null: it has not spoken yet.
void add_guest(Engine& engine, json& out, const Port& port) {
    const Interface* served = engine.parts().devices().find(port.interface);
    if (!served || served->row.policy == 0 || !port.bind.empty()) return;
    const auto guest = engine.datapath().tables().guests.find(served->row.account);
    if (!guest || !*guest) return;
    const Mac mac = Mac::of((*guest)->mac);
    out["guest_mac"] = mac.is_zero() ? json() : json(mac.text());
}

json port_view(Engine& engine, const Port& port) {
    json out = base(port);
    out["segment"] = port.segment;
    out["hook"] = name(port.hook);
    add_interface(engine, out, port.interface);
    add_guest(engine, out, port);
    if (const auto waiting = engine.parts().waiting().count(port.interface))
        out["warnings"].push_back(std::to_string(waiting) + " FDB entries wait for it to be served");
    return out;
}

json uplink_view(Engine& engine, const Uplink& uplink) {
    json out = base(uplink);
    out["hook"] = name(uplink.hook);
    add_interface(engine, out, uplink.interface);
    return out;
}

// As the datapath sees it now: an elected bridge by its lease.
std::string bridge_state(Engine& engine, const Bridge& bridge) {
    const CircuitState* circuit = engine.parts().circuits().find(circuit_name(bridge));
    if (!circuit) return "waiting";
    return name(engine.parts().circuits().is_designated(*circuit) ? BridgeRole::Designated : BridgeRole::Standby);
}

std::map<std::uint32_t, std::string> circuit_names(Engine& engine) {
    std::map<std::uint32_t, std::string> out;
    for (const auto& [id, circuit] : engine.parts().circuits().all()) out[id] = circuit.name;
    return out;
}

json bridge_view(Engine& engine, const Bridge& bridge) {
    json out = base(bridge);
    out["role"] = name(bridge.role_now());
    out["given_role"] = name(bridge.role);
    out["state"] = bridge_state(engine, bridge);
    if (const CircuitState* circuit = engine.parts().circuits().find(circuit_name(bridge))) {
        if (const auto rival = engine.parts().circuits().rival(*circuit))
            out["alarm"] = rival->text() + " bridges this VLAN too and comes before this host, which stands down";
        else if (Circuits::alarmed(*circuit))
            out["alarm"] = "another host bridges this VLAN too, or it has a loop";
        out["counters"] = counters_view(engine, circuit->row.account);
        if (const auto delivered = engine.parts().accounts().deliveries(circuit->row.account))
            out["delivered"] = tally_view(*delivered);
    }
    return out;
}

json switch_view(Engine& engine, const Switch& one) {
    json out = base(one);
    out["uplinks"] = one.team.uplinks;  // where a table has no room for a whole team
    out["port_groups"] = json::array();
    for (const PortGroup& group : engine.wanted().port_groups)
        if (group.switch_name == one.name) out["port_groups"].push_back(group.name);
    out["teams"] = teams_view(engine, one);
    out["state"] = json::array();
    for (const json& uplink : out["teams"].value(one.name, json::object()).value("uplinks", json::array()))
        out["state"].push_back(uplink["interface"].get<std::string>() + " " + uplink["state"].get<std::string>());
    return out;
}

json port_group_view(Engine& engine, const PortGroup& group) {
    json out = base(group);
    out["ports"] = json::array();
    for (const Port& port : engine.wanted().ports)
        if (port.port_group == group.name) out["ports"].push_back(port.interface);
    return out;
}

json remote_view(Engine& engine, const Segment& segment, const Remote& remote) {
    json out{{"segment", segment.name},
             {"vni", segment.vni},
             {"address", remote.address.text()},
             {"owner", name(remote.owner)}};
    const auto id = engine.nexthops().find(remote.address, network_of(segment));
    if (const NextHopInfo* hop = id ? engine.nexthops().info(*id) : nullptr) {
        const Link* egress = engine.links().find(hop->path.ifindex);
        out["state"] = hop->state;
        out["egress"] = egress ? json(egress->name) : json();
    }
    return out;
}

}  // namespace weft

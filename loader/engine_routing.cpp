// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// The engine's part in routing: what the resolver asks and sends goes by the datapath's own program.
#include <algorithm>

#include "clock.hpp"
#include "engine.hpp"

namespace weft {

void Engine::open_resolver() {
    Resolver::Context context;
    context.asker = [this](std::uint32_t segment, const Ip& target) { return asker_in(segment, target); };
    context.send = [this](std::uint32_t segment, std::span<const std::uint8_t> frame, std::uint32_t but) {
        return send_as_host(segment, frame, but);
    };
    context.send_on = [this](const event& event, std::span<const std::uint8_t> frame) {
        return datapath_.send_as_host(frame, facts_of(event), event.ifindex);
    };
    context.now_ns = monotonic_ns;
    resolver_.emplace(datapath_.tables(), std::move(context));
}

Result<> Engine::send_as_host(std::uint32_t index, std::span<const std::uint8_t> frame, std::uint32_t but) {
    const SegmentState* segment = reconciler_->segments().find(index);
    if (!segment) return fail(ENOENT, "segment " + std::to_string(index) + " is gone");
    frame_facts facts{};
    facts.segment = static_cast<__u16>(index);
    facts.account = segment->row.account;
    facts.bytes = static_cast<__u32>(frame.size());
    return datapath_.send_as_host(frame, facts, but);
}

// A host need not answer who is not of its own prefix.
std::optional<Asker> Engine::asker_in(std::uint32_t segment, const Ip& target) const {
    const SegmentState* state = reconciler_->segments().find(segment);
    if (!state) return std::nullopt;
    const auto wanted = std::ranges::find(wanted_.segments, state->name, &Segment::name);
    if (wanted == wanted_.segments.end()) return std::nullopt;
    for (const Prefix& address : wanted->gateway.addresses)
        if (address.contains(target)) return Asker{wanted->gateway.mac, address.address, own_mac()};
    return std::nullopt;
}

std::optional<Mac> Engine::own_mac() const {
    for (const Uplink& uplink : wanted_.uplinks)
        if (const Link* link = links_.find(uplink.interface)) return link->mac;
    return std::nullopt;
}

// As the datapath had it when the frame came.
frame_facts Engine::facts_of(const event& event) const {
    frame_facts facts{};
    facts.segment = event.segment;
    facts.flags = FRAME_WAITED;
    facts.nexthop = static_cast<__u16>(event.nexthop);
    facts.circuit = static_cast<__u16>(event.circuit);
    facts.bytes = event.frame_bytes;
    const Reconciler& parts = *reconciler_;
    if (const Interface* port = parts.devices().find(event.ifindex)) {
        facts.account = port->row.account;
        facts.policy = port->row.policy;
    }
    if (event.flags & EVENT_FLAG_TUNNEL) {
        facts.flags |= FRAME_FROM_REMOTE;
        const SegmentState* segment = parts.segments().find(std::uint32_t{event.segment});
        facts.account = segment ? segment->row.account : 0;
    }
    if (const CircuitState* circuit = event.circuit ? parts.circuits().find(event.circuit) : nullptr) {
        facts.flags |= FRAME_FROM_VLAN;
        facts.account = circuit->row.account;
        facts.tag_vid = circuit->row.vid;
        facts.tag_protocol = circuit->row.protocol;
    }
    return facts;
}

}  // namespace weft

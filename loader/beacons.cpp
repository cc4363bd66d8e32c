// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include "beacons.hpp"

#include <arpa/inet.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <random>

#include "abi.h"
#include "name_hash.hpp"

namespace weft {

namespace {

constexpr int FRAMES_PER_TURN = 256;  // of one uplink: no flood of beacons holds the loop

std::uint64_t draw() {
    std::random_device device;
    return std::uint64_t{device()} << 32 | device();
}

// Untagged frames that begin as beacons do; for all others the kernel runs some instructions and makes no copy.
Result<> take_beacons_only(const Fd& socket) {
    static constexpr auto LOAD_HALF = BPF_LD | BPF_H | BPF_ABS, LOAD_WORD = BPF_LD | BPF_W | BPF_ABS,
                          EQUAL = BPF_JMP | BPF_JEQ | BPF_K, RETURN = BPF_RET | BPF_K;
    static constexpr auto TAG_PRESENT = static_cast<std::uint32_t>(SKF_AD_OFF + SKF_AD_VLAN_TAG_PRESENT);
    std::array<sock_filter, 8> code{{{BPF_LD | BPF_B | BPF_ABS, 0, 0, TAG_PRESENT},
                                     {EQUAL, 0, 5, 0},
                                     {LOAD_HALF, 0, 0, 12},
                                     {EQUAL, 0, 3, CHECK_PROTOCOL},
                                     {LOAD_WORD, 0, 0, 14},
                                     {EQUAL, 0, 1, BEACON_MAGIC},
                                     {RETURN, 0, 0, 64},
                                     {RETURN, 0, 0, 0}}};
    const sock_fprog program{code.size(), code.data()};
    if (setsockopt(socket.get(), SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program) != 0)
        return fail_errno("filter beacons");
    return Ok{};
}

// ETH_P_ALL: such a socket hears before TC's ingress, which takes untagged frames away where a port group has them.
// What this host sends by the NIC is not even offered to it.
Result<Fd> listen_on(const Link& link) {
    Fd socket(::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!socket) return fail_errno("open a packet socket for beacons");
    TRY_OK(take_beacons_only(socket));
    const int on = 1;
    if (setsockopt(socket.get(), SOL_PACKET, PACKET_IGNORE_OUTGOING, &on, sizeof on) != 0)
        return fail_errno("ignore own beacons");
    sockaddr_ll at{};
    at.sll_family = AF_PACKET;
    at.sll_protocol = htons(ETH_P_ALL);
    at.sll_ifindex = static_cast<int>(link.ifindex);
    if (bind(socket.get(), reinterpret_cast<const sockaddr*>(&at), sizeof at) != 0)
        return fail_errno("listen for beacons on " + link.name);
    return socket;
}

}  // namespace

Beacons::Beacons() : host_(draw()) {}

void Beacons::turn(const std::vector<TeamPlan>& plans, const Links& links, std::uint64_t now_ns) {
    if (now_ns - std::exchange(turned_ns_, now_ns) > 2 * BeaconJudge::EVERY_NS)
        for (auto& [name, one] : switches_) one.judge.start_again();
    serve(plans, links, now_ns);
    if (now_ns - sent_ns_ >= BeaconJudge::EVERY_NS) {
        send();
        sent_ns_ = now_ns;
    }
    lost_.clear();
    for (auto& [name, one] : switches_) {
        hear(name, one, now_ns);
        const auto& cut_off = one.judge.judge(now_ns);
        for (const auto& [nic, uplink] : one.uplinks)
            if (cut_off.contains(uplink.ifindex)) lost_.insert(nic);
    }
}

void Beacons::serve(const std::vector<TeamPlan>& plans, const Links& links, std::uint64_t now_ns) {
    std::map<std::string, const TeamPlan*> wanted;
    for (const TeamPlan& plan : plans)
        if (plan.detection == Detection::Beacon) wanted.emplace(plan.switch_name, &plan);
    std::erase_if(switches_, [&](const auto& entry) { return !wanted.contains(entry.first); });
    for (const auto& [name, plan] : wanted) {
        Watch& one = switches_.try_emplace(name, host_).first->second;
        if (one.since_ns == 0) one.since_ns = now_ns;
        serve_switch(one, *plan, links, now_ns);
    }
}

void Beacons::serve_switch(Watch& one, const TeamPlan& plan, const Links& links, std::uint64_t now_ns) {
    const auto link_of = [&](const std::string& name) -> const Link* {
        const Link* link = links.find(name);
        const bool is_up = link && link->up && link->carrier;
        return is_up && std::ranges::find(plan.uplinks, name) != plan.uplinks.end() ? link : nullptr;
    };
    std::erase_if(one.uplinks, [&](const auto& entry) {
        const Link* link = link_of(entry.first);
        return !link || link->ifindex != entry.second.ifindex;
    });
    std::set<std::uint32_t> watched;
    one.problem.clear();
    for (const std::string& name : plan.uplinks) {
        const Link* link = link_of(name);
        if (!link) continue;
        Uplink& uplink = one.uplinks[name];
        uplink.mac = link->mac;
        uplink.ifindex = link->ifindex;
        if (!uplink.socket) {
            auto socket = listen_on(*link);
            if (socket)
                uplink.socket = std::move(*socket);
            else
                one.problem = socket.error().what;
        }
        if (uplink.socket) watched.insert(link->ifindex);
    }
    one.judge.watch(watched, now_ns);
}

// A frame that does not get out is a beacon that is missed.
void Beacons::send() {
    for (const auto& [name, one] : switches_)
        for (const auto& [nic, uplink] : one.uplinks) {
            const auto frame = beacon_frame(uplink.mac, {name_hash(name), host_, uplink.ifindex});
            (void)::send(uplink.socket.get(), frame.data(), frame.size(), MSG_DONTWAIT);
        }
}

void Beacons::hear(const std::string& name, Watch& one, std::uint64_t now_ns) {
    std::array<std::uint8_t, 64> room;  // NOLINT(cppcoreguidelines-pro-type-member-init): recv fills it
    for (const auto& [nic, uplink] : one.uplinks)
        for (int i = 0; i < FRAMES_PER_TURN; ++i) {
            const auto bytes = recv(uplink.socket.get(), room.data(), room.size(), MSG_DONTWAIT);
            if (bytes < 0) break;
            const auto beacon = read_beacon(std::span(room).first(static_cast<std::size_t>(bytes)));
            if (beacon && beacon->switch_hash == name_hash(name)) one.judge.hear(uplink.ifindex, *beacon, now_ns);
        }
}

std::vector<std::string> Beacons::warnings(std::uint64_t now_ns) const {
    std::vector<std::string> out;
    for (const auto& [name, one] : switches_) {
        if (!one.problem.empty()) out.push_back("switch " + name + ": " + one.problem);
        if (now_ns - one.since_ns >= BeaconJudge::PATIENCE_NS && one.judge.is_alone(now_ns))
            out.push_back("switch " + name +
                          ": beacon needs three uplinks or another host of the switch: link state alone decides");
    }
    return out;
}

}  // namespace weft

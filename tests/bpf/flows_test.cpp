// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Connections that stateful rules let through: both ways whatever the other direction says, by TCP's flags, for their
// time, with the ICMP errors about them, and judged anew when the rules change.
#include <gtest/gtest.h>
#include <time.h>

#include <functional>

#include "guard.hpp"

namespace weft::test {
namespace {

// a is a guest at p1; b is behind remote 2.
const Mac a = mac("02:00:00:00:00:01"), b = mac("02:00:00:00:00:02");
constexpr std::uint8_t FIN = 1, SYN = 2, RST = 4, ACK = 16;
constexpr std::uint64_t NS_PER_S = 1'000'000'000;

constexpr const char* OUT =
    R"([{"priority": 10, "action": "allow", "direction": "from_port", "stateful": true},
        {"priority": 10, "action": "deny", "direction": "to_port"}])";
constexpr const char* IN =
    R"([{"priority": 10, "action": "allow", "direction": "to_port", "protocol": "tcp", "destination_ports": "80",
         "stateful": true},
        {"priority": 10, "action": "deny", "direction": "from_port"}])";

// One conversation of a and b, in both families.
struct Talk {
    Rig& rig;
    bool ipv6;

    Bytes packet(bool from_a, const Layer& l4, const Bytes& more = payload(20).bytes) const {
        const char *four[] = {"198.51.100.1", "198.51.100.2"}, *six[] = {"2001:db8:1::1", "2001:db8:1::2"};
        const Eth ethernet = from_a ? Eth{.dst = b, .src = a} : Eth{.dst = a, .src = b};
        if (ipv6) return frame(ethernet, Ip6{.src = six[!from_a], .dst = six[from_a]}, l4, Payload{more});
        return frame(ethernet, Ip4{.src = four[!from_a], .dst = four[from_a]}, l4, Payload{more});
    }
    std::string send(bool from_a, const Bytes& bytes) const {
        if (from_a) return name_of(rig.run("from_port_tc", bytes, rig.p1).why);
        return name_of(rig.run("from_wire_tc", tunnelled(rig, rig.remote2, 5001, bytes), rig.u).why);
    }
    Bytes tcp_packet(bool from_a, std::uint8_t flags, std::uint16_t client = 40000, bool a_is_client = true) const {
        const bool by_client = from_a == a_is_client;
        return packet(from_a, Tcp{.sport = by_client ? client : std::uint16_t{80},
                                  .dport = by_client ? std::uint16_t{80} : client,
                                  .flags = flags});
    }
    std::string tcp(bool from_a, std::uint8_t flags, std::uint16_t client = 40000, bool a_is_client = true) const {
        return send(from_a, tcp_packet(from_a, flags, client, a_is_client));
    }
    std::string udp(bool from_a) const {
        return send(from_a, packet(from_a, Udp{.sport = std::uint16_t(from_a ? 5000 : 53),
                                               .dport = std::uint16_t(from_a ? 53 : 5000)}));
    }
    std::string echo(bool from_a, bool request, std::uint32_t id = 77) const {
        if (ipv6)
            return send(from_a, packet(from_a, Icmp6{.type = std::uint8_t(request ? 128 : 129), .rest = id << 16}));
        return send(from_a, packet(from_a, Icmp4{.type = std::uint8_t(request ? 8 : 0), .rest = id << 16}));
    }
    // An error of b's about a packet of a's.
    std::string error(const Bytes& about) const {
        const Bytes quote = cut(about, 14);
        return send(false, ipv6 ? packet(false, Icmp6{.type = 1}, quote) : packet(false, Icmp4{.type = 3}, quote));
    }
};

void settle(Rig& rig) {
    rig.learn_port(a, rig.p1);
    rig.learn_remote(b, HOP_2);
}

// Each flow there is, changed.
void change_flows(Rig& rig, const std::function<void(flow&)>& change) {
    const auto rows = rig.tables().flows.rows();
    ASSERT_TRUE(rows);
    for (auto [key, value] : *rows) {
        change(value);
        ASSERT_TRUE(rig.tables().flows.put(key, value));
    }
}

flow only_flow(Rig& rig) {
    const auto rows = rig.tables().flows.rows();
    EXPECT_EQ(rows->size(), 1u);
    return rows->empty() ? flow{} : rows->front().second;
}

void wait(Rig& rig, std::uint64_t seconds) {
    change_flows(rig, [&](flow& one) { one.seen_ns -= seconds * NS_PER_S; });
}

void forget_flows(Rig& rig) {
    const auto rows = rig.tables().flows.rows();
    for (const auto& [key, value] : *rows) ASSERT_TRUE(rig.tables().flows.erase(key));
}

// The same for IPv4 and IPv6.
void both(const std::function<void(Rig&, Guard&, const Talk&)>& test) {
    for (const bool ipv6 : {false, true}) {
        SCOPED_TRACE(ipv6 ? "IPv6" : "IPv4");
        NEED_RIG(rig, {});
        settle(*rig);
        Guard guard(*rig);
        test(*rig, guard, Talk{*rig, ipv6});
    }
}

TEST(Flows, AnswersPassWhateverTheOtherDirectionSays) {
    both([](Rig& rig, Guard& guard, const Talk& talk) {
        guard.port(rig.p1, acl_of(OUT));
        EXPECT_EQ(talk.tcp(false, SYN | ACK), "DROP_RULE") << "to nothing";
        EXPECT_EQ(talk.tcp(true, SYN), "TX_REMOTE");
        EXPECT_EQ(talk.tcp(false, SYN | ACK), "TX_LOCAL");
        EXPECT_EQ(talk.tcp(true, ACK), "TX_REMOTE");
        EXPECT_EQ(talk.tcp(false, ACK), "TX_LOCAL");
        EXPECT_EQ(talk.tcp(false, ACK, 40001), "DROP_RULE") << "another port";
        EXPECT_EQ(talk.udp(false), "DROP_RULE");
        EXPECT_EQ(talk.udp(true), "TX_REMOTE");
        EXPECT_EQ(talk.udp(false), "TX_LOCAL");
        EXPECT_EQ(talk.echo(false, false), "DROP_RULE");
        EXPECT_EQ(talk.echo(true, true), "TX_REMOTE");
        EXPECT_EQ(talk.echo(false, false), "TX_LOCAL");
        EXPECT_EQ(talk.echo(false, false, 78), "DROP_RULE") << "another identifier";
        EXPECT_EQ(guard.counted(std::to_string(rig.p1.ifindex) + "from_port", 1), (std::vector<std::uint64_t>{8}))
            << "the whole of them is the rule's";
    });
}

TEST(Flows, OfWhatGuestsServe) {
    both([](Rig& rig, Guard& guard, const Talk& talk) {
        guard.port(rig.p1, acl_of(IN));
        EXPECT_EQ(talk.tcp(true, SYN | ACK, 40000, false), "DROP_RULE");
        EXPECT_EQ(talk.tcp(false, SYN, 40000, false), "TX_LOCAL");
        EXPECT_EQ(talk.tcp(true, SYN | ACK, 40000, false), "TX_REMOTE");
        EXPECT_EQ(talk.tcp(false, ACK, 40000, false), "TX_LOCAL");
        EXPECT_EQ(talk.tcp(true, ACK, 40000, false), "TX_REMOTE");
        EXPECT_EQ(talk.tcp(true, SYN), "DROP_RULE") << "what the guest begins itself";
        EXPECT_FALSE(only_flow(rig).flags & FLOW_BY_NEAR);
    });
}

TEST(Flows, OfASegmentToo) {
    both([](Rig&, Guard& guard, const Talk& talk) {
        guard.segment(acl_of(OUT));
        EXPECT_EQ(talk.tcp(true, SYN), "TX_REMOTE");
        EXPECT_EQ(talk.tcp(false, SYN | ACK), "TX_LOCAL");
        EXPECT_EQ(talk.tcp(false, SYN, 40001), "DROP_RULE");
    });
}

TEST(Flows, BeginWithSynAloneInTcp) {
    both([](Rig& rig, Guard& guard, const Talk& talk) {
        guard.port(rig.p1, acl_of(OUT));
        for (const std::uint8_t flags :
             {ACK, std::uint8_t(SYN | ACK), FIN, RST, std::uint8_t(SYN | FIN), std::uint8_t{0}})
            EXPECT_EQ(talk.tcp(true, flags), "DROP_RULE") << int{flags};
        EXPECT_EQ(rig.tables().flows.rows()->size(), 0u);
        EXPECT_EQ(talk.echo(true, false), "DROP_RULE") << "an answer begins nothing";
    });
}

TEST(Flows, AreEstablishedByTheThirdPacket) {
    both([](Rig& rig, Guard& guard, const Talk& talk) {
        guard.port(rig.p1, acl_of(OUT));
        const auto state = [&] { return int{only_flow(rig).state}; };
        talk.tcp(true, SYN);
        EXPECT_EQ(state(), FLOW_NEW);
        talk.tcp(true, ACK);
        EXPECT_EQ(state(), FLOW_NEW) << "nobody has answered";
        talk.tcp(false, SYN | ACK);
        EXPECT_EQ(state(), FLOW_NEW);
        talk.tcp(true, ACK);
        EXPECT_EQ(state(), FLOW_ESTABLISHED);
        talk.tcp(true, FIN | ACK);
        EXPECT_EQ(state(), FLOW_ESTABLISHED) << "half of it is open";
        talk.tcp(true, FIN | ACK);
        EXPECT_EQ(state(), FLOW_ESTABLISHED) << "sent again";
        talk.tcp(false, FIN | ACK);
        EXPECT_EQ(state(), FLOW_CLOSING);
        EXPECT_EQ(talk.tcp(true, ACK), "TX_REMOTE") << "the last word";
        EXPECT_EQ(talk.tcp(true, SYN), "TX_REMOTE");
        EXPECT_EQ(state(), FLOW_NEW) << "the same ports again";
        EXPECT_EQ(talk.tcp(false, RST | ACK), "TX_LOCAL");
        EXPECT_EQ(state(), FLOW_CLOSING);
    });
}

// Nobody from outside opens what is closing.
TEST(Flows, AClosedOneIsNoWayIn) {
    both([](Rig& rig, Guard& guard, const Talk& talk) {
        guard.port(rig.p1, acl_of(OUT));
        talk.tcp(true, SYN);
        talk.tcp(false, RST | ACK);
        EXPECT_EQ(talk.tcp(false, SYN), "DROP_RULE");
        wait(rig, 11);
        EXPECT_EQ(talk.tcp(false, ACK), "DROP_RULE");
    });
}

struct Timeout {
    const char* name;
    std::uint64_t seconds;
    std::function<void(const Talk&)> begin;
    std::function<std::string(const Talk&)> answer;
};

TEST(Flows, EndAfterTheirTimeOfSilence) {
    const auto syn_ack = [](const Talk& t) { return t.tcp(false, SYN | ACK); };
    const auto open = [](const Talk& t) { t.tcp(true, SYN), t.tcp(false, SYN | ACK), t.tcp(true, ACK); };
    const Timeout rows[] = {
        {"new TCP", 30, [](const Talk& t) { t.tcp(true, SYN); }, syn_ack},
        {"half-open TCP", 30, [](const Talk& t) { t.tcp(true, SYN), t.tcp(false, SYN | ACK); }, syn_ack},
        {"TCP", 7440, open, syn_ack},
        {"closed TCP", 120, [&](const Talk& t) { open(t), t.tcp(true, FIN | ACK), t.tcp(false, FIN | ACK); }, syn_ack},
        {"reset TCP", 10, [&](const Talk& t) { open(t), t.tcp(false, RST); }, syn_ack},
        {"UDP", 30, [](const Talk& t) { t.udp(true); }, [](const Talk& t) { return t.udp(false); }},
        {"answered UDP", 180, [](const Talk& t) { t.udp(true), t.udp(false); },
         [](const Talk& t) { return t.udp(false); }},
        {"ICMP", 30, [](const Talk& t) { t.echo(true, true); }, [](const Talk& t) { return t.echo(false, false); }},
    };
    both([&](Rig& rig, Guard& guard, const Talk& talk) {
        guard.port(rig.p1, acl_of(OUT));
        for (const Timeout& row : rows) {
            SCOPED_TRACE(row.name);
            row.begin(talk);
            wait(rig, row.seconds - 2);
            EXPECT_EQ(row.answer(talk), "TX_LOCAL");
            forget_flows(rig);
            row.begin(talk);
            wait(rig, row.seconds + 1);
            EXPECT_EQ(row.answer(talk), "DROP_RULE");
            forget_flows(rig);
        }
    });
}

TEST(Flows, APacketKeepsThemAlive) {
    both([](Rig& rig, Guard& guard, const Talk& talk) {
        guard.port(rig.p1, acl_of(OUT));
        talk.udp(true);
        for (int i = 0; i < 3; ++i) {
            wait(rig, 25);
            EXPECT_EQ(talk.udp(true), "TX_REMOTE");
        }
        EXPECT_EQ(talk.udp(false), "TX_LOCAL");
    });
}

TEST(Flows, ErrorsAboutThemPass) {
    both([](Rig& rig, Guard& guard, const Talk& talk) {
        guard.port(rig.p1, acl_of(OUT));
        const Bytes syn = talk.tcp_packet(true, SYN);
        EXPECT_EQ(talk.error(syn), "DROP_RULE");
        talk.send(true, syn);
        EXPECT_EQ(talk.error(syn), "TX_LOCAL");
        EXPECT_EQ(talk.error(talk.tcp_packet(true, SYN, 40001)), "DROP_RULE") << "about another connection";
        EXPECT_EQ(talk.error(talk.tcp_packet(false, SYN | ACK)), "DROP_RULE") << "about what the guest did not send";
        EXPECT_EQ(only_flow(rig).state, FLOW_NEW);
    });
}

TEST(Flows, AreJudgedAnewWhenTheRulesChange) {
    both([](Rig& rig, Guard& guard, const Talk& talk) {
        guard.port(rig.p1, acl_of(OUT));
        talk.tcp(true, SYN), talk.tcp(false, SYN | ACK), talk.tcp(true, ACK);
        const std::uint16_t before = only_flow(rig).list;
        guard.port(rig.p1, acl_of(R"([{"priority": 10, "action": "allow", "direction": "from_port", "protocol": "tcp",
                                       "destination_ports": "80", "stateful": true},
                                      {"priority": 10, "action": "deny", "direction": "to_port"}])"));
        EXPECT_EQ(talk.tcp(false, ACK), "TX_LOCAL") << "still allowed, as what it began with";
        EXPECT_NE(only_flow(rig).list, before);
        EXPECT_EQ(only_flow(rig).state, FLOW_ESTABLISHED);
        guard.port(rig.p1, acl_of(R"([{"priority": 10, "action": "allow", "direction": "from_port", "protocol": "tcp",
                                       "destination_ports": "443", "stateful": true},
                                      {"priority": 10, "action": "deny", "direction": "to_port"}])"));
        EXPECT_EQ(talk.tcp(false, ACK), "DROP_RULE");
        EXPECT_EQ(talk.tcp(true, ACK), "DROP_RULE");
    });
}

TEST(Flows, OfOnePortAreNothingToAnother) {
    NEED_RIG(rig, {});
    settle(*rig);
    Guard guard(*rig);
    guard.port(rig->p1, acl_of(OUT));
    guard.port(rig->p2, acl_of(OUT));
    const Talk talk{*rig, false};
    EXPECT_EQ(talk.tcp(true, SYN), "TX_REMOTE");
    rig->learn_port(a, rig->p2);  // the guest has moved, its connection is not known there
    EXPECT_EQ(talk.tcp(false, SYN | ACK), "DROP_RULE");
}

}  // namespace
}  // namespace weft::test

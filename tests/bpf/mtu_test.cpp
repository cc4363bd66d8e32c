// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// What is too big for a segment (RFC 1191, RFC 8201, RFC 4443): who gets an ICMP error, and every byte of it.
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/udp.h>

#include "bpf/bench.hpp"

namespace weft::test {
namespace {

const Mac a = mac("02:00:00:00:00:01"), b = mac("02:00:00:00:00:02"), c = mac("02:00:00:00:00:03"),
          all = mac("ff:ff:ff:ff:ff:ff");
const Ip a4 = ip("198.51.100.1"), b4 = ip("198.51.100.2"), a6 = ip("2001:db8::a"), b6 = ip("2001:db8::b");
constexpr std::uint16_t FLAGS = SEGMENT_LEARNING;

void settle(Rig& rig) {
    rig.learn_port(a, rig.p1);
    rig.learn_remote(b, HOP_2);
    rig.learn_port(c, rig.p2);
}

// An IPv4 packet of `bytes` in all.
Bytes packet4(std::size_t bytes, Ip4 ip = {.src = a4, .dst = b4}) {
    return frame(Eth{.dst = b, .src = a}, ip, Udp{}, payload(bytes - 28));
}
Bytes packet6(std::size_t bytes, Ip6 ip = {.src = a6, .dst = b6}) {
    return frame(Eth{.dst = b, .src = a}, ip, Udp{}, payload(bytes - 48));
}

// RFC 1812 §4.3.2.3: as much of the packet as makes no more than 576 bytes.
Bytes error4(const Bytes& offending, std::uint32_t mtu, std::size_t quote = 548) {
    return frame(Eth{.dst = a, .src = b}, Ip4{.src = b4, .dst = a4, .tos = 0xc0},
                 Icmp4{.type = 3, .code = 4, .rest = mtu}, Payload{cut(offending, 14, quote)});
}
// RFC 4443 §2.4 (c): no more than the least IPv6 MTU.
Bytes error6(const Bytes& offending, std::uint32_t mtu) {
    return frame(Eth{.dst = a, .src = b}, Ip6{.src = b6, .dst = a6}, Icmp6{.type = 2, .rest = mtu},
                 Payload{cut(offending, 14, 1232)});
}

std::vector<Case> cases() {
    const Bytes big4 = packet4(1451), big6 = packet6(1451), jumbo4 = packet4(3000), jumbo6 = packet6(3000);
    const Bytes options =
        frame(Eth{.dst = b, .src = a}, Ip4{.src = a4, .dst = b4, .options = {1, 1, 1, 0}}, Udp{}, payload(1450));
    const Bytes echo = frame(Eth{.dst = b, .src = a}, Ip4{.src = a4, .dst = b4}, Icmp4{}, payload(1450));
    const Bytes first =
        frame(Eth{.dst = b, .src = a}, Ip6{.src = a6, .dst = b6}, Ip6Fragment{.more = true}, Udp{}, payload(1450));
    auto icmp4 = [](std::uint8_t type) {
        return frame(Eth{.dst = b, .src = a}, Ip4{.src = a4, .dst = b4}, Icmp4{.type = type}, payload(1450));
    };
    auto from4 = [](const char* src) { return packet4(1451, {.src = src, .dst = b4}); };
    return {
        // clang-format off
        {"IPv4 at the MTU", FLAGS, packet4(1450), TX_REMOTE, {}, 0, 0},
        {"IPv6 at the MTU", FLAGS, packet6(1450), TX_REMOTE, {}, 0, 0},
        {"IPv4 a byte above", FLAGS, big4, TX_TOO_BIG, error4(big4, 1450), 0, 0},
        {"IPv6 a byte above", FLAGS, big6, TX_TOO_BIG, error6(big6, 1450), 0, 0},
        {"IPv4 far above", FLAGS, jumbo4, TX_TOO_BIG, error4(jumbo4, 1450), 0, 0},
        {"IPv6 far above", FLAGS, jumbo6, TX_TOO_BIG, error6(jumbo6, 1450), 0, 0},
        {"IPv4 with options", FLAGS, options, TX_TOO_BIG, error4(options, 1450), 0, 0},
        {"an echo request", FLAGS, echo, TX_TOO_BIG, error4(echo, 1450), 0, 0},
        {"IPv6 first fragment", FLAGS, first, TX_TOO_BIG, error6(first, 1450), 0, 0},
        {"IPv4 that may be fragmented", FLAGS, packet4(1451, {.src = a4, .dst = b4, .df = false}), DROP_TOO_BIG, {}, 0, 0},
        {"IPv4 fragment behind the first", FLAGS, packet4(1451, {.src = a4, .dst = b4, .fragment = 100}), DROP_TOO_BIG, {}, 0, 0},
        {"IPv4 from nobody", FLAGS, from4("0.0.0.0"), DROP_TOO_BIG, {}, 0, 0},
        {"IPv4 from net 0", FLAGS, from4("0.1.2.3"), DROP_TOO_BIG, {}, 0, 0},
        {"IPv4 from loopback", FLAGS, from4("127.0.0.1"), DROP_TOO_BIG, {}, 0, 0},
        {"IPv4 from multicast", FLAGS, from4("224.0.0.5"), DROP_TOO_BIG, {}, 0, 0},
        {"IPv4 from broadcast", FLAGS, from4("255.255.255.255"), DROP_TOO_BIG, {}, 0, 0},
        {"IPv4 to multicast", FLAGS, packet4(1451, {.src = a4, .dst = "224.0.0.5"}), DROP_TOO_BIG, {}, 0, 0},
        {"IPv4 to broadcast", FLAGS, packet4(1451, {.src = a4, .dst = "255.255.255.255"}), DROP_TOO_BIG, {}, 0, 0},
        {"ICMP destination unreachable", FLAGS, icmp4(3), DROP_TOO_BIG, {}, 0, 0},
        {"ICMP source quench", FLAGS, icmp4(4), DROP_TOO_BIG, {}, 0, 0},
        {"ICMP redirect", FLAGS, icmp4(5), DROP_TOO_BIG, {}, 0, 0},
        {"ICMP time exceeded", FLAGS, icmp4(11), DROP_TOO_BIG, {}, 0, 0},
        {"ICMP parameter problem", FLAGS, icmp4(12), DROP_TOO_BIG, {}, 0, 0},
        {"IPv6 from nobody", FLAGS, packet6(1451, {.src = "::", .dst = b6}), DROP_TOO_BIG, {}, 0, 0},
        {"IPv6 from loopback", FLAGS, packet6(1451, {.src = "::1", .dst = b6}), DROP_TOO_BIG, {}, 0, 0},
        {"IPv6 to multicast", FLAGS, packet6(1451, {.src = a6, .dst = "ff02::5"}), DROP_TOO_BIG, {}, 0, 0},
        {"ICMPv6 error", FLAGS, frame(Eth{.dst = b, .src = a}, Ip6{.src = a6, .dst = b6}, Icmp6{.type = 1}, payload(1450)), DROP_TOO_BIG, {}, 0, 0},
        {"IPv6 fragment behind the first", FLAGS,
         frame(Eth{.dst = b, .src = a}, Ip6{.src = a6, .dst = b6}, Ip6Fragment{.offset = 181}, payload(1450)), DROP_TOO_BIG, {}, 0, 0},
        {"not IP", FLAGS, frame(Eth{.dst = b, .src = a, .type = 0x88b5}, payload(1451)), DROP_TOO_BIG, {}, 0, 0},
        {"broadcast in Ethernet", FLAGS, frame(Eth{.dst = all, .src = a}, Ip4{.src = a4, .dst = b4}, Udp{}, payload(1450)), DROP_TOO_BIG, {}, 1, 0},
        {"to a local port nothing is too big", FLAGS, frame(Eth{.dst = c, .src = a}, Ip4{.src = a4, .dst = b4}, Udp{}, payload(1450)), TX_LOCAL, {}, 0, 0},
        // clang-format on
    };
}

TEST(Mtu, ErrorsGoToThoseWhoCanActOnThem) {
    NEED_RIG(rig, {});
    settle(*rig);
    for (const Case& row : cases()) check(*rig, row);
}

TEST(Mtu, ErrorsAreTheSameOverAnIp6Underlay) {
    NEED_RIG(rig, {.ipv6 = true});
    settle(*rig);
    for (const Case& row : cases()) check(*rig, row);
}

TEST(Mtu, AnErrorStatesTheSegmentsMtu) {
    NEED_RIG(rig, {});
    settle(*rig);
    const Bytes big4 = packet4(3000), big6 = packet6(3000);
    for (std::uint16_t mtu : {576, 1280, 1400, 2950}) {
        rig->set_mtu(mtu);
        check(*rig, {"IPv4", FLAGS, big4, TX_TOO_BIG, error4(big4, mtu), 0, 0});
        if (mtu >= 1280) check(*rig, {"IPv6", FLAGS, big6, TX_TOO_BIG, error6(big6, mtu), 0, 0});
    }
}

// A next hop whose route or device carries less than the uplinks: what its own path leaves is the limit.
TEST(Mtu, APathThatCarriesLessThanTheSegmentIsWhatErrorsState) {
    for (const bool ipv6 : {false, true}) {
        SCOPED_TRACE(ipv6 ? "over IPv6" : "over IPv4");
        NEED_RIG(rig, {.ipv6 = ipv6});
        settle(*rig);
        rig->enable_xdp(rig->p1);
        rig->set_path_mtu(HOP_2, 1400);
        const std::uint16_t mtu = ipv6 ? 1330 : 1350;
        const Bytes big4 = packet4(mtu + 1u), big6 = packet6(mtu + 1u);
        check(*rig, {"IPv4 at the path's MTU", FLAGS, packet4(mtu), TX_REMOTE, {}, 0, 0});
        check(*rig, {"IPv6 at the path's MTU", FLAGS, packet6(mtu), TX_REMOTE, {}, 0, 0});
        check(*rig, {"IPv4 a byte above", FLAGS, big4, TX_TOO_BIG, error4(big4, mtu), 0, 0});
        check(*rig, {"IPv6 a byte above", FLAGS, big6, TX_TOO_BIG, error6(big6, mtu), 0, 0});
        EXPECT_EQ(name_of(rig->run("from_port_xdp", big4, rig->p1).why), "PASS_UP") << "TC makes the errors";
        const Bytes tcp = frame(Eth{.dst = b, .src = a}, Ip4{.src = a4, .dst = b4}, Tcp{}, payload(3000));
        EXPECT_NE(rig->run("from_port_tc", tcp, rig->p1, {.gso_bytes = mtu - 40u}).why, TX_TOO_BIG);
        EXPECT_EQ(name_of(rig->run("from_port_tc", tcp, rig->p1, {.gso_bytes = mtu - 39u}).why), "TX_TOO_BIG");
        rig->learn_remote(b, HOP_3);
        check(*rig, {"the other remote's path is as it was", FLAGS, packet4(1450), TX_REMOTE, {}, 0, 0});
        rig->learn_remote(b, HOP_2);
        rig->set_mtu(1300);
        const Bytes small = packet4(1301);
        check(*rig, {"a segment with less still", FLAGS, small, TX_TOO_BIG, error4(small, 1300), 0, 0});
    }
}

// An error below the least MTU would be a trap: RFC 8201 §4 for IPv6; for IPv4 a path of 576 with the tunnel on it.
TEST(Mtu, NoErrorStatesLessThanTheLeastMtu) {
    NEED_RIG(rig, {});
    settle(*rig);
    rig->set_mtu(1279);
    check(*rig, {"IPv6", FLAGS, packet6(1451), DROP_TOO_BIG, {}, 0, 0});
    rig->set_mtu(526);
    check(*rig, {"IPv4", FLAGS, packet4(1451), DROP_TOO_BIG, {}, 0, 0});
    rig->set_mtu(527);
    const Bytes small = packet4(530);
    check(*rig, {"IPv4, whole packet quoted but for what makes no word", FLAGS, small, TX_TOO_BIG,
                 error4(small, 527, 528), 0, 0});
}

TEST(Mtu, SuperFramesAreJudgedByTheirSegments) {
    NEED_RIG(rig, {});
    settle(*rig);
    const Bytes tcp4 = frame(Eth{.dst = b, .src = a}, Ip4{.src = a4, .dst = b4}, Tcp{}, payload(3000));
    const Bytes tcp6 = frame(Eth{.dst = b, .src = a}, Ip6{.src = a6, .dst = b6}, Tcp{}, payload(3000));
    const Bytes udp4 = frame(Eth{.dst = b, .src = a}, Ip4{.src = a4, .dst = b4}, Udp{}, payload(3000));
    struct {
        const char* name;
        const Bytes& in;
        std::uint32_t gso, headers;
        Bytes error;
    } const rows[] = {
        // clang-format off
        {"TCP over IPv4", tcp4, 1450 - 40, 40, error4(tcp4, 1450)},
        {"TCP over IPv6", tcp6, 1450 - 60, 60, error6(tcp6, 1450)},
        {"UDP over IPv4", udp4, 1450 - 28, 28, error4(udp4, 1450)},
        // clang-format on
    };
    for (const auto& row : rows) {
        SCOPED_TRACE(row.name);
        EXPECT_NE(rig->run("from_port_tc", row.in, rig->p1, {.gso_bytes = row.gso}).why, TX_TOO_BIG)
            << "segments that fit";
        const Outcome out = rig->run("from_port_tc", row.in, rig->p1, {.gso_bytes = row.gso + 1});
        EXPECT_EQ(name_of(out.why), "TX_TOO_BIG");
        EXPECT_EQ(out.bytes, row.error) << dump(out.bytes, row.error);
    }
}

TEST(Mtu, ErrorsAreLimitedPerPort) {
    NEED_RIG(rig, {.icmp_interval_ns = 1000000000, .icmp_burst = 2});
    settle(*rig);
    const Bytes big = packet4(1451);
    for (int i = 0; i < 2; ++i) EXPECT_EQ(name_of(rig->run("from_port_tc", big, rig->p1).why), "TX_TOO_BIG");
    EXPECT_EQ(name_of(rig->run("from_port_tc", big, rig->p1).why), "DROP_TOO_BIG_LIMITED");
    EXPECT_EQ(name_of(rig->run("from_port_tc", big, rig->p2).why), "TX_TOO_BIG") << "another port has its own";
    EXPECT_EQ(name_of(rig->run("from_port_tc", packet4(1450), rig->p1).why), "TX_REMOTE");
}

TEST(Mtu, AnUnknownDestinationIsTooBigForRemotesOnly) {
    NEED_RIG(rig, {});
    const Bytes big = frame(Eth{.dst = "02:00:00:00:00:77", .src = a}, Ip4{.src = a4, .dst = b4}, Udp{}, payload(1450));
    EXPECT_EQ(name_of(rig->run("from_port_tc", big, rig->p1).why), "TX_TOO_BIG");
    EXPECT_EQ(rig->p2.far->take(1), std::vector<Bytes>(1, big));
    EXPECT_TRUE(rig->u.far->take(0).empty());
}

// --- skbs as a guest's stack makes them: partial checksum, segmentation offload

// A guest on the far end of p1 sends one datagram of `bytes`, cut into segments of `gso` if that is not 0, to b.
void send_from_guest(int family, std::size_t bytes, int gso) {
    const Fd fd(socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    const int probe = family == AF_INET ? IP_PMTUDISC_PROBE : IPV6_PMTUDISC_PROBE;
    if (family == AF_INET)
        setsockopt(fd.get(), IPPROTO_IP, IP_MTU_DISCOVER, &probe, sizeof probe);
    else
        setsockopt(fd.get(), IPPROTO_IPV6, IPV6_MTU_DISCOVER, &probe, sizeof probe);
    ASSERT_TRUE(!gso || setsockopt(fd.get(), SOL_UDP, UDP_SEGMENT, &gso, sizeof gso) == 0);
    sockaddr_in to4{};
    to4.sin_family = AF_INET;
    to4.sin_port = htons(9);
    std::memcpy(&to4.sin_addr, b4.v4_bytes().data(), 4);
    sockaddr_in6 to6{};
    to6.sin6_family = AF_INET6;
    to6.sin6_port = htons(9);
    std::memcpy(&to6.sin6_addr, b6.bytes.data(), 16);
    const Bytes data(bytes, 0x5a);
    const auto* to = family == AF_INET ? reinterpret_cast<sockaddr*>(&to4) : reinterpret_cast<sockaddr*>(&to6);
    ASSERT_EQ(sendto(fd.get(), data.data(), data.size(), 0, to, family == AF_INET ? sizeof to4 : sizeof to6),
              static_cast<ssize_t>(bytes))
        << strerror(errno);
}

bool give_guest_addresses(const Rig& rig) {
    const std::string dev = " dev " + rig.p1.name + "x ", to = " lladdr " + b.text() + " nud permanent" + dev;
    return std::system(("ip addr add " + a4.text() + "/24" + dev + "&& ip addr add " + a6.text() + "/64 nodad" + dev +
                        "&& ip neigh add " + b4.text() + to + "&& ip neigh add " + b6.text() + to)
                           .c_str()) == 0;
}

// The error is an ordinary frame: its checksums are right as it stands, and no device is left to "complete" the quote.
void expect_error(const Rig& rig, const Bytes& error, int family) {
    const Ip src = family == AF_INET ? b4 : b6, dst = family == AF_INET ? a4 : a6;
    const std::size_t ip_bytes = family == AF_INET ? 20 : 40;
    ASSERT_EQ(error.size(), 14u + (family == AF_INET ? 576 : 1280));
    EXPECT_EQ(cut(error, 0, 6), Bytes(rig.p1.far_mac.bytes.begin(), rig.p1.far_mac.bytes.end()));
    EXPECT_EQ(cut(error, 6, 6), Bytes(b.bytes.begin(), b.bytes.end()));
    if (family == AF_INET) {
        EXPECT_EQ(ones_sum(cut(error, 14, 20)), 0xffff);
        EXPECT_EQ(ones_sum(cut(error, 34)), 0xffff);
        EXPECT_EQ(cut(error, 34, 2), (Bytes{3, 4}));
    } else {
        EXPECT_EQ(l4_sum(src, dst, 58, cut(error, 54)), 0xffff);
        EXPECT_EQ(cut(error, 54, 2), (Bytes{2, 0}));
    }
    EXPECT_EQ(field16(error, 14 + ip_bytes + 6), 1450);
    EXPECT_FALSE(rig.p1.far->last_sum_partial()) << "the quoted packet's checksum is none of the device's business";
}

TEST(Mtu, ErrorsForOffloadedPacketsOfAGuestAreWholeAndFinal) {
    NEED_RIG(rig, {});
    settle(*rig);
    ASSERT_TRUE(give_guest_addresses(*rig));
    rig->attach_tc("from_port_tc", rig->p1);
    for (int family : {AF_INET, AF_INET6})
        for (int gso : {0, 2000}) {
            SCOPED_TRACE(std::to_string(family) + " gso " + std::to_string(gso));
            send_from_guest(family, 6000, gso);
            const auto answers = rig->p1.far->take(1);
            ASSERT_EQ(answers.size(), 1u);
            expect_error(*rig, answers[0], family);
        }
    EXPECT_EQ(rig->counted(TX_TOO_BIG), 4u);
}

}  // namespace
}  // namespace weft::test

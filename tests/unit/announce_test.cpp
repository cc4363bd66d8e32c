// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// What a VLAN is told, byte for byte.
#include "announce.hpp"

#include <arpa/inet.h>
#include <gtest/gtest.h>

#include "frame.hpp"
#include "tables.hpp"

namespace weft::test {
namespace {

const Mac guest = mac("02:00:00:00:00:07"), nic = mac("02:00:00:00:00:99");
const VlanExit UNTAGGED{.ifindex = 1}, TAGGED{.ifindex = 1, .vid = 100, .protocol = 0x88a8};

Bytes padded(Bytes bytes) {
    bytes.resize(std::max<std::size_t>(bytes.size(), 60));
    return bytes;
}

TEST(Announce, RarpIsFromTheMacItself) {
    const Bytes rarp =
        frame(Eth{.dst = "ff:ff:ff:ff:ff:ff", .src = guest, .type = 0x8035}) +
        cut(frame(Eth{}, Arp{.op = 3, .sha = guest, .spa = "0.0.0.0", .tha = guest, .tpa = "0.0.0.0"}), 14);
    EXPECT_EQ(rarp_frame(guest, UNTAGGED), padded(rarp));
}

TEST(Announce, ProbeAsksFromNobody) {
    const Bytes probe = frame(Eth{.dst = "ff:ff:ff:ff:ff:ff", .src = nic}, Vlan{.id = 100, .tpid = 0x88a8},
                              Arp{.sha = nic, .spa = "0.0.0.0", .tpa = "198.51.100.7"});
    EXPECT_EQ(probe_frame(ip("198.51.100.7"), nic, TAGGED), padded(probe));
}

TEST(Announce, SolicitationIsThatOfDuplicateAddressDetection) {
    const Ip address = ip("2001:db8::77");
    const Bytes whole =
        frame(Eth{.dst = multicast_mac(solicited_node(address)), .src = nic}, Vlan{.id = 100, .tpid = 0x88a8},
              Ip6{.src = "::", .dst = solicited_node(address), .hops = 255}, Ns{.target = address});
    EXPECT_EQ(solicitation_frame(address, nic, TAGGED), whole) << dump(solicitation_frame(address, nic, TAGGED), whole);
}

TEST(Announce, HelloIsWhatTheProgramsRead) {
    const Bytes bytes = hello_frame(nic, 200, ip("192.0.2.1"), UNTAGGED);
    hello said{};
    ASSERT_GE(bytes.size(), sizeof said);
    std::memcpy(&said, bytes.data(), sizeof said);
    EXPECT_EQ(ntohs(said.protocol), CHECK_PROTOCOL);
    EXPECT_EQ(ntohs(said.priority), 200);
    EXPECT_EQ(ntohl(said.magic), HELLO_MAGIC);
    EXPECT_EQ(Ip::of(said.vtep), ip("192.0.2.1"));
    EXPECT_EQ(Mac::of(said.source), nic);
}

}  // namespace
}  // namespace weft::test

// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// bpf/claim.h as it builds natively: which address a frame claims for its sender.
#include "claim.h"

#include <gtest/gtest.h>

#include "frame.hpp"

namespace weft::test {
namespace {

// "never", "always", or the address that must be bound.
std::string claimed(const Bytes& bytes) {
    struct claim claim;
    claim_of(bytes.data(), bytes.data() + bytes.size(), &claim);
    if (claim.verdict == CLAIM_NEVER) return "never";
    if (claim.verdict == CLAIM_ALWAYS) return "always";
    return Ip::of(claim.ip).text();
}

const Mac own = mac("02:00:00:00:00:01");
constexpr const char* EUI64 = "fe80::ff:fe00:1";

TEST(Claim, IsTheSourceOfAnIpPacket) {
    EXPECT_EQ(claimed(frame(Eth{}, Ip4{}, Udp{})), "198.51.100.1");
    EXPECT_EQ(claimed(frame(Eth{}, Ip6{}, Udp{})), "2001:db8::1");
    EXPECT_EQ(claimed(frame(Eth{}, Ip4{.fragment = 9, .protocol = 17}, payload(8))), "198.51.100.1");
}

TEST(Claim, IsTheSenderOfAnArpMessage) {
    EXPECT_EQ(claimed(frame(Eth{}, Arp{})), "198.51.100.1");
    EXPECT_EQ(claimed(frame(Eth{}, Arp{.op = 2})), "198.51.100.1");
    EXPECT_EQ(claimed(frame(Eth{}, Arp{.spa = "0.0.0.0"})), "always") << "a probe claims nothing";
    EXPECT_EQ(claimed(frame(Eth{}, Arp{.sha = "02:00:00:00:00:09"})), "never") << "for another's MAC";
    EXPECT_EQ(claimed(frame(Eth{}, Arp{.hln = 8})), "never") << "of another kind";
}

TEST(Claim, AHostWithoutAnAddressMayAskForOne) {
    EXPECT_EQ(claimed(frame(Eth{}, Ip4{.src = "0.0.0.0"}, Udp{.sport = 68, .dport = 67})), "always");
    EXPECT_EQ(claimed(frame(Eth{}, Ip4{.src = "0.0.0.0"}, Udp{.sport = 68, .dport = 69})), "never");
    EXPECT_EQ(claimed(frame(Eth{}, Ip4{.src = "0.0.0.0"}, Tcp{.dport = 67})), "never");
    EXPECT_EQ(claimed(frame(Eth{}, Ip6{.src = "::"}, Ns{})), "always") << "duplicate address detection";
    EXPECT_EQ(claimed(frame(Eth{}, Ip6{.src = "::"}, Ip6HopByHop{}, Icmp6{.type = 143})), "always")
        << "a group's report";
    EXPECT_EQ(claimed(frame(Eth{}, Ip6{.src = "::"}, Udp{})), "::");
}

TEST(Claim, TheAddressMadeOfTheMacIsItsOwn) {
    EXPECT_EQ(claimed(frame(Eth{}, Ip6{.src = EUI64}, Udp{})), "always");
    EXPECT_EQ(claimed(frame(Eth{.src = "02:00:00:00:00:02"}, Ip6{.src = EUI64}, Udp{})), EUI64);
    EXPECT_EQ(claimed(frame(Eth{}, Ip6{.src = "2001:db8::ff:fe00:1"}, Udp{})), "2001:db8::ff:fe00:1");
}

TEST(Claim, AnAdvertisementIsAboutItsTarget) {
    EXPECT_EQ(claimed(frame(Eth{}, Ip6{}, Na{.target = "2001:db8::7"})), "2001:db8::7");
    EXPECT_EQ(claimed(frame(Eth{}, Ip6{.src = EUI64}, Na{.target = "2001:db8::7"})), "2001:db8::7");
    EXPECT_EQ(claimed(frame(Eth{}, Ip6{.src = EUI64}, Na{.target = EUI64})), "always");
    EXPECT_EQ(claimed(frame(Eth{}, Ip6{}, Ip6HopByHop{}, Na{.target = "2001:db8::7"})), "2001:db8::7")
        << "behind an extension header too";
    const Bytes deep = frame(Eth{}, Ip6{}, Ip6HopByHop{}, Ip6HopByHop{}, Ip6HopByHop{}, Ip6HopByHop{}, Na{});
    EXPECT_EQ(claimed(deep), "never") << "behind more than are looked at";
    EXPECT_EQ(claimed(frame(Eth{}, Ip6{}, Ns{})), "2001:db8::1") << "a solicitation is about its source";
}

TEST(Claim, NothingElseClaimsAnAddress) { EXPECT_EQ(claimed(frame(Eth{.type = 0x88b5}, payload(46))), "always"); }

TEST(Claim, ATagInTheFrameCouldHideAnything) {
    EXPECT_EQ(claimed(frame(Eth{}, Vlan{}, Ip4{}, Udp{})), "never");
    EXPECT_EQ(claimed(frame(Eth{}, Vlan{.tpid = 0x88a8}, Arp{})), "never");
}

TEST(Claim, WhatIsCutShortIsNoProof) {
    for (const Bytes& whole : {frame(Eth{}, Ip4{.src = "0.0.0.0"}, Udp{.dport = 67}), frame(Eth{}, Arp{}),
                               frame(Eth{}, Ip6{.src = EUI64}, Na{.target = "2001:db8::7"})})
        for (std::size_t bytes = 0; bytes < whole.size(); ++bytes)
            EXPECT_NE(claimed(cut(whole, 0, bytes)), "2001:db8::7") << bytes << " bytes";
    EXPECT_EQ(claimed(cut(frame(Eth{}, Ip4{}), 0, 20)), "never");
    EXPECT_EQ(claimed(Bytes(13)), "never");
}

}  // namespace
}  // namespace weft::test

// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include "net.hpp"

#include <gtest/gtest.h>

namespace weft {
namespace {

TEST(Mac, ReadsColonsInAnyCaseAndPrintsLowerCase) {
    EXPECT_EQ(Mac::parse("02:AB:cd:00:00:01")->text(), "02:ab:cd:00:00:01");
}

TEST(Mac, RefusesWhatIsNoMac) {
    for (const char* text :
         {"", "02", "02:00:00:00:00", "02:00:00:00:00:0g", "02-00-00-00-00-01", "02:00:00:00:00:001"})
        EXPECT_FALSE(Mac::parse(text)) << text;
}

TEST(Ip, RoundTripsBothFamilies) {
    for (const char* text : {"192.0.2.1", "0.0.0.0", "2001:db8::1", "::", "fe80::1"})
        EXPECT_EQ(Ip::parse(text)->text(), text);
}

TEST(Ip, RefusesWhatIsNoAddress) {
    for (const char* text : {"", "192.0.2", "192.0.2.256", "2001:db8::g", "192.0.2.1/24"})
        EXPECT_FALSE(Ip::parse(text)) << text;
}

TEST(Ip, KnowsHostAddresses) {
    for (const char* text : {"192.0.2.1", "2001:db8::1"}) EXPECT_TRUE(Ip::parse(text)->is_host()) << text;
    for (const char* text : {"0.0.0.0", "0.1.2.3", "224.0.0.1", "255.255.255.255", "127.0.0.1", "::", "::1", "ff02::1"})
        EXPECT_FALSE(Ip::parse(text)->is_host()) << text;
}

TEST(Prefix, RoundTripsBothFamilies) {
    for (const char* text : {"198.51.100.1/24", "0.0.0.0/0", "198.51.100.1/32", "2001:db8::1/64", "::/0", "::1/128"})
        EXPECT_EQ(Prefix::parse(text)->text(), text);
}

TEST(Prefix, RefusesWhatIsNone) {
    for (const char* text :
         {"", "/", "/24", "198.51.100.1", "198.51.100.1/", "198.51.100.1/33", "198.51.100.1/024", "198.51.100.1/-1",
          "198.51.100.1/2x", "2001:db8::/129", "2001:db8::/1000", "x/24", "::ffff:198.51.100.1/120"})
        EXPECT_FALSE(Prefix::parse(text)) << text;
}

TEST(Prefix, KnowsItsFirstAndLastAddress) {
    EXPECT_EQ(Prefix::parse("198.51.100.77/26")->network().text(), "198.51.100.64/26");
    EXPECT_EQ(Prefix::parse("198.51.100.77/26")->last().text(), "198.51.100.127");
    EXPECT_EQ(Prefix::parse("198.51.100.77/0")->network().text(), "0.0.0.0/0");
    EXPECT_EQ(Prefix::parse("198.51.100.77/32")->last().text(), "198.51.100.77");
    EXPECT_EQ(Prefix::parse("2001:db8:1:2:3::4/47")->network().text(), "2001:db8::/47");
    EXPECT_EQ(Prefix::parse("2001:db8::/125")->last().text(), "2001:db8::7");
    EXPECT_EQ(Prefix::parse("198.51.100.1/24")->bits(), 120);
    EXPECT_EQ(Prefix::parse("2001:db8::/64")->bits(), 64);
}

TEST(Prefix, HoldsAddressesOfItsOwnFamily) {
    const Prefix net = *Prefix::parse("198.51.100.64/26"), all4 = *Prefix::parse("0.0.0.0/0"),
                 all6 = *Prefix::parse("::/0");
    EXPECT_TRUE(net.contains(*Ip::parse("198.51.100.64")) && net.contains(*Ip::parse("198.51.100.127")));
    EXPECT_FALSE(net.contains(*Ip::parse("198.51.100.63")) || net.contains(*Ip::parse("198.51.100.128")));
    EXPECT_TRUE(all4.contains(*Ip::parse("203.0.113.1")) && all6.contains(*Ip::parse("2001:db8::1")));
    EXPECT_FALSE(all6.contains(*Ip::parse("203.0.113.1")) || all4.contains(*Ip::parse("2001:db8::1")));
    EXPECT_TRUE(all4.overlaps(net) && net.overlaps(all4) && net.overlaps(net));
    EXPECT_FALSE(all6.overlaps(net) || net.overlaps(all6) || net.overlaps(*Prefix::parse("198.51.100.128/26")));
}

}  // namespace
}  // namespace weft

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

}  // namespace
}  // namespace weft

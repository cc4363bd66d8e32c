// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// bpf/path_error.h as it builds natively: which of the routers' errors can be about a tunnel packet of this host.
#include "path_error.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <random>

#include "frame.hpp"

namespace weft::test {
namespace {

constexpr const char *VTEP4 = "192.0.2.1", *REMOTE4 = "192.0.2.2", *VTEP6 = "2001:db8::1", *REMOTE6 = "2001:db8::2";

config settings_of(const char* vtep, std::uint32_t flags) {
    config settings{};
    settings.vtep = ip(vtep).raw();
    settings.flags = flags | CONFIG_NVGRE;
    settings.port = htons(4789);
    return settings;
}

const config four = settings_of(VTEP4, 0), six = settings_of(VTEP6, CONFIG_IPV6);

struct Judged {
    enum verdict verdict;
    quote quoted;
};

Judged judge(const Bytes& bytes, const config& settings) {
    const std::unique_ptr<std::uint8_t[]> exact(new std::uint8_t[bytes.size()]);  // a sanitizer sees a read beyond it
    std::copy(bytes.begin(), bytes.end(), exact.get());
    Judged out{};
    out.verdict = classify_path_error(exact.get(), exact.get() + bytes.size(), &settings, &out.quoted);
    return out;
}

// An error about a tunnel packet of 1450 bytes and more, as much of which is quoted as IPv4's routers must send.
struct Error {
    Ip4 ip4{.src = "192.0.2.254", .dst = VTEP4};
    Ip6 ip6{.src = "2001:db8::fe", .dst = VTEP6};
    Icmp4 icmp4{.type = 3, .code = 4, .rest = 1400};
    Icmp6 icmp6{.type = 2, .rest = 1400};
    Ip4 sent4{.src = VTEP4, .dst = REMOTE4};
    Ip6 sent6{.src = VTEP6, .dst = REMOTE6};
    Udp udp{.sport = 50000, .dport = 4789, .sum = Sum::ZERO};
    Vxlan vxlan{};
    std::size_t quoted = 528;

    Payload quote(const Bytes& sent) const { return {cut(sent, 14, quoted)}; }
    Payload quote4() const { return quote(frame(Eth{}, sent4, udp, vxlan, Eth{}, payload(1400))); }
    Payload quote6() const { return quote(frame(Eth{}, sent6, udp, vxlan, Eth{}, payload(1400))); }
    Bytes over4() const { return frame(Eth{}, ip4, icmp4, quote4()); }
    Bytes over6() const { return frame(Eth{}, ip6, icmp6, quote6()); }
};

TEST(PathError, IsAboutATunnelPacketOfOurs) {
    Error e;
    e.vxlan.vni = 0xabcdef;
    const auto over4 = judge(e.over4(), four), over6 = judge(e.over6(), six);
    EXPECT_EQ(over4.verdict, CONTINUE);
    EXPECT_EQ(over4.quoted.vni, 0xabcdefu);
    EXPECT_EQ(Ip::of(over4.quoted.remote), ip(REMOTE4));
    EXPECT_EQ(over6.verdict, CONTINUE);
    EXPECT_EQ(over6.quoted.vni, 0xabcdefu);
    EXPECT_EQ(Ip::of(over6.quoted.remote), ip(REMOTE6));
}

TEST(PathError, IsAboutANvgrePacketOfOurs) {
    const Error e;
    const Bytes sent4 = frame(Eth{}, e.sent4, Gre{.vsid = 5001}, Eth{}, payload(1400));
    const Bytes sent6 = frame(Eth{}, e.sent6, Gre{.vsid = 5001}, Eth{}, payload(1400));
    const Bytes over4 = frame(Eth{}, e.ip4, e.icmp4, e.quote(sent4)),
                over6 = frame(Eth{}, e.ip6, e.icmp6, e.quote(sent6));
    EXPECT_EQ(judge(over4, four).verdict, CONTINUE);
    EXPECT_EQ(judge(over4, four).quoted.vni, VSID | 5001u);
    EXPECT_EQ(judge(over6, six).verdict, CONTINUE);
    config without = four;
    without.flags &= ~CONFIG_NVGRE;
    EXPECT_EQ(judge(over4, without).verdict, PASS_NOT_OURS) << "another's GRE";
    const Bytes keyless = frame(Eth{}, e.sent4, Gre{.flags = 0}, Eth{}, payload(1400));
    EXPECT_EQ(judge(frame(Eth{}, e.ip4, e.icmp4, e.quote(keyless)), four).verdict, PASS_NOT_OURS);
}

template <typename Change>
enum verdict over4(Change change) {
    Error e;
    change(e);
    return judge(e.over4(), four).verdict;
}
template <typename Change>
enum verdict over6(Change change) {
    Error e;
    change(e);
    return judge(e.over6(), six).verdict;
}

TEST(PathError, IsForgedWhereItQuotesWhatThisHostDoesNotSend) {
    EXPECT_EQ(over4([](Error& e) { e.sent4.src = "192.0.2.9"; }), DROP_PATH_ERROR) << "another's packet";
    EXPECT_EQ(over6([](Error& e) { e.sent6.src = "2001:db8::9"; }), DROP_PATH_ERROR);
    EXPECT_EQ(over4([](Error& e) { e.udp.sport = 4789; }), DROP_PATH_ERROR) << "a port we do not send from";
    EXPECT_EQ(over6([](Error& e) { e.udp.sport = SOURCE_PORT_MIN - 1; }), DROP_PATH_ERROR);
    EXPECT_EQ(over4([](Error& e) { e.vxlan.flags = 0; }), DROP_PATH_ERROR);
    EXPECT_EQ(over4([](Error& e) { e.sent4.mf = true; }), DROP_PATH_ERROR) << "we send no fragments";
    EXPECT_EQ(over4([](Error& e) { e.quoted = 28; }), DROP_PATH_ERROR) << "no VNI, as off-path forgers have none";
    EXPECT_EQ(over6([](Error& e) { e.quoted = 55; }), DROP_PATH_ERROR);
    EXPECT_EQ(over4([](Error& e) { e.quoted = 36; }), CONTINUE);
}

TEST(PathError, IsForgedWhereThePacketWouldHaveFitted) {
    const auto bytes = Error{}.quote4().bytes;
    const std::uint32_t sent = static_cast<std::uint32_t>(bytes[2] << 8 | bytes[3]);
    EXPECT_EQ(sent, 20u + 8 + 8 + 14 + 1400);
    EXPECT_EQ(over4([&](Error& e) { e.icmp4.rest = sent; }), DROP_PATH_ERROR);
    EXPECT_EQ(over4([&](Error& e) { e.icmp4.rest = sent - 1; }), CONTINUE);
    EXPECT_EQ(over4([&](Error& e) { e.icmp4.rest = 0; }), CONTINUE) << "a router older than RFC 1191";
    EXPECT_EQ(over4([&](Error& e) { e.icmp4.rest = 0x10000 | 1400; }), CONTINUE) << "those bits are unused";
    EXPECT_EQ(over6([&](Error& e) { e.icmp6.rest = sent + 20; }), DROP_PATH_ERROR);
    EXPECT_EQ(over6([&](Error& e) { e.icmp6.rest = sent + 19; }), CONTINUE);
    EXPECT_EQ(over6([&](Error& e) { e.icmp6.rest = 0x10000 | 1400; }), DROP_PATH_ERROR);
}

TEST(PathError, IsNoneOfOursOtherwise) {
    EXPECT_EQ(over4([](Error& e) { e.ip4.dst = "192.0.2.7"; }), PASS_NOT_OURS);
    EXPECT_EQ(over6([](Error& e) { e.ip6.dst = "2001:db8::7"; }), PASS_NOT_OURS);
    EXPECT_EQ(over4([](Error& e) { e.icmp4.code = 3; }), PASS_NOT_OURS) << "says nothing of an MTU";
    EXPECT_EQ(over4([](Error& e) { e.icmp4.type = 11; }), PASS_NOT_OURS);
    EXPECT_EQ(over6([](Error& e) { e.icmp6.type = 1; }), PASS_NOT_OURS);
    EXPECT_EQ(over4([](Error& e) { e.udp.dport = 53; }), PASS_NOT_OURS) << "the host's own UDP";
    EXPECT_EQ(over4([](Error& e) { e.sent4.protocol = 6; }), PASS_NOT_OURS) << "and TCP";
    EXPECT_EQ(judge(Error{}.over4(), six).verdict, PASS_NOT_OURS);
    EXPECT_EQ(judge(Error{}.over6(), four).verdict, PASS_NOT_OURS);
}

// In two fragments, or behind other headers, it would pass by who looks at its first bytes only.
TEST(PathError, DoesNotHide) {
    EXPECT_EQ(over4([](Error& e) { e.ip4.mf = true; }), DROP_PATH_ERROR);
    EXPECT_EQ(over4([](Error& e) { e.ip4.fragment = 3; }), PASS_NOT_OURS) << "nothing without its first part";
    EXPECT_EQ(over4([](Error& e) { e.ip4.options = {1, 1, 1, 1}; }), CONTINUE);
    const auto behind = [](auto... headers) {
        const Error e;
        return judge(frame(Eth{}, e.ip6, headers..., e.icmp6, e.quote6()), six).verdict;
    };
    EXPECT_EQ(behind(Ip6HopByHop{}), CONTINUE);
    const Error e;
    const Bytes first = frame(Eth{}, e.ip6, Ip6Fragment{.more = true}, e.icmp6, payload(8));
    EXPECT_EQ(judge(first, six).verdict, DROP_PATH_ERROR);
}

TEST(PathError, IsReadWithinItsBounds) {
    std::mt19937 random(1);
    for (int i = 0; i < 20000; i++) {
        Bytes bytes = i % 2 ? Error{}.over4() : Error{}.over6();
        bytes.resize(random() % bytes.size());
        for (unsigned changes = random() % 8; changes && !bytes.empty(); changes--)
            bytes[random() % std::min<std::size_t>(bytes.size(), 120)] = static_cast<std::uint8_t>(random());
        const auto judged = judge(bytes, i % 2 ? four : six);
        if (judged.verdict != CONTINUE) continue;
        EXPECT_GE(bytes.size(), i % 2 ? 14u + 20 + 8 + 36 : 14u + 40 + 8 + 56);
    }
}

}  // namespace
}  // namespace weft::test

// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Next hops against a real kernel: a host with two uplinks, a router on both.
#include "nexthops.hpp"

#include <gtest/gtest.h>

#include "flood.hpp"
#include "frame.hpp"
#include "netns.hpp"
#include "test_tables.hpp"

namespace weft {
namespace {

using test::Netns;

struct Family {
    const char* name;
    const char *vtep, *on_link, *router, *far, *absent, *other_router, *prefix, *far_prefix;
    int bits;
};
const Family V4 = {"v4",        "192.0.2.1",     "192.0.2.2",      "192.0.2.254",     "198.51.100.2",
                   "192.0.2.9", "203.0.113.254", "203.0.113.1/24", "198.51.100.0/24", 24};
const Family V6 = {"v6",
                   "2001:db8:1::1",
                   "2001:db8:1::2",
                   "2001:db8:1::fe",
                   "2001:db8:9::2",
                   "2001:db8:1::9",
                   "2001:db8:2::fe",
                   "2001:db8:2::1/64",
                   "2001:db8:9::/64",
                   64};

class NextHopsTest : public testing::TestWithParam<Family> {
protected:
    void SetUp() override {
        if (geteuid() != 0) GTEST_SKIP() << "needs root for network namespaces";
        ASSERT_TRUE(host_ && router_);
        ASSERT_TRUE(host_.run("ip link add a0 type veth peer name r0 netns " + router_.name() +
                              " && ip link add a1 type veth peer name r1 netns " + router_.name()));
        const auto slash = "/" + std::to_string(p_.bits);
        // No duplicate address detection: addresses are there at once. Announcements of a changed MAC: as hosts do.
        const std::string settings = "sysctl -qw net.ipv6.conf.all.accept_dad=0 net.ipv6.conf.default.accept_dad=0 ";
        ASSERT_TRUE(host_.run(settings +
                              "&& for d in a0 a1; do sysctl -qw net.ipv6.conf.$d.accept_dad=0 "
                              "net.ipv4.neigh.$d.retrans_time_ms=50 net.ipv6.neigh.$d.retrans_time_ms=50; done"));
        ASSERT_TRUE(router_.run(settings + "&& for d in r0 r1; do sysctl -qw net.ipv6.conf.$d.accept_dad=0 "
                                           "net.ipv4.conf.$d.arp_notify=1 net.ipv6.conf.$d.ndisc_notify=1; done"));
        ASSERT_TRUE(router_.run(address("r0", p_.on_link + slash) + address("r0", p_.router + slash) +
                                address("r1", p_.other_router + slash) + "ip link set r0 up; ip link set r1 up"));
        ASSERT_TRUE(host_.run(address("a0", p_.vtep + slash) + address("a1", p_.prefix) +
                              "ip link set a0 up; ip link set a1 up; ip route add " + p_.far_prefix + " via " +
                              p_.router));
        // The router's addresses answer a moment after the link has a carrier; the neighbors this made are forgotten.
        ASSERT_TRUE(host_.run(std::string("ping -q -c1 -i0.1 -w5 ") + p_.router +
                              " >/dev/null && ping -q -c1 -i0.1 -w5 " + p_.other_router +
                              " >/dev/null && ip neigh flush all"));
        auto tables = test::make_tables();
        ASSERT_TRUE(tables) << tables.error().what;
        tables_.emplace(std::move(*tables));
        start();
    }

    static std::string address(const std::string& device, const std::string& text) {
        return "ip addr add " + text + " dev " + device + (text.find(':') == std::string::npos ? "; " : " nodad; ");
    }

    void start() {
        hops_.reset();
        auto links = host_.in([] { return Links::open(); });
        ASSERT_TRUE(links) << links.error().what;
        links_.emplace(std::move(*links));
        auto hops = host_.in([&] { return NextHops::open(*tables_, *links_, [](std::uint32_t) { return true; }); });
        ASSERT_TRUE(hops) << hops.error().what;
        hops_.emplace(std::move(*hops));
        Vtep vtep;
        vtep.address = *Ip::parse(p_.vtep);
        ASSERT_TRUE(hops_->set_vtep(vtep));
    }

    std::uint32_t acquire(const char* remote, std::uint32_t vni = 5001) {
        auto id = hops_->acquire(*Ip::parse(remote), vni);
        EXPECT_TRUE(id) << id.error().what;
        return id.value_or(0);
    }
    nexthop row(std::uint32_t id) {
        auto found = tables_->nexthops.find(id);
        return found && *found ? **found : nexthop{};
    }
    Mac gateway(std::uint32_t id) {
        Mac mac;
        std::copy_n(row(id).header, 6, mac.bytes.begin());
        return mac;
    }
    bool becomes(std::uint32_t id, const std::function<bool(const nexthop&)>& done) {
        return test::await(
            hops_->fd(), [&] { ASSERT_TRUE(hops_->receive()); }, [&] { return done(row(id)); });
    }
    bool resolves(std::uint32_t id) {
        return becomes(id, [](const nexthop& row) { return row.flags & NEXTHOP_RESOLVED; });
    }
    static Link link(const Netns& where, const std::string& name) {
        return where.in([&] { return *Links::open()->find(name); });
    }

    Family p_ = GetParam();
    Netns host_{"host"}, router_{"router"};
    std::optional<Tables> tables_;
    std::optional<Links> links_;
    std::optional<NextHops> hops_;
};

TEST_P(NextHopsTest, ResolveARemoteOnTheLink) {
    const auto id = acquire(p_.on_link);
    ASSERT_TRUE(resolves(id));
    EXPECT_EQ(gateway(id), link(router_, "r0").mac);
    EXPECT_EQ(row(id).ifindex, link(host_, "a0").ifindex);
    EXPECT_EQ(row(id).mtu, 1500);
    EXPECT_TRUE(row(id).flags & NEXTHOP_XDP_TX);
    EXPECT_EQ(hops_->info(id)->state, "resolved");
}

TEST_P(NextHopsTest, ResolveARemoteBehindARouterAndShareTheNeighbor) {
    const auto id = acquire(p_.far), other = acquire(p_.far, 5002);
    ASSERT_TRUE(resolves(id));
    EXPECT_EQ(gateway(id), link(router_, "r0").mac);
    EXPECT_EQ(gateway(other), link(router_, "r0").mac);
    EXPECT_NE(id, other);
}

TEST_P(NextHopsTest, FollowTheRoutersMac) {
    const auto id = acquire(p_.far);
    ASSERT_TRUE(resolves(id));
    ASSERT_TRUE(router_.run("ip link set r0 address 02:00:00:00:00:77"));
    EXPECT_TRUE(becomes(id, [](const nexthop& row) { return row.header[5] == 0x77 && row.flags & NEXTHOP_RESOLVED; }));
}

TEST_P(NextHopsTest, FollowTheUplinksOwnMacAndMtu) {
    const auto id = acquire(p_.on_link);
    ASSERT_TRUE(resolves(id));
    ASSERT_TRUE(host_.run("ip link set a0 address 02:00:00:00:00:66; ip link set a0 mtu 1400"));
    EXPECT_TRUE(becomes(id, [](const nexthop& row) { return row.header[11] == 0x66 && row.mtu == 1400; }));
}

TEST_P(NextHopsTest, FollowARouteToAnotherUplink) {
    const auto id = acquire(p_.far);
    ASSERT_TRUE(resolves(id));
    ASSERT_TRUE(host_.run(std::string("ip route replace ") + p_.far_prefix + " via " + p_.other_router));
    const auto egress = link(host_, "a1").ifindex;
    ASSERT_TRUE(becomes(id, [&](const nexthop& row) { return row.ifindex == egress && row.flags & NEXTHOP_RESOLVED; }));
    EXPECT_EQ(gateway(id), link(router_, "r1").mac);
}

TEST_P(NextHopsTest, TakeTheMtuOfTheRoute) {
    ASSERT_TRUE(host_.run(std::string("ip route replace ") + p_.far_prefix + " via " + p_.router + " mtu 1350"));
    EXPECT_EQ(hops_->path_mtu(*Ip::parse(p_.far)), 1350u);
    EXPECT_EQ(row(acquire(p_.far)).mtu, 1350);
}

TEST_P(NextHopsTest, SayNoRouteAndComeBackWhenThereIsOne) {
    ASSERT_TRUE(host_.run(std::string("ip route del ") + p_.far_prefix));
    const auto id = acquire(p_.far);
    EXPECT_EQ(hops_->info(id)->state, "no route");
    EXPECT_FALSE(row(id).flags & NEXTHOP_RESOLVED);
    ASSERT_TRUE(host_.run(std::string("ip route add blackhole ") + p_.far_prefix));
    hops_->want(id);
    EXPECT_EQ(hops_->info(id)->state, "no route");
    ASSERT_TRUE(host_.run(std::string("ip route replace ") + p_.far_prefix + " via " + p_.router));
    EXPECT_TRUE(resolves(id));
}

TEST_P(NextHopsTest, KnowTheHostsOwnAddress) { EXPECT_EQ(hops_->info(acquire(p_.vtep))->state, "own address"); }

TEST_P(NextHopsTest, AbsentRemoteIsUnreachableUntilItComes) {
    const auto id = acquire(p_.absent), present = acquire(p_.on_link);
    ASSERT_TRUE(resolves(present));
    ASSERT_TRUE(test::await(
        hops_->fd(), [&] { ASSERT_TRUE(hops_->receive()); }, [&] { return hops_->info(id)->state == "unreachable"; }));
    EXPECT_FALSE(row(id).flags & NEXTHOP_RESOLVED);
    ASSERT_TRUE(router_.run(address("r0", p_.absent + ("/" + std::to_string(p_.bits)))));
    hops_->want(id);
    EXPECT_TRUE(resolves(id));
}

TEST_P(NextHopsTest, LosesResolutionWithTheUplinkAndGetsItBack) {
    const auto id = acquire(p_.on_link);
    ASSERT_TRUE(resolves(id));
    ASSERT_TRUE(host_.run("ip link set a0 down"));
    EXPECT_TRUE(becomes(id, [](const nexthop& row) { return !(row.flags & NEXTHOP_RESOLVED); }));
    ASSERT_TRUE(host_.run("ip link set a0 up; " +
                          std::string(p_.bits == 64 ? address("a0", p_.vtep + std::string("/64")) : "true")));
    EXPECT_TRUE(resolves(id));
}

TEST_P(NextHopsTest, ARestartKeepsIdsAndWritesNothing) {
    const auto first = acquire(p_.far), second = acquire(p_.on_link);
    ASSERT_TRUE(resolves(first) && resolves(second));
    const auto before = row(first);
    start();
    EXPECT_EQ(hops_->find(*Ip::parse(p_.far), 5001), first);
    EXPECT_EQ(acquire(p_.on_link), second);
    const auto after = row(first);
    EXPECT_EQ(std::memcmp(&before, &after, sizeof before), 0);
    EXPECT_EQ(hops_->info(first)->state, "resolved");
}

TEST_P(NextHopsTest, SweepFreesAndGivesTheNeighborBack) {
    const std::string managed = std::string("ip neigh show ") + p_.on_link + " | grep -q managed";
    const auto id = acquire(p_.on_link);
    ASSERT_TRUE(resolves(id));
    EXPECT_TRUE(host_.run(managed));
    ASSERT_TRUE(hops_->sweep({}));
    EXPECT_EQ(row(id).flags, 0);
    EXPECT_FALSE(host_.run(managed));
    EXPECT_NE(acquire(p_.far), id) << "a freed id rests before it names another remote";
}

TEST_P(NextHopsTest, AnEarlierRunsNeighborsAreGivenBackWhenNobodyUsesThem) {
    ASSERT_TRUE(resolves(acquire(p_.on_link)));
    tables_.emplace(*test::make_tables());
    start();
    ASSERT_TRUE(hops_->sweep({}));
    EXPECT_FALSE(host_.run("ip neigh show | grep -q managed"));
}

TEST_P(NextHopsTest, DetachingGivesAllNeighborsBackAndOthersStay) {
    ASSERT_TRUE(host_.run("ip neigh replace " + std::string(p_.absent) + " dev a0 managed"));
    ASSERT_TRUE(resolves(acquire(p_.on_link)));
    ASSERT_TRUE(host_.in([] { return Underlay::release_all(); }));
    EXPECT_FALSE(host_.run(std::string("ip neigh show ") + p_.on_link + " | grep -q managed"));
    EXPECT_TRUE(host_.run(std::string("ip neigh show ") + p_.absent + " | grep -q managed"));
}

TEST_P(NextHopsTest, AStaticNeighborStaysStatic) {
    ASSERT_TRUE(
        host_.run(std::string("ip neigh replace ") + p_.absent + " lladdr 02:00:00:00:00:55 dev a0 nud permanent"));
    const auto id = acquire(p_.absent);
    EXPECT_TRUE(row(id).flags & NEXTHOP_RESOLVED);
    EXPECT_EQ(gateway(id), *Mac::parse("02:00:00:00:00:55"));
    hops_->want(id);
    ASSERT_TRUE(hops_->sweep({}));
    EXPECT_TRUE(host_.run(std::string("ip neigh show ") + p_.absent + " | grep -q PERMANENT"));
}

TEST_P(NextHopsTest, ADeletedNeighborIsAskedForAgain) {
    const auto show = std::string("ip neigh show ") + p_.on_link + " | grep managed | grep -q lladdr";
    ASSERT_TRUE(resolves(acquire(p_.on_link)));
    ASSERT_TRUE(host_.run(std::string("ip neigh del ") + p_.on_link + " dev a0"));
    ASSERT_FALSE(host_.run(show));
    EXPECT_TRUE(test::await(
        hops_->fd(), [&] { ASSERT_TRUE(hops_->receive()); }, [&] { return host_.run(show); }));
}

TEST_P(NextHopsTest, AThousandRemotesAreResolvedAndFollowALinkInNoTime) {
    const auto remote = [&](unsigned i) {
        Ip ip = *Ip::parse(p_.far);
        ip.bytes[14] = static_cast<std::uint8_t>(i >> 8);
        ip.bytes[15] = static_cast<std::uint8_t>(i);
        return ip;
    };
    const auto took = [](auto&& work) {
        const auto start = std::chrono::steady_clock::now();
        work();
        return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - start).count();
    };
    ASSERT_TRUE(host_.run(std::string("ip route add default via ") + p_.router));
    std::uint32_t last = 0;
    const auto resolving = took([&] {
        for (unsigned i = 1; i <= 1000; ++i) last = *hops_->acquire(remote(i), 5001);
        ASSERT_TRUE(resolves(last));
    });
    const auto moving = took([&] {
        ASSERT_TRUE(router_.run("ip link set r0 address 02:00:00:00:00:77"));
        ASSERT_TRUE(becomes(last, [](const nexthop& row) { return row.header[5] == 0x77; }));
    });
    const auto refreshing = took([&] { ASSERT_TRUE(hops_->refresh()); });
    RecordProperty("resolving_ms", static_cast<int>(resolving));
    RecordProperty("moving_ms", static_cast<int>(moving));
    RecordProperty("refreshing_ms", static_cast<int>(refreshing));
    std::printf("1000 remotes: resolved in %ld ms, new gateway MAC in %ld ms, refreshed in %ld ms\n", resolving, moving,
                refreshing);
    EXPECT_LT(refreshing, 500);
}

// Golden bytes: what the kernel's own vxlan device puts in front of the same frame.
TEST_P(NextHopsTest, TheHeaderIsTheKernelsVxlanHeader) {
    const bool v4 = p_.bits == 24;
    const auto id = acquire(p_.far);
    ASSERT_TRUE(resolves(id));
    ASSERT_TRUE(host_.run("ethtool -K a0 tx off >/dev/null && ip link add vx type vxlan id 5001 dstport 4789 local " +
                          std::string(p_.vtep) + " remote " + p_.far + " ttl 64 df set tos inherit" +
                          (v4 ? " noudpcsum" : "") + " && ip link set vx up"));
    const auto inner = test::frame(test::Eth{}, test::Ip4{.tos = 0xb9}, test::Udp{}, test::payload(33));
    const test::PacketSocket guest(host_, "vx"), wire(router_, "r0");
    ASSERT_TRUE(guest.send(inner));
    const std::size_t header = v4 ? VXLAN4_OVERHEAD_BYTES : VXLAN6_OVERHEAD_BYTES, udp = header - 16;
    const auto caught = wire.receive([&](std::span<const std::uint8_t> frame) {
        return frame.size() == header + inner.size() && std::equal(inner.begin(), inner.end(), frame.begin() + header);
    });
    ASSERT_TRUE(caught);
    const config settings{.flags = static_cast<__u32>(CONFIG_TOS_INHERIT | (v4 ? 0 : CONFIG_IPV6))};
    auto described = describe(settings, inner);
    described.source_port = static_cast<std::uint16_t>((*caught)[udp] << 8 | (*caught)[udp + 1]);
    auto ours = outer_header(row(id), settings, described);
    auto theirs = test::cut(*caught, 0, header);
    if (v4) {  // the kernel numbers its packets, which with DF set nobody needs (RFC 6864)
        ASSERT_EQ(test::ones_sum(test::cut(ours, 14, 20)), 0xffff);
        for (auto* bytes : {&ours, &theirs})
            for (std::size_t at : {18, 19, 24, 25}) (*bytes)[at] = 0;
    }
    EXPECT_EQ(ours, theirs) << test::dump(ours, theirs);
}

INSTANTIATE_TEST_SUITE_P(Underlay, NextHopsTest, testing::Values(V4, V6),
                         [](const auto& info) { return std::string(info.param.name); });

}  // namespace
}  // namespace weft

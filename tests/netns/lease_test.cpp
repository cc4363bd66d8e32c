// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Leases on real devices: the lease program sees the VRRP packets of real sockets leave by an uplink, and nobody
// else's. How it is attached, adopted and taken away.
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <gtest/gtest.h>

#include "datapath.hpp"
#include "frame.hpp"
#include "netns.hpp"
#include "pins.hpp"

namespace weft {
namespace {

using test::Bytes;
using test::Netns;

constexpr std::uint8_t VRID = 51, PROTOCOL_VRRP = 112;

Bytes advertisement(std::uint8_t priority) { return {0x31, VRID, priority, 0, 0, 10, 0, 0}; }

bpf_link_info info_of(int fd) {
    bpf_link_info info{};
    std::uint32_t length = sizeof info;
    EXPECT_EQ(bpf_obj_get_info_by_fd(fd, &info, &length), 0);
    return info;
}

std::uint32_t link_id(const std::string& pin) {
    auto fd = pins::open(pin);
    return fd && *fd ? info_of((*fd)->get()).id : 0;
}

// As a circuit does: what one device brings leaves by the other.
bool redirect(const char* from, const char* to) {
    const bpf_insn code[] = {
        {BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_1, 0, 0, static_cast<__s32>(if_nametoindex(to))},
        {BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_2, 0, 0, 0},
        {BPF_JMP | BPF_CALL, 0, 0, 0, BPF_FUNC_redirect},
        {BPF_JMP | BPF_EXIT, 0, 0, 0, 0},
    };
    const Fd program(bpf_prog_load(BPF_PROG_TYPE_SCHED_CLS, "redirects", "GPL", code, std::size(code), nullptr));
    LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = static_cast<int>(if_nametoindex(from)), .attach_point = BPF_TC_INGRESS);
    LIBBPF_OPTS(bpf_tc_opts, filter, .prog_fd = program.get());
    return bpf_tc_hook_create(&hook) == 0 && bpf_tc_attach(&hook, &filter) == 0;
}

class LeaseTest : public testing::TestWithParam<TcMethod> {
protected:
    void SetUp() override {
        if (geteuid() != 0) GTEST_SKIP() << "needs root for network namespaces and programs";
        if (!pins::require_bpffs()) GTEST_SKIP() << "needs a BPF file system on /sys/fs/bpf";
        ASSERT_TRUE(here_ && there_);
        // v0 is the uplink, g0 leads to a guest; the far ends are silent.
        for (const std::string name : {"v", "g"}) {
            const std::string near = name + "0", far = name + "1";
            ASSERT_TRUE(here_.run("ip link add " + near + " type veth peer name " + far + " netns " + there_.name()));
            ASSERT_TRUE(here_.run("ip link set " + near + " addrgenmode none up"));
            ASSERT_TRUE(there_.run("ip link set " + far + " addrgenmode none up"));
        }
        ASSERT_TRUE(
            here_.run("ip address add 192.0.2.1/24 dev v0 && ip address add 2001:db8::1/64 dev v0 nodad && "
                      "ip neigh add 192.0.2.2 lladdr 02:00:00:00:00:02 dev v0 && "
                      "ip neigh add 2001:db8::2 lladdr 02:00:00:00:00:02 dev v0"));
    }
    void TearDown() override {
        if (here_) here_.in([&] { return Datapath::remove(instance_); });
    }

    static config settings_of(const char* own) {
        config settings{};
        settings.port = htons(4789);
        settings.ttl = 64;
        settings.vtep = test::ip(own).raw();
        return settings;
    }
    Datapath open(TcMethod method, const char* own = "192.0.2.1") {
        auto datapath = here_.in([&] { return Datapath::open(instance_, settings_of(own), {.tc = method}); });
        if (!datapath) ADD_FAILURE() << datapath.error().what;
        return std::move(*datapath);
    }
    Datapath open(const char* own) {
        auto datapath = open(GetParam(), own);
        attach_lease(datapath);
        return datapath;
    }
    Link uplink() {
        auto links = here_.in([] { return Links::open(); });
        const Link* found = links ? links->find("v0") : nullptr;
        return found ? *found : Link{};
    }
    void attach_lease(Datapath& datapath) {
        const auto device = uplink();
        const auto done = here_.in([&] { return datapath.attach_lease(device); });
        EXPECT_TRUE(done) << done.error().what;
    }
    void detach_lease(Datapath& datapath) {
        const auto ifindex = uplink().ifindex;
        const auto done = here_.in([&] { return datapath.detach_lease(ifindex); });
        EXPECT_TRUE(done) << done.error().what;
    }
    void attach(Datapath& datapath) {
        const auto device = uplink();
        const auto done = here_.in([&] { return datapath.attach(device, Role::Uplink, Hook::Tc); });
        EXPECT_TRUE(done) << done.error().what;
    }
    Result<bool> remove() {
        return here_.in([&] { return Datapath::remove(instance_); });
    }
    std::uint32_t ingress() { return link_id(folder_.link(uplink().ifindex)); }
    std::uint32_t egress() { return link_id(folder_.egress_link(uplink().ifindex)); }
    bool filters(const std::string& side, int count) {
        return here_.run("test $(tc filter show dev v0 " + side + " | grep -c stub_) = " + std::to_string(count));
    }
    bool has_qdisc() { return here_.run("tc qdisc show dev v0 | grep -q clsact"); }
    static lease row(Datapath& datapath) { return datapath.tables().leases.find(VRID).value().value(); }

    // As keepalived sends one, by a raw socket from `source`.
    void send4(const char* source, const char* to, std::uint8_t priority) {
        sockaddr_in from{.sin_family = AF_INET}, at{.sin_family = AF_INET};
        inet_pton(AF_INET, source, &from.sin_addr);
        inet_pton(AF_INET, to, &at.sin_addr);
        ip_mreqn multicast{.imr_address = from.sin_addr};
        here_.in([&] {
            const Fd fd(socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, PROTOCOL_VRRP));
            multicast.imr_ifindex = static_cast<int>(if_nametoindex("v0"));
            setsockopt(fd.get(), IPPROTO_IP, IP_MULTICAST_IF, &multicast, sizeof multicast);
            EXPECT_EQ(bind(fd.get(), reinterpret_cast<sockaddr*>(&from), sizeof from), 0);
            const auto bytes = advertisement(priority);
            const auto sent =
                sendto(fd.get(), bytes.data(), bytes.size(), 0, reinterpret_cast<sockaddr*>(&at), sizeof at);
            EXPECT_EQ(sent, 8) << strerror(errno);
        });
    }
    void send6(const char* to, std::uint8_t priority) {
        sockaddr_in6 from{.sin6_family = AF_INET6}, at{.sin6_family = AF_INET6};
        inet_pton(AF_INET6, "2001:db8::1", &from.sin6_addr);
        inet_pton(AF_INET6, to, &at.sin6_addr);
        here_.in([&] {
            const Fd fd(socket(AF_INET6, SOCK_RAW | SOCK_CLOEXEC, PROTOCOL_VRRP));
            at.sin6_scope_id = to[0] == 'f' ? if_nametoindex("v0") : 0;
            EXPECT_EQ(bind(fd.get(), reinterpret_cast<sockaddr*>(&from), sizeof from), 0);
            const auto bytes = advertisement(priority);
            const auto sent =
                sendto(fd.get(), bytes.data(), bytes.size(), 0, reinterpret_cast<sockaddr*>(&at), sizeof at);
            EXPECT_EQ(sent, 8) << strerror(errno);
        });
    }

    const std::string instance_ = "lease" + std::to_string(getpid());
    const pins::Folder folder_{instance_, ABI_VERSION};
    Netns here_{"here"}, there_{"there"};
};

INSTANTIATE_TEST_SUITE_P(By, LeaseTest, testing::Values(TcMethod::Best, TcMethod::Clsact),
                         [](const auto& method) { return method.param == TcMethod::Best ? "Tcx" : "Clsact"; });

TEST_P(LeaseTest, IsTakenRenewedAndEndedByARawSocket) {
    auto datapath = open("192.0.2.1");
    send4("192.0.2.1", "192.0.2.2", 100);
    const auto first = row(datapath);
    EXPECT_NE(first.since_ns, 0u);
    send4("192.0.2.1", "224.0.0.18", 100);
    const auto second = row(datapath);
    EXPECT_EQ(second.since_ns, first.since_ns);
    EXPECT_GT(second.renewed_ns, first.since_ns);
    send4("192.0.2.1", "192.0.2.2", 0);
    EXPECT_EQ(row(datapath).renewed_ns, 0u);
    EXPECT_EQ(row(datapath).since_ns, 0u);
}

TEST_P(LeaseTest, IsTakenRenewedAndEndedOverIpv6) {
    auto datapath = open("2001:db8::1");
    send6("2001:db8::2", 100);
    EXPECT_NE(row(datapath).since_ns, 0u);
    send6("ff02::12", 100);
    EXPECT_NE(row(datapath).renewed_ns, 0u);
    send6("2001:db8::2", 0);
    EXPECT_EQ(row(datapath).since_ns, 0u);
}

TEST_P(LeaseTest, IsOfTheVtepsAddressOnly) {
    auto datapath = open("192.0.2.1");
    ASSERT_TRUE(here_.run("ip address add 192.0.2.9/24 dev v0"));
    send4("192.0.2.9", "192.0.2.2", 100);
    EXPECT_EQ(row(datapath).since_ns, 0u);
}

// What a guest sends to a VLAN leaves by the same NIC, and may say that it is from anybody.
TEST_P(LeaseTest, IsNotForgedByAGuestsFrame) {
    auto datapath = open("192.0.2.1");
    ASSERT_TRUE(here_.in([&] { return redirect("g0", "v0"); }));
    const test::PacketSocket guest(there_, "g1"), wire(there_, "v1");
    const auto forged = test::frame(test::Eth{}, test::Ip4{.src = "192.0.2.1", .protocol = PROTOCOL_VRRP},
                                    test::Payload{advertisement(100)});
    ASSERT_TRUE(guest.send(forged));
    const auto left = wire.receive([&](std::span<const std::uint8_t> frame) {
        return frame.size() >= forged.size() && std::equal(forged.begin(), forged.end(), frame.begin());
    });
    ASSERT_TRUE(left) << "the frame did not leave";
    EXPECT_EQ(row(datapath).since_ns, 0u);
    send4("192.0.2.1", "192.0.2.2", 100);
    EXPECT_NE(row(datapath).since_ns, 0u);
}

TEST_P(LeaseTest, KnowsTheAddressOfANewGeneration) {
    auto datapath = open("192.0.2.7");
    send4("192.0.2.1", "192.0.2.2", 100);
    EXPECT_EQ(row(datapath).since_ns, 0u);
    ASSERT_TRUE(datapath.configure(settings_of("192.0.2.1")));
    send4("192.0.2.1", "192.0.2.2", 100);
    EXPECT_NE(row(datapath).since_ns, 0u);
}

using LeaseProgram = LeaseTest;
INSTANTIATE_TEST_SUITE_P(Its, LeaseProgram, testing::Values(TcMethod::Best), [](const auto&) { return "Own"; });

TEST_P(LeaseProgram, IsAttachedBesideAndTakenAwayAlone) {
    auto datapath = open(TcMethod::Best);
    attach(datapath);
    const auto other = ingress();
    attach_lease(datapath);
    const auto before = egress();
    EXPECT_NE(before, 0u);
    attach_lease(datapath);
    attach(datapath);
    EXPECT_EQ(egress(), before) << "attached anew";
    EXPECT_EQ(ingress(), other);
    detach_lease(datapath);
    EXPECT_EQ(egress(), 0u);
    EXPECT_EQ(ingress(), other);
    attach_lease(datapath);
    const auto ifindex = uplink().ifindex;
    EXPECT_TRUE(here_.in([&] { return datapath.detach(ifindex); }));
    EXPECT_EQ(egress(), 0u);
    EXPECT_TRUE(datapath.tables().attachments.rows()->empty());
    detach_lease(datapath);
}

TEST_P(LeaseProgram, IsAdoptedByARestartAndGoesWithTheInstance) {
    std::uint32_t before = 0;
    {
        auto first = open("192.0.2.1");
        before = egress();
    }
    auto second = open("192.0.2.1");
    EXPECT_EQ(egress(), before);
    const auto pinned = pins::open(folder_.egress_link(uplink().ifindex));
    ASSERT_TRUE(pinned && *pinned);
    EXPECT_TRUE(remove().value());
    EXPECT_EQ(info_of((*pinned)->get()).xdp.ifindex, 0u) << "still attached";  // tcx.ifindex lies there
}

TEST_P(LeaseProgram, GoesWithItsDevice) {
    auto datapath = open("192.0.2.1");
    const auto before = egress();
    const auto index = std::to_string(uplink().ifindex);
    ASSERT_TRUE(here_.run("ip link del v0 && ip link add v0 index " + index + " type veth peer name v1 netns " +
                          there_.name()));
    attach_lease(datapath);
    EXPECT_NE(egress(), 0u);
    EXPECT_NE(egress(), before);
    ASSERT_TRUE(here_.run("ip link del v0"));
    auto links = here_.in([] { return Links::open(); });
    EXPECT_TRUE(here_.in([&] { return datapath.forget_missing(*links); }));
    EXPECT_TRUE(datapath.tables().attachments.rows()->empty());
    EXPECT_TRUE(pins::pinned_links(folder_).empty());
}

TEST_P(LeaseProgram, IsAFilterOnEgressWithoutTcx) {
    auto datapath = open(TcMethod::Clsact);
    attach(datapath);
    attach_lease(datapath);
    attach_lease(datapath);
    EXPECT_TRUE(filters("ingress", 1));
    EXPECT_TRUE(filters("egress", 1));
    detach_lease(datapath);
    EXPECT_TRUE(filters("ingress", 1));
    EXPECT_TRUE(filters("egress", 0));
    attach_lease(datapath);
    EXPECT_TRUE(remove().value());
    EXPECT_FALSE(has_qdisc());
}

TEST_P(LeaseProgram, TakesItsQdiscWithIt) {
    auto datapath = open(TcMethod::Clsact);
    attach_lease(datapath);
    EXPECT_TRUE(has_qdisc());
    detach_lease(datapath);
    EXPECT_FALSE(has_qdisc());
}

TEST_P(LeaseProgram, AsAFilterGivesWayToTcx) {
    {
        auto old = open(TcMethod::Clsact);
        attach(old);
        attach_lease(old);
    }
    auto datapath = open(TcMethod::Best);
    attach(datapath);
    EXPECT_TRUE(filters("egress", 1));
    attach_lease(datapath);
    EXPECT_NE(ingress(), 0u);
    EXPECT_NE(egress(), 0u);
    EXPECT_FALSE(has_qdisc());
}

}  // namespace
}  // namespace weft

// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include "links.hpp"

#include <bpf/libbpf.h>
#include <gtest/gtest.h>
#include <linux/bpf.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>

#include "netns.hpp"

namespace weft {
namespace {

using test::Netns;

class LinksTest : public testing::Test {
protected:
    void SetUp() override {
        if (geteuid() != 0) GTEST_SKIP() << "needs root for network namespaces";
        ASSERT_TRUE(here_ && there_);
        auto links = here_.in([] { return Links::open(); });
        ASSERT_TRUE(links) << links.error().what;
        links_.emplace(std::move(*links));
    }

    void receive() {
        ASSERT_TRUE(links_->receive([&](Links::Change change, const Link& link) {
            const char* text[] = {"added ", "changed ", "removed "};
            if (link.name != "mark") seen_.push_back(text[static_cast<int>(change)] + link.name);
        }));
    }
    // What was told up to now: a device of our own behind the others tells that no more comes.
    std::vector<std::string> told() {
        EXPECT_TRUE(here_.run("ip tuntap add mark mode tap"));
        EXPECT_TRUE(test::await(
            links_->fd(), [&] { receive(); }, [&] { return links_->find("mark") != nullptr; }));
        EXPECT_TRUE(here_.run("ip link del mark"));
        EXPECT_TRUE(test::await(
            links_->fd(), [&] { receive(); }, [&] { return links_->find("mark") == nullptr; }));
        return std::exchange(seen_, {});
    }
    using Told = std::vector<std::string>;

    Netns here_{"here"}, there_{"there"};
    std::optional<Links> links_;
    Told seen_;
};

TEST_F(LinksTest, TellsWhatComesChangesAndGoes) {
    ASSERT_TRUE(here_.run("ip tuntap add t0 mode tap"));
    EXPECT_EQ(told(), (Told{"added t0"}));
    EXPECT_EQ(links_->find("t0")->kind, "tun");
    EXPECT_TRUE(links_->find("t0")->ethernet);
    ASSERT_TRUE(here_.run("ip link set t0 mtu 1400"));
    EXPECT_EQ(told(), (Told{"changed t0"}));
    EXPECT_EQ(links_->find("t0")->mtu, 1400u);
    ASSERT_TRUE(here_.run("ip link del t0"));
    EXPECT_EQ(told(), (Told{"removed t0"}));
    EXPECT_EQ(links_->find("t0"), nullptr);
}

TEST_F(LinksTest, ANotificationWithoutADifferenceTellsNothing) {
    ASSERT_TRUE(here_.run("ip tuntap add t0 mode tap"));
    told();
    ASSERT_TRUE(here_.run("ip link set t0 alias something"));
    EXPECT_EQ(told(), Told{});
}

TEST_F(LinksTest, ARenamedDeviceIsAnotherOne) {
    ASSERT_TRUE(here_.run("ip tuntap add t0 mode tap"));
    told();
    ASSERT_TRUE(here_.run("ip link set t0 name t1"));
    EXPECT_EQ(told(), (Told{"removed t0", "added t1"}));
}

TEST_F(LinksTest, ADeviceMadeAgainUnderItsNameIsAnotherOne) {
    ASSERT_TRUE(here_.run("ip tuntap add t0 mode tap"));
    told();
    const auto before = links_->find("t0")->ifindex;
    ASSERT_TRUE(here_.run("ip link del t0 && ip tuntap add t0 mode tap"));
    EXPECT_EQ(told(), (Told{"removed t0", "added t0"}));
    EXPECT_NE(links_->find("t0")->ifindex, before);
}

TEST_F(LinksTest, ADeviceThatMovesToAnotherNetnsIsGone) {
    ASSERT_TRUE(here_.run("ip link add v0 type veth peer name v1"));
    told();
    ASSERT_TRUE(here_.run("ip link set v1 netns " + there_.name()));
    const auto all = told();
    EXPECT_EQ(std::count(all.begin(), all.end(), "removed v1"), 1);
    EXPECT_EQ(links_->find("v1"), nullptr);
    ASSERT_TRUE(links_->find("v0"));
    const auto fresh = links_->query(links_->find("v0")->ifindex);
    ASSERT_TRUE(fresh && *fresh);
    EXPECT_TRUE((*fresh)->peer_netnsid);
}

TEST_F(LinksTest, ABridgesPortThatLeavesIsNotGone) {
    ASSERT_TRUE(here_.run("ip tuntap add t0 mode tap && ip link add b0 type bridge && ip link set t0 master b0"));
    told();
    ASSERT_TRUE(here_.run("ip link set t0 nomaster"));
    const auto all = told();
    EXPECT_EQ(std::count(all.begin(), all.end(), "removed t0"), 0);
    EXPECT_TRUE(links_->find("t0"));
}

TEST_F(LinksTest, FindsTheSameByReloadAfterAnOverrun) {
    ASSERT_TRUE(here_.run("ip tuntap add old mode tap"));
    told();
    const int small = 4096;  // a few notifications
    ASSERT_EQ(setsockopt(links_->fd(), SOL_SOCKET, SO_RCVBUF, &small, sizeof small), 0);
    ASSERT_TRUE(here_.run(
        "ip link del old; for i in 1 2 3 4 5 6 7 8 9; do ip tuntap add n$i mode tap; ip link set n$i mtu 1400; "
        "ip link set n$i up; done"));
    receive();
    ASSERT_LT(seen_.size(), 1u + 9 * 3) << "nothing was lost, so nothing is shown";
    EXPECT_EQ(links_->find("old"), nullptr);
    EXPECT_EQ(std::count(seen_.begin(), seen_.end(), "removed old"), 1);
    for (int i = 1; i < 10; ++i) {
        EXPECT_TRUE(links_->find("n" + std::to_string(i)));
        EXPECT_EQ(std::count(seen_.begin(), seen_.end(), "added n" + std::to_string(i)), 1);
    }
}

TEST_F(LinksTest, KnowsWhatAQueriedDeviceSentAndThatAnotherIsGone) {
    ASSERT_TRUE(here_.run("ip link add v0 type veth peer name v1 && ip link set v0 up && ip link set v1 up"));
    told();
    const auto ifindex = links_->find("v0")->ifindex;
    const auto before = (*links_->query(ifindex))->tx_packets;
    ASSERT_TRUE(test::PacketSocket(here_, "v0").send(std::vector<std::uint8_t>(60, 2)));
    EXPECT_GT((*links_->query(ifindex))->tx_packets, before);
    const auto none = links_->query(9999);
    ASSERT_TRUE(none);
    EXPECT_FALSE(*none);
}

// Two instructions: return XDP_PASS.
Fd pass_program() {
    const bpf_insn code[] = {{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 0, .imm = XDP_PASS},
                             {.code = BPF_JMP | BPF_EXIT}};
    return Fd(bpf_prog_load(BPF_PROG_TYPE_XDP, "pass", "GPL", code, 2, nullptr));
}

TEST_F(LinksTest, SeesXdpOnADeviceAndOnAVethsFarEnd) {
    ASSERT_TRUE(here_.run("ip link add v0 type veth peer name v1 netns " + there_.name()));
    ASSERT_TRUE(here_.run("ip link set v0 up"));  // a device that is down tells nobody of its program
    told();
    const auto program = pass_program();
    ASSERT_TRUE(program);
    const Link v0 = *links_->find("v0");
    EXPECT_EQ((*links_->peer(v0))->xdp_program, 0u);
    there_.in([&] {
        ASSERT_EQ(bpf_xdp_attach(static_cast<int>(if_nametoindex("v1")), program.get(), XDP_FLAGS_DRV_MODE, nullptr),
                  0);
    });
    EXPECT_NE((*links_->peer(v0))->xdp_program, 0u);
    EXPECT_EQ(links_->find("v0")->xdp_program, 0u);
    here_.in([&] {
        ASSERT_EQ(bpf_xdp_attach(static_cast<int>(v0.ifindex), program.get(), XDP_FLAGS_SKB_MODE, nullptr), 0);
    });
    told();
    EXPECT_NE(links_->find("v0")->xdp_program, 0u);
    EXPECT_TRUE(links_->find("v0")->xdp_generic);
}

TEST(Netlink, AnErrorCarriesTheKernelsWords) {
    auto netlink = Netlink::open();
    ASSERT_TRUE(netlink) << netlink.error().what;
    Message<ifinfomsg> message(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL);
    mnl_attr_put_strz(&message.header(), IFLA_IFNAME, "a name far too long");
    const auto refused = netlink->request(message.header(), "make a device");
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ERANGE);
    EXPECT_EQ(refused.error().what, "make a device: Attribute failed policy validation: Numerical result out of range");
}

}  // namespace
}  // namespace weft

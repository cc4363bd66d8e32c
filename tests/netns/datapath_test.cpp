// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// The loader's datapath on real devices: what is attached, adopted, refused and taken away; no daemon in between.
#include "datapath.hpp"

#include <bpf/bpf.h>
#include <gtest/gtest.h>

#include "attach_xdp.hpp"
#include "ethtool.hpp"
#include "generation.hpp"
#include "netns.hpp"
#include "pins.hpp"
#include "probe.hpp"
#include "tunnel_device.hpp"

namespace weft {
namespace {

using test::Netns;

config some_settings() {
    config settings{};
    settings.ttl = 64;
    settings.port = htons(4789);
    return settings;
}

std::uint32_t link_id(const std::string& pin) {
    auto fd = pins::open(pin);
    if (!fd || !*fd) return 0;
    bpf_link_info info{};
    std::uint32_t length = sizeof info;
    return bpf_obj_get_info_by_fd((*fd)->get(), &info, &length) == 0 ? info.id : 0;
}

// The id of the program in slot 0 of a hook's PROG_ARRAY.
std::uint32_t slot(const pins::Folder& folder, const char* hook) {
    auto fd = pins::open(folder.map(hook));
    std::uint32_t zero = 0, id = 0;
    return fd && *fd && bpf_map_lookup_elem((*fd)->get(), &zero, &id) == 0 ? id : 0;
}

// An XDP program of nobody's, that passes.
Fd foreign_program() {
    const bpf_insn passes[] = {{BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 0, XDP_PASS}, {BPF_JMP | BPF_EXIT, 0, 0, 0, 0}};
    return Fd(bpf_prog_load(BPF_PROG_TYPE_XDP, "foreign", "GPL", passes, 2, nullptr));
}

class DatapathTest : public testing::Test {
protected:
    void SetUp() override {
        if (geteuid() != 0) GTEST_SKIP() << "needs root for network namespaces and programs";
        if (!pins::require_bpffs()) GTEST_SKIP() << "needs a BPF file system on /sys/fs/bpf";
        ASSERT_TRUE(here_ && there_);
        ASSERT_TRUE(
            here_.run("ip link add v0 type veth peer name v1 netns " + there_.name() + " && ip link set v0 up"));
        ASSERT_TRUE(there_.run("ip link set v1 up"));
    }
    void TearDown() override {
        if (here_) here_.in([&] { return Datapath::remove(instance_); });
    }

    Datapath open(const Datapath::Options& options = {}) {
        auto datapath = here_.in([&] { return Datapath::open(instance_, some_settings(), options); });
        if (!datapath) ADD_FAILURE() << datapath.error().what;
        return std::move(*datapath);
    }
    Link link(const std::string& name) {
        auto links = here_.in([] { return Links::open(); });
        const Link* found = links ? links->find(name) : nullptr;
        return found ? *found : Link{};
    }
    Attachment attach(Datapath& datapath, const std::string& name, Hook hook, Role role = Role::Port) {
        const auto device = link(name);
        auto out = here_.in([&] { return datapath.attach(device, role, hook); });
        EXPECT_TRUE(out) << out.error().what;
        return out ? *out : Attachment{};
    }
    Result<bool> remove() {
        return here_.in([&] { return Datapath::remove(instance_); });
    }
    bool feature(const std::string& device, const std::string& name) {
        auto features = here_.in([&] { return Ethtool::open(device)->features(); });
        for (const auto& feature : *features)
            if (feature.name == name) return feature.active;
        ADD_FAILURE() << "no feature " << name;
        return false;
    }
    std::string link_pin() { return folder_.link(link("v0").ifindex); }

    const std::string instance_ = "test" + std::to_string(getpid());
    const pins::Folder folder_{instance_, ABI_VERSION};
    Netns here_{"here"}, there_{"there"};
};

TEST_F(DatapathTest, AFreshInstanceOpensInTimeAndRemoveLeavesNothing) {
    const auto start = std::chrono::steady_clock::now();
    auto datapath = open();
    RecordProperty("open_ms",
                   static_cast<int>((std::chrono::steady_clock::now() - start) / std::chrono::milliseconds(1)));
    EXPECT_GT(datapath.events_fd(), 0);
    for (const auto& hook : hooks()) EXPECT_NE(slot(folder_, hook.map.c_str()), 0u) << hook.map;
    EXPECT_TRUE(remove().value());
    EXPECT_FALSE(remove().value());
    EXPECT_NE(access(pins::instance_path(instance_).c_str(), F_OK), 0);
}

TEST_F(DatapathTest, AVethPortIsServedByTcAndSaysWhy) {
    auto datapath = open();
    const auto attachment = attach(datapath, "v0", Hook::Auto);
    EXPECT_EQ(attachment.hook, Hook::Tc);
    EXPECT_NE(attachment.reason.find("offload"), std::string::npos) << attachment.reason;
    EXPECT_TRUE(attachment.peer_redirect);
    EXPECT_FALSE(attachment.xdp_tx);
    EXPECT_NE(link_id(link_pin()), 0u);
    EXPECT_EQ(link("v0").xdp_program, 0u);
}

TEST_F(DatapathTest, ARestartAdoptsLinksAndProgramsAsTheyAre) {
    std::optional<Datapath> first(open());
    attach(*first, "v0", Hook::Xdp);
    const auto tc = link_id(link_pin());
    const auto xdp = link("v0").xdp_program;
    const auto generation = slot(folder_, "hook_tc_port");
    ASSERT_NE(tc, 0u);
    ASSERT_NE(xdp, 0u);
    first.reset();
    EXPECT_EQ(link_id(link_pin()), tc) << "the datapath went with its daemon";
    auto second = open();
    attach(second, "v0", Hook::Xdp);
    EXPECT_EQ(link_id(link_pin()), tc);
    EXPECT_EQ(link("v0").xdp_program, xdp);
    EXPECT_NE(slot(folder_, "hook_tc_port"), generation);
}

TEST_F(DatapathTest, XdpOnAVethTurnsOffWhatHidesBytesAndNamesTheFarEnd) {
    ASSERT_TRUE(feature("v0", "rx-vlan-hw-parse"));
    auto datapath = open();
    const auto attachment = attach(datapath, "v0", Hook::Xdp);
    EXPECT_EQ(attachment.hook, Hook::Xdp);
    EXPECT_FALSE(feature("v0", "rx-vlan-hw-parse"));
    ASSERT_EQ(attachment.warnings.size(), 2u);
    EXPECT_NE(attachment.warnings[0].find("v0: tx checksumming, tso"), std::string::npos) << attachment.warnings[0];
    EXPECT_NE(attachment.warnings[1].find("GRO"), std::string::npos) << attachment.warnings[1];
    const auto ifindex = link("v0").ifindex;
    EXPECT_TRUE(here_.in([&] { return datapath.detach(ifindex); }));
    EXPECT_TRUE(feature("v0", "rx-vlan-hw-parse"));
    EXPECT_EQ(link("v0").xdp_program, 0u);
    EXPECT_EQ(link_id(link_pin()), 0u);
    EXPECT_TRUE(datapath.tables().attachments.rows()->empty());
}

TEST_F(DatapathTest, AnotherHookTakesTheXdpProgramAwayAgain) {
    auto datapath = open();
    attach(datapath, "v0", Hook::Xdp);
    attach(datapath, "v0", Hook::Auto);
    EXPECT_EQ(link("v0").xdp_program, 0u);
    EXPECT_TRUE(feature("v0", "rx-vlan-hw-parse"));
}

TEST_F(DatapathTest, AnotherRoleIsAnotherStubInTheSameLink) {
    auto datapath = open();
    attach(datapath, "v0", Hook::Xdp, Role::Port);
    const auto tc = link_id(link_pin());
    const auto xdp = link("v0").xdp_program;
    attach(datapath, "v0", Hook::Xdp, Role::Uplink);
    EXPECT_EQ(link_id(link_pin()), tc);
    EXPECT_NE(link("v0").xdp_program, xdp);
}

TEST_F(DatapathTest, GenericXdpIsForUplinksOnly) {
    auto datapath = open();
    EXPECT_EQ(attach(datapath, "v0", Hook::XdpGeneric, Role::Port).hook, Hook::Tc);
    EXPECT_EQ(attach(datapath, "v0", Hook::XdpGeneric, Role::Uplink).hook, Hook::XdpGeneric);
    EXPECT_TRUE(link("v0").xdp_generic);
    EXPECT_EQ(attach(datapath, "v0", Hook::Xdp, Role::Uplink).hook, Hook::Xdp);
    EXPECT_FALSE(link("v0").xdp_generic);
}

TEST_F(DatapathTest, AnMtuTooLargeForXdpIsServedByTcAndNamesTheLimit) {
    ASSERT_TRUE(here_.run("ip link set v0 mtu 9000"));
    ASSERT_TRUE(there_.run("ip link set v1 mtu 9000"));
    auto datapath = open();
    const auto attachment = attach(datapath, "v0", Hook::Xdp);
    EXPECT_EQ(attachment.hook, Hook::Tc);
    EXPECT_NE(attachment.reason.find("3506"), std::string::npos) << attachment.reason;
    EXPECT_TRUE(feature("v0", "rx-vlan-hw-parse"));
}

TEST_F(DatapathTest, AForeignXdpProgramStaysAndIsNamed) {
    const auto program = foreign_program();
    ASSERT_TRUE(program);
    const auto ifindex = link("v0").ifindex;
    ASSERT_TRUE(here_.in([&] { return attach_xdp(ifindex, XdpMode::Native, program.get(), {}); }));
    const auto foreign = link("v0").xdp_program;
    auto datapath = open();
    const auto attachment = attach(datapath, "v0", Hook::Xdp);
    EXPECT_EQ(attachment.hook, Hook::Tc);
    EXPECT_NE(attachment.reason.find(std::to_string(foreign) + " (foreign)"), std::string::npos) << attachment.reason;
    EXPECT_TRUE(remove().value());
    EXPECT_EQ(link("v0").xdp_program, foreign);
}

TEST_F(DatapathTest, WithoutTcxAFilterOfOurOwnServes) {
    auto datapath = open({.tc = TcMethod::Clsact});
    attach(datapath, "v0", Hook::Auto);
    attach(datapath, "v0", Hook::Auto);
    EXPECT_TRUE(here_.run("test $(tc filter show dev v0 ingress | grep -c 'stub_tc_port') = 1"));
    EXPECT_TRUE(remove().value());
    EXPECT_TRUE(here_.run("! tc qdisc show dev v0 | grep -q clsact"));
}

TEST_F(DatapathTest, AClsactThatWasThereStays) {
    ASSERT_TRUE(here_.run("tc qdisc add dev v0 clsact"));
    auto datapath = open({.tc = TcMethod::Clsact});
    attach(datapath, "v0", Hook::Auto);
    EXPECT_TRUE(remove().value());
    EXPECT_TRUE(here_.run("tc qdisc show dev v0 | grep -q clsact"));
    EXPECT_TRUE(here_.run("! tc filter show dev v0 ingress | grep -q stub"));
}

TEST_F(DatapathTest, WhatAVanishedDeviceLeftIsCleanedAndItsIndexServedAnew) {
    auto datapath = open();
    attach(datapath, "v0", Hook::Auto);
    const auto ifindex = link("v0").ifindex;
    const auto before = link_id(link_pin());
    const auto index = std::to_string(ifindex);
    ASSERT_TRUE(here_.run("ip link del v0 && ip link add v0 index " + index + " type veth peer name v1 netns " +
                          there_.name()));
    attach(datapath, "v0", Hook::Auto);
    EXPECT_NE(link_id(link_pin()), before);
    ASSERT_TRUE(here_.run("ip link del v0"));
    auto links = here_.in([] { return Links::open(); });
    EXPECT_TRUE(here_.in([&] { return datapath.forget_missing(*links); }));
    EXPECT_TRUE(datapath.tables().attachments.rows()->empty());
    EXPECT_TRUE(pins::pinned_links(folder_).empty());
}

TEST_F(DatapathTest, RemoveIsRefusedFromAnotherNetns) {
    auto datapath = open();
    attach(datapath, "v0", Hook::Auto);
    const auto refused = there_.in([&] { return Datapath::remove(instance_); });
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, EPERM);
    EXPECT_NE(link_id(link_pin()), 0u);
}

TEST_F(DatapathTest, AnotherNetnsIsAttachedAnew) {
    {
        auto datapath = open();
        attach(datapath, "v0", Hook::Auto);
    }
    const auto ifindex = link("v0").ifindex;
    const auto before = link_id(folder_.link(ifindex));
    ASSERT_TRUE(there_.run("ip link add w0 index " + std::to_string(ifindex + 1000) + " type veth peer name w1"));
    auto moved = there_.in([&] { return Datapath::open(instance_, some_settings()); });
    ASSERT_TRUE(moved) << moved.error().what;
    auto links = there_.in([] { return Links::open(); });
    EXPECT_TRUE(there_.in([&] { return moved->attach(*links->find("w0"), Role::Port, Hook::Auto); }));
    EXPECT_TRUE(there_.in([&] { return moved->forget_missing(*links); }));
    EXPECT_EQ(link_id(folder_.link(ifindex)), 0u);
    EXPECT_NE(before, 0u);
    EXPECT_EQ(moved->tables().attachments.rows()->size(), 1u);
    EXPECT_TRUE(there_.in([&] { return Datapath::remove(instance_); }).value());
}

TEST_F(DatapathTest, OtherSettingsAreAnotherGenerationAndTheSameAreNot) {
    auto datapath = open();
    const auto before = slot(folder_, "hook_xdp_wire");
    EXPECT_TRUE(datapath.configure(some_settings()));
    EXPECT_EQ(slot(folder_, "hook_xdp_wire"), before);
    auto other = some_settings();
    other.ttl = 3;
    EXPECT_TRUE(datapath.configure(other));
    EXPECT_NE(slot(folder_, "hook_xdp_wire"), before);
}

TEST_F(DatapathTest, TheTunnelDeviceIsAttachedAndGoesWithTheInstance) {
    auto datapath = open();
    auto netlink = here_.in([] { return Netlink::open(); });
    const auto made = ensure_tunnel_device(*netlink, instance_, 4789);
    ASSERT_TRUE(made) << made.error().what;
    const auto name = tunnel_device_name(instance_);
    const auto device = link(name);
    EXPECT_TRUE(here_.in([&] { return datapath.attach_tunnel(device); }));
    EXPECT_NE(link_id(folder_.link(*made)), 0u);
    EXPECT_TRUE(remove().value());
    EXPECT_EQ(link(name).ifindex, 0u);
}

TEST_F(DatapathTest, TheProbeTellsWhetherTheFarEndPolls) {
    const auto probe = [&] {
        const auto device = link("v0");
        auto out = here_.in([&] { return probe_xdp_tx(device); });
        EXPECT_TRUE(out) << out.error().what;
        return out && *out;
    };
    ASSERT_TRUE(there_.run("ethtool -K v1 gro off"));
    EXPECT_FALSE(probe());
    ASSERT_TRUE(there_.run("ethtool -K v1 gro on"));
    EXPECT_TRUE(probe());
    auto datapath = open();
    EXPECT_TRUE(attach(datapath, "v0", Hook::Xdp).xdp_tx);
    ASSERT_TRUE(there_.run("ip link set v1 down"));
    EXPECT_FALSE(attach(datapath, "v0", Hook::Xdp).xdp_tx);
}

TEST_F(DatapathTest, NoPeerRedirectWhereTheFarEndRunsXdpOrIsDown) {
    auto datapath = open();
    const auto program = foreign_program();
    auto links = there_.in([] { return Links::open(); });
    const auto far = links->find("v1")->ifindex;
    ASSERT_TRUE(there_.in([&] { return attach_xdp(far, XdpMode::Native, program.get(), {}); }));
    EXPECT_FALSE(attach(datapath, "v0", Hook::Auto).peer_redirect);
    ASSERT_TRUE(there_.in([&] { return detach_xdp(far, std::array{program.get()}); }));
    EXPECT_TRUE(attach(datapath, "v0", Hook::Auto).peer_redirect);
    ASSERT_TRUE(there_.run("ip link set v1 down"));
    EXPECT_FALSE(attach(datapath, "v0", Hook::Auto).peer_redirect);
}

TEST_F(DatapathTest, APinnedMapOfAnotherShapeIsNotOverwritten) {
    ASSERT_TRUE(pins::make(folder_));
    const Fd other(bpf_map_create(BPF_MAP_TYPE_HASH, "fdb", 8, 24, 16, nullptr));
    ASSERT_TRUE(pins::pin(other.get(), folder_.map("fdb")));
    const auto refused = here_.in([&] { return Datapath::open(instance_, some_settings()); });
    ASSERT_FALSE(refused);
    EXPECT_NE(refused.error().what.find("fdb"), std::string::npos) << refused.error().what;
}

TEST_F(DatapathTest, PrivilegedAttachLeavesAnUplinkThatTheDaemonAdopts) {
    Uplink uplink{"v0", Hook::Xdp};
    const auto done = here_.in([&] { return Datapath::attach_privileged(instance_, some_settings(), {uplink}); });
    ASSERT_TRUE(done) << done.error().what;
    const auto xdp = link("v0").xdp_program;
    EXPECT_NE(xdp, 0u);
    auto datapath = open();
    EXPECT_EQ(attach(datapath, "v0", Hook::Xdp, Role::Uplink).hook, Hook::Xdp);
    EXPECT_EQ(link("v0").xdp_program, xdp);
    EXPECT_TRUE(here_.in([&] { return Datapath::attach_privileged(instance_, some_settings(), {uplink}); }));
    EXPECT_EQ(link("v0").xdp_program, xdp);
    EXPECT_TRUE(remove().value());
    EXPECT_EQ(link("v0").xdp_program, 0u);
}

}  // namespace
}  // namespace weft

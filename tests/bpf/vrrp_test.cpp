// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// The lease program frame by frame: what renews a lease, what ends it, what it leaves alone. It needs none of the rig's
// world: no device, no table but `leases`.
#include "vrrp.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstring>
#include <memory>

#include "frame.hpp"
#include "tables.hpp"
#include "weft.skel.h"

namespace weft::test {
namespace {

constexpr int ACTION_UNSPEC = -1;
constexpr std::uint8_t VRID = 51;

struct Destroy {
    void operator()(weft_bpf* programs) const { weft_bpf__destroy(programs); }
};

// The program alone, for a host whose VTEP is `own`.
class Bench {
public:
    static std::unique_ptr<Bench> make(const char* own, std::string& why_not) {
        std::unique_ptr<Bench> bench(new Bench);
        bench->programs_.reset(weft_bpf__open());
        if (!bench->programs_) return nullptr;
        bpf_program* program;
        bpf_object__for_each_program(program, bench->programs_->obj)
            bpf_program__set_autoload(program, std::string_view(bpf_program__name(program)) == "from_vrrp_tc");
        const_cast<config&>(bench->programs_->rodata->settings).vtep = ip(own).raw();
        const int error = weft_bpf__load(bench->programs_.get());
        if (error == -EPERM) why_not = "the kernel does not let us load programs: needs CAP_BPF and CAP_NET_ADMIN";
        EXPECT_TRUE(error == 0 || error == -EPERM) << std::strerror(-error);
        if (error != 0) return nullptr;
        auto leases = Map<std::uint32_t, lease>::open(bpf_map__fd(bench->programs_->maps.leases), "leases");
        EXPECT_TRUE(leases);
        bench->leases_ = std::make_unique<Map<std::uint32_t, lease>>(std::move(*leases));
        return bench;
    }

    // The frame as an interface of this host would send it, or one that `ingress` brought. Nothing may happen to it.
    void send(const Bytes& in, std::uint32_t ingress = 0) {
        Bytes out(in.size() + 256);
        __sk_buff skb{};
        skb.ingress_ifindex = ingress;
        LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = in.data(), .data_out = out.data(),
                    .data_size_in = static_cast<__u32>(in.size()), .data_size_out = static_cast<__u32>(out.size()),
                    .ctx_in = &skb, .ctx_size_in = sizeof skb, .repeat = 1);
        const int error = bpf_prog_test_run_opts(bpf_program__fd(programs_->progs.from_vrrp_tc), &opts);
        ASSERT_EQ(error, 0) << in.size() << " bytes: " << std::strerror(-error);
        out.resize(opts.data_size_out);
        EXPECT_EQ(static_cast<int>(opts.retval), ACTION_UNSPEC);
        EXPECT_EQ(out, in) << dump(out, in);
    }

    lease row(std::uint32_t id = VRID) { return leases_->find(id).value().value(); }
    void put(const lease& row, std::uint32_t id = VRID) { ASSERT_TRUE(leases_->put(id, row)); }
    bool is_blank(std::uint32_t id) { return row(id).renewed_ns == 0 && row(id).since_ns == 0; }

    // Whether a frame counts as an advertisement of VRID, over a lease that ran out: then it says since when.
    bool counts(const Bytes& in, std::uint32_t ingress = 0) {
        put({1, 1});
        send(in, ingress);
        return row().since_ns != 1;
    }

private:
    std::unique_ptr<weft_bpf, Destroy> programs_;
    std::unique_ptr<Map<std::uint32_t, lease>> leases_;
};

#define NEED_BENCH(name, own)                    \
    std::string why_not;                         \
    const auto name = Bench::make(own, why_not); \
    if (!name) GTEST_SKIP() << why_not

std::uint64_t now_ns() {
    return static_cast<std::uint64_t>(std::chrono::steady_clock::now().time_since_epoch() /
                                      std::chrono::nanoseconds(1));
}

// The message from the RFCs, its checksum left zero: it is the receiver's affair.
Payload vrrp(std::uint8_t version_type, std::uint8_t id, std::uint8_t priority, std::uint8_t addresses,
             std::size_t address_bytes, std::size_t behind = 0) {
    Bytes out{version_type, id, priority, addresses, 0, 10, 0, 0};
    out.resize(out.size() + addresses * address_bytes + behind);
    return {out};
}

const char *const OWN4 = "192.0.2.1", *const OWN6 = "2001:db8::1";

Ip4 from4(const char* source = OWN4, const char* to = "192.0.2.2") {
    return {.src = source, .dst = to, .ttl = 255, .df = false, .protocol = 112};
}
Ip6 from6(const char* source = OWN6, const char* to = "2001:db8::2") {
    return {.src = source, .dst = to, .hops = 255, .next = 112};
}
Bytes v2(std::uint8_t priority = 100) { return frame(Eth{}, from4(), vrrp(0x21, VRID, priority, 1, 4, 8)); }
Bytes v3(std::uint8_t priority = 100, std::uint8_t id = VRID) {
    return frame(Eth{}, from4(), vrrp(0x31, id, priority, 1, 4));
}
Bytes v3_ipv6(std::uint8_t priority = 100) { return frame(Eth{}, from6(), vrrp(0x31, VRID, priority, 1, 16)); }

struct Row {
    const char* name;
    Bytes in;
    bool counts;
};

TEST(Lease, IsRenewedByThisHostsOwnAdvertisementsOnly) {
    NEED_BENCH(bench, OWN4);
    auto options = from4();
    options.options = Bytes(8, 1);
    auto first = from4(), later = from4(), other_version = from4(), short_length = from4();
    first.mf = true;
    later.fragment = 1;
    other_version.version = 5;
    short_length.length = 27;
    const auto message = vrrp(0x31, VRID, 100, 1, 4);
    const Row rows[] = {
        // clang-format off
        {"version 3, unicast", v3(), true},
        {"version 3, multicast", frame(Eth{.dst = "01:00:5e:00:00:12"}, from4(OWN4, "224.0.0.18"), message), true},
        {"version 2 with authentication data", v2(), true},
        {"no addresses", frame(Eth{}, from4(), vrrp(0x31, VRID, 100, 0, 4)), true},
        {"the least and the highest priority", v3(1), true},
        {"of the addresses' owner", v3(255), true},
        {"behind IP options", frame(Eth{}, options, message), true},
        {"behind a tag", frame(Eth{}, Vlan{.id = 7}, from4(), message), true},
        {"behind two tags", frame(Eth{}, Vlan{.id = 7, .tpid = 0x88a8}, Vlan{.id = 8}, from4(), message), true},
        {"padded to the least frame", v3() + Bytes(18), true},
        {"behind three tags", frame(Eth{}, Vlan{}, Vlan{}, Vlan{}, from4(), message), false},
        {"from a remote", frame(Eth{}, from4("192.0.2.2"), message), false},
        {"from an address next to ours", frame(Eth{}, from4("192.0.2.0"), message), false},
        {"of no router", v3(100, 0), false},
        {"of another router", v3(100, VRID + 1), false},
        {"another version", frame(Eth{}, from4(), vrrp(0x41, VRID, 100, 1, 4)), false},
        {"version 1", frame(Eth{}, from4(), vrrp(0x11, VRID, 100, 1, 4)), false},
        {"another type", frame(Eth{}, from4(), vrrp(0x32, VRID, 100, 1, 4)), false},
        {"more addresses than bytes", frame(Eth{}, from4(), Payload{cut(vrrp(0x31, VRID, 100, 9, 4).bytes, 0, 40)}), false},
        {"the first fragment", frame(Eth{}, first, message), false},
        {"a later fragment", frame(Eth{}, later, message), false},
        {"IP version 5", frame(Eth{}, other_version, message), false},
        {"an IP length that ends inside", frame(Eth{}, short_length, message), false},
        {"another protocol", frame(Eth{}, Ip4{.src = OWN4, .protocol = 51}, message), false},
        {"over IPv6", v3_ipv6(), false},
        {"an ARP", frame(Eth{}, Arp{}), false},
        // clang-format on
    };
    for (const Row& row : rows) {
        SCOPED_TRACE(row.name);
        EXPECT_EQ(bench->counts(row.in), row.counts);
    }
}

TEST(Lease, IsRenewedOverIpv6) {
    NEED_BENCH(bench, OWN6);
    const auto message = vrrp(0x31, VRID, 100, 1, 16);
    auto other_next = from6();
    other_next.next = 59;
    auto short_length = from6();
    short_length.length = 23;
    const Row rows[] = {
        // clang-format off
        {"unicast", v3_ipv6(), true},
        {"multicast", frame(Eth{.dst = "33:33:00:00:00:12"}, from6(OWN6, "ff02::12"), message), true},
        {"behind a tag", frame(Eth{}, Vlan{.id = 7}, from6(), message), true},
        {"from a remote", frame(Eth{}, from6("2001:db8::2"), message), false},
        {"from another network's ::1", frame(Eth{}, from6("2001:db8:1::1"), message), false},
        {"version 2", frame(Eth{}, from6(), vrrp(0x21, VRID, 100, 1, 16)), false},
        {"a fragment", frame(Eth{}, Ip6{.src = OWN6}, Ip6Fragment{.next = 112}, message), false},
        {"behind hop-by-hop options", frame(Eth{}, Ip6{.src = OWN6}, Ip6HopByHop{.next = 112}, message), false},
        {"another protocol", frame(Eth{}, other_next, message), false},
        {"an IP length that ends inside", frame(Eth{}, short_length, message), false},
        {"over IPv4", v3(), false},
        // clang-format on
    };
    for (const Row& row : rows) {
        SCOPED_TRACE(row.name);
        EXPECT_EQ(bench->counts(row.in), row.counts);
    }
}

TEST(Lease, IsNotRenewedByWhatAnotherInterfaceBrought) {
    NEED_BENCH(bench, OWN4);
    EXPECT_TRUE(bench->counts(v3(), 0));
    EXPECT_FALSE(bench->counts(v3(), 1));
    EXPECT_FALSE(bench->counts(v3(0), 1));
}

// A test run takes no IP packet without its whole header; the function that looks at it takes anything.
TEST(Lease, IsNotRenewedByAnAdvertisementCutAtAnyByte) {
    const struct {
        const char* own;
        Bytes whole;
        std::size_t least;
    } rows[] = {
        {OWN4, v3(), 34},
        {OWN4, v2(), 34},
        {OWN4, frame(Eth{}, Vlan{}, from4(), vrrp(0x31, VRID, 100, 3, 4)), 14},
        {OWN6, v3_ipv6(), 54},
    };
    for (const auto& row : rows) {
        NEED_BENCH(bench, row.own);
        const auto own = ip(row.own).raw();
        __be32 words[4];
        std::memcpy(words, &own, sizeof words);
        const std::size_t needed = row.whole.size() - (row.whole == v2() ? 8 : 0);
        for (std::size_t bytes = 0; bytes <= row.whole.size(); ++bytes) {
            const auto frame = cut(row.whole, 0, bytes);
            SCOPED_TRACE(std::to_string(bytes) + " of " + std::to_string(row.whole.size()));
            EXPECT_EQ(find_advertisement(frame.data(), frame.data() + bytes, words) != nullptr, bytes >= needed);
            if (bytes < row.least) continue;
            EXPECT_EQ(bench->counts(frame), bytes >= needed);
        }
    }
}

TEST(Lease, RunsFromItsFirstAdvertisementAndIsFreshFromTheSecond) {
    NEED_BENCH(bench, OWN4);
    const auto before = now_ns();
    bench->send(v3());
    const auto first = bench->row();
    EXPECT_GE(first.since_ns, before);
    EXPECT_EQ(first.renewed_ns, 0u);
    bench->send(v3());
    const auto second = bench->row();
    EXPECT_EQ(second.since_ns, first.since_ns);
    EXPECT_GT(second.renewed_ns, first.since_ns);
    EXPECT_LE(second.renewed_ns, now_ns());
}

TEST(Lease, RunsAnewAfterAPause) {
    NEED_BENCH(bench, OWN4);
    constexpr std::uint64_t MS = 1'000'000;
    const auto now = now_ns();
    const lease kept{now - (LEASE_MS - 100) * MS, 7}, lapsed{now - (LEASE_MS + 1) * MS, 7};
    bench->put(kept);
    bench->send(v3());
    EXPECT_EQ(bench->row().since_ns, 7u);
    EXPECT_GE(bench->row().renewed_ns, now);
    bench->put(lapsed);
    bench->send(v3());
    EXPECT_GE(bench->row().since_ns, now);
    EXPECT_EQ(bench->row().renewed_ns, lapsed.renewed_ns) << "not fresh yet";
}

TEST(Lease, EndsAtOnceWhenTheMasterResigns) {
    NEED_BENCH(bench, OWN4);
    bench->put({now_ns(), 7});
    bench->put({now_ns(), 7}, VRID + 1);
    bench->send(v3(0));
    EXPECT_TRUE(bench->is_blank(VRID));
    EXPECT_FALSE(bench->is_blank(VRID + 1));
    // And is begun anew by the next election, however soon.
    bench->send(v3());
    bench->send(v3(0));
    EXPECT_TRUE(bench->is_blank(VRID));
}

TEST(Lease, OfEachRouterIsItsOwn) {
    NEED_BENCH(bench, OWN4);
    for (const int id : {1, 2, 254, 255}) {
        bench->send(v3(100, static_cast<std::uint8_t>(id)));
        EXPECT_NE(bench->row(static_cast<std::uint32_t>(id)).since_ns, 0u) << id;
    }
    for (const std::uint32_t id : {0, 3, 253}) EXPECT_TRUE(bench->is_blank(id)) << id;
}

TEST(LeaseHolds, BetweenItsHoldTimeAndItsLastRenewalsAge) {
    constexpr std::uint64_t MS = 1'000'000, NOW = 1'000'000 * MS;
    const auto holds = [&](std::uint64_t age_ms, std::uint64_t run_ms) {
        const lease row{NOW - age_ms * MS, NOW - run_ms * MS};
        return lease_holds(&row, NOW);
    };
    EXPECT_TRUE(holds(0, LEASE_HOLD_MS));
    EXPECT_FALSE(holds(0, LEASE_HOLD_MS - 1));
    EXPECT_TRUE(holds(LEASE_MS - 1, 5000));
    EXPECT_FALSE(holds(LEASE_MS, 5000));
    const lease never{}, renewed_meanwhile{NOW + 1, NOW - 5000 * MS};
    EXPECT_FALSE(lease_holds(&never, NOW));
    EXPECT_TRUE(lease_holds(&renewed_meanwhile, NOW));
}

}  // namespace
}  // namespace weft::test

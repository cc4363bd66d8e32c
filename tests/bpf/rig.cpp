// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include "rig.hpp"

#include <bpf/libbpf.h>
#include <gtest/gtest.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "weft.skel.h"

namespace weft::test {
namespace {

constexpr std::uint32_t TCX_INGRESS = 46;  // BPF_TCX_INGRESS, which libbpf 1.1 does not know

bool sh(const std::string& command) { return std::system(command.c_str()) == 0; }

// One namespace for the process: it ends with it, whatever happens.
bool own_namespace() {
    static const bool done = unshare(CLONE_NEWNET) == 0 && sh("ip link set lo up");
    return done;
}

Mac mac_of(const std::string& interface) {
    ifreq request{};
    interface.copy(request.ifr_name, IFNAMSIZ - 1);
    const Fd fd(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    Mac out;
    if (ioctl(fd.get(), SIOCGIFHWADDR, &request) == 0) std::memcpy(out.bytes.data(), request.ifr_hwaddr.sa_data, 6);
    return out;
}

bool build_link(Link& link, const std::string& name) {
    const std::string far = name + "x";
    sh("ip link del dev " + name + " 2>/dev/null");
    // The far end is cut off from the stack by having no address; `none` also keeps it from making link-local ones.
    const auto up = [](const std::string& device) {
        return " && ip link set dev " + device + " mtu 9000 addrgenmode none up";
    };
    const bool made = sh("ip link add name " + name + " type veth peer name " + far + up(name) + up(far));
    link.name = name;
    link.ifindex = if_nametoindex(name.c_str());
    if (!made || !link.ifindex) return false;
    link.mac = mac_of(name);
    link.far_mac = mac_of(far);
    link.far = std::make_unique<Tap>(far);
    return true;
}

std::uint16_t raw_sum(const Bytes& bytes) { return htons(ones_sum(bytes)); }

}  // namespace

std::string name_of(verdict v) {
    switch (v) {
        case CONTINUE: return "CONTINUE";
#define X(name, number, help) \
    case name: return #name;
            WEFT_VERDICTS(X)
#undef X
    }
    return "verdict " + std::to_string(v);
}

std::uint16_t field16(const Bytes& bytes, std::size_t at) {
    return static_cast<std::uint16_t>(bytes.at(at) << 8 | bytes.at(at + 1));
}

std::unique_ptr<Rig> Rig::make(const RigOptions& options, std::string& why_not) {
    if (!own_namespace()) {
        why_not = "no network namespace: needs root";
        return nullptr;
    }
    std::unique_ptr<Rig> rig(new Rig);
    rig->options_ = options;
    if (!rig->build_links(options.ipv6)) {
        why_not = "no veth devices";
        return nullptr;
    }
    if (!rig->load(options, why_not)) return nullptr;
    rig->fill_tables();
    return rig;
}

Rig::~Rig() {
    links_.clear();
    if (perf_) perf_buffer__free(perf_);
    if (programs_) weft_bpf__destroy(programs_);
    for (const Link* link : {&p1, &p2, &p3, &u, &t})
        if (link->ifindex) sh("ip link del dev " + link->name);
}

bool Rig::build_links(bool ipv6) {
    own = ip(ipv6 ? "2001:db8::1" : "192.0.2.1");
    remote2 = ip(ipv6 ? "2001:db8::2" : "192.0.2.2");
    remote3 = ip(ipv6 ? "2001:db8::3" : "192.0.2.3");
    stranger = ip(ipv6 ? "2001:db8::99" : "192.0.2.99");
    hop_mac = mac("02:0a:00:00:00:fe");
    return build_link(p1, "p1") && build_link(p2, "p2") && build_link(p3, "p3") && build_link(u, "u") &&
           build_link(t, "t");
}

bool Rig::load(const RigOptions& options, std::string& why_not) {
    programs_ = weft_bpf__open();
    if (!programs_) {
        why_not = "no skeleton";
        return false;
    }
    config& settings = const_cast<config&>(programs_->rodata->settings);
    settings = {};
    settings.vtep = own.raw();
    settings.flags = CONFIG_DF | CONFIG_TOS_INHERIT | (options.ipv6 ? std::uint32_t{CONFIG_IPV6} : 0);
    if (options.vlans) settings.flags |= CONFIG_VLANS;
    if (options.routing) settings.flags |= CONFIG_ROUTING;
    settings.flags = (settings.flags | options.add_flags) & ~options.remove_flags;
    settings.tunnel_ifindex = options.tunnel_device ? t.ifindex : 0;
    if (options.nvgre) {
        settings.flags |= CONFIG_NVGRE;
        settings.nvgre_ifindex = settings.tunnel_ifindex;
    }
    settings.port = htons(4789);
    settings.ttl = 64;
    settings.tos = options.tos;
    settings.icmp_interval_ns = options.icmp_interval_ns;
    settings.icmp_burst = options.icmp_burst;
    settings.arp_interval_ns = options.arp_interval_ns;
    settings.arp_burst = options.arp_burst;
    if (int error = weft_bpf__load(programs_); error != 0) {
        if (error == -EPERM) {  // EACCES is the verifier's
            why_not = "the kernel does not let us load programs: needs CAP_BPF and CAP_NET_ADMIN";
            return false;
        }
        ADD_FAILURE() << "the programs do not load: " << strerror(-error);
        why_not = "the programs do not load";
        return false;
    }
    if (!connect("hook_tc_vlan", "from_vlan_tc") || !connect("hook_tc_resolve", "resolve_tc") ||
        !connect("hook_tc_route", "route_tc") || !connect("hook_tc_nvgre", "from_nvgre_tc"))
        return false;
    auto tables = Tables::open([&](const char* name) { return bpf_object__find_map_fd_by_name(programs_->obj, name); });
    EXPECT_TRUE(tables) << (tables ? "" : tables.error().what);
    if (!tables) return false;
    tables_ = std::make_unique<Tables>(std::move(*tables));
    auto sample = [](void* context, int, void* data, __u32) {
        static_cast<Rig*>(context)->events_.push_back(*static_cast<const event*>(data));
    };
    perf_ =
        perf_buffer__new(bpf_object__find_map_fd_by_name(programs_->obj, "events"), 16, sample, nullptr, this, nullptr);
    return perf_ != nullptr;
}

// What the programs call, as the daemon puts it into slot 0.
bool Rig::connect(const char* hook, const char* program) {
    const std::uint32_t slot = 0;
    const int fd = program_fd(program);
    const int error = bpf_map_update_elem(bpf_object__find_map_fd_by_name(programs_->obj, hook), &slot, &fd, BPF_ANY);
    EXPECT_EQ(error, 0) << hook << ": " << strerror(-error);
    return error == 0;
}

void Rig::put_hop(std::uint32_t id, const Ip& remote, std::uint32_t vni, std::uint16_t flags) {
    nexthop hop{};
    const std::uint8_t tos = options_.tos;
    // Zero in it are what the programs fill in per packet.
    const Eth ethernet{.dst = hop_mac, .src = u.mac};
    const std::uint8_t protocol = options_.nvgre ? 47 : 17;
    const Ip6 six{.src = own, .dst = remote, .traffic_class = tos, .next = protocol, .length = 0};
    const Ip4 four{.src = own, .dst = remote, .tos = tos, .protocol = protocol, .length = 0, .sum = Sum::ZERO};
    const Bytes tunnel = options_.nvgre
                             ? frame(Gre{.vsid = vni})
                             : frame(Udp{.sport = 0, .dport = 4789, .sum = Sum::ZERO, .length = 0}, Vxlan{.vni = vni});
    const Bytes header = (options_.ipv6 ? frame(ethernet, six) : frame(ethernet, four)) + tunnel;
    std::copy(header.begin(), header.end(), hop.header);
    hop.header_len = static_cast<std::uint16_t>(header.size());
    if (!options_.ipv6)
        hop.csum_base = raw_sum(cut(header, 14, 20));
    else if (!options_.nvgre)
        hop.csum_base = raw_sum(cut(header, 22, 32) + Bytes{0, 17, 0x12, 0xb5} + cut(header, 62, 8));
    hop.ifindex = u.ifindex;
    hop.flags = static_cast<std::uint16_t>(NEXTHOP_IN_USE | (options_.ipv6 ? NEXTHOP_IPV6 : 0) |
                                           (options_.nvgre ? NEXTHOP_NVGRE : 0) | flags);
    hop.mtu = 9000;
    hop.vni = network(vni);
    ASSERT_TRUE(tables_->nexthops.put(id, hop));
    const auto segment = static_cast<std::uint32_t>(vni == 5001 ? 1 : 2);
    ASSERT_TRUE(tables_->remotes.put({segment, remote.raw()}, {id}));
}

void Rig::put_segment(std::uint16_t index, std::uint32_t vni, Account account, const std::vector<std::uint32_t>& ports,
                      const std::vector<std::uint32_t>& hops) {
    segment row{};
    row.vni = network(vni);
    row.account = account;
    row.flags = static_cast<std::uint16_t>(SEGMENT_IN_USE | SEGMENT_LEARNING | own_segment_flags());
    row.mtu = 1450;
    std::uint32_t slot = 0;
    for (auto list : {&ports, &hops})
        for (auto value : *list) ASSERT_TRUE(tables_->floods.put({index, 0, slot++}, value));
    row.flood_ports = static_cast<std::uint32_t>(ports.size());
    row.flood_remotes = static_cast<std::uint32_t>(hops.size());
    ASSERT_TRUE(tables_->segments.put(index, row));
    ASSERT_TRUE(tables_->vnis.put(network(vni), index));
}

void Rig::fill_tables() {
    auto put_device = [&](const Link& link, Account account, std::uint16_t segment, std::uint16_t flags) {
        ASSERT_TRUE(tables_->devices.put(link.ifindex, {link.ifindex, account, segment, flags, 9000}));
    };
    put_device(p1, ACCOUNT_P1, 1, DEVICE_PORT | DEVICE_XDP_TX);
    put_device(p2, ACCOUNT_P2, 1, DEVICE_PORT | DEVICE_XDP_TX);
    put_device(p3, ACCOUNT_P3, 2, DEVICE_PORT | DEVICE_XDP_TX);
    put_device(u, ACCOUNT_U, 0, DEVICE_UPLINK);
    put_device(t, ACCOUNT_T, 0, 0);
    put_hop(HOP_2, remote2, 5001, NEXTHOP_RESOLVED | NEXTHOP_XDP_TX);
    put_hop(HOP_3, remote3, 5001, NEXTHOP_RESOLVED | NEXTHOP_XDP_TX);
    put_hop(HOP_2_IN_SEGMENT_2, remote2, 5002, NEXTHOP_RESOLVED | NEXTHOP_XDP_TX);
    put_segment(1, 5001, ACCOUNT_S1, {p1.ifindex, p2.ifindex}, {HOP_2, HOP_3});
    put_segment(2, 5002, ACCOUNT_S2, {p3.ifindex}, {HOP_2_IN_SEGMENT_2});
}

int Rig::program_fd(const char* name) const {
    const bpf_program* program = bpf_object__find_program_by_name(programs_->obj, name);
    return program ? bpf_program__fd(program) : -ENOENT;
}

// Of the accounts of this world, summed over CPUs.
std::vector<tally> Rig::counters() const {
    std::vector<tally> sums(std::size_t{ACCOUNTS} * MAX_VERDICTS);
    for (std::uint32_t account = 0; account < ACCOUNTS; ++account) {
        const auto per_cpu = tables_->counters.read(account);
        EXPECT_TRUE(per_cpu);
        for (const tallies& row : *per_cpu)
            for (std::size_t v = 0; v < MAX_VERDICTS; ++v) {
                tally& sum = sums[account * MAX_VERDICTS + v];
                sum.packets += row.by_verdict[v].packets;
                sum.bytes += row.by_verdict[v].bytes;
            }
    }
    return sums;
}

Outcome Rig::run(const char* program, const Bytes& in, const Link& from, const RunOptions& options) {
    const bool xdp = std::string_view(program).ends_with("_xdp");
    const auto before = counters();
    Outcome out{CONTINUE, 0, -1, Bytes(in.size() + 4096)};
    __sk_buff skb{}, left{};
    skb.ifindex = from.ifindex;
    skb.gso_size = options.gso_bytes;
    skb.cb[0] = options.circuit;
    xdp_md md{};
    md.data_end = static_cast<__u32>(in.size());
    md.ingress_ifindex = from.ifindex;
    LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = in.data(), .data_out = out.bytes.data(),
                .data_size_in = static_cast<__u32>(in.size()), .data_size_out = static_cast<__u32>(out.bytes.size()),
                .ctx_in = xdp ? static_cast<void*>(&md) : &skb, .ctx_out = xdp ? nullptr : &left,
                .ctx_size_in = static_cast<__u32>(xdp ? sizeof md : sizeof skb),
                .ctx_size_out = static_cast<__u32>(xdp ? 0 : sizeof left), .repeat = 1);
    const int error = bpf_prog_test_run_opts(program_fd(program), &opts);
    EXPECT_EQ(error, 0) << program << " on " << in.size() << " bytes: " << strerror(-error);
    out.action = static_cast<int>(opts.retval);
    out.bytes.resize(opts.data_size_out);
    out.departs_ns = left.tstamp;
    std::uint64_t packets = 0, bytes = 0;
    const auto after = counters();
    for (std::size_t i = 0; i < after.size(); ++i) {
        if (after[i].packets == before[i].packets) continue;
        out.why = static_cast<verdict>(i % MAX_VERDICTS);
        out.account = static_cast<std::uint16_t>(i / MAX_VERDICTS);
        packets += after[i].packets - before[i].packets;
        bytes += after[i].bytes - before[i].bytes;
    }
    EXPECT_EQ(packets, 1u) << "a frame leaves by one counted door";
    EXPECT_EQ(bytes, in.size());
    return out;
}

std::uint32_t Rig::cost_ns(const char* program, const Bytes& in, const Link& from) {
    std::uint32_t best = UINT32_MAX;
    for (int series = 0; series < 5; ++series) {
        __sk_buff skb{};
        skb.ifindex = from.ifindex;
        LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = in.data(), .data_size_in = static_cast<__u32>(in.size()),
                    .ctx_in = &skb, .ctx_size_in = sizeof skb, .repeat = 20000);
        EXPECT_EQ(bpf_prog_test_run_opts(program_fd(program), &opts), 0);
        best = std::min(best, opts.duration);
    }
    return best;
}

void Rig::learn_port(const Mac& mac, const Link& port, std::uint16_t segment) {
    fdb_key key{segment, {}};
    mac.copy_to(key.mac);
    ASSERT_TRUE(tables_->fdb.put(key, {port.ifindex, FDB_PORT, ORIGIN_DYNAMIC, 0, 0}));
}

void Rig::learn_remote(const Mac& mac, std::uint32_t hop, std::uint16_t segment) {
    fdb_key key{segment, {}};
    mac.copy_to(key.mac);
    ASSERT_TRUE(tables_->fdb.put(key, {hop, FDB_REMOTE, ORIGIN_DYNAMIC, 0, 0}));
}

void Rig::forget(const Mac& mac, std::uint16_t segment) {
    fdb_key key{segment, {}};
    mac.copy_to(key.mac);
    ASSERT_TRUE(tables_->fdb.erase(key));
}

void Rig::bind(const Ip& ip, const Mac& mac, std::uint8_t origin, std::uint16_t segment) {
    neighbor row{};
    mac.copy_to(row.mac);
    row.origin = origin;
    ASSERT_TRUE(tables_->neighbors.put({segment, ip.raw()}, row));
}

void Rig::unbind(const Ip& ip, std::uint16_t segment) { ASSERT_TRUE(tables_->neighbors.erase({segment, ip.raw()})); }

void Rig::set_flags(std::uint16_t segment_flags, std::uint16_t segment) {
    auto row = tables_->segments.find(segment).value().value();
    row.flags = static_cast<std::uint16_t>(SEGMENT_IN_USE | own_segment_flags() | segment_flags);
    ASSERT_TRUE(tables_->segments.put(segment, row));
}

void Rig::set_mtu(std::uint16_t mtu, std::uint16_t segment) {
    auto row = tables_->segments.find(segment).value().value();
    row.mtu = mtu;
    ASSERT_TRUE(tables_->segments.put(segment, row));
}

void Rig::set_path_mtu(std::uint32_t hop, std::uint16_t mtu) {
    auto row = tables_->nexthops.find(hop).value().value();
    row.mtu = mtu;
    ASSERT_TRUE(tables_->nexthops.put(hop, row));
}

std::vector<event> Rig::events() {
    perf_buffer__consume(perf_);
    return std::exchange(events_, {});
}

std::uint64_t Rig::counted(verdict v) {
    std::uint64_t sum = 0;
    const auto all = counters();
    for (std::size_t account = 0; account < ACCOUNTS; ++account) sum += all[account * MAX_VERDICTS + v].packets;
    return sum;
}

std::uint64_t Rig::delivered(Account account) {
    std::uint64_t sum = 0;
    const auto values = tables_->deliveries.read(account);
    EXPECT_TRUE(values);
    for (const tally& value : *values) sum += value.packets;
    return sum;
}

std::uint32_t Rig::instructions(const char* program) {
    bpf_prog_info info{};
    __u32 bytes = sizeof info;
    EXPECT_EQ(bpf_obj_get_info_by_fd(program_fd(program), &info, &bytes), 0);
    return info.verified_insns;
}

void Rig::attach_tc(const char* program, const Link& link) {
    const int fd = bpf_link_create(program_fd(program), static_cast<int>(link.ifindex),
                                   static_cast<bpf_attach_type>(TCX_INGRESS), nullptr);
    ASSERT_GE(fd, 0) << "attach " << program << " to " << link.name << ": " << strerror(errno);
    links_.emplace_back(fd);
}

void Rig::enable_xdp(const Link& link) {
    // Native XDP on a veth takes no more than a page.
    for (const std::string& device : {link.name, link.name + "x"})
        ASSERT_TRUE(sh("ip link set dev " + device + " mtu 3000"));
    const int error =
        bpf_xdp_attach(static_cast<int>(link.ifindex), program_fd("from_wire_xdp"), XDP_FLAGS_DRV_MODE, nullptr);
    ASSERT_EQ(error, 0) << strerror(-error);
}

}  // namespace weft::test

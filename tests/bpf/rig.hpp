// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// The programs on a bench: loaded without pins in a network namespace of the test process's own, with tables that hold
// one small world, and run one frame at a time with BPF_PROG_TEST_RUN. A run asserts exactly one verdict.
//
// The world: ports p1, p2 in segment 1 (VNI 5001), p3 in segment 2 (VNI 5002), uplink u, and t, which stands for the
// tunnel device. Each is one end of a veth whose far end is watched. Remotes 192.0.2.2 and .3 (2001:db8::2, ::3) in
// segment 1, .2 in segment 2; this host is .1 (::1).
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "frame.hpp"
#include "tables.hpp"

struct weft_bpf;
struct perf_buffer;

namespace weft::test {

// A raw socket on one interface: what arrives there, 802.1Q tags put back.
class Tap {
public:
    explicit Tap(const std::string& interface);
    std::vector<Bytes> take(std::size_t count);  // waits until so many are there, a second at most
    bool send(const Bytes& frame) const;
    bool last_sum_partial() const { return last_sum_partial_; }

private:
    bool receive(Bytes& into, int timeout_ms);

    Fd fd_;
    bool last_sum_partial_ = false;
};

struct Link {
    std::string name;
    std::uint32_t ifindex = 0;
    Mac mac, far_mac;
    std::unique_ptr<Tap> far;
};

enum Account : std::uint16_t {
    ACCOUNT_P1 = 1,
    ACCOUNT_P2,
    ACCOUNT_P3,
    ACCOUNT_U,
    ACCOUNT_T,
    ACCOUNT_S1,
    ACCOUNT_S2,
    ACCOUNTS
};
enum Hop : std::uint32_t { HOP_2 = 1, HOP_3 = 2, HOP_2_IN_SEGMENT_2 = 3, HOP_UNRESOLVED = 4 };

struct RigOptions {
    bool ipv6 = false;
    bool nvgre = false;                             // the segments travel by NVGRE, with 5001 and 5002 as their VSIDs
    bool vlans = true;                              // there may be circuits
    bool routing = false;                           // segments may have gateways
    std::uint32_t add_flags = 0, remove_flags = 0;  // to CONFIG_DF | CONFIG_TOS_INHERIT
    bool tunnel_device = true;
    std::uint8_t tos = 0;
    std::uint32_t icmp_interval_ns = 0, icmp_burst = 10, arp_interval_ns = 0, arp_burst = 10;  // 0: no limit
};

struct RunOptions {
    std::uint32_t gso_bytes = 0;
    std::uint32_t circuit = 0;  // for from_vlan_tc
};

struct Outcome {
    verdict why;
    std::uint16_t account;
    int action;  // what the program returned
    Bytes bytes;
    std::uint64_t departs_ns = 0;  // when the frame is due (CLOCK_MONOTONIC), 0: at once; TC only
};

std::string name_of(verdict v);

class Rig {
public:
    // Null with the reason in `why_not` where the kernel or the rights are missing.
    static std::unique_ptr<Rig> make(const RigOptions& options, std::string& why_not);
    ~Rig();

    Outcome run(const char* program, const Bytes& in, const Link& from, const RunOptions& options = {});

    Tables& tables() { return *tables_; }
    void learn_port(const Mac& mac, const Link& port, std::uint16_t segment = 1);
    void learn_remote(const Mac& mac, std::uint32_t hop, std::uint16_t segment = 1);
    void forget(const Mac& mac, std::uint16_t segment = 1);
    void bind(const Ip& ip, const Mac& mac, std::uint8_t origin = ORIGIN_DYNAMIC, std::uint16_t segment = 1);
    void unbind(const Ip& ip, std::uint16_t segment = 1);
    void set_flags(std::uint16_t segment_flags, std::uint16_t segment = 1);  // besides SEGMENT_IN_USE
    void set_mtu(std::uint16_t mtu, std::uint16_t segment = 1);
    void set_path_mtu(std::uint32_t hop, std::uint16_t mtu);                        // of outer packets
    std::vector<event> events();                                                    // those sent since the last call
    std::uint64_t counted(verdict v);                                               // so far
    std::uint64_t delivered(Account account);                                       // frames
    std::uint32_t cost_ns(const char* program, const Bytes& in, const Link& from);  // of one run, the fastest of some
    std::uint32_t instructions(const char* program);                                // that the verifier processed

    void attach_tc(const char* program, const Link& link);  // for tests that need a real skb; goes with the rig
    void enable_xdp(const Link& link);  // XDP runs need a device that has a program; it sees no traffic

    Link p1, p2, p3, u, t;
    Ip own, remote2, remote3, stranger;
    Mac hop_mac;  // of the underlay's router, where all next hops lead

private:
    Rig() = default;
    bool load(const RigOptions& options, std::string& why_not);
    bool build_links(bool ipv6);
    void fill_tables();
    void put_hop(std::uint32_t id, const Ip& remote, std::uint32_t vni, std::uint16_t flags);
    void put_segment(std::uint16_t index, std::uint32_t vni, Account account, const std::vector<std::uint32_t>& ports,
                     const std::vector<std::uint32_t>& hops);
    std::uint32_t network(std::uint32_t vni) const { return options_.nvgre ? vni | VSID : vni; }
    int own_segment_flags() const { return options_.nvgre ? int{SEGMENT_NVGRE} : 0; }
    int program_fd(const char* name) const;
    bool connect(const char* hook, const char* program);
    std::vector<tally> counters() const;

    weft_bpf* programs_ = nullptr;
    perf_buffer* perf_ = nullptr;
    std::unique_ptr<Tables> tables_;
    std::vector<event> events_;
    std::vector<Fd> links_;
    RigOptions options_;
};

std::uint16_t field16(const Bytes& bytes, std::size_t at);

}  // namespace weft::test

// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// The eBPF side as one object: load or adopt the pinned programs and maps of an instance, switch generations, put the
// stubs on interfaces and take them off. What is attached is a stub per hook that tail-calls slot 0 of its pinned
// PROG_ARRAY, so an upgrade is one map write. Knows no configuration document.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "attach_tc.hpp"
#include "hook_choice.hpp"
#include "links.hpp"
#include "model.hpp"
#include "result.hpp"
#include "tables.hpp"

namespace weft {

// How an interface is served and why; what `weft port show` and `weft uplink show` print.
struct Attachment {
    Hook hook = Hook::Tc;  // Xdp, XdpGeneric or Tc: what is attached (TC always is, too)
    std::string reason;    // one clause: "veth: XDP would lose the guest's checksum and segmentation offload"
    std::vector<std::string> warnings;  // offloads that must be off at the far end, a foreign XDP program by name, …
    bool xdp_tx = false;                // an XDP redirect into it reaches the far end; probed again at each attach()
    std::optional<Mac> guest_mac;       // of the far end of a veth, where it can be seen
    bool peer_redirect = false;  // TC may skip the veth pair (DEVICE_PEER): the far end is up, elsewhere, without XDP
    bool operator==(const Attachment&) const = default;
};

class Datapath {
public:
    // Loads the programs with `settings` in .rodata over the pinned maps of /sys/fs/bpf/weft/<instance>/v<ABI>/, or
    // adopts what is there (migrating from another ABI version). Needs CAP_BPF, CAP_NET_ADMIN, CAP_PERFMON and a bpffs.
    // Errors say what to do: no root, no bpffs, kernel too old, BTF missing.
    static Result<> require_host();  // what of this can be told before anything is changed
    struct Options {
        std::uint32_t abi_version = ABI_VERSION;  // another one: tests of the migration
        TcMethod tc = TcMethod::Best;
    };
    static Result<Datapath> open(const std::string& instance, const config& settings);
    static Result<Datapath> open(const std::string& instance, const config& settings, const Options& options);
    Datapath(Datapath&&) noexcept;
    Datapath& operator=(Datapath&&) noexcept;
    ~Datapath();

    // Other settings (VTEP, limits, tunnel device): a new generation is loaded and slot 0 of each hook switched.
    Result<> configure(const config& settings);

    // A frame that did not come by an interface goes the way of those that did (from_host_tc). ifindex: where one that
    // waited once came in; the port that one of this host's own is not for; 0: none. EINVAL above what the kernel's
    // test run takes, HELD_BYTES at least.
    Result<> send_as_host(std::span<const std::uint8_t> frame, const frame_facts& facts, std::uint32_t ifindex);

    Tables& tables();
    int events_fd() const;  // the pinned PERF_EVENT_ARRAY

    // Idempotent: what is already ours and right stays untouched (no flap). Where XDP cannot be had (a foreign program,
    // the driver, the MTU) the interface is served by TC and the reason says why.
    Result<Attachment> attach(const Link& link, Role role, Hook wanted);
    Result<> detach(std::uint32_t ifindex);
    Result<> attach_tunnel(const Link& vxlan);
    // Whether an attached NIC carries VLANs for MACs other than its own: promiscuous then, and without VLAN filters.
    Result<> carry_vlans(const Link& nic, bool carries);
    // The lease program on an uplink by which VRRP advertisements leave, where a bridge is elected. Idempotent; goes
    // with detach() too.
    Result<> attach_lease(const Link& uplink);
    Result<> detach_lease(std::uint32_t ifindex);
    // Rows of interfaces that vanished or belong to another netns are cleaned.
    Result<> forget_missing(const Links& links);

    // weftd --detach: every trace of the instance. False if there was nothing. EPERM from another netns.
    static Result<bool> remove(const std::string& instance);
    // weftd --attach: the part that needs CAP_SYS_ADMIN: bpffs mounted, uplinks through libxdp's dispatcher.
    static Result<> attach_privileged(const std::string& instance, const config& settings,
                                      const std::vector<Uplink>& uplinks);

private:
    struct State;
    explicit Datapath(std::unique_ptr<State> state);
    std::unique_ptr<State> state_;
};

}  // namespace weft

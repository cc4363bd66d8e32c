// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// What is attached to interfaces, once: each stub tail-calls slot 0 of its own pinned PROG_ARRAY, so that an upgrade is
// one map write. An empty slot counts and passes the frame on, but for the tunnel device: what its packets carry is not
// for this host's stack.
#include <linux/bpf.h>
#include <linux/pkt_cls.h>

#include <bpf/bpf_helpers.h>

#include "hooks.h"

static __always_inline void count_miss(__u32 hook)
{
	__u64 *misses = bpf_map_lookup_elem(&stub_misses, &hook);

	if (misses)
		(*misses)++;
}

#define STUB(section, name, context, hook, otherwise)                                                                 \
	SEC(section)                                                                                                   \
	int stub_##name(context *ctx)                                                                                  \
	{                                                                                                              \
		bpf_tail_call(ctx, &hook_##name, 0);                                                                   \
		count_miss(hook);                                                                                      \
		return otherwise;                                                                                      \
	}

STUB("xdp", xdp_wire, struct xdp_md, HOOK_XDP_WIRE, XDP_PASS)
STUB("tc", tc_wire, struct __sk_buff, HOOK_TC_WIRE, TC_ACT_UNSPEC)
STUB("xdp", xdp_port, struct xdp_md, HOOK_XDP_PORT, XDP_PASS)
STUB("tc", tc_port, struct __sk_buff, HOOK_TC_PORT, TC_ACT_UNSPEC)
STUB("tc", tc_tunnel, struct __sk_buff, HOOK_TC_TUNNEL, TC_ACT_SHOT)
STUB("tc", tc_vlan, struct __sk_buff, HOOK_TC_VLAN, TC_ACT_UNSPEC)
STUB("tc", tc_resolve, struct __sk_buff, HOOK_TC_RESOLVE, TC_ACT_SHOT)
STUB("tc", tc_route, struct __sk_buff, HOOK_TC_ROUTE, TC_ACT_SHOT)
STUB("tc", tc_host, struct __sk_buff, HOOK_TC_HOST, TC_ACT_SHOT)
STUB("tc", tc_vrrp, struct __sk_buff, HOOK_TC_VRRP, TC_ACT_UNSPEC)
STUB("tc", tc_nvgre, struct __sk_buff, HOOK_TC_NVGRE, TC_ACT_UNSPEC)

char LICENSE[] SEC("license") = "Dual BSD/GPL";

/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The instance's vxlan device and its gretap, TC only: what they decapsulated, and frames that only the kernel can
 * encapsulate. The tunnel key needs BPF_F_TUNINFO_IPV6 exactly when the tunnel is IPv6.
 */
#ifndef WEFT_TUNNEL_H
#define WEFT_TUNNEL_H

#include "encap.h"
#include "lookup.h"
#include "report.h"

static __always_inline __u64 tunnel_family_flag(void)
{
	return underlay_is_ipv6() ? BPF_F_TUNINFO_IPV6 : 0;
}

/* nexthop.header ends an address at an odd multiple of two bytes. */
static __always_inline __be32 header_word(const struct nexthop *hop, __u32 offset)
{
	const __u16 *at = (const __u16 *)(hop->header + offset);
	const __u16 words[2] __attribute__((aligned(4))) = {at[0], at[1]};

	return *(const __be32 *)words;
}

static __always_inline void fill_tunnel_key(struct bpf_tunnel_key *key, const struct nexthop *hop)
{
	const __be32 *vtep = (const __be32 *)settings.vtep.bytes;
	int i;

	key->tunnel_id = hop->vni;
	key->tunnel_ttl = settings.ttl;
	if (!underlay_is_ipv6()) {
		key->remote_ipv4 = bpf_ntohl(header_word(hop, HEADER4_DESTINATION));
		key->local_ipv4 = bpf_ntohl(vtep[3]);
		return;
	}
	UNROLL
	for (i = 0; i < 4; i++) {
		key->remote_ipv6[i] = header_word(hop, HEADER6_DESTINATION + 4 * i);
		key->local_ipv6[i] = vtep[i];
	}
}

/* The FlowID of the frame in hand. A function of its own for the verifier. */
__weak __noinline int flow_of(struct __sk_buff *skb)
{
	struct frame f = {.ctx = skb};

	frame_refresh(&f);
	return flow_id(f.data, f.end);
}

/* A key is 32 bits to the kernel's GRE, 24 of which are the VSID. */
static __always_inline __u32 nvgre_key(struct __sk_buff *skb, const struct nexthop *hop)
{
	return (hop->vni & NETWORK_NUMBER_MASK) << 8 | (flow_of(skb) & 0xff);
}

static __always_inline __u32 device_towards(const struct nexthop *hop)
{
	return is_nvgre(hop) ? settings.nvgre_ifindex : settings.tunnel_ifindex;
}

/* The kernel adds the inner ECN itself. */
static __always_inline __u8 tunnel_tos(const struct frame *f)
{
	return settings.flags & CONFIG_TOS_INHERIT ? inner_tos(f->data, f->end) & ~ECN_MASK : settings.tos;
}

/* A function of its own, so that its key is not on the stack of all that a frame may meet. */
static __noinline int set_tunnel_key(struct __sk_buff *skb, const struct nexthop *hop, __u8 tos)
{
	struct bpf_tunnel_key key = {.tunnel_tos = tos};
	__u64 flags = tunnel_family_flag();

	fill_tunnel_key(&key, hop);
	if (is_nvgre(hop))
		key.tunnel_id = nvgre_key(skb, hop);
	if (is_nvgre(hop) || !wants_full_checksum())
		flags |= BPF_F_ZERO_CSUM_TX;
	if (settings.flags & CONFIG_DF)
		flags |= BPF_F_DONT_FRAGMENT;
	return bpf_skb_set_tunnel_key(skb, &key, sizeof(key), flags) ? -1 : 0;
}

/* Asks the daemon to have the kernel resolve a next hop. */
__weak __noinline int want_nexthop(struct __sk_buff *skb, __u32 segment, __u32 id)
{
	struct event e = {.type = EVENT_RESOLVE, .segment = segment, .ifindex = skb->ifindex, .nexthop = id};

	return send_unless_recent(skb, &e, id);
}

static __always_inline int is_sendable(const struct nexthop *hop)
{
	return (hop->flags & (NEXTHOP_RESOLVED | NEXTHOP_DEVICE)) == NEXTHOP_RESOLVED;
}

/* How a frame ends whose next hop only the tunnel device reaches, when there is none. */
static __always_inline enum verdict no_tunnel(const struct nexthop *hop)
{
	return hop->flags & (NEXTHOP_RESOLVED | NEXTHOP_DEVICE) ? DROP_NO_TUNNEL : DROP_UNRESOLVED;
}

static __always_inline __must_check enum verdict send_by_device(struct frame *f, const struct nexthop *hop)
{
	__u32 device = device_towards(hop);

	if (!device)
		return no_tunnel(hop);
	if (set_tunnel_key(f->ctx, hop, tunnel_tos(f)))
		return DROP_NO_ROOM;
	send_to(f, device);
	return TX_REMOTE_DEVICE;
}

#endif

// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// What the kernel decapsulated on the instance's vxlan device or its gretap: GSO frames, reassembled fragments, outer IP options. None
// of it is for this host's own stack, so no verdict here passes.
#include "hook_tc.h"

#include "bridge.h"
#include "tunnel.h"

/* What loader/probe sends itself by this way: no segment has its VNI, and no bridge forwards its destination. */
static __always_inline int is_self_check(const struct frame *f)
{
	const struct ethernet_header *ethernet = f->data;

	return (void *)(ethernet + 1) <= f->end && is_link_local_mac(ethernet->destination) &&
	       ethernet->protocol == bpf_htons(CHECK_PROTOCOL);
}

static __always_inline int is_from_gretap(const struct frame *f)
{
	return has_nvgre() && f->ifindex == settings.nvgre_ifindex;
}

/* The kernel's GRE has taken any; RFC 7637 §3.2 wants a key alone, and no tag inside. The key's flags are TUNNEL_* there. */
static __always_inline __must_check enum verdict check_gre(const struct frame *f, const struct bpf_tunnel_key *key)
{
	const __be16 key_flag = bpf_htons(4), flags = bpf_htons(1 | 2 | 4 | 8); /* checksum, routing, key, sequence number */

	if ((key->tunnel_flags & flags) != key_flag)
		return DROP_NVGRE_HEADER;
	return has_tag(f) ? DROP_VLAN : CONTINUE;
}

/* The sender and segment of a frame that came out of a tunnel device. Its key is on a stack of its own. */
static __noinline __must_check enum verdict accept_tunnel(struct frame *f, const struct segment **seg)
{
	__u64 flags = tunnel_family_flag();
	struct bpf_tunnel_key key = {};
	enum verdict v;

	if (is_from_gretap(f))
		flags |= BPF_F_TUNINFO_FLAGS;
	if (bpf_skb_get_tunnel_key(f->ctx, &key, sizeof(key), flags))
		return DROP_UNKNOWN_SOURCE;
	if (is_from_gretap(f)) {
		v = check_gre(f, &key);
		if (v)
			return v;
		key.tunnel_id = VSID | key.tunnel_id >> 8;
	}
	if (key.tunnel_id == CHECK_VNI)
		return is_self_check(f) ? DROP_SELF_CHECK : DROP_UNKNOWN_VNI;
	if (underlay_is_ipv6())
		address_from6(&f->source, key.remote_ipv6);
	else
		address_from4(&f->source, bpf_htonl(key.remote_ipv4));
	f->flags |= FRAME_FROM_REMOTE;
	if (is_vtep(&settings, &f->source))
		return DROP_OWN_SOURCE;
	return find_sender(f, key.tunnel_id, seg);
}

SEC("tc")
int from_tunnel_tc(struct __sk_buff *skb)
{
	const struct segment *seg;
	enum verdict v;
	struct frame f;

	frame_open(&f, skb);
	v = accept_tunnel(&f, &seg);
	if (v == CONTINUE)
		v = from_remote(&f, seg);
	return leave(&f, v);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";

// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// What the kernel decapsulated on the instance's vxlan device: GSO frames, reassembled fragments, outer IP options. None
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

/* The sender and segment of a frame that came out of the tunnel device. Its key is on a stack of its own. */
static __noinline __must_check enum verdict accept_tunnel(struct frame *f, const struct segment **seg)
{
	struct bpf_tunnel_key key = {};

	if (bpf_skb_get_tunnel_key(f->ctx, &key, sizeof(key), tunnel_family_flag()))
		return DROP_UNKNOWN_SOURCE;
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

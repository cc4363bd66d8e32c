/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * ARP and ND, which the other programs hand over: learned from, answered where the segment's mode or its gateway has the
 * answer, else carried like any frame.
 */
#ifndef WEFT_RESOLUTION_H
#define WEFT_RESOLUTION_H

#include "arp.h"
#include "bridge.h"
#include "nd.h"

/* gateway: null where the segment has none. TX_ARP_REPLY and TX_ND_REPLY: the frame has become the answer. */
static __always_inline __must_check enum verdict resolve_for_port(struct frame *f, const struct segment *seg,
								  const struct gateway *gateway)
{
	if (f->protocol == bpf_htons(ETH_P_ARP))
		return arp_from_port(f, seg, gateway);
	return nd_from_port(f, seg, gateway);
}

static __always_inline __must_check enum verdict resolve_for_remote(struct frame *f, const struct segment *seg,
								    const struct gateway *gateway)
{
	if (f->protocol == bpf_htons(ETH_P_ARP))
		return arp_from_remote(f, seg, gateway);
	return nd_from_remote(f, seg, gateway);
}

static __always_inline int is_answer(enum verdict v)
{
	return v == TX_ARP_REPLY || v == TX_ND_REPLY;
}

/*
 * An answer of a guest becomes one of the gateway (RFC 826's sender, and the target link-layer address of an advertisement
 * with that option alone, whose sum follows by RFC 1624). It is addressed to the gateway already. A function of its own for
 * its stack's sake.
 */
static __noinline int speak_as_gateway(struct frame *f, const struct gateway *gateway)
{
	enum { NA_CHECK = ETHERNET_BYTES + IPV6_BYTES + 2, NA_MAC = ETHERNET_BYTES + IPV6_BYTES + sizeof(struct nd_header) + 2 };
	struct nd_patch {
		__u16 mac[3];
		__u16 check;
	} was, is;
	__u64 sum;

	if (f->protocol == bpf_htons(ETH_P_ARP)) {
		if (frame_store(f, ETHERNET_BYTES + sizeof(struct arp_header), gateway->mac, 6))
			return -1;
		return frame_store(f, 6, gateway->mac, 6);
	}
	if (bpf_skb_load_bytes(f->ctx, NA_MAC, was.mac, 6) || bpf_skb_load_bytes(f->ctx, NA_CHECK, &was.check, 2))
		return -1;
	copy_mac(is.mac, gateway->mac);
	sum = (__u16)~was.check;
	sum += (__u16)~was.mac[0] + (__u64)(__u16)~was.mac[1] + (__u16)~was.mac[2];
	is.check = ~fold(sum + is.mac[0] + is.mac[1] + is.mac[2]);
	if (frame_store(f, NA_MAC, is.mac, 6) || frame_store(f, NA_CHECK, &is.check, 2))
		return -1;
	return frame_store(f, 6, gateway->mac, 6);
}

static __always_inline __must_check enum verdict resolution(struct frame *f)
{
	int from_port = !(f->flags & (FRAME_FROM_REMOTE | FRAME_FROM_VLAN));
	struct scratch *scratch = scratch_of_cpu();
	const struct gateway *gateway;
	const struct segment *seg;
	enum verdict v;

	v = find_segment(f->segment, &seg);
	if (v)
		return v;
	if (!scratch)
		return DROP_NO_ROOM;
	f->source = scratch->source;
	if (f->protocol == bpf_htons(ETH_P_IPV6))
		frame_pull(f, HEADER_PULL_BYTES); /* ND messages are read whole, with their options */
	gateway = gateway_of(seg, f->segment);
	v = from_port ? resolve_for_port(f, seg, gateway) : resolve_for_remote(f, seg, gateway);
	if (is_answer(v))
		return return_to_sender(f, v);
	if (gateway && f->flags & FRAME_ANSWER && !(f->flags & FRAME_FROM_REMOTE)) {
		if (is_proxy(gateway) && speak_as_gateway(f, gateway))
			return DROP_NO_ROOM;
		relay(f->ctx, &scratch->sender);
		return DROP_FOR_GATEWAY;
	}
	if (v)
		return v;
	if (gateway && is_to_gateway(f, gateway))
		return DROP_FOR_GATEWAY;
	return f->flags & FRAME_FROM_REMOTE ? deliver(f, seg) : forward(f, seg);
}

#endif

/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* What a super-frame becomes on the wire, TC only: the length of its packets and of all of them together. */
#ifndef WEFT_SIZES_H
#define WEFT_SIZES_H

#include "packet.h"

/* L4 header bytes; what segments is TCP or UDP. */
static __always_inline __u32 l4_header_bytes(struct cursor *c, __u8 protocol)
{
	const __u8 *l4;

	if (protocol != PROTOCOL_TCP)
		return UDP_BYTES;
	l4 = (const __u8 *)take(c, 13);
	return l4 ? (l4[12] >> 4) * 4 : 20;
}

/* L3 and L4 headers that each packet of a super-frame has, 0 if it cannot be told. */
static __always_inline __u32 packet_header_bytes(const struct frame *f)
{
	struct cursor c = {(const __u8 *)f->data + ETHERNET_BYTES, (const __u8 *)f->end};
	const struct ipv6_header *ip6;
	const struct ipv4_header *ip4;

	if (f->ctx->protocol == bpf_htons(ETH_P_IP)) {
		ip4 = take_ipv4(&c);
		if (!ip4 || !skip_ipv4_options(&c, ip4))
			return 0;
		return ipv4_header_bytes(ip4) + l4_header_bytes(&c, ip4->protocol);
	}
	ip6 = take_ipv6(&c);
	return ip6 ? IPV6_BYTES + l4_header_bytes(&c, ip6->next_header) : 0;
}

/* The largest L3 packet the frame is, or will be cut into. */
static __always_inline __u32 packet_bytes(const struct frame *f)
{
	__u32 headers = f->ctx->gso_size ? packet_header_bytes(f) : 0;

	return headers ? headers + f->ctx->gso_size : f->ctx->len - ETHERNET_BYTES;
}

/* The bytes of all frames that this one becomes. */
static __always_inline __u32 wire_bytes(const struct frame *f)
{
	__u32 bytes = f->ctx->len, segments = f->ctx->gso_segs;

	if (!f->ctx->gso_size || segments < 2)
		return bytes;
	return bytes + (segments - 1) * (ETHERNET_BYTES + packet_header_bytes(f));
}

#endif

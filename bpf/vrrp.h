/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * VRRP advertisements (RFC 5798 §5.2, RFC 3768 §5.3), which keepalived sends while it is master. Bytes in, an answer
 * out: no helper and no map, as in classify.h.
 */
#ifndef WEFT_VRRP_H
#define WEFT_VRRP_H

#include "abi.h"
#include "parse.h"

struct vrrp_header {
	__u8 version_type;
	__u8 router_id;
	__u8 priority;  /* 0: the master resigns */
	__u8 addresses; /* how many follow */
	__be16 timer;
	__be16 check;
} WIRE;

enum {
	PROTOCOL_VRRP = 112,
	VRRP_BYTES = 8,
	VRRP2_ADVERTISEMENT = 0x21, /* version and type */
	VRRP3_ADVERTISEMENT = 0x31,
};

/* `own` are the words of a struct ip_address. */
static __always_inline int is_ipv4_source(const struct ipv4_header *ip, const volatile __be32 *own)
{
	return own[3] == ip->source && own[2] == bpf_htonl(0xffff) && !own[1] && !own[0];
}

static __always_inline int is_ipv6_source(const struct ipv6_header *ip, const volatile __be32 *own)
{
	return own[3] == ip->source[3] && own[2] == ip->source[2] && own[1] == ip->source[1] &&
	       own[0] == ip->source[0];
}

/* At the cursor, of `bytes` by the IP header. Whole, of a version and type that renew a lease. */
static __always_inline const struct vrrp_header *take_vrrp(struct cursor *c, __u32 bytes, __u32 address_bytes)
{
	const struct vrrp_header *vrrp = (const struct vrrp_header *)take(c, sizeof(struct vrrp_header));
	__u32 needed;

	if (!vrrp || !vrrp->router_id)
		return 0;
	if (vrrp->version_type != VRRP3_ADVERTISEMENT &&
	    (vrrp->version_type != VRRP2_ADVERTISEMENT || address_bytes != 4))
		return 0;
	needed = vrrp->addresses * address_bytes;
	if (bytes < VRRP_BYTES + needed || !take(c, needed))
		return 0;
	return vrrp;
}

static __always_inline const struct vrrp_header *ipv4_advertisement(struct cursor *c, const volatile __be32 *own)
{
	const struct ipv4_header *ip = take_ipv4(c);
	__u32 header, total;

	if (!ip || ip->protocol != PROTOCOL_VRRP || !is_ipv4_source(ip, own))
		return 0;
	header = ipv4_header_bytes(ip);
	total = bpf_ntohs(ip->total_bytes);
	if (ip->version_length >> 4 != 4 || ipv4_is_fragment(ip) || !skip_ipv4_options(c, ip) || total < header)
		return 0;
	return take_vrrp(c, total - header, 4);
}

/* Extension headers are nothing keepalived sends, a fragment header among them. */
static __always_inline const struct vrrp_header *ipv6_advertisement(struct cursor *c, const volatile __be32 *own)
{
	const struct ipv6_header *ip = take_ipv6(c);

	if (!ip || ip->next_header != PROTOCOL_VRRP || !is_ipv6_source(ip, own))
		return 0;
	return take_vrrp(c, bpf_ntohs(ip->payload_bytes), 16);
}

/* The advertisement in a frame from address `own`, null if it is none. */
static __always_inline const struct vrrp_header *find_advertisement(const void *data, const void *end,
								    const volatile __be32 *own)
{
	struct cursor c = {.at = (const __u8 *)data, .end = (const __u8 *)end};
	const struct ethernet_header *ethernet = take_ethernet(&c);
	__be16 protocol;

	if (!ethernet)
		return 0;
	protocol = skip_tags(&c, ethernet->protocol);
	if (protocol == bpf_htons(ETH_P_IP))
		return ipv4_advertisement(&c, own);
	return protocol == bpf_htons(ETH_P_IPV6) ? ipv6_advertisement(&c, own) : 0;
}

#endif

/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Headers as they lie on the wire, and cursor parsers over them: each takes the header at the cursor if all of it is
 * there and moves on, or gives null. No helper, no map: the same text builds natively for the tests, the fuzzers and
 * the daemon.
 */
#ifndef WEFT_PARSE_H
#define WEFT_PARSE_H

#include <linux/if_ether.h>
#include <linux/types.h>

#include <bpf/bpf_endian.h>

/* IP headers behind Ethernet are not aligned. The kernel's BPF takes such loads; clang would split them if told so. */
#ifdef __bpf__
#define WIRE   __attribute__((may_alias))
#define UNROLL _Pragma("unroll")
#else
#define WIRE __attribute__((packed, may_alias))
#define UNROLL
#endif

struct ethernet_header {
	__u8 destination[6];
	__u8 source[6];
	__be16 protocol;
} WIRE;

struct vlan_header {
	__be16 tci;
	__be16 protocol;
} WIRE;

struct ipv4_header {
	__u8 version_length;
	__u8 tos;
	__be16 total_bytes;
	__be16 id;
	__be16 fragment;
	__u8 ttl;
	__u8 protocol;
	__be16 check;
	__be32 source;
	__be32 destination;
} WIRE;

struct ipv6_header {
	__be32 version_class_label;
	__be16 payload_bytes;
	__u8 next_header;
	__u8 hop_limit;
	__be32 source[4];
	__be32 destination[4];
} WIRE;

struct udp_header {
	__be16 source;
	__be16 destination;
	__be16 bytes;
	__be16 check;
} WIRE;

struct vxlan_header {
	__be32 flags;
	__be32 vni; /* upper 24 bits */
} WIRE;

struct gre_header {
	__be16 flags; /* and version */
	__be16 protocol;
	__be32 key;   /* NVGRE: VSID in the upper 24 bits, FlowID */
} WIRE;

struct ports_header {
	__be32 both;
} WIRE;

enum {
	IPV4_BYTES = 20,
	IPV6_BYTES = 40,
	UDP_BYTES = 8,
	VXLAN_BYTES = 8,
	IPV4_MORE_FRAGMENTS = 0x2000,
	IPV4_OFFSET_MASK = 0x1fff,
	VXLAN_FLAG_VNI = 0x08000000,
	GRE_BYTES = 8,            /* with a key and nothing else */
	GRE_CHECKSUM = 0x8000,    /* RFC 2784, RFC 2890: four bytes more in front of the key, */
	GRE_ROUTING = 0x4000,     /* as with RFC 1701's routing, */
	GRE_KEY = 0x2000,
	GRE_SEQUENCE = 0x1000,    /* and four behind it */
	GRE_MUST_BE_ZERO = 0xdc00, /* RFC 7637 §3.2: no checksum, no sequence number; RFC 2784 §2.3: bits 1, 4 and 5 */
	GRE_RESERVED = 0x03f8,
	GRE_VERSION = 0x0007,
	VLAN_ID_MASK = 0x0fff,
	MAX_TAGS = 2,
	PROTOCOL_HOP_BY_HOP = 0, /* IP protocol numbers; <linux/in.h> and <netinet/in.h> do not go together in user space */
	PROTOCOL_ICMP = 1,
	PROTOCOL_TCP = 6,
	PROTOCOL_UDP = 17,
	PROTOCOL_ROUTING = 43,
	PROTOCOL_FRAGMENT = 44,
	PROTOCOL_GRE = 47,
	PROTOCOL_ICMP6 = 58,
	PROTOCOL_DESTINATION = 60,
	PROTOCOL_SCTP = 132,
	ICMP6_ROUTER_SOLICITATION = 133, /* first and last of the ND types, RFC 4861 §4 */
	ICMP6_REDIRECT = 137,
};

struct cursor {
	const __u8 *at;
	const __u8 *end;
};

/* Null unless `bytes` of it are there. */
static __always_inline const void *take(struct cursor *c, __u32 bytes)
{
	const __u8 *at = c->at;

	if (at + bytes > c->end)
		return 0;
	c->at = at + bytes;
	return at;
}

static __always_inline const struct ethernet_header *take_ethernet(struct cursor *c)
{
	return (const struct ethernet_header *)take(c, sizeof(struct ethernet_header));
}

static __always_inline const struct vlan_header *take_vlan(struct cursor *c)
{
	return (const struct vlan_header *)take(c, sizeof(struct vlan_header));
}

static __always_inline const struct ipv6_header *take_ipv6(struct cursor *c)
{
	return (const struct ipv6_header *)take(c, sizeof(struct ipv6_header));
}

static __always_inline const struct udp_header *take_udp(struct cursor *c)
{
	return (const struct udp_header *)take(c, sizeof(struct udp_header));
}

static __always_inline const struct vxlan_header *take_vxlan(struct cursor *c)
{
	return (const struct vxlan_header *)take(c, sizeof(struct vxlan_header));
}

static __always_inline const struct gre_header *take_gre(struct cursor *c)
{
	return (const struct gre_header *)take(c, sizeof(struct gre_header));
}

/* The fixed part; options are skipped with skip_ipv4_options(). */
static __always_inline const struct ipv4_header *take_ipv4(struct cursor *c)
{
	return (const struct ipv4_header *)take(c, sizeof(struct ipv4_header));
}

static __always_inline int ipv4_header_bytes(const struct ipv4_header *ip)
{
	return (ip->version_length & 0xf) * 4;
}

/* 0 if the length field is nonsense or the options do not fit. */
static __always_inline int skip_ipv4_options(struct cursor *c, const struct ipv4_header *ip)
{
	__u32 bytes = ipv4_header_bytes(ip);

	if (bytes < IPV4_BYTES)
		return 0;
	/* From its start on: the difference, spilled, has no lower bound for the verifier of Linux 6.1. */
	c->at = (const __u8 *)ip;
	return take(c, bytes) != 0;
}

static __always_inline int ipv4_is_fragment(const struct ipv4_header *ip)
{
	return (ip->fragment & bpf_htons(IPV4_MORE_FRAGMENTS | IPV4_OFFSET_MASK)) != 0;
}

static __always_inline int is_vlan(__be16 protocol)
{
	return protocol == bpf_htons(ETH_P_8021Q) || protocol == bpf_htons(ETH_P_8021AD);
}

/* Over up to MAX_TAGS tags: the EtherType behind them, which is a tag's own if there are more or the frame ends. */
static __always_inline __be16 skip_tags(struct cursor *c, __be16 protocol)
{
	int i;

	UNROLL
	for (i = 0; i < MAX_TAGS; i++) {
		const struct vlan_header *tag;

		if (!is_vlan(protocol))
			break;
		tag = take_vlan(c);
		if (!tag)
			break;
		protocol = tag->protocol;
	}
	return protocol;
}

#endif

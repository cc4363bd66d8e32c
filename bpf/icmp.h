/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The MTU towards remotes: the segment's, or what the path to one remote leaves. What exceeds it never becomes outer
 * fragments: its sender is told with an ICMP error from this host (RFC 1191, RFC 8201), that goes back out of the port.
 * TC's; XDP hands such frames up.
 *
 * The error is written over the frame, which may be a super-frame in pages with a partial checksum. The kernel refuses to
 * cut one below its checksum field and would later "complete" the quoted packet, so the frame's front is taken off until
 * it holds no such field any more; then it is an ordinary short frame, which is filled from scratch memory.
 */
#ifndef WEFT_ICMP_H
#define WEFT_ICMP_H

#include "checksum.h"
#include "limit.h"
#include "parse_nd.h"
#include "sizes.h"

enum {
	ICMP_BYTES = 8,
	ICMP4_UNREACHABLE = 3,
	ICMP4_FRAGMENTATION_NEEDED = 4,
	ICMP6_TOO_BIG = 2,
	ICMP6_INFORMATIONAL = 128, /* types from here on are no errors */

	QUOTE4_BYTES_MAX = 576 - IPV4_BYTES - ICMP_BYTES,  /* RFC 1812 §4.3.2.3 */
	QUOTE6_BYTES = 1280 - IPV6_BYTES - ICMP_BYTES,     /* RFC 4443 §3.2; a packet too big for 1280 has them */
	MTU4_MIN = 576 - VXLAN4_OVERHEAD_BYTES + 1,        /* below, the path is no use for tunnels, and an error a trap */
	MTU6_MIN = 1280,
	ERROR_TTL = 64,
	ERROR_TOS = 0xc0,       /* internetwork control, RFC 1812 §4.3.2.5 */
	CUT_FRONT_BYTES = 256,  /* more than lies in front of any L4 header we quote */
	PIECE_BYTES = 512,      /* for bpf_csum_diff; see SUM_CHUNK_BYTES */
};

struct icmp_header {
	__u8 type;
	__u8 code;
	__be16 check;
	__be32 mtu; /* ICMPv4: the upper half is unused */
} WIRE;

/* In scratch memory: the error as it goes out, behind the Ethernet header. */
struct error4 {
	struct ipv4_header ip;
	struct icmp_header icmp;
	__u8 quote[QUOTE4_BYTES_MAX];
} WIRE;

struct error6 {
	struct ipv6_header ip;
	struct icmp_header icmp;
	__u8 quote[QUOTE6_BYTES];
} WIRE;
_Static_assert(sizeof(struct error4) == 576, "RFC 1812 §4.3.2.3");
_Static_assert(sizeof(struct error6) == 1280, "RFC 4443 §3.2");

/* Echo and the like get an error; errors never beget one (RFC 1122 §3.2.2). */
static __always_inline int is_icmp4_error(__u8 type)
{
	return type == 3 || type == 4 || type == 5 || type == 11 || type == 12;
}

/* 0/8, loopback, multicast, reserved and broadcast: nobody to answer. */
static __always_inline int is_host4(__be32 address)
{
	__u8 first = bpf_ntohl(address) >> 24;

	return first != 0 && first != 127 && first < 224;
}

static __always_inline int deserves_error4(const void *data, const void *end, __u32 mtu)
{
	struct cursor c = {(const __u8 *)data + ETHERNET_BYTES, (const __u8 *)end};
	const struct ipv4_header *ip = take_ipv4(&c);
	const __u8 *type;

	if (!ip || mtu < MTU4_MIN || ip->version_length >> 4 != 4)
		return 0;
	if (!(ip->fragment & bpf_htons(0x4000)) || (ip->fragment & bpf_htons(IPV4_OFFSET_MASK)))
		return 0;
	if (!is_host4(ip->source) || bpf_ntohl(ip->destination) >> 28 >= 14)
		return 0;
	if (ip->protocol != PROTOCOL_ICMP)
		return 1;
	if (!skip_ipv4_options(&c, ip))
		return 0;
	type = (const __u8 *)take(&c, 1);
	return type && !is_icmp4_error(*type);
}

static __always_inline int deserves_error6(const void *data, const void *end, __u32 mtu)
{
	struct cursor c = {(const __u8 *)data + ETHERNET_BYTES, (const __u8 *)end};
	const struct ipv6_header *ip = take_ipv6(&c);
	struct ip_address source, destination;
	const __u8 *type;

	if (!ip || mtu < MTU6_MIN)
		return 0;
	address_from6(&source, ip->source);
	address_from6(&destination, ip->destination);
	if (is_multicast6(&source) || is_multicast6(&destination) || is_low_address6(&source))
		return 0;
	/* A fragment's offset is in bits 3 to 15 of its third and fourth bytes. */
	if (ip->next_header == PROTOCOL_FRAGMENT) {
		type = (const __u8 *)take(&c, 4);
		return type && !type[2] && !(type[3] & 0xf8);
	}
	if (ip->next_header != PROTOCOL_ICMP6)
		return 1;
	type = (const __u8 *)take(&c, 1);
	return type && *type >= ICMP6_INFORMATIONAL;
}

/* Of scratch memory, in pieces that every kernel takes. bytes is a multiple of 4, up to 1280. */
static __always_inline __s64 sum_scratch(const __u8 *from, __u32 bytes)
{
	__s64 sum = 0;
	int i;

#pragma unroll
	for (i = 0; i < 3; i++) {
		__u32 piece = bytes;

		/* The copy itself is compared: the verifier of Linux 6.1 does not link 32-bit copies. */
		barrier_var(piece);
		if (piece > PIECE_BYTES)
			piece = PIECE_BYTES;
		sum = bpf_csum_diff(NULL, 0, (__be32 *)(from + i * PIECE_BYTES), piece, sum);
		if (sum < 0)
			return sum;
		bytes -= piece;
	}
	return sum;
}

/* From the frame to an error of `bytes` (behind Ethernet) that waits in scratch memory. */
static __always_inline __must_check enum verdict replace_frame(struct frame *f, const __u8 *error, __u32 bytes)
{
	struct ethernet_header ethernet;
	__u32 kept = ETHERNET_BYTES + bytes + CUT_FRONT_BYTES;

	if (f->data + ETHERNET_BYTES > f->end)
		return DROP_SHORT;
	copy_mac(ethernet.destination, f->data + 6);
	copy_mac(ethernet.source, f->data);
	ethernet.protocol = f->ctx->protocol;
	if (kept > frame_bytes(f))
		kept = frame_bytes(f);
	/* The first cut takes away the marks of a super-frame, also where it cuts nothing. */
	if (frame_resize(f, kept) || bpf_skb_adjust_room(f->ctx, -CUT_FRONT_BYTES, BPF_ADJ_ROOM_MAC, 0) ||
	    frame_resize(f, ETHERNET_BYTES + bytes))
		return DROP_NO_ROOM;
	if (frame_store(f, 0, &ethernet, sizeof(ethernet)) || frame_store(f, ETHERNET_BYTES, error, bytes))
		return DROP_NO_ROOM;
	send_back(f);
	return TX_TOO_BIG;
}

static __always_inline __must_check enum verdict send_error4(struct frame *f, struct error4 *e, __u32 mtu)
{
	__u32 quote = (frame_bytes(f) - ETHERNET_BYTES) & ~3U;
	__be32 ends[2];
	__s64 sum;

	if (quote > QUOTE4_BYTES_MAX)
		quote = QUOTE4_BYTES_MAX;
	if (quote < IPV4_BYTES || bpf_skb_load_bytes(f->ctx, ETHERNET_BYTES, e->quote, quote))
		return DROP_TOO_BIG;
	ends[0] = ((struct ipv4_header *)e->quote)->source;
	ends[1] = ((struct ipv4_header *)e->quote)->destination;
	e->ip = (struct ipv4_header){
		.version_length = 0x45,
		.tos = ERROR_TOS,
		.total_bytes = bpf_htons(IPV4_BYTES + ICMP_BYTES + quote),
		.fragment = bpf_htons(0x4000),
		.ttl = ERROR_TTL,
		.protocol = PROTOCOL_ICMP,
		.source = ends[1],
		.destination = ends[0],
	};
	e->ip.check = ~fold(sum_words(&e->ip, IPV4_BYTES / 4));
	e->icmp = (struct icmp_header){ICMP4_UNREACHABLE, ICMP4_FRAGMENTATION_NEEDED, 0, bpf_htonl(mtu)};
	sum = sum_scratch((const __u8 *)&e->icmp, ICMP_BYTES + quote);
	if (sum < 0)
		return DROP_TOO_BIG;
	e->icmp.check = ~fold(sum);
	return replace_frame(f, (const __u8 *)e, IPV4_BYTES + ICMP_BYTES + quote);
}

static __always_inline __must_check enum verdict send_error6(struct frame *f, struct error6 *e, __u32 mtu)
{
	const struct ipv6_header *quoted = (const struct ipv6_header *)e->quote;
	__s64 sum;

	if (bpf_skb_load_bytes(f->ctx, ETHERNET_BYTES, e->quote, QUOTE6_BYTES))
		return DROP_TOO_BIG;
	e->ip.version_class_label = bpf_htonl(0x60000000);
	e->ip.payload_bytes = bpf_htons(ICMP_BYTES + QUOTE6_BYTES);
	e->ip.next_header = PROTOCOL_ICMP6;
	e->ip.hop_limit = ERROR_TTL;
	copy_address6(e->ip.source, quoted->destination);
	copy_address6(e->ip.destination, quoted->source);
	e->icmp = (struct icmp_header){ICMP6_TOO_BIG, 0, 0, bpf_htonl(mtu)};
	sum = sum_scratch((const __u8 *)&e->icmp, ICMP_BYTES + QUOTE6_BYTES);
	if (sum < 0)
		return DROP_TOO_BIG;
	e->icmp.check = ~fold(sum + sum_words(e->ip.source, 8) + e->ip.payload_bytes + bpf_htons(PROTOCOL_ICMP6));
	return replace_frame(f, (const __u8 *)e, sizeof(*e));
}

/* Answers in place, or says why there is no answer. */
static __noinline enum verdict refuse_too_big(struct frame *f, const struct device *port, __u32 mtu)
{
	struct scratch *scratch = scratch_of_cpu();
	int ipv6 = f->ctx->protocol == bpf_htons(ETH_P_IPV6);

	if (!scratch || f->data + ETHERNET_BYTES > f->end || (*(const __u8 *)f->data & 1))
		return DROP_TOO_BIG;
	if (ipv6 ? !deserves_error6(f->data, f->end, mtu)
		 : f->ctx->protocol != bpf_htons(ETH_P_IP) || !deserves_error4(f->data, f->end, mtu))
		return DROP_TOO_BIG;
	if (!limit_take(port->account, LIMIT_ICMP, settings.icmp_interval_ns, settings.icmp_burst))
		return DROP_TOO_BIG_LIMITED;
	return ipv6 ? send_error6(f, (struct error6 *)scratch->bytes, mtu)
		    : send_error4(f, (struct error4 *)scratch->bytes, mtu);
}

/*
 * CONTINUE: the frame of a guest fits into an inner packet of `mtu`. A tag that travels takes its 4 bytes from the packet.
 * The frame is as the guest sent it, since an error quotes it.
 */
static __always_inline __must_check enum verdict check_mtu(struct frame *f, const struct device *port, __u32 mtu)
{
	mtu -= f->ctx->vlan_present ? VLAN_BYTES : 0;

	/* As a whole it fits, or it is no super-frame and does not. */
	if (frame_bytes(f) - ETHERNET_BYTES <= mtu || packet_bytes(f) <= mtu)
		return CONTINUE;
	return refuse_too_big(f, port, mtu);
}

#endif

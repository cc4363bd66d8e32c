/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * ICMP errors of this host, TC's; XDP hands up what deserves one. Bridging knows one: what exceeds the MTU towards remotes
 * never becomes outer fragments, its sender is told (RFC 1191, RFC 8201). Routing knows the others too (route.h).
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
#include "way.h"

enum {
	ICMP_BYTES = 8,
	ICMP6_INFORMATIONAL = 128, /* types from here on are no errors */

	QUOTE4_BYTES_MAX = 576 - IPV4_BYTES - ICMP_BYTES,  /* RFC 1812 §4.3.2.3 */
	QUOTE6_BYTES_MAX = 1280 - IPV6_BYTES - ICMP_BYTES, /* RFC 4443 §3.2 */
	MTU4_MIN = 576 - VXLAN4_OVERHEAD_BYTES + 1,        /* below, the path is no use for tunnels, and an error a trap */
	MTU6_MIN = 1280,
	ERROR_TTL = 64,
	ERROR_TOS = 0xc0,       /* internetwork control, RFC 1812 §4.3.2.5 */
	CUT_FRONT_BYTES = 256,  /* more than lies in front of any L4 header we quote */
	ADJUST_ROOM_MAX = 4095, /* of one call */
	PIECE_BYTES = 512,      /* for bpf_csum_diff; see SUM_CHUNK_BYTES */
};

struct icmp_header {
	__u8 type;
	__u8 code;
	__be16 check;
	__be32 mtu; /* of errors about it; ICMPv4: the upper half is unused */
} WIRE;

/* What is wrong with a frame, in either family: types and codes. */
#define TROUBLE(type4, code4, type6, code6) ((type4) << 24 | (code4) << 16 | (type6) << 8 | (code6))

enum trouble {
	TROUBLE_TOO_BIG = TROUBLE(3, 4, 2, 0),
	TROUBLE_TIME_EXCEEDED = TROUBLE(11, 0, 3, 0),
	TROUBLE_NO_ROUTE = TROUBLE(3, 0, 1, 0),     /* network unreachable; no route */
	TROUBLE_REJECTED = TROUBLE(3, 1, 1, 0),     /* by an unreachable route, as Linux says it */
	TROUBLE_NO_HOST = TROUBLE(3, 1, 1, 3),
	TROUBLE_NO_PORT = TROUBLE(3, 3, 1, 4),
};

/* About a frame: the MTU it exceeds, else 0; and whose address is the source: none, that of the frame's destination. */
struct complaint {
	__u32 trouble;
	__u32 mtu;
	const struct gateway *gateway;
};

/* In scratch memory: the error as it goes out, behind the Ethernet header. */
struct error4 {
	struct ipv4_header ip;
	struct icmp_header icmp;
	__u8 quote[QUOTE4_BYTES_MAX];
} WIRE;

struct error6 {
	struct ipv6_header ip;
	struct icmp_header icmp;
	__u8 quote[QUOTE6_BYTES_MAX];
} WIRE;
_Static_assert(sizeof(struct error4) == 576, "RFC 1812 §4.3.2.3");
_Static_assert(sizeof(struct error6) == 1280, "RFC 4443 §3.2");

/* Echo and the like get an error; errors never beget one (RFC 1122 §3.2.2). */
static __always_inline int is_icmp4_error(__u8 type)
{
	return type == 3 || type == 4 || type == 5 || type == 11 || type == 12;
}

/* The gateway's address of the frame's family is no address: it has none. */
static __always_inline int can_tell(const struct complaint *t, int ipv6)
{
	if (!t->gateway)
		return 1;
	return ipv6 ? !is_unspecified6(&t->gateway->address6) : t->gateway->address4 != 0;
}

static __always_inline int deserves_error4(const void *data, const void *end, __u32 mtu)
{
	struct cursor c = {(const __u8 *)data + ETHERNET_BYTES, (const __u8 *)end};
	const struct ipv4_header *ip = take_ipv4(&c);
	const __u8 *type;

	if (!ip || ip->version_length >> 4 != 4 || (ip->fragment & bpf_htons(IPV4_OFFSET_MASK)))
		return 0;
	if (mtu && (mtu < MTU4_MIN || !(ip->fragment & bpf_htons(0x4000))))
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

	if (!ip || (mtu && mtu < MTU6_MIN))
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

	UNROLL
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

/* The first cut takes away the marks of a super-frame; what is shorter grows. */
static __always_inline int clear_of_port(struct frame *f, __u32 bytes)
{
	return frame_resize(f, ETHERNET_BYTES + bytes + CUT_FRONT_BYTES) ||
	       bpf_skb_adjust_room(f->ctx, -CUT_FRONT_BYTES, BPF_ADJ_ROOM_MAC, 0) || frame_resize(f, ETHERNET_BYTES + bytes);
}

/* As frame_rewrite_room(), past the checksum field that may be there: by way of the least that adjust_room leaves. */
static __always_inline int clear_decapsulated(struct frame *f, __u32 bytes)
{
	__u32 cut = frame_bytes(f) + CUT_FRONT_BYTES - ETHERNET_BYTES - IPV6_BYTES;
	__u32 i, piece;

	if (bpf_skb_adjust_room(f->ctx, CUT_FRONT_BYTES, BPF_ADJ_ROOM_MAC, 0))
		return -1;
	UNROLL
	for (i = 0; i < 3; i++) {
		piece = cut > ADJUST_ROOM_MAX ? ADJUST_ROOM_MAX : cut;
		if (piece && bpf_skb_adjust_room(f->ctx, -(__s32)piece, BPF_ADJ_ROOM_MAC, 0))
			return -1;
		cut -= piece;
	}
	if (bpf_skb_adjust_room(f->ctx, bytes - IPV6_BYTES, BPF_ADJ_ROOM_MAC, 0))
		return -1;
	frame_refresh(f);
	return 0;
}

/* From the frame to an error of `bytes` (behind Ethernet) that waits in scratch memory. */
static __always_inline __must_check enum verdict replace_frame(struct frame *f, const __u8 *error, __u32 bytes)
{
	struct ethernet_header ethernet;

	if (f->data + ETHERNET_BYTES > f->end)
		return DROP_SHORT;
	copy_mac(ethernet.destination, f->data + 6);
	copy_mac(ethernet.source, f->data);
	ethernet.protocol = f->protocol ? f->protocol : f->ctx->protocol;
	if (f->flags & FRAME_FROM_REMOTE && !frame_gso(f) ? clear_decapsulated(f, bytes) : clear_of_port(f, bytes))
		return DROP_NO_ROOM;
	if (frame_store(f, 0, &ethernet, sizeof(ethernet)) || frame_store(f, ETHERNET_BYTES, error, bytes))
		return DROP_NO_ROOM;
	return CONTINUE;
}

static __always_inline __u32 quotable_bytes(const struct frame *f, __u32 most)
{
	__u32 bytes = (frame_bytes(f) - ETHERNET_BYTES) & ~3U;

	return bytes > most ? most : bytes;
}

/* The frame becomes the error about it. */
static __always_inline __must_check enum verdict make_error4(struct frame *f, struct error4 *e, const struct complaint *t)
{
	__u32 quote = quotable_bytes(f, QUOTE4_BYTES_MAX);
	__be32 ends[2];
	__s64 sum;

	if (quote < IPV4_BYTES || bpf_skb_load_bytes(f->ctx, ETHERNET_BYTES, e->quote, quote))
		return DROP_SHORT;
	ends[0] = ((struct ipv4_header *)e->quote)->source;
	ends[1] = t->gateway ? t->gateway->address4 : ((struct ipv4_header *)e->quote)->destination;
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
	e->icmp = (struct icmp_header){t->trouble >> 24, t->trouble >> 16, 0, bpf_htonl(t->mtu)};
	sum = sum_scratch((const __u8 *)&e->icmp, ICMP_BYTES + quote);
	if (sum < 0)
		return DROP_SHORT;
	e->icmp.check = ~fold(sum);
	return replace_frame(f, (const __u8 *)e, IPV4_BYTES + ICMP_BYTES + quote);
}

static __always_inline __must_check enum verdict make_error6(struct frame *f, struct error6 *e, const struct complaint *t)
{
	const struct ipv6_header *quoted = (const struct ipv6_header *)e->quote;
	__u32 quote = quotable_bytes(f, QUOTE6_BYTES_MAX);
	__s64 sum;

	if (quote < IPV6_BYTES || bpf_skb_load_bytes(f->ctx, ETHERNET_BYTES, e->quote, quote))
		return DROP_SHORT;
	e->ip.version_class_label = bpf_htonl(0x60000000);
	e->ip.payload_bytes = bpf_htons(ICMP_BYTES + quote);
	e->ip.next_header = PROTOCOL_ICMP6;
	e->ip.hop_limit = ERROR_TTL;
	if (t->gateway)
		copy_address6(e->ip.source, &t->gateway->address6);
	else
		copy_address6(e->ip.source, quoted->destination);
	copy_address6(e->ip.destination, quoted->source);
	e->icmp = (struct icmp_header){t->trouble >> 8, t->trouble, 0, bpf_htonl(t->mtu)};
	sum = sum_scratch((const __u8 *)&e->icmp, ICMP_BYTES + quote);
	if (sum < 0)
		return DROP_SHORT;
	e->icmp.check = ~fold(sum + sum_words(e->ip.source, 8) + e->ip.payload_bytes + bpf_htons(PROTOCOL_ICMP6));
	return replace_frame(f, (const __u8 *)e, IPV6_BYTES + ICMP_BYTES + quote);
}

enum told { TOLD_NOBODY = 0, TOLD_SENDER = 1, TOLD_LIMITED = 2 };

/*
 * The frame of a guest, untagged or with its tag in metadata, becomes the error about it, addressed to its source. Or
 * there is none: none is due, or the rate of the port or segment is used up.
 */
static __noinline enum told complain(struct frame *f, __u32 trouble, __u32 mtu, const struct gateway *gateway)
{
	const struct complaint about = {trouble, mtu, gateway}, *t = &about;
	__be16 protocol = f->protocol ? f->protocol : f->ctx->protocol;
	int ipv6 = protocol == bpf_htons(ETH_P_IPV6);
	struct scratch *scratch = scratch_of_cpu();

	if (!scratch || f->data + ETHERNET_BYTES > f->end || (*(const __u8 *)f->data & 1) || !can_tell(t, ipv6))
		return TOLD_NOBODY;
	if (ipv6 ? !deserves_error6(f->data, f->end, t->mtu)
		 : protocol != bpf_htons(ETH_P_IP) || !deserves_error4(f->data, f->end, t->mtu))
		return TOLD_NOBODY;
	if (!limit_take(f->account, LIMIT_ICMP, settings.icmp_interval_ns, settings.icmp_burst))
		return TOLD_LIMITED;
	if (ipv6 ? make_error6(f, (struct error6 *)scratch->bytes, t) : make_error4(f, (struct error4 *)scratch->bytes, t))
		return TOLD_NOBODY;
	return TOLD_SENDER;
}

/* Answers in place, or says why there is no answer. */
static __always_inline __must_check enum verdict refuse_too_big(struct frame *f, __u32 mtu)
{
	enum told told = complain(f, TROUBLE_TOO_BIG, mtu, 0);

	if (told != TOLD_SENDER)
		return told == TOLD_LIMITED ? DROP_TOO_BIG_LIMITED : DROP_TOO_BIG;
	send_back(f);
	return TX_TOO_BIG;
}

static __always_inline int exceeds(const struct frame *f, __u32 mtu)
{
	/* As a whole it fits, or it is no super-frame and does not. */
	return frame_bytes(f) - ETHERNET_BYTES > mtu && packet_bytes(f) > mtu;
}

/*
 * CONTINUE: the frame of a guest fits into an inner packet of `mtu`. A tag that travels takes its 4 bytes from the packet.
 * The frame is as the guest sent it, since an error quotes it.
 */
static __always_inline __must_check enum verdict check_mtu(struct frame *f, __u32 mtu)
{
	mtu -= f->ctx->vlan_present ? VLAN_BYTES : 0;
	return exceeds(f, mtu) ? refuse_too_big(f, mtu) : CONTINUE;
}

#endif

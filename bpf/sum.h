/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Ones' complement sums (RFC 1071) over memory, and what is known of the checksum inside a tunnelled frame without
 * reading its payload. Sums are of 16-bit words as they lie in memory, so they are in network order on either kind of
 * machine. No helpers and no maps: builds natively for tests and fuzzers. checksum.h sums what lies beyond the head.
 */
#ifndef WEFT_SUM_H
#define WEFT_SUM_H

#include "classify.h"

enum {
	TCP_CHECK_OFFSET = 16,
	UDP_CHECK_OFFSET = 6,
	ICMP6_CHECK_OFFSET = 2,
	IPV4_OPTION_WORDS_MAX = 10,
};

struct check_header {
	__u16 field;
} WIRE;

/* count words of 4 bytes; count is a constant, and the bytes are known to be there. */
static __always_inline __u64 sum_words(const void *from, __u32 count)
{
	const struct ports_header *word = (const struct ports_header *)from;
	__u64 sum = 0;
	__u32 i;

	UNROLL
	for (i = 0; i < count; i++)
		sum += word[i].both;
	return sum;
}

/*
 * The L4 segment of a frame whose check field equals its folded pseudo-header sum. Then the checksum is partial, or it
 * is complete and right: in both cases the finished segment sums to the complement of `pseudo`, whatever its payload
 * (the kernel calls it local checksum offload, lco_csum).
 */
struct settled_segment {
	__u64 front;  /* sum of all in front of the segment, from the Ethernet header on */
	__u64 pseudo; /* sum of its pseudo-header */
};

/* Where the check field of an L4 header stands; 0 if it has none that covers the segment. */
static __always_inline __u32 check_offset(__u8 protocol)
{
	if (protocol == PROTOCOL_TCP)
		return TCP_CHECK_OFFSET;
	if (protocol == PROTOCOL_UDP)
		return UDP_CHECK_OFFSET;
	if (protocol == PROTOCOL_ICMP6)
		return ICMP6_CHECK_OFFSET;
	return 0;
}

static __always_inline int field_equals_pseudo(struct cursor *c, __u8 protocol, __u64 pseudo)
{
	__u32 offset = check_offset(protocol);
	const struct check_header *check;

	if (!offset || !take(c, offset))
		return 0;
	check = (const struct check_header *)take(c, sizeof(*check));
	return check && check->field == fold(pseudo);
}

/* Word by word: a header of variable length costs the verifier less so than as one block. */
static __always_inline int sum_ipv4_options(struct cursor *c, __u32 head_bytes, __u64 *sum)
{
	__u32 i;

	UNROLL
	for (i = 0; i < IPV4_OPTION_WORDS_MAX; i++) {
		const void *option;

		if (IPV4_BYTES + 4 * i >= head_bytes)
			break;
		option = take(c, 4);
		if (!option)
			return 0;
		*sum += sum_words(option, 1);
	}
	return 1;
}

static __always_inline int settled_ipv4(struct cursor *c, struct settled_segment *s)
{
	const struct ipv4_header *ip = take_ipv4(c);
	__u32 head_bytes;

	if (!ip || ip->version_length >> 4 != 4 || ipv4_is_fragment(ip))
		return 0;
	head_bytes = ipv4_header_bytes(ip);
	s->front += sum_words(ip, IPV4_BYTES / 4);
	if (head_bytes < IPV4_BYTES || !sum_ipv4_options(c, head_bytes, &s->front))
		return 0;
	s->pseudo = (__u64)ip->source + ip->destination + bpf_htons(ip->protocol) +
		    bpf_htons(bpf_ntohs(ip->total_bytes) - head_bytes);
	return field_equals_pseudo(c, ip->protocol, s->pseudo);
}

/* Behind an extension header nothing is looked for. */
static __always_inline int settled_ipv6(struct cursor *c, struct settled_segment *s)
{
	const struct ipv6_header *ip = take_ipv6(c);

	if (!ip)
		return 0;
	s->front += sum_words(ip, IPV6_BYTES / 4);
	s->pseudo = sum_words(ip->source, 8) + bpf_htons(ip->next_header) + ip->payload_bytes;
	return field_equals_pseudo(c, ip->next_header, s->pseudo);
}

static __always_inline __be16 sum_tags(struct cursor *c, __be16 protocol, __u64 *sum)
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
		*sum += sum_words(tag, 1);
		protocol = tag->protocol;
	}
	return protocol;
}

/* 1 if the frame whose Ethernet header is at `data` has such a segment. */
static __always_inline int find_settled_segment(const void *data, const void *end, struct settled_segment *s)
{
	struct cursor c = {(const __u8 *)data, (const __u8 *)end};
	const struct ethernet_header *ethernet = take_ethernet(&c);
	__be16 protocol;

	if (!ethernet)
		return 0;
	s->front = sum_words(ethernet, 3) + ethernet->protocol;
	protocol = sum_tags(&c, ethernet->protocol, &s->front);
	if (protocol == bpf_htons(ETH_P_IP))
		return settled_ipv4(&c, s);
	if (protocol == bpf_htons(ETH_P_IPV6))
		return settled_ipv6(&c, s);
	return 0;
}

/* The whole frame's sum once its checksum is complete, from headers alone. */
static __always_inline __u64 settled_sum(const struct settled_segment *s)
{
	return s->front + (__u16)~fold(s->pseudo);
}

#endif

/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Outer UDP checksums, both ways and for both hooks (RFC 7348 §4.1, RFC 6935). Where the checksum inside is partial or
 * right, headers give the sum (sum.h); otherwise the bytes are read, in chunks, since an skb may be in pages.
 */
#ifndef WEFT_CHECKSUM_H
#define WEFT_CHECKSUM_H

#include "config.h"
#include "packet.h"
#include "scratch.h"
#include "sum.h"
#include "verdict.h"

enum {
	SUM_CHUNK_BYTES = 512, /* what bpf_csum_diff takes at once before Linux 6.13 */
	SUM_CHUNKS_MAX = 65536 / SUM_CHUNK_BYTES,
};

struct summing {
	hook_context *ctx;
	__u32 offset;
	__u32 left;
	__u32 sum;
	__u32 failed;
};

static long sum_chunk(__u32 index, struct summing *s)
{
	__u32 last = s->left - 1 < SUM_CHUNK_BYTES - 1 ? s->left - 1 : SUM_CHUNK_BYTES - 1, count;
	struct scratch *scratch = scratch_of_cpu();
	__s64 sum;

	(void)index;
	if (!s->left)
		return 1;
	/* At least 1, for a verifier that does not take it from a comparison with 0 (Linux before 6.8). */
	barrier_var(last);
	count = last + 1;
	s->failed = 1;
	if (!scratch || hook_load_bytes(s->ctx, s->offset, scratch->bytes, count))
		return 1;
	scratch->bytes[count] = 0;
	scratch->bytes[count + 1] = 0;
	scratch->bytes[count + 2] = 0;
	sum = bpf_csum_diff(NULL, 0, (__be32 *)scratch->bytes, (count + 3) & ~3U, s->sum);
	if (sum < 0)
		return 1;
	s->failed = 0;
	s->sum = sum;
	s->offset += count;
	s->left -= count;
	return 0;
}

/* The sum of `count` bytes of the frame from `offset` on, which starts a 16-bit word; below 0 if they are not there. */
static __noinline __s64 sum_bytes(hook_context *ctx, __u32 offset, __u32 count)
{
	struct summing s = {.ctx = ctx, .offset = offset, .left = count};

	bpf_loop(SUM_CHUNKS_MAX, sum_chunk, &s, 0);
	return s.failed || s.left ? -1 : (__s64)s.sum;
}

/* The sum that the frame at `data` (`offset` bytes behind the start of the packet) has once its checksum is complete. */
static __always_inline __s64 finished_sum(struct frame *f, __u32 offset, __u32 count)
{
	struct settled_segment s;

	if (find_settled_segment(f->data + offset, f->end, &s))
		return settled_sum(&s);
	return sum_bytes(f->ctx, offset, count);
}

/* The sum of the frame in hand, folded; below 0 if its bytes cannot be had. A function of its own for the verifier. */
__weak __noinline int HOOK_FUNCTION(inner_sum)(hook_context *ctx)
{
	struct frame f = {.ctx = ctx};
	__s64 sum;

	frame_refresh(&f);
	sum = finished_sum(&f, 0, frame_bytes(&f));
	return sum < 0 ? -1 : fold(sum);
}

/*
 * The outer checksum of the frame in hand, which is not yet encapsulated: its bytes are the UDP payload behind the VXLAN
 * header. GSO frames are the tunnel device's. Never 0, which would say "none" (RFC 768).
 */
static __always_inline __be16 outer_checksum6(struct frame *f, const struct nexthop *hop, __be16 udp_len,
					      __be16 source_port)
{
	int inner = HOOK_FUNCTION(inner_sum)(f->ctx);
	__u16 check;

	if (inner < 0)
		return 0;
	/* The length stands in the pseudo-header and in the UDP header. */
	check = ~fold((__u64)inner + hop->csum_base + udp_len + udp_len + source_port);
	return check ? check : 0xffff;
}

/*
 * A non-zero sum is right if it covers the bytes; if it is the pseudo-header's alone (a sender on this machine left the
 * rest to its device); or if it covers what the bytes are once the checksum inside is complete (the same, one level in).
 */
static __always_inline int outer_sum_right(struct frame *f, __u32 udp_offset, __u64 pseudo, __u16 check, __u32 udp_len)
{
	__u32 inner_offset = udp_offset + UDP_BYTES + VXLAN_BYTES;
	struct settled_segment s;
	__s64 sum;

	if (check == fold(pseudo))
		return 1;
	if (find_settled_segment(f->data + inner_offset, f->end, &s) &&
	    fold(pseudo + sum_words(f->data + udp_offset, 4) + settled_sum(&s)) == 0xffff)
		return 1;
	sum = sum_bytes(f->ctx, udp_offset, udp_len);
	return sum >= 0 && fold(pseudo + sum) == 0xffff;
}

/*
 * Is the sum of the frame in hand right, or none? It is a tunnel packet that classify_outer() took: no IP options,
 * headers up to VXLAN readable, and UDP's length fits. Whether none may be was judged there.
 */
__weak __noinline int HOOK_FUNCTION(checksum_right)(hook_context *ctx)
{
	__u32 ip_bytes = underlay_is_ipv6() ? IPV6_BYTES : IPV4_BYTES;
	struct frame f = {.ctx = ctx};
	const struct udp_header *udp;
	const void *udp_at;
	__u64 pseudo;

	frame_refresh(&f);
	udp_at = f.data + ETHERNET_BYTES + ip_bytes;
	if (udp_at + UDP_BYTES + VXLAN_BYTES > f.end)
		return 0;
	udp = (const struct udp_header *)udp_at;
	if (!udp->check || hook_checksum_done(ctx))
		return 1;
	/* The addresses are the last part of either header. */
	pseudo = bpf_htons(PROTOCOL_UDP) + udp->bytes;
	pseudo += underlay_is_ipv6() ? sum_words(udp_at - 32, 8) : sum_words(udp_at - 8, 2);
	return outer_sum_right(&f, ETHERNET_BYTES + ip_bytes, pseudo, udp->check, bpf_ntohs(udp->bytes));
}

/*
 * One of two constants. Of a verdict that a global function returned, the verifier of Linux before 6.4 would go on with 0
 * where a caller compares it a second time, although the first comparison said that it is not.
 */
static __always_inline __must_check enum verdict verify_outer_checksum(struct frame *f)
{
	return HOOK_FUNCTION(checksum_right)(f->ctx) ? CONTINUE : DROP_CHECKSUM;
}

#endif

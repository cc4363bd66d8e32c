/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Hellos: each designated bridge says on its VLAN, a few times a second, that it is one. Who hears a hello of a bridge
 * that comes before it stands down while they last, so that two that were made designated, or that an underlay in two
 * parts made so, do not both copy for long. TC hears them, both hooks heed them.
 */
#ifndef WEFT_RIVAL_H
#define WEFT_RIVAL_H

#include "config.h"
#include "confirm.h"

static __always_inline struct rival *rival_of(__u32 circuit)
{
	return bpf_map_lookup_elem(&rivals, &circuit);
}

/* When the last hello of a bridge that comes before this one was, or will be, over; 0: there was none. */
static __always_inline __u64 outranked_until(__u32 circuit)
{
	const struct rival *rival = rival_of(circuit);

	return rival && rival->seen_ns ? rival->seen_ns + HELLO_HOLD_MS * NS_PER_MS : 0;
}

/* -1: `a` is the smaller address. */
static __always_inline int compare_addresses(const struct ip_address *a, const struct ip_address *b)
{
	const __u32 *x = (const __u32 *)a, *y = (const __u32 *)b;
	int i;

	UNROLL
	for (i = 0; i < 4; i++) {
		if (x[i] != y[i])
			return bpf_ntohl(x[i]) < bpf_ntohl(y[i]) ? -1 : 1;
	}
	return 0;
}

/* The higher priority comes first, then the smaller VTEP address. */
static __always_inline void hear_hello(const struct hello *hello, const struct circuit *circuit, __u32 id)
{
	struct ip_address sender, own = settings.vtep;
	struct rival *rival = rival_of(id);
	int order;

	__builtin_memcpy(&sender, &hello->vtep, sizeof(sender));
	order = compare_addresses(&sender, &own);
	if (!rival || !order || bpf_ntohs(hello->priority) < circuit->priority ||
	    (bpf_ntohs(hello->priority) == circuit->priority && order > 0))
		return;
	rival->vtep = sender;
	rival->seen_ns = bpf_ktime_get_ns();
}

/* 1: the frame, its tag off, was a hello, or a beacon, which the daemon has seen before us. It goes no further. */
static __always_inline int take_hello(const struct frame *f, const struct circuit *circuit, __u32 id)
{
	const struct hello *hello = f->data;

	if (!is_hello(f))
		return 0;
	if ((void *)(hello + 1) <= f->end && hello->magic == bpf_htonl(HELLO_MAGIC))
		hear_hello(hello, circuit, id);
	return 1;
}

#endif

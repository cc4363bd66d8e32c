/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Rate limits: GCRA (ITU-T I.371, virtual scheduling). One word holds the theoretical arrival time; no lock, and a lost
 * race is tried again, so two CPUs together get no more than one would.
 */
#ifndef WEFT_LIMIT_H
#define WEFT_LIMIT_H

#include "tables.h"

enum { LIMIT_TRIES = 4 };

/* Takes one unit: 1 if the rate allows it. An interval of 0 is no limit. */
static __always_inline int limit_take(__u16 account, enum limit_class class, __u32 interval_ns, __u32 burst)
{
	__u32 index = account * LIMIT_CLASSES + class;
	__u64 *arrival = bpf_map_lookup_elem(&limiters, &index);
	__u64 now = bpf_ktime_get_ns(), tolerance = (__u64)interval_ns * burst;
	int i;

	if (!interval_ns)
		return 1;
	if (!arrival)
		return 0;
	UNROLL
	for (i = 0; i < LIMIT_TRIES; i++) {
		__u64 seen = *(volatile __u64 *)arrival;
		__u64 next = (seen > now ? seen : now) + interval_ns;

		if (next > now + tolerance)
			return 0;
		if (__sync_val_compare_and_swap(arrival, seen, next) == seen)
			return 1;
	}
	return 0;
}

#endif

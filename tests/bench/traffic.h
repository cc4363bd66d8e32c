/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* What the bench's programs and its tool agree on. */
#ifndef WEFT_BENCH_TRAFFIC_H
#define WEFT_BENCH_TRAFFIC_H

#include <linux/types.h>

enum {
	TRAFFIC_CPUS = 256,         /* counter slots, a power of two */
	TRAFFIC_FIRST_PORT = 10000, /* UDP source ports of the flows */
	TRAFFIC_PORT = 9999,        /* UDP destination port: what the sinks count */
};

/* A cache line for each CPU: a shared counter would be measured, not the path. */
struct slot {
	__u64 value;
	__u64 unused[7];
};

#endif

/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Room for what the stack of 512 bytes does not hold, since it is shared by all that one frame may meet. */
#ifndef WEFT_SCRATCH_H
#define WEFT_SCRATCH_H

#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "abi.h"
#include "parse_nd.h"

struct scratch {
	__u8 bytes[2048];   /* chunks to be summed, answers; one user at a time */
	struct event event; /* of learning */
	struct nd_message nd;
	struct neighbor_key target; /* whom the message asks for */
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__type(key, __u32);
	__type(value, struct scratch);
	__uint(max_entries, 1);
} scratches __weak SEC(".maps");

/* Programs of one hook do not migrate and do not nest on a CPU, so the row is ours until the program returns. */
static __always_inline struct scratch *scratch_of_cpu(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&scratches, &zero);
}

#endif

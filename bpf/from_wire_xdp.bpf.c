// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// The underlay's fast path, native XDP: a tunnel packet for a known MAC behind a port that takes XDP frames. All else goes
// up as it came, to from_wire_tc on the same interface.
#include "hook_xdp.h"

#include "fast.h"

SEC("xdp")
int from_wire_xdp(struct xdp_md *ctx)
{
	struct frame f;

	frame_open(&f, ctx);
	return leave(&f, from_wire(&f));
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";

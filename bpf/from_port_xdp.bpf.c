// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// A guest's fast path, native XDP: known unicast to a remote or to another XDP port. All else goes up as it came, to
// from_port_tc on the same interface.
#include "hook_xdp.h"

#include "fast.h"

SEC("xdp")
int from_port_xdp(struct xdp_md *ctx)
{
	struct frame f;

	frame_open(&f, ctx);
	return leave(&f, from_port(&f));
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";

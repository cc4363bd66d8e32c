// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Somebody else's XDP program on weft's NIC, for scenarios/dispatcher.py: counts what it sees and lets it pass.
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} foreign_seen SEC(".maps");

SEC("xdp")
int foreign(struct xdp_md *context)
{
	__u32 slot = 0;
	__u64 *seen = bpf_map_lookup_elem(&foreign_seen, &slot);

	if (seen && context->data < context->data_end)
		__sync_fetch_and_add(seen, 1);
	return XDP_PASS;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";

// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * The transmit probe (loader/probe): run by the kernel's test run in live-frames mode, it redirects the given frame to
 * `target`, so that user space can see whether the device takes XDP frames. Never attached.
 */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

__u32 target = 0;

SEC("xdp")
int probe_transmit(struct xdp_md *xdp)
{
	(void)xdp;
	return bpf_redirect(target, 0);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";

// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * Probes of loader/probe, run by the kernel's test run with a frame of its making and never attached. probe_transmit, in
 * live-frames mode, redirects it to `target`, so that user space can see whether the device takes XDP frames.
 * probe_receive has it come in by `target`, as if from the wire.
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

SEC("tc")
int probe_receive(struct __sk_buff *skb)
{
	return bpf_clone_redirect(skb, target, BPF_F_INGRESS) ? 1 : 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";

// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// What leaves by an uplink, at TC egress, where an elected bridge needs it: this host's own VRRP advertisements renew
// their lease. It watches only: no frame is changed, counted or kept.
#include <linux/bpf.h>
#include <linux/pkt_cls.h>

#include <bpf/bpf_helpers.h>

#include "config.h"
#include "tables.h"
#include "vrrp.h"

/*
 * The first after a pause says since when the lease runs, and only the next one renews it, so that no reader sees a
 * fresh lease with the start of the one before.
 */
static __always_inline void renew(struct lease *lease)
{
	const __u64 now = bpf_ktime_get_ns(), pause = LEASE_MS * 1000000ULL;

	if (now - lease->renewed_ns >= pause && now - lease->since_ns >= pause)
		lease->since_ns = now;
	else
		lease->renewed_ns = now;
}

SEC("tc")
int from_vrrp_tc(struct __sk_buff *skb)
{
	const volatile __be32 *own = (const volatile __be32 *)&settings.vtep;
	const struct vrrp_header *vrrp;
	struct lease *lease;
	__u32 row;

	/* What another interface brought is not this host's own, whoever it says it is from: a guest's frame to a VLAN. */
	if (skb->ingress_ifindex)
		return TC_ACT_UNSPEC;
	vrrp = find_advertisement((void *)(long)skb->data, (void *)(long)skb->data_end, own);
	if (!vrrp)
		return TC_ACT_UNSPEC;
	row = vrrp->router_id;
	lease = bpf_map_lookup_elem(&leases, &row);
	if (!lease)
		return TC_ACT_UNSPEC;
	if (vrrp->priority) {
		renew(lease);
	} else {
		lease->renewed_ns = 0;
		lease->since_ns = 0;
	}
	return TC_ACT_UNSPEC;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";

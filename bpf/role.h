/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Whether this host is the one to carry a VLAN. Both hooks. */
#ifndef WEFT_ROLE_H
#define WEFT_ROLE_H

#include "rival.h"

static __always_inline const struct circuit *find_circuit(__u32 id)
{
	const struct circuit *circuit;

	if (!has_vlans())
		return 0;
	circuit = bpf_map_lookup_elem(&circuits, &id);
	return circuit && circuit->flags & CIRCUIT_IN_USE ? circuit : 0;
}

static __always_inline __u64 elected_since(const struct circuit *circuit)
{
	const __u32 row = circuit->lease;
	const struct lease *lease = bpf_map_lookup_elem(&leases, &row);

	if (!lease || !lease_holds(lease, bpf_ktime_get_ns()))
		return 0;
	return (lease->since_ns + LEASE_HOLD_MS * NS_PER_MS) | 1;
}

/*
 * When this host became the VLAN's designated bridge, 0 if it is not. An elected role is a lease, which lapses by itself
 * when nothing renews it, whoever died (from_vrrp_tc.bpf.c). A team's VLAN has no other bridge.
 */
static __always_inline __u64 designated_since(const struct circuit *circuit, __u32 id)
{
	__u64 since_ns, alone_ns;

	if (circuit->team)
		return 1;
	alone_ns = outranked_until(id);
	if (alone_ns && bpf_ktime_get_ns() < alone_ns)
		return 0;
	if (circuit->flags & CIRCUIT_ELECTED)
		since_ns = elected_since(circuit);
	else
		since_ns = circuit->flags & CIRCUIT_DESIGNATED ? circuit->since_ns | 1 : 0;
	return since_ns && since_ns < alone_ns ? alone_ns : since_ns;
}

#endif

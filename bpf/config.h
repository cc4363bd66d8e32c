/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * What is set before load and constant afterwards: the verifier sees the values and removes the branches not taken.
 * A change loads a new generation of the programs and switches slot 0 of each hook.
 */
#ifndef WEFT_CONFIG_H
#define WEFT_CONFIG_H

#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "abi.h"

/* Weak: each program's object has it, the linked object once. */
const volatile struct config settings __weak = {};

static __always_inline int underlay_is_ipv6(void)
{
	return settings.flags & CONFIG_IPV6;
}

/* To the verifier a constant: where no segment travels by NVGRE, none of its code is there. */
static __always_inline int has_nvgre(void)
{
	return settings.flags & CONFIG_NVGRE;
}

/* Likewise: where there is no routing domain, no segment has a gateway. */
static __always_inline int has_routing(void)
{
	return settings.flags & CONFIG_ROUTING;
}

/* Likewise: where there is neither a bridge nor a switch, there is no circuit. */
static __always_inline int has_vlans(void)
{
	return settings.flags & CONFIG_VLANS;
}

/* Ethernet, IP and GRE in front of the inner Ethernet header. */
static __always_inline __u32 nvgre_bytes(void)
{
	return underlay_is_ipv6() ? NVGRE6_OVERHEAD_BYTES : NVGRE4_OVERHEAD_BYTES;
}

/* Ethernet, IP, UDP and VXLAN in front of the inner Ethernet header. */
static __always_inline __u32 outer_bytes(void)
{
	return underlay_is_ipv6() ? VXLAN6_OVERHEAD_BYTES : VXLAN4_OVERHEAD_BYTES;
}

#endif

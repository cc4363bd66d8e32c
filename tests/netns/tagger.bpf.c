// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// A device as if it were an 802.1Q one, for kernels without: what leaves gets the tag, what comes in with it loses it,
// and the rest ends. And one that is deaf to the hellos of bridges (struct hello in maps/abi_switch.h), for a switch that
// keeps two bridges from hearing of each other.
#include <linux/bpf.h>
#include <linux/pkt_cls.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

const volatile __u16 vid = 0;
const volatile __u16 protocol = 0x8100;

SEC("tc")
int tag(struct __sk_buff *skb)
{
	return bpf_skb_vlan_push(skb, bpf_htons(protocol), vid) ? TC_ACT_SHOT : TC_ACT_OK;
}

SEC("tc")
int untag(struct __sk_buff *skb)
{
	if (!skb->vlan_present || (skb->vlan_tci & 0xfff) != vid || skb->vlan_proto != bpf_htons(protocol))
		return TC_ACT_SHOT;
	return bpf_skb_vlan_pop(skb) ? TC_ACT_SHOT : TC_ACT_OK;
}

SEC("tc")
int deaf(struct __sk_buff *skb)
{
	__u32 magic;

	/* Behind addresses and protocol, and two bytes; the tag is in metadata. */
	if (bpf_skb_load_bytes(skb, 16, &magic, sizeof(magic)) == 0 && magic == bpf_htonl(0x77656668))
		return TC_ACT_SHOT;
	return TC_ACT_OK;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";

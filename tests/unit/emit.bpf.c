/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * A source of perf records for events_test: sends what the frame holds from byte 14 on as the record (24 to 64 bytes by
 * the first byte), and the whole frame behind it where the second byte says so.
 */
#include <linux/bpf.h>
#include <linux/pkt_cls.h>

#include <bpf/bpf_helpers.h>

#include "abi.h"

struct {
	__uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY);
	__uint(key_size, sizeof(int));
	__uint(value_size, sizeof(int));
} rings SEC(".maps");

SEC("tc")
int emit(struct __sk_buff *skb)
{
	__u64 flags = BPF_F_CURRENT_CPU;
	struct event e = {};
	__u8 how[2];

	if (bpf_skb_load_bytes(skb, 0, how, sizeof(how)) || bpf_skb_load_bytes(skb, 14, &e, sizeof(e)))
		return TC_ACT_SHOT;
	if (how[1])
		flags |= (__u64)skb->len << 32;
	if (how[0] == 24)
		return bpf_perf_event_output(skb, &rings, flags, &e, 24) ? TC_ACT_SHOT : TC_ACT_OK;
	return bpf_perf_event_output(skb, &rings, flags, &e, sizeof(e)) ? TC_ACT_SHOT : TC_ACT_OK;
}

char _license[] SEC("license") = "Dual BSD/GPL";

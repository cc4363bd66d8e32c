/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Room for what the stack of 512 bytes does not hold, since it is shared by all that one frame may meet. */
#ifndef WEFT_SCRATCH_H
#define WEFT_SCRATCH_H

#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "abi.h"
#include "parse_nd.h"
#include "tuple.h"

/* What the router knows of a packet. */
struct packet {
	struct ip_address source;
	struct ip_address destination;
	struct ip_address via; /* the neighbor that it goes to, */
	__u16 segment;         /* in this segment; then the one it leaves by */
	__u16 header_bytes;    /* of IP, with options */
	__u8 to[6];            /* MACs of the frame as it leaves */
	__u8 from[6];
	__u8 family;           /* 4 or 6 */
	__u8 ttl;
	__u8 protocol;         /* behind a fragment's header */
	__u8 later_fragment;   /* not the first */
	__u8 next_header;      /* IPv6 */
	__u8 reserved[3];
};

/* A packet that rules look at, and what they say. */
struct look_up {
	struct tuple tuple;
	struct tuple quoted; /* by an ICMP error */
	struct rule_key key;
	struct rule found;
	struct flow_key flow;
	struct flow fresh;   /* that begins under this key */
	struct acl now;      /* the rules in force */
	__u32 bytes;
};

enum { KEPT_WORDS = MAX_DEVICES / 64 };

struct scratch {
	__u8 bytes[2048];   /* chunks to be summed, answers; one user at a time */
	struct event event; /* of learning */
	struct nd_message nd;
	struct packet packet;
	struct ip_address source; /* of a frame from a remote, past a tail call */
	struct look_up look_up;
	__u64 kept_from[KEPT_WORDS]; /* ports of a flood list whose rules deny the frame, */
	__u32 is_kept;               /* if there are any */
	__u32 reserved;
	struct neighbor_key sender, target; /* of ARP and ND in a gateway's segment */
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__type(key, __u32);
	__type(value, struct scratch);
	__uint(max_entries, 1);
} scratches __weak SEC(".maps");

/* Programs of one hook do not migrate and do not nest on a CPU, so the row is ours until the program returns. */
static __always_inline struct scratch *scratch_of_cpu(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&scratches, &zero);
}

#endif

/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The frame in hand, as every stage sees it. hook_tc.h or hook_xdp.h comes first and says what a hook_context is; the
 * stages use the functions those two define under the same names.
 *
 * `data` always points at the Ethernet header of the frame as it is now: the inner one once it was decapsulated.
 */
#ifndef WEFT_PACKET_H
#define WEFT_PACKET_H

#include <linux/types.h>

#include "abi.h"
#include "parse.h"

#define __must_check __attribute__((warn_unused_result))

enum {
	ETHERNET_BYTES = 14,
	VLAN_BYTES = 4,
	MIN_FRAME_BYTES = 60,
	HEADER_PULL_BYTES = 192, /* outer and inner headers with options and an ND message lie in here */
};

struct frame {
	hook_context *ctx;
	void *data;
	void *end;
	__u32 bytes;              /* length as it came, for the account */
	__u32 ifindex;            /* interface it came in by */
	__u16 account;            /* counter row: the port's, or the segment's for frames from the underlay */
	__u16 segment;            /* segment index, 0 until known */
	__u16 flags;              /* FRAME_* */
	__be16 protocol;          /* EtherType of an untagged frame, 0 if it keeps a tag; set by take_tag() */
	int action;               /* what leave() returns for a TX_ verdict; set by send_to() */
	__u32 nexthop;            /* of `source`, 0 if it is no known remote */
	__u32 circuit;            /* it came by, 0 if none */
	__u16 policy;             /* of the port it came by, 0 if none */
	__u16 reserved;
	__be16 tag_protocol;      /* of the tag that was taken off at a circuit or port, for an answer */
	__u16 tag_vid;            /* 0: none was */
	struct ip_address source; /* outer source of a frame from a remote, else zero */
};

/* MACs lie at even offsets on the stack and in packets; clang would copy bytes where it cannot know. */
static __always_inline void copy_mac(void *to, const void *from)
{
	((__u16 *)to)[0] = ((const __u16 *)from)[0];
	((__u16 *)to)[1] = ((const __u16 *)from)[1];
	((__u16 *)to)[2] = ((const __u16 *)from)[2];
}

static __always_inline void copy_ethernet(void *to, const void *from)
{
	copy_mac(to, from);
	copy_mac(to + 6, from + 6);
	((__u16 *)to)[6] = ((const __u16 *)from)[6];
}

static __always_inline int same_mac(const void *a, const void *b)
{
	return ((const __u16 *)a)[0] == ((const __u16 *)b)[0] && ((const __u16 *)a)[1] == ((const __u16 *)b)[1] &&
	       ((const __u16 *)a)[2] == ((const __u16 *)b)[2];
}

static __always_inline int same_address(const struct ip_address *a, const struct ip_address *b)
{
	const __u32 *x = (const __u32 *)a, *y = (const __u32 *)b;

	return x[3] == y[3] && x[2] == y[2] && x[1] == y[1] && x[0] == y[0];
}

#endif

/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * TC's side of the hook: the same function names as hook_xdp.h. Pointers into the frame die with every helper that may
 * move it; each function here that moves it leaves `data` and `end` fresh.
 */
#ifndef WEFT_HOOK_TC_H
#define WEFT_HOOK_TC_H

#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/pkt_cls.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

typedef struct __sk_buff hook_context;

#include "packet.h"

#define HOOK_DROP TC_ACT_SHOT

/* UNSPEC lets other programs of the hook look too; what we hand up goes straight to the kernel's tunnel device. */
static __always_inline int hook_pass(enum verdict v)
{
	return v == PASS_UP ? TC_ACT_OK : TC_ACT_UNSPEC;
}

static __always_inline void frame_refresh(struct frame *f)
{
	f->data = (void *)(long)f->ctx->data;
	f->end = (void *)(long)f->ctx->data_end;
}

/* Makes the first `bytes` (or all there are) directly readable. */
static __always_inline void frame_pull(struct frame *f, __u32 bytes)
{
	if (f->data + bytes <= f->end || (__u32)(f->end - f->data) >= f->ctx->len)
		return;
	bpf_skb_pull_data(f->ctx, bytes < f->ctx->len ? bytes : f->ctx->len);
	frame_refresh(f);
}

static __always_inline void frame_open(struct frame *f, struct __sk_buff *skb)
{
	__builtin_memset(f, 0, sizeof(*f));
	f->ctx = skb;
	f->bytes = skb->len;
	f->ifindex = skb->ifindex;
	f->action = TC_ACT_SHOT;
	frame_refresh(f);
	frame_pull(f, HEADER_PULL_BYTES);
}

/* Length of the frame as it is now, without a tag in metadata. */
static __always_inline __u32 frame_bytes(const struct frame *f)
{
	return f->ctx->len;
}

/* Out of an interface; the frame leaves when the program returns f->action. */
static __always_inline void send_to(struct frame *f, __u32 ifindex)
{
	f->action = bpf_redirect(ifindex, 0);
}

/* Back to the guest it came from: ARP, ND and ICMP answers. */
static __always_inline void send_back(struct frame *f)
{
	send_to(f, f->ifindex);
}

#endif

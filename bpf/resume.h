/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * What is known of a frame, past a tail call: in the five words of skb->cb, and the VTEP that it came from in scratch
 * memory. The program that is called goes on where the other one ended. cb is read and written by words only, so struct
 * frame_facts is spelled out here.
 */
#ifndef WEFT_RESUME_H
#define WEFT_RESUME_H

#include "hooks.h"
#include "packet.h"
#include "scratch.h"

_Static_assert(MAX_NEXTHOPS <= 65536 && MAX_CIRCUITS <= 65536, "halves of a word of struct frame_facts");

static __always_inline void suspend(const struct frame *f)
{
	struct scratch *scratch = scratch_of_cpu();

	f->ctx->cb[0] = f->segment | (__u32)f->flags << 16;
	f->ctx->cb[1] = (f->nexthop & 0xffff) | (__u32)f->account << 16;
	f->ctx->cb[2] = (f->circuit & 0xffff) | (__u32)f->policy << 16;
	f->ctx->cb[3] = f->tag_vid | (__u32)f->tag_protocol << 16;
	f->ctx->cb[4] = f->bytes;
	if (scratch)
		scratch->source = f->source;
}

static __always_inline void resume(struct frame *f, struct __sk_buff *skb)
{
	const struct ethernet_header *ethernet;

	frame_open(f, skb);
	f->segment = skb->cb[0];
	f->flags = skb->cb[0] >> 16;
	f->nexthop = skb->cb[1] & 0xffff;
	f->account = skb->cb[1] >> 16;
	f->circuit = skb->cb[2] & 0xffff;
	f->policy = skb->cb[2] >> 16;
	f->tag_vid = skb->cb[3];
	f->tag_protocol = skb->cb[3] >> 16;
	f->bytes = skb->cb[4];
	ethernet = f->data;
	if ((void *)(ethernet + 1) <= f->end && !skb->vlan_present)
		f->protocol = ethernet->protocol;
}

#endif

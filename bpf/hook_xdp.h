/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * XDP's side of the hook: the same function names as hook_tc.h. Here a frame lies whole in front of the program, tags are
 * in band, and what changes it comes last, since a frame that needs more goes up as it came.
 */
#ifndef WEFT_HOOK_XDP_H
#define WEFT_HOOK_XDP_H

#include <linux/bpf.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

typedef struct xdp_md hook_context;

#include "classify.h"
#include "config.h"
#include "packet.h"

#define HOOK_DROP XDP_DROP
/* A global function of both hooks needs two names, since its context is of another type. */
#define HOOK_FUNCTION(name) name##_xdp

static __always_inline int hook_pass(enum verdict v)
{
	(void)v;
	return XDP_PASS;
}

static __always_inline void frame_refresh(struct frame *f)
{
	f->data = (void *)(long)f->ctx->data;
	f->end = (void *)(long)f->ctx->data_end;
}

static __always_inline __u32 frame_bytes(const struct frame *f)
{
	return f->end - f->data;
}

static __always_inline __u32 frame_gso(const struct frame *f)
{
	(void)f;
	return 0;
}

static __always_inline void frame_open(struct frame *f, struct xdp_md *ctx)
{
	__builtin_memset(f, 0, sizeof(*f));
	f->ctx = ctx;
	f->ifindex = ctx->ingress_ifindex;
	f->action = XDP_DROP;
	frame_refresh(f);
	f->bytes = frame_bytes(f);
}

static __always_inline long hook_load_bytes(struct xdp_md *ctx, __u32 offset, void *to, __u32 bytes)
{
	return bpf_xdp_load_bytes(ctx, offset, to, bytes);
}

/* What the device verified does not reach XDP. */
static __always_inline int hook_checksum_done(struct xdp_md *ctx)
{
	(void)ctx;
	return 0;
}

static __always_inline void send_to(struct frame *f, __u32 ifindex)
{
	f->action = bpf_redirect(ifindex, 0);
}

static __always_inline void deliver_to(struct frame *f, const struct device *port)
{
	send_to(f, port->ifindex);
}

static __always_inline int frame_store(struct frame *f, __u32 offset, const void *from, __u32 bytes)
{
	__u32 i;

	if (f->data + offset + bytes > f->end)
		return -1;
	for (i = 0; i < bytes / 2; i++)
		((__u16 *)(f->data + offset))[i] = ((const __u16 *)from)[i];
	return 0;
}

/* Makes room for an outer header in front, its bytes undefined. */
static __always_inline int frame_grow(struct frame *f, __u32 outer)
{
	if (bpf_xdp_adjust_head(f->ctx, -(int)outer))
		return -1;
	frame_refresh(f);
	return f->data + outer + ETHERNET_BYTES > f->end ? -1 : 0;
}

static __always_inline int frame_push(struct frame *f)
{
	return frame_grow(f, outer_bytes());
}

static __always_inline int frame_push_nvgre(struct frame *f)
{
	return frame_grow(f, nvgre_bytes());
}

/* Takes the outer header off. What lies behind the tunnel packet was handed up before. */
static __always_inline int frame_pop(struct frame *f, const struct outer *o, __u32 outer, __u32 tag_bytes)
{
	(void)o;
	if (bpf_xdp_adjust_head(f->ctx, outer + tag_bytes))
		return -1;
	frame_refresh(f);
	return f->data + ETHERNET_BYTES > f->end ? -1 : 0;
}

#endif

/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * 802.1Q tags at TC. The kernel keeps the outermost tag of a received frame in metadata, whatever the device offloads, and
 * would put it on the *outer* frame of what we encapsulate; so it is refused, removed or written in band before.
 */
#ifndef WEFT_TAGS_H
#define WEFT_TAGS_H

#include "lookup.h"

static __always_inline int has_tag(const struct frame *f)
{
	const struct ethernet_header *ethernet = f->data;

	return f->ctx->vlan_present || ((void *)(ethernet + 1) <= f->end && is_vlan(ethernet->protocol));
}

/* VID of the outermost tag: 0 is a priority tag, on a frame that counts as untagged (IEEE 802.1Q §6.9). */
static __always_inline __u16 tag_vid(const struct frame *f)
{
	const struct vlan_header *tag = f->data + ETHERNET_BYTES;

	if (f->ctx->vlan_present)
		return f->ctx->vlan_tci & VLAN_ID_MASK;
	if ((void *)(tag + 1) > f->end)
		return 0;
	return bpf_ntohs(tag->tci) & VLAN_ID_MASK;
}

/* CONTINUE: untagged now, or tagged where the segment keeps tags; f->protocol says which. */
static __always_inline __must_check enum verdict take_tag(struct frame *f, const struct segment *seg)
{
	const struct ethernet_header *ethernet;

	if (has_tag(f) && tag_vid(f) == 0) {
		bpf_skb_vlan_pop(f->ctx);
		frame_refresh(f);
	}
	ethernet = f->data;
	if ((void *)(ethernet + 1) > f->end)
		return DROP_SHORT;
	f->protocol = 0;
	if (has_tag(f))
		return seg->flags & SEGMENT_KEEP_TAGS ? CONTINUE : DROP_VLAN;
	f->protocol = ethernet->protocol;
	return CONTINUE;
}

/* Length of an in-band tag with VID 0 on the inner frame that the outer header still covers. */
static __always_inline __u32 inner_priority_tag_bytes(const struct frame *f)
{
	const struct ethernet_header *ethernet = f->data + outer_bytes();
	const struct vlan_header *tag = f->data + outer_bytes() + ETHERNET_BYTES;

	if ((void *)(tag + 1) > f->end || !is_vlan(ethernet->protocol))
		return 0;
	return tag->tci & bpf_htons(VLAN_ID_MASK) ? 0 : VLAN_BYTES;
}

struct tag {
	__be16 protocol;
	__be16 tci;
};

static __always_inline struct tag pop_tag(struct frame *f)
{
	const struct tag tag = {.protocol = f->ctx->vlan_proto, .tci = bpf_htons(f->ctx->vlan_tci)};

	bpf_skb_vlan_pop(f->ctx);
	return tag;
}

/*
 * The tag in metadata goes in band, where the tunnel keeps it. Popping it moves a second one up from the frame into
 * metadata, so up to two go back; who has more than that is refused. Not for GSO: the tunnel device does it there.
 */
static __always_inline __must_check enum verdict write_tags(struct frame *f)
{
	struct tag first, second = {};
	struct ethernet_header ethernet;
	__u32 bytes = VLAN_BYTES;
	__be16 *to;

	if (!f->ctx->vlan_present)
		return CONTINUE;
	first = pop_tag(f);
	if (f->ctx->vlan_present) {
		second = pop_tag(f);
		bytes += VLAN_BYTES;
	}
	if (f->ctx->vlan_present)
		return DROP_VLAN;
	frame_refresh(f);
	if (f->data + ETHERNET_BYTES > f->end)
		return DROP_SHORT;
	copy_ethernet(&ethernet, f->data);
	if (bpf_skb_change_head(f->ctx, bytes, 0))
		return DROP_NO_ROOM;
	frame_refresh(f);
	to = f->data + ETHERNET_BYTES - 2;
	if ((void *)to + 2 * VLAN_BYTES + 2 > f->end)
		return DROP_SHORT;
	copy_mac(f->data, ethernet.destination);
	copy_mac(f->data + 6, ethernet.source);
	to[0] = first.protocol;
	to[1] = first.tci;
	to[2] = ethernet.protocol;
	if (bytes > VLAN_BYTES) {
		to[2] = second.protocol;
		to[3] = second.tci;
		to[4] = ethernet.protocol;
	}
	return CONTINUE;
}

#endif

/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* One frame to one receiver: a local port or a remote VTEP. TC only; what XDP can of it is in fast.h. */
#ifndef WEFT_SEND_H
#define WEFT_SEND_H

#include "encap.h"
#include "lookup.h"
#include "policy.h"
#include "tags.h"
#include "tunnel.h"

static __always_inline __must_check enum verdict send_to_port(struct frame *f, __u32 ifindex)
{
	const struct device *port;
	enum verdict v;

	if (ifindex == f->ifindex)
		return DROP_SAME_PORT;
	port = device_of(ifindex);
	if (!port)
		return DROP_NO_RECEIVER;
	if (port->flags & DEVICE_RULES) {
		v = obey_rules(f->ctx, ifindex, 1);
		frame_refresh(f);
		if (v) {
			count_refusal(port, frame_bytes(f));
			return v;
		}
	}
	if (port->policy) {
		v = admit_to(f->ctx, ifindex, f->policy);
		if (v)
			return v;
		if (push_guest_tag(f->ctx, port, has_tag(f)) < 0)
			return DROP_NO_ROOM;
	}
	tally_add(&deliveries, port->account, 1, frame_bytes(f));
	deliver_to(f, port);
	return TX_LOCAL;
}

/*
 * Segments that the device must cut: a sum or a tag of their own each, which only the tunnel device gives them. GRE has no
 * sum, and no tag behind it.
 */
static __always_inline int needs_device(const struct frame *f, int nvgre)
{
	return frame_gso(f) && !nvgre && (wants_full_checksum() || has_tag(f));
}

__weak __noinline int encapsulate_nvgre(struct __sk_buff *skb, __u32 id)
{
	struct frame f = {.ctx = skb};
	const struct nexthop *hop;
	struct outgoing out;

	if (find_nexthop(id, &hop))
		return DROP_NO_NEXTHOP;
	frame_refresh(&f);
	describe_nvgre(&f, &out);
	if (frame_push_nvgre(&f))
		return frame_gso(&f) ? CONTINUE : DROP_NO_ROOM;
	if (f.data + nvgre_bytes() > f.end)
		return DROP_NO_ROOM;
	write_nvgre(f.data, hop, &out);
	return TX_REMOTE;
}

/*
 * The whole frame behind our own header, ready to be sent. CONTINUE: adjust_room did not take it, and it is as it was. A
 * function of its own for the verifier, which then looks at it once.
 */
__weak __noinline int encapsulate(struct __sk_buff *skb, __u32 id)
{
	struct frame f = {.ctx = skb};
	const struct nexthop *hop;
	struct outgoing out;

	if (find_nexthop(id, &hop))
		return DROP_NO_NEXTHOP;
	if (is_nvgre(hop))
		return encapsulate_nvgre(skb, id);
	frame_refresh(&f);
	describe(&f, hop, &out);
	if (frame_push(&f))
		return frame_gso(&f) ? CONTINUE : DROP_NO_ROOM;
	if (f.data + outer_bytes() > f.end)
		return DROP_NO_ROOM;
	write_outer(f.data, hop, &out);
	return TX_REMOTE;
}

static __always_inline __must_check enum verdict send_to_remote(struct frame *f, const struct nexthop *hop, __u32 id)
{
	enum verdict v;

	if (!(hop->flags & (NEXTHOP_RESOLVED | NEXTHOP_DEVICE)))
		want_nexthop(f->ctx, f->segment, id);
	if (!is_sendable(hop) || needs_device(f, is_nvgre(hop)))
		return send_by_device(f, hop);
	v = write_tags(f);
	if (v)
		return v;
	v = encapsulate(f->ctx, id);
	frame_refresh(f);
	if (v == TX_REMOTE)
		send_to(f, hop->ifindex);
	return v ? v : send_by_device(f, hop);
}

#endif

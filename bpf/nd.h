/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Neighbor discovery at the port and from remotes: arp.h for IPv6 (RFC 4861, RFC 4862, RFC 9161). Broken solicitations and
 * advertisements end at the port. TC's; XDP hands ND up.
 */
#ifndef WEFT_ND_H
#define WEFT_ND_H

#include <stddef.h>

#include "checksum.h"
#include "gateway.h"
#include "parse_nd.h"
#include "resolve.h"

enum { ND_REPLY_ICMP_BYTES = sizeof(struct nd_header) + sizeof(struct nd_option) };

/* Put together in scratch memory, since the stack is shared with all that a frame may meet. */
struct all_nodes {
	__be16 words[3];
};

struct nd_reply {
	__u16 reserved; /* so that the rest is aligned; the frame begins behind it */
	struct ethernet_header ethernet;
	struct ipv6_header ip;
	struct nd_header icmp;
	struct nd_option target_mac;
};
enum { ND_REPLY_FRAME_BYTES = sizeof(struct nd_reply) - offsetof(struct nd_reply, ethernet) };
_Static_assert(ND_REPLY_FRAME_BYTES == ETHERNET_BYTES + IPV6_BYTES + 32, "RFC 4861 §4.4 with one option");

static __always_inline int nd_sum_right(struct frame *f, const struct nd_message *nd)
{
	__s64 sum = sum_bytes(f->ctx, ETHERNET_BYTES + IPV6_BYTES, nd->icmp_bytes);

	return sum >= 0 && fold(nd->pseudo + sum) == 0xffff;
}

/* CONTINUE with nd->type 0: nothing to do with resolution. The frame's pointers stay valid. Its stack is not its callers'. */
static __noinline __must_check enum verdict read_nd(struct frame *f, struct nd_message *nd)
{
	enum verdict v = parse_nd(f->data, f->end, frame_bytes(f), nd);

	if (!v && nd->type && !nd_sum_right(f, nd))
		return DROP_BAD_ND;
	return v;
}

/* Whom the message tells of, and whom it asks for. */
static __always_inline void read_nd_keys(const struct frame *f, struct scratch *scratch)
{
	const struct nd_message *nd = &scratch->nd;

	scratch->sender.segment = f->segment;
	scratch->sender.ip = nd->type == ND_SOLICITATION ? nd->source : nd->target;
	scratch->target.segment = f->segment;
	scratch->target.ip = nd->target;
}

/*
 * A solicitation tells of its source, an advertisement of its target; one without the override flag may not replace what
 * is known (RFC 4861 §7.2.5). Duplicate address detection (source ::) tells nothing.
 */
static __noinline void learn_from_nd(struct frame *f, const struct segment *seg, struct scratch *scratch)
{
	const struct nd_message *nd = &scratch->nd;
	struct neighbor_key *said = &scratch->sender;

	if (!nd->has_mac || is_unspecified6(&said->ip) || is_multicast(nd->mac) || is_zero_mac(nd->mac))
		return;
	if (f->data + ETHERNET_BYTES > f->end || !same_mac(f->data + 6, nd->mac))
		return;
	learn_neighbor(f, seg, said, nd->mac, nd->type == ND_SOLICITATION || (nd->flags & ND_FLAG_OVERRIDE));
}

/* To the asker; to all nodes, unsolicited, if it has no address yet (RFC 4861 §7.2.4). A proxy never overrides. */
static __always_inline void fill_nd_ip(struct ipv6_header *ip, const struct nd_message *nd)
{
	ip->version_class_label = bpf_htonl(0x60000000);
	ip->payload_bytes = bpf_htons(ND_REPLY_ICMP_BYTES);
	ip->next_header = PROTOCOL_ICMP6;
	ip->hop_limit = ND_HOP_LIMIT;
	copy_address6(ip->source, &nd->target);
	copy_address6(ip->destination, &nd->source);
	if (is_unspecified6(&nd->source)) {
		ip->destination[0] = bpf_htonl(0xff020000);
		ip->destination[3] = bpf_htonl(1);
	}
}

/* flags: besides "solicited". */
static __always_inline void fill_nd_reply(struct nd_reply *r, const struct frame *f, const struct nd_message *nd,
					  const __u8 *mac, __u8 flags)
{
	int has_address = !is_unspecified6(&nd->source);

	copy_mac(r->ethernet.source, mac);
	r->ethernet.protocol = bpf_htons(ETH_P_IPV6);
	if (has_address)
		copy_mac(r->ethernet.destination, f->data + 6);
	else
		*(struct all_nodes *)r->ethernet.destination = (struct all_nodes){{bpf_htons(0x3333), 0, bpf_htons(1)}};
	fill_nd_ip(&r->ip, nd);
	r->icmp = (struct nd_header){.type = ND_ADVERTISEMENT, .flags = flags | (has_address ? ND_FLAG_SOLICITED : 0)};
	copy_address6(r->icmp.target, &nd->target);
	r->target_mac.type = ND_TARGET_MAC;
	r->target_mac.units = 1;
	copy_mac(r->target_mac.mac, mac);
	r->icmp.check = ~fold(sum_words(r->ip.source, 8) + bpf_htons(ND_REPLY_ICMP_BYTES) + bpf_htons(PROTOCOL_ICMP6) +
			      sum_words(&r->icmp, ND_REPLY_ICMP_BYTES / 4));
}

/* An advertisement with its option is as long as a solicitation with one, and 8 bytes longer than without. */
static __always_inline __must_check enum verdict store_nd_reply(struct frame *f, const struct nd_reply *reply)
{
	if (frame_rewrite_room(f, ND_REPLY_FRAME_BYTES) || frame_store(f, 0, &reply->ethernet, ND_REPLY_FRAME_BYTES))
		return DROP_NO_ROOM;
	return TX_ND_REPLY;
}

static __always_inline __must_check enum verdict answer_nd(struct frame *f, const struct segment *seg,
							   struct scratch *scratch)
{
	const struct nd_message *nd = &scratch->nd;
	const struct question q = {
		.target = &scratch->target,
		.asker = f->data + 6,
		.said = nd->has_mac ? nd->mac : f->data + 6,
		.to_all = nd->to_many,
		.announcement = same_address(&nd->source, &nd->target),
	};
	struct nd_reply *reply = (struct nd_reply *)scratch->bytes;
	__u8 mac[6];

	if (nd->type != ND_SOLICITATION || f->data + ETHERNET_BYTES > f->end)
		return CONTINUE;
	if (!find_answer(f, seg, &q, mac))
		return CONTINUE;
	fill_nd_reply(reply, f, nd, mac, 0);
	tell_local_ports(f, seg, &q);
	return store_nd_reply(f, reply);
}

/* --- the gateway's part, as in arp.h ------------------------------------------------------------------------------------- */

/* A router says so, and overrides what a host had for its address before. */
static __always_inline __must_check enum verdict advertise_gateway(struct frame *f, const struct gateway *gateway,
								   struct scratch *scratch)
{
	struct nd_reply *reply = (struct nd_reply *)scratch->bytes;

	if (f->data + ETHERNET_BYTES > f->end)
		return DROP_SHORT;
	fill_nd_reply(reply, f, &scratch->nd, gateway->mac, ND_FLAG_ROUTER | ND_FLAG_OVERRIDE);
	return store_nd_reply(f, reply);
}

/* As arp_by_proxy(). What an advertisement to all says goes on in the gateway's name. */
static __always_inline __must_check enum verdict nd_by_proxy(struct frame *f, const struct segment *seg,
							     const struct gateway *gateway, struct scratch *scratch)
{
	const struct nd_message *nd = &scratch->nd;

	if (is_unspecified6(&nd->source) || !nd->has_mac)
		return CONTINUE;
	learn_from_nd(f, seg, scratch);
	if (nd->type == ND_ADVERTISEMENT) {
		if (!nd->to_many)
			return CONTINUE;
		ask_for(f, scratch);
		return DROP_FOR_GATEWAY;
	}
	if (!bpf_map_lookup_elem(&neighbors, &scratch->target))
		ask_for(f, scratch);
	return advertise_gateway(f, gateway, scratch);
}

/* A function of its own for its stack's sake. */
static __noinline __must_check enum verdict nd_to_gateway(struct frame *f, const struct segment *seg,
							  const struct gateway *gateway, struct scratch *scratch)
{
	const struct nd_message *nd = &scratch->nd;
	int solicitation = nd->type == ND_SOLICITATION;

	if ((nd->has_mac && same_mac(nd->mac, gateway->mac)) || is_own_address(&scratch->sender, gateway->domain))
		return DROP_GATEWAY_SPOOFED;
	if (!solicitation || !is_own_address(&scratch->target, gateway->domain)) {
		if (!is_to_gateway(f, gateway))
			return is_proxy(gateway) && !(f->flags & FRAME_FROM_REMOTE) ? nd_by_proxy(f, seg, gateway, scratch)
										  : CONTINUE;
		learn_from_nd(f, seg, scratch);
		return solicitation ? CONTINUE : take_answer(f);
	}
	learn_from_nd(f, seg, scratch);
	if (f->flags & FRAME_FROM_REMOTE && !(gateway->flags & GATEWAY_ANSWER_REMOTE))
		return DROP_FOR_GATEWAY;
	return advertise_gateway(f, gateway, scratch);
}

/* As arp_from_port(). */
static __noinline __must_check enum verdict nd_from_port(struct frame *f, const struct segment *seg,
							 const struct gateway *gateway)
{
	struct scratch *scratch = scratch_of_cpu();
	enum verdict v;

	if (!scratch || !is_ours_to_resolve(f))
		return CONTINUE;
	v = read_nd(f, &scratch->nd);
	if (v || !scratch->nd.type)
		return v;
	if (!within_arp_limit(f))
		return DROP_ARP_LIMIT;
	read_nd_keys(f, scratch);
	if (gateway) {
		v = nd_to_gateway(f, seg, gateway, scratch);
		if (v)
			return v;
	}
	learn_from_nd(f, seg, scratch);
	return answer_nd(f, seg, scratch);
}

static __noinline __must_check enum verdict nd_from_remote(struct frame *f, const struct segment *seg,
							   const struct gateway *gateway)
{
	struct scratch *scratch = scratch_of_cpu();
	enum verdict v;

	if (!scratch || read_nd(f, &scratch->nd) || !scratch->nd.type)
		return CONTINUE;
	read_nd_keys(f, scratch);
	if (gateway && f->flags & FRAME_FROM_REMOTE && is_from_gateway(f, gateway)) {
		if (is_proxy(gateway) && !is_own_address(&scratch->sender, gateway->domain))
			learn_from_nd(f, seg, scratch);
		if (scratch->nd.type == ND_SOLICITATION)
			note_asker(&scratch->target, f->nexthop);
		return CONTINUE;
	}
	if (gateway) {
		v = nd_to_gateway(f, seg, gateway, scratch);
		if (v)
			return v;
	}
	learn_from_nd(f, seg, scratch);
	return CONTINUE;
}

#endif

/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * ARP at the port: limit, learn, and answer on this host what the segment's mode allows (RFC 826, RFC 5227, RFC 9161).
 * From a remote it is learned from only. TC's; XDP hands ARP up.
 */
#ifndef WEFT_ARP_H
#define WEFT_ARP_H

#include "flood.h"
#include "parse_nd.h"
#include "resolve.h"

struct arp_frame {
	struct ethernet_header ethernet;
	struct arp_message arp;
};
_Static_assert(sizeof(struct arp_frame) == 42, "as on the wire");

/*
 * What names a host: not 0.0.0.0, which a probe gives for its sender, nor 0/8, loopback or multicast and above; and the
 * MAC must be the one that the frame itself came from.
 */
static __always_inline int arp_names_a_host(const void *data, const struct arp_message *arp)
{
	const struct ethernet_header *ethernet = (const struct ethernet_header *)data;

	return arp->sender_ip[0] != 0 && arp->sender_ip[0] != 127 && arp->sender_ip[0] < 224 &&
	       !is_multicast(arp->sender_mac) && same_mac(ethernet->source, arp->sender_mac);
}

static __always_inline void arp_key(struct neighbor_key *key, __u16 segment, const __u8 *ip)
{
	key->segment = segment;
	address_from4(&key->ip, ((const struct ports_header *)ip)->both);
}

static __always_inline void learn_from_arp(struct frame *f, const struct segment *seg, const struct arp_message *arp)
{
	struct neighbor_key said;

	if (!arp_names_a_host(f->data, arp))
		return;
	arp_key(&said, f->segment, arp->sender_ip);
	learn_neighbor(f, seg, &said, arp->sender_mac, 1);
}

static __always_inline void fill_arp_reply(struct arp_frame *reply, const struct frame *f, const struct arp_message *arp,
					   const __u8 *mac)
{
	copy_mac(reply->ethernet.destination, f->data + 6);
	copy_mac(reply->ethernet.source, mac);
	reply->ethernet.protocol = bpf_htons(ETH_P_ARP);
	reply->arp.header = (struct arp_header){bpf_htons(ARP_ETHERNET), bpf_htons(ETH_P_IP), 6, 4, bpf_htons(ARP_REPLY)};
	copy_mac(reply->arp.sender_mac, mac);
	copy_mac(reply->arp.target_mac, arp->sender_mac);
	__builtin_memcpy(reply->arp.sender_ip, arp->target_ip, 4);
	__builtin_memcpy(reply->arp.target_ip, arp->sender_ip, 4);
}

/* The answer takes the request's place. A NIC port sends no frame below 60 bytes. */
static __always_inline __must_check enum verdict send_arp_reply(struct frame *f, const struct arp_frame *reply)
{
	if (frame_bytes(f) < MIN_FRAME_BYTES && frame_resize(f, MIN_FRAME_BYTES))
		return DROP_NO_ROOM;
	if (frame_store(f, 0, reply, sizeof(*reply)))
		return DROP_NO_ROOM;
	send_back(f);
	return TX_ARP_REPLY;
}

static __always_inline __must_check enum verdict answer_arp(struct frame *f, const struct segment *seg,
							    const struct arp_message *arp)
{
	const struct ethernet_header *ethernet = (const struct ethernet_header *)f->data;
	struct neighbor_key target;
	const struct question q = {
		.target = &target,
		.asker = ethernet->source,
		.said = arp->sender_mac,
		.to_all = is_multicast(ethernet->destination),
		.announcement = ((const struct ports_header *)arp->sender_ip)->both ==
				((const struct ports_header *)arp->target_ip)->both,
	};
	struct arp_frame reply;
	__u8 mac[6];

	if (arp->header.operation != bpf_htons(ARP_REQUEST))
		return CONTINUE;
	arp_key(&target, f->segment, arp->target_ip);
	if (!find_answer(f, seg, &q, mac))
		return CONTINUE;
	fill_arp_reply(&reply, f, arp, mac);
	tell_local_ports(f, seg, &q);
	return send_arp_reply(f, &reply);
}

/* CONTINUE: the frame goes its way like any other; FRAME_LOCAL_ONLY is set if that must not lead out of this host. */
static __noinline __must_check enum verdict arp_from_port(struct frame *f, const struct segment *seg,
							       const struct device *port)
{
	const struct arp_message *arp;
	enum verdict v = parse_arp(f->data, f->end, &arp);

	if (v)
		return v;
	if (!arp || !is_ours_to_resolve(f))
		return CONTINUE;
	if (!within_arp_limit(port))
		return DROP_ARP_LIMIT;
	learn_from_arp(f, seg, arp);
	return answer_arp(f, seg, arp);
}

static __noinline __must_check enum verdict arp_from_remote(struct frame *f, const struct segment *seg)
{
	const struct arp_message *arp;

	if (parse_arp(f->data, f->end, &arp) == CONTINUE && arp)
		learn_from_arp(f, seg, arp);
	return CONTINUE;
}

#endif

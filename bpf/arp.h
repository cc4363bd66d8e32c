/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * ARP at the port: limit, learn, and answer on this host what the segment's mode allows (RFC 826, RFC 5227, RFC 9161).
 * From a remote it is learned from only. TC's; XDP hands ARP up.
 */
#ifndef WEFT_ARP_H
#define WEFT_ARP_H

#include "gateway.h"
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

static __always_inline void learn_from_arp(struct frame *f, const struct segment *seg, const struct arp_message *arp,
					   const struct scratch *scratch)
{
	if (arp_names_a_host(f->data, arp))
		learn_neighbor(f, seg, &scratch->sender, arp->sender_mac, 1);
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

/* The answer takes the request's place, and is the caller's to send. A NIC port sends no frame below 60 bytes. */
static __always_inline __must_check enum verdict store_arp_reply(struct frame *f, const struct arp_frame *reply)
{
	if (frame_bytes(f) < MIN_FRAME_BYTES && frame_resize(f, MIN_FRAME_BYTES))
		return DROP_NO_ROOM;
	return frame_store(f, 0, reply, sizeof(*reply)) ? DROP_NO_ROOM : TX_ARP_REPLY;
}

static __always_inline __must_check enum verdict answer_arp(struct frame *f, const struct segment *seg,
							    const struct arp_message *arp, struct scratch *scratch)
{
	const struct ethernet_header *ethernet = (const struct ethernet_header *)f->data;
	struct arp_frame *reply = (struct arp_frame *)scratch->bytes;
	const struct question q = {
		.target = &scratch->target,
		.asker = ethernet->source,
		.said = arp->sender_mac,
		.to_all = is_multicast(ethernet->destination),
		.announcement = ((const struct ports_header *)arp->sender_ip)->both ==
				((const struct ports_header *)arp->target_ip)->both,
	};
	__u8 mac[6];

	if (arp->header.operation != bpf_htons(ARP_REQUEST))
		return CONTINUE;
	if (!find_answer(f, seg, &q, mac))
		return CONTINUE;
	fill_arp_reply(reply, f, arp, mac);
	tell_local_ports(f, seg, &q);
	return store_arp_reply(f, reply);
}

/* --- the gateway's part ------------------------------------------------------------------------------------------------ */

/*
 * A question for another guest of the segment: the gateway answers, so that what follows is routed, and looks for that
 * guest. A probe (RFC 5227) is left to who has the address; an announcement goes on in the gateway's name.
 */
static __always_inline __must_check enum verdict arp_by_proxy(struct frame *f, const struct segment *seg,
							      const struct gateway *gateway, const struct arp_message *arp,
							      struct scratch *scratch)
{
	struct arp_frame *reply = (struct arp_frame *)scratch->bytes;

	if (arp->header.operation != bpf_htons(ARP_REQUEST) || !arp_names_a_host(f->data, arp))
		return CONTINUE;
	learn_from_arp(f, seg, arp, scratch);
	if (same_address(&scratch->sender.ip, &scratch->target.ip)) {
		ask_for(f, scratch);
		return DROP_FOR_GATEWAY;
	}
	if (!bpf_map_lookup_elem(&neighbors, &scratch->target))
		ask_for(f, scratch);
	fill_arp_reply(reply, f, arp, gateway->mac);
	return store_arp_reply(f, reply);
}

/*
 * Of a guest or VLAN, or of a remote that is no gateway. CONTINUE: nothing of the gateway's. A host that asks whether the
 * gateway's address is free is told that it is not.
 */
static __always_inline __must_check enum verdict arp_to_gateway(struct frame *f, const struct segment *seg,
								const struct gateway *gateway,
								const struct arp_message *arp, struct scratch *scratch)
{
	struct arp_frame *reply = (struct arp_frame *)scratch->bytes;
	int to_own;

	if (same_mac(arp->sender_mac, gateway->mac) || is_own_address(&scratch->sender, gateway->domain))
		return DROP_GATEWAY_SPOOFED;
	to_own = is_own_address(&scratch->target, gateway->domain);
	if (!to_own && !is_to_gateway(f, gateway))
		return is_proxy(gateway) && !(f->flags & FRAME_FROM_REMOTE) ? arp_by_proxy(f, seg, gateway, arp, scratch) : CONTINUE;
	learn_from_arp(f, seg, arp, scratch);
	if (!to_own || arp->header.operation != bpf_htons(ARP_REQUEST))
		return take_answer(f);
	if (f->flags & FRAME_FROM_REMOTE && !(gateway->flags & GATEWAY_ANSWER_REMOTE))
		return DROP_FOR_GATEWAY;
	fill_arp_reply(reply, f, arp, gateway->mac);
	return store_arp_reply(f, reply);
}

/* --- both together: CONTINUE, or a verdict; TX_ARP_REPLY: the frame is the answer, to be sent back ------------------------ */

static __always_inline void read_arp_keys(const struct frame *f, const struct arp_message *arp, struct scratch *scratch)
{
	arp_key(&scratch->sender, f->segment, arp->sender_ip);
	arp_key(&scratch->target, f->segment, arp->target_ip);
}

/* FRAME_LOCAL_ONLY is set if the frame must not lead out of this host. */
static __noinline __must_check enum verdict arp_from_port(struct frame *f, const struct segment *seg,
							  const struct gateway *gateway)
{
	struct scratch *scratch = scratch_of_cpu();
	const struct arp_message *arp;
	enum verdict v = parse_arp(f->data, f->end, &arp);

	if (v)
		return v;
	if (!scratch || !arp || !is_ours_to_resolve(f))
		return CONTINUE;
	if (!within_arp_limit(f))
		return DROP_ARP_LIMIT;
	read_arp_keys(f, arp, scratch);
	if (gateway) {
		v = arp_to_gateway(f, seg, gateway, arp, scratch);
		if (v)
			return v;
	}
	learn_from_arp(f, seg, arp, scratch);
	return answer_arp(f, seg, arp, scratch);
}

/* From a remote or a VLAN. Another host's gateway looks for a guest: its answer, which comes to this one, is relayed. */
static __noinline __must_check enum verdict arp_from_remote(struct frame *f, const struct segment *seg,
							    const struct gateway *gateway)
{
	struct scratch *scratch = scratch_of_cpu();
	const struct arp_message *arp;
	enum verdict v;

	if (!scratch || parse_arp(f->data, f->end, &arp) || !arp)
		return CONTINUE;
	read_arp_keys(f, arp, scratch);
	if (gateway && f->flags & FRAME_FROM_REMOTE && is_from_gateway(f, gateway)) {
		if (is_proxy(gateway) && !is_own_address(&scratch->sender, gateway->domain))
			learn_from_arp(f, seg, arp, scratch);
		if (arp->header.operation == bpf_htons(ARP_REQUEST))
			note_asker(&scratch->target, f->nexthop);
		return CONTINUE;
	}
	if (gateway) {
		v = arp_to_gateway(f, seg, gateway, arp, scratch);
		if (v)
			return v;
	}
	learn_from_arp(f, seg, arp, scratch);
	return CONTINUE;
}

#endif

/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The outer UDP source port, or NVGRE's FlowID: a hash of the inner flow, so that the underlay's paths and receive queues are used
 * (RFC 7348 §5). The daemon's copies use the same function, so a flow keeps its port whoever sends it. Own arithmetic in
 * place of the skb's hash: XDP has none, and the flow dissector costs more than the rest of encapsulation.
 */
#ifndef WEFT_HASH_H
#define WEFT_HASH_H

#include "abi.h"
#include "parse.h"

static __always_inline __u32 hash_word(__u32 hash, __u32 word)
{
	hash = (hash ^ word) * 0x9e3779b1u;
	return hash ^ hash >> 15;
}

static __always_inline int has_ports(__u8 protocol)
{
	return protocol == PROTOCOL_TCP || protocol == PROTOCOL_UDP || protocol == PROTOCOL_SCTP;
}

static __always_inline __u32 hash_ports(struct cursor *c, __u8 protocol, __u32 hash)
{
	const struct ports_header *ports;

	hash = hash_word(hash, protocol);
	if (!has_ports(protocol))
		return hash;
	ports = (const struct ports_header *)take(c, sizeof(*ports));
	return ports ? hash_word(hash, ports->both) : hash;
}

/* All fragments of a packet are one flow, so none is hashed with ports. */
static __always_inline __u32 hash_ipv4(struct cursor *c, __u32 hash)
{
	const struct ipv4_header *ip = take_ipv4(c);

	if (!ip)
		return hash;
	hash = hash_word(hash_word(hash, ip->source), ip->destination);
	if (ipv4_is_fragment(ip) || !skip_ipv4_options(c, ip))
		return hash_word(hash, ip->protocol);
	return hash_ports(c, ip->protocol, hash);
}

/* Behind an extension header no ports are looked for. */
static __always_inline __u32 hash_ipv6(struct cursor *c, __u32 hash)
{
	const struct ipv6_header *ip = take_ipv6(c);
	int i;

	if (!ip)
		return hash;
	UNROLL
	for (i = 0; i < 4; i++)
		hash = hash_word(hash_word(hash, ip->source[i]), ip->destination[i]);
	return hash_ports(c, ip->next_header, hash);
}

/* IP by addresses, protocol and ports; all else by MACs and EtherType. */
static __always_inline __u32 flow_hash(const void *data, const void *end)
{
	struct cursor c = {(const __u8 *)data, (const __u8 *)end};
	const struct ethernet_header *ethernet = take_ethernet(&c);
	const struct ports_header *words = (const struct ports_header *)ethernet;
	__be16 protocol;

	if (!ethernet)
		return 0;
	protocol = skip_tags(&c, ethernet->protocol);
	if (protocol == bpf_htons(ETH_P_IP))
		return hash_ipv4(&c, protocol);
	if (protocol == bpf_htons(ETH_P_IPV6))
		return hash_ipv6(&c, protocol);
	return hash_word(hash_word(hash_word(protocol, words[0].both), words[1].both), words[2].both);
}

/* In host order. */
static __always_inline __u16 flow_source_port(const void *data, const void *end)
{
	__u32 hash = flow_hash(data, end);

	hash *= 0x85ebca77u;
	return SOURCE_PORT_MIN + (hash >> 18 & SOURCE_PORT_MASK);
}

/* NVGRE's FlowID (RFC 7637 §3.2): 1 to 255, since 0 says that there is none. */
static __always_inline __u8 flow_id(const void *data, const void *end)
{
	__u32 hash = flow_hash(data, end);

	hash *= 0x85ebca77u;
	return 1 + ((hash >> 24) * 255 >> 8);
}

/* Of the 16 of a team, for a MAC as it lies in memory: its first four bytes and the rest as numbers. */
static __always_inline __u32 share_of_mac(__u32 first, __u16 last)
{
	return hash_word(first, last) * 0x9e3779b1u >> 28;
}

#endif

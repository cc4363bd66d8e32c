/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * What lowers the path MTU to a remote: a router's "too big" about a tunnel packet of ours. The kernel believes one that
 * quotes nothing but two addresses and the port, and all three are easily guessed; so it gets to see only those that
 * quote what this host may have sent (RFC 5927 §7). Its floor (net.ipv4.route.min_pmtu; 1280 for IPv6) and its expiry
 * (mtu_expires, ten minutes) hold for the rest. No helper, no map; builds natively too.
 */
#ifndef WEFT_PATH_ERROR_H
#define WEFT_PATH_ERROR_H

#include "classify.h"
#include "tuple.h"

/* The tunnel packet that an error quotes: who it was for. */
struct quote {
	struct ip_address remote;
	__u32 vni; /* VSID and it: NVGRE */
	__u32 bytes;
};

struct path_error {
	__u8 type;
	__u8 code;
	__be16 check;
	__be16 mtu_high; /* IPv6 has 32 bits of it; IPv4 has these unused */
	__be16 mtu;
} WIRE;

enum { ICMP_UNREACHABLE = 3, ICMP_FRAG_NEEDED = 4, ICMP6_TOO_BIG = 2 };

/* An end point sends from its ports to the tunnel's, to no VNI but in a header of its own form. */
static __always_inline enum verdict read_quoted_vxlan(struct cursor *c, const volatile struct config *config,
						      struct quote *q)
{
	const struct udp_header *udp = take_udp(c);
	const struct vxlan_header *vxlan;

	if (!udp || udp->destination != config->port)
		return PASS_NOT_OURS;
	vxlan = take_vxlan(c);
	if (!vxlan || bpf_ntohs(udp->source) < SOURCE_PORT_MIN || vxlan->flags != bpf_htonl(VXLAN_FLAG_VNI))
		return DROP_PATH_ERROR;
	q->vni = bpf_ntohl(vxlan->vni) >> 8;
	return CONTINUE;
}

static __always_inline enum verdict read_quoted_nvgre(struct cursor *c, struct quote *q)
{
	const struct gre_header *gre = take_gre(c);

	if (!gre || gre->protocol != bpf_htons(ETH_P_TEB) || gre->flags != bpf_htons(GRE_KEY))
		return PASS_NOT_OURS;
	q->vni = VSID | bpf_ntohl(gre->key) >> 8;
	return CONTINUE;
}

static __always_inline enum verdict read_quoted_tunnel(struct cursor *c, const volatile struct config *config,
						       __u8 protocol, struct quote *q)
{
	if (protocol == PROTOCOL_UDP)
		return read_quoted_vxlan(c, config, q);
	if (protocol == PROTOCOL_GRE && config->flags & CONFIG_NVGRE)
		return read_quoted_nvgre(c, q);
	return PASS_NOT_OURS;
}

/* We send no fragments, and nothing that would have fitted. */
static __always_inline int is_plausible(const volatile struct config *config, const struct ip_address *source, int whole,
					__u32 mtu, const struct quote *q)
{
	return whole && is_vtep(config, source) && mtu < q->bytes;
}

static __always_inline enum verdict classify_path_error4(struct cursor *c, const volatile struct config *config,
							 struct quote *q)
{
	const struct ipv4_header *ip = take_ipv4(c), *quoted;
	struct ip_address address;
	const struct path_error *error;
	enum verdict v;

	if (!ip || ip->protocol != PROTOCOL_ICMP || ip->fragment & bpf_htons(IPV4_OFFSET_MASK))
		return PASS_NOT_OURS;
	address_from4(&address, ip->destination);
	if (!is_vtep(config, &address) || !skip_ipv4_options(c, ip))
		return PASS_NOT_OURS;
	error = (const struct path_error *)take(c, sizeof(*error));
	if (!error || error->type != ICMP_UNREACHABLE || error->code != ICMP_FRAG_NEEDED)
		return PASS_NOT_OURS;
	if (ipv4_is_fragment(ip))
		return DROP_PATH_ERROR; /* no error is as long as that, and what it quotes cannot be seen */
	quoted = take_ipv4(c);
	if (!quoted || !skip_ipv4_options(c, quoted))
		return PASS_NOT_OURS;
	v = read_quoted_tunnel(c, config, quoted->protocol, q);
	if (v)
		return v;
	address_from4(&q->remote, quoted->destination);
	address_from4(&address, quoted->source);
	q->bytes = bpf_ntohs(quoted->total_bytes);
	return is_plausible(config, &address, !ipv4_is_fragment(quoted), bpf_ntohs(error->mtu), q) ? CONTINUE
												    : DROP_PATH_ERROR;
}

/* Behind more extension headers than tuple.h follows it is the kernel's to judge. */
static __always_inline enum verdict classify_path_error6(struct cursor *c, const volatile struct config *config,
							 struct quote *q)
{
	const struct ipv6_header *ip = take_ipv6(c), *quoted;
	const struct path_error *error;
	struct ip_address address;
	struct tuple t = {};
	enum verdict v;

	if (!ip)
		return PASS_NOT_OURS;
	address_from6(&address, ip->destination);
	t.protocol = ip->next_header;
	if (!is_vtep(config, &address) || skip_to_l4(c, &t) != TUPLE_IS || t.protocol != PROTOCOL_ICMP6 ||
	    t.flags & TUPLE_FRAGMENT)
		return PASS_NOT_OURS;
	error = (const struct path_error *)take(c, sizeof(*error));
	if (!error || error->type != ICMP6_TOO_BIG)
		return PASS_NOT_OURS;
	quoted = take_ipv6(c);
	if (!quoted)
		return ip->next_header == PROTOCOL_ICMP6 ? PASS_NOT_OURS : DROP_PATH_ERROR;
	v = read_quoted_tunnel(c, config, quoted->next_header, q);
	if (v)
		return v;
	address_from6(&q->remote, quoted->destination);
	address_from6(&address, quoted->source);
	q->bytes = bpf_ntohs(quoted->payload_bytes) + IPV6_BYTES;
	return is_plausible(config, &address, !error->mtu_high, bpf_ntohs(error->mtu), q) ? CONTINUE : DROP_PATH_ERROR;
}

/*
 * CONTINUE: an error about a tunnel packet that may have been ours, *q is filled in: the caller knows whether its remote is
 * one of its segment. PASS_NOT_OURS: anything else. DROP_PATH_ERROR: about one that was not.
 */
static __always_inline enum verdict classify_path_error(const __u8 *data, const __u8 *end,
							const volatile struct config *config, struct quote *q)
{
	struct cursor c = {data, end};
	const struct ethernet_header *ethernet = take_ethernet(&c);

	if (!ethernet)
		return PASS_NOT_OURS;
	if (config->flags & CONFIG_IPV6)
		return ethernet->protocol == bpf_htons(ETH_P_IPV6) ? classify_path_error6(&c, config, q) : PASS_NOT_OURS;
	return ethernet->protocol == bpf_htons(ETH_P_IP) ? classify_path_error4(&c, config, q) : PASS_NOT_OURS;
}

#endif

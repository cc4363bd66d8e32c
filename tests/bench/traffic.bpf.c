// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// The bench's own programs: a generator for live frames, sinks that count, and redirects without encapsulation, which
// are the bound of what any overlay can reach on these devices.
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/pkt_cls.h>
#include <linux/udp.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "traffic.h"

/* Set before load. */
const volatile __u32 out_ifindex;    /* where the generator sends */
const volatile __u32 flows = 1;      /* source ports, a power of two */
const volatile __u32 tag_bytes;      /* of a VLAN tag behind the addresses, 0: none */
const volatile __u16 head[13];       /* the first words of each frame, */
const volatile __u32 restored;       /* so many of which are written each time */
const volatile __u32 macs;           /* destination MACs, 0: the one in the frame */
const volatile __u32 addresses;      /* destination addresses, likewise; head has the IP header as far as the checksum */
const volatile __u32 first_address;  /* the one in the frame, host order */
const volatile __u32 port_ifindex;   /* the bound's two devices */
const volatile __u32 uplink_ifindex;

struct slot made[TRAFFIC_CPUS];
struct slot arrived[TRAFFIC_CPUS];

struct frame {
	struct ethhdr ethernet;
	struct iphdr ip;
	struct udphdr udp;
} __attribute__((packed));

static __always_inline struct slot *own(struct slot *slots)
{
	return &slots[bpf_get_smp_processor_id() & (TRAFFIC_CPUS - 1)];
}

/* Multiples of 2^32 over the golden ratio visit all of them, each far from the one before. */
static __always_inline __u32 scatter(__u32 n, __u32 over)
{
	return ((__u64)(n * 2654435761u) * over) >> 32;
}

/* RFC 1624 §3, from the checksum of the frame as it was made. */
static __always_inline void write_address(struct iphdr *ip, __u32 address)
{
	__u32 sum = (__u16)~bpf_ntohs(ip->check);

	sum += (__u16)~(first_address >> 16) + (__u16)~first_address + (address >> 16) + (__u16)address;
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	ip->check = bpf_htons(~sum);
	ip->daddr = bpf_htonl(address);
}

/* A tag is taken off in place, a router changes MACs and TTL, and a live frame's page comes back as it was left. */
static __always_inline void write_head(__u16 *to)
{
	__u32 i;

#pragma unroll
	for (i = 0; i < 13; i++)
		if (i < restored)
			to[i] = head[i];
}

SEC("xdp")
int generate(struct xdp_md *ctx)
{
	struct ethhdr *ethernet = (void *)(long)ctx->data;
	struct frame *f = (void *)ethernet + tag_bytes;
	__u32 n = own(made)->value++;

	if ((void *)(f + 1) > (void *)(long)ctx->data_end || (void *)(ethernet + 1) > (void *)(long)ctx->data_end)
		return XDP_ABORTED;
	f->udp.source = bpf_htons(TRAFFIC_FIRST_PORT + (n & (flows - 1)));
	write_head((__u16 *)ethernet);
	if (macs)
		*(__be32 *)(ethernet->h_dest + 2) = bpf_htonl(scatter(n, macs));
	if (addresses)
		write_address((struct iphdr *)(&f->ethernet + 1), first_address + scatter(n, addresses));
	return bpf_redirect(out_ifindex, 0);
}

static __always_inline int is_ours(void *data, void *end)
{
	struct frame *f = data;

	return (void *)(f + 1) <= end && f->ethernet.h_proto == bpf_htons(ETH_P_IP) && f->ip.protocol == IPPROTO_UDP &&
	       f->udp.dest == bpf_htons(TRAFFIC_PORT);
}

SEC("tc")
int sink_tc(struct __sk_buff *skb)
{
	if (!is_ours((void *)(long)skb->data, (void *)(long)skb->data_end))
		return TC_ACT_UNSPEC;
	own(arrived)->value++;
	return TC_ACT_SHOT;
}

SEC("xdp")
int sink_xdp(struct xdp_md *ctx)
{
	if (!is_ours((void *)(long)ctx->data, (void *)(long)ctx->data_end))
		return XDP_PASS;
	own(arrived)->value++;
	return XDP_DROP;
}

SEC("xdp")
int port_to_uplink_xdp(struct xdp_md *ctx)
{
	(void)ctx;
	return bpf_redirect(uplink_ifindex, 0);
}

SEC("xdp")
int uplink_to_port_xdp(struct xdp_md *ctx)
{
	(void)ctx;
	return bpf_redirect(port_ifindex, 0);
}

SEC("tc")
int port_to_uplink_tc(struct __sk_buff *skb)
{
	(void)skb;
	return bpf_redirect(uplink_ifindex, 0);
}

SEC("tc")
int uplink_to_port_tc(struct __sk_buff *skb)
{
	(void)skb;
	return bpf_redirect_peer(port_ifindex, 0);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";

/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The part of abi.h, which includes it, about routing between segments: gateways, routing domains, routes and the next
 * hops of ECMP. Who has an address is in `neighbors`, by segment.
 */
#ifndef WEFT_ABI_ROUTE_H
#define WEFT_ABI_ROUTE_H

#include "abi.h"

enum {
	MAX_DOMAINS = 256,         /* rows of `domains`; 0 is none */
	MAX_ROUTES = 65536,        /* prefixes shorter than an address */
	MAX_HOST_ROUTES = 262144,  /* /32 and /128, the gateways' own addresses among them */
	MAX_PATHS = 16384,         /* next hops of routes; 0 is none */
	MAX_PATH_GROUPS = 2048,    /* routes with several; 0 is none */
	PATH_SLOTS = 128,          /* shares of a group's flows: when one of n paths goes, only its shares move */
	MAX_ASKERS = 16384,
	ASKER_SLOTS = 8,           /* gateways that may ask for one address at once */
	ASKER_MS = 5000,           /* for so long the answer is relayed to them */
	HELD_FRAMES = 3,           /* that wait for one neighbor, */
	HELD_BYTES = 3072,         /* each so long at most: what the kernel's test run, by which they go on, takes on any machine */
};

/* --- gateways: array by segment index ------------------------------------------------------------------------------ */
enum gateway_flag {
	GATEWAY_ANSWER_REMOTE = 1 << 0, /* answers ARP and ND of remotes too */
	GATEWAY_LOCAL_PROXY = 1 << 1,   /* answers for every address of the segment: its own traffic is routed too */
	GATEWAY_TRANSIT = 1 << 2,       /* the segment of a domain's L3 VNI: only routed frames travel there */
};

/* The first address of either family is the source of this host's ICMP errors and ARP requests there. */
struct gateway {
	__u16 domain;    /* row of `domains`, 0: the segment is not routed */
	__u16 flags;     /* GATEWAY_* */
	__u8 mac[6];     /* what is for it is routed; the same on every host */
	__u16 reserved;
	__be32 address4; /* 0: none */
	struct ip_address address6; /* zero: none */
};
ABI_ASSERT(sizeof(struct gateway) == 32);

/* --- domains: array by row ----------------------------------------------------------------------------------------- */
enum domain_flag {
	DOMAIN_IN_USE = 1 << 0,
	DOMAIN_SYMMETRIC = 1 << 1,     /* what is behind a remote is routed there too, by the transit segment */
	DOMAIN_POLICY_ROUTES = 1 << 2,
};

struct domain {
	__u32 name_hash; /* whose row it is, for the next daemon */
	__u16 flags;     /* DOMAIN_* */
	__u16 transit;   /* index of the segment of its L3 VNI, 0: none */
	__u8 router_mac[6];
	__u16 policy_routes; /* row of `rule_lists` (DOMAIN_POLICY_ROUTES), 0: none */
};
ABI_ASSERT(sizeof(struct domain) == 16);

/* --- routes: LPM trie struct route_key -> struct route; host_routes: hash of the same with all bits ------------------ */
enum { ROUTE_FIXED_BITS = 32, ROUTE_HOST_BITS = 160, ROUTE_SCOPE_SEGMENT = 0x8000 };

struct route_key {
	__u32 bits;           /* of what follows: 32, and 96 + the length of an IPv4 prefix or that of an IPv6 one */
	__u16 domain;         /* of a link-local address ROUTE_SCOPE_SEGMENT and its segment's index */
	__u16 family;         /* 4 or 6: ::/0 must not hold ::ffff:0:0/96 */
	struct ip_address ip; /* zero behind the prefix */
};
ABI_ASSERT(sizeof(struct route_key) == 24);

enum route_kind {
	ROUTE_LOCAL = 1,       /* a gateway's own address, in `target` */
	ROUTE_CONNECTED = 2,   /* `target` is the index of the segment that the prefix is in */
	ROUTE_PATH = 3,        /* `target` is a row of `paths` */
	ROUTE_GROUP = 4,       /* `target` is a row of `path_groups` */
	ROUTE_BLACKHOLE = 5,
	ROUTE_UNREACHABLE = 6,
	ROUTE_LEAK = 7,        /* looked up once more, in domain `target` */
};

struct route {
	__u16 kind; /* ROUTE_* */
	__u16 origin; /* ORIGIN_* */
	__u32 target;
};
ABI_ASSERT(sizeof(struct route) == 8);

/* --- paths: array by row. A next hop: a neighbor of a segment, or of a transit segment a remote's VTEP address. ------ */
struct path {
	struct ip_address via;
	__u16 segment;   /* 0: the row is free */
	__u16 reserved;
	__u32 reserved2;
};
ABI_ASSERT(sizeof(struct path) == 24);

/* --- path_groups: array by row. The path of each share of flows. ----------------------------------------------------- */
struct path_group {
	__u32 paths[PATH_SLOTS]; /* 0: none */
};
ABI_ASSERT(sizeof(struct path_group) == 4 * PATH_SLOTS);

/*
 * --- What is known of a frame that another program goes on with, in skb->cb: one of TC's, or from_host_tc, by which the
 *     daemon sends frames of its own and those that waited. ------------------------------------------------------------
 */
enum frame_flag {
	FRAME_LOCAL_ONLY = 1 << 0,  /* not to remotes: ARP strict */
	FRAME_FROM_REMOTE = 1 << 1, /* came through the tunnel: its source is valid, and never to a remote again */
	FRAME_FROM_VLAN = 1 << 2,   /* came by a circuit, and never goes back there */
	FRAME_NOT_TO_VLAN = 1 << 3,
	FRAME_WAITED = 1 << 4,      /* sent on by the daemon: the neighbor it waited for is known, or given up */
	FRAME_ANSWER = 1 << 5,      /* of a guest to the gateway: others may have asked */
};

struct frame_facts {
	__u16 segment;
	__u16 flags;        /* FRAME_* */
	__u16 nexthop;      /* of its VTEP, 0: none known */
	__u16 account;
	__u16 circuit;
	__u16 policy;
	__u16 tag_vid;      /* of the tag that was taken off, for an answer */
	__be16 tag_protocol;
	__u32 bytes;        /* length as it came */
};
ABI_ASSERT(sizeof(struct frame_facts) == 20);

/* --- askers: LRU hash struct neighbor_key -> struct askers. The gateways that asked for an address. ------------------ */
struct askers {
	__u64 at_ns;                    /* CLOCK_MONOTONIC of the last one */
	__u32 nexthops[ASKER_SLOTS];    /* 0: free */
};
ABI_ASSERT(sizeof(struct askers) == 40);

#endif

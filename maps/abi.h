/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Everything that crosses the line between the eBPF programs (bpf/) and user space (maps/, loader/): structs,
 * enumerators and limits, in C that is also C++. A thing is declared here once and nowhere else.
 *
 * Rules: fixed-width members, no enum, bool, pointer or bit-field, padding is a named member, nothing is packed; a
 * size assert follows each struct. `__be16/__be32` is network order, everything else host order. Units are in names.
 * Changing a struct or the meaning of a field bumps ABI_VERSION, and with it the pin directory (loader/migrate).
 */
#ifndef WEFT_ABI_H
#define WEFT_ABI_H

#include <linux/types.h>

#include "verdicts.h"

#ifdef __cplusplus
#define ABI_ASSERT(expr) static_assert(expr, #expr)
#else
#define ABI_ASSERT(expr) _Static_assert(expr, #expr)
#endif

#pragma GCC diagnostic push
#pragma GCC diagnostic error "-Wpadded"

enum {
	ABI_VERSION = 7,

	MAX_SEGMENTS = 1024,        /* segment indices 1 … MAX_SEGMENTS - 1; 0 is none */
	MAX_DEVICES = 1024,         /* ports and uplinks */
	MAX_ACCOUNTS = 2048,        /* counter rows: devices and segments share the space; 0 is "this host" */
	MAX_NEXTHOPS = 16384,       /* (remote, VNI) pairs; 0 is none */
	MAX_FDB_ENTRIES = 1048576,
	MAX_NEIGHBORS = 262144,
	MAX_CIRCUITS = 4096,        /* circuit ids 1 … MAX_CIRCUITS - 1; 0 is none */
	MAX_VLANS = 65536,          /* (interface, tag) pairs that lead to a circuit; a trunk has one for each VLAN */
	MAX_LEASES = 256,           /* by VRRP virtual router id, 1 to 255 */
	LEASE_MS = 250,             /* an elected bridge whose last own VRRP advertisement is older than that is standby, */
	LEASE_HOLD_MS = 350,        /* and so is one that began to send them less than that ago */
	MAX_TEAMS = 512,            /* ways to share uplinks: one a switch, and one a port group with its own; 0 is none */
	HELLO_MS = 200,             /* a designated bridge says so on its VLAN; who hears one that comes before it stands down */
	HELLO_HOLD_MS = 1000,       /* for so long */
	TEAM_SLOTS = 16,            /* shares of a team's traffic */
	MAX_ARRIVALS = 4096,        /* flooded frames that a team's NICs brought, by a digest of their bytes; a power of two */
	ARRIVAL_MS = 250,           /* what another NIC brought so long ago is no copy any more: receive queues are shorter */
	MAX_POLICIES = 512,         /* port groups; 0 is none */
	MAX_BINDINGS = 65536,       /* (port, MAC, IP) of ports with `bind` */
	GUEST_SILENT_MS = 1000,     /* a guest that was silent for so long may have another MAC now (mac_changes) */
	MAX_FLOOD_SLOTS = 65536,    /* ports, circuits and remotes of all flood lists, both banks */
	MAX_RECENT_EVENTS = 16384,
	MAX_KERNEL_FLOOD = 512,     /* remotes that the kernel side replicates to; the daemon serves those beyond */
	MAX_EVENT_FRAME_BYTES = 9216,
	MAX_HEADER_BYTES = 80,      /* longest outer header: Ethernet, IPv6, UDP, VXLAN is 70 */
	EVENT_REPEAT_MS = 200,      /* a learn event of one (segment, MAC) or (segment, IP) is not repeated sooner */

	VXLAN4_OVERHEAD_BYTES = 50, /* Ethernet 14 + IPv4 20 + UDP 8 + VXLAN 8 */
	VXLAN6_OVERHEAD_BYTES = 70,
	NVGRE4_OVERHEAD_BYTES = 42, /* Ethernet 14 + IPv4 20 + GRE with its key 8 */
	NVGRE6_OVERHEAD_BYTES = 62,
	VSID_MIN = 0x1000,          /* RFC 7637 §3.4: those below are reserved, */
	VSID_MAX = 0xfffffe,        /* and the last is of the end points' own */
	CHECK_VNI = 0,              /* of `weft check`, no segment's */
	CHECK_PROTOCOL = 0x88b5,    /* its EtherType, IEEE 802's for local experiments; of hellos and beacons too */
	SOURCE_PORT_MIN = 49152,    /* RFC 7348 §5: the outer source port comes from this range */
	SOURCE_PORT_MASK = 0x3fff,
};

/* Who wants an entry. Precedence: CONFIG and CLI (static) over EVPN over DYNAMIC. */
enum origin { ORIGIN_DYNAMIC = 0, ORIGIN_EVPN = 1, ORIGIN_CLI = 2, ORIGIN_CONFIG = 3 };

/* An IP address of either family is 16 bytes, IPv4 as ::ffff:a.b.c.d (RFC 4291 §2.5.5.2). */
struct ip_address {
	__u8 bytes[16];
};
ABI_ASSERT(sizeof(struct ip_address) == 16);

/* --- devices: ifindex -> struct device. Every interface a program is attached to. ------------------------------ */
enum device_flag {
	DEVICE_PORT = 1 << 0,
	DEVICE_UPLINK = 1 << 1,
	DEVICE_XDP_TX = 1 << 2,  /* a frame redirected into it from XDP reaches the far end (probed on veth) */
	DEVICE_PEER = 1 << 3,    /* TC may deliver with bpf_redirect_peer: veth whose peer runs no XDP */
	DEVICE_GSO = 1 << 4,     /* TC may hand it TCP super-frames that it decapsulated itself */
	DEVICE_ISOLATED = 1 << 5,    /* does not reach the ports of its own group */
	DEVICE_PROMISCUOUS = 1 << 6, /* gets copies of its group's unicast */
	DEVICE_BOUND = 1 << 7,       /* `bindings` says what may be behind it */
	DEVICE_RULES = 1 << 8,       /* port: access rules apply, its own or its segment's */
};

struct device {
	__u32 ifindex;
	__u16 account;  /* its counter row */
	__u16 segment;  /* port: index of its segment; uplink: 0 */
	__u16 flags;    /* DEVICE_* */
	__u16 mtu;      /* of the device, clipped to 65535 */
	__u16 vid;      /* port: the tag its guest uses (overlay port group with a VLAN), 0: none */
	__u16 policy;   /* port: row of `policies`, that of its port group, 0: none */
};
ABI_ASSERT(sizeof(struct device) == 16);

/* --- segments: array by segment index; vnis: __u32 VNI, or VSID and it -> segment index ---------------------------------- */
enum segment_flag {
	SEGMENT_IN_USE = 1 << 0,
	SEGMENT_LEARNING = 1 << 1,
	SEGMENT_DROP_UNKNOWN = 1 << 2,  /* unknown unicast is dropped, not flooded */
	SEGMENT_KEEP_TAGS = 1 << 3,     /* inner 802.1Q tags travel (Q-in-VNI) */
	SEGMENT_ARP_SUPPRESS = 1 << 4,
	SEGMENT_ARP_STRICT = 1 << 5,    /* a request never leaves the host, even on a miss (H3) */
	SEGMENT_MIRRORED = 1 << 6,      /* a port of it is promiscuous */
	SEGMENT_GATEWAY = 1 << 7,       /* `gateways` has a row for it */
	SEGMENT_RULES = 1 << 8,         /* access rules apply to a port of it, which has DEVICE_RULES */
	SEGMENT_NVGRE = 1 << 9,         /* `vni` is a VSID (RFC 7637) */
};

/* In the place of a VNI: a VLAN-backed segment has none, but needs a name that outlives the daemon: a hash of its own. */
enum { NO_VNI = 1 << 30 };

/*
 * Added to a VSID wherever it is the key of a network among VNIs: a segment of either encapsulation may have the same
 * number. NETWORK_NUMBER_MASK takes it off.
 */
enum { VSID = 1 << 29, NETWORK_NUMBER_MASK = 0xffffff };

struct segment {
	__u32 vni;            /* VSID and it: NVGRE; NO_VNI and a hash: VLAN-backed */
	__u16 account;
	__u16 flags;          /* SEGMENT_* */
	__u16 mtu;            /* largest inner IP packet towards a remote */
	__u16 flood_bank;     /* which bank of `floods` holds the list now: 0 or 1 */
	__u32 flood_ports;    /* the bank's slots are first so many ifindexes of local ports, */
	__u32 flood_circuits; /* then so many circuit ids, */
	__u32 flood_remotes;  /* then so many next-hop ids */
};
ABI_ASSERT(sizeof(struct segment) == 24);

#include "abi_route.h"
#include "abi_rules.h"
#include "abi_switch.h"

/* --- floods: struct flood_key -> __u32. A list is rebuilt in the other bank, then the segment row switches. ----- */
struct flood_key {
	__u16 segment;
	__u16 bank;
	__u32 slot;
};
ABI_ASSERT(sizeof(struct flood_key) == 8);

/* --- fdb: array of struct fdb_bucket, which user space maps into its memory (maps/fdb_table.hpp) ----------------- */
struct fdb_key {
	__u16 segment;
	__u8 mac[6];
};
ABI_ASSERT(sizeof(struct fdb_key) == 8);

enum fdb_kind { FDB_PORT = 1, FDB_REMOTE = 2, FDB_CIRCUIT = 3 };
enum fdb_flag { FDB_ROUTER = 1 << 0 }; /* behind a port: sends TCP that it did not start. Set by the programs */

struct fdb_entry {
	__u32 target;   /* FDB_PORT: ifindex; FDB_REMOTE: next-hop id; FDB_CIRCUIT: circuit id */
	__u8 kind;      /* FDB_* */
	__u8 origin;    /* ORIGIN_* */
	__u16 flags;    /* FDB_ROUTER */
	__u32 used_s;   /* CLOCK_MONOTONIC seconds of its last use as a source, written at most once a second */
};
ABI_ASSERT(sizeof(struct fdb_entry) == 12);

/*
 * A cuckoo hash of two choices (Pagh and Rodler 2004) in buckets of one cache line: an entry is in either of its key's
 * two buckets, so a look-up touches one line, sometimes two; the kernel's hash touches three or four. A key is its 16-bit
 * words as one number, fdb_number(); 0 is a free slot. Its buckets are two ranges of bits of fdb_hash(), whose odd
 * multipliers are the first two keys of the bucket behind the last, drawn when the table is made, so that nobody can
 * choose MACs that collide. (Two multiplications, with the upper half folded into the lower before each: a product
 * carries upwards only, and MACs in a row differ in the highest bits. Without it one draw of 180 left them no room.)
 *
 * Only the daemon inserts, moves and deletes. It writes an entry before its key, and what leads elsewhere or moves goes
 * into a free slot before the old one is freed, so a program finds it at all times. Programs write `used_s` and
 * FDB_ROUTER. One that holds an entry while its slot is freed and given to another key sees that other's for as long as
 * it runs: the kernel's own hash promises no more.
 */
enum { FDB_SLOTS = 3, FDB_BUCKETS_LOG2 = 19, FDB_BUCKETS = 1 << FDB_BUCKETS_LOG2 };

struct fdb_bucket {
	struct fdb_entry entries[FDB_SLOTS];
	__u32 reserved;
	__u64 keys[FDB_SLOTS];  /* behind the entries: to the verifier a slot may be 3, which is still inside */
};
ABI_ASSERT(sizeof(struct fdb_bucket) == 64);
ABI_ASSERT(2 * FDB_BUCKETS == MAX_FDB_ENTRIES);

static inline __u64 fdb_hash(__u64 number, const __u64 *multipliers)
{
	number ^= number >> 32;
	number *= multipliers[0];
	number ^= number >> 32;
	return number * multipliers[1];
}

static inline __u32 fdb_bucket_index(__u64 hash, int choice, int buckets_log2)
{
	return (choice ? hash << 20 : hash) >> (64 - buckets_log2);
}

static inline __u64 fdb_number(__u16 segment, const __u16 *mac)
{
	return segment | (__u64)mac[0] << 16 | (__u64)mac[1] << 32 | (__u64)mac[2] << 48;
}

/* --- neighbors: struct neighbor_key -> struct neighbor --------------------------------------------------------- */
struct neighbor_key {
	__u32 segment;
	struct ip_address ip;
};
ABI_ASSERT(sizeof(struct neighbor_key) == 20);

enum neighbor_flag { NEIGHBOR_FAILED = 1 << 0 }; /* nobody answered: what is for it is answered "host unreachable" */

struct neighbor {
	__u8 mac[6];
	__u8 origin;    /* ORIGIN_* */
	__u8 flags;     /* NEIGHBOR_* */
	__u32 used_s;   /* last time its ARP or ND was seen, as in fdb_entry */
	__u32 nexthop;  /* next hop where the FDB cannot give it, else 0 */
};
ABI_ASSERT(sizeof(struct neighbor) == 16);

/* --- remotes: struct remote_key -> struct remote. The VTEPs a segment accepts, and their next hop. -------------- */
struct remote_key {
	__u32 segment;
	struct ip_address address;
};
ABI_ASSERT(sizeof(struct remote_key) == 20);

struct remote {
	__u32 nexthop;
};
ABI_ASSERT(sizeof(struct remote) == 4);

/* --- nexthops: array by next-hop id. One (remote, VNI) with its finished outer header. -------------------------- */
enum nexthop_flag {
	NEXTHOP_IN_USE = 1 << 0,
	NEXTHOP_IPV6 = 1 << 1,
	NEXTHOP_RESOLVED = 1 << 2,  /* `header` and `ifindex` are complete */
	NEXTHOP_XDP_TX = 1 << 3,    /* XDP may redirect to `ifindex` */
	NEXTHOP_DEVICE = 1 << 4,    /* the egress is no Ethernet device: only the kernel's tunnel device gets there */
	NEXTHOP_NVGRE = 1 << 5,     /* `header` ends with GRE in the place of UDP and VXLAN */
};

struct nexthop {
	__u32 ifindex;     /* egress device */
	__u16 flags;       /* NEXTHOP_* */
	__u16 header_len;  /* 50 or 70, NVGRE 42 or 62 */
	/* What does not change per packet, folded to 16 bits, as the kernel's csum (not complemented), network order:
	 * IPv4: the outer IP header with tot_len and check 0 (tos as in `header`).
	 * IPv6: source, destination, protocol 17, UDP destination port, VXLAN header; with GRE there is no sum: 0. */
	__u16 csum_base;
	__u16 mtu;         /* largest outer IP packet the path takes */
	__u32 vni;         /* VSID and it: NVGRE */
	/* Ethernet, IP, UDP, VXLAN or GRE. Zero in it: IPv4 tot_len, id and check; IPv6 payload length; UDP source, length
	 * and check; the FlowID, GRE's last byte. tos/traffic class holds the configured DSCP, 0 for inherit. */
	__u8 header[MAX_HEADER_BYTES];
};
ABI_ASSERT(sizeof(struct nexthop) == 96);

/* --- counters: per-CPU array by account, all verdicts in a row (the kernel allocates per-CPU rows one by one: a row for
 *     each verdict would be a quarter of a million); deliveries: per-CPU array by account of the port, frames handed to
 *     that port; refusals: the same, frames kept from it by its rate or its group's isolation. limiters: array of __u64,
 *     index account * LIMIT_CLASSES + class. ---------- */
enum { MAX_VERDICTS = 128 };

struct tally {
	__u64 packets;
	__u64 bytes;
};
ABI_ASSERT(sizeof(struct tally) == 16);

struct tallies {
	struct tally by_verdict[MAX_VERDICTS];
};
ABI_ASSERT(sizeof(struct tallies) == 2048);

/* Rate limits: GCRA (ITU-T I.371) on one __u64, the theoretical arrival time in ns, changed by compare-and-swap. */
enum limit_class {
	LIMIT_ICMP = 0,
	LIMIT_ARP = 1,
	LIMIT_PUNT = 2,
	LIMIT_FROM_AVERAGE = 3,
	LIMIT_FROM_PEAK = 4,
	LIMIT_TO_AVERAGE = 5,
	LIMIT_TO_PEAK = 6,
	LIMIT_STORM = 7, /* and the two behind it, by enum storm */
	LIMIT_CLASSES = 16,
};

/* The stages of perf events that got lost are counters of their own: per-CPU array `event_losses` of __u64. */
enum event_loss { LOSS_NO_READER = 0, LOSS_RING_FULL = 1, LOSS_OTHER = 2, MAX_EVENT_LOSSES = 4 };

/* --- recent: LRU hash struct recent_key -> struct recent; keeps one source from repeating its event ------------- */
struct recent_key {
	__u16 segment;
	__u16 type;           /* EVENT_* */
	struct ip_address id; /* the IP, or the MAC in the first 6 bytes */
};
ABI_ASSERT(sizeof(struct recent_key) == 20);

struct recent {
	__u64 at_ns;          /* bpf_ktime_get_coarse_ns of the last event that got out */
	__u8 mac[6];          /* what it said, so that a change is never held back */
	__u16 reserved;
	__u32 where;          /* ifindex of the port, next-hop id or circuit id, 0 if not known */
	__u32 reserved2;
};
ABI_ASSERT(sizeof(struct recent) == 24);
enum { WHERE_CIRCUIT = 0x40000000 }; /* added to a circuit id in `where`: no ifindex or next-hop id is so large */

/* --- events: PERF_EVENT_ARRAY. One struct event, then for EVENT_FLOOD the frame. -------------------------------- */
enum event_type {
	EVENT_LEARN_MAC = 1,       /* (segment, mac) is behind port `ifindex`, or behind VTEP `source` */
	EVENT_LEARN_NEIGHBOR = 2,  /* ip has mac; `ifindex`/`source` as above */
	EVENT_FLOOD = 3,           /* the frame goes to the remotes from list position `first_remote` on */
	EVENT_RESOLVE = 4,         /* a frame wanted next hop `nexthop`, which is not resolved */
	EVENT_REFLECTION = 5,      /* `circuit` brought a frame of (segment, mac), which is in the overlay: two hosts bridge */
	EVENT_MISS = 6,            /* the frame is to be routed to neighbor (`toward`, ip), which is not known: it waits */
	EVENT_ASK = 7,             /* host `source` asked for `ip`, or told that it has it: the segment is asked, or told */
};

struct event {
	__u16 type;
	__u16 segment;
	__u32 ifindex;             /* interface the frame came in by */
	struct ip_address source;  /* outer source of a tunnelled frame, else all zero; EVENT_ASK: the asker */
	struct ip_address ip;      /* EVENT_LEARN_NEIGHBOR, EVENT_MISS, EVENT_ASK */
	__u8 mac[6];
	__u16 flags;               /* EVENT_FLAG_* */
	__u32 nexthop;             /* EVENT_RESOLVE; learn events: next hop of `source` if known, else 0 */
	union {
		__u32 first_remote; /* EVENT_FLOOD */
		__u32 toward;       /* EVENT_MISS: index of the segment that `ip` is in; `segment` is where the frame came from */
	};
	__u32 frame_bytes;         /* length of the frame behind this struct, 0 if none */
	__u32 circuit;             /* the frame came in by it, else 0 */
};
ABI_ASSERT(sizeof(struct event) == 64);

enum event_flag {
	EVENT_FLAG_TUNNEL = 1 << 0,    /* the frame came from a remote */
	EVENT_FLAG_OVERRIDE = 1 << 1,  /* neighbor: may replace another binding (ARP, NA with O=1; not an NA without) */
};

/* --- attachments: ifindex -> struct attachment. What weft put on an interface and must take away. --------------- */
enum attachment_flag {
	ATTACHED_XDP = 1 << 0,
	ATTACHED_XDP_GENERIC = 1 << 1,
	ATTACHED_XDP_DISPATCHER = 1 << 2,  /* by libxdp, beside others */
	ATTACHED_TCX = 1 << 3,             /* link pinned as links/<ifindex>_tc */
	ATTACHED_CLSACT = 1 << 4,          /* tc filter, priority and handle ours */
	ATTACHED_CLSACT_OURS = 1 << 5,     /* we made the qdisc */
	ATTACHED_TUNNEL = 1 << 6,          /* it is one of the instance's own tunnel devices: remove it on detach */
	ATTACHED_EGRESS_TCX = 1 << 7,      /* link pinned as links/<ifindex>_egress */
	ATTACHED_EGRESS_CLSACT = 1 << 8,   /* tc filter on the egress side, priority and handle as on ingress */
	ATTACHED_VLANS = 1 << 9,           /* it carries VLANs: VLAN filters are off, and it is promiscuous, since a NIC would */
	ATTACHED_PROMISC_OURS = 1 << 10,   /* drop what is for MACs behind it; this we did */
};

struct attachment {
	__u64 netns_cookie;
	__u8 name[16];
	__u8 mac[6];
	__u16 flags;              /* ATTACHED_* */
	__u32 offloads_disabled;  /* bits of loader/offloads: features we turned off, to be restored */
	__u16 hook;               /* enum hook that was asked for (loader) */
	__u16 role;               /* DEVICE_PORT, DEVICE_UPLINK or 0 */
};
ABI_ASSERT(sizeof(struct attachment) == 40);

/* --- hooks: one PROG_ARRAY of one slot each, map `hook_<name>`, which the attached stub tail-calls; from_wire_tc
 *     itself calls hook_tc_vlan and hook_tc_nvgre, and all of TC's call hook_tc_resolve and hook_tc_route, which are attached nowhere; as
 *     is hook_tc_host, which the daemon has the kernel run. */
#define WEFT_HOOKS(X) \
	X(XDP_WIRE, xdp_wire) \
	X(TC_WIRE, tc_wire) \
	X(XDP_PORT, xdp_port) \
	X(TC_PORT, tc_port) \
	X(TC_TUNNEL, tc_tunnel) \
	X(TC_VLAN, tc_vlan) \
	X(TC_RESOLVE, tc_resolve) \
	X(TC_ROUTE, tc_route) \
	X(TC_HOST, tc_host) \
	X(TC_VRRP, tc_vrrp) \
	X(TC_NVGRE, tc_nvgre)

enum hook_program {
#define X(id, name) HOOK_##id,
	WEFT_HOOKS(X)
#undef X
	MAX_HOOKS
};

/* --- config: .rodata of the programs, set before load. A change loads a new generation and switches slot 0. ----- */
enum config_flag {
	CONFIG_IPV6 = 1 << 0,              /* the underlay's family */
	CONFIG_DROP_RESERVED = 1 << 1,     /* vtep.reserved_bits "drop" */
	CONFIG_ACCEPT_ANY = 1 << 2,        /* vtep.accept "any" */
	CONFIG_TOS_INHERIT = 1 << 3,       /* outer DSCP from the inner packet; ECN always is (RFC 6040) */
	CONFIG_UDP6_ZERO = 1 << 4,         /* vtep.udp6_checksum "zero" */
	CONFIG_ACCEPT_ZERO_UDP6 = 1 << 5,
	CONFIG_DF = 1 << 6,
	CONFIG_NVGRE = 1 << 7,             /* a segment of this host travels by NVGRE: without, the programs have no such code */
	CONFIG_ROUTING = 1 << 8,           /* this host has routing domains: likewise */
	CONFIG_VLANS = 1 << 9,             /* it has bridges or switches, and so may have circuits: likewise */
};

struct config {
	struct ip_address vtep;    /* our tunnel address */
	__u32 flags;               /* CONFIG_* */
	__u32 tunnel_ifindex;      /* the instance's vxlan device, 0: there is none */
	__be16 port;               /* UDP destination port */
	__u8 tos;                  /* DSCP << 2 when not inherited */
	__u8 ttl;
	__u32 icmp_interval_ns;    /* 10^9 / icmp_errors_pps */
	__u32 icmp_burst;          /* frames */
	__u32 arp_interval_ns;
	__u32 arp_burst;
	__u32 punt_interval_ns;
	__u32 punt_burst;
	__u32 nvgre_ifindex;       /* the instance's gretap device, 0: there is none */
};
ABI_ASSERT(sizeof(struct config) == 56);

#pragma GCC diagnostic pop

#endif

/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The part of abi.h, which includes it, about physical VLANs and the virtual switch: circuits, who may speak on them,
 * teams of uplinks, port groups and what may stand behind a port.
 */
#ifndef WEFT_ABI_SWITCH_H
#define WEFT_ABI_SWITCH_H

#include "abi.h"

/* --- vlans: struct vlan_key -> __u32 circuit id; circuits: array by circuit id ----------------------------------- */
struct vlan_key {
	__u32 ifindex;    /* of the NIC the frame came in by */
	__u16 vid;        /* 0: untagged (or a priority tag) */
	__be16 protocol;  /* of the tag: ETH_P_8021Q or ETH_P_8021AD; 0 with vid 0 */
};
ABI_ASSERT(sizeof(struct vlan_key) == 8);

enum circuit_flag {
	CIRCUIT_IN_USE = 1 << 0,
	CIRCUIT_DESIGNATED = 1 << 1,   /* forwards, both ways; without it all is DROP_STANDBY */
	CIRCUIT_ELECTED = 1 << 2,      /* forwards while `lease` is fresh, whatever DESIGNATED says */
	CIRCUIT_TRUNK = 1 << 3,        /* VLAN-backed: a frame with a tag inside has it on the wire, as it is */
	CIRCUIT_NO_UNTAGGED = 1 << 4,  /* and there is no other: a group with a trunk and no VLAN of its own */
};

/*
 * The VLAN of a NIC that a bridge joins to a segment, or the VLANs that a VLAN-backed segment is on a switch's uplinks
 * ("attachment circuit", RFC 4664 §1.1). Inside, a frame has no tag for it; on the wire, `vid`.
 */
struct circuit {
	__u64 since_ns;   /* CLOCK_MONOTONIC when DESIGNATED was set */
	__u16 segment;
	__u16 account;    /* its counter row */
	__u16 flags;      /* CIRCUIT_* */
	__u16 vid;        /* 0: untagged */
	__be16 protocol;  /* of the tag it sends */
	__u16 lease;      /* row of `leases`, 0: none */
	__u16 team;       /* row of `teams`, 0: `ifindex` is the only NIC */
	__u16 priority;   /* among the bridges of the VLAN, the highest comes first */
	__u32 ifindex;    /* of the NIC, without a team; 0: it is away */
	__u32 reserved2;
};
ABI_ASSERT(sizeof(struct circuit) == 32);

/* --- teams: array by row. Which NIC of a switch takes what. A NIC that fails, or is back, is one write here. ------ */
enum team_flag {
	TEAM_IN_USE = 1 << 0,
	TEAM_BY_PORT = 1 << 1,  /* share by originating port, */
	TEAM_BY_MAC = 1 << 2,   /* by source MAC, */
	TEAM_BY_FLOW = 1 << 3,  /* by IP hash; none of the three: all shares are one NIC */
	TEAM_SEVERAL = 1 << 4,  /* NICs: what is sent by one may come back, or come in, by another */
};

struct team {
	__u64 changed_ns;          /* CLOCK_MONOTONIC of the last change of `uplinks` */
	__u32 name_hash;           /* whose row it is, for the next daemon */
	__u16 flags;               /* TEAM_* */
	__u16 moved;               /* a bit for each share that left a NIC which was up: switches may send there still */
	__u32 receiver;            /* ifindex that alone brings what the physical switch floods */
	__u32 reserved2;
	__u32 uplinks[TEAM_SLOTS]; /* ifindex of each share, 0: none is up */
};
ABI_ASSERT(sizeof(struct team) == 88);

/* --- arrivals: array of words by a digest of the frame. What a physical switch flooded to a team last, and by which NIC
 * it came: a word of fields, changed by compare-and-swap. -------------------------------------------------------------- */
#define ARRIVAL_DIGEST 0xffffffff00000000ull  /* the digest's upper half; its lower one is the index */
#define ARRIVAL_IFINDEX 0x00000000ffff0000ull /* its lower 16 bits */
#define ARRIVAL_AGE 0x000000000000ffffull     /* ms of CLOCK_MONOTONIC_COARSE, modulo 65536 */

/* --- leases: array by VRRP virtual router id. CLOCK_MONOTONIC of this host's own advertisements as they left. ---- */
struct lease {
	__u64 renewed_ns;  /* the last one but the first, 0: the last one said that this host resigns */
	__u64 since_ns;    /* the first after a pause of LEASE_MS */
};
ABI_ASSERT(sizeof(struct lease) == 16);

/*
 * Two hosts may be master for as long as the advertisement of the new one takes to end the other's, which bridges for
 * another LEASE_MS then. So nobody bridges in his first LEASE_HOLD_MS. `now_ns` may have been read before a renewal.
 */
static inline int lease_holds(const struct lease *lease, __u64 now_ns)
{
	const __s64 age_ns = (__s64)(now_ns - lease->renewed_ns), run_ns = (__s64)(now_ns - lease->since_ns);

	return age_ns < LEASE_MS * 1000000LL && run_ns >= LEASE_HOLD_MS * 1000000LL;
}

/* --- rivals: array by circuit id. The last hello of a bridge that comes before this one. -------------------------- */
struct rival {
	__u64 seen_ns;  /* CLOCK_MONOTONIC, 0: none yet */
	struct ip_address vtep;
};
ABI_ASSERT(sizeof(struct rival) == 24);

enum { HELLO_MAGIC = 0x77656668, BEACON_MAGIC = 0x77656674 }; /* "wefh", "weft" */

/* A hello as it is on the wire behind its tag; the bridge's NIC is the source. */
struct hello {
	__u8 destination[6]; /* all */
	__u8 source[6];
	__be16 protocol;     /* CHECK_PROTOCOL */
	__be16 priority;
	__be32 magic;        /* HELLO_MAGIC */
	struct ip_address vtep;
};
ABI_ASSERT(sizeof(struct hello) == 36);

/* --- policies: array by row, one a port group. Its ports' state is in `limiters` and `guests`, by their account. --- */
enum policy_flag {
	POLICY_IN_USE = 1 << 0,
	POLICY_ONE_MAC = 1 << 1,     /* a port sends with its guest's MAC only (forged_transmits "reject"), */
	POLICY_FIXED_MAC = 1 << 2,   /* which may not change (mac_changes "reject") */
	POLICY_TRUNK = 1 << 3,       /* guests' tags in `trunk` pass */
	POLICY_NO_UNTAGGED = 1 << 4, /* and nothing else does */
};

/* A token bucket on wire bytes, as times: average is the refill, burst the bucket, peak the rate at which it may empty. */
struct rate {
	__u64 average_cost;    /* ns a byte takes, in 1/65536; 0: no limit */
	__u64 peak_cost;       /* the same, 0: no limit */
	__u64 burst_ns;        /* what the bucket holds, as the time it takes to refill */
	__u64 delay_ns;        /* so long a frame that is over the rate may wait in the fq of its way out; 0: it is dropped */
};
ABI_ASSERT(sizeof(struct rate) == 32);

enum storm { STORM_BROADCAST = 0, STORM_MULTICAST = 1, STORM_UNKNOWN = 2, STORM_KINDS = 3 };

struct policy {
	__u32 name_hash;                /* whose row it is, for the next daemon */
	__u16 flags;                    /* POLICY_* */
	__u16 team;                     /* row of `teams` that holds over the circuit's, 0: none */
	__u32 storm_ns[STORM_KINDS];    /* 10^9 / frames a second, 0: no limit */
	__u32 storm_burst[STORM_KINDS]; /* frames */
	struct rate from_port, to_port;
	__u64 trunk[64];                /* a bit for each VID */
};
ABI_ASSERT(sizeof(struct policy) == 608);

/* --- guests: array by account of the port. Its MAC, where the policy allows one: what the daemon found, or the first. */
struct guest {
	__u8 mac[6];     /* zero: not seen yet */
	__u16 reserved;
	__u64 seen_ns;   /* bpf_ktime_get_coarse_ns of its last frame */
};
ABI_ASSERT(sizeof(struct guest) == 16);

/* --- bindings: struct binding_key -> __u32, 1. What may be behind a port. ------------------------------------------ */
enum binding {
	BINDING_MAC = 0,    /* the MAC may send */
	BINDING_ANY_IP = 1, /* with any address */
	BINDING_IP = 2,     /* with `ip` */
};

struct binding_key {
	__u32 ifindex;
	__u8 mac[6];
	__u16 what;            /* BINDING_* */
	struct ip_address ip;  /* zero but for BINDING_IP */
};
ABI_ASSERT(sizeof(struct binding_key) == 28);

#endif

/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The part of abi.h, which includes it, about rules over the five-tuple: access rules (ACLs) of ports and segments, policy
 * routes of domains, and the connections that stateful rules let through.
 *
 * Rules of one list are kept by shape: which bits of which fields they look at. A look-up masks the packet's fields by each
 * shape of the list and looks for that key, so it costs by shapes, not by rules (tuple space search: Srinivasan, Suri,
 * Varghese, SIGCOMM 1999). A port range is as many keys as prefixes make it up.
 */
#ifndef WEFT_ABI_RULES_H
#define WEFT_ABI_RULES_H

#include "abi.h"

enum {
	MAX_RULE_LISTS = 1024,   /* one a direction of an ACL, one a domain; 0 is none */
	MAX_SHAPES = 128,        /* of one list */
	MAX_RULES = 65536,       /* on a host: rows of rule_counters; 0 is "no rule matched" */
	MAX_RULE_KEYS = 262144,
	MAX_FLOWS = 262144,
};

enum rule_action {
	RULE_DENY = 1,
	RULE_ALLOW = 2,
	RULE_PATH = 3,  /* policy route: `target` is a row of `paths`, */
	RULE_GROUP = 4, /* or of `path_groups` */
};

enum shape_flag {
	SHAPE_PROTOCOL = 1 << 0,
	SHAPE_DSCP = 1 << 1,
	SHAPE_PORTS = 1 << 2, /* it looks at ports: no later fragment has any */
};

struct rule_shape {
	__u8 family;           /* 4, 6; 0: either, and the addresses are any */
	__u8 source_bits;      /* of the 16 bytes of an address, IPv4 from 96 on; 0: any */
	__u8 destination_bits;
	__u8 source_port_bits; /* 0 to 16 */
	__u8 destination_port_bits;
	__u8 flags;            /* SHAPE_* */
	__u16 reserved;
	__u32 best_rank;       /* the lowest of its rules': shapes are sorted by it, so a look-up ends at the first that is worse */
};
ABI_ASSERT(sizeof(struct rule_shape) == 12);

/* --- rule_lists: array by row. One is written whole under a free row, then named by what uses it. --------------------- */
enum rule_list_flag {
	RULES_IN_USE = 1 << 0,
	RULES_STATEFUL = 1 << 1, /* one of them is */
	RULES_ALLOW = 1 << 2,    /* what none matches */
};

struct rule_list {
	__u32 name_hash;  /* whose row it is, for the next daemon */
	__u16 flags;      /* RULES_* */
	__u16 shapes;
	struct rule_shape shape[MAX_SHAPES];
};
ABI_ASSERT(sizeof(struct rule_list) == 8 + 12 * MAX_SHAPES);

/* --- rules: hash struct rule_key -> struct rule. Fields that the shape does not look at are zero. --------------------- */
struct rule_key {
	__u16 list;
	__u8 shape;
	__u8 protocol;
	__be16 source_port;
	__be16 destination_port;
	__u8 dscp;
	__u8 family;
	__u16 reserved;
	struct ip_address source;
	struct ip_address destination;
};
ABI_ASSERT(sizeof(struct rule_key) == 44);

enum rule_flag { RULE_STATEFUL = 1 << 0 };

struct rule {
	__u32 rank;     /* the lowest that matches wins: priority, then place in the list */
	__u16 action;   /* RULE_* */
	__u16 flags;    /* RULE_STATEFUL */
	__u32 counter;  /* row of rule_counters */
	__u32 target;
};
ABI_ASSERT(sizeof(struct rule) == 16);

/* --- rule_counters: per-CPU array by rule. Packets and bytes that it decided, those of its connections among them. ---- */

/* --- acls: hash of what they are for -> struct acl. By ifindex for a port, ACL_SEGMENT and its index for a segment ------ */
enum { ACL_SEGMENT = 0x40000000 };

struct acl {
	__u16 from_port;  /* row of rule_lists for what guests send, 0: none */
	__u16 to_port;    /* and for what they get */
};
ABI_ASSERT(sizeof(struct acl) == 4);

/* --- flows: LRU hash struct flow_key -> struct flow. A connection as one list let it through, both ways. --------------- */
struct flow_key {
	__u32 at;             /* as the key of `acls`: what is tracked for one port is nothing to another */
	__u8 protocol;
	__u8 reserved;
	__be16 near_port;     /* of who is behind the port; ICMP: the identifier, in both */
	__be16 far_port;
	__u16 reserved2;
	struct ip_address near;
	struct ip_address far;
};
ABI_ASSERT(sizeof(struct flow_key) == 44);

enum flow_state { FLOW_NEW = 1, FLOW_ESTABLISHED = 2, FLOW_CLOSING = 3 };

enum flow_flag {
	FLOW_FIN_NEAR = 1 << 0,
	FLOW_FIN_FAR = 1 << 1,
	FLOW_BY_NEAR = 1 << 2,   /* who is behind the port began it */
	FLOW_ANSWERED = 1 << 3,  /* and the other one has answered */
	FLOW_RESET = 1 << 4,
};

struct flow {
	__u64 seen_ns;    /* CLOCK_MONOTONIC_COARSE of its last packet */
	__u32 rule;       /* row of rule_counters: of the rule that let it through */
	__u16 list;       /* and its list: another one there means that the rules were changed, and it is judged anew */
	__u8 state;       /* enum flow_state */
	__u8 flags;       /* FLOW_* */
};
ABI_ASSERT(sizeof(struct flow) == 16);

#endif

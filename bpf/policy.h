/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * What a port group and access rules allow, TC only: tags, the MAC and addresses behind a port, how much it may send and get, and which
 * ports reach each other. The checks are global functions: the verifier looks at each once, and ports without any of it pay
 * one comparison.
 */
#ifndef WEFT_POLICY_H
#define WEFT_POLICY_H

#include "acl.h"
#include "claim.h"
#include "confirm.h"
#include "limit.h"
#include "sizes.h"
#include "tags.h"

enum {
	PEAK_TOLERANCE_NS = 5000000, /* frames do not come as evenly as a rate says */
	ADMITTED_VID = 8,
};

#define NEVER (~0ULL)

static __always_inline const struct policy *find_policy(__u32 row)
{
	const struct policy *policy = bpf_map_lookup_elem(&policies, &row);

	return policy && policy->flags & POLICY_IN_USE ? policy : 0;
}

/* --- tags --------------------------------------------------------------------------------------------------------- */

static __always_inline int takes_vid(const struct policy *policy, __u16 vid)
{
	return policy->flags & POLICY_TRUNK && policy->trunk[vid >> 6 & 63] >> (vid & 63) & 1;
}

/* Whether the frame, with the tag it has now, is one of the group's network. A guest's own tag (port->vid) is off. */
static __always_inline int fits_group(const struct frame *f, const struct policy *policy)
{
	if (!has_tag(f) || !tag_vid(f))
		return !(policy->flags & POLICY_NO_UNTAGGED);
	return takes_vid(policy, tag_vid(f));
}

/* Takes off the tag that the guests of an overlay group use. */
static __always_inline __must_check enum verdict take_guest_tag(struct frame *f, const struct device *port)
{
	if (!port->vid || (has_tag(f) && tag_vid(f) && tag_vid(f) != port->vid))
		return CONTINUE; /* a tag of the trunk, if any */
	if (!has_tag(f) || tag_vid(f) != port->vid)
		return DROP_VLAN;
	f->tag_vid = port->vid;
	if (bpf_skb_vlan_pop(f->ctx))
		return DROP_NO_ROOM;
	frame_refresh(f);
	frame_pull_headers(f);
	return CONTINUE;
}

/* --- MAC and addresses -------------------------------------------------------------------------------------------- */

/* The guest's MAC is what the daemon found, else the first that it sends with. */
static __always_inline int is_of_guest(const struct device *port, const struct policy *policy, const void *mac)
{
	const __u64 now = bpf_ktime_get_coarse_ns();
	const __u32 row = port->account;
	struct guest *guest = bpf_map_lookup_elem(&guests, &row);

	if (!guest)
		return 0;
	if (!same_mac(guest->mac, mac)) {
		if (!is_zero_mac(guest->mac) &&
		    (policy->flags & POLICY_FIXED_MAC || now - guest->seen_ns < GUEST_SILENT_MS * NS_PER_MS))
			return 0;
		copy_mac(guest->mac, mac);
		guest->seen_ns = now;
	} else if (now - guest->seen_ns >= GUEST_SILENT_MS * NS_PER_MS / 4) {
		guest->seen_ns = now;
	}
	return 1;
}

static __always_inline int has_binding(struct binding_key *key, __u16 what)
{
	key->what = what;
	return bpf_map_lookup_elem(&bindings, key) != 0;
}

static __always_inline int is_bound(struct frame *f)
{
	struct binding_key key = {.ifindex = f->ifindex};
	struct claim claim;

	if (f->data + ETHERNET_BYTES > f->end)
		return 0;
	copy_mac(key.mac, f->data + 6);
	if (!has_binding(&key, BINDING_MAC))
		return 0;
	if (has_binding(&key, BINDING_ANY_IP))
		return 1;
	claim_of(f->data, f->end, &claim);
	if (claim.verdict)
		return claim.verdict == CLAIM_ALWAYS;
	key.ip = claim.ip;
	return has_binding(&key, BINDING_IP);
}

/* --- rates -------------------------------------------------------------------------------------------------------- */

/*
 * GCRA by bytes, that may go into debt by one frame: a super-frame passes, and is paid for before the next. The ns that
 * the frame has to wait for its turn; NEVER if that is more than delay_ns, and then nothing is charged.
 */
static __always_inline __u64 bucket_take(__u16 account, __u32 class, __u64 now, __u64 cost_ns, __u64 tolerance_ns,
					 __u64 delay_ns)
{
	__u32 index = account * LIMIT_CLASSES + class;
	__u64 *arrival = bpf_map_lookup_elem(&limiters, &index);
	int i;

	if (!arrival)
		return NEVER;
	UNROLL
	for (i = 0; i < LIMIT_TRIES; i++) {
		__u64 seen = *(volatile __u64 *)arrival;
		__u64 wait = seen > now + tolerance_ns ? seen - now - tolerance_ns : 0;

		if (wait > delay_ns)
			return NEVER;
		if (__sync_val_compare_and_swap(arrival, seen, (seen > now ? seen : now) + cost_ns) == seen)
			return wait;
	}
	return NEVER;
}

/* The peak first: what it refuses must not be charged to the average. */
static __always_inline __u64 rate_take(const struct rate *rate, __u16 account, __u32 average, __u32 peak, __u64 now,
				       __u32 bytes)
{
	__u64 wait = 0, second;

	if (rate->peak_cost)
		wait = bucket_take(account, peak, now, bytes * rate->peak_cost >> 16, PEAK_TOLERANCE_NS, rate->delay_ns);
	if (!rate->average_cost || wait == NEVER)
		return wait;
	second = bucket_take(account, average, now, bytes * rate->average_cost >> 16, rate->burst_ns, rate->delay_ns);
	return second > wait ? second : wait;
}

/*
 * Whether the frame may pass, and if so, when: its departure time is for the fq of the device it leaves by (a redirect
 * keeps one of this type). Without fq it leaves at once, and the rate holds all the same. The helper refuses what is not
 * IP: that passes unpaced.
 */
static __always_inline int within_rate(struct __sk_buff *skb, const struct rate *rate, __u16 account, __u32 average,
				       __u32 peak, __u32 bytes)
{
	const __u64 now = bpf_ktime_get_ns();
	__u64 wait = rate_take(rate, account, average, peak, now, bytes);

	if (wait && wait != NEVER)
		bpf_skb_set_tstamp(skb, now + wait, BPF_SKB_TSTAMP_DELIVERY_MONO);
	return wait != NEVER;
}

static __always_inline int is_rated(const struct rate *rate)
{
	return rate->average_cost || rate->peak_cost;
}

static __always_inline int within_storm(const struct policy *policy, __u16 account, enum storm kind)
{
	return limit_take(account, LIMIT_STORM + kind, policy->storm_ns[kind], policy->storm_burst[kind]);
}

static __always_inline int is_storm(const struct frame *f, const struct policy *policy, __u16 account)
{
	const __u8 *mac = f->data;

	if (!is_multicast(mac))
		return 0;
	if ((mac[0] & mac[1] & mac[2] & mac[3] & mac[4] & mac[5]) == 0xff)
		return !within_storm(policy, account, STORM_BROADCAST);
	return !within_storm(policy, account, STORM_MULTICAST);
}

/* --- from a port -------------------------------------------------------------------------------------------------- */

static __always_inline __must_check enum verdict check_sender(struct frame *f, const struct device *port,
							      const struct policy *policy)
{
	if (port->flags & DEVICE_BOUND)
		return is_bound(f) ? CONTINUE : DROP_SPOOFED;
	if (policy && policy->flags & POLICY_ONE_MAC && !is_of_guest(port, policy, f->data + 6))
		return DROP_FORGED;
	return CONTINUE;
}

/* The frame of a port: a verdict; or CONTINUE, with the guest's tag that was taken off ADMITTED_VID bits further up. */
__weak __noinline int admit(struct __sk_buff *skb)
{
	struct frame f = {.ctx = skb, .ifindex = skb->ifindex};
	const struct device *port = device_of(f.ifindex);
	const struct policy *policy;
	enum verdict v;

	if (!port)
		return DROP_NO_SEGMENT;
	frame_refresh(&f);
	policy = find_policy(port->policy);
	v = take_guest_tag(&f, port);
	if (v)
		return v;
	if (f.data + ETHERNET_BYTES > f.end)
		return DROP_SHORT;
	if (policy && !fits_group(&f, policy))
		return DROP_VLAN;
	if (is_hello(&f))
		return DROP_HELLO;
	v = check_sender(&f, port, policy);
	if (v)
		return v;
	if (policy && is_storm(&f, policy, port->account))
		return DROP_STORM;
	if (port->flags & DEVICE_RULES) {
		v = obey_rules(skb, f.ifindex, 0);
		if (v)
			return v;
		frame_refresh(&f);
	}
	if (policy && is_rated(&policy->from_port) &&
	    !within_rate(skb, &policy->from_port, port->account, LIMIT_FROM_AVERAGE, LIMIT_FROM_PEAK, wire_bytes(&f)))
		return DROP_RATE_FROM;
	return (__u32)f.tag_vid << ADMITTED_VID;
}

/* Ends in one state for the verifier, whether there are rules or not: what is read twice is unknown the second time. */
static __always_inline __must_check enum verdict enter_port(struct frame *f, const struct device *port)
{
	__u32 admitted;

	if (is_governed(port))
		admitted = admit(f->ctx);
	else
		admitted = *(const volatile __u16 *)&port->policy;
	f->policy = *(const volatile __u16 *)&port->policy;
	f->tag_protocol = bpf_htons(ETH_P_8021Q);
	f->tag_vid = admitted >> ADMITTED_VID & VLAN_ID_MASK;
	frame_refresh(f);
	return admitted & (MAX_VERDICTS - 1);
}

/* Of a frame whose destination nobody knows. */
__weak __noinline int is_unknown_storm(__u32 row, __u32 account)
{
	const struct policy *policy = find_policy(row);

	return policy && !within_storm(policy, account, STORM_UNKNOWN);
}

/* --- to a port ---------------------------------------------------------------------------------------------------- */

static __always_inline void count_refusal(const struct device *port, __u32 bytes)
{
	tally_add(&refusals, port->account, 1, bytes);
}

/* A frame of a port of group `from`, 0 if none, for the port with that ifindex: a verdict, or CONTINUE. */
__weak __noinline int admit_to(struct __sk_buff *skb, __u32 ifindex, __u32 from)
{
	const struct device *port = device_of(ifindex);
	struct frame f = {.ctx = skb};
	const struct policy *policy;

	if (!port)
		return DROP_NO_RECEIVER;
	frame_refresh(&f);
	policy = find_policy(port->policy);
	if (!policy)
		return CONTINUE;
	if (!fits_group(&f, policy))
		return DROP_VLAN;
	if (port->flags & DEVICE_ISOLATED && from == port->policy) {
		count_refusal(port, skb->len);
		return DROP_ISOLATED;
	}
	if (is_rated(&policy->to_port) &&
	    !within_rate(skb, &policy->to_port, port->account, LIMIT_TO_AVERAGE, LIMIT_TO_PEAK, wire_bytes(&f))) {
		count_refusal(port, skb->len);
		return DROP_RATE_TO;
	}
	return CONTINUE;
}

/* 1: the frame has got the tag that the port's guest uses; 0: it needs none; -1: there was no room. */
static __always_inline int push_guest_tag(struct __sk_buff *skb, const struct device *port, int tagged)
{
	if (!port->vid || tagged)
		return 0;
	return bpf_skb_vlan_push(skb, bpf_htons(ETH_P_8021Q), port->vid) ? -1 : 1;
}

#endif

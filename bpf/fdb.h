/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Where a MAC is: look-up in the cuckoo hash of abi.h, one cache line for most keys, two for the rest. */
#ifndef WEFT_FDB_H
#define WEFT_FDB_H

#include "tables.h"

/* Bit n: slot n holds the key. Arithmetic in place of branches: the verifier would follow each, at every look-up. */
static __always_inline __u32 slots_with(const struct fdb_bucket *bucket, __u64 number)
{
	__u64 apart, minus, bits = 0;
	int slot;

	UNROLL
	for (slot = 0; slot < FDB_SLOTS; slot++) {
		apart = bucket->keys[slot] ^ number;
		minus = -apart;
		barrier_var(minus);
		bits |= ((apart | minus) >> 63 ^ 1) << slot;
	}
	return bits;
}

/* The lowest bit set of three. */
static __always_inline __u32 first_slot(__u32 bits)
{
	return 0x01020100 >> bits * 4 & 3;
}

static __always_inline struct fdb_bucket *bucket_of(__u64 hash, int choice)
{
	__u32 index = fdb_bucket_index(hash, choice, FDB_BUCKETS_LOG2);

	return bpf_map_lookup_elem(&fdb, &index);
}

static __always_inline struct fdb_entry *find_mac(__u16 segment, const void *mac)
{
	const __u64 number = fdb_number(segment, (const __u16 *)mac);
	const __u32 last = FDB_BUCKETS;
	const struct fdb_bucket *multipliers = bpf_map_lookup_elem(&fdb, &last);
	struct fdb_bucket *bucket;
	__u32 bits;
	__u64 hash;

	if (!multipliers)
		return 0;
	hash = fdb_hash(number, multipliers->keys);
	bucket = bucket_of(hash, 0);
	if (!bucket)
		return 0;
	bits = slots_with(bucket, number);
	if (!bits) {
		bucket = bucket_of(hash, 1);
		if (!bucket)
			return 0;
		bits = slots_with(bucket, number);
		if (!bits)
			return 0;
	}
	return &bucket->entries[first_slot(bits)];
}

#endif

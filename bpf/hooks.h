/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The maps that the stubs and the programs share: one PROG_ARRAY of one slot per hook (a PROG_ARRAY belongs to one
 * program type), and the count of frames that found a slot empty.
 */
#ifndef WEFT_HOOKS_H
#define WEFT_HOOKS_H

#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "abi.h"

#define X(id, name)                                                                                                   \
	struct {                                                                                                       \
		__uint(type, BPF_MAP_TYPE_PROG_ARRAY);                                                                 \
		__uint(key_size, sizeof(__u32));                                                                       \
		__uint(value_size, sizeof(__u32));                                                                     \
		__uint(max_entries, 1);                                                                                \
	} hook_##name __weak SEC(".maps");
WEFT_HOOKS(X)
#undef X

/* By enum hook_program. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__type(key, __u32);
	__type(value, __u64);
	__uint(max_entries, MAX_HOOKS);
} stub_misses __weak SEC(".maps");

#endif

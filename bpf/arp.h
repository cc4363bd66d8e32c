/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* ARP at the port and in the tunnel. */
#ifndef WEFT_ARP_H
#define WEFT_ARP_H

#include "learn.h"

static __always_inline enum verdict arp_from_port(struct frame *f, const struct segment *seg, const struct device *port)
{
	(void)f;
	(void)seg;
	(void)port;
	return CONTINUE;
}

static __always_inline enum verdict arp_from_remote(struct frame *f, const struct segment *seg)
{
	(void)f;
	(void)seg;
	return CONTINUE;
}

#endif

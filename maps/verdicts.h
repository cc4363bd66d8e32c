/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The one account of packets: every way out of a program, in one list. From it come the enum, the C++ names, the
 * metric labels and the table in README. The prefix is the action: PASS_ goes on to the kernel, TX_ leaves through
 * weft, DROP_ ends here. Numbers are append-only; two sites share a reason only if the operator's next step is the same.
 */
#ifndef WEFT_VERDICTS_H
#define WEFT_VERDICTS_H

#define WEFT_VERDICTS(X) \
	X(PASS_NOT_OURS, 1, "underlay frame that is no tunnel packet for this VTEP: the host's own traffic") \
	X(PASS_UP, 2, "handed up: XDP to the TC program, or TC to the kernel's tunnel device (GSO, IP options)") \
	X(PASS_FRAGMENT, 3, "outer fragment: the kernel reassembles, from_tunnel delivers") \
	X(PASS_NO_DEVICE, 4, "the interface is in no table (yet): left alone") \
	X(TX_LOCAL, 5, "delivered to a local port") \
	X(TX_REMOTE, 6, "encapsulated and sent to a remote VTEP") \
	X(TX_REMOTE_DEVICE, 7, "sent to a remote VTEP by the kernel's tunnel device (GSO over IPv6, unresolved next hop)") \
	X(TX_FLOOD, 8, "replicated to the segment's local ports and remotes") \
	X(TX_ARP_REPLY, 9, "ARP request answered on this host") \
	X(TX_ND_REPLY, 10, "neighbor solicitation answered on this host") \
	X(TX_TOO_BIG, 11, "packet exceeds the segment's or its path's MTU: fragmentation-needed or packet-too-big sent to the guest") \
	X(DROP_SHORT, 12, "frame ends inside a header") \
	X(DROP_OUTER_IP, 13, "outer IP header is broken: version, length or checksum") \
	X(DROP_OUTER_UDP, 14, "outer UDP length does not fit the packet") \
	X(DROP_CHECKSUM, 15, "outer UDP checksum is wrong") \
	X(DROP_ZERO_CHECKSUM6, 16, "outer UDP checksum is zero over IPv6 and vtep.accept_zero_checksum6 is off") \
	X(DROP_NO_VNI_FLAG, 17, "VXLAN header without the I flag") \
	X(DROP_RESERVED_BITS, 18, "VXLAN or GRE reserved bits set and vtep.reserved_bits is drop") \
	X(DROP_UNKNOWN_VNI, 19, "no segment with this VNI on this host") \
	X(DROP_UNKNOWN_SOURCE, 20, "outer source is no remote of the segment and vtep.accept is known") \
	X(DROP_OWN_SOURCE, 21, "outer source is this host's own VTEP address") \
	X(DROP_ECN, 22, "inner packet is not ECN-capable, outer says congestion experienced (RFC 6040 §4.2)") \
	X(DROP_VLAN, 23, "frame carries a VLAN tag the port or segment does not take") \
	X(DROP_LINK_LOCAL, 24, "destination 01:80:c2:00:00:0x is never forwarded (IEEE 802.1D §7.12.6)") \
	X(DROP_SOURCE_MAC, 25, "source MAC is multicast or zero") \
	X(DROP_SAME_PORT, 26, "destination is behind the port the frame came from") \
	X(DROP_SPLIT_HORIZON, 27, "from a remote and destined for a remote: never back into the mesh") \
	X(DROP_UNKNOWN_UNICAST, 28, "destination unknown and the segment does not flood it") \
	X(DROP_NO_RECEIVER, 29, "nobody else is in the segment to take the frame") \
	X(DROP_TOO_BIG, 30, "exceeds that MTU and no ICMP error is due (no DF, not IP, multicast, an ICMP error)") \
	X(DROP_TOO_BIG_LIMITED, 31, "exceeds that MTU; the port's ICMP error rate is used up") \
	X(DROP_ARP_STRICT, 32, "ARP or ND request that must not leave this host (arp: strict) and nobody here to take it") \
	X(DROP_ARP_LIMIT, 33, "the port's ARP and ND rate is used up") \
	X(DROP_BAD_ARP, 34, "malformed ARP") \
	X(DROP_BAD_ND, 35, "malformed neighbor discovery (RFC 4861 §7.1)") \
	X(DROP_UNRESOLVED, 36, "next hop on the underlay is not resolved and there is no tunnel device to wait in") \
	X(DROP_NO_NEXTHOP, 37, "table names a next hop that does not exist") \
	X(DROP_NO_SEGMENT, 38, "port is in no segment") \
	X(DROP_FLOOD_LIMIT, 39, "more remotes than the kernel side copies to, and the daemon cannot take the frame") \
	X(DROP_NO_ROOM, 40, "the kernel refused to change the frame: no memory or head-room") \
	X(DROP_NO_TUNNEL, 41, "frame needs the kernel's tunnel device and there is none") \
	X(DROP_BAD_FRAME, 42, "frame from a port that is no Ethernet frame") \
	X(DROP_SELF_CHECK, 43, "frame of weft check, which tests the way through the kernel's tunnel device") \
	X(TX_VLAN, 44, "sent to a physical VLAN") \
	X(DROP_STANDBY, 45, "bridged VLAN of which another host is the designated bridge") \
	X(DROP_REFLECTION, 46, "the other side of a bridge brought a frame whose source is on this side: a loop or two designated bridges") \
	X(DROP_TEAM_COPY, 47, "copy by an uplink of the team that does not receive it: another brings the same, or this host sent it") \
	X(DROP_NO_UPLINK, 48, "no uplink of the VLAN is up") \
	X(DROP_FORGED, 49, "source MAC is not that of the port's guest, and its group rejects others (forged_transmits, mac_changes)") \
	X(DROP_SPOOFED, 50, "source MAC or IP address is none of those bound to the port") \
	X(DROP_ISOLATED, 51, "destination is a port of the same isolated port group") \
	X(DROP_RATE_FROM, 52, "the port group's rate from the port is used up") \
	X(DROP_RATE_TO, 53, "the rate to the destination's port is used up") \
	X(DROP_STORM, 54, "the port's rate of broadcasts, multicasts or unknown unicasts is used up") \
	X(DROP_HELLO, 55, "weft's own: of another bridge of the VLAN, or among the uplinks of a switch") \
	X(TX_ROUTED, 56, "routed to a port, VLAN or remote of another segment, or of its own by arp: local-proxy") \
	X(TX_ECHO_REPLY, 57, "ping of a gateway address answered") \
	X(TX_TIME_EXCEEDED, 58, "TTL or hop limit ended at the gateway: time exceeded sent to the source") \
	X(TX_UNREACHABLE, 59, "no route, no such host, or no such port of the gateway: unreachable sent to the source") \
	X(DROP_TTL, 60, "TTL or hop limit ended at the gateway and no ICMP error is due") \
	X(DROP_NO_ROUTE, 61, "no route, or a host that does not answer, and no ICMP error is due") \
	X(DROP_BLACKHOLE, 62, "the route is a blackhole") \
	X(DROP_WAITS, 63, "the destination's MAC is asked for: the daemon keeps the first frames and sends them on") \
	X(DROP_MISS, 64, "the destination's MAC is asked for, and as many frames wait as may (or this one cannot)") \
	X(DROP_ERROR_LIMITED, 65, "an ICMP error is due but the rate of the port or segment is used up") \
	X(DROP_NOT_ROUTABLE, 66, "to the gateway's MAC but nothing to route: not IP, broken, multicast, of or for no host") \
	X(DROP_GATEWAY_SPOOFED, 67, "a guest uses the gateway's MAC or address as its own") \
	X(DROP_FOR_GATEWAY, 68, "ARP or ND for the gateway itself: taken note of, or none of its business (answer_remote)") \
	X(DROP_NVGRE_HEADER, 69, "GRE with the VSID of a segment has a checksum, a sequence number or bits that must be zero, or gretap got it without a key") \
	X(DROP_RULE, 70, "an access rule denies it, or none allows it") \
	X(DROP_RULE_FRAGMENT, 71, "later fragment of a packet that only rules with ports would allow") \
	X(DROP_PATH_ERROR, 72, "ICMP too big about a tunnel packet that this host cannot have sent: forged, or it quotes too little")

enum verdict {
	CONTINUE = 0,
#define X(name, number, help) name = number,
	WEFT_VERDICTS(X)
#undef X
};

#endif

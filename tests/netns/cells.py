# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""The inner frames of the table test, and the exchange that counts them at both far ends."""
from netns import Failure
from wire import BROADCAST, ETHERTYPE_TEST, Marker, arp, ethernet, ip_udp, multicast_mac, neighbor_solicitation
from wire import solicited_node

FRAMES = 20
INNER = ("IPv4", "IPv6", "ARP", "ND", "other")


def make_frame(kind, source, target, marker, sequence):
    """A frame of one inner kind from one guest to another; ARP and ND are the broadcast and multicast requests."""
    body, src, dst = marker.payload(sequence, 46), source.mac_address, target.mac_address
    if kind == "IPv4":
        return ethernet(dst, src, *ip_udp(source.address4, target.address4, body))
    if kind == "IPv6":
        return ethernet(dst, src, *ip_udp(source.address6, target.address6, body))
    if kind == "ARP":  # the marker is the frame's padding, which a bridge keeps
        return ethernet(BROADCAST, src, 0x0806,
                        arp(1, src, source.address4, "00:00:00:00:00:00", target.address4) + marker.payload(sequence, 18))
    if kind == "ND":
        group = multicast_mac(solicited_node(target.address6))
        packet = neighbor_solicitation(source.address6, target.address6, src)
        return ethernet(group, src, 0x86DD, packet + marker.payload(sequence))
    return ethernet(dst, src, ETHERTYPE_TEST, body)


def one_way(kind, source, target):
    """Sends FRAMES marked frames and counts them at the target: how many arrived, or Failure if not each exactly once."""
    marker = Marker()
    counter = target.count(marker)
    try:
        for sequence in range(FRAMES):
            source.send(make_frame(kind, source, target, marker, sequence))
        counter.exactly(FRAMES, f"{kind} frames {source.short} to {target.short}")
        return counter.total
    finally:
        counter.close()


def exchange(kind, one, two, cell):
    """Both ways; prints the cell. The text of what was wrong, or None."""
    said = []
    for source, target in ((one, two), (two, one)):
        try:
            said.append(f"{source.short}->{target.short} {one_way(kind, source, target)}/{FRAMES}")
        except Failure as failure:
            print(f"  cell  {cell}  inner={kind}  FAILED: {failure}", flush=True)
            raise
    print(f"  cell  {cell}  inner={kind}  {'  '.join(said)}", flush=True)

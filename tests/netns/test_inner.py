# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""Inner packets of less common shape: fragments, IP options, no checksum, a tunnel in the tunnel, the edges of sizes."""
import socket
import struct

from lab import VNI
from overlay import check, deliver, hosts_with_guests, introduce, no_checksum_errors
from registry import test
from traffic import tcp_transfer, udp_segmented
from wire import ethernet, ip_udp, ipv4, udp

SO_NO_CHECK = 11


def shapes(lab, peer, family):
    hosts, (one, two) = hosts_with_guests(lab, ("a", peer), family=family)
    introduce((one, two), hosts)
    for source, target in ((one, two), (two, one)):
        for address in (target.address4, target.address6):
            source.ping(address, options=("-s", 4000))  # inner fragments
            source.ping(address, options=("-s", 0))
        source.ping(target.address4, options=("-R",))  # IP options
        without_checksum(source, target)
        deliver(source, lambda marker, number, source=source, target=target: ethernet(
            target.mac_address, source.mac_address, 0x0800, with_options(source, target, marker.payload(number))),
            to=[target])
        for length in (12, 13, 45, 47, 1471):  # odd lengths reach the last byte of a checksum
            deliver(source, lambda marker, number, source=source, target=target, length=length: ethernet(
                target.mac_address, source.mac_address, *ip_udp(source.address6, target.address6, marker.payload(
                    number, min(length, 1452)))), to=[target], frames=3)
    no_checksum_errors(one, two, *hosts)


def with_options(source, target, payload):
    """A UDP packet with four bytes of IPv4 options (no operation)."""
    packet = ipv4(source.address4, target.address4, 17, b"\1\1\1\0" + udp(source.address4, target.address4, payload))
    from wire import checksum
    head = b"\x46" + packet[1:10] + b"\0\0" + packet[12:24]
    return head[:10] + struct.pack("!H", checksum(head)) + head[12:] + packet[24:]


def without_checksum(source, target):
    """UDP over IPv4 may go without a checksum (RFC 768)."""
    receiver = target.socket(socket.AF_INET, socket.SOCK_DGRAM)
    receiver.bind(("0.0.0.0", 0))
    receiver.settimeout(5)
    sender = source.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sender.setsockopt(socket.SOL_SOCKET, SO_NO_CHECK, 1)
    for number in range(10):
        sender.sendto(b"%d" % number * 100, (target.address4, receiver.getsockname()[1]))
        check(receiver.recv(2048) == b"%d" % number * 100, "a datagram without checksum is another")
    sender.close()
    receiver.close()


def make(peer, family):
    name = "weft" if peer == "b" else "a_kernel_peer"

    @test(name=f"inner_packets_of_every_shape_reach_{name}_over_ipv{family}")
    def every_shape(lab):
        shapes(lab, peer, family)

    @test(name=f"a_tunnel_inside_the_tunnel_to_{name}_works_over_ipv{family}")
    def nested(lab):
        """Guests run a vxlan of their own over the overlay, on the same port: to weft it is a guest's UDP."""
        hosts, (one, two) = hosts_with_guests(lab, ("a", peer), family=family)
        for guest, other in ((one, two), (two, one)):
            guest.ip(f"link add inner mtu 1400 type vxlan id 77 local {guest.address4} remote {other.address4} dstport 4789",
                     "link set inner up", f"address add 203.0.113.{guest.number}/24 dev inner",
                     f"address add 2001:db8:7::{guest.number}/64 dev inner nodad")
        for source, target in ((one, two), (two, one)):
            for address in (f"203.0.113.{target.number}", f"2001:db8:7::{target.number}"):
                source.ping(address)
                tcp_transfer(source, target, address, megabytes=8)
                udp_segmented(source, target, address, size=1200)
        no_checksum_errors(one, two, *hosts)


for other in ("b", "k"):
    for version in (4, 6):
        make(other, version)


@test
def vnis_at_the_edges_of_their_range_are_segments_like_others(lab):
    """One pair of hosts, a segment for each VNI, each with a guest on either side."""
    vnis = (1, 4095, 4096, 0xFFFFFF)
    a, k = lab.weft_host("a"), lab.kernel_host("k")
    pairs = []
    for index, vni in enumerate(vnis):
        left, right = lab.guest(a, f"a{index}"), lab.guest(k, f"k{index}")
        a.segment(vni, [k.address], name=f"s{vni}", ports=[left.port])
        k.segment(vni, [a.address], ports=[right.port])
        pairs.append((left, right))
    a.up()
    everyone = [guest for pair in pairs for guest in pair]
    for left, right in pairs:
        others = [guest for guest in everyone if guest not in (left, right)]
        left.ping(right.address4)
        deliver(right, lambda marker, number, right=right: ethernet("ff:ff:ff:ff:ff:ff", right.mac_address, 0x88B5,
                                                                   marker.payload(number, 46)), to=[left], none=others)


@test
def another_udp_port_is_used_where_the_vtep_says_so(lab):
    a, b, k = lab.weft_host("a"), lab.weft_host("b"), lab.kernel_host("k")
    hosts = (a, b, k)
    guests = [lab.guest(host, f"{host.short}1") for host in hosts]
    for host in hosts:
        options = {} if host is k else {"arp": "off"}
        host.segment(VNI, [other.address for other in hosts if other is not host], **options)
    k.ip(f"link del vx{VNI}", f"link add vx{VNI} type vxlan id {VNI} local {k.address} dstport 8472",
         f"link set vx{VNI} master br{VNI} up")
    for remote in (a, b):
        k.command("bridge", "fdb", "append", "00:00:00:00:00:00", "dev", f"vx{VNI}", "dst", remote.address)
    for host in (a, b):
        host.document["vtep"]["port"] = 8472
        host.up()
    for source in guests:
        for target in guests:
            if source is not target:
                source.ping(target.address4)
                tcp_transfer(source, target, target.address6, megabytes=4)

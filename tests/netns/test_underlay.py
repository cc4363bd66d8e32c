# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""The underlay's side: what tunnel packets look like, which are taken, and how the way to a remote is found."""
import struct

from lab import VNI
from netns import wait_for
from overlay import check, deliver, hosts_with_guests, introduce, plain
from registry import test
from traffic import tcp_transfer
from wire import BROADCAST, ETHERTYPE_TEST, Marker, Sender, Vxlan, ethernet, ip_udp, ipv4, ipv6, udp


def tunnel_packet(peer, target, inner, vni=VNI, flags=0x08000000, reserved=0, src=None, zero_checksum=False, tos=0,
                  sport=50000):
    """What a VTEP on `peer` sends to `target`, as bytes on peer's uplink."""
    vxlan = struct.pack("!II", flags, vni << 8 | reserved) + inner
    src = src or peer.address
    segment = udp(src, target.address, vxlan, sport=sport, dport=4789)
    if zero_checksum:
        segment = segment[:6] + b"\0\0" + segment[8:]
    macs = (target.mac("eth0"), peer.mac("eth0"))
    if ":" in src:
        return ethernet(*macs, 0x86DD, ipv6(src, target.address, 17, segment, traffic_class=tos))
    return ethernet(*macs, 0x0800, ipv4(src, target.address, 17, segment, tos=tos))


def inject(peer, target, guest, expected, counted=None, frames=5, source_mac="02:00:00:00:66:01", inner=None,
           make=tunnel_packet, **packet):
    """Hand-made tunnel packets with a broadcast inside, or what `inner` makes of the payload: `expected` arrive at the guest,
    the rest counts as `counted`."""
    marker, sender = Marker(), Sender(peer, "eth0")
    before = target.verdicts().get(counted, 0) if counted else 0
    counter = guest.count(marker)
    for number in range(frames):
        body = marker.payload(number, 46)
        frame = inner(body) if inner else ethernet(BROADCAST, source_mac, ETHERTYPE_TEST, body)
        sender.send(make(peer, target, frame, **packet))
    counter.exactly(expected, f"injected with {packet}")
    sender.close()
    counter.close()
    if counted:
        now = target.verdicts().get(counted, 0)
        check(now - before == frames - expected, f"{counted} grew by {now - before}, {frames - expected} expected")


def weft_and_peer(lab, family=4, **vtep):
    a = lab.weft_host("a", family=family)
    k = lab.kernel_host("k", family=family)
    a1 = lab.guest(a, "a1")
    a.segment(VNI, [k.address])
    a.document["vtep"].update(vtep)
    a.up()
    return a, k, a1


def refusals(family):
    @test(name=f"broken_or_foreign_tunnel_packets_are_dropped_and_counted_over_ipv{family}")
    def refuse(lab):
        a, k, a1 = weft_and_peer(lab, family)
        inject(k, a, a1, 5)
        inject(k, a, a1, 0, "DROP_UNKNOWN_VNI", vni=VNI + 1)
        inject(k, a, a1, 0, "DROP_NO_VNI_FLAG", flags=0)
        stranger = "192.0.2.99" if family == 4 else "2001:db8:0:2::99"
        inject(k, a, a1, 0, "DROP_UNKNOWN_SOURCE", src=stranger)
        inject(k, a, a1, 5, flags=0x0C00000F, reserved=0x55)
        inject(k, a, a1, 0, "DROP_SOURCE_MAC", source_mac="03:00:00:00:66:01")


refusals(4)
refusals(6)


@test
def reserved_bits_are_refused_where_the_vtep_says_so(lab):
    a, k, a1 = weft_and_peer(lab, reserved_bits="drop")
    inject(k, a, a1, 5)
    inject(k, a, a1, 0, "DROP_RESERVED_BITS", reserved=1)


@test
def any_source_is_accepted_where_the_vtep_says_so(lab):
    a, k, a1 = weft_and_peer(lab, accept="any")
    inject(k, a, a1, 5, src="192.0.2.99")
    a.learned("02:00:00:00:66:01", remote="192.0.2.99")
    a.document["vtep"]["accept"] = "known"
    a.weft("config", "apply", a.write())
    inject(k, a, a1, 0, "DROP_UNKNOWN_SOURCE", src="192.0.2.99")


@test
def a_zero_checksum_over_ipv6_is_refused_by_default(lab):
    a, k, a1 = weft_and_peer(lab, 6)
    inject(k, a, a1, 0, "DROP_ZERO_CHECKSUM6", zero_checksum=True)


@test
def a_zero_checksum_over_ipv6_is_accepted_when_configured(lab):
    a, k, a1 = weft_and_peer(lab, 6, accept_zero_checksum6=True)
    inject(k, a, a1, 5, zero_checksum=True)


@test
def a_kernel_peer_that_sends_zero_checksums_over_ipv6_is_served_when_configured(lab):
    a, k = lab.weft_host("a", family=6), lab.kernel_host("k", family=6)
    a1, k1 = lab.guest(a, "a1"), lab.guest(k, "k1")
    a.segment(VNI, [k.address])
    a.document["vtep"].update(udp6_checksum="zero", accept_zero_checksum6=True)
    k.segment(VNI, [a.address], zero_checksum6=True)
    a.up()
    for source, target in ((a1, k1), (k1, a1)):
        source.ping(target.address4)
        source.ping(target.address6)
        tcp_transfer(source, target, target.address6, megabytes=8)


def header(family):
    @test(name=f"the_outer_header_is_as_the_rfc_says_over_ipv{family}")
    def outer(lab):
        (a, b), (a1, b1) = hosts_with_guests(lab, ("a", "b"), family=family)
        introduce((a1, b1), (a, b))
        ports = set()
        for flow in range(64):
            (counter,) = deliver(a1, lambda marker, number, flow=flow: ethernet(
                b1.mac_address, a1.mac_address,
                *ip_udp(a1.address4, b1.address4, marker.payload(number, 40), sport=20000 + flow)), frames=2,
                wires={a: 1})
            packets = [Vxlan.parse(frame) for frame in counter.samples]
            check(len({packet.sport for packet in packets}) == 1, "one flow has two source ports")
            ports.add(packets[0].sport)
            for packet in packets:
                check(packet.sport >= 49152, f"source port {packet.sport}")
                check(packet.flags == 8 and packet.vni == VNI, f"flags {packet.flags}, VNI {packet.vni}")
                check((packet.udp_checksum != 0) == (family == 6), f"outer UDP checksum {packet.udp_checksum}")
                check((packet.outer_src, packet.outer_dst) == (a.address, b.address), "outer addresses are wrong")
                check(family == 6 or packet.frame[20] & 0x40, "the outer packet has no DF")
        check(len(ports) >= 40, f"64 flows share {len(ports)} source ports")


header(4)
header(6)


@test
def dscp_and_ecn_travel_with_the_packet(lab):
    (a, b), (a1, b1) = hosts_with_guests(lab, ("a", "b"))
    introduce((a1, b1), (a, b))
    for tos in (0x00, 0x01, 0x02, 0x03, 0xB8, 0xBA):
        (counter,) = deliver(a1, lambda marker, number, tos=tos: ethernet(b1.mac_address, a1.mac_address, *ip_udp(
            a1.address4, b1.address4, marker.payload(number, 40), tos=tos)), wires={a: 1})
        seen = {Vxlan.parse(frame).tos for frame in counter.samples}
        check(seen == {tos}, f"inner tos {tos:#x} left as {seen} outside (RFC 6040 normal mode copies)")


@test
def congestion_marked_outside_reaches_the_inner_packet_or_drops_it(lab):
    a, k, a1 = weft_and_peer(lab)
    for inner_tos, arrives in ((0x02, True), (0x01, True), (0x00, False)):
        marker, sender = Marker(), Sender(k, "eth0")
        counter = a1.count(marker)
        for number in range(5):
            inner = ethernet(BROADCAST, "02:00:00:00:66:02", *ip_udp("198.51.100.60", "198.51.100.255",
                                                                    marker.payload(number, 40), tos=inner_tos))
            sender.send(tunnel_packet(k, a, inner, tos=3))
        counter.exactly(5 if arrives else 0, f"inner ECN {inner_tos} with congestion experienced outside")
        check(all(frame[15] & 3 == 3 for frame in counter.samples), "the congestion mark was lost on decapsulation")
    check(a.verdicts().get("DROP_ECN", 0) == 5, f"DROP_ECN is {a.verdicts().get('DROP_ECN', 0)}, 5 expected")


def routed(family):
    @test(name=f"a_remote_behind_a_router_is_reached_over_ipv{family}")
    def behind(lab):
        a = lab.weft_host("a", family=family)
        b = lab.weft_host("b", family=family, subnet=1)
        k = lab.kernel_host("k", family=family, subnet=1)
        hosts = (a, b, k)
        guests = [lab.guest(host, f"{host.short}1") for host in hosts]
        for host in hosts:
            host.segment(VNI, [other.address for other in hosts if other is not host])
        a.up()
        b.up()
        for source in guests:
            for target in guests:
                if source is not target:
                    source.ping(target.address4)
        tcp_transfer(guests[0], guests[2], guests[2].address6, megabytes=8)
        deliver(guests[0], plain(guests[0], BROADCAST), to=guests[1:], wires={a: 2})


routed(4)
routed(6)


@test
def the_first_frames_to_an_unresolved_next_hop_arrive(lab):
    (a, b, k), (a1, b1, k1) = hosts_with_guests(lab, ("a", "b", "k"))
    introduce((a1, b1, k1), (a, b))
    for target in (b1, k1):
        # Never comes to an empty table, since the kernel resolves again at once what weft asked it to keep.
        a.command("ip", "neigh", "flush", "all", check=False)
        wait_for(lambda: a1.ping(target.address4, count=1, check=False).returncode == 0, "a ping after a flush", 5)
        a1.ping(target.address4, count=20)


@test
def a_remote_that_gets_another_mac_is_followed(lab):
    (a, b), (a1, b1) = hosts_with_guests(lab, ("a", "b"))
    a1.ping(b1.address4)
    b.ip("link set eth0 address 02:00:00:00:44:44")
    b.command("arping", "-c", "1", "-A", "-I", "eth0", b.address4, check=False)
    wait_for(lambda: a1.ping(b1.address4, count=1, wait=1, check=False).returncode == 0, "the new MAC to be used", 20)
    a1.ping(b1.address4, count=20)


@test
def the_hosts_own_traffic_passes_untouched(lab):
    (a, b), (a1, b1) = hosts_with_guests(lab, ("a", "b"))
    for address in (b.address4, b.address6):
        a.ping(address)
        tcp_transfer(a, b, address, megabytes=4)

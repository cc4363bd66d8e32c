# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""Guests' offloads stay on: TCP and UDP segmentation and checksums cross whole, also one routed hop beyond the receiver."""
from overlay import check, hosts_with_guests, no_checksum_errors
from registry import test
from traffic import tcp_transfer, udp_segmented


def transfer_every_way(lab, peer, family, gro):
    hosts, (one, two) = hosts_with_guests(lab, ("a", peer), family=family, guest_options={"gro": gro})
    features = one.features("eth0")
    check(features["tx-checksum-ip-generic"] and features["tcp-segmentation-offload"], "the guest's offloads are off")
    for source, target in ((one, two), (two, one)):
        for inner in (4, 6):
            source.ping(target.address(inner))
            rate = tcp_transfer(source, target, target.address(inner), megabytes=16)
            udp_segmented(source, target, target.address(inner))
            udp_segmented(source, target, target.address(inner), sends=50, segments=1)
            print(f"  {source.short}->{target.short} IPv{inner} in IPv{family}: TCP {rate / 1000:.2f} Gbit/s, UDP segments all")
    no_checksum_errors(one, two, *hosts)


def behind_the_guest(lab, peer, family):
    """Both directions between a guest and a namespace one routed hop beyond the other guest, whose link has no offloads."""
    hosts, (one, two) = hosts_with_guests(lab, ("a", peer), family=family)
    tail = two.extend("tail", 10)
    one.ip(f"route add 203.0.113.0/24 via {two.address4}", f"route add 2001:db8:9::/64 via {two.address6}")
    for source, target, addresses in ((one, tail, ("203.0.113.11", "2001:db8:9::b")),
                                      (tail, one, (one.address4, one.address6))):
        for address in addresses:
            tcp_transfer(source, target, address, megabytes=8)
            udp_segmented(source, target, address)
    no_checksum_errors(one, two, tail, *hosts)


def make(peer, family):
    words = ("weft", "b") if peer == "b" else ("a_kernel_peer", "k")
    for gro in (True, False):
        @test(name=f"tcp_and_udp_segments_reach_{words[0]}_over_ipv{family}_with_gro_{'on' if gro else 'off'}")
        def crossing(lab, gro=gro):
            transfer_every_way(lab, peer, family, gro)

    @test(name=f"tcp_and_udp_segments_survive_a_routed_hop_beyond_{words[0]}_over_ipv{family}")
    def beyond(lab):
        behind_the_guest(lab, peer, family)


for other in ("b", "k"):
    for version in (4, 6):
        make(other, version)


def handed_up(host):
    """Frames from the underlay that went on to the kernel's tunnel device."""
    return host.verdicts().get("PASS_UP", 0)


def make_short_way(family):
    @test(name=f"tcp_super_frames_take_the_short_way_to_a_guest_that_ends_them_over_ipv{family}")
    def short_way(lab):
        hosts, (one, two) = hosts_with_guests(lab, ("a", "b"), family=family)
        b, near, beyond = hosts[1], two.address(family), "203.0.113.11" if family == 4 else "2001:db8:9::b"
        one.ping(near)
        before = handed_up(b)
        tcp_transfer(one, two, near, megabytes=16)
        check(handed_up(b) == before, f"{handed_up(b) - before} TCP frames went through the tunnel device")
        udp_segmented(one, two, near)
        check(handed_up(b) > before, "super-frames of UDP did not")

        tail = two.extend("tail", 10)
        one.ip(f"route add 203.0.113.0/24 via {two.address4}", f"route add 2001:db8:9::/64 via {two.address6}")
        before = handed_up(b)
        tcp_transfer(one, tail, beyond, megabytes=16)
        check(handed_up(b) > before, "a guest that routes gets super-frames with the tunnel's marks")
        no_checksum_errors(one, two, tail, *hosts)


for version in (4, 6):
    make_short_way(version)


@test
def a_port_with_hook_xdp_carries_tcp_when_the_guests_offloads_are_off(lab):
    hosts, (one, two) = hosts_with_guests(lab, ("a", "b"), hook="xdp", guest_options={"offloads": False})
    for source, target in ((one, two), (two, one)):
        for inner in (4, 6):
            source.ping(target.address(inner))
            tcp_transfer(source, target, target.address(inner), megabytes=8)
    no_checksum_errors(one, two)


@test
def a_port_with_hook_xdp_names_the_offloads_that_must_be_off_in_the_guest(lab):
    (a, _), (a1, _) = hosts_with_guests(lab, ("a", "b"), hook="xdp")
    said = a.weft("port", "show", a1.port).stdout
    check("tx" in said and "xdp" in said, f"weft port show says nothing of the guest's offloads:\n{said}")


@test
def local_ports_exchange_tcp_and_udp_segments(lab):
    _, (one, two) = hosts_with_guests(lab, ("a",), guests=2)
    for inner in (4, 6):
        tcp_transfer(one, two, two.address(inner), megabytes=16)
        udp_segmented(one, two, two.address(inner))
    no_checksum_errors(one, two)

# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""Switching: who gets a frame, and who does not. Counts are taken at every guest and at the underlay switch."""
from lab import VNI
from overlay import UNKNOWN, deliver, hosts_with_guests, introduce, join, plain, start
from registry import test
from wire import BROADCAST, ip_udp, ethernet, multicast_mac


@test
def known_unicast_reaches_its_host_alone(lab):
    hosts, guests = hosts_with_guests(lab, ("a", "b", "k"))
    a, b, k = hosts
    a1, b1, k1 = guests
    introduce(guests, hosts)
    deliver(a1, plain(a1, b1.mac_address), to=[b1], none=[k1], wires={a: 1, b: 0, k: 0})
    deliver(a1, plain(a1, k1.mac_address), to=[k1], none=[b1], wires={a: 1, b: 0, k: 0})
    deliver(k1, plain(k1, a1.mac_address), to=[a1], none=[b1], wires={a: 0, b: 0})


@test
def unknown_unicast_broadcast_and_multicast_flood_one_copy_to_each_remote_and_port(lab):
    hosts, guests = hosts_with_guests(lab, ("a", "b", "k"), guests=2)
    a, b, k = hosts
    a1, a2, b1, b2, k1, k2 = guests
    group4, group6 = "233.252.0.7", "ff0e::db8:7"
    for dst in (UNKNOWN, BROADCAST, multicast_mac(group4), multicast_mac(group6)):
        deliver(a1, plain(a1, dst), to=[a2, b1, b2, k1, k2], none=[a1], wires={a: 2, b: 0, k: 0}, what=f"to {dst}")
        deliver(k1, plain(k1, dst), to=[a1, a2, b1, b2, k2], wires={a: 0, b: 0}, what=f"to {dst}")
    for group, src in ((group4, a1.address4), (group6, a1.address6)):
        def packet(marker, number, group=group, src=src):
            return ethernet(multicast_mac(group), a1.mac_address, *ip_udp(src, group, marker.payload(number, 40)))
        deliver(a1, packet, to=[a2, b1, b2, k1, k2], wires={a: 2}, what=f"to {group}")


@test
def unknown_unicast_is_dropped_where_the_segment_says_so(lab):
    hosts, guests = hosts_with_guests(lab, ("a", "b"), guests=2, unknown_unicast="drop")
    a1, a2, b1, b2 = guests
    introduce(guests, hosts)
    deliver(a1, plain(a1, UNKNOWN), none=[a2, b1, b2], wires={hosts[0]: 0})
    deliver(a1, plain(a1, b1.mac_address), to=[b1], none=[a2, b2])
    deliver(a1, plain(a1, BROADCAST), to=[a2, b1, b2])


@test
def local_ports_switch_without_the_uplink(lab):
    hosts, guests = hosts_with_guests(lab, ("a", "b"), guests=2)
    a1, a2, b1, b2 = guests
    introduce(guests, hosts)
    deliver(a1, plain(a1, a2.mac_address), to=[a2], none=[b1, b2], wires={hosts[0]: 0})
    for address in (a2.address4, a2.address6):
        a1.ping(address)


@test
def a_frame_for_a_mac_behind_its_own_port_goes_nowhere(lab):
    hosts, guests = hosts_with_guests(lab, ("a", "b"), guests=2)
    a1, a2, b1, b2 = guests
    introduce(guests, hosts)
    deliver(a1, plain(a1, a1.mac_address), none=[a1, a2, b1, b2], wires={hosts[0]: 0})


@test
def a_frame_from_a_tunnel_never_goes_back_into_one(lab):
    hosts, guests = hosts_with_guests(lab, ("a", "b", "k"))
    a, b, k = hosts
    a1, b1, k1 = guests
    introduce([b1, k1], [a])
    a.weft("fdb", "set", "--segment", "blue", "--mac", UNKNOWN, "--remote", k.address)
    b.weft("fdb", "set", "--segment", "blue", "--mac", UNKNOWN, "--remote", a.address)
    deliver(b1, plain(b1, UNKNOWN), none=[a1, k1], wires={b: 1, a: 0})


@test
def link_local_bridge_addresses_are_not_forwarded(lab):
    hosts, guests = hosts_with_guests(lab, ("a", "b"), guests=2)
    a1, a2, b1, b2 = guests
    for last in (0x00, 0x02, 0x03, 0x0E, 0x0F):
        deliver(a1, plain(a1, f"01:80:c2:00:00:{last:02x}"), none=[a2, b1, b2], frames=3, wires={hosts[0]: 0},
                what=f"to 01:80:c2:00:00:{last:02x}")
    deliver(a1, plain(a1, "01:80:c2:00:00:10"), to=[a2, b1, b2], wires={hosts[0]: 1})


def two_segments(lab, names=("a", "b", "k")):
    """One guest of blue and one of green on each host; both of a host have the same MAC."""
    hosts = [lab.kernel_host(name) if name[0] == "k" else lab.weft_host(name) for name in names]
    blue, green = {}, {}
    for host in hosts:
        mac = f"02:00:00:00:01:{host.number:02x}"
        blue[host] = lab.guest(host, f"{host.short}b", mac=mac)
        green[host] = lab.guest(host, f"{host.short}g", mac=mac)
    join(hosts, VNI, "blue", ports={host: [guest.port] for host, guest in blue.items()})
    join(hosts, VNI + 1, "green", ports={host: [guest.port] for host, guest in green.items()})
    start(hosts)
    return hosts, list(blue.values()), list(green.values())


@test
def segments_never_meet_and_the_same_mac_in_two_is_two_guests(lab):
    _, blue, green = two_segments(lab)
    for ours, others in ((blue, green), (green, blue)):
        for source in ours:
            peers = [guest for guest in ours if guest is not source]
            deliver(source, plain(source, BROADCAST), to=peers, none=others)
            deliver(source, plain(source, UNKNOWN), to=peers, none=others)
    for ours, others in ((blue, green), (green, blue)):
        for source in ours:
            for target in ours:
                if target is not source:
                    deliver(source, plain(source, target.mac_address), to=[target], none=others)


@test
def guests_of_every_pair_answer_pings_over_ipv4_and_ipv6(lab):
    _, guests = hosts_with_guests(lab, ("a", "b", "k"), guests=2)
    for source in guests:
        for target in guests:
            if source is not target:
                source.ping(target.address4)
                source.ping(target.address6)


@test
def guests_of_every_pair_answer_pings_over_an_ipv6_underlay(lab):
    _, guests = hosts_with_guests(lab, ("a", "b", "k"), family=6)
    for source in guests:
        for target in guests:
            if source is not target:
                source.ping(target.address4)
                source.ping(target.address6)

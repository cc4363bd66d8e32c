# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""What a hook costs and must not cost: offloads, VLAN tags, the guest's own XDP, sizes native XDP refuses."""
import json
import os
import struct

from netns import wait_for
from overlay import check, deliver, hosts_with_guests, introduce, join, plain, start
from registry import test
from test_attach import FOREIGN, foreign_object, xdp_of
from traffic import tcp_transfer
from wire import BROADCAST, ETHERTYPE_TEST, Tap, Vxlan, ethernet, ip_udp, vlan


@test
def hook_auto_leaves_the_guests_offloads_and_puts_no_xdp_on_a_veth(lab):
    (a, b), (a1, b1) = hosts_with_guests(lab, ("a", "b"), up=False)
    before = a1.features("eth0"), lab.net.features(a.switch_port)
    a.up()
    b.up()
    a1.ping(b1.address4)
    after = a1.features("eth0"), lab.net.features(a.switch_port)
    for old, new in zip(before, after):
        changed = {name: value for name, value in new.items() if old.get(name) != value}
        check(not changed, f"weft changed offloads on the other end of a veth: {changed}")
    for device in ("eth0", a1.port):
        check(not xdp_of(a, device), f"XDP program on {device} with hook auto")


@test
def hook_xdp_attaches_native_xdp_to_ports_and_uplinks(lab):
    (a, b), (a1, b1) = hosts_with_guests(lab, ("a", "b"), hook="xdp", guest_options={"offloads": False})
    for device in ("eth0", a1.port):
        check(xdp_of(a, device), f"no XDP program on {device} with hook xdp")
        link = a.command("ip", "-d", "link", "show", "dev", device).stdout
        check("xdpgeneric" not in link, f"generic XDP on {device}")
    for target in (b1.address4, b1.address6):
        a1.ping(target)
    introduce((a1, b1), (a, b))
    before = a.verdicts().get("TX_REMOTE", 0)
    deliver(a1, lambda marker, number: ethernet(b1.mac_address, a1.mac_address, *ip_udp(
        a1.address4, b1.address4, marker.payload(number, 40))), to=[b1], frames=50)
    check(a.verdicts().get("TX_REMOTE", 0) - before >= 50, f"not all left by TX_REMOTE: {a.verdicts()}")


@test
def a_port_whose_far_end_loses_xdp_frames_is_served_by_tc(lab):
    """Hazard: a redirect into a veth whose peer has GRO off loses every frame silently."""
    (a, b), guests = hosts_with_guests(lab, ("a", "b"), hook="xdp", guest_options={"offloads": False, "gro": False})
    a1, b1 = guests
    introduce(guests, (a, b))
    for source, target in ((a1, b1), (b1, a1)):
        deliver(source, lambda marker, number, source=source, target=target: ethernet(
            target.mac_address, source.mac_address,
            *ip_udp(source.address4, target.address4, marker.payload(number, 40))), to=[target], frames=200)


@test
def gro_switched_on_and_off_in_a_guest_under_traffic_loses_nothing_afterwards(lab):
    (a, b), (a1, b1) = hosts_with_guests(lab, ("a", "b"), hook="xdp", guest_options={"offloads": False})
    introduce((a1, b1), (a, b))

    def crosses():
        deliver(a1, plain(a1, b1.mac_address), to=[b1], frames=20)
        return True
    for gro in (False, True):
        b1.ethtool("eth0", gro=gro)
        wait_for(lambda: b1.ping(a1.address4, count=1, wait=1, check=False).returncode == 0, f"GRO {gro} to be noticed", 15)
        crosses()


@test
def a_port_that_takes_a_hundred_frames_by_xdp_and_never_answers_is_warned_of(lab):
    (a, b), (a1, b1, b2) = guests_of_one_and_two(lab)
    introduce((a1, b2), (a, b))
    for host, where in ((a, ("--remote", b.address)), (b, ("--port", b1.port))):
        host.weft("fdb", "add", "--segment", "blue", "--mac", b1.mac_address, *where)
    shown = b.json("port", "show", b1.port)
    check(shown["xdp_delivery"] and not silent(shown), f"before any frame: {shown}")
    deliver(a1, plain(a1, b1.mac_address), to=[b1], frames=120)
    deliver(a1, plain(a1, b2.mac_address), to=[b2], frames=120)
    wait_for(lambda: silent(b.json("port", "show", b1.port)), "port show to warn", 12)
    check(not silent(b.json("port", "show", b2.port)), "a port that answered is warned of")
    check(not b.json("port", "show", b1.port)["xdp_delivery"], "frames still go there by XDP")
    deliver(a1, plain(a1, b1.mac_address), to=[b1])
    b1.announce()
    wait_for(lambda: not silent(b.json("port", "show", b1.port)), "an answer to end the warning", 12)
    wait_for(lambda: b.json("port", "show", b1.port)["xdp_delivery"], "XDP to be used again", 12)
    deliver(a1, plain(a1, b1.mac_address), to=[b1])


def guests_of_one_and_two(lab):
    """Host a with a1, b with b1 and b2; b1 is deaf and mute: its stack says nothing of its own."""
    a, b = lab.weft_host("a"), lab.weft_host("b")
    a1, b1, b2 = (lab.guest(host, name, offloads=False) for host, name in ((a, "a1"), (b, "b1"), (b, "b2")))
    b1.sysctl("net.ipv6.conf.eth0.disable_ipv6", 1)
    b1.ip("link set eth0 arp off")
    join((a, b), hook="xdp")
    start((a, b))
    return (a, b), (a1, b1, b2)


def silent(port):
    return any("none came back" in line for line in port["warnings"])


@test
def a_peer_that_stops_taking_xdp_frames_is_named_and_served_by_tc(lab):
    (a, b), (a1, b1) = hosts_with_guests(lab, ("a", "b"), hook="xdp", guest_options={"offloads": False})
    introduce((a1, b1), (a, b))

    def lost():
        return any("GRO" in line for line in b.json("port", "show", b1.port)["warnings"])
    check(not lost(), "a peer with GRO on is complained about")
    b1.ethtool("eth0", gro=False)
    wait_for(lost, "port show to name it", 12)
    deliver(a1, plain(a1, b1.mac_address), to=[b1])
    b1.ethtool("eth0", gro=True)
    wait_for(lambda: not lost(), "the warning to go", 12)
    deliver(a1, plain(a1, b1.mac_address), to=[b1])


@test
def an_uplink_whose_far_end_takes_xdp_frames_only_later_is_used_by_xdp_then(lab):
    (a, b), (a1, b1) = hosts_with_guests(lab, ("a", "b"), hook="xdp", up=False, guest_options={"offloads": False})
    lab.net.ethtool(a.switch_port, gro=False)
    start((a, b))
    introduce((a1, b1), (a, b))

    def handed_up():
        before = a.verdicts().get("PASS_UP", 0)
        deliver(a1, plain(a1, b1.mac_address), to=[b1], frames=20)
        return a.verdicts().get("PASS_UP", 0) - before
    check(handed_up() >= 20, "XDP sent into an uplink whose far end loses its frames")
    lab.net.ethtool(a.switch_port, gro=True)
    wait_for(lambda: a.json("uplink", "show", "eth0")["xdp_delivery"], "the uplink to be found good", 12)
    wait_for(lambda: handed_up() < 5, "frames to leave by XDP", 12)


@test(mtu=9000)
def a_jumbo_interface_that_native_xdp_refuses_is_served_by_tc_and_says_why(lab):
    (a, b), (a1, b1) = hosts_with_guests(lab, ("a", "b"), hook="xdp", mtu=8900,
                                         guest_options={"offloads": False, "mtu": 8900})
    a1.ping(b1.address4, options=("-M", "do", "-s", "8872"))
    tcp_transfer(a1, b1, b1.address4, megabytes=8)


def tagged(source, dst, tag):
    def make(marker, number):
        return ethernet(dst, source.mac_address, 0x8100, vlan(tag, ETHERTYPE_TEST, marker.payload(number, 46)))
    return make


def tag_dropped(hook):
    @test(name=f"a_guests_vlan_tag_never_reaches_the_underlay_with_hook_{hook}")
    def dropped(lab):
        options = {"offloads": False} if hook == "xdp" else {}
        (a, b, k), (a1, b1, k1) = hosts_with_guests(lab, ("a", "b", "k"), hook=hook, guest_options=options)
        introduce((a1, b1, k1), (a, b))
        for dst in (b1.mac_address, BROADCAST):
            deliver(a1, tagged(a1, dst, 100), none=[b1, k1], wires={a: 0})
        check(a.verdicts().get("DROP_VLAN", 0) == 20, f"DROP_VLAN is {a.verdicts().get('DROP_VLAN', 0)}, 20 expected")
        deliver(k1, tagged(k1, a1.mac_address, 100), none=[a1, b1])

    @test(name=f"a_guests_vlan_tag_travels_inside_where_the_segment_keeps_it_with_hook_{hook}")
    def kept(lab):
        options = {"offloads": False} if hook == "xdp" else {}
        (a, b, k), (a1, b1, k1) = hosts_with_guests(lab, ("a", "b", "k"), hook=hook, guest_options=options,
                                                    keep_inner_tags=True)
        introduce((a1, b1, k1), (a, b))
        for dst, to in ((b1.mac_address, [b1]), (k1.mac_address, [k1]), (BROADCAST, [b1, k1])):
            counters = deliver(a1, tagged(a1, dst, 0x6064), to=to, wires={a: len(to)})
            for frame in counters[0].samples:
                check(frame[12:16] == struct.pack("!HH", 0x8100, 0x6064), f"the tag arrived as {frame[12:16].hex()}")
            for frame in counters[-1].samples:
                check(frame[12:14] == b"\x08\x00", "the outer frame has a tag")
                check(Vxlan.parse(frame).inner[12:16] == struct.pack("!HH", 0x8100, 0x6064), "the inner frame has none")
        deliver(k1, tagged(k1, a1.mac_address, 100), to=[a1], none=[b1])


tag_dropped("tc")
tag_dropped("xdp")

DROP = FOREIGN.replace("return 2", "return 1")  # XDP_DROP


@test
def a_guests_own_xdp_program_is_not_bypassed(lab):
    """Hazard: bpf_redirect_peer delivers behind the native XDP program of the guest's end."""
    (a, b), (a1, b1) = hosts_with_guests(lab, ("a", "b"))
    introduce((a1, b1), (a, b))
    deliver(a1, plain(a1, b1.mac_address), to=[b1])
    b1.ip(f"link set dev eth0 xdpdrv obj {foreign_object(lab, DROP)} sec xdp")

    def held():
        tap = Tap(b1, "eth0")
        a1.ping(b1.address4, count=1, wait=1, check=False)
        arrived = list(tap.frames())
        tap.close()
        return not arrived
    wait_for(held, "the guest's XDP program to see its frames", 10)
    deliver(a1, plain(a1, b1.mac_address), none=[b1])
    b1.ip("link set dev eth0 xdpdrv off")
    wait_for(lambda: a1.ping(b1.address4, count=1, wait=1, check=False).returncode == 0, "frames without it", 10)


def make_straight(family):
    @test(name=f"packets_of_both_families_go_straight_to_the_guest_over_ipv{family}")
    def straight(lab):
        """By bpf_redirect_peer, which the port's own transmit counter does not see. Before Linux 6.3 only the underlay's."""
        (_, b), (a1, b1) = hosts_with_guests(lab, ("a", "b"), family=family)
        newer = tuple(int(part) for part in os.uname().release.split(".")[:2]) >= (6, 3)

        def sent():
            link = json.loads(b.command("ip", "-j", "-s", "link", "show", "dev", b1.port).stdout)[0]
            return link["stats64"]["tx"]["packets"]
        for inner in (4, 6) if newer else (family,):
            a1.ping(b1.address(inner))
            before = sent()
            a1.ping(b1.address(inner), count=20)
            check(sent() - before < 10, f"{sent() - before} frames for 20 echoes of IPv{inner} took the long way")


for version in (4, 6):
    make_straight(version)


@test
def tcp_reaches_a_guest_with_an_xdp_program_of_its_own(lab):
    (a, b), (a1, b1) = hosts_with_guests(lab, ("a", "b"), up=False)
    b1.ip(f"link set dev eth0 xdpdrv obj {foreign_object(lab)} sec xdp")
    a.up()
    b.up()
    for source, target in ((a1, b1), (b1, a1)):
        tcp_transfer(source, target, target.address4, megabytes=8)

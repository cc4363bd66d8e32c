# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""A physical VLAN joined to a segment (N4 to N7): tags, roles, the way back."""
from netns import wait_for
from overlay import UNKNOWN, check, deliver, plain
from registry import test
from vlans import VLAN, Server, bridged, tag_of, tagged
from wire import BROADCAST, Marker


def on_wire(switch, host, source, make, expected, frames=10):
    """Sends frames; they are on the wire between the host's NIC and the switch `expected` times, with these tags."""
    marker = Marker()
    counter = switch.count(host.nic, marker, key=tag_of)
    try:
        for number in range(frames):
            source.send(make(marker, number))
        counter.exactly(frames * expected, f"frames of {source.short} from {host.short}'s NIC")
        return {tag for tag, _ in counter.seen}
    finally:
        counter.close()


@test
def n5_n7_a_guest_anywhere_and_a_server_on_the_vlan_reach_each_other(lab):
    (a, b, _), guests, _, (server,) = bridged(lab, ("a", "b", "k"))
    for guest in guests:
        for family in (4, 6):
            guest.ping(server.address(family))
            server.ping(guest.address(family))
    check(a.learned(server.mac_address)["bridge"] == f"eth1:{VLAN}", "the server is not behind the VLAN")
    check(b.learned(server.mac_address)["remote"] == a.address, "the server is not behind the bridge's VTEP")


@test
def n4_a_broadcast_is_on_the_vlan_exactly_once_and_tagged(lab):
    (a, *_), guests, switch, _ = bridged(lab, ("a", "b", "k"))
    for guest in guests:
        tags = on_wire(switch, a, guest, plain(guest, BROADCAST), 1)
        check(tags == {(0x8100, VLAN)}, f"tags are {tags}")


@test
def n5_what_is_for_the_server_goes_to_the_bridge_alone(lab):
    (a, b, k), (_, b1, _), switch, (server,) = bridged(lab, ("a", "b", "k"))
    server.announce()
    b.learned(server.mac_address)
    deliver(b1, plain(b1, server.mac_address), to=[server], wires={b: 1})
    on_wire(switch, a, b1, plain(b1, server.mac_address), 1)


@test
def n6_an_unknown_destination_from_the_vlan_goes_to_every_host_and_not_back(lab):
    (a, _, _), (a1, b1, k1), switch, (server, other) = bridged(lab, ("a", "b", "k"), servers=2)
    deliver(server, plain(server, UNKNOWN), to=[a1, b1, k1, other], wires={a: 2})
    on_wire(switch, a, server, plain(server, UNKNOWN), 0)


@test
def a_standby_bridge_forwards_nothing_in_either_direction_and_counts_it(lab):
    (a, b), (a1, b1), switch, (server,) = bridged(lab, ("a", "b"), bridging=("a", "b"), roles={"b": "standby"})
    deliver(b1, plain(b1, BROADCAST), to=[a1, server])
    on_wire(switch, a, b1, plain(b1, BROADCAST), 1)
    on_wire(switch, b, b1, plain(b1, BROADCAST), 0)
    deliver(server, plain(server, BROADCAST), to=[a1, b1], wires={b: 0})
    check(b.verdicts().get("DROP_STANDBY", 0) >= 10, f"b counted {b.verdicts()}")


@test
def the_role_moves_by_command_and_the_vlan_hears_of_it(lab):
    (a, b), (a1, b1), switch, (server,) = bridged(lab, ("a", "b"), bridging=("a", "b"), roles={"b": "standby"})
    b1.ping(server.address4)
    b1.ping(a1.address4)
    wire = switch.tap(b.nic)
    for host, role in ((a, "standby"), (b, "designated")):
        host.weft("bridge", "set", "--segment", "blue", "--interface", "eth1", "--vlan", VLAN, "--role", role)
    silent = {a1.mac_address, b1.mac_address}  # RARP for each MAC that the VLAN finds behind b now, in any order
    while silent:
        rarp = wire.first(lambda frame: frame[16:18] == b"\x80\x35" and tag_of(frame) == (0x8100, VLAN), f"RARP of {silent}")
        silent.discard(rarp[6:12].hex(":"))
    wire.close()
    wait_for(lambda: not a.fdb(mac=server.mac_address, bridge=f"eth1:{VLAN}"), "a to forget the VLAN's MACs")
    a1.ping(server.address4)
    server.ping(a1.address6)
    check(a.learned(server.mac_address)["remote"] == b.address, "the server is not behind b")
    on_wire(switch, a, a1, plain(a1, BROADCAST), 0)
    on_wire(switch, b, a1, plain(a1, BROADCAST), 1)


@test
def other_tags_on_the_nic_are_none_of_the_bridges_affair(lab):
    (a, _), (a1, k1), switch, (server,) = bridged(lab, ("a", "k"))
    stranger = Server(lab, switch, "s9", 109, vlan=VLAN + 1)
    deliver(stranger, plain(stranger, BROADCAST), none=[a1, k1, server])
    untagged = Server(lab, switch, "s8", 108, vlan=0)
    deliver(untagged, plain(untagged, BROADCAST), none=[a1, k1, server])
    priority = lambda marker, number: tagged(plain(untagged, BROADCAST)(marker, number), 0)
    deliver(untagged, priority, none=[a1, k1, server])
    service = lambda marker, number: tagged(plain(untagged, BROADCAST)(marker, number), VLAN, 0x88A8)
    deliver(untagged, service, none=[a1, k1])


def second_tag(lab, keep):
    (a, _), (a1, k1), _, (server,) = bridged(lab, ("a", "k"), keep_inner_tags=keep)
    return a, server, (a1, k1), lambda marker, number: tagged(plain(server, BROADCAST)(marker, number), 77)


@test
def a_second_tag_inside_is_refused_by_a_segment_without_tags(lab):
    a, server, guests, frame = second_tag(lab, keep=False)
    deliver(server, frame, none=guests)
    check(a.verdicts().get("DROP_VLAN", 0) >= 10, f"a counted {a.verdicts()}")


@test
def a_second_tag_inside_travels_where_the_segment_keeps_tags(lab):
    _, server, guests, frame = second_tag(lab, keep=True)
    deliver(server, frame, to=guests)


@test
def several_vlans_of_one_nic_lead_to_several_segments(lab):
    (a, k), (a1, k1), switch, (server,) = bridged(lab, ("a", "k"), up=False)
    a2 = lab.guest(a, "a2")
    a.segment(6001, [k.address], name="green", ports=[a2.port])
    a.document["bridges"].append({"segment": "green", "interface": "eth1", "vlan": 200, "role": "designated"})
    other = Server(lab, switch, "s2", 102, vlan=200)
    a.up()
    deliver(server, plain(server, BROADCAST), to=[a1, k1], none=[a2, other])
    deliver(other, plain(other, BROADCAST), to=[a2], none=[a1, k1, server])
    deliver(a2, plain(a2, BROADCAST), to=[other], none=[a1, k1, server])


@test
def the_underlay_nic_may_carry_bridged_vlans_too(lab):
    a, k = lab.weft_host("a"), lab.kernel_host("k")
    a1, k1 = lab.guest(a, "a1"), lab.guest(k, "k1")
    a.segment(5001, [k.address])
    k.segment(5001, [a.address])
    a.document["bridges"] = [{"segment": "blue", "interface": "eth0", "vlan": VLAN, "role": "designated"}]
    server = Server(lab, lab.net, "s1", 101)
    a.up()
    for guest in (a1, k1):
        guest.ping(server.address4)
        server.ping(guest.address6)


@test
def an_oversized_packet_of_the_server_is_told_so(lab):
    (a, _), (a1, k1), _, (server,) = bridged(lab, ("a", "k"), mtu=1400)
    for family in (4, 6):
        server.ping(k1.address(family), count=1)
        server.ping(k1.address(family), count=1, check=False, options=("-M", "do", "-s", 1440))
        route = server.command("ip", "route", "get", k1.address(family)).stdout
        check("mtu 1400" in route, f"the server was not told: {route}")


@test
def a_bridge_survives_the_daemon_and_writes_nothing_when_it_comes_back(lab):
    (a, _), (a1, k1), _, (server,) = bridged(lab, ("a", "k"))
    k1.ping(server.address4)
    a.down(9)
    k1.ping(server.address4)
    server.ping(a1.address4)
    a.up()
    check(a.learned(server.mac_address)["bridge"] == f"eth1:{VLAN}", "the server is forgotten")
    check(a.json("status")["rows_written"] == 0, "rows were written")


@test
def without_the_bridge_the_nic_is_left_as_it_was(lab):
    (a, _), (a1, k1), _, (server,) = bridged(lab, ("a", "k"))
    k1.ping(server.address4)
    a.document["bridges"] = []
    a.weft("config", "apply", a.write())
    deliver(server, plain(server, BROADCAST), none=[a1, k1])
    check(not a.fdb(bridge=f"eth1:{VLAN}"), f"left: {a.fdb()}")
    programs = a.command("tc", "filter", "show", "dev", "eth1", "ingress").stdout
    check(not programs, f"left on the NIC: {programs}")


@test
def what_comes_back_from_the_vlan_is_dropped_and_raises_an_alarm(lab):
    (a, _), (a1, k1), _, (server,) = bridged(lab, ("a", "k"))
    for guest, where in ((a1, {"port": a1.port}), (k1, {"remote": a.document["segments"][0]["remotes"][0]})):
        guest.announce()
        a.learned(guest.mac_address, **where)

        def returned(marker, number, guest=guest):
            guest.announce()  # it is still where it was
            return plain(guest, BROADCAST)(marker, number)
        deliver(server, returned, none=[a1, k1])
        check(a.learned(guest.mac_address, **where), "it moved to the VLAN")
    check(a.verdicts().get("DROP_REFLECTION", 0) == 20, f"a counted {a.verdicts()}")
    (bridge,) = a.json("bridge", "list")
    check("another host" in bridge["alarm"] and "two hosts bridge it" in a.log(), f"no alarm: {bridge}")

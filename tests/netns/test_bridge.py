# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""A physical VLAN joined to a segment (N1 to N7): tags, roles, the way back."""
from lab import VNI
from netns import wait_for
from overlay import UNKNOWN, check, deliver, hosts_with_guests, introduce, plain, start
from registry import test
from test_arp import ABSENT4, answered, is_reply, request
from vlans import VLAN, Server, bridged, on_wire, tag_of, tagged
from wire import BROADCAST, ETHERTYPE_TEST, Marker, Vxlan, ethernet, outer_destination


def envelope(frame):
    """How a frame of the underlay carries its inner one: (tag, source, VNI, inner tag); None if it carries none."""
    packet = Vxlan.parse(frame)
    return packet and (tag_of(frame), packet.outer_src, packet.vni, tag_of(packet.inner))


@test
def n1_guests_frames_leave_in_tunnels_of_the_hosts_own_vtep_and_never_with_a_vlan(lab):
    (a, b), (a1, b1), _, (server,) = bridged(lab, ("a", "b"), keep_inner_tags=True)
    introduce((a1, b1, server), (a, b))
    vlan_of_its_own = lambda marker, number: tagged(plain(a1, BROADCAST)(marker, number), 77)
    for host, source, make, inner in (
            (a, a1, plain(a1, BROADCAST), None), (a, a1, plain(a1, b1.mac_address), None),
            (b, b1, plain(b1, UNKNOWN), None), (b, b1, plain(b1, server.mac_address), None),
            (a, server, plain(server, BROADCAST), None), (a, server, plain(server, b1.mac_address), None),
            (a, a1, vlan_of_its_own, (0x8100, 77))):
        marker = Marker()
        wire = host.sent(marker, key=envelope)
        for number in range(10):
            source.send(make(marker, number))
        wire.exactly(10, f"frames of {source.short} on {host.short}'s uplink")
        seen = {envelope for envelope, _ in wire.seen}
        check(seen == {(None, host.address, VNI, inner)}, f"{source.short} by {host.short}: {seen} on the underlay")
        wire.close()


@test
def n2_arp_for_a_binding_of_the_tables_is_answered_with_no_packet_on_the_underlay(lab):
    (a, b, k), (a1, b1, k1) = hosts_with_guests(lab, ("a", "b", "k"), arp="suppress", up=False)
    for guest in (b1, k1):
        a.document.setdefault("neighbors", []).append(
            {"segment": "blue", "ip": guest.address4, "mac": guest.mac_address})
    a.up()
    b.up()
    for target in (b1, k1):
        answered(a1, request(a1, target.address4), target.address4, target.mac_address, {a: 0, b: 0, k: 0}, (b1, k1))


@test
def n3_a_miss_is_heard_by_every_host_of_the_vni_and_only_the_guest_that_is_asked_answers(lab):
    (a, b, k), (a1, b1, k1) = hosts_with_guests(lab, ("a", "b", "k"), arp="suppress", up=False)
    stranger = lab.guest(b, "b9", number=b1.number)  # of another VNI, with the address that is asked for
    a.segment(VNI + 1, [b.address], name="green", ports=[])
    b.segment(VNI + 1, [a.address], name="green", ports=[stranger.port])
    a.up()
    b.up()
    deliver(a1, request(a1, ABSENT4), to=[b1, k1], none=[stranger], wires={a: 2, b: 0})
    answered(a1, request(a1, b1.address4), b1.address4, b1.mac_address, {a: 2, b: 0}, (stranger,))


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
def n7_a_server_asks_by_broadcast_and_the_guests_reply_finds_the_way_back(lab):
    (a, b, k), (a1, b1, k1), switch, (server, other) = bridged(lab, ("a", "b", "k"), servers=2)
    for target, home in ((a1, a), (b1, b), (k1, k)):
        at_server, at_other = server.count(Marker()), other.count(Marker())
        deliver(server, request(server, target.address4), to=[a1, b1, k1, other], wires={a: 2}, frames=1)
        reply = at_server.first(lambda frame, target=target: is_reply(frame, target.address4, target.mac_address),
                                f"the reply of {target.short}")
        check(reply[:6].hex(":") == server.mac_address, "the reply is not for the server alone")
        check(not [frame for frame in at_other.frames() if is_reply(frame, target.address4, target.mac_address)],
              f"the reply of {target.short} is not for the other server")
        where = a.learned(target.mac_address)
        check(where.get("remote") == (None if home is a else home.address), f"{target.short} is at {where}")
        deliver(server, plain(server, target.mac_address), to=[target], none=[other], wires={a: 0 if home is a else 1})
        on_wire(switch, a, target, plain(target, server.mac_address), 1)
        at_server.close()
        at_other.close()


@test
def an_802_1ad_bridge_sends_and_takes_service_tags_only(lab):
    (a, *_), guests, switch, (server,) = bridged(lab, ("a", "b", "k"), protocol=0x88A8)
    customer = Server(lab, switch, "s9", 109, vlan=VLAN)  # the same number in an 802.1Q tag is another VLAN
    for guest in guests:
        for family in (4, 6):
            guest.ping(server.address(family))
            server.ping(guest.address(family))
        tags = on_wire(switch, a, guest, plain(guest, BROADCAST), 1)
        check(tags == {(0x88A8, VLAN)}, f"tags are {tags}")
        deliver(guest, plain(guest, BROADCAST), to=[server], none=[customer])
    deliver(server, plain(server, BROADCAST), to=guests, none=[customer], wires={a: 2})
    deliver(customer, plain(customer, BROADCAST), none=[*guests, server], wires={a: 0})
    check(a.learned(server.mac_address)["bridge"] == f"eth1:{VLAN}", "the server is not behind the VLAN")
    check(not a.fdb(mac=customer.mac_address), "the customer was learned")


@test
def a_customer_tag_inside_a_service_tag_is_refused_by_a_segment_without_tags(lab):
    a, server, guests, frame = second_tag(lab, keep=False, protocol=0x88A8)
    deliver(server, frame, none=guests, wires={a: 0})
    check(a.verdicts().get("DROP_VLAN", 0) == 10, f"a counted {a.verdicts()}")


@test
def a_customer_tag_inside_a_service_tag_travels_both_ways_where_the_segment_keeps_tags(lab):
    _, server, guests, frame = second_tag(lab, keep=True, protocol=0x88A8)
    for counter in deliver(server, frame, to=guests):
        check({tag_of(sample) for sample in counter.samples} == {(0x8100, 77)}, "the guests see another tag")
    for guest in guests:
        own_tag = lambda marker, number, guest=guest: tagged(plain(guest, BROADCAST)(marker, number), 77)
        (counter,) = deliver(guest, own_tag, to=[server])
        check({tag_of(sample) for sample in counter.samples} == {(0x8100, 77)}, "the server sees another tag")


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


def second_tag(lab, keep, protocol=0x8100):
    (a, _), (a1, k1), _, (server,) = bridged(lab, ("a", "k"), keep_inner_tags=keep, protocol=protocol)
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


@test
def two_designated_bridges_that_hear_nothing_of_each_other_make_no_storm(lab):
    (a, b, c), (a1, b1, c1), switch, (server,) = bridged(lab, ("a", "b", "c"), bridging=("a", "b"), up=False)
    for host in (a, b):
        switch.command(f"{lab.binaries}/tagger", host.nic, "deaf")
    start((a, b, c))
    for source in (a1, c1, server, b1):  # what nobody knew yet, and then what everybody does
        for _ in range(2):
            marker = Marker()
            wires = [host.sent(marker, key=outer_destination) for host in (a, b, c)]
            for number in range(10):
                source.send(plain(source, BROADCAST)(marker, number))
            copies = sum(wire.settle(60, timeout=0.3) for wire in wires)  # each host to two others, and not again
            check(copies <= 60, f"10 broadcasts of {source.short} became {copies} tunnel packets")
            for wire in wires:
                wire.close()
    check([host.json("bridge", "list")[0]["state"] for host in (a, b)] == ["designated"] * 2, "one stood down")
    check(all(host.json("bridge", "list")[0].get("alarm") for host in (a, b)), "no alarm")


@test
def a_guest_that_migrates_from_a_bridging_host_is_followed_by_its_first_frame_to_somebody_known(lab):
    (a, b), (a1, b1), _, (server,) = bridged(lab, ("a", "b"))
    introduce((a1, b1, server), (a, b))
    guest = "02:00:00:00:77:01"
    a1.send(ethernet(BROADCAST, guest, ETHERTYPE_TEST, Marker().payload(0, 46)))
    a.learned(guest, port=a1.port)
    moved = lambda marker, number: ethernet(server.mac_address, guest, ETHERTYPE_TEST, marker.payload(number, 46))
    deliver(b1, moved, to=[server])
    a.learned(guest, remote=b.address)
    deliver(server, plain(server, guest), to=[b1], none=[a1])

# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""Two hosts that were both made the designated bridge of a VLAN: the one that comes behind stands down."""
from netns import wait_for
from overlay import check, deliver, plain
from registry import test
from switching import Site, without_tunnels
from vlans import VLAN, bridged, on_wire
from wire import BROADCAST, ethernet

TIMED = True  # see registry.py


def states(*hosts):
    return [host.json("bridge", "list")[0]["state"] for host in hosts]


def split(lab, **options):
    """Both designated; settled: the first one alone forwards."""
    hosts, guests, switch, servers = bridged(lab, ("a", "b"), bridging=("a", "b"), up=False)
    for host in hosts:
        host.document["bridges"][0].update(options.get(host.short, {}))
        host.up()
    return hosts, guests, switch, servers[0]


def one_copy(site, first):
    (a, b), (a1, b1), switch, server = site
    other = b if first is a else a
    for source in (a1, b1):
        on_wire(switch, first, source, plain(source, BROADCAST), 1)
        on_wire(switch, other, source, plain(source, BROADCAST), 0)
    server.ping(b1.address4, check=False)  # broadcasts of who was behind the other a second ago are reflections
    deliver(server, plain(server, BROADCAST), to=[a1, b1])


@test
def of_two_designated_bridges_the_smaller_address_goes_on_and_the_other_stands_down(lab):
    site = (a, b), _, _, server = split(lab)
    wait_for(lambda: states(a, b) == ["designated", "standby"], "b to stand down")
    (bridge,) = b.json("bridge", "list")
    check(a.address in bridge["alarm"], f"b's alarm: {bridge.get('alarm')}")
    wait_for(lambda: "comes before this host" in b.log(), "the log to say why")
    one_copy(site, a)
    check(b.verdicts().get("DROP_HELLO", 0) > 0, "b heard no hello")


@test
def of_two_designated_bridges_the_higher_priority_goes_on(lab):
    site = (a, b), _, _, _ = split(lab, b={"priority": 200})
    wait_for(lambda: states(a, b) == ["standby", "designated"], "a to stand down")
    one_copy(site, b)


@test
def who_stood_down_takes_over_when_the_other_is_gone_and_gives_way_again(lab):
    site = (a, b), _, _, _ = split(lab)
    wait_for(lambda: states(a, b) == ["designated", "standby"], "b to stand down")
    where = ("--segment", "blue", "--interface", "eth1", "--vlan", VLAN)
    a.weft("bridge", "set", *where, "--role", "standby")
    wait_for(lambda: states(a, b) == ["standby", "designated"], "b to take over")
    one_copy(site, b)
    a.weft("bridge", "set", *where, "--role", "designated")
    wait_for(lambda: states(a, b) == ["designated", "standby"], "b to give way")
    one_copy(site, a)


@test
def hellos_stay_on_the_vlan_of_the_bridge(lab):
    (a, b), (a1, b1), switch, _ = split(lab)
    wait_for(lambda: states(a, b) == ["designated", "standby"], "b to stand down")
    taps = [guest.tap() for guest in (a1, b1)]
    wire = switch.tap(a.nic)
    for _ in range(2):
        hello = wire.first(lambda frame: frame[16:18] == b"\x88\xb5" and frame[20:24] == b"wefh", "a hello on the VLAN")
        check(hello[12:16] == b"\x81\x00" + VLAN.to_bytes(2, "big"), f"it is not tagged: {hello[:24].hex()}")
    a1.ping(b1.address4)  # what came before it is in the taps
    for tap in taps:
        heard = [frame.hex() for frame in tap.frames() if frame[16:20] == b"wefh"]
        check(not heard, f"a guest heard hellos: {heard}")
        tap.close()
    wire.close()


@test
def a_guest_of_the_vlan_cannot_make_a_bridge_stand_down(lab):
    (a, _), (a1, *_), switch, (server,) = bridged(lab, ("a", "k"))
    guests = Site(lab, {"web": {"vlan": VLAN}}, {"c1": "web"}, host=without_tunnels(lab.weft_host("c")),
                  switch=switch)
    hello = ethernet(BROADCAST, guests.c1.mac_address, 0x88B5, b"\xff\xff" + b"wefh" + bytes(16) + bytes(24))
    guests.c1.send(hello)
    deliver(a1, plain(a1, BROADCAST), to=[server, guests.c1])
    check(a.verdicts().get("DROP_HELLO", 0) == 0, "the guest's hello reached a")
    (port,) = guests.host.json("port", "list")  # what the VLAN brings, a's own hellos too, counts elsewhere
    check(port["counters"]["DROP_HELLO"]["packets"] == 1, f"the port counted {port['counters']}")
    server.send(hello)  # a machine of the VLAN can: it is as near as a bridge is
    wait_for(lambda: a.verdicts().get("DROP_HELLO", 0) == 1, "the server's hello to reach a")
    check("comes before this host" in a.json("bridge", "list")[0].get("alarm", ""), "a did not heed the server's hello")

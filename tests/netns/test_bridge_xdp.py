# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""Bridged VLANs where XDP sees the tags: known unicast never gets an skb on the bridge, all else goes up to TC."""
import contextlib

from overlay import check, deliver, plain
from registry import test
from vlans import VLAN, bridged, tag_of, tagged
from wire import BROADCAST


def xdp_bridge(lab, **options):
    """The bridge has XDP on both NICs and on its guest's port; what it redirects into a veth needs NAPI behind it."""
    (a, k), (a1, k1), switch, (server,) = bridged(lab, ("a", "k"), up=False, **options)
    a.document["uplinks"] = [{"interface": "eth0", "hook": "xdp"}, {"interface": "eth1", "hook": "xdp"}]
    a.document["segments"][0]["mtu"] = 1400
    a.document["ports"][0]["hook"] = "xdp"
    for netns in (a1, server):
        netns.ethtool("eth0", gro=True, tx=False, tso=False)
    switch.ethtool(f"s-{a.short}-eth1", txvlan=False)
    a.up()
    for row in a.json("uplink", "list"):
        check(row["attached_hook"] == "xdp", f"{row['interface']} is served by {row['attached_hook']}: {row['reason']}")
    for one, other in ((server, a1), (server, k1), (a1, k1)):
        one.ping(other.address4)
        other.ping(one.address6)
    return a, (a1, k1), switch, server


@contextlib.contextmanager
def counted(host, **expected):
    """Ten frames have these verdicts in here, and none is handed up or unknown by its tag. The stacks of guests and servers
    may say a word of their own meanwhile."""
    expected = {"PASS_UP": 0, "PASS_NOT_OURS": 0, **expected}
    before = host.verdicts()
    yield
    after = host.verdicts()
    more = {name: after.get(name, 0) - before.get(name, 0) for name in {*after, *expected}}
    for name, count in expected.items():
        check(count <= more[name] < count + 10, f"{name} is {more[name]} more, {count} expected: {more}")


@test
def known_unicast_between_a_vlan_and_the_tunnel_is_bridged_by_xdp_alone(lab):
    a, (a1, k1), switch, server = xdp_bridge(lab)
    with counted(a, TX_REMOTE=10):
        deliver(server, plain(server, k1.mac_address), to=[k1], none=[a1])
    with counted(a, TX_VLAN=10):
        wire = switch.tap(a.nic)
        deliver(k1, plain(k1, server.mac_address), to=[server], none=[a1])
        tags = {tag_of(frame) for frame in wire.frames() if frame[:6].hex(":") == server.mac_address}
        check(tags == {(0x8100, VLAN)}, f"tags are {tags}")
        wire.close()


@test
def known_unicast_between_a_vlan_and_a_port_is_bridged_by_xdp_alone(lab):
    a, (a1, k1), _, server = xdp_bridge(lab)
    with counted(a, TX_VLAN=10):
        deliver(a1, plain(a1, server.mac_address), to=[server], none=[k1])
    with counted(a, TX_LOCAL=10):
        deliver(server, plain(server, a1.mac_address), to=[a1], none=[k1])


@test
def what_xdp_does_not_bridge_goes_up_and_is_bridged_there(lab):
    a, (a1, k1), switch, server = xdp_bridge(lab)
    deliver(server, plain(server, BROADCAST), to=[a1, k1])
    deliver(k1, plain(k1, BROADCAST), to=[a1, server])
    deliver(a1, plain(a1, BROADCAST), to=[k1, server])
    stranger = lambda marker, number: tagged(plain(server, a1.mac_address)(marker, number), 77)  # a second tag
    deliver(server, stranger, none=[a1, k1])
    check(a.verdicts().get("DROP_VLAN", 0) >= 10, f"a counted {a.verdicts()}")


@test
def a_standby_bridge_drops_a_vlans_unicast_by_xdp_too(lab):
    a, (a1, k1), _, server = xdp_bridge(lab)
    a.weft("bridge", "set", "--segment", "blue", "--interface", "eth1", "--vlan", VLAN, "--role", "standby")
    with counted(a, DROP_STANDBY=10):
        deliver(server, plain(server, a1.mac_address), none=[a1, k1])

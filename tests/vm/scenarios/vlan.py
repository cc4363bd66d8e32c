# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""A VLAN between the NICs of two machines, joined to a segment: the plain machine is the physical server (802.1Q device)
and a VTEP of the kernel. virtio-net leaves the tags in the frames, so that native XDP sees them."""
from across import VlanServer, hook_of, tcp_across, xdp_mode
from lab import VNI
from overlay import check
from scenario import Scenario
from wire import Tap

MACHINE = {"wires": ("underlay", "lan"), "cpus": 1, "memory": 1024}
scenario = Scenario({"weft": MACHINE, "plain": MACHINE}, seconds=300)
VLAN = 100
SERVER, GUEST, FAR_GUEST = "198.51.100.101", "198.51.100.1", "198.51.100.17"


def other(lab):
    return "plain" if lab.machine == "weft" else "weft"


@scenario.setup
def build(lab):
    """weft: host a with the uplink eth0 and VLAN 100 on eth1. plain: kernel host k, and a server on the VLAN."""
    lab.nics = True
    if lab.machine == "weft":
        host = lab.weft_host("a")
        lab.take_nic(host, "eth1")
        host.sysctl("net.ipv6.conf.eth1.disable_ipv6", 1)
        host.ip("link set eth1 up")
        guest = lab.guest(host, "a1")
        host.segment(VNI, ["192.0.2.2"])
        host.document["uplinks"].append({"interface": "eth1"})
        host.document["bridges"] = [{"segment": "blue", "interface": "eth1", "vlan": VLAN}]
        host.up()
        server = None
    else:
        host = lab.kernel_host("k")
        guest = lab.guest(host, "k1")
        host.segment(VNI, ["192.0.2.1"])
        server = VlanServer(lab, VLAN, SERVER)
    lab.meet("up", [other(lab)])
    return host, guest, server


@scenario.check
def both_nics_are_served_by_native_xdp(lab, host, guest, server):
    for nic in ("eth0", "eth1") if server is None else ():
        check(hook_of(host, nic)[0] == "xdp" and xdp_mode(host, nic) == "native",
              f"{nic} is served by {hook_of(host, nic)}, XDP is {xdp_mode(host, nic)}")


@scenario.check
def the_server_on_the_vlan_and_guests_on_both_sides_of_the_tunnel_reach_each_other(lab, host, guest, server):
    if server is None:
        guest.ping(SERVER, count=10)
        guest.ping(FAR_GUEST, count=10)
    else:
        server.ping(GUEST, count=10)
        server.ping(FAR_GUEST, count=10)
        guest.ping(SERVER, count=10)
        guest.ping(GUEST, count=10)
    lab.meet("pinged", [other(lab)])


@scenario.check
def frames_on_the_wire_carry_the_tag(lab, host, guest, server):
    """Seen by the plain machine on its NIC, below the 802.1Q device."""
    if server is None:
        lab.meet("tapped", [other(lab)])
        guest.ping(SERVER, count=5)
        lab.meet("tagged", [other(lab)])
        return
    tap = Tap(server, "eth0")
    lab.meet("tapped", [other(lab)])
    lab.meet("tagged", [other(lab)])
    tags = {frame[12:16].hex() for frame in tap.frames() if frame[6:12].hex(":") == "02:00:00:00:00:01"}
    tap.close()
    check(tags == {f"8100{VLAN:04x}"}, f"frames of the guest begin with {tags}")


@scenario.check
def tcp_crosses_between_the_guest_and_the_server(lab, host, guest, server):
    if server is None:
        tcp_across(lab, "out", guest, other(lab), SERVER)
        tcp_across(lab, "back", guest, other(lab))
    else:
        tcp_across(lab, "out", server, other(lab))
        tcp_across(lab, "back", server, other(lab), GUEST)

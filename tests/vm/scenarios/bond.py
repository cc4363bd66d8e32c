# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""Devices made by the kernel as weft's uplinks: a bond of two NICs that fails over, VLANs on it, and 802.1Q devices."""
from across import VlanServer, hook_of, xdp_mode
from lab import VNI
from netns import wait_for
from overlay import check, plain
from scenario import Scenario
from traffic import Stream
from wire import Marker

scenario = Scenario({"a": {"wires": ("underlay",) * 4, "memory": 2048}}, seconds=300)
VLAN, UNDERLAY_VLAN = 100, 200


class Bond:
    """bond0 of a host over its uplink and one more NIC. It says which one is active."""

    def __init__(self, lab, host):
        self.lab, self.host = lab, host
        self.numbers = {"eth0": lab.used_nics - 1, "eth9": lab.take_nic(host, "eth9")}
        host.ip("link add bond0 mtu 1600 type bond mode active-backup miimon 20",
                *(f"link set {nic} {what}" for nic in self.numbers for what in ("down", "master bond0")),
                "link set bond0 up", f"address flush dev eth0", f"address add {host.address4}/24 dev bond0",
                f"address add {host.address6}/64 dev bond0 nodad")
        wait_for(self.active, "the bond to have an active NIC")

    def active(self):
        path = "/proc/thread-self/net/bonding/bond0"
        lines = self.host.command("cat", path).stdout.splitlines()
        name = next(line for line in lines if line.startswith("Currently Active")).split()[-1]
        return name if name in self.numbers else None

    def cut(self):
        """The cable of the active NIC; the other is active afterwards. What was cut."""
        cut = self.active()
        self.lab.cable(self.numbers[cut], False)
        wait_for(lambda: self.active() not in (cut, None), "the bond to fail over")
        return cut

    def mend(self, nic):
        self.lab.cable(self.numbers[nic], True)
        wait_for(lambda: "LOWER_UP" in self.host.command("ip", "link", "show", "dev", nic).stdout,
                 f"the carrier of {nic}")


@scenario.setup
def build(lab):
    """a: weft over the bond. k: the kernel's vxlan, and a server on VLAN 100 of the same wire. All are NICs."""
    lab.nics = True
    a = lab.weft_host("a")
    bond = Bond(lab, a)
    k = lab.kernel_host("k")
    server = VlanServer(lab, VLAN, "198.51.100.77")
    a1, k1, web = lab.guest(a, "a1"), lab.guest(k, "k1"), lab.guest(a, "web", attach=False)
    a.segment(VNI, [k.address])
    k.segment(VNI, [a.address])
    a.document["uplinks"] = [{"interface": "bond0"}]
    a.document["switches"] = [{"name": "dvs0", "team": {"uplinks": ["bond0"]}}]
    a.document["segments"].append({"name": "lan"})
    a.document["port_groups"] = [{"name": "web", "switch": "dvs0", "segment": "lan", "vlan": VLAN}]
    a.document["ports"].append({"interface": web.port, "port_group": "web"})
    a.up()
    return a, bond, k, (a1, k1, web, server)


def lives(bond, source, count, what):
    """The active NIC loses its cable under 200 frames a second: fewer than a second's are lost, and then none."""
    marker = Marker()
    counter = count(marker)
    make = plain(source, what)
    with Stream(source, lambda number: make(marker, number), rate=200) as stream:
        stream.run_until(100)
        cut = bond.cut()
        stream.run_until(stream.sent + 300)
        after = stream.sent
        stream.run_until(after + 100)
    counter.settle(stream.sent, timeout=0.5)
    lost = stream.sent - len(counter.seen)
    late = [number for number in range(after, stream.sent) if number not in counter.seen]
    counter.close()
    print(f"  {cut} lost its cable: {lost} of {stream.sent} frames lost")
    bond.mend(cut)
    check(lost < 200, f"{lost} of {stream.sent} frames were lost")
    check(not late, f"frames are still lost a second and a half later: {len(late)} of 100")


@scenario.check
def guests_reach_each_other_by_the_bond(lab, a, bond, k, ends):
    a1, k1, _, _ = ends
    print(f"  bond0 is served by {hook_of(a, 'bond0')}")
    a1.ping(k1.address4)
    k1.ping(a1.address6)


@scenario.check
def tunnels_live_when_the_active_nic_loses_its_cable(lab, a, bond, k, ends):
    a1, k1, _, _ = ends
    lives(bond, a1, k1.count, k1.mac_address)
    lives(bond, k1, a1.count, a1.mac_address)


@scenario.check
def a_port_group_reaches_its_vlan_by_the_bond_and_lives(lab, a, bond, k, ends):
    _, _, web, server = ends
    web.ping("198.51.100.77")
    cut = bond.cut()
    wait_for(lambda: web.ping("198.51.100.77", count=1, wait=1, check=False).returncode == 0, "the VLAN to be back", 5)
    web.ping("198.51.100.77", count=20)
    bond.mend(cut)


@scenario.check
def native_xdp_on_the_bond_serves_tunnels(lab, a, bond, k, ends):
    a1, k1, _, _ = ends
    a.document["uplinks"][0]["hook"] = "xdp"
    a.weft("config", "apply", a.write())
    check(hook_of(a, "bond0")[0] == "xdp", f"bond0 is served by {hook_of(a, 'bond0')}")
    check(xdp_mode(a, "bond0") == "native", f"XDP on bond0 is {xdp_mode(a, 'bond0')}")
    a1.ping(k1.address4)
    k1.ping(a1.address6)
    lives(bond, k1, a1.count, a1.mac_address)


@scenario.check
def an_802_1q_device_is_an_uplink_of_the_underlay(lab, a, bond, k, ends):
    """The tunnels move to a VLAN of their own, on an 802.1Q device on top of the bond."""
    a1, k1, _, _ = ends
    for host, parent, number in ((a, "bond0", 1), (k, "eth0", 2)):
        host.ip(f"link add link {parent} name under0 type vlan id {UNDERLAY_VLAN}", "link set under0 up",
                f"address add 203.0.113.{number}/24 dev under0")
    a.document["vtep"]["address"] = "203.0.113.1"
    a.document["uplinks"] = [{"interface": "under0"}]
    a.document["segments"][0]["remotes"] = ["203.0.113.2"]
    a.weft("config", "apply", a.write())
    k.ip(f"link del vx{VNI}", f"link del br{VNI}")
    k.address = "203.0.113.2"
    k.segment(VNI, ["203.0.113.1"])
    print(f"  under0 is served by {hook_of(a, 'under0')}")
    a1.ping(k1.address4)
    k1.ping(a1.address6)
    lives(bond, a1, k1.count, k1.mac_address)

# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""Two machines: weft on one, the kernel's vxlan on the other, between their virtio NICs; native XDP on weft's."""
from across import hook_of, tcp_across, xdp_mode
from lab import VNI
from overlay import check
from scenario import Scenario

# One CPU each: an emulated one is a thread of its own, and there are two machines.
MACHINE = {"wires": ("underlay",), "cpus": 1, "memory": 1024}
scenario = Scenario({"weft": MACHINE, "plain": MACHINE}, seconds=300)
WEFT, PLAIN = ("192.0.2.1", "2001:db8:0:2::1"), ("192.0.2.2", "2001:db8:0:2::2")


def other(lab):
    return "plain" if lab.machine == "weft" else "weft"


def far_guest(lab, family):
    """The address of the guest on the other machine."""
    number = 17 if lab.machine == "weft" else 1
    return f"198.51.100.{number}" if family == 4 else f"2001:db8:1::{number:x}"


@scenario.setup
def build(lab):
    lab.nics = True
    host = lab.weft_host("a") if lab.machine == "weft" else lab.kernel_host("k")
    guest = lab.guest(host, "g1")
    host.segment(VNI, [(PLAIN if lab.machine == "weft" else WEFT)[0]])
    if lab.machine == "weft":
        host.up()
    lab.meet("up", [other(lab)])
    return host, guest


@scenario.check
def the_uplink_is_served_by_native_xdp(lab, host, guest):
    if lab.machine == "weft":
        check(hook_of(host)[0] == "xdp", f"eth0 is served by {hook_of(host)}")
        check(xdp_mode(host) == "native", f"XDP on eth0 is {xdp_mode(host)}")


@scenario.check
def guests_ping_each_other_over_ipv4(lab, host, guest):
    for family in (4, 6):
        guest.ping(far_guest(lab, family))
    lab.meet("pinged-4", [other(lab)])


@scenario.check
def tcp_crosses_both_ways_over_ipv4(lab, host, guest):
    cross(lab, guest, "tcp-4")


def cross(lab, guest, place):
    first, second = (far_guest(lab, 4), None) if lab.machine == "weft" else (None, far_guest(lab, 6))
    tcp_across(lab, f"{place}-out", guest, other(lab), first)
    tcp_across(lab, f"{place}-back", guest, other(lab), second)


@scenario.check
def guests_ping_each_other_and_tcp_crosses_over_ipv6(lab, host, guest):
    """The family of the underlay changes while everything runs."""
    if lab.machine == "weft":
        host.document["vtep"]["address"] = WEFT[1]
        host.document["segments"][0]["remotes"] = [PLAIN[1]]
        host.weft("config", "apply", host.write())
    else:
        host.ip(f"link del vx{VNI}", f"link del br{VNI}")
        host.address = host.address6
        host.segment(VNI, [WEFT[1]])
    lab.meet("up-6", [other(lab)])
    for family in (4, 6):
        guest.ping(far_guest(lab, family))
    cross(lab, guest, "tcp-6")

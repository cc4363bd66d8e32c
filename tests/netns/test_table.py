# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""The table: {IPv4, IPv6 underlay} × {IPv4, IPv6, ARP, ND, other inner} × {tc, xdp, auto} × {weft, kernel peer} × {GRO on,
off}, both ways. One test per underlay and hook: its three hosts hold the other cells, each printed with its counts."""
from cells import INNER, exchange
from lab import VNI
from netns import Failure
from registry import test


def mesh(lab, family, hook):
    """a and b run weft, k is the kernel; each has a guest with GRO and one without."""
    hosts = {"a": lab.weft_host("a", family=family), "weft": lab.weft_host("b", family=family),
             "kernel": lab.kernel_host("k", family=family)}
    guests = {}
    for role, host in hosts.items():
        for gro in (True, False):
            guests[role, gro] = lab.guest(host, f"{host.short}{'1' if gro else '2'}", gro=gro, offloads=hook != "xdp")
    for role, host in hosts.items():
        remotes = [other.address for other in hosts.values() if other is not host]
        host.segment(VNI, remotes, **({} if role == "kernel" else {"hook": hook}))
    for host in (hosts["a"], hosts["weft"]):
        host.up()
    return guests


def fill(lab, family, hook):
    guests = mesh(lab, family, hook)
    failures = []
    for peer in ("weft", "kernel"):
        for gro in (True, False):
            for inner in INNER:
                cell = f"underlay=IPv{family}  hook={hook}  peer={peer}  gro={'on' if gro else 'off'}"
                try:
                    exchange(inner, guests["a", gro], guests[peer, gro], cell)
                except Failure as failure:
                    failures.append(f"{cell}  inner={inner}: {failure}")
    if failures:
        raise Failure(f"{len(failures)} cells are wrong:\n" + "\n".join(failures))


def cell_test(family, hook):
    @test(name=f"every_inner_frame_crosses_once_over_ipv{family}_with_hook_{hook}", timeout=120)
    def table(lab):
        fill(lab, family, hook)


for underlay in (4, 6):
    for wanted in ("auto", "tc", "xdp"):
        cell_test(underlay, wanted)

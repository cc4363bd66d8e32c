# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""The lab itself, with the kernel's vxlan on both sides: what a failure elsewhere can be compared with."""
from cells import INNER, exchange
from lab import VNI
from registry import test
from traffic import tcp_transfer, udp_segmented


def kernel_pair(lab, family):
    hosts = [lab.kernel_host(name, family=family) for name in ("a", "b")]
    guests = [lab.guest(host, f"{host.short}1") for host in hosts]
    for host in hosts:
        host.segment(VNI, [other.address for other in hosts if other is not host])
    return hosts, guests


@test
def the_lab_counts_exactly_between_kernel_hosts_over_ipv4(lab):
    _, (one, two) = kernel_pair(lab, 4)
    for kind in INNER:
        exchange(kind, one, two, "kernel to kernel")


@test
def the_lab_counts_exactly_between_kernel_hosts_over_ipv6(lab):
    _, (one, two) = kernel_pair(lab, 6)
    for kind in INNER:
        exchange(kind, one, two, "kernel to kernel")


@test
def the_lab_moves_tcp_and_udp_segments_between_kernel_hosts(lab):
    _, (one, two) = kernel_pair(lab, 4)
    for address in (two.address4, two.address6):
        one.ping(address)
        tcp_transfer(one, two, address, megabytes=8)
        udp_segmented(one, two, address)

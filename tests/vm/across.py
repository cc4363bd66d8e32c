# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""Traffic between machines and through what disturbs it, and what scenarios ask of a host."""
import hashlib
import json
import os
import socket

from netns import PATIENCE, Failure, Netns
from traffic import listen


class VlanServer(Netns):
    """A physical server on a VLAN: the machine's next NIC with an 802.1Q device on it."""

    def __init__(self, lab, vlan, address4="198.51.100.101"):
        super().__init__(lab, "server")
        self.address4 = address4
        lab.take_nic(self, "eth0")
        self.ip("link set eth0 up", f"link add link eth0 name vlan0 type vlan id {vlan}", "link set vlan0 mtu 1500 up",
                f"address add {address4}/24 dev vlan0")


def tcp_across(lab, place, guest, other, to=None, megabytes=4):
    """A connection to a guest of the machine `other`, which calls this without an address; every byte must arrive."""
    if to is None:
        receive(lab, place, guest, other)
        return
    family = 6 if ":" in to else 4
    port = lab.meet(f"{place}-listens", [other], value=str(family))[other]
    data = os.urandom(1 << 20) * megabytes
    with guest.socket(socket.AF_INET if family == 4 else socket.AF_INET6, socket.SOCK_STREAM) as sock:
        sock.settimeout(20 * PATIENCE)
        sock.connect((to, int(port)))
        sock.sendall(data)
        sock.shutdown(socket.SHUT_WR)
        arrived = lab.meet(f"{place}-done", [other])[other]
    if arrived != hashlib.sha256(data).hexdigest():
        raise Failure(f"TCP to {to}: {arrived or 'nothing'} arrived")


def receive(lab, place, guest, other):
    listener, port = listen(guest, 6)  # takes IPv4 as well
    with listener:
        listener.settimeout(20 * PATIENCE)
        lab.meet(f"{place}-listens", [other], value=str(port))
        connection, _ = listener.accept()
    connection.settimeout(20 * PATIENCE)
    digest = hashlib.sha256()
    with connection:
        while part := connection.recv(1 << 20):
            digest.update(part)
    lab.meet(f"{place}-done", [other], value=digest.hexdigest())


def hook_of(host, interface="eth0"):
    """The hook that serves an uplink, and why; as weft says."""
    row = host.json("uplink", "show", interface)
    return row.get("attached_hook"), row.get("reason")


def xdp_mode(host, interface="eth0"):
    """How the kernel runs an XDP program there: "native", "generic" or None."""
    link = json.loads(host.command("ip", "-j", "-d", "link", "show", "dev", interface).stdout)[0]
    return {1: "native", 2: "generic"}.get(link.get("xdp", {}).get("mode"))

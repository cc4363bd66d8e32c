# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""Hosts with virtual switches: port groups on uplinks that lead to physical switches, guests in the groups, servers on the
VLANs."""
import contextlib
import fcntl
import os
import struct

from netns import wait_for
from vlans import PhysicalSwitch, Server, tag_of

TUNSETIFF, IFF_TAP, IFF_NO_PI = 0x400454CA, 0x0002, 0x1000


class Site:
    """A switch of a host, its uplink on a physical switch. `groups` is {name: keys}: the segment is VLAN-backed and has the
    group's name where no other is given; `guests` {name: group}; `servers` {name: VLAN}, 0 for none. Guests and servers
    are attributes. A host that is not given is one without tunnels."""

    def __init__(self, lab, groups, guests=None, servers=None, host=None, switch=None, name="dvs0", nic="eth1", up=True,
                 **team):
        self.lab, self.name = lab, name
        self.host = host or without_tunnels(lab.weft_host("a"))
        self.switch = switch or PhysicalSwitch(lab, f"sw-{name}")
        self.nic = self.host.nic = self.switch.plug(self.host, nic)
        self.document = self.host.document
        self.document.setdefault("switches", []).append({"name": name, "team": {"uplinks": [nic], **team}})
        self.servers = 0
        for group, keys in groups.items():
            self.group(group, **keys)
        for guest, group in (guests or {}).items():
            self.guest(guest, group)
        for server, vlan in (servers or {}).items():
            self.server(server, vlan)
        if up:
            self.host.up()

    def group(self, name, segment=None, **keys):
        segment = segment or name
        if all(each["name"] != segment for each in self.document["segments"]):
            self.document["segments"].append({"name": segment})
        self.document.setdefault("port_groups", []).append(
            {"name": name, "switch": self.name, "segment": segment, **keys})

    def guest(self, name, group, port=None, **options):
        """A guest in a group. `port` are keys of its port."""
        guest = self.lab.guest(self.host, name, **options)
        self.document["ports"].append({"interface": guest.port, "port_group": group, **(port or {})})
        setattr(self, name, guest)
        return guest

    def server(self, name, vlan, number=None, **options):
        self.servers += 1
        server = Server(self.lab, self.switch, name, number or 100 + self.servers, vlan, **options)
        setattr(self, name, server)
        return server

    def port_group(self, name):
        """The group in the document, to be changed."""
        return next(group for group in self.document["port_groups"] if group["name"] == name)

    def apply(self):
        self.host.weft("config", "apply", self.host.write())


def without_tunnels(host):
    """A host that is nothing but a switch."""
    for key in ("vtep", "uplinks"):
        host.document.pop(key)
    return host


def silent(*guests):
    """Their stacks send nothing by themselves, so that what is refused can be counted exactly."""
    for guest in guests:
        guest.sysctl("net.ipv6.conf.eth0.disable_ipv6", 1)


@contextlib.contextmanager
def counts(host, **expected):
    """The verdicts that the block makes a host count: so many, no more and no fewer."""
    before = host.verdicts()
    yield

    def counted():
        now = host.verdicts()
        return {name: now.get(name, 0) - before.get(name, 0) for name in expected}
    wait_for(lambda: counted() == expected, lambda: f"{host.short} to count {expected}, it counted {counted()}", timeout=2)


def tags(counters):
    """The outermost tags of what each counter took."""
    return {tag_of(frame) for counter in counters for frame in counter.samples}


class TapGuest:
    """A guest behind a tap, as a virtual machine is: what is written to the file is its frame."""

    def __init__(self, host, port):
        self.port = port
        with host.inside():
            self.file = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
            fcntl.ioctl(self.file, TUNSETIFF, struct.pack("16sH22x", port.encode(), IFF_TAP | IFF_NO_PI))
        host.sysctl(f"net.ipv6.conf.{port}.disable_ipv6", 1)
        host.ip(f"link set {port} up")

    def send(self, frame):
        os.write(self.file, frame)

    def close(self):
        os.close(self.file)

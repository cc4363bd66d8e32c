# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""A host that is a virtual switch: uplinks on a physical switch under a team, guests in a port group, a server on the VLAN.
And traffic both ways, numbered, that shows what a failover costs."""
import json
import time

from netns import Failure, wait_for
from overlay import check, plain
from traffic import Stream
from vlans import VLAN, PhysicalSwitch, Server, tag_of
from wire import BROADCAST, Marker, ethernet, ip_udp

SLOTS = 16


class Team:
    """dvs0 of one host. `nics` are its uplinks, `port(nic)` the physical switch's end of one."""

    def __init__(self, lab, host, switch, nics=("eth1", "eth2"), groups=None, **team):
        self.lab, self.host, self.switch, self.nics = lab, host, switch, list(nics)
        for nic in nics:
            switch.plug(host, nic)
        host.document["switches"] = [{"name": "dvs0", "team": {"uplinks": self.nics, **team}}]
        self.groups = groups or [{"name": "web", "vlan": VLAN}]
        host.document["port_groups"] = []
        for group in self.groups:
            segment = f"lan-{group['name']}"
            host.document["segments"].append({"name": segment})
            accept = {"forged_transmits": "accept", "mac_changes": "accept"}
            host.document["port_groups"].append({"switch": "dvs0", "segment": segment, "security": accept, **group})

    def guest(self, name, group="web", **options):
        guest = self.lab.guest(self.host, name, **options)
        self.host.document["ports"].append({"interface": guest.port, "port_group": group})
        return guest

    def up(self):
        self.host.up()
        wait_for(lambda: self.states() and not [s for s in self.states().values() if s == "down"], self.describe)

    def port(self, nic):
        return f"s-{self.host.short}-{nic}"

    def cut(self, nic):
        """The cable of a NIC: its carrier goes."""
        self.switch.ip(f"link set {self.port(nic)} down")

    def mend(self, nic):
        self.switch.ip(f"link set {self.port(nic)} up")

    def show(self, team="dvs0"):
        return self.host.json("switch", "show", "dvs0")["teams"][team]

    def states(self, team="dvs0"):
        return {uplink["interface"]: uplink["state"] for uplink in self.show(team)["uplinks"]}

    def await_states(self, team="dvs0", timeout=10, **states):
        wait_for(lambda: self.states(team) == states, lambda: f"{states}: {self.describe()}", timeout)

    def describe(self):
        return f"team of {self.host.short}: {json.dumps(self.show())}"

    def ifindex(self, device):
        return json.loads(self.host.command("ip", "-j", "link", "show", "dev", device).stdout)[0]["ifindex"]

    def share_of_port(self, guest):
        return self.ifindex(guest.port) % SLOTS

    def counters(self, marker, outgoing=False):
        """What each NIC sends (or gets) of the marker, at the physical switch."""
        return {nic: self.switch.count(self.port(nic), marker, outgoing, key=tag_of) for nic in self.nics}

    def sent_by(self, source, make, frames=10, tag=(0x8100, VLAN)):
        """{nic: frames} of marked frames on the wire, which are there once each and with that tag."""
        marker = Marker()
        counters = self.counters(marker)
        try:
            for number in range(frames):
                source.send(make(marker, number))
            wait_for(lambda: sum(counter.drain() for counter in counters.values()) >= frames,
                     lambda: f"{frames} frames of {source.short} on the wire, "
                             f"{ {nic: counter.total for nic, counter in counters.items()} } are", 5)
            for counter in counters.values():
                counter.settle(counter.total)
            seen = [key for counter in counters.values() for key in counter.seen.elements()]
            check(sorted(number for _, number in seen) == list(range(frames)), f"on the wire: {sorted(seen)}")
            check({found for found, _ in seen} == {tag}, f"tags are {set(found for found, _ in seen)}")
            return {nic: counter.total for nic, counter in counters.items() if counter.total}
        finally:
            for counter in counters.values():
                counter.close()


def switched(lab, guests=1, nics=("eth1", "eth2"), up=True, name="a", switch=None, server=True, groups=None, **team):
    """(team, guests, server): a host with a team on a physical switch, guests in a port group on VLAN 100."""
    host = lab.weft_host(name)
    switch = switch or PhysicalSwitch(lab)
    one = Team(lab, host, switch, nics, groups, **team)
    machines = [one.guest(f"{name}{number}") for number in range(1, guests + 1)]
    far = Server(lab, switch, "s1", 101) if server else None
    if up:
        one.up()
    return one, machines, far


def hash_word(value, word):
    value = (value ^ word) * 0x9E3779B1 & 0xFFFFFFFF
    return value ^ value >> 15


def share_of_mac(mac):
    """As the programs have it."""
    raw = bytes.fromhex(mac.replace(":", ""))
    first, last = int.from_bytes(raw[:4], "little"), int.from_bytes(raw[4:], "little")
    return (hash_word(first, last) * 0x9E3779B1 & 0xFFFFFFFF) >> 28


def from_mac(mac, dst):
    return lambda marker, number: plain(_Source(mac), dst)(marker, number)


class _Source:
    def __init__(self, mac):
        self.mac_address = mac


def flow(source, target, port):
    """A UDP flow from one machine to another."""
    def make(marker, number):
        return ethernet(target.mac_address, source.mac_address,
                        *ip_udp(source.address4, target.address4, marker.payload(number, 40), sport=port))
    return make


class TwoWays:
    """Numbered frames at a steady rate from each of two machines to the other (or to all), while something happens."""

    def __init__(self, guest, server, rate=1000, broadcast=False):
        self.rate = rate
        self.ends = []
        for source, target in ((guest, server), (server, guest)):
            marker = Marker()
            frame = plain(source, BROADCAST if broadcast else target.mac_address)
            counter = target.count(marker)
            stream = Stream(source, lambda number, frame=frame, marker=marker: frame(marker, number), rate)
            self.ends.append((stream, counter))

    def __enter__(self):
        for stream, _ in self.ends:
            stream.__enter__()
        return self

    def __exit__(self, *error):
        for stream, _ in self.ends:
            stream.__exit__(*error)

    def run(self, seconds):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            for _, counter in self.ends:
                counter.drain()
                counter.wait(0.005)

    def mark(self):
        return [stream.sent for stream, _ in self.ends]

    def losses(self, since=None):
        """After the end: lost frames of each direction, in ms; Failure if one came twice."""
        out = []
        for (stream, counter), first in zip(self.ends, since or [0, 0]):
            counter.settle(stream.sent, timeout=0.5)
            twice = sorted(number for number, count in counter.seen.items() if count > 1)
            if twice:
                raise Failure(f"{len(twice)} frames came more than once to {counter.where}: {twice[:10]} …")
            lost = [number for number in range(first, stream.sent) if number not in counter.seen]
            check(not lost or lost[-1] < stream.sent - 20, f"the last frames did not come to {counter.where}")
            out.append(len(lost) * 1000 / self.rate)
        return out

    def close(self):
        for _, counter in self.ends:
            counter.close()

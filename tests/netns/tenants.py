# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""Tenants with the very same addresses and MACs over several hosts (H1): each has two subnets, web and db, whose gateway is
the lowest address. Guest x-aw is tenant x's on host a in web."""
import json
import os
import select
import subprocess
import time

from netns import PATIENCE, Failure
from overlay import start

SUBNETS = {"web": ("198.51.100.{}", "2001:db8:1::{:x}"), "db": ("203.0.113.{}", "2001:db8:2::{:x}")}
GATEWAY = 1  # the lowest address of each subnet


def address(subnet, number, family):
    return SUBNETS[subnet][0 if family == 4 else 1].format(number)


def gateway_of(subnet):
    return {"addresses": [f"{address(subnet, GATEWAY, 4)}/24", f"{address(subnet, GATEWAY, 6)}/64"]}


class Tenants:
    """tenants.guest["x", "a", "web"], tenants.hosts, tenants.vsid["x", "web"]. The MAC and the addresses of a guest are those
    of its twins in the other tenants: by host and subnet."""

    def __init__(self, lab, tenants=("x",), names=("a", "b"), family=4, subnets=("web", "db"), up=True, flood=True,
                 domain=None, **segment):
        self.lab, self.family = lab, family
        self.hosts = [lab.weft_host(name, family=family) for name in names]
        self.host = {host.short: host for host in self.hosts}
        self.guest, self.vsid = {}, {}
        for index, tenant in enumerate(tenants):
            for number, subnet in enumerate(subnets):
                self.vsid[tenant, subnet] = 5001 + 1000 * index + number
                for host in self.hosts:
                    self.settle(tenant, host, subnet)
        for host in self.hosts:
            others = [other.address for other in self.hosts if other is not host]
            for (tenant, subnet), vsid in self.vsid.items():
                host.segment(vsid, others if flood else [], name=f"{tenant}-{subnet}",
                             ports=[self.guest[tenant, host.short, subnet].port], routing_domain=tenant,
                             gateway=gateway_of(subnet), **segment)
            host.document["routing_domains"] = [{"name": tenant, **(domain or {})} for tenant in tenants]
        if up:
            start(self.hosts)

    def settle(self, tenant, host, subnet):
        number = 10 + 2 * self.hosts.index(host) + list(SUBNETS).index(subnet)
        guest = self.lab.guest(host, f"{tenant}-{host.short}{subnet[0]}", attach=False, number=number)
        guest.address4, guest.address6 = address(subnet, number, 4), address(subnet, number, 6)
        guest.ip("address flush dev eth0", f"address add {guest.address4}/24 dev eth0",
                 f"address add {guest.address6}/64 dev eth0 nodad",
                 f"route add default via {address(subnet, GATEWAY, 4)}", f"route add ::/0 via {address(subnet, GATEWAY, 6)}")
        guest.subnet = subnet
        self.guest[tenant, host.short, subnet] = guest

    def guests(self, tenant):
        return [guest for (of, _, _), guest in self.guest.items() if of == tenant]

    def record(self, tenant, guest, family=4):
        """As the document has it."""
        return {"vsid": self.vsid[tenant, guest.subnet], "ca": guest.address(family), "mac": guest.mac_address,
                "pa": guest.host.address}

    def records(self):
        """Of all guests, both families."""
        return [self.record(tenant, guest, family) for (tenant, _, _), guest in self.guest.items() for family in (4, 6)]


class Monitor:
    """`weft monitor records --json` on a host; good once it says that it is ready."""

    def __init__(self, host, *options, stdout=subprocess.PIPE):
        self.host = host
        self.process = subprocess.Popen(
            [f"{host.lab.binaries}/weft", "--instance", host.instance, "monitor", "records", "--json", *options],
            stdin=subprocess.DEVNULL, stdout=stdout, stderr=subprocess.PIPE)
        host.lab.processes.append(self.process)
        self.text, self.seen = b"", []
        if stdout == subprocess.PIPE:
            os.set_blocking(self.process.stdout.fileno(), False)
            self.event("ready")

    def read(self, timeout):
        """What came, waiting for more for so long."""
        if select.select([self.process.stdout], [], [], max(0, timeout))[0]:
            self.text += os.read(self.process.stdout.fileno(), 1 << 20)
        *lines, self.text = self.text.split(b"\n")
        self.seen += [json.loads(line) for line in lines]
        return self.seen

    def event(self, event, timeout=5.0, **fields):
        """The first event of this kind and with these fields; it and all before it are used up."""
        end = time.monotonic() + timeout * PATIENCE
        while True:
            for at, one in enumerate(self.seen):
                if one["event"] == event and all(one.get(key) == value for key, value in fields.items()):
                    self.seen = self.seen[at + 1:]
                    return one
            if time.monotonic() > end:
                raise Failure(f"no event {event} {fields} on {self.host.short} in {timeout:g} s, but {self.seen}")
            self.read(end - time.monotonic())

    def end(self, timeout=5):
        """Its exit code and what it said on stderr."""
        said = self.process.stderr.read()
        return self.process.wait(timeout * PATIENCE), said.decode()

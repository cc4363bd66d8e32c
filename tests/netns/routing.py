# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""Two routed segments over several hosts: blue and green of one tenant, with the same gateway on every weft host."""
from overlay import start

GATEWAY_MAC = "00:00:5e:00:01:01"
BLUE, GREEN = 5001, 5002
GATEWAYS = {"blue": ("198.51.100.254", "2001:db8:1::fe"), "green": ("203.0.113.254", "2001:db8:2::fe")}
PREFIXES = {"blue": ("198.51.100.{}", "2001:db8:1::{:x}"), "green": ("203.0.113.{}", "2001:db8:2::{:x}")}


def settle(guest, segment):
    """The guest gets the addresses of the segment, and its gateway as the way out."""
    four, six = PREFIXES[segment]
    guest.address4, guest.address6 = four.format(guest.number), six.format(guest.number)
    gateway4, gateway6 = GATEWAYS[segment]
    guest.ip("address flush dev eth0", f"address add {guest.address4}/24 dev eth0",
             f"address add {guest.address6}/64 dev eth0 nodad", f"route add default via {gateway4}",
             f"route add ::/0 via {gateway6}")
    return guest


def gateway_of(segment, **more):
    return {"addresses": [f"{GATEWAYS[segment][0]}/24", f"{GATEWAYS[segment][1]}/64"], **more}


class Tenant:
    """Weft hosts by name, each with a guest in blue (x1) and one in green (x2): tenant.a1, tenant.b2, …"""

    def __init__(self, lab, names=("a", "b"), family=4, up=True, domain=None, gateway=None, **segment):
        self.hosts = [lab.weft_host(name, family=family) for name in names]
        self.guests = {"blue": [], "green": []}
        for host in self.hosts:
            for number, name in enumerate(("blue", "green"), 1):
                guest = settle(lab.guest(host, f"{host.short}{number}", attach=False), name)
                self.guests[name].append(guest)
                setattr(self, guest.short, guest)
            remotes = [other.address for other in self.hosts if other is not host]
            for name, vni in (("blue", BLUE), ("green", GREEN)):
                host.segment(vni, remotes, name=name, ports=[f"p-{host.short}{1 if name == 'blue' else 2}"],
                             routing_domain="tenant", gateway=gateway_of(name, **(gateway or {})), **segment)
            host.document["routing_domains"] = [{"name": "tenant", **(domain or {})}]
            setattr(self, host.short, host)
        if up:
            start(self.hosts)

    def all_guests(self):
        return self.guests["blue"] + self.guests["green"]

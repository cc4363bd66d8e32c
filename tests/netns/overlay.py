# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""Overlays most tests start from, and deliveries counted at every guest at once."""
from lab import VNI
from netns import Failure
from wire import ETHERTYPE_TEST, Marker, ethernet, outer_destination

UNKNOWN = "02:00:00:00:99:99"


def hosts_with_guests(lab, names, family=4, guests=1, guest_options=None, up=True, **segment):
    """Hosts in one segment, "k…" is the kernel and all others weft, each with guests a1, a2, …: (hosts, guests)."""
    hosts = [lab.kernel_host(name, family=family) if name[0] == "k" else lab.weft_host(name, family=family)
             for name in names]
    all_guests = [lab.guest(host, f"{host.short}{number}", **(guest_options or {}))
                  for host in hosts for number in range(1, guests + 1)]
    join(hosts, **segment)
    if up:
        start(hosts)
    return hosts, all_guests


def join(hosts, vni=VNI, name="blue", ports=None, **segment):
    """A segment over all these hosts. `ports` says which of a host's, by host; all if None."""
    for host in hosts:
        remotes = [other.address for other in hosts if other is not host]
        own = None if ports is None else ports[host]
        if hasattr(host, "document"):
            host.segment(vni, remotes, name=name, ports=own, **segment)
        else:
            mtu = segment.get("mtu", 1500)
            host.segment(vni, remotes, ports=own, mtu=mtu)


def start(hosts):
    daemons = [host for host in hosts if hasattr(host, "document")]
    for host in daemons:  # all at once: each spends its time in the verifier
        host.launch()
    for host in daemons:
        host.ready()


def introduce(guests, hosts):
    """Every guest's MAC is known on every weft host afterwards."""
    for guest in guests:
        guest.announce()
    for host in hosts:
        if hasattr(host, "document"):
            for guest in guests:
                host.learned(guest.mac_address)


def plain(source, dst):
    """frame(marker, number) from a guest to a MAC, of no protocol any stack answers."""
    return lambda marker, number: ethernet(dst, source.mac_address, ETHERTYPE_TEST, marker.payload(number, 46))


def deliver(source, make, to=(), none=(), frames=10, wires=None, what="frames"):
    """Sends `frames` marked frames: each guest in `to` gets each once, each in `none` nothing. `wires` maps a host to the
    number of tunnel packets a frame makes it send."""
    marker = Marker()
    counters = [(guest.count(marker), frames) for guest in to] + [(host.sent(marker, key=outer_destination), frames * copies)
                                                                  for host, copies in (wires or {}).items()]
    counters += [(guest.count(marker), 0) for guest in none]
    try:
        for number in range(frames):
            source.send(make(marker, number))
        for counter, expected in counters:
            counter.settle(expected, quiet=0)
        counters[0][0].settle(counters[0][1])  # one window in which nobody may get more
        for counter, expected in counters:
            counter.exactly(expected, what, quiet=0)
        return [counter for counter, expected in counters if expected]
    finally:
        for counter, _ in counters:
            counter.close()


def no_checksum_errors(*namespaces):
    for namespace in namespaces:
        errors = namespace.checksum_errors()
        if errors:
            raise Failure(f"{namespace.short} threw {errors} segments away for their checksum")


def check(condition, what):
    if not condition:
        raise Failure(what)

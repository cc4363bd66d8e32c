# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""A guest moves to another host: with the first frame it sends there, whatever it is, traffic from every host follows within
100 ms. Counted at 1 kHz from senders in its own subnet and, routed, in the other one. Its old port is still there, silent: the
worst case."""
import time

from netns import PATIENCE, Failure
from overlay import check
from registry import test
from tenants import GATEWAY, Tenants, address
from wire import BROADCAST, Counter, Marker, Sender, arp, ethernet, ip_udp, multicast_mac, neighbor_advertisement

TIMED = True  # see registry.py

GATEWAY_MAC = "00:00:5e:00:01:01"
NUMBER = 60
INTERVAL_S = 0.001
LIMIT_S = 0.1 * PATIENCE


def place(lab, tenants, host, name):
    """The guest as it is on that host: the same MAC and addresses everywhere."""
    guest = lab.guest(host, name, attach=False, number=NUMBER)
    guest.address4, guest.address6 = address("web", NUMBER, 4), address("web", NUMBER, 6)
    guest.ip("address flush dev eth0", f"address add {guest.address4}/24 dev eth0",
             f"address add {guest.address6}/64 dev eth0 nodad", f"route add default via {address('web', GATEWAY, 4)}",
             f"route add ::/0 via {address('web', GATEWAY, 6)}")
    document = host.document["ports"]
    document.append({"interface": guest.port, "segment": "x-web"})
    guest.subnet = "web"
    return guest


class Traffic:
    """A frame each millisecond from every sender to the guest, each known by its sender and number."""

    def __init__(self, tenants, guest, family, local_proxy):
        self.guest, self.family = guest, family
        self.senders = {}
        for (_, host, subnet), sender in tenants.guest.items():
            mac = guest.mac_address if subnet == "web" and not local_proxy else GATEWAY_MAC
            self.senders[host, subnet] = (Sender(sender, "eth0"), sender, mac, Marker())
        self.sent = {key: [] for key in self.senders}  # times

    def send_for(self, seconds):
        begin = time.monotonic()
        ticks = 0
        while (now := time.monotonic()) < begin + seconds:
            for key, (socket, sender, mac, marker) in self.senders.items():
                kind, packet = ip_udp(sender.address(self.family), self.guest.address(self.family),
                                      marker.payload(len(self.sent[key]), 30))
                self.sent[key].append(time.monotonic())
                socket.send(ethernet(mac, sender.mac_address, kind, packet))
            ticks += 1
            time.sleep(max(0, begin + ticks * INTERVAL_S - time.monotonic()))

    def counters(self, at):
        return {key: Counter(at, "eth0", marker) for key, (_, _, _, marker) in self.senders.items()}


def blackout(traffic, counters, moved_at):
    """By sender: how long after the first frame the last one was sent that did not arrive where the guest is now."""
    out = {}
    for key, counter in counters.items():
        counter.settle(1, quiet=0.2)
        missed = [at for number, at in enumerate(traffic.sent[key]) if at >= moved_at and not counter.seen[number]]
        out[key] = max(missed) - moved_at if missed else 0.0
        if len(missed) == len([at for at in traffic.sent[key] if at >= moved_at]):
            out[key] = float("inf")
    return out


def first_frames(tenants):
    """By name: what a guest may send first where it has come to."""
    far = tenants.guest["x", "c", "web"]

    def gratuitous(guest, family):
        if family == 4:
            return ethernet(BROADCAST, guest.mac_address, 0x0806,
                            arp(1, guest.mac_address, guest.address4, "00:00:00:00:00:00", guest.address4))
        return ethernet(multicast_mac("ff02::1"), guest.mac_address, 0x86DD,
                        neighbor_advertisement(guest.address6, "ff02::1", guest.address6, guest.mac_address, 1))

    def to(mac, target):
        def make(guest, family):
            kind, packet = ip_udp(guest.address(family), target.address(family), b"first")
            return ethernet(mac, guest.mac_address, kind, packet)
        return make

    return {"gratuitous": gratuitous, "unicast": to(far.mac_address, far),
            "routed": to(GATEWAY_MAC, tenants.guest["x", "c", "db"])}


def move(lab, family, names, underlay=4, **segment):
    tenants = Tenants(lab, ("x",), names=("a", "b", "c"), family=underlay, up=False, **segment)
    proxy = segment.get("arp") == "local-proxy"
    places = [place(lab, tenants, host, f"m-{host.short}") for host in tenants.hosts[:2]]
    for host in tenants.hosts:
        host.launch()
    for host in tenants.hosts:
        host.ready()
    frames = first_frames(tenants)
    for guest in tenants.guests("x"):  # all know where it is, and it knows them
        places[0].ping(guest.address(family), count=1)
        guest.ping(places[0].address(family), count=1)
    # What its kernel says by itself (ICMP errors to the datagrams, NS to its neighbors) would come from the old port while
    # the new one speaks for the first time: each host would learn that the guest is at the other, as any bridge does.
    for guest in places:
        guest.silence("ip", "ip6", "arp")
    traffic = Traffic(tenants, places[0], family, proxy)
    worst = {}
    for turn, name in enumerate(names):
        old, new = places[turn % 2], places[1 - turn % 2]
        counters = traffic.counters(new)
        traffic.send_for(0.1)
        early = {key: counter.drain() for key, counter in counters.items()}
        check(not any(early.values()), f"before it moved, frames arrived where it was not: {early}")
        frame = frames[name](new, family)
        moved_at = time.monotonic()
        new.send(frame)
        traffic.send_for(0.6)
        worst[name] = blackout(traffic, counters, moved_at)
        for counter in counters.values():
            counter.close()
        print(f"IPv{family} {name}: " + " ".join(f"{host}/{subnet} {seconds * 1000:.0f} ms"
                                                for (host, subnet), seconds in sorted(worst[name].items())), flush=True)
    late = {name: {key: seconds for key, seconds in by.items() if seconds > LIMIT_S} for name, by in worst.items()}
    if any(late.values()):
        raise Failure(f"traffic followed late: {late}")


@test(timeout=90)
def traffic_follows_a_guest_that_moves_within_a_tenth_of_a_second(lab):
    move(lab, 4, ("gratuitous", "unicast", "routed"))


@test(timeout=90)
def traffic_follows_an_ipv6_guest_that_moves_within_a_tenth_of_a_second(lab):
    move(lab, 6, ("gratuitous", "unicast", "routed"))


@test(timeout=90)
def traffic_follows_a_guest_that_moves_over_an_ipv6_underlay(lab):
    move(lab, 4, ("gratuitous", "unicast"), underlay=6)


@test(timeout=90)
def traffic_follows_a_guest_that_moves_where_questions_are_suppressed(lab):
    move(lab, 4, ("gratuitous", "unicast"), arp="suppress")


@test(timeout=90)
def traffic_follows_a_guest_that_moves_behind_proxies(lab):
    move(lab, 4, ("gratuitous",), arp="local-proxy")

#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""The overlay scripts/demo shows: three hosts on one segment with guests, a physical server on a VLAN that one of them
bridges; every pair pinged, TCP both ways. And a second segment on the two weft hosts, which route between the two."""
import argparse
import json
import os
import signal
import sys

from lab import VNI, Lab
from leftovers import REGISTRY, remove, sweep
from netns import Failure, Skip
from routing import GATEWAYS, GREEN, gateway_of, settle
from traffic import tcp_transfer
from vlans import VLAN, PhysicalSwitch, Server, tag_of
from wire import BROADCAST, ETHERTYPE_TEST, Marker, ethernet

BRIDGE = f"eth1:{VLAN}"


def say(text=""):
    print(text, flush=True)


def table(title, text):
    say(f"\n{title}")
    for line in text.rstrip().splitlines():
        say(f"  {line}")


def remove_kept():
    """Ends demos that were left up; how many."""
    count = 0
    for name in os.listdir(REGISTRY) if os.path.isdir(REGISTRY) else ():
        path = os.path.join(REGISTRY, name)
        with open(path, encoding="ascii") as file:
            record = json.load(file)
        if record.get("kept"):
            remove(path, record)
            count += 1
    return count


def build(lab):
    hosts = [lab.weft_host("host-a"), lab.weft_host("host-b"), lab.kernel_host("host-c")]
    guests = [lab.guest(host, f"guest-{host.short[-1]}{number}") for host in hosts for number in (1, 2)]
    for host in hosts:
        remotes = [other.address for other in hosts if other is not host]
        host.segment(VNI, remotes, **({"arp": "suppress"} if host in hosts[:2] else {}))
    switch, server = physical(lab, hosts[0])
    greens = routed(lab, hosts[:2], guests[:4])
    for host in hosts[:2]:
        host.up()
    say(f"\n{'host':8} {'underlay':12} {'runs':28} guests")
    for host in hosts:
        runs = "weftd" if host in hosts[:2] else "Linux vxlan and bridge"
        own = ", ".join(f"{guest.short} {guest.address4}" for guest in guests + greens if guest.host is host)
        say(f"{host.short:8} {host.address:12} {runs:28} {own}")
    say(f"{server.short:8} {'none':12} {f'Linux, 802.1Q VLAN {VLAN}':28} {server.address4}; host-a bridges {BRIDGE}")
    return hosts, guests, switch, server, greens


def routed(lab, hosts, guests):
    """The segment green of the same tenant, with a guest on each host; both segments have a gateway, the same everywhere."""
    greens = []
    for host in hosts:
        green = settle(lab.guest(host, f"green-{host.short[-1]}", attach=False), "green")
        host.document["segments"][0].update(routing_domain="tenant", gateway=gateway_of("blue"))
        host.segment(GREEN, [other.address for other in hosts if other is not host], name="green", ports=[green.port],
                     routing_domain="tenant", gateway=gateway_of("green"))
        host.document["routing_domains"] = [{"name": "tenant"}]
        greens.append(green)
    for guest in guests:
        guest.ip(f"route add default via {GATEWAYS['blue'][0]}", f"route add ::/0 via {GATEWAYS['blue'][1]}")
    return greens


def routes(source, greens):
    """How many of the others did not answer."""
    say(f"\nfrom {source.short} in the segment blue to guests in green, routed on {source.host.short}")
    lost = 0
    for target in greens:
        for address in (target.address4, target.address6):
            result = source.command("traceroute", "-n", "-q", "1", "-w", "2", "-m", "4", address, check=False)
            hops = [line.split()[1] for line in result.stdout.splitlines()[1:] if len(line.split()) > 1]
            say(f"  {target.short:10} " + " -> ".join(hops))
            lost += hops[-1:] != [address]
    return lost


def physical(lab, host):
    """A switch that carries tagged frames, with a NIC of `host` on it and a server that knows of no overlay."""
    switch = PhysicalSwitch(lab, "switch")
    host.nic = switch.plug(host)
    host.document["bridges"] = [{"segment": "blue", "interface": "eth1", "vlan": VLAN, "role": "designated"}]
    return switch, Server(lab, switch, "server", 101)


def ping_matrix(guests):
    say("\nping of every pair, IPv4 and IPv6 (answers of 2)")
    say("  from \\ to  " + "".join(f"{guest.short:>12}" for guest in guests))
    lost = 0
    for source in guests:
        cells = []
        for target in guests:
            if source is target:
                cells.append("-")
                continue
            answers = []
            for address in (target.address4, target.address6):
                out = source.ping(address, count=2, check=False).stdout
                answers.append(out.split(" received")[0].split()[-1] if " received" in out else "0")
            lost += sum(answer != "2" for answer in answers)
            cells.append(" + ".join(answers))
        say(f"  {source.short:10} " + "".join(f"{cell:>12}" for cell in cells))
    return lost


def transfers(guests):
    say("\nTCP, 64 MiB, compared by SHA-256")
    first, peers = guests[0], (guests[2], guests[4], guests[-1])
    for target in peers:
        for source, sink in ((first, target), (target, first)):
            for address in (sink.address4, sink.address6):
                rate = tcp_transfer(source, sink, address, megabytes=64)
                say(f"  {f'{source.short} -> {sink.short}':22} {address:16} {rate / 1000:6.2f} Gbit/s")


def on_the_vlan(switch, host, guests):
    """One broadcast of each guest, as it is on the wire to the switch. How many were not there exactly once."""
    say(f"\na broadcast of each, on the wire between {host.short}'s eth1 and the switch")
    wrong = 0
    for guest in guests:
        marker = Marker()
        wire = switch.count(host.nic, marker, key=tag_of)
        guest.send(ethernet(BROADCAST, guest.mac_address, ETHERTYPE_TEST, marker.payload(0, 46)))
        count = wire.settle(1)
        tags = ", ".join(f"VLAN {tag[1]}, type {tag[0]:#06x}" if tag else "no tag" for tag, _ in wire.seen)
        say(f"  {guest.short:10} {count} frame{'' if count == 1 else 's'}, {tags}")
        wrong += count != 1
        wire.close()
    return wrong


def tables(hosts, server):
    table(f"{hosts[0].short}: weft bridge list", hosts[0].weft("bridge", "list").stdout)
    table(f"{hosts[0].short}: weft fdb list --bridge {BRIDGE}, the VLAN's side",
          hosts[0].weft("fdb", "list", "--bridge", BRIDGE).stdout)
    table(f"{hosts[1].short}: weft fdb list --mac {server.mac_address}, behind the bridge's VTEP",
          hosts[1].weft("fdb", "list", "--mac", server.mac_address).stdout)
    for host in hosts:
        table(f"{host.short}: weft fdb list", host.weft("fdb", "list").stdout)
        table(f"{host.short}: weft neighbor list", host.weft("neighbor", "list").stdout)
        table(f"{host.short}: weft route list", host.weft("route", "list").stdout)
        table(f"{host.short}: weft stats --by verdict", host.weft("stats", "--by", "verdict").stdout)


def kept(lab, hosts, guests):
    say("\nIt stays up. A shell in a host or guest, and what to try there:")
    for each in [*hosts, *guests]:
        say(f"  nsenter --net={each.path}")
    for host in hosts:
        if hasattr(host, "instance"):
            say(f"  {os.path.relpath(lab.binaries)}/weft --instance {host.instance} fdb list")
    say("  scripts/demo --remove      ends it")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bin", default="build/release/bin")
    parser.add_argument("--keep", action="store_true")
    parser.add_argument("--remove", action="store_true")
    arguments = parser.parse_args()
    sweep()
    removed = remove_kept()
    if arguments.remove:
        say(f"{removed} demo{'' if removed == 1 else 's'} removed")
        return 0
    try:
        with Lab(arguments.bin) as lab:
            hosts, guests, switch, server, greens = build(lab)
            lost = ping_matrix([*guests, server])
            wrong = on_the_vlan(switch, hosts[0], guests[::2])
            transfers([*guests, server])
            unrouted = routes(guests[0], greens)
            tables(hosts[:2], server)
            if arguments.keep:
                lab.keep()
                kept(lab, hosts, [*guests, *greens, switch, server])
        if not arguments.keep:
            say("\neverything is taken away again")
        machines = len(guests) + 1
        if lost:
            say(f"{lost} of {2 * machines * (machines - 1)} pings were not answered")
        if wrong:
            say(f"{wrong} broadcasts were not on the VLAN exactly once")
        if unrouted:
            say(f"{unrouted} guests of the other segment were not reached")
        return 1 if lost or wrong or unrouted else 0
    except (Failure, Skip) as problem:
        say(f"scripts/demo: {problem}")
        return 1


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)
    sys.exit(main())

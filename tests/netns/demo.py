#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""The overlay scripts/demo shows: three hosts on one segment, guests on each, every pair pinged, TCP both ways."""
import argparse
import json
import os
import signal
import sys

from lab import REGISTRY, VNI, Lab, remove, sweep
from netns import Failure, Skip
from traffic import tcp_transfer


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
    for host in hosts[:2]:
        host.up()
    say(f"\n{'host':8} {'underlay':12} {'runs':28} guests")
    for host in hosts:
        runs = "weftd" if host in hosts[:2] else "Linux vxlan and bridge"
        own = ", ".join(f"{guest.short} {guest.address4}" for guest in guests if guest.host is host)
        say(f"{host.short:8} {host.address:12} {runs:28} {own}")
    return hosts, guests


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
    first, peers = guests[0], (guests[2], guests[4])
    for target in peers:
        for source, sink in ((first, target), (target, first)):
            for address in (sink.address4, sink.address6):
                rate = tcp_transfer(source, sink, address, megabytes=64)
                say(f"  {source.short} -> {sink.short}  {address:16} {rate / 1000:6.2f} Gbit/s")


def tables(hosts):
    for host in hosts:
        table(f"{host.short}: weft fdb list", host.weft("fdb", "list").stdout)
        table(f"{host.short}: weft neighbor list", host.weft("neighbor", "list").stdout)
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
            hosts, guests = build(lab)
            lost = ping_matrix(guests)
            transfers(guests)
            tables(hosts[:2])
            if arguments.keep:
                lab.keep()
                kept(lab, hosts, guests)
        if not arguments.keep:
            say("\neverything is taken away again")
        if lost:
            say(f"{lost} of {2 * len(guests) * (len(guests) - 1)} pings were not answered")
        return 1 if lost else 0
    except (Failure, Skip) as problem:
        say(f"scripts/demo: {problem}")
        return 1


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)
    sys.exit(main())

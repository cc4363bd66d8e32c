#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""weft beside the kernel's bridge and vxlan: guest - host - host - guest, all in network namespaces of this machine.

Every way gets its own two hosts on one wire; all are up at once, and each round runs every way in turn, forwards and
backwards by turns, since a machine's speed drifts by more than what is compared. The ratio is that of one round, its
median is what counts. The kernel is at its best: static entries, no learning, no flooding, no outer checksum, no
netfilter; weft is as it ships. Exit 1 if a way passes no traffic; a number is never a failure.
"""
import argparse
import contextlib
import json
import os
import platform
import socket
import statistics
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "netns"))

from lab import VNI, KernelHost, Lab, no_netfilter, sweep  # noqa: E402
from netns import Failure, Skip, wait_for  # noqa: E402

PAYLOAD_BYTES = 18  # a frame of 60 bytes
FLOWS = 16
UDP_PORT, TCP_PORT = 9999, 5201
SEGMENTATION = ("tso", "tx-udp-segmentation", "tx-udp_tnl-segmentation", "tx-udp_tnl-csum-segmentation")


class Wires:
    """In place of the lab's switch: hosts are joined two by two, each pair by a veth of its own."""

    def __init__(self, lab):
        self.lab, self.waiting = lab, None

    def plug(self, host, subnet):
        del subnet
        if self.waiting is None:
            host.ip(f"link add eth0 mtu {self.lab.mtu} type veth peer name far mtu {self.lab.mtu}")
            self.waiting = host
        else:
            self.waiting.ip(f"link set far netns {host.name} name eth0")
            self.waiting = None
        return None


class BestKernelHost(KernelHost):
    def serve(self, port, guest, far_guest, far_address):
        no_netfilter(self)
        self.ip(f"link add vx type vxlan id {VNI} local {self.address} dstport 4789 nolearning noudpcsum",
                "link add br0 type bridge mcast_snooping 0 forward_delay 0", "link set vx master br0",
                f"link set {port} master br0", "link set br0 up", "link set vx up",
                "link set vx type bridge_slave learning off flood off",
                f"link set {port} type bridge_slave learning off flood off")
        self.command("bridge", "fdb", "append", far_guest.mac_address, "dev", "vx", "dst", far_address, "self", "permanent")
        self.command("bridge", "fdb", "replace", far_guest.mac_address, "dev", "vx", "master", "static")
        self.command("bridge", "fdb", "replace", guest.mac_address, "dev", port, "master", "static")


class Way:
    """Two hosts of one kind and a guest on each."""

    def __init__(self, lab, name, hook=None):
        self.name, self.hook = name, hook
        kernel = name == "kernel"
        make = (lambda short: BestKernelHost(lab, short)) if kernel else lab.weft_host
        self.hosts = [make(f"{name}-{side}") for side in "ab"]
        # Frames through XDP lose the guest's partial checksums, so its offloads must be off there.
        self.guests = [lab.guest(host, f"{host.short}1", offloads=hook != "xdp") for host in self.hosts]
        for host in self.hosts if hook == "xdp" else ():
            host.ethtool("eth0", gro=True)  # before the far daemon looks: a veth takes redirects only with NAPI behind it
        for host, guest, far, far_guest in zip(self.hosts, self.guests, self.hosts[::-1], self.guests[::-1]):
            guest.ip(f"neighbor replace {far_guest.address4} lladdr {far_guest.mac_address} dev eth0 nud permanent")
            if kernel:
                host.serve(guest.port, guest, far_guest, far.address)
            else:
                host.segment(VNI, [far.address], ports=[guest.port], hook=hook, mtu=1500)
                host.up()
        self.check_hook()
        self.guests[0].ping(self.guests[1].address4, count=5)
        self.server = self.guests[1].start("iperf3", "-s", "-p", TCP_PORT, stdout=-3, stderr=-3)
        wait_for(self.listening, f"iperf3 of {name} to listen")

    def check_hook(self):
        """XDP that was refused must not be measured as XDP."""
        for host in self.hosts if self.hook else ():
            for row in host.json("port", "list") + host.json("uplink", "list"):
                if row["hook"] != self.hook:
                    raise Failure(f"{row['interface']} is served by {row['hook']}: {row.get('reason')}")

    def listening(self):
        with self.guests[1].inside(), open("/proc/thread-self/net/tcp6", encoding="ascii") as file:
            return any(f":{TCP_PORT:04X} " in line and " 0A " in line for line in file)

    def wire(self, offloads):
        """False: like a NIC that segments nothing: software does before the wire, and GRO puts together behind it."""
        for host in self.hosts:
            # These feature names mix dashes and underscores.
            state = "on" if offloads else "off"
            segmentation = [word for name in SEGMENTATION for word in (name, state)]
            host.command("ethtool", "-K", "eth0", *segmentation)
            host.ethtool("eth0", gro=not offloads or self.hook == "xdp")
            action = ("del", "root") if offloads else ("replace", "root", "pfifo", "limit", "2000")
            host.command("tc", "qdisc", action[0], "dev", "eth0", *action[1:])


def packet_rate(way, arguments):
    """Datagrams a second that reached the far guest's socket. Nobody reads it: the kernel counts what it drops there,
    and the cost of a reader is not measured."""
    guest, far = way.guests
    sink = far.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sink.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
    sink.bind((far.address4, UDP_PORT))
    with contextlib.closing(sink):
        before = far.snmp()["UdpRcvbufErrors"]
        out = guest.command(f"{arguments.bin}/bench_sender", far.address4, UDP_PORT, arguments.seconds, PAYLOAD_BYTES, FLOWS,
                            os.cpu_count() - 1, timeout=arguments.seconds + 20).stdout
        return (far.snmp()["UdpRcvbufErrors"] - before) / float(out.split()[1])


def tcp_rate(way, arguments):
    guest, far = way.guests
    result = guest.command("iperf3", "-c", far.address4, "-p", TCP_PORT, "-t", max(1, round(arguments.seconds)), "-J",
                           timeout=arguments.seconds + 20, check=False)
    answer = json.loads(result.stdout or "{}")
    if "error" in answer or result.returncode:
        raise Failure(f"iperf3: {answer.get('error') or result.stderr}")
    return answer["end"]["sum_received"]["bits_per_second"]


class Workload:
    def __init__(self, name, what, unit, scale, measure, offloads=True):
        self.name, self.what, self.unit, self.scale = name, what, unit, scale
        self.measure, self.offloads = measure, offloads


WORKLOADS = [
    Workload("udp", "60-byte frames, 16 flows, one sending core", "kpps", 1e3, packet_rate),
    Workload("tcp", "one stream, segmentation offload all the way", "Gbit/s", 1e9, tcp_rate),
    Workload("tcp-wire", "one stream, no segmentation offload on the underlay", "Gbit/s", 1e9, tcp_rate, offloads=False),
]


def measure(workload, ways, arguments):
    """{way: [one number a round]}."""
    rates = {way.name: [] for way in ways}
    if not workload.offloads:
        for way in ways:
            way.wire(False)
    for turn in range(arguments.rounds):
        for way in ways[::-1] if turn % 2 else ways:
            rate = workload.measure(way, arguments)
            if rate <= 0:
                raise Failure(f"{workload.name}: {way.name} passes no traffic")
            rates[way.name].append(rate)
        print(f"{workload.name}: round {turn + 1} of {arguments.rounds}", file=sys.stderr, flush=True)
    if not workload.offloads:
        for way in ways:
            way.wire(True)
    return rates


def spread(values):
    return {"median": statistics.median(values), "min": min(values), "max": max(values)}


def evaluate(workload, rates):
    """One row a way: its rates, and its ratios to the kernel round by round."""
    rows = []
    for name, values in rates.items():
        ratios = [value / base for value, base in zip(values, rates["kernel"])]
        rows.append({"workload": workload.name, "way": name, "unit": workload.unit, "rounds": values,
                     "rate": {key: value / workload.scale for key, value in spread(values).items()},
                     "ratio": spread(ratios)})
    return rows


def show(rows):
    line = "{:<9} {:<9} {:>9} {:>17}  {:<7} {:>6} {:>13}".format
    print(line("workload", "way", "median", "min-max", "unit", "ratio", "min-max"))
    for row in rows:
        rate, ratio = row["rate"], row["ratio"]
        print(line(row["workload"], row["way"], f"{rate['median']:.2f}", f"{rate['min']:.2f}-{rate['max']:.2f}", row["unit"],
                   f"{ratio['median']:.2f}", f"{ratio['min']:.2f}-{ratio['max']:.2f}"))


def set_up(lab, wanted):
    """The ways that run, and why the others do not. Only XDP may be impossible on a machine."""
    lab.net = Wires(lab)
    ways, missing = [Way(lab, "kernel"), Way(lab, "tc")], {}
    if "xdp" in wanted:
        try:
            ways.append(Way(lab, "xdp", hook="xdp"))
        except Failure as reason:
            missing["xdp"] = str(reason)
    return ways, missing


def machine():
    return {"kernel": platform.release(), "cpus": os.cpu_count(), "machine": platform.machine()}


def parse():
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="3 rounds of a second in place of 7 of two")
    parser.add_argument("--rounds", type=int, help="rounds of each workload")
    parser.add_argument("--seconds", type=float, help="time of one run; TCP takes at least one")
    parser.add_argument("--workload", action="append", choices=[each.name for each in WORKLOADS], help="all if not given")
    parser.add_argument("--no-xdp", action="store_true", help="leave the XDP hooks out")
    parser.add_argument("--json", metavar="FILE", help="write every round there")
    parser.add_argument("--bin", default="build/release/bin", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    arguments.bin = os.path.abspath(arguments.bin)
    arguments.rounds = arguments.rounds or (3 if arguments.quick else 7)
    arguments.seconds = arguments.seconds or (1.0 if arguments.quick else 2.0)
    if arguments.rounds < 1 or arguments.seconds <= 0:
        parser.error("--rounds and --seconds must be positive")
    return arguments


def bench(arguments):
    workloads = [each for each in WORKLOADS if each.name in (arguments.workload or [w.name for w in WORKLOADS])]
    with Lab(arguments.bin) as lab:
        ways, missing = set_up(lab, () if arguments.no_xdp else ("xdp",))
        rows = []
        for workload in workloads:
            rows += evaluate(workload, measure(workload, ways, arguments))
    for workload in workloads:
        print(f"{workload.name}: {workload.what}")
    show(rows)
    for name, reason in missing.items():
        print(f"{name}: not measured: {reason}")
    if arguments.json:
        with open(arguments.json, "w", encoding="utf-8") as file:
            json.dump({"machine": machine(), "rounds": arguments.rounds, "seconds": arguments.seconds,
                       "results": rows, "missing": missing}, file, indent=1)
    return 0


def main():
    arguments = parse()
    sweep()
    try:
        return bench(arguments)
    except Skip as reason:
        print(f"SKIP  bench: {reason}")
        return 77
    except Failure as failure:
        print(f"bench: {failure}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())

# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""What is measured, over which ways, and what it is held against: the one list that --only, the table, the plot and
docs/performance.md speak of. A gate is what a ratio must reach, an aim what it is meant to."""
from dataclasses import dataclass
from typing import Callable, Optional

import runs


@dataclass
class Row:
    """One line of the table: `metric` of `way` over that of `base`, round by round; lower is better if `lower`. Without
    a base, gate and aim are of the number itself."""
    way: str
    base: Optional[tuple] = None  # (way, metric); "best" is the better of the kernel's two
    gate: Optional[float] = None
    aim: Optional[float] = None
    metric: str = "rate"
    lower: bool = False
    unit: Optional[str] = None   # in place of the workload's
    scale: Optional[float] = None


@dataclass
class Workload:
    name: str
    what: str
    unit: str
    scale: float
    measure: Callable
    rows: list
    ways: tuple
    wire: bool = False      # an underlay that has no segmentation offload
    entries: int = 0        # FDB entries that must be there
    quick: bool = True      # part of --quick
    cpus: int = 1           # that it takes
    steady: bool = False    # repeats so well, or takes so long, that three rounds do, and one with --quick


KERNEL = ("kernel", "rate")
BEST = ("best", "rate")
ROUTED = ("kernel-routed", "rate")


def against_kernel(**gates):
    """Rows of weft's hooks: name=(gate, aim)."""
    return [Row(way, KERNEL, *gate) for way, gate in gates.items()]


def tcp(name, what, measure, gate, aim, wire):
    return Workload(name, what, "Gbit/s", 1e9, measure, [Row("tc", BEST, gate, aim), Row("xdp", BEST)],
                    ("kernel", "kernel-csum", "tc", "xdp"), wire=wire)


def table(name, count, tc=(), xdp=(), quick=True):
    return Workload(name, f"live frames to {count:,} MACs at random, skb sink", "kpps", 1e3, runs.filled(count),
                    against_kernel(tc=tc, xdp=xdp), ("kernel", "tc", "xdp"), entries=count, quick=quick)


MILLION = runs.MILLION


def verified(program):
    """tests/bpf holds a ceiling over each of these."""
    return Row("tc", None, None, None, program, True, "insns", 1)


WORKLOADS = [
    Workload("live", "60-byte frames that enter as XDP frames, 16 flows, one core; skb sink", "kpps", 1e3,
             runs.packets(kind="live", sink="tc"),
             [Row("xdp", KERNEL, 2.7, 3.4), Row("xdp", ("raw-xdp", "rate"), 0.75, 0.88), Row("tc", KERNEL, 2.1, 2.4),
              Row("tc", ("raw-tc", "rate")), Row("raw-xdp", KERNEL), Row("raw-tc", KERNEL)],
             ("kernel", "tc", "xdp", "raw-tc", "raw-xdp")),
    Workload("live-xdp", "the same, and an XDP program in the guest takes them", "kpps", 1e3,
             runs.packets(kind="live", sink="xdp"),
             [Row("xdp", KERNEL, 3.8, 4.5), Row("xdp", ("raw-xdp", "rate"), 0.75, 0.88), Row("raw-xdp", KERNEL)],
             ("kernel", "xdp", "raw-xdp")),
    Workload("udp", "60-byte frames of UDP sockets (sendmmsg), 16 flows, one core", "kpps", 1e3,
             runs.packets(kind="udp", sink="tc"),
             [Row("tc", KERNEL, 1.7, 2.0), Row("xdp", KERNEL), Row("raw-tc", KERNEL)],
             ("kernel", "tc", "xdp", "raw-tc")),
    Workload("packet", "60-byte frames of an AF_PACKET socket, 16 flows, one core", "kpps", 1e3,
             runs.packets(kind="packet", sink="tc"),
             [Row("tc", KERNEL), Row("xdp", KERNEL), Row("raw-tc", KERNEL)], ("kernel", "tc", "xdp", "raw-tc")),
    Workload("vlan-in", "live frames from a physical VLAN to the guest of another host; the kernel's bridge, which has "
             "no VLANs on some machines, takes them without a tag", "kpps", 1e3, runs.packets(kind="live", sink="tc"),
             [Row("xdp-vlan", KERNEL, 2.5, None), Row("tc-vlan", KERNEL)], ("kernel", "tc-vlan", "xdp-vlan")),
    Workload("vlan-out", "the other way round", "kpps", 1e3, runs.packets(kind="live", sink="tc", back=True),
             [Row("xdp-vlan", KERNEL, 2.5, None), Row("tc-vlan", KERNEL)], ("kernel", "tc-vlan", "xdp-vlan")),
    Workload("routed", "live frames from a segment on one host to another segment on the other, routed on the first",
             "kpps", 1e3, runs.packets(kind="live", sink="tc"),
             [Row("xdp-routed", ROUTED, 3.0, None), Row("tc-routed", ROUTED, 2.5, None)],
             ("kernel-routed", "tc-routed", "xdp-routed")),
    Workload("routed-pingpong", "one byte there and back over TCP between two segments, both ends on one core", "us", 1,
             runs.ping_pong, [Row("tc-routed", ("kernel-routed", "p50"), 1.0, None, "p50", True),
                              Row("tc-routed", ("kernel-routed", "p99"), None, None, "p99", True)],
             ("kernel-routed", "tc-routed")),
    Workload("routes", "live frames to addresses at random, routed by 100,000 host routes and 10,000 prefixes, over the same "
             "with ten", "kpps", 1e3, runs.packets(kind="live", sink="tc"),
             [Row("tc-many-routes", ("tc-few-routes", "rate"), 0.77, None)], ("tc-few-routes", "tc-many-routes"), quick=False),
    Workload("rules", "live frames to addresses at random past 10,000 access rules, over the same past ten", "kpps", 1e3,
             runs.packets(kind="live", sink="tc"),
             [Row("tc-many-rules", ("tc-few-rules", "rate"), 0.67, None)], ("tc-few-rules", "tc-many-rules"), quick=False),
    tcp("tcp-1", "one TCP stream, segmentation offload all the way", runs.stream(1), 0.95, 1.1, wire=False),
    tcp("tcp-4", "four TCP streams, segmentation offload all the way", runs.stream(4), 1.1, 1.35, wire=False),
    tcp("wire-1", "one TCP stream, no segmentation offload on the underlay", runs.stream(1), 1.0, 1.15, wire=True),
    tcp("wire-4", "four TCP streams, no segmentation offload on the underlay", runs.stream(4), 1.0, 1.15, wire=True),
    Workload("udp-gso", "UDP_SEGMENT: datagrams of 1200 bytes that reach a socket, segmentation offload all the way",
             "kpps", 1e3,
             runs.packets(kind="gso", sink="socket", bytes=1200), [Row("tc", KERNEL, 0.9, None), Row("xdp", KERNEL)],
             ("kernel", "tc", "xdp")),
    Workload("udp-gso-wire", "the same, no segmentation offload on the underlay", "kpps", 1e3,
             runs.packets(kind="gso", sink="socket", bytes=1200), [Row("tc", KERNEL, 0.9, None), Row("xdp", KERNEL)],
             ("kernel", "tc", "xdp"), wire=True),
    Workload("pingpong", "one byte there and back over TCP, both ends on one core", "us", 1, runs.ping_pong,
             [Row("tc", ("kernel", "p50"), 0.88, 0.80, "p50", True),
              Row("tc", ("kernel", "p99"), 0.85, 0.77, "p99", True),
              Row("xdp", ("kernel", "p50"), None, None, "p50", True),
              Row("raw-tc", ("kernel", "p50"), None, None, "p50", True)],
             ("kernel", "tc", "xdp", "raw-tc")),
    Workload("two-cores", "live frames on two cores, two queues a device, over one core", "kpps", 1e3, runs.two_cores,
             [Row("xdp-2q", ("xdp-2q", "one"), 1.4, 1.6), Row("kernel-2q", ("kernel-2q", "one"))],
             ("kernel-2q", "xdp-2q"), cpus=2),
    table("fdb-1", 1),
    table("fdb-1k", 1000),
    table("fdb-128k", 128_000),
    table("fdb-1m", MILLION, tc=(2.0, 2.2), xdp=(2.5, 2.8), quick=False),
    Workload("storm", "live frames to 1,000,000 MACs while the other core writes all entries anew, over the same in "
             "quiet", "kpps", 1e3, runs.storm(MILLION),
             [Row("xdp", ("xdp", "quiet"), 0.6, 0.85), Row("tc", ("tc", "quiet"), 0.6, 0.85)],
             ("tc", "xdp"), entries=MILLION, quick=False, cpus=2),
    Workload("load", "loading the FDB: 1,000,000 entries into weft's map by batches; the kernel's tables by bridge "
             "-batch", "k/s", 1e3, runs.load,
             [Row("tc", KERNEL, 15, None), Row("tc", None, 1000, None), Row("tc", None, 5, None, "cli", True, "s", 1),
              Row("tc", None, None, None, "bytes", True, "B", 1)], ("kernel", "tc"), steady=True),
    Workload("programs", "the program alone above an empty one, by BPF_PROG_TEST_RUN; and the instructions that the "
             "verifier processed", "ns", 1, runs.program_cost,
             [Row("xdp", None, 120, None, "encap", True), Row("xdp", None, 140, None, "decap", True),
              Row("tc", None, None, None, "encap", True), Row("tc", None, None, None, "decap", True),
              *map(verified, ("from_port_tc", "from_wire_tc", "from_tunnel_tc", "from_port_xdp", "from_wire_xdp"))],
             ("tc", "xdp"), steady=True),
]
NAMES = [each.name for each in WORKLOADS]

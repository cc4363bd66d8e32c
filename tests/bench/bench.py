#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""weft beside the kernel's bridge and vxlan: guest - host - wire - host - guest, in network namespaces of this machine.

All ways are up at once, and each round runs every way in turn, forwards and backwards by turns, since a machine's speed
drifts by more than what is compared. A ratio is that of one round; its median counts. Exit 1 if a workload passes no
traffic; a number is never a failure. docs/performance.md says what the workloads mean.
"""
import argparse
import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "netns"))

from lab import Lab  # noqa: E402
from leftovers import sweep  # noqa: E402
from netns import Failure, Skip  # noqa: E402
import plot  # noqa: E402
import profile_run  # noqa: E402
import report  # noqa: E402
import ways as topology  # noqa: E402
from runs import Bench  # noqa: E402
from workloads import NAMES, WORKLOADS  # noqa: E402


def say(text):
    print(text, file=sys.stderr, flush=True)


def measure(workload, ways, bench, rounds):
    """{(way, metric): [a number a round]}."""
    series = {}
    for turn in range(rounds):
        for way in ways[::-1] if turn % 2 else ways:
            try:
                numbers = workload.measure(bench, way)
            except Failure as failure:
                raise Failure(f"{workload.name}: {way.name}: {failure}") from failure
            if "rate" in numbers and numbers["rate"] <= 0:
                raise Failure(f"{workload.name}: {way.name} passes no traffic")
            for metric, value in numbers.items():
                series.setdefault((way.name, metric), []).append(value)
    return series


def run_workload(workload, ways, bench, rounds):
    """The workload's rows, or none if it is not possible here."""
    present = [ways[name] for name in workload.ways if name in ways]
    start, before = time.monotonic(), report.cpu_times()
    for way in present:
        if workload.wire:
            way.wire(False)
        if way.filled < workload.entries or (workload.entries and not way.fills):
            way.fill(workload.entries, bench.tool)
    series = measure(workload, present, bench, rounds)
    for way in present if workload.wire else ():
        way.wire(True)
    stolen = report.stolen_percent(before, report.cpu_times())
    say(f"{workload.name}: {rounds} rounds, {time.monotonic() - start:.0f} s, {stolen:.0f} % stolen")
    return series, stolen


def parse():
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__.splitlines()[0],
                                     epilog="workloads: " + ", ".join(NAMES))
    parser.add_argument("--quick", action="store_true", help="short rounds, three of them, and no large tables")
    parser.add_argument("--only", metavar="WORKLOAD", action="append", choices=NAMES,
                        help="this workload; may be repeated")
    parser.add_argument("--profile", action="store_true", help="say where the nanoseconds go, in place of the table")
    parser.add_argument("--rounds", type=int, help="rounds of each workload: 5, or 3 with --quick")
    parser.add_argument("--seconds", type=float, help="time of one run: 1, or 0.2 with --quick")
    parser.add_argument("--json", metavar="FILE", help="write every number there")
    parser.add_argument("--plot", metavar="FILE.svg", help="draw the ratios there")
    parser.add_argument("--bin", default="build/release/bin", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    arguments.bin = os.path.abspath(arguments.bin)
    arguments.rounds = arguments.rounds or (3 if arguments.quick else 5)
    arguments.seconds = arguments.seconds or (0.2 if arguments.quick else 1.0)
    if arguments.rounds < 1 or arguments.seconds <= 0:
        parser.error("--rounds and --seconds must be positive")
    return arguments


def choose(arguments):
    """The workloads to run, and {name: why} of those that this machine cannot."""
    wanted = [each for each in WORKLOADS
              if (each.name in arguments.only if arguments.only else each.quick or not arguments.quick)]
    missing = {each.name: f"needs {each.cpus} CPUs" for each in wanted if each.cpus > os.cpu_count()}
    return [each for each in wanted if each.name not in missing], missing


def rounds_of(workload, arguments):
    return min(arguments.rounds, 1 if arguments.quick else 3) if workload.steady else arguments.rounds


def run_all(arguments):
    workloads, impossible = choose(arguments)
    bench = Bench(arguments.bin, arguments.seconds, arguments.quick)
    wanted = [name for name in topology.MAKERS if any(name in each.ways for each in workloads)]
    rows, series, stolen = [], {}, {}
    with Lab(arguments.bin) as lab:
        ways, missing = topology.set_up(lab, wanted)
        for workload in workloads:
            series[workload.name], stolen[workload.name] = run_workload(workload, ways, bench,
                                                                        rounds_of(workload, arguments))
            rows += report.evaluate(workload, series[workload.name])
    return {"machine": report.machine(), "rounds": arguments.rounds, "seconds": arguments.seconds, "rows": rows,
            "missing": missing | impossible, "ways": {name: topology.EXPLAINED[name] for name in wanted},
            "workloads": {each.name: each.what for each in workloads}, "stolen_percent_by_workload": stolen,
            "series": {name: {" ".join(key): values for key, values in each.items()} for name, each in series.items()}}


def profile(arguments):
    workloads, impossible = choose(arguments)
    wanted = profile_run.needed(workloads)
    with Lab(arguments.bin) as lab:
        ways, missing = topology.set_up(lab, [name for name in topology.MAKERS if name in wanted])
        result = profile_run.profile(Bench(arguments.bin, arguments.seconds), lab, ways, workloads)
    return {"machine": report.machine(), "rounds": 1, "seconds": arguments.seconds, "profile": result, "rows": [],
            "missing": missing | impossible, "ways": {name: topology.EXPLAINED[name] for name in ways},
            "workloads": {each.name: each.what for each in workloads if each.name in profile_run.PROFILED}}


def show(result):
    if "profile" in result:
        profile_run.show(result["profile"])
    else:
        report.show(result["rows"])
    print()
    for kind in ("workloads", "ways"):
        for name, what in result[kind].items():
            print(f"{name}: {what}")
    for name, reason in result["missing"].items():
        print(f"{name}: not measured: {reason}")
    if result["rows"] and not any("instructions_per_packet" in row for row in result["rows"]):
        print("instructions per packet: this machine does not count them")
    about = result["machine"]
    print(f"{about['cpus']} CPUs ({about['cpu']}), Linux {about['kernel']}; {result['rounds']} rounds of "
          f"{result['seconds']:g} s; took {result['took_seconds']:.0f} s, in which the hypervisor gave "
          f"{result['stolen_percent']:.1f} % of the CPUs' time to others")


def main():
    arguments = parse()
    start, before = time.monotonic(), report.cpu_times()
    sweep()
    try:
        result = profile(arguments) if arguments.profile else run_all(arguments)
    except Skip as reason:
        print(f"SKIP  bench: {reason}")
        return 77
    except Failure as failure:
        say(f"bench: {failure}")
        return 1
    result["took_seconds"] = time.monotonic() - start
    result["stolen_percent"] = report.stolen_percent(before, report.cpu_times())
    show(result)
    if arguments.json:
        report.write_json(arguments.json, result)
    if arguments.plot and result["rows"]:
        plot.write(arguments.plot, result)
    return 0


if __name__ == "__main__":
    sys.exit(main())

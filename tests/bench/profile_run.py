# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""scripts/bench --profile: where the nanoseconds go. Each hook's run time in place, from the kernel's BPF statistics;
the stages of the XDP paths, by test-run; and, where perf is installed, the parts of the kernel around the programs."""
import contextlib
import re
import shutil

from netns import Failure, run
import runs

SWITCH = "/proc/sys/kernel/bpf_stats_enabled"
PROFILED = {"live": ("tc", "xdp"), "live-xdp": ("xdp",), "udp": ("tc", "xdp"), "packet": ("tc",),
            "routed": ("tc-routed", "xdp-routed"), "tcp-1": ("tc",),
            "wire-1": ("tc",), "udp-gso": ("tc",), "pingpong": ("tc",)}
SAMPLED = {"live": ("kernel", "tc", "xdp", "raw-tc", "raw-xdp"), "udp": ("kernel", "tc", "raw-tc")}
STAGES = {"encap": ("port and segment", "source", "destination", "next hop, header, counters"),
          "decap": ("outer headers, segment, sender", "source", "destination", "port, header, counters")}
# Of kernel symbols, the first that fits.
PARTS = [("BPF programs", r"^bpf_prog_"),
         ("maps and helpers", r"^(htab|array_map|percpu_array|__htab|lookup_nulls|jhash|bpf_|____bpf|__bpf"
                              r"|skb_do_redirect)"),
         ("bridge, netfilter", r"^(br_|nf_|__br_|fdb_|should_deliver|ip_sabotage)"),
         ("vxlan, tunnel", r"^(vxlan|udp_tunnel|iptunnel|ip_tunnel|gro_cell|skb_tunnel|__vxlan)"),
         ("XDP core", r"xdp|^(dev_map|bq_|page_pool|__page_pool)"),
         ("veth", r"veth"),
         ("GRO", r"gro"),
         ("IP, UDP, route, neighbor", r"^(ip_|__ip_|udp|__udp|fib_|ipv4|inet|neigh|arp|rt_|dst_|sock|__sock|sendmmsg"
                                      r"|___sys)"),
         ("skb and memory", r"skb|^(kmem|kfree|__kmalloc|alloc_|free_|__alloc|slab|___slab|get_page|put_page|__free"
                            r"|page_frag|mem|clear_page|csum)"),
         ("device core, softirq", r"dev_|netif|^(process_backlog|tcx|tcf|sch_|validate_|napi|net_rx|net_tx|enqueue_to"
                                  r"|handle_soft|do_soft|__do_soft|__local_bh|sk_|eth_|tc_run)"),
         ("locks, RCU, scheduler", r"lock|rcu|sched|preempt|irq|task|wake|timer|clock|ktime|tick")]


@contextlib.contextmanager
def statistics():
    with open(SWITCH, encoding="ascii") as file:
        before = file.read()
    try:
        set_statistics("1")
        yield
    finally:
        set_statistics(before.strip())


def set_statistics(value):
    with open(SWITCH, "w", encoding="ascii") as file:
        file.write(value)


def totals(bench, way):
    """{(host, hook): (runs, nanoseconds, program)} so far."""
    return {(side, each["hook"]): (each["runs"], each["run_ns"], each["name"])
            for side, host in zip("ab", way.hosts) for each in bench.tool("programs", pins=way.pins(host))}


def in_place(bench, workload, way):
    """The hooks that ran, the busiest path first."""
    before = totals(bench, way)
    with statistics():
        workload.measure(bench, way)
    after = totals(bench, way)
    rows = []
    for key, (count, nanoseconds, program) in after.items():
        count, nanoseconds = count - before[key][0], nanoseconds - before[key][1]
        if count:
            rows.append({"workload": workload.name, "way": way.name, "host": key[0], "program": program,
                         "runs": count, "ns": nanoseconds / count})
    busiest = max((row["runs"] for row in rows), default=0)
    return [row for row in rows if row["runs"] * 100 > busiest]


def of_trivial(bench, way):
    """What the statistics show for a program that does next to nothing, the sink: to be taken off the others."""
    with statistics():
        done = runs.send(bench, way, kind="live", sink="xdp" if way.hook == "xdp" else "tc")
    return done["sink_ns"] / done["sink_runs"]


def stages(bench, way):
    """Each stage of the XDP paths, from what its prefix of the path costs."""
    rows = []
    for path, cost in runs.alone(bench, way).items():
        marks = [0, *(cost[f"until_{stage}_ns"] for stage in (1, 2, 3)), cost["cost_ns"]]
        rows += [{"path": path, "stage": stage, "ns": to - since}
                 for stage, since, to in zip(STAGES[path], marks, marks[1:])]
    return rows


def part_of(symbol):
    return next((part for part, pattern in PARTS if re.search(pattern, symbol)), "rest")


def sampled(bench, lab, workload, way):
    """Nanoseconds a packet by part: samples of the sender, in whose time the whole path runs, over that run's rate."""
    data = f"{lab.directory}/perf.data"
    perf = ("perf", "record", "-q", "-e", "cpu-clock", "-F", 4999, "-o", data, "--")
    with bench.under(*perf):
        rate = workload.measure(bench, way)["rate"]
    report = run("perf", "report", "-i", data, "--stdio", "--sort", "symbol", "--fields", "overhead,symbol",
                 check=False)
    shares = {}
    for line in report.stdout.splitlines():
        found = re.match(r"\s*([\d.]+)%\s+\[(.)\]\s+(\S+)", line)
        if found:
            part = part_of(found[3]) if found[2] == "k" else "user space"
            shares[part] = shares.get(part, 0) + float(found[1])
    if not shares:
        raise Failure(f"perf has no samples of {way.name}: {report.stderr[-300:]}")
    return {part: share / 100 * 1e9 / rate for part, share in sorted(shares.items(), key=lambda item: -item[1])}


def profile(bench, lab, ways, workloads):
    """All of it, as one dictionary; what is not possible here has its reason in place of numbers."""
    result = {"in_place": [], "trivial_ns": {}, "stages": [], "parts": {}}
    for name in ("tc", "xdp"):
        if name in ways:
            result["trivial_ns"][name] = of_trivial(bench, ways[name])
    for workload in workloads:
        for name in PROFILED.get(workload.name, ()):
            if workload.wire:
                ways[name].wire(False)
            result["in_place"] += in_place(bench, workload, ways[name])
            if workload.wire:
                ways[name].wire(True)
    if "xdp" in ways:
        result["stages"] = stages(bench, ways["xdp"])
    if not shutil.which("perf"):
        result["parts"] = "perf is not installed"
        return result
    for workload in workloads:
        for name in SAMPLED.get(workload.name, ()):
            if name in ways:
                result["parts"][f"{workload.name} {name}"] = sampled(bench, lab, workload, ways[name])
    return result


def show(result):
    print("\nIn place, from the kernel's BPF statistics. They cost time themselves: a program that only counts shows "
          + ", ".join(f"{ns:.0f} ns ({way})" for way, ns in result["trivial_ns"].items()) + ".")
    line = "{:<13} {:<5} {:<5} {:<15} {:>10} {:>8}".format
    print(line("workload", "way", "host", "program", "runs", "ns/run"))
    for row in result["in_place"]:
        print(line(row["workload"], row["way"], row["host"], row["program"], row["runs"], f"{row['ns']:.0f}"))
    print("\nStages of the XDP paths, by test-run with repeat:")
    for row in result["stages"]:
        print(f"{row['path']:<6} {row['stage']:<32} {row['ns']:>6.0f} ns")
    show_parts(result["parts"])


def show_parts(parts):
    if isinstance(parts, str):
        print(f"\nParts of the kernel: {parts}")
        return
    print("\nNanoseconds a packet by part of the kernel, from samples of the sender's time:")
    names = sorted({part for each in parts.values() for part in each},
                   key=lambda part: -max(each.get(part, 0) for each in parts.values()))
    print(f"{'':<26}" + "".join(f"{column:>14}" for column in parts))
    for name in names:
        print(f"{name:<26}" + "".join(f"{each.get(name, 0):>14.0f}" for each in parts.values()))
    print(f"{'all':<26}" + "".join(f"{sum(each.values()):>14.0f}" for each in parts.values()))


def needed(workloads):
    """The ways it looks at."""
    named = {way for each in workloads for table in (PROFILED, SAMPLED) for way in table.get(each.name, ())}
    return named | {"tc", "xdp"}

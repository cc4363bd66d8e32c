# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""One run of one workload over one way: {what: number}. A workload is a function (bench, way)."""
import contextlib
import json
import os
import subprocess
import time

from lab import VNI
from netns import Failure, run
from ways import VLAN, numbered_mac

FLOWS = 16
MILLION = 1_000_000
SENDING_CPU = os.cpu_count() - 1


class Bench:
    """What every run needs: where the binaries are and how long a run is."""

    def __init__(self, binaries, seconds, quick=False):
        self.binaries, self.seconds = binaries, seconds
        self.wrapper = ()
        self.loaded = 128_000 if quick else MILLION  # entries the kernel loads, at some 50 000 a second

    @contextlib.contextmanager
    def under(self, *wrapper):
        """Runs the tool's commands behind these words."""
        self.wrapper = wrapper
        try:
            yield
        finally:
            self.wrapper = ()

    def words(self, command, **options):
        words = [f"{key}={value}" for key, value in options.items()]
        return [*self.wrapper, f"{self.binaries}/bench_tool", command, *words]

    def tool(self, command, **options):
        return json.loads(run(*self.words(command, **options), timeout=self.seconds + 60).stdout)

    def start(self, command, **options):
        """A command that says when it is ready; the caller reads the rest."""
        process = subprocess.Popen(self.words(command, **options), stdout=subprocess.PIPE, text=True)
        if not json.loads(process.stdout.readline() or "{}").get("ready"):
            raise Failure(f"bench_tool {command} does not start")
        return process


def ends(way):
    return {"from": way.near.path, "to": way.far.path}


def send(bench, way, back=False, **options):
    near, far = (way.far, way.near) if back else (way.near, way.far)
    if way.name.endswith("-vlan") and not back:
        options["vlan"] = VLAN
    return bench.tool("send", **{
        "from": near.path, "to": far.path, "from_mac": near.mac_address, "from_ip": near.address4, "to_ip": far.address4,
        "seconds": bench.seconds, "cpus": SENDING_CPU, "flows": FLOWS, **way.address_of_frames(back), **options})


def packets(**options):
    """Frames a second that arrive, and what they cost."""
    def measure(bench, way):
        done = send(bench, way, **options)
        result = {"rate": done["arrived"] / done["seconds"]}
        if done["instructions"] and done["arrived"]:
            result["instructions"] = done["instructions"] / done["arrived"]
        return result
    return measure


def stream(flows):
    """Bits a second, the sender on the first core and the receiver on the last."""
    def measure(bench, way):
        done = bench.tool("stream", **ends(way), address=way.far.address4, flows=flows, seconds=bench.seconds,
                          from_cpu=0, to_cpu=os.cpu_count() - 1)
        return {"rate": 8 * done["bytes"] / done["seconds"]}
    return measure


def ping_pong(bench, way):
    return bench.tool("pingpong", **ends(way), address=way.far.address4, seconds=bench.seconds, cpu=SENDING_CPU)


def filled(entries):
    """Live frames to MACs all over a table of so many."""
    def measure(bench, way):
        return packets(kind="live", sink="tc", macs=entries, to_mac="0a:00:00:00:00:00")(bench, way)
    return measure


def storm(entries):
    """The same while the other core writes all entries of the sending host anew, again and again."""
    def measure(bench, way):
        quiet = filled(entries)(bench, way)["rate"]
        process = bench.start("storm", pins=way.pins(way.hosts[0]), vni=VNI, like=way.far.mac_address, count=entries,
                              cpu=0, seconds=bench.seconds + 1)
        try:
            busy = filled(entries)(bench, way)["rate"]
            written = json.loads(process.communicate(timeout=bench.seconds + 30)[0])
        finally:
            process.kill()
            process.wait()
        return {"quiet": quiet, "rate": busy, "writes": written["entries"] / written["seconds"]}
    return measure


def load(bench, way):
    """Entries a second into a table. Kernel: by `bridge -batch`. weft: by the daemon's batches into the map, and by the
    CLI, one JSON object a line, from `weft` to the daemon to the map."""
    if not hasattr(way, "pins"):
        if not way.fills:
            way.fill(bench.loaded, bench.tool)
        return {"rate": sum(count for count, _ in way.fills) / sum(seconds for _, seconds in way.fills)}
    host, count = way.hosts[0], MILLION
    options = {"pins": way.pins(host), "vni": VNI, "like": way.far.mac_address, "count": count}
    bench.tool("clear", **options)
    done = bench.tool("fill", **options)
    bench.tool("clear", **options)
    return {"rate": done["entries"] / done["seconds"], "bytes": done["bytes_per_entry"],
            "cli": load_by_cli(way, host, count)}


def load_by_cli(way, host, count):
    remote = way.hosts[1].address
    lines = "".join(json.dumps({"segment": "blue", "mac": numbered_mac(index), "remote": remote}) + "\n"
                    for index in range(count))
    start = time.monotonic()
    run(f"{way.lab.binaries}/weft", "--instance", host.instance, "fdb", "add", "--batch", "-", stdin=lines, timeout=120)
    seconds = time.monotonic() - start
    host.weft("fdb", "flush", "--segment", "blue", "--origin", "cli")
    way.filled, way.fills = 1, []
    return seconds


def two_cores(bench, way):
    one = packets(kind="live", sink="tc")(bench, way)["rate"]
    both = packets(kind="live", sink="tc", cpus=f"{SENDING_CPU - 1},{SENDING_CPU}")(bench, way)["rate"]
    return {"one": one, "rate": both}


def alone(bench, way):
    """What each path's program costs alone: {path: {"cost_ns": …}}."""
    a, b = way.hosts
    return bench.tool("cost", hook=way.hook or "tc", netns_a=a.path, pins_a=way.pins(a), port_a=way.near.port,
                      netns_b=b.path, pins_b=way.pins(b), port_b=way.far.port, from_mac=way.near.mac_address,
                      to_mac=way.far.mac_address)


def program_cost(bench, way):
    """Nanoseconds of each path's program alone, and what the verifier processed for each program."""
    result = {path: numbers["cost_ns"] for path, numbers in alone(bench, way).items()}
    for program in bench.tool("programs", pins=way.pins(way.hosts[0])):
        result[program["name"]] = program["verified"]
    return result

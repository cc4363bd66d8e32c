# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""The programs on this kernel: all load, in how many verified instructions; and the daemon needs four capabilities."""
import json
import os
import time

from netns import run, wait_for
from overlay import check, hosts_with_guests, introduce
from scenario import HERE, Scenario

scenario = Scenario({"a": {"memory": 2048}}, seconds=300)
CEILING = 500_000  # of a program; the kernel's own is a million
KEPT = ("cap_bpf", "cap_net_admin", "cap_perfmon", "cap_net_raw")


@scenario.setup
def build(lab):
    """weft beside the kernel's vxlan; the daemon starts as the unit starts it."""
    (a, k), (a1, k1) = hosts_with_guests(lab, ("a", "k"), up=False)
    # What there is none of, the verifier throws the code of away: a bridge and a routing domain have it look at all.
    a.document["bridges"] = [{"segment": "blue", "interface": "eth0", "vlan": 100, "role": "designated"}]
    a.document["routing_domains"] = [{"name": "tenant"}]
    a.document["segments"][0].update(routing_domain="tenant",
                                     gateway={"addresses": ["198.51.100.254/24", "2001:db8:1::fe/64"]})
    print(f"  {run('sysctl', 'kernel.perf_event_paranoid').stdout.strip()} before")
    run("sysctl", "-p", os.path.join(HERE, "../../dist/weft.sysctl"))  # as it is installed
    a.write()
    a.command(f"{lab.binaries}/weftd", "--attach", "--config", a.file, "--instance", a.instance)
    everything = run("capsh", "--print").stdout.split("Bounding set =")[1].split()[0].split(",")
    drop = ",".join(cap for cap in everything if cap not in KEPT)
    begin = time.monotonic()
    a.launch(wrapper=("capsh", f"--drop={drop}", "--", "-c", 'exec "$0" "$@"'))
    a.ready()
    print(f"  weftd serves after {time.monotonic() - begin:.1f} s")
    return a, a1, k1


def below_the_ceiling(lab, a):
    pins = next(iter(run("sh", "-c", f"ls -d /sys/fs/bpf/weft/{a.instance}/v*").stdout.split()))
    programs = json.loads(run(f"{lab.binaries}/bench_tool", "programs", f"pins={pins}").stdout)
    for program in programs:
        print(f"  {program['name']:16} {program['verified']:7} verified instructions, {program['jited_bytes']} bytes")
    check(len(programs) >= 7, f"only {[program['name'] for program in programs]}")
    above = [program["name"] for program in programs if not 0 < program["verified"] <= CEILING]
    check(not above, f"above {CEILING} verified instructions: {above}")


@scenario.check
def every_program_is_loaded_below_the_ceiling(lab, a, a1, k1):
    below_the_ceiling(lab, a)


@scenario.check
def four_capabilities_are_enough_for_the_daemon(lab, a, a1, k1):
    with open(f"/proc/{a.daemon.pid}/status", encoding="ascii") as file:
        held = next(line.split()[1] for line in file if line.startswith("CapBnd"))
    names = run("capsh", f"--decode={held}").stdout.strip().partition("=")[2].split(",")
    check(sorted(names) == sorted(KEPT), f"the daemon may have {names}")
    introduce((a1, k1), (a,))
    for source, target in ((a1, k1), (k1, a1)):
        source.ping(target.address4)
        source.ping(target.address6)
    late = lab.guest(a, "late")
    a.weft("port", "add", late.port, "--segment", "blue")
    late.ping(k1.address4)
    a.weft("check")


@scenario.check
def a_restart_keeps_what_is_there(lab, a, a1, k1):
    a.down()
    a1.ping(k1.address4)
    a.up()
    written = a.json("status")["rows_written"]
    check(written == 0, f"a restart wrote {written} rows")


@scenario.check
def so_are_the_programs_of_nvgre_and_of_an_ipv6_underlay(lab, a, a1, k1):
    """What the settings say is constant to the verifier: each is another program."""
    a.document["segments"].append({"name": "red", "vni": 5002, "encapsulation": "nvgre"})
    for family in (4, 6):
        a.document["vtep"]["address"] = a.address4 if family == 4 else a.address6
        a.document["segments"][0]["remotes"] = [k1.host.address4 if family == 4 else k1.host.address6]
        begin = time.monotonic()
        a.weft("config", "apply", a.write())
        print(f"  NVGRE beside VXLAN, IPv{family} underlay: {time.monotonic() - begin:.1f} s")
        below_the_ceiling(lab, a)


def own_programs():
    names = [program.get("name", "") for program in json.loads(run("bpftool", "-j", "prog", "show").stdout)]
    return [name for name in names if name.startswith(("from_", "stub_"))]


@scenario.check
def detach_leaves_nothing(lab, a, a1, k1):
    a.down()
    a.detach()
    wait_for(lambda: not own_programs(), lambda: f"the kernel to free {own_programs()}")  # after a grace period
    check(not a.command("tc", "filter", "show", "dev", "eth0", "ingress").stdout, "a filter is left")

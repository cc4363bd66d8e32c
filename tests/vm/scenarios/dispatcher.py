# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""weft's XDP program beside another's on one NIC, by libxdp's dispatcher: weftd --attach puts it there (freplace).

From 6.12.5 and 6.13 on the kernel takes no extension that changes packets, as a tail call counts, for a function of a
dispatcher that changes none, as libxdp 1.3 makes it: there weft goes without.
"""
import json
import os

from across import hook_of
from lab import VNI
from netns import Skip, run
from overlay import check
from scenario import Scenario

scenario = Scenario({"a": {"wires": ("underlay", "underlay"), "memory": 2048}}, seconds=300)


@scenario.setup
def build(lab):
    """weft and the kernel's vxlan, each on a NIC. Nothing is attached yet."""
    lab.nics = True
    a, k = lab.weft_host("a"), lab.kernel_host("k")
    a1, k1 = lab.guest(a, "a1"), lab.guest(k, "k1")
    a.segment(VNI, [k.address])
    k.segment(VNI, [a.address])
    a.write()
    lab.foreign = os.path.join(lab.binaries, "../tests/vm/foreign.bpf.o")
    lab.refused = next((line for line in attach(lab, a).splitlines() if "Invalid argument" in line), "")
    a.detach()
    return a, a1, k1


def attach(lab, a):
    """What the unit runs before the daemon, with all privileges; what it complains of."""
    return a.command(f"{lab.binaries}/weftd", "--attach", "--config", a.file, "--instance", a.instance).stderr


def needs_dispatcher(lab):
    if lab.refused:
        raise Skip(f"this kernel refuses: {lab.refused}")


def join(lab, a):
    """weft joins the dispatcher. A complaint is a failure here."""
    said = attach(lab, a)
    check(not said, f"weftd --attach: {said}")


def chain(lab, a):
    """The foreign program goes onto the NIC."""
    a.command("xdp-loader", "load", "--mode", "native", "eth0", lab.foreign)


def on_nic(a):
    """What xdp-loader says is on the NIC, as text."""
    return a.command("xdp-loader", "status", "eth0").stdout


def foreign_seen(a):
    """Frames that the foreign program has counted."""
    row = json.loads(run("bpftool", "-j", "map", "dump", "name", "foreign_seen").stdout)[0]
    return int.from_bytes(bytes(int(byte, 16) for byte in row["value"]), "little")


def both_work(a, a1, k1):
    text = on_nic(a)
    check("xdp_dispatcher" in text and "foreign" in text and "stub_xdp_wire" in text, f"on eth0:\n{text}")
    before = foreign_seen(a)
    a1.ping(k1.address4, count=10)
    k1.ping(a1.address6, count=10)
    seen = foreign_seen(a) - before
    check(seen >= 20, f"the foreign program saw {seen} of 20 tunnel packets and more")
    check(hook_of(a)[0] == "xdp", f"eth0 is served by {hook_of(a)}")
    warnings = a.json("uplink", "show", "eth0")["warnings"]
    check(not [each for each in warnings if "rx-gro-hw" in each], f"warnings of eth0: {warnings}")


@scenario.check
def weft_joins_a_dispatcher_and_another_comes(lab, a, a1, k1):
    needs_dispatcher(lab)
    join(lab, a)
    text = on_nic(a)
    check("xdp_dispatcher" in text and "stub_xdp_wire" in text, f"on eth0:\n{text}")
    a.up()
    a1.ping(k1.address4)
    chain(lab, a)
    both_work(a, a1, k1)


@scenario.check
def a_restart_keeps_both(lab, a, a1, k1):
    needs_dispatcher(lab)
    a.down()
    k1.ping(a1.address4)
    join(lab, a)
    a.up()
    both_work(a, a1, k1)


@scenario.check
def detach_leaves_the_foreign_program_running(lab, a, a1, k1):
    needs_dispatcher(lab)
    a.down()
    a.detach()
    text = on_nic(a)
    check("foreign" in text and "stub_xdp_wire" not in text, f"on eth0:\n{text}")
    before = foreign_seen(a)
    a.ping("192.0.2.2", count=5)
    check(foreign_seen(a) - before >= 5, "the foreign program does not run any more")


@scenario.check
def weft_joins_where_another_was_first(lab, a, a1, k1):
    """The other came by the dispatcher, so there is room; it goes on counting while weft is put beside it."""
    needs_dispatcher(lab)
    check("foreign" in on_nic(a), "the foreign program is gone")
    join(lab, a)
    a.up()
    both_work(a, a1, k1)
    a.down()
    a.detach()
    a.command("xdp-loader", "unload", "eth0", "--all")


@scenario.check
def where_the_kernel_refuses_weft_goes_without_and_gives_way_to_another(lab, a, a1, k1):
    if not lab.refused:
        raise Skip("this kernel takes weft behind the dispatcher")
    said = attach(lab, a)
    check("the daemon attaches it" in said, f"weftd --attach: {said}")
    a.up()
    check(hook_of(a)[0] == "xdp", f"alone, eth0 is served by {hook_of(a)}")
    a1.ping(k1.address4, count=5)
    a.down()
    a.detach()
    chain(lab, a)
    attach(lab, a)
    a.up()
    hook, reason = hook_of(a)
    print(f"  beside another: {hook}, {reason}")
    check(hook == "tc" and "is there and stays" in reason, f"beside another, eth0 is served by {hook}: {reason}")
    before = foreign_seen(a)
    a1.ping(k1.address4, count=5)
    check(foreign_seen(a) - before >= 5, "the foreign program does not run any more")

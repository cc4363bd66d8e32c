# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""Machines on wires: QEMU processes in a network namespace of this run, and the files by which they answer.

A machine's root is this machine's, read-only by 9p under a tmpfs; so it runs the same binaries on another kernel. A wire
is a bridge, a NIC a tap on it. What a machine writes into its folder of `out` is all that counts of it.
"""
import json
import os
import re
import shutil
import socket
import subprocess
import time

from kernel import HERE, Kernel, Unavailable
from lab import Lab
from netns import Netns, run

QEMU = "qemu-system-x86_64"
QEMU_NEEDED = (4, 2)  # 9p with multidevs=remap
# Time from the TSC needs no calibration against other emulated clocks, which a busy host makes fail.
KERNEL_LINE = ("console=ttyS0 loglevel=4 panic=-1 mitigations=off nokaslr tsc=reliable clocksource=tsc no_timer_check "
               "net.ifnames=0")
PROBE_SECONDS = 5
WIRE_MTU = 9100


class Wires(Netns):
    """The bridges and taps; the machines' QEMUs run in here."""

    def __init__(self, rack):
        super().__init__(rack, "vm")
        self.bridges = set()

    def plug(self, tap, wire, queues):
        """A tap on a wire. Tags, and frames longer than usual, pass."""
        bridge = f"w-{wire}"
        if bridge not in self.bridges:
            self.bridges.add(bridge)
            self.ip(f"link add {bridge} type bridge mcast_snooping 0 forward_delay 0", f"link set {bridge} mtu {WIRE_MTU} up")
            self.sysctl(f"net.ipv6.conf.{bridge}.disable_ipv6", 1)
        self.ip(f"tuntap add dev {tap} mode tap vnet_hdr {'multi_queue' if queues > 1 else ''}")
        self.sysctl(f"net.ipv6.conf.{tap}.disable_ipv6", 1)
        self.ip(f"link set {tap} mtu {WIRE_MTU} master {bridge} up")


class Rack(Lab):
    """All machines of one run of a scenario. Names carry the pid; everything goes when the block ends. `show`: what they
    say is printed."""

    def __init__(self, binaries, show=False):
        super().__init__(binaries)
        self.show = show

    def underlay(self):
        return Wires(self)

    def __enter__(self):
        super().__enter__()
        self.out = f"{self.directory}/out"
        os.makedirs(self.out)
        self.machines = []
        return self

    def report(self):
        for machine in getattr(self, "machines", ()):
            print(machine.last_words(), flush=True)

    def boot(self, name, kernel, scenario, kvm=False, **hardware):
        machine = Machine(self, name, kernel, scenario, kvm, **hardware)
        self.machines.append(machine)
        return machine

    def wait(self, seconds):
        """Until every machine is off, or has `seconds` no more, or one is off that did not say its last word."""
        end = time.monotonic() + seconds
        while any(machine.running() for machine in self.machines) and time.monotonic() < end:
            for machine in self.machines:
                machine.serve()
                if self.show:
                    machine.show()
            if any(not machine.running() and not machine.finished() for machine in self.machines):
                break
            time.sleep(0.02)
        for machine in self.machines:
            machine.stop()
            if self.show:
                machine.show()


class Machine:
    """One QEMU. Its NIC number n has the MAC nic_mac(index of the machine, n)."""

    def __init__(self, rack, name, kernel, scenario, kvm, wires=(), cpus=2, memory=1024, queues=1, environment=None):
        self.rack, self.name, self.kvm = rack, name, kvm
        self.index = len(rack.machines)
        self.out = f"{rack.out}/{name}"
        self.console = f"{rack.directory}/{name}.console"
        self.errors = f"{rack.directory}/{name}.qemu"
        self.monitor = None
        self.shown = 0
        os.makedirs(self.out)
        words = {"WEFT_MODULES": kernel.modules, "WEFT_START": f"{HERE}/start", "WEFT_MACHINE": name,
                 "WEFT_SCENARIO": scenario, **(environment or {})}
        line = " ".join([KERNEL_LINE, *(f"{key}={value}" for key, value in words.items())])
        nics = [word for number, wire in enumerate(wires) for word in self.nic(number, wire, queues)]
        with open(self.errors, "w", encoding="utf-8") as errors, rack.net.inside():
            self.process = subprocess.Popen(
                [QEMU, *self.board(cpus, memory), "-kernel", kernel.image, "-initrd", kernel.initramfs, "-append", line,
                 *self.share("root", "host", "/", "readonly=on,"), *self.share("out", "out", rack.out, ""), *nics],
                stdin=subprocess.DEVNULL, stdout=errors, stderr=errors, start_new_session=True)
        rack.processes.append(self.process)

    def board(self, cpus, memory):
        accelerator = ("kvm", "host") if self.kvm else ("tcg,thread=multi,tb-size=256", "Nehalem")
        return ["-M", "q35", "-accel", accelerator[0], "-cpu", accelerator[1], "-smp", str(cpus), "-m", str(memory),
                "-nodefaults", "-no-user-config", "-no-reboot", "-display", "none", "-serial", f"file:{self.console}",
                "-qmp", f"unix:{self.rack.directory}/{self.name}.qmp,server=on,wait=off"]

    @staticmethod
    def share(name, tag, path, options):
        return ["-fsdev", f"local,id={name},path={path},security_model=none,{options}multidevs=remap",
                "-device", f"virtio-9p-pci,fsdev={name},mount_tag={tag}"]

    def nic(self, number, wire, queues):
        tap = f"t-{self.name}-{number}"
        self.rack.net.plug(tap, wire, queues)
        multi = f",mq=on,vectors={2 * queues + 2}" if queues > 1 else ""
        return ["-netdev", f"tap,id=n{number},ifname={tap},script=no,downscript=no,vhost=off"
                + (f",queues={queues}" if queues > 1 else ""),
                "-device", f"virtio-net-pci,netdev=n{number},mac={nic_mac(self.index, number)},romfile={multi}"]

    def running(self):
        return self.process.poll() is None

    def read(self, name):
        """A file that the machine wrote; "" while there is none."""
        try:
            with open(f"{self.out}/{name}", encoding="utf-8", errors="replace") as file:
                return file.read()
        except FileNotFoundError:
            return ""

    def finished(self):
        return self.read("verdict").endswith("\nend\n")

    def serve(self):
        """Does what the machine asks for: the link of a NIC goes or comes (a file link-NUMBER, that says on or off)."""
        for name in os.listdir(self.out):
            number = re.fullmatch(r"link-(\d+)", name)
            if number:
                self.command("set_link", name=f"n{number[1]}", up=self.read(name) == "on")
                os.unlink(f"{self.out}/{name}")

    def show(self):
        """What the machine said since the last time, whole lines."""
        said = self.read("said")
        new = said[self.shown:said.rfind("\n") + 1]
        self.shown += len(new)
        for line in new.splitlines():
            print(f"{self.name:8} {line}", flush=True)

    def command(self, what, **arguments):
        """One command of QEMU's machine protocol."""
        if not self.monitor:
            sock = socket.socket(socket.AF_UNIX)
            sock.settimeout(10)
            sock.connect(f"{self.rack.directory}/{self.name}.qmp")
            self.monitor = sock.makefile("rw")
            self.monitor.readline()  # the greeting
            self.command("qmp_capabilities")
        self.monitor.write(json.dumps({"execute": what, "arguments": arguments}) + "\n")
        self.monitor.flush()
        while True:
            answer = json.loads(self.monitor.readline())
            if "error" in answer:
                raise Unavailable(f"QEMU refuses {what}: {answer['error']['desc']}")
            if "return" in answer:
                return

    def stop(self):
        if self.running():
            self.process.kill()
        self.process.wait()

    def last_words(self, lines=80):
        parts = []
        for what, path in (("qemu", self.errors), ("console", self.console), ("log", f"{self.out}/log")):
            if os.path.exists(path):
                with open(path, encoding="utf-8", errors="replace") as file:
                    text = file.read().splitlines()[-lines:]
                if text:
                    parts.append(f"--- {what} of machine {self.name}\n" + "\n".join(text))
        return "\n".join(parts)


def nic_mac(machine, number):
    return f"02:00:00:00:{0xf0 + machine:02x}:{number:02x}"


def need_tools():
    for program, package in ((QEMU, "qemu-system-x86"), ("busybox", "busybox-static"), ("cpio", "cpio"),
                             ("depmod", "kmod")):
        if not shutil.which(program):
            raise Unavailable(f"no {program}: apt-get install {package}")
    found = re.search(r"version (\d+)\.(\d+)\S*", run(QEMU, "--version", check=False).stdout)
    if found and (int(found[1]), int(found[2])) < QEMU_NEEDED:
        raise Unavailable(f"{QEMU} {found[0][8:]} is too old, {'.'.join(map(str, QEMU_NEEDED))} or newer is needed: "
                          "apt-get install qemu-system-x86")
    if os.geteuid():
        raise Unavailable("taps and a network namespace need root")


def kvm_works(kernel: Kernel):
    """A machine has to have booted by it: there are devices /dev/kvm that open and then hang."""
    with Rack("/") as rack:
        probe = rack.boot("probe", kernel, "", kvm=True)
        rack.wait(PROBE_SECONDS)
        return bool(probe.read("booted"))

# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""The package in a clean Debian 12: installed, served from, upgraded under traffic, removed, purged.

The machine is no virtual one: it has this kernel, and systemd as its process 1 in namespaces of its own (machine.py). Its
NIC is a veth to the lab's underlay, on which a kernel vxlan is the peer.
"""
import functools
import json
import os
import re
import signal
import time

from case import check, need, test
from lab import Lab
from machine import Machine
from netns import run, wait_for
from root import prepare

MARK = b"weft of the newer package"


class Site:
    """A machine with the package's file in it, and a host of the kernel with a guest on each."""

    def __init__(self, lab, build):
        self.lab, self.build = lab, build
        self.machine = Machine(lab, "m", prepare(build))
        self.peer = lab.kernel_host("k")
        self.near, self.far = lab.guest(self.machine, "m1"), lab.guest(self.peer, "k1")
        self.peer.segment(5001, [self.machine.address])
        self.before = self.machine.files()
        self.deb = self.machine.copy(build.deb())

    def document(self, hook="auto"):
        return json.dumps({
            "vtep": {"address": self.machine.address}, "uplinks": [{"interface": "eth0", "hook": hook}],
            "segments": [{"name": "blue", "vni": 5001, "remotes": [self.peer.address]}],
            "ports": [{"interface": self.near.port, "segment": "blue"}]})

    def serve(self, **options):
        """Installs, writes the document, and has the overlay work."""
        self.machine.apt("install", self.deb)
        self.machine.write("/etc/weft/weft.json", self.document(**options))
        self.machine.run("systemctl", "enable", "--now", "weftd")
        self.far.ping(self.near.address4, count=5)
        self.near.ping(self.far.address6, count=5)

    def newer(self):
        """The package again with a higher version, whose weftd is told by a mark behind its end."""
        folder, deb = f"{self.lab.directory}/newer", f"{self.lab.directory}/weft_newer.deb"
        run("dpkg-deb", "-R", self.build.deb(), folder)
        with open(f"{folder}/usr/sbin/weftd", "ab") as file:
            file.write(MARK)
        with open(f"{folder}/DEBIAN/control", "r+", encoding="utf-8") as file:
            text = re.sub(r"^(Version: .*)$", r"\1.newer", file.read(), flags=re.M)
            file.seek(0)
            file.write(text)
        run("dpkg-deb", "-Zgzip", "-z1", "-b", folder, deb)
        return self.machine.copy(deb), re.search(r"^Version: (.*)$", text, re.M)[1]

    def is_marked(self):
        with open(self.machine.at(f"/proc/{self.machine.main_pid()}/exe"), "rb") as file:
            file.seek(-len(MARK), os.SEEK_END)
            return file.read() == MARK

    def status(self):
        return self.machine.run("dpkg-query", "-W", "-f", "${db:Status-Status}", "weft", check=False).stdout


def life(function=None, *, timeout=90):
    """Marks a test that gets a Site."""
    if function is None:
        return functools.partial(life, timeout=timeout)

    def body(build):
        need("unshare", "nsenter", "bpftool", "dpkg-deb")
        with Lab(build.bin) as lab:
            function(Site(lab, build))
    body.__name__ = function.__name__
    return test(body, timeout=timeout)


@life
def a_fresh_host_is_told_what_to_do_and_serves_once_it_has_a_document(site):
    machine = site.machine
    said = machine.apt("install", site.deb).stdout
    hints = [line for line in said.splitlines() if line.startswith("weft:")]
    check(len(hints) == 1 and "/etc/weft/weft.json" in hints[0], f"apt says: {hints}")
    check(machine.run("systemctl", "is-enabled", "weftd", check=False).stdout.strip() == "disabled", "enabled unasked")

    begin = machine.run("systemctl", "enable", "--now", "weftd", check=False)
    check(begin.returncode == 1, f"systemctl enable --now: exit {begin.returncode} without a document")
    state = machine.run("systemctl", "status", "weftd", check=False).stdout
    check("AssertPathExists=/etc/weft/weft.json was not met" in state and "man:weft.json(5)" in state, state)

    machine.write("/etc/weft/weft.json", site.document())
    machine.run("systemctl", "enable", "--now", "weftd")
    site.far.ping(site.near.address4, count=5)
    site.near.ping(site.far.address6, count=5)
    machine.weft("status")
    machine.weft("check")
    check(machine.run("systemctl", "is-enabled", "weftd").stdout.strip() == "enabled", "not enabled")
    check(machine.run("systemctl", "show", "-P", "NRestarts", "weftd").stdout.strip() == "0", "weftd was started again")


@life
def the_group_may_use_the_command_line_and_the_kernel_lets_the_daemon_read_events(site):
    site.serve()
    machine = site.machine
    check(machine.read("/proc/sys/kernel/perf_event_paranoid").strip() == "2", "kernel.perf_event_paranoid is not 2")
    owner = machine.run("stat", "-c", "%a %G", "/run/weft", "/run/weft/default/weftd.sock").stdout.split("\n")
    check(owner[:2] == ["2750 weft", "660 weft"], f"/run/weft and its socket are {owner}")
    member = ("setpriv", "--reuid", "nobody", "--regid", "nogroup")
    machine.run(*member, "--groups", "weft", "weft", "status")
    refused = machine.run(*member, "--clear-groups", "weft", "status", check=False)
    check(refused.returncode == 3, f"anybody may use it: exit {refused.returncode}")


@life
def the_daemon_of_the_unit_reloads_adds_ports_and_learns(site):
    """What systemd's hardening could have taken from it."""
    site.serve()
    machine = site.machine
    late = site.lab.guest(machine, "m2")
    machine.weft("port", "add", late.port, "--segment", "blue")
    late.ping(site.far.address4, count=5)
    wait_for(lambda: late.mac_address in machine.weft("fdb", "list").stdout, "the late guest to be learned")
    document = json.loads(site.document())
    document["segments"].append({"name": "green", "vni": 5002})
    machine.write("/etc/weft/weft.json", json.dumps(document))
    machine.run("systemctl", "reload", "weftd")
    wait_for(lambda: "green" in machine.weft("segment", "list").stdout, "the new document to be applied")
    machine.run("systemctl", "restart", "weftd")
    late.ping(site.far.address4, count=5)
    machine.weft("check")
    warned = machine.run("journalctl", "--no-pager", "-u", "weftd", "-p", "warning").stdout
    complaints = [line for line in warned.splitlines() if "Operation not permitted" in line or "Permission denied" in line
                  or "Read-only" in line]
    check(not complaints, "\n".join(complaints))


@life
def an_uplink_by_xdp_is_served_by_the_unit_restarted_and_released(site):
    """By ExecStartPre, with full privileges; the daemon goes on with what that has pinned."""
    machine = site.machine
    site.serve(hook="xdp")
    uplink = json.loads(machine.weft("uplink", "show", "eth0", "--json").stdout)
    check("xdp" in json.dumps(uplink["hook"]), f"eth0 is served by {uplink}")
    machine.run("systemctl", "restart", "weftd")
    site.far.ping(site.near.address4, count=5)
    machine.weft("check")
    shown = ("ip", "link", "show", "dev", "eth0")
    check("prog/xdp" in machine.command(*shown).stdout, "no XDP program on eth0")
    machine.apt("purge", "weft")
    check("xdp" not in machine.command(*shown).stdout, "an XDP program stays on eth0")
    xdp = machine.at("/sys/fs/bpf/xdp")
    check(not os.path.exists(xdp) or not os.listdir(xdp), "pins of the dispatcher stay")


@life(timeout=120)
def an_upgrade_under_traffic_loses_no_packet_and_runs_the_newer_daemon(site):
    site.serve()
    machine = site.machine
    newer, version = site.newer()
    old, was_marked = machine.main_pid(), site.is_marked()
    replies = f"{site.lab.directory}/replies"
    with open(replies, "w", encoding="ascii") as file:
        ping = site.far.start("ping", "-n", "-i", 0.002, site.near.address4, stdout=file)
    time.sleep(1)  # the stream is to run before, not only during it
    begin = time.monotonic()
    machine.apt("install", newer)
    wait_for(lambda: machine.weft("status", check=False).returncode == 0, "the newer weftd to serve", 15)
    seconds = time.monotonic() - begin
    time.sleep(1)
    ping.send_signal(signal.SIGINT)
    ping.wait(10)
    with open(replies, encoding="ascii") as file:
        said = file.read()
    sent, rate = sent_and_rate(said)
    lost = set(range(1, sent)) - {int(number) for number in re.findall(r"icmp_seq=(\d+)", said)}
    check(not lost, f"{len(lost)} of {sent} pings were lost while the upgrade took {seconds:.1f} s: {sorted(lost)[:9]} …")
    check(rate > 50, f"only {rate:.0f} pings a second: the upgrade was hardly watched")
    check(not was_marked and site.is_marked() and machine.main_pid() != old, "the daemon is not the newer package's")
    check(machine.run("dpkg-query", "-W", "-f", "${Version}", "weft").stdout == version, "the version is not the newer")
    machine.weft("check")
    print(f"upgrade in {seconds:.1f} s, none of {sent} pings lost at {rate:.0f} a second")


def sent_and_rate(said):
    """How many pings were sent, and how many a second. The last one was on its way when ping was ended."""
    found = re.search(r"(\d+) packets transmitted, .* time (\d+)ms", said)
    check(found, f"ping says {said[-500:]}")
    return int(found[1]), int(found[1]) / int(found[2]) * 1000


@life
def what_was_disabled_or_stopped_stays_so_over_an_upgrade(site):
    site.serve()
    machine = site.machine
    machine.run("systemctl", "disable", "--now", "weftd")
    machine.apt("install", site.newer()[0])
    for question, answer in (("is-enabled", "disabled"), ("is-active", "inactive")):
        said = machine.run("systemctl", question, "weftd", check=False).stdout.strip()
        check(said == answer, f"{question} after the upgrade: {said}")
    site.far.ping(site.near.address4, count=5)  # the programs are there all the same


def still_there(objects):
    """Those of kernel_objects() that the kernel still has."""
    return {(kind, one["id"]) for kind in ("prog", "map")
            for one in json.loads(run("bpftool", "--json", kind, "show").stdout)} & objects


@life(timeout=120)
def removal_leaves_nothing_in_the_kernel_and_purge_leaves_no_file(site):
    machine = site.machine
    links = set(machine.links())
    offloads = machine.features("eth0")
    site.serve()
    # A second instance, in a namespace of its own, whose daemon has ended.
    machine.run("ip", "netns", "add", "other")
    inside = ("nsenter", "--net=/run/netns/other")
    machine.run(*inside, "ip", "link", "add", "dummy0", "type", "veth", "peer", "name", "dummy1")
    machine.write("/tmp/other.json", json.dumps({"vtep": {"address": "192.0.2.77"}, "segments": [{"name": "s", "vni": 7}],
                                                 "ports": [{"interface": "dummy0", "segment": "s"}]}))
    machine.run("systemd-run", "--unit", "other", "--property=Type=notify", *inside, "weftd", "--config", "/tmp/other.json",
                "--instance", "other")
    machine.weft("--instance", "other", "status")

    refused = machine.apt("remove", "weft", check=False)
    check(refused.returncode and "instance other cannot be taken away" in refused.stdout + refused.stderr,
          f"removed under a running daemon: {refused.stdout}{refused.stderr}")
    machine.run("systemctl", "start", "weftd")
    machine.run("systemctl", "stop", "other")
    objects = machine.kernel_objects()
    check(len(objects) > 20, f"{len(objects)} programs and maps are pinned")
    check(set(machine.links()) != links, "no device of weft's own to be taken away")

    machine.apt("remove", "weft")
    wait_for(lambda: not still_there(objects), lambda: f"the kernel to free {still_there(objects)}")
    check(set(machine.links()) == links, f"devices: {sorted(set(machine.links()) ^ links)}")
    check(machine.features("eth0") == offloads, "offloads of eth0 are not what they were")
    for device in ("eth0", site.near.port):
        filters = machine.command("tc", "qdisc", "show", "dev", device).stdout
        check("clsact" not in filters, f"{device}: {filters}")
    attached = json.loads(machine.command("bpftool", "--json", "net", "show").stdout)
    check(not any(attached[0][kind] for kind in ("xdp", "tc")), f"attached: {attached}")
    for path in ("/sys/fs/bpf/weft", "/sys/fs/bpf/xdp", "/run/weft"):
        check(not os.path.exists(machine.at(path)) or path.endswith("xdp") and not os.listdir(machine.at(path)),
              f"{path} is left")
    check(machine.run("systemctl", "is-active", "weftd", check=False).stdout.strip() == "inactive", "weftd is active")
    left = {path for path in machine.files() - site.before if not path.startswith("/etc/weft")}
    check(not left, f"left by remove: {sorted(left)}")
    check(json.loads(machine.read("/etc/weft/weft.json")), "the document went with the package")

    machine.apt("purge", "weft")
    check(machine.files() == site.before, f"left by purge: {sorted(machine.files() ^ site.before)}")
    check("weft:" not in machine.read("/etc/group"), "the group is left")
    check(site.status() == "", f"dpkg knows weft as {site.status()}")


@test(timeout=60)
def it_is_installed_and_purged_where_no_systemd_runs(build):
    """As in an image that is being made: process 1 of the machine does nothing."""
    with Lab(build.bin) as lab:
        machine = Machine(lab, "m", prepare(build), init=("/bin/sleep", "infinity"))
        before = machine.files()
        deb = machine.copy(build.deb())
        machine.apt("install", deb)
        check(machine.run("getent", "group", "weft").returncode == 0, "no group")
        check(machine.read("/proc/sys/kernel/perf_event_paranoid").strip() == "3", "a kernel that is not its own was set")
        machine.apt("install", "--reinstall", deb)
        machine.apt("purge", "weft")
        check(machine.files() == before, f"left: {sorted(machine.files() ^ before)}")

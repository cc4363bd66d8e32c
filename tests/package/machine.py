# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""A machine that shares this kernel: the clean root with systemd as process 1, in the network namespace of a lab's host.

Its root is an overlay over the cached one, its bpffs, cgroups and processes are its own, and all of it goes with it.
"""
import json
import os
import subprocess

from case import HERE
from lab import Host
from netns import Failure, Skip, run, wait_for

SYSTEMD = ("/lib/systemd/systemd", "--system", "--show-status=no")


def cgroup2():
    with open("/proc/mounts", encoding="ascii") as file:
        found = [line.split()[1] for line in file if line.split()[2] == "cgroup2"]
    if not found:
        raise Skip("no cgroup2 is mounted")
    return found[0]


class Machine(Host):
    """A host of the lab that boots `root`. init: its process 1."""

    def __init__(self, lab, name, root, init=SYSTEMD):
        self.process = self.pid = None
        self.cgroup = f"{cgroup2()}/{lab.tag}-{name}"
        super().__init__(lab, name)
        folders = [f"{lab.directory}/machine-{name}/{folder}" for folder in ("upper", "work", "root")]
        for folder in folders:
            os.makedirs(folder)
        try:
            os.mkdir(self.cgroup)
        except OSError as error:
            raise Skip(f"no cgroup for a machine: {error}") from error
        self.console = f"{lab.directory}/machine-{name}/console"
        with open(self.console, "w", encoding="utf-8") as console:
            self.process = self.start(f"{HERE}/boot", root, *folders, self.cgroup, *init, stdout=console,
                                      stderr=subprocess.STDOUT)
        wait_for(lambda: self.is_up(init), f"{name} to boot", 20)

    def is_up(self, init):
        if self.process.poll() is not None:
            with open(self.console, encoding="utf-8", errors="replace") as file:
                said = file.read()
            raise (Skip if "not permitted" in said else Failure)(f"{self.short} does not boot: {said}")
        with open(f"/proc/{self.process.pid}/task/{self.process.pid}/children", encoding="ascii") as file:
            children = file.read().split()
        if not children:
            return False
        self.pid = children[0]
        with open(f"/proc/{self.pid}/cmdline", encoding="ascii") as file:
            if not file.read().startswith(init[0]):
                return False
        return init != SYSTEMD or self.run("systemctl", "is-system-running", check=False).stdout.strip() in (
            "running", "degraded")

    def run(self, *words, check=True, timeout=60, **options):
        """A command in the machine."""
        spaces = ("--mount", "--pid", "--uts", "--ipc", "--net", "--cgroup")
        return run("nsenter", "--target", self.pid, *spaces, *words, check=check, timeout=timeout,
                   env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8", "DEBIAN_FRONTEND": "noninteractive"},
                   **options)

    def apt(self, *words, check=True):
        """apt has no network here: what the package needs is in the root."""
        return self.run("apt-get", "-y", *words, check=check, timeout=90)

    def at(self, name):
        """A file of the machine, as seen from outside."""
        return f"/proc/{self.pid}/root{name}"

    def read(self, name):
        with open(self.at(name), encoding="utf-8") as file:
            return file.read()

    def write(self, name, text):
        os.makedirs(os.path.dirname(self.at(name)), exist_ok=True)
        with open(self.at(name), "w", encoding="utf-8") as file:
            file.write(text)

    def copy(self, deb):
        """A package in /tmp of the machine; its name there."""
        name = f"/tmp/{os.path.basename(deb)}"
        run("cp", deb, self.at(name))
        return name

    def files(self):
        """Every path of its root, without what apt and dpkg write about any package."""
        skipped = ("/var/cache/", "/var/log/", "/var/lib/apt/", "/var/lib/dpkg/", "/var/backups/")
        return {line for line in self.run("find", "/", "-xdev").stdout.splitlines() if not line.startswith(skipped)}

    def weft(self, *words, check=True):
        return self.run("weft", *words, check=check)

    def main_pid(self):
        return int(self.run("systemctl", "show", "-P", "MainPID", "weftd").stdout)

    def kernel_objects(self):
        """{(kind, id)} of the programs and maps that are pinned in the machine."""
        found = set()
        for where, _, names in os.walk(self.at("/sys/fs/bpf/weft")):
            for name in names:
                for kind in ("prog", "map"):
                    shown = run("bpftool", "--json", kind, "show", "pinned", f"{where}/{name}", check=False)
                    if shown.returncode == 0:
                        found.add((kind, json.loads(shown.stdout)["id"]))
        return found

    def describe(self):
        shown = self.run("journalctl", "--no-pager", "-u", "weftd", "-n", "40", check=False) if self.pid else None
        return shown.stdout if shown else ""

    def close(self):
        if self.process and self.process.poll() is None:
            self.process.kill()  # and with it process 1, and all that it started
            self.process.wait()
        try:
            wait_for(self.cgroup_is_gone, f"the processes of {self.short} to end", 10)
        except Failure as failure:  # the other hosts are to be closed all the same
            print(failure)

    def cgroup_is_gone(self):
        for where, _, _ in os.walk(self.cgroup, topdown=False):
            try:
                os.rmdir(where)
            except OSError:
                return False
        return True

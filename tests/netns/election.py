# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""keepalived on hosts of the lab, configured by weft-keepalived, and the leases that its advertisements renew."""
import os
import shutil
import signal
import subprocess
import threading
import time

from netns import Failure, Skip, wait_for

DIST = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../dist")
LEASE_NS, LEASE_HOLD_NS = 250_000_000, 350_000_000  # LEASE_MS and LEASE_HOLD_MS of maps/abi.h


class Keepalived:
    """One process tree on a host. The files lie where keepalived trusts a script: below /run, root's alone."""

    def __init__(self, host):
        if not shutil.which("keepalived"):
            raise Skip("keepalived is not installed")
        self.host = host
        self.folder = f"/run/weft/{host.instance}"
        self.log_path = f"{host.lab.directory}/{host.short}.keepalived.log"
        self.process = None
        self.starts = 0

    def configure(self, *options):
        """What weft-keepalived prints for the running daemon, taken by keepalived's own check."""
        notify = shutil.copy(f"{DIST}/weft-notify", self.folder)
        text = self.host.command(f"{DIST}/weft-keepalived", "--instance", self.host.instance, "--weft",
                                 f"{self.host.lab.binaries}/weft", "--notify", notify, *options).stdout
        with open(f"{self.folder}/keepalived.conf", "w", encoding="utf-8") as file:
            file.write(text)
        self.host.command("keepalived", "--config-test", "-f", f"{self.folder}/keepalived.conf")
        return text

    def start(self):
        """Its own session, so that kill() gets the parent and the VRRP process at once; whose id may still be a zombie's,
        which keepalived would take for itself, so each start has files of its own."""
        self.starts += 1
        pids = [word for short, name in (("-p", "main"), ("-r", "vrrp"), ("-c", "checkers"))
                for word in (short, f"{self.folder}/{name}{self.starts}.pid")]
        with open(self.log_path, "a", encoding="utf-8") as log:
            self.process = self.host.start("keepalived", "--dont-fork", "--log-console", "--no-syslog", "--vrrp", "-f",
                                           f"{self.folder}/keepalived.conf", *pids, stdout=log, stderr=log,
                                           start_new_session=True)
        return self

    def await_state(self, state, times=1):
        """Waits until it says that it entered a state, for so many times since the first start."""
        wait_for(lambda: self.log().count(f"Entering {state} STATE") >= times,
                 lambda: f"keepalived on {self.host.short} to be {state}:\n{self.log()}")

    def kill(self, sig=signal.SIGKILL):
        os.killpg(self.process.pid, sig)
        if sig == signal.SIGKILL:
            self.process.wait()

    def stop(self):
        """As systemd does: a master resigns."""
        self.process.terminate()
        self.process.wait(10)

    def log(self):
        with open(self.log_path, encoding="utf-8", errors="replace") as file:
            return file.read()


class Leases:
    """The leases of several hosts for one virtual router, as they change. Times are ns of CLOCK_MONOTONIC."""

    def __init__(self, hosts, router):
        self.hosts = hosts
        self.runs = {}  # (host, since) -> [last renewal, end or None]
        self.current = {}  # host -> since
        self.process = hosts[0].lab.net.start(f"{hosts[0].lab.binaries}/lease_watch", router,
                                              *(host.instance for host in hosts), stdout=subprocess.PIPE, text=True)
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self):
        for line in self.process.stdout:
            now, number, since, renewed = map(int, line.split())
            host = self.hosts[number]
            before = self.current.get(host)
            if before and before != since and not self.runs[(host, before)][1]:
                last = self.runs[(host, before)][0]
                self.runs[(host, before)][1] = min(now, last + LEASE_NS)  # it resigned, or paused
            self.current[host] = since
            if since:
                self.runs.setdefault((host, since), [0, None])[0] = max(renewed, since)

    def spans(self):
        """[(begin, end, host)] in which a host was designated; an end in the future is not settled yet."""
        out = []
        for (host, since), (renewed, end) in list(self.runs.items()):
            begin, finish = since + LEASE_HOLD_NS, end or renewed + LEASE_NS
            if renewed > since and begin < finish:
                out.append((begin, finish, host))
        return sorted(out, key=lambda span: span[:2])

    def holders(self, at=None):
        """Who is designated now. A row that the watcher has not told yet is renewed within the lease or not at all."""
        at = at or time.monotonic_ns()
        return [host for begin, end, host in self.spans() if begin <= at < end]

    def await_holder(self, among=None, after=0, timeout=10):
        """The beginning of the first span of one of these hosts after a time, and the host."""
        def found():
            now = time.monotonic_ns()
            return [span for span in self.spans() if span[0] >= after and span[0] <= now < span[1]
                    and (among is None or span[2] in among)]
        begin, _, host = wait_for(found, lambda: f"a host to be designated, spans are {self.describe()}", timeout,
                                  every=0.002)[0]
        return begin, host

    def overlaps(self):
        """Pairs of spans of different hosts that shared a moment, as far as lease_watch has surely told."""
        until = time.monotonic_ns() - 100_000_000
        spans = [(begin, min(end, until), host) for begin, end, host in self.spans() if begin < until]
        return [(one, other) for i, one in enumerate(spans) for other in spans[i + 1:]
                if one[2] is not other[2] and other[0] < one[1]]

    def never_two(self):
        """Nobody was designated beside another, at any time until now."""
        if self.process.poll() is not None:
            raise Failure(f"lease_watch ended with {self.process.returncode}")
        if self.overlaps():
            raise Failure(f"two hosts were designated at once: {self.describe()}")

    def describe(self):
        start = min((since for _, since in self.runs), default=0)
        return ", ".join(f"{host.short} {(begin - start) / 1e6:.0f} to {(end - start) / 1e6:.0f} ms"
                         for begin, end, host in self.spans()) or "none"

    def close(self):
        self.process.kill()
        self.process.wait()
        self.reader.join(5)


def elect(hosts, router=51):
    """keepalived on each host, the first is designated: ({host: Keepalived}, Leases)."""
    leases = Leases(hosts, router)
    engines = {host: Keepalived(host) for host in hosts}
    for host in hosts:
        engines[host].configure()
        engines[host].start().await_state("BACKUP")
        leases.await_holder(among=hosts[:1])  # who comes later does not preempt it
    return engines, leases


def elected(document, number, router=51):
    """Makes the document's bridges elected. Priorities are so far apart that a busy machine does not mix up their times
    (RFC 5798 §6.1, skew time): 31 ms."""
    for bridge in document["bridges"]:
        bridge.update(role="elected", virtual_router_id=router, priority=200 - 80 * number)

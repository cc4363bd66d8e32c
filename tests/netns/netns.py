# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""Network namespaces, commands in them, and bounded waits. lab.py makes hosts and guests of these.

A namespace is entered with setns of the network part alone: `ip netns exec` would hide /sys/fs/bpf. Python's sockets
stay in the namespace they were opened in, so one thread serves them all.
"""
import contextlib
import ctypes
import os
import socket
import subprocess
import time

_libc = ctypes.CDLL(None, use_errno=True)
CLONE_NEWNET = 0x40000000
PATIENCE = float(os.environ.get("WEFT_PATIENCE", "1"))  # how much longer a slow machine may take: an emulated one


class Failure(Exception):
    """A test found something wrong: the message is for the reader of the test's output."""


class Skip(Exception):
    """What the test needs is not there: the message says what."""


def wait_for(condition, what, timeout=10.0, every=0.01):
    """The first true result of condition(); Failure after `timeout` seconds. For states that nobody announces."""
    timeout *= PATIENCE
    end = time.monotonic() + timeout
    while True:
        result = condition()
        if result:
            return result
        if time.monotonic() > end:
            raise Failure(f"waited {timeout:g} s for: {what() if callable(what) else what}")
        time.sleep(every)


def run(*command, check=True, timeout=60, stdin=None, cwd=None, env=None):
    """Runs a command to its end; Failure with what it said if it fails and `check` is set."""
    result = subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=timeout * PATIENCE,
                            input=stdin, stdin=None if stdin is not None else subprocess.DEVNULL, cwd=cwd, env=env)
    if check and result.returncode:
        raise Failure(f"{' '.join(map(str, command))}: exit {result.returncode}\n{result.stdout}{result.stderr}".rstrip())
    return result


class Netns:
    """A named network namespace with lo up. `command`, `ip`, `socket` … happen inside it."""

    def __init__(self, lab, short):
        self.lab = lab
        self.short = short
        self.name = f"{lab.tag}-{short}"
        self.path = f"/run/netns/{self.name}"
        run("ip", "netns", "add", self.name)
        lab.register(self)
        self.fd = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
        self.ip("link set lo up")
        self.sysctl("net.ipv6.conf.all.accept_dad", 0)
        self.sysctl("net.ipv6.conf.default.accept_dad", 0)
        self.sysctl("net.ipv6.conf.default.router_solicitations", 0)
        self.sysctl("net.ipv4.ping_group_range", "0 2147483647")

    @contextlib.contextmanager
    def inside(self):
        home = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        try:
            self._setns(self.fd)
            yield
        finally:
            self._setns(home)
            os.close(home)

    @staticmethod
    def _setns(fd):
        if _libc.setns(fd, CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), "setns")

    def command(self, *words, **options):
        with self.inside():
            return run(*words, **options)

    def start(self, *words, **options):
        """A process that the lab ends when it goes."""
        with self.inside():
            process = subprocess.Popen([str(word) for word in words], stdin=subprocess.DEVNULL, **options)
        self.lab.processes.append(process)
        return process

    def ip(self, *lines):
        """`ip` lines as one batch."""
        self.command("ip", "-batch", "-", stdin="\n".join(lines) + "\n")

    def ethtool(self, device, **features):
        """ethtool -K: gro=True, tx=False; underscores stand for dashes."""
        words = [word for name, value in features.items() for word in (name.replace("_", "-"), "on" if value else "off")]
        self.command("ethtool", "-K", device, *words)

    def ping(self, address, count=3, wait=2, check=True, options=()):
        """Exactly `count` answers, or Failure; without `check`, what ping says."""
        if not check:
            return self._ping(address, count, wait, options)
        for number in range(count):  # ping waits `wait` only as long as no answer has come, so each is one of its own
            result = self._ping(address, 1, wait, options)
            if " 1 received" not in result.stdout:
                raise Failure(f"{self.short} pings {address}, {number} of {count} answered:\n{result.stdout}{result.stderr}")
        return result

    def _ping(self, address, count, wait, options):
        return self.command("ping", "-n", "-q", "-i", "0.02", "-c", count, "-W", wait * PATIENCE, *options, address,
                            check=False)

    def features(self, device):
        """ethtool -k as {name: bool}."""
        lines = self.command("ethtool", "-k", device).stdout.splitlines()[1:]
        return {line.split(":")[0].strip(): line.split(":")[1].split()[0] == "on" for line in lines if ":" in line}

    def sysctl(self, name, value=None):
        path = "/proc/sys/" + name.replace(".", "/")
        with self.inside():
            if value is None:
                with open(path, encoding="ascii") as file:
                    return file.read().strip()
            with open(path, "w", encoding="ascii") as file:
                file.write(str(value))
        return str(value)

    def silence(self, *families):
        """Drops what the kernel here sends by itself, of nftables' families; packet sockets send all the same."""
        self.command("nft", "-f", "-", stdin="\n".join(
            f"add table {family} silence\n"
            f"add chain {family} silence out {{ type filter hook output priority 0; policy drop; }}" for family in families))

    def socket(self, *arguments):
        with self.inside():
            return socket.socket(*arguments)

    def links(self):
        """Names of the devices here."""
        out = self.command("ip", "-o", "link", "show").stdout
        return {line.split(": ")[1].split("@")[0]: line for line in out.splitlines()}

    def mac(self, device):
        return self.command("ip", "-br", "link", "show", "dev", device).stdout.split()[2]

    def snmp(self):
        """The kernel's protocol counters: {"TcpInCsumErrors": 0, "Udp6InErrors": 0, …}."""
        counters = {}
        with self.inside():
            with open("/proc/thread-self/net/snmp", encoding="ascii") as file:
                lines = file.read().splitlines()
            with open("/proc/thread-self/net/snmp6", encoding="ascii") as file:
                six = file.read().splitlines()
        for names, values in zip(lines[::2], lines[1::2]):
            protocol = names.split(":")[0]
            counters.update({protocol + name: int(value) for name, value in zip(names.split()[1:], values.split()[1:])})
        counters.update({line.split()[0]: int(line.split()[1]) for line in six if len(line.split()) == 2})
        return counters

    def checksum_errors(self):
        """Segments this namespace's stack threw away for their checksum."""
        counters = self.snmp()
        return sum(counters.get(name, 0) for name in ("TcpInCsumErrors", "UdpInCsumErrors", "Udp6InCsumErrors",
                                                      "IcmpInCsumErrors", "Icmp6InCsumErrors"))

    def delete(self):
        os.close(self.fd)
        run("ip", "netns", "del", self.name, check=False)

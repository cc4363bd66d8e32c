# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""An overlay in network namespaces: an underlay switch and router, hosts that run weftd or the kernel's own vxlan, guests.

    with Lab(binaries) as lab:
        a, k = lab.weft_host("a"), lab.kernel_host("k")
        guest = lab.guest(a, "a1")
        …
Names carry the pid; everything goes when the block ends, also by SIGTERM. Addresses are the documentation ranges:
underlay 192.0.2.0/24 and 2001:db8:0:2::/64 (behind the router 203.0.113.0/24 and 2001:db8:0:3::/64), guests
198.51.100.0/24 and 2001:db8:1::/64.
"""
import json
import os
import shutil
import signal
import subprocess
import tempfile

from leftovers import REGISTRY, enter, forget_instance
from netns import PATIENCE, Failure, Netns, Skip, run, wait_for
from wire import BROADCAST, Counter, Marker, Sender, Tap, ethernet, ETHERTYPE_TEST

VNI = 5001


class Lab:
    def __init__(self, binaries, mtu=1600):
        self.binaries = os.path.abspath(binaries)
        self.tag = f"weft{os.getpid()}"
        self.directory = tempfile.mkdtemp(prefix=f"{self.tag}-")
        self.processes, self.namespaces, self.hosts, self.guests = [], [], [], []
        self.mtu = mtu
        self.kept = False
        self.instances = {}
        self.first_host = self.first_guest = 1  # their numbers, of which addresses are made
        self.net = None

    def __enter__(self):
        if os.geteuid():
            raise Skip("needs root")
        signal.signal(signal.SIGTERM, lambda number, frame: (_ for _ in ()).throw(SystemExit(128 + number)))
        if not os.path.ismount("/sys/fs/bpf"):
            run("mount", "-t", "bpf", "bpf", "/sys/fs/bpf")
        try:
            self.net = self.underlay()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, kind, error, trace):
        try:
            if error is not None and not isinstance(error, Skip):
                self.report()
        finally:  # also where the reader of the report is gone
            if not self.kept:
                self.close()

    def underlay(self):
        """What connects the hosts; a lab whose hosts have real NICs has another."""
        return Underlay(self)

    def register(self, namespace=None):
        """Writes what must go if this process is killed; before it is made."""
        if namespace:
            self.namespaces.append(namespace)
        record = {"pid": os.getpid(), "kept": self.kept, "directory": self.directory, "instances": self.instances,
                  "namespaces": [each.name for each in self.namespaces], "weftd": f"{self.binaries}/weftd"}
        enter(self.tag, record)

    def keep(self):
        self.kept = True
        self.register()

    def close(self):
        for host in self.hosts:
            host.close()
        for process in self.processes:
            if process.poll() is None:
                process.kill()
                process.wait()
        for namespace in self.namespaces:
            namespace.delete()
        shutil.rmtree(self.directory, ignore_errors=True)
        if os.path.exists(f"{REGISTRY}/{self.tag}"):
            os.unlink(f"{REGISTRY}/{self.tag}")

    def report(self):
        """After a failure: what the daemons said and counted."""
        for host in self.hosts:
            text = host.describe()
            if text:
                print(f"--- {host.short}\n{text}", flush=True)

    def weft_host(self, name, **options):
        return WeftHost(self, name, **options)

    def kernel_host(self, name, **options):
        return KernelHost(self, name, **options)

    def guest(self, host, name, **options):
        return Guest(self, host, name, **options)


class Underlay(Netns):
    """One switch, and a router to a second one. Its device towards host x is h-x."""

    def __init__(self, lab):
        super().__init__(lab, "net")
        self.mtu = lab.mtu
        self.ip("link add br0 type bridge mcast_snooping 0 forward_delay 0", f"link set br0 up mtu {lab.mtu}",
                "address add 192.0.2.254/24 dev br0", "address add 2001:db8:0:2::fe/64 dev br0 nodad",
                "link add br1 type bridge mcast_snooping 0 forward_delay 0", f"link set br1 up mtu {lab.mtu}",
                "address add 203.0.113.254/24 dev br1", "address add 2001:db8:0:3::fe/64 dev br1 nodad")
        self.sysctl("net.ipv4.ip_forward", 1)
        self.sysctl("net.ipv6.conf.all.forwarding", 1)
        no_netfilter(self)

    def plug(self, host, subnet):
        port = f"h-{host.short}"
        self.ip(f"link add {port} mtu {self.mtu} type veth peer name eth0 mtu {self.mtu} netns {host.name}")
        self.sysctl(f"net.ipv6.conf.{port}.disable_ipv6", 1)
        self.ip(f"link set {port} master br{subnet} up")
        self.ethtool(port, gro=True)  # its NAPI takes what XDP redirects into eth0
        return port


def no_netfilter(netns):
    for family in ("ip", "ip6", "arp"):
        if os.path.exists("/proc/sys/net/bridge"):
            netns.sysctl(f"net.bridge.bridge-nf-call-{family}tables", 0)


class Host(Netns):
    """A machine with one uplink, eth0. `family` is that of the underlay, `subnet` 1 lies behind the router."""

    def __init__(self, lab, name, family=4, subnet=0):
        super().__init__(lab, name)
        self.family = family
        self.number = lab.first_host + len(lab.hosts)
        lab.hosts.append(self)
        self.ports = {}
        net4, net6 = (("192.0.2", "2001:db8:0:2"), ("203.0.113", "2001:db8:0:3"))[subnet]
        self.address4, self.address6 = f"{net4}.{self.number}", f"{net6}::{self.number}"
        self.address = self.address4 if family == 4 else self.address6
        self.switch_port = lab.net.plug(self, subnet)
        self.ip("link set eth0 up", f"address add {self.address4}/24 dev eth0",
                f"address add {self.address6}/64 dev eth0 nodad", f"route add default via {net4}.254",
                f"route add ::/0 via {net6}::fe")

    def add_port(self, port, guest):
        self.ports[port] = guest

    def sent(self, marker, key=None):
        """Counts what this host puts on the underlay, at the switch."""
        return Counter(self.lab.net, self.switch_port, marker, key=key)

    def sent_tap(self):
        return Tap(self.lab.net, self.switch_port)

    def describe(self):
        return ""

    def close(self):
        pass


class KernelHost(Host):
    """A plain Linux VTEP: a bridge per segment with a vxlan device, the flood list as all-zero FDB entries."""

    def __init__(self, lab, name, **options):
        super().__init__(lab, name, **options)
        no_netfilter(self)
        self.segments = {}

    def segment(self, vni, remotes, ports=None, zero_checksum6=False, mtu=1500):
        """Remotes are addresses. Guests in `ports` (all of this host, if None) join it."""
        device, bridge = f"vx{vni}", f"br{vni}"
        zero = "udp6zerocsumtx udp6zerocsumrx" if zero_checksum6 else ""
        self.ip(f"link add {device} mtu {mtu} type vxlan id {vni} local {self.address} dstport 4789 {zero}",
                f"link add {bridge} type bridge mcast_snooping 0 forward_delay 0",
                f"link set {device} master {bridge} up", f"link set {bridge} up",
                *(f"link set {port} master {bridge}" for port in (self.ports if ports is None else ports)))
        for own in (device, bridge):  # their own MLD would be a guest's frame to the others
            self.sysctl(f"net.ipv6.conf.{own}.disable_ipv6", 1)
        for remote in remotes:
            self.command("bridge", "fdb", "append", "00:00:00:00:00:00", "dev", device, "dst", remote)
        self.segments[vni] = device


class WeftHost(Host):
    """A host that runs weftd, with a configuration document of its own."""

    def __init__(self, lab, name, **options):
        super().__init__(lab, name, **options)
        self.instance = f"{lab.tag}-{name}"
        lab.instances[self.instance] = self.name
        lab.register()
        self.file = f"{lab.directory}/{name}.json"
        self.log_path = f"{lab.directory}/{name}.log"
        self.document = {"vtep": {"address": self.address}, "uplinks": [{"interface": "eth0"}], "segments": [],
                         "ports": []}
        self.daemon, self.options = None, ()  # further words of weftd

    def segment(self, vni, remotes, name="blue", ports=None, hook=None, **keys):
        """Adds a segment to the document, with its ports: all of this host if None."""
        self.document["segments"].append({"name": name, "vni": vni, "remotes": list(remotes), **keys})
        for port in (self.ports if ports is None else ports):
            entry = {"interface": port, "segment": name}
            self.document["ports"].append(entry | ({"hook": hook} if hook else {}))
        if hook:
            self.document["uplinks"][0]["hook"] = hook

    def write(self):
        with open(self.file, "w", encoding="utf-8") as file:
            json.dump(self.document, file, indent=1)
        return self.file

    def up(self, timeout=15, **how):
        """Starts the daemon and waits until it serves."""
        self.launch(**how)
        self.ready(timeout)

    def launch(self, wrapper=(), env=None, program="weftd"):
        """Starts the daemon. The log of every start goes to one file."""
        self.write()
        with open(self.log_path, "a", encoding="utf-8") as log, self.inside():
            self.daemon = subprocess.Popen(
                [*wrapper, f"{self.lab.binaries}/{program}", "--config", self.file, "--instance", self.instance,
                 *self.options], stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
                env={**os.environ, **(env or {})})
        self.lab.processes.append(self.daemon)

    def ready(self, timeout=15):
        def state():
            if self.daemon.poll() is not None:
                raise Failure(f"weftd on {self.short} ended with {self.daemon.returncode}\n{self.log()}")
            return self.weft("status", check=False).returncode == 0
        wait_for(state, f"weft status on {self.short} to be 0", timeout, every=0.02)

    def down(self, sig=signal.SIGTERM, timeout=5):
        """Ends the daemon; the datapath goes on."""
        self.daemon.send_signal(sig)
        try:
            code = self.daemon.wait(timeout * PATIENCE)
        except subprocess.TimeoutExpired as error:
            self.daemon.kill()
            self.daemon.wait()
            raise Failure(f"weftd on {self.short} did not end in {timeout} s") from error
        if sig == signal.SIGTERM and code != 0:
            raise Failure(f"weftd on {self.short} ended with {code} on SIGTERM\n{self.log()}")

    def detach(self, check=True):
        return self.command(f"{self.lab.binaries}/weftd", "--detach", "--instance", self.instance, check=check)

    def weft(self, *words, check=True, stdin=None):
        """One CLI command. The control socket is a file: no namespace is needed."""
        return run(f"{self.lab.binaries}/weft", "--instance", self.instance, *words, check=check, stdin=stdin)

    def json(self, *words):
        return json.loads(self.weft(*words, "--json").stdout)

    def fdb(self, **fields):
        """Entries whose fields have these values, e.g. mac=…, origin="dynamic"."""
        return [entry for entry in self.json("fdb", "list")
                if all(entry.get(key) == value for key, value in fields.items())]

    def learned(self, mac, timeout=5, **fields):
        """Waits for the entry of a MAC."""
        return wait_for(lambda: self.fdb(mac=mac, **fields), lambda: f"{mac} {fields} in {self.short}'s fdb:\n"
                        + self.weft("fdb", "list", check=False).stdout, timeout)[0]

    def neighbor(self, ip, timeout=5, **fields):
        def found():
            return [entry for entry in self.json("neighbor", "list") if entry["ip"] == ip and
                    all(entry.get(key) == value for key, value in fields.items())]
        return wait_for(found, f"{ip} {fields} in {self.short}'s neighbors", timeout)[0]

    def verdicts(self):
        """{name: packets} of `weft stats --by verdict`, upper case names as in maps/verdicts.h."""
        return {row["verdict"].upper(): row["packets"] for row in self.json("stats", "--by", "verdict")}

    def log(self):
        with open(self.log_path, encoding="utf-8", errors="replace") as file:
            return file.read()

    def describe(self):
        if not os.path.exists(self.log_path):
            return ""
        parts = [f"log:\n{self.log()[-4000:]}"]
        if self.daemon and self.daemon.poll() is None:
            for words in (("stats", "--by", "verdict"), ("fdb", "list"), ("port", "list"), ("uplink", "list")):
                result = run(f"{self.lab.binaries}/weft", "--instance", self.instance, *words, check=False)
                parts.append(f"weft {' '.join(words)}:\n{(result.stdout + result.stderr)[:2500]}")
        return "\n".join(parts)

    def close(self):
        if self.daemon and self.daemon.poll() is None:
            self.daemon.terminate()
            try:
                self.daemon.wait(5)
            except subprocess.TimeoutExpired:
                self.daemon.kill()
                self.daemon.wait()
        if self.daemon:
            self.detach(check=False)
        forget_instance(self.instance)


class Guest(Netns):
    """A machine behind a veth: eth0 here, `port` on the host. gro=True gives its end NAPI (and takes XDP redirects)."""

    def __init__(self, lab, host, name, gro=True, offloads=True, mtu=1500, mac=None, attach=True, number=None):
        super().__init__(lab, name)
        self.number = number or lab.first_guest + len(lab.guests)
        lab.guests.append(self)
        self.host, self.port = host, f"p-{name}"
        self.mac_address = mac or f"02:00:00:00:00:{self.number:02x}"
        self.address4, self.address6 = f"198.51.100.{self.number}", f"2001:db8:1::{self.number:x}"
        host.ip(f"link add {self.port} mtu {mtu} type veth peer name eth0 mtu {mtu} address {self.mac_address} "
                f"netns {self.name}")
        host.sysctl(f"net.ipv6.conf.{self.port}.disable_ipv6", 1)
        host.ip(f"link set {self.port} up")
        self.ip("link set eth0 up", f"address add {self.address4}/24 dev eth0",
                f"address add {self.address6}/64 dev eth0 nodad")
        self.ethtool("eth0", gro=gro)
        if not offloads:
            self.ethtool("eth0", tx=False, tso=False)
        if attach:
            host.add_port(self.port, self)
        self.sender = None

    def address(self, family):
        return self.address4 if family == 4 else self.address6

    def send(self, frame):
        if not self.sender:
            self.sender = Sender(self, "eth0")
        self.sender.send(frame)

    def count(self, marker):
        return Counter(self, "eth0", marker)

    def tap(self):
        return Tap(self, "eth0")

    def announce(self):
        """One marked broadcast, so that bridges know this guest; nothing replies."""
        self.send(ethernet(BROADCAST, self.mac_address, ETHERTYPE_TEST, Marker().payload(0, 46)))

    def extend(self, name, number):
        """A namespace beyond this guest, which routes to it: a tap-like link without any transmit offload."""
        self.sysctl("net.ipv4.ip_forward", 1)
        self.sysctl("net.ipv6.conf.all.forwarding", 1)
        tail = Netns(self.lab, name)
        self.ip(f"link add tail type veth peer name eth0 netns {tail.name}", f"address add 203.0.113.{number}/31 dev tail",
                f"address add 2001:db8:9::{number:x}/127 dev tail nodad", "link set tail up")
        tail.ip("link set eth0 up", f"address add 203.0.113.{number + 1}/31 dev eth0",
                f"address add 2001:db8:9::{number + 1:x}/127 dev eth0 nodad", f"route add default via 203.0.113.{number}",
                f"route add ::/0 via 2001:db8:9::{number:x}")
        self.ethtool("tail", tx=False, tso=False, gso=False)
        return tail

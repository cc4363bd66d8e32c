# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""The ways that are compared. Each has its own two hosts on one wire and a guest on each; all are up at once.

    guest near ── host a ══ wire ══ host b ── guest far      (traffic goes from near to far)
"""
import glob
import ipaddress
import json
import os
import subprocess

from lab import VNI, Host, KernelHost, no_netfilter
from netns import Failure
from routing import BLUE, GATEWAY_MAC, GATEWAYS, GREEN, gateway_of, settle

VLAN = 100
FIRST_ADDRESS = ipaddress.IPv4Address("198.18.0.0")  # of RFC 2544's range for benchmarks: nobody has to be there
SEGMENTATION = ("tso", "tx-udp-segmentation", "tx-udp_tnl-segmentation", "tx-udp_tnl-csum-segmentation")


class Wires:
    """In place of the lab's switch: hosts are joined two by two, each pair by a veth of its own."""

    def __init__(self, lab):
        self.lab, self.waiting = lab, None

    def plug(self, host, subnet):
        del subnet
        if self.waiting is None:
            host.ip(f"link add eth0 mtu {self.lab.mtu} type veth peer name far mtu {self.lab.mtu}")
            self.waiting = host
        else:
            self.waiting.ip(f"link set far netns {host.name} name eth0")
            self.waiting = None
        return None


class BestKernelHost(KernelHost):
    """Static entries, no learning, no flooding, no netfilter."""

    def serve(self, port, guest, far_guest, far_address, checksum):
        no_netfilter(self)
        self.ip(f"link add vx type vxlan id {VNI} local {self.address} dstport 4789 nolearning {checksum}",
                "link add br0 type bridge mcast_snooping 0 forward_delay 0", "link set vx master br0",
                f"link set {port} master br0", "link set br0 up", "link set vx up",
                "link set vx type bridge_slave learning off flood off",
                f"link set {port} type bridge_slave learning off flood off")
        for words in (f"append {far_guest.mac_address} dev vx dst {far_address} self permanent",
                      f"replace {far_guest.mac_address} dev vx master static",
                      f"replace {guest.mac_address} dev {port} master static"):
            self.command("bridge", "fdb", *words.split())


class Way:
    """Two hosts of one kind and a guest on each."""

    hook = None  # of its programs, where it has any
    fills = ()   # [(entries, seconds)] of the tables' loading

    def __init__(self, lab, name, queues=1):
        self.lab, self.name, self.filled, self.fills = lab, name, 1, []
        xdp = self.hook == "xdp"
        short = "".join(word[:2] for word in name.split("-"))  # a device's name has 15 characters
        self.hosts = [self.make_host(f"{short}-{side}") for side in "ab"]
        # Frames through XDP lose the guest's partial checksums, so its offloads must be off there.
        self.near, self.far = [lab.guest(host, f"{host.short}1", offloads=not xdp) for host in self.hosts]
        for host, guest in zip(self.hosts, (self.near, self.far)):
            host.ethtool(guest.port, gro=True)  # a veth takes live frames only with NAPI behind it
            if xdp:
                host.ethtool("eth0", gro=True)  # the same, before the far daemon looks
            for netns, device in ((host, "eth0"), (host, guest.port), (guest, "eth0")) if queues > 1 else ():
                netns.command("ethtool", "-L", device, "rx", queues, "tx", queues)  # before anything attaches
        self.introduce()
        for host, guest, far, far_guest in ((*self.hosts[:1], self.near, *self.hosts[1:], self.far),
                                            (*self.hosts[1:], self.far, *self.hosts[:1], self.near)):
            self.serve(host, guest, far, far_guest)
        self.near.ping(self.far.address4, count=5)

    def make_host(self, short):
        return Host(self.lab, short)

    def introduce(self):
        self.near.ip(f"neighbor replace {self.far.address4} lladdr {self.far.mac_address} dev eth0 nud permanent")
        self.far.ip(f"neighbor replace {self.near.address4} lladdr {self.near.mac_address} dev eth0 nud permanent")

    def address_of_frames(self, back=False):
        """Options of `bench_tool send`: the MAC that the sender's frames are for, and what follows."""
        return {"to_mac": (self.near if back else self.far).mac_address}

    def serve(self, host, guest, far, far_guest):
        raise NotImplementedError

    def wire(self, offloads):
        """False: like a NIC that segments nothing: software does before the wire, and GRO puts together behind it."""
        state = "on" if offloads else "off"
        for host in self.hosts:
            host.command("ethtool", "-K", "eth0", *(word for name in SEGMENTATION for word in (name, state)))
            host.ethtool("eth0", gro=not offloads or self.hook == "xdp")
            # Without a queue a veth's ring of 256 drops the burst that a segmented frame is.
            action = ("del", "root") if offloads else ("replace", "root", "pfifo", "limit", "2000")
            host.command("tc", "qdisc", action[0], "dev", "eth0", *action[1:])


class KernelWay(Way):
    def __init__(self, lab, name, checksum="noudpcsum", **options):
        self.checksum = checksum
        super().__init__(lab, name, **options)

    def make_host(self, short):
        return BestKernelHost(self.lab, short)

    def serve(self, host, guest, far, far_guest):
        host.serve(guest.port, guest, far_guest, far.address, self.checksum)

    def fill(self, count, tool):
        """Loads the MACs [filled, count) by `bridge -batch`: a remote MAC needs the bridge's table and the vxlan's."""
        del tool
        a, b = self.hosts
        first, self.filled = self.filled if self.fills else 0, count
        rules = ((a, f"dev vx dst {b.address} self permanent"), (a, "dev vx master static"),
                 (b, f"dev {self.far.port} master static"))
        for host, rule in rules:
            path = f"{self.lab.directory}/fdb"
            with open(path, "w", encoding="ascii") as file:
                file.writelines(f"fdb add {numbered_mac(index)} {rule}\n" for index in range(first, count))
            result = host.command("bash", "-c", f"time -p bridge -batch {path}", timeout=300)
            self.fills.append((count - first, float(result.stderr.split()[1])))


def numbered_mac(index):
    return "0a:00:" + ":".join(f"{index >> shift & 255:02x}" for shift in (24, 16, 8, 0))


class WeftWay(Way):
    def __init__(self, lab, name, hook=None, **options):
        self.hook = hook
        super().__init__(lab, name, **options)
        self.check_hook()

    def make_host(self, short):
        return self.lab.weft_host(short)

    def serve(self, host, guest, far, far_guest):
        del far_guest
        host.segment(VNI, [far.address], ports=[guest.port], hook=self.hook, mtu=1500)
        host.up()

    def check_hook(self):
        """XDP that was refused must not be measured as XDP."""
        for host in self.hosts if self.hook else ():
            for row in host.json("port", "list") + host.json("uplink", "list"):
                if row["hook"] != self.hook:
                    raise Failure(f"{row['interface']} is served by {row['hook']}: {row.get('reason')}")

    def pins(self, host):
        return glob.glob(f"/sys/fs/bpf/weft/{host.instance}/v*")[0]

    def fill(self, count, tool):
        first, self.filled = self.filled if self.fills else 0, count
        for host in self.hosts:
            done = tool("fill", pins=self.pins(host), vni=VNI, like=self.far.mac_address, first=first, count=count)
            self.fills.append((done["entries"], done["seconds"]))


class VlanWay(WeftWay):
    """The near guest is a server on a physical VLAN, which host a bridges."""

    def serve(self, host, guest, far, far_guest):
        if guest is self.far:
            super().serve(host, guest, far, far_guest)
            return
        guest.command(f"{self.lab.binaries}/tagger", "eth0", VLAN)
        guest.ethtool("eth0", gro=True)  # a veth takes what XDP redirects only with NAPI behind it, as a NIC always does
        host.segment(VNI, [far.address], ports=[], hook=self.hook, mtu=1400)
        host.document["bridges"] = [{"segment": "blue", "interface": guest.port, "vlan": VLAN, "role": "designated"}]
        if self.hook:  # a NIC has XDP by itself; a veth is asked as an uplink
            host.document["uplinks"].append({"interface": guest.port, "hook": self.hook})
        host.up()


class Routed:
    """The near guest is in the segment blue, the far one in green, and each host routes between them."""

    def introduce(self):
        for guest, segment in ((self.near, "blue"), (self.far, "green")):
            settle(guest, segment)
            guest.ip(f"neighbor replace {GATEWAYS[segment][0]} lladdr {GATEWAY_MAC} dev eth0 nud permanent")

    def address_of_frames(self, back=False):
        del back
        return {"to_mac": GATEWAY_MAC, "routed": 1}


class RoutedWeftWay(Routed, WeftWay):
    routes = ()  # of the first host

    def serve(self, host, guest, far, far_guest):
        del far_guest
        for name, vni, local in (("blue", BLUE, self.near), ("green", GREEN, self.far)):
            host.segment(vni, [far.address], name=name, ports=[guest.port] if guest is local else [], hook=self.hook,
                         mtu=1500, routing_domain="tenant", gateway=gateway_of(name))
        host.document["routing_domains"] = [{"name": "tenant", "routes": list(self.routes if guest is self.near else ())}]
        host.up(timeout=60)


class ManyRoutesWay(RoutedWeftWay):
    """Frames for `hosts` addresses with a route each, and for the two of each of `prefixes` prefixes behind them."""

    def __init__(self, lab, name, hosts, prefixes):
        self.hosts_routed, self.prefixes_routed = hosts, prefixes
        super().__init__(lab, name)

    def serve(self, host, guest, far, far_guest):
        if guest is self.near:
            prefixes = [f"{FIRST_ADDRESS + index}/32" for index in range(self.hosts_routed)]
            prefixes += [f"{FIRST_ADDRESS + self.hosts_routed + 2 * index}/31" for index in range(self.prefixes_routed)]
            self.routes = [{"prefix": prefix, "via": [self.far.address4]} for prefix in prefixes]
        super().serve(host, guest, far, far_guest)

    def address_of_frames(self, back=False):
        return {**super().address_of_frames(back), "to_ip": FIRST_ADDRESS,
                "addresses": self.hosts_routed + 2 * self.prefixes_routed}


class ManyRulesWay(WeftWay):
    """Frames for so many addresses, each with an access rule of the first host's segment."""

    def __init__(self, lab, name, rules):
        self.rules = rules
        super().__init__(lab, name)

    def serve(self, host, guest, far, far_guest):
        if guest is self.near:
            host.document["acls"] = [{"name": "many", "default": "allow", "rules": [
                {"priority": index + 1, "action": "allow", "direction": "from_port", "protocol": "udp",
                 "destination": f"{FIRST_ADDRESS + index}/32", "destination_ports": "9999"} for index in range(self.rules)]}]
            host.segment(VNI, [far.address], ports=[guest.port], mtu=1500, acl="many")
            host.up(timeout=60)
        else:
            super().serve(host, guest, far, far_guest)

    def address_of_frames(self, back=False):
        return {**super().address_of_frames(back), "to_ip": FIRST_ADDRESS, "addresses": self.rules}


class RoutedKernelWay(Routed, KernelWay):
    """A bridge and a vxlan a segment, both bridges with the gateway's address and MAC, static neighbors everywhere."""

    def serve(self, host, guest, far, far_guest):
        del far_guest
        no_netfilter(host)
        host.sysctl("net.ipv4.ip_forward", 1)
        for name, vni, local in (("blue", BLUE, self.near), ("green", GREEN, self.far)):
            here = guest is local
            port = guest.port if here else f"vx{vni}"
            members = sorted({port, f"vx{vni}"})
            host.ip(f"link add vx{vni} type vxlan id {vni} local {host.address} dstport 4789 nolearning {self.checksum}",
                    f"link add br{vni} address {GATEWAY_MAC} type bridge mcast_snooping 0 forward_delay 0",
                    *(f"link set {member} master br{vni}" for member in members),
                    f"link set vx{vni} up", f"link set br{vni} up", f"address add {GATEWAYS[name][0]}/24 dev br{vni}",
                    *(f"link set {member} type bridge_slave learning off flood off" for member in members),
                    f"neighbor replace {local.address4} lladdr {local.mac_address} dev br{vni} nud permanent")
            host.command("bridge", "fdb", "replace", local.mac_address, "dev", port, "master", "static")
            if not here:
                host.command("bridge", "fdb", "append", local.mac_address, "dev", port, "dst", far.address, "self",
                             "permanent")


class RawWay(Way):
    """The bound: redirect without encapsulation."""

    def __init__(self, lab, name, hook, **options):
        self.hook = hook
        super().__init__(lab, name, **options)

    def serve(self, host, guest, far, far_guest):
        del far, far_guest
        process = subprocess.Popen([f"{self.lab.binaries}/bench_tool", "forward", f"netns={host.path}",
                                    f"port={guest.port}", "uplink=eth0", f"hook={self.hook}"],
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.lab.processes.append(process)
        if not json.loads(process.stdout.readline() or "{}").get("ready"):
            raise Failure(f"{self.name}: the redirect programs do not attach")


MAKERS = {
    "kernel": KernelWay,
    "kernel-csum": lambda lab, name: KernelWay(lab, name, checksum="udpcsum"),
    "tc": WeftWay,
    "xdp": lambda lab, name: WeftWay(lab, name, hook="xdp"),
    "tc-vlan": VlanWay,
    "xdp-vlan": lambda lab, name: VlanWay(lab, name, hook="xdp"),
    "kernel-routed": RoutedKernelWay,
    "tc-routed": RoutedWeftWay,
    "xdp-routed": lambda lab, name: RoutedWeftWay(lab, name, hook="xdp"),
    "tc-few-routes": lambda lab, name: ManyRoutesWay(lab, name, hosts=8, prefixes=2),
    "tc-many-routes": lambda lab, name: ManyRoutesWay(lab, name, hosts=100_000, prefixes=10_000),
    "tc-few-rules": lambda lab, name: ManyRulesWay(lab, name, rules=10),
    "tc-many-rules": lambda lab, name: ManyRulesWay(lab, name, rules=10_000),
    "raw-tc": lambda lab, name: RawWay(lab, name, hook="tc"),
    "raw-xdp": lambda lab, name: RawWay(lab, name, hook="xdp"),
    "kernel-2q": lambda lab, name: KernelWay(lab, name, queues=2),
    "xdp-2q": lambda lab, name: WeftWay(lab, name, hook="xdp", queues=2),
}
EXPLAINED = {
    "kernel": "bridge + vxlan: static entries, no learning, no flooding, no outer checksum, no netfilter",
    "kernel-csum": "the same with outer UDP checksums, which TCP may like better",
    "tc": "weft as it ships: hook auto",
    "xdp": "weft with hook xdp on ports and uplinks, the guests' offloads off",
    "tc-vlan": "weft as it ships, the near guest on VLAN 100 of a NIC of host a, which bridges it; its frames have tags",
    "xdp-vlan": "the same with hook xdp everywhere",
    "kernel-routed": "a bridge and a vxlan a segment, the bridges with the gateway's address: static entries and neighbors",
    "tc-routed": "weft as it ships, routing between two segments on the first host",
    "xdp-routed": "the same with hook xdp on ports and uplinks, the guests' offloads off",
    "tc-few-routes": "tc-routed with 8 host routes and 2 prefixes, the frames' destinations at random among their 12 addresses",
    "tc-many-routes": "the same with 100,000 host routes, 10,000 prefixes and 120,000 addresses",
    "tc-few-rules": "tc with ten access rules on the segment, the frames' destinations at random, each with a rule of its own",
    "tc-many-rules": "the same with 10,000",
    "raw-tc": "TC redirect without encapsulation, to the guest by redirect_peer: the bound of tc",
    "raw-xdp": "XDP redirect without encapsulation: the bound of xdp",
    "kernel-2q": "kernel, two queues a device",
    "xdp-2q": "xdp, two queues a device",
}


def set_up(lab, names):
    """{name: Way} of those that run here, {name: why} of the others. Only XDP may be impossible on a machine."""
    lab.net = Wires(lab)
    ways, missing = {}, {}
    for name in names:
        try:
            ways[name] = MAKERS[name](lab, name)
        except Failure as reason:
            if "xdp" not in name:
                raise
            missing[name] = str(reason)
            lab.net.waiting = None
    return ways, missing

# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""Physical VLANs: a switch that carries tagged frames, hosts' NICs on it, and servers that know nothing of an overlay."""
from netns import Netns
from overlay import join, start
from wire import BROADCAST, ETHERTYPE_TEST, Counter, Marker, Sender, Tap, ethernet

VLAN = 100


class PhysicalSwitch(Netns):
    """Forwards by MAC, with the tags as they are: the trunks of a small switch. Its port towards x is s-x."""

    def __init__(self, lab, name="sw"):
        super().__init__(lab, name)
        self.ip("link add br0 type bridge mcast_snooping 0 forward_delay 0", "link set br0 up")
        self.sysctl("net.ipv6.conf.br0.disable_ipv6", 1)

    def plug(self, host, device="eth1"):
        """A NIC of `host`; the name of the switch's end."""
        port = f"s-{host.short}-{device}"
        self.ip(f"link add {port} type veth peer name {device} netns {host.name}")
        self.sysctl(f"net.ipv6.conf.{port}.disable_ipv6", 1)
        self.ip(f"link set {port} master br0 up")
        self.ethtool(port, gro=True)
        host.sysctl(f"net.ipv6.conf.{device}.disable_ipv6", 1)
        host.ip(f"link set {device} up")
        return port

    def tap(self, port, outgoing=False):
        """Frames from (or to) who is on that port, with their tags."""
        return Tap(self, port, outgoing)

    def count(self, port, marker, outgoing=False, key=None):
        return Counter(self, port, marker, outgoing, key)


class ServerCounter(Counter):
    """What the server itself would take: its own VLAN, without the tag."""

    def __init__(self, server, marker):
        super().__init__(server, "eth0", marker)
        self.tag = (server.protocol, server.vlan) if server.vlan else None

    def frames(self):
        for frame in super().frames():
            if tag_of(frame) == self.tag:
                yield frame[:12] + frame[16:] if self.tag else frame


class Server(Netns):
    """A physical machine on one VLAN: eth0 is as untagged to it as an 802.1Q device would be."""

    def __init__(self, lab, switch, name, number, vlan=VLAN, protocol=0x8100):
        super().__init__(lab, name)
        self.lab, self.number, self.vlan, self.protocol = lab, number, vlan, protocol
        self.mac_address = f"02:00:00:00:01:{number:02x}"
        self.address4, self.address6 = f"198.51.100.{number}", f"2001:db8:1::{number:x}"
        self.port = PhysicalSwitch.plug(switch, self, "eth0")  # of any namespace with a br0
        self.switch = switch
        self.sysctl("net.ipv6.conf.eth0.disable_ipv6", 0)
        self.ip(f"link set eth0 address {self.mac_address}", f"address add {self.address4}/24 dev eth0",
                f"address add {self.address6}/64 dev eth0 nodad")
        if vlan:
            self.command(f"{lab.binaries}/tagger", "eth0", vlan, hex(protocol))
        self.sender = None

    def address(self, family):
        return self.address4 if family == 4 else self.address6

    def send(self, frame):
        """An untagged frame of its own: the tag is put on as on all it sends."""
        if not self.sender:
            self.sender = Sender(self, "eth0")
        self.sender.send(frame)

    def announce(self):
        self.send(ethernet(BROADCAST, self.mac_address, ETHERTYPE_TEST, Marker().payload(0, 46)))

    def count(self, marker):
        return ServerCounter(self, marker)


def tagged(frame, vlan, protocol=0x8100):
    """The frame with a tag behind its addresses."""
    return frame[:12] + protocol.to_bytes(2, "big") + vlan.to_bytes(2, "big") + frame[12:]


def tag_of(frame):
    """(protocol, vid) of the outermost tag, None if there is none."""
    protocol = int.from_bytes(frame[12:14], "big")
    return (protocol, int.from_bytes(frame[14:16], "big") & 0xFFF) if protocol in (0x8100, 0x88A8) else None


def on_wire(switch, host, source, make, expected, frames=10):
    """Sends frames; they are on the wire between the host's NIC and the switch `expected` times, with these tags."""
    marker = Marker()
    counter = switch.count(host.nic, marker, key=tag_of)
    try:
        for number in range(frames):
            source.send(make(marker, number))
        counter.exactly(frames * expected, f"frames of {source.short} from {host.short}'s NIC")
        return {tag for tag, _ in counter.seen}
    finally:
        counter.close()


def bridged(lab, names=("a", "k"), bridging=("a",), roles=None, family=4, servers=1, vlan=VLAN, protocol=0x8100, up=True,
            **segment):
    """Hosts in one segment with a guest each; those in `bridging` have eth1 on a switch and join `vlan` to the segment:
    (hosts, guests, switch, servers). Servers have numbers from 101."""
    hosts = [lab.kernel_host(name, family=family) if name[0] == "k" else lab.weft_host(name, family=family)
             for name in names]
    guests = [lab.guest(host, f"{host.short}1") for host in hosts]
    switch = PhysicalSwitch(lab)
    join(hosts, **segment)
    for host in hosts:
        if host.short in bridging:
            host.nic = switch.plug(host)
            role = (roles or {}).get(host.short, "designated")
            host.document.setdefault("bridges", []).append(
                {"segment": "blue", "interface": "eth1", "vlan": vlan, "role": role,
                 "tag_protocol": "802.1ad" if protocol == 0x88A8 else "802.1q"})
    machines = [Server(lab, switch, f"s{number}", 100 + number, vlan, protocol) for number in range(1, servers + 1)]
    if up:
        start(hosts)
    return hosts, guests, switch, machines

# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""NVGRE (RFC 7637): weft with weft, with a peer that is made of raw sockets, and with the kernel's gretap where it has one."""
import functools
import socket
import struct

import test_underlay
from lab import VNI
from netns import Skip, run, wait_for
from overlay import check, deliver, hosts_with_guests, introduce, join, plain, start
from registry import test
from test_mtu import too_big
from traffic import Stream, tcp_transfer, udp_segmented
from wire import BROADCAST, ETHERTYPE_TEST, Marker, Sender, Tap, ethernet, ip_bytes, ip_udp, ipv4, ipv6

KEY, TEB = 0x2000, 0x6558
STRANGER = {4: "192.0.2.99", 6: "2001:db8:0:2::99"}


def gre(inner, vsid=VNI, flow=7, flags=KEY, protocol=TEB):
    words = [0] * bool(flags & 0xC000) + [vsid << 8 | flow] * bool(flags & 0x2000) + [0] * bool(flags & 0x1000)
    return struct.pack("!HH", flags, protocol) + b"".join(struct.pack("!I", word) for word in words) + inner


def nvgre_packet(peer, target, inner, src=None, tos=0, **header):
    """What an NVGRE end point on `peer` sends to `target`, as bytes on peer's uplink."""
    macs, src, body = (target.mac("eth0"), peer.mac("eth0")), src or peer.address, gre(inner, **header)
    if ":" in src:
        return ethernet(*macs, 0x86DD, ipv6(src, target.address, 47, body, traffic_class=tos))
    return ethernet(*macs, 0x0800, ipv4(src, target.address, 47, body, tos=tos))


def parse(frame, family):
    """(outer source, outer destination, GRE flags, protocol, VSID, FlowID, inner) of GRE on the wire, else None."""
    at = 34 if family == 4 else 54
    if len(frame) < at + 8 or frame[12:14] != (b"\x08\x00" if family == 4 else b"\x86\xdd"):
        return None
    if frame[23 if family == 4 else 20] != 47:
        return None
    flags, protocol, key = struct.unpack_from("!HHI", frame, at)
    ends = (frame[26:30], frame[30:34]) if family == 4 else (frame[22:38], frame[38:54])
    return (*ends, flags, protocol, key >> 8, key & 0xFF, frame[at + 8:])


inject = functools.partial(test_underlay.inject, make=nvgre_packet)


def weft_and_raw_peer(lab, family=4, **vtep):
    """k is a namespace without a tunnel: what it says is made by hand, what it hears is read from its uplink."""
    a, k = lab.weft_host("a", family=family), lab.kernel_host("k", family=family)
    a1 = lab.guest(a, "a1")
    a.segment(VNI, [k.address], encapsulation="nvgre")
    a.document["vtep"].update(vtep)
    a.up()
    return a, k, a1


def crossing(family, hook):
    @test(name=f"guests_reach_each_other_by_nvgre_over_ipv{family}{'_with_xdp' if hook else ''}")
    def reach(lab):
        hosts, guests = hosts_with_guests(lab, ("a", "b"), family=family, encapsulation="nvgre", hook=hook,
                                          guest_options={"offloads": not hook})  # XDP on a veth knows none
        (a, b), (a1, b1) = hosts, guests
        wire = a.sent_tap()
        for source, target in ((a1, b1), (b1, a1)):
            for inner in (4, 6):
                source.ping(target.address(inner))
                if hook:
                    deliver(source, lambda marker, number, to=target: ethernet(
                        to.mac_address, source.mac_address, *ip_udp(source.address(inner), to.address(inner),
                                                                    marker.payload(number, 100))), to=[target])
                    continue
                rate = tcp_transfer(source, target, target.address(inner), megabytes=16)
                print(f"  {source.short}->{target.short} IPv{inner} in IPv{family}: TCP {rate / 1000:.2f} Gbit/s")
        a.learned(b1.mac_address, remote=b.address, vni=VNI)
        tunnelled = [packet for packet in (parse(frame, family) for frame in wire.frames()) if packet]
        check(len(tunnelled) > 20, f"{len(tunnelled)} GRE packets were seen of all that")
        for source, target, flags, protocol, vsid, flow, _ in tunnelled:
            check((source, target) == (ip_bytes(a.address), ip_bytes(b.address)), "not between the two hosts")
            check((flags, protocol, vsid) == (KEY, TEB, VNI), f"flags {flags:#x}, protocol {protocol:#x}, VSID {vsid}")
            check(flow != 0, "no FlowID")
        if hook:
            check(a.verdicts().get("TX_LOCAL", 0) > 0, f"nothing was delivered: {a.verdicts()}")


for version in (4, 6):
    crossing(version, None)
    crossing(version, "xdp")


def segments_cross(family):
    @test(name=f"udp_segments_cross_nvgre_over_ipv{family}")
    def cross(lab):
        hosts, (a1, b1) = hosts_with_guests(lab, ("a", "b"), family=family, encapsulation="nvgre")
        for host in hosts:  # as towards a NIC that cuts no GRE: the sender's kernel does, with the header in front of each
            host.ethtool("eth0", tx_gre_segmentation=False)
        for source, target in ((a1, b1), (b1, a1)):
            for inner in (4, 6):
                source.ping(target.address(inner))
                udp_segmented(source, target, target.address(inner), size=1200)


segments_cross(4)
segments_cross(6)


def flooding(family):
    @test(name=f"a_broadcast_goes_to_each_nvgre_remote_once_over_ipv{family}")
    def flood(lab):
        hosts, guests = hosts_with_guests(lab, ("a", "b", "c"), family=family, guests=2, encapsulation="nvgre")
        a1 = guests[0]
        marker = Marker()
        counters = [guest.count(marker) for guest in guests[1:]]
        for number in range(20):
            a1.send(plain(a1, BROADCAST)(marker, number))
        for counter in counters:
            counter.exactly(20, "broadcasts")
        for host in hosts[1:]:
            host.learned(a1.mac_address, remote=hosts[0].address)
        deliver(guests[2], plain(guests[2], a1.mac_address), to=[a1], none=[guests[1], *guests[4:]])


flooding(4)
flooding(6)


def raw_peer(family):
    @test(name=f"a_peer_made_of_the_rfc_is_understood_both_ways_over_ipv{family}")
    def understood(lab):
        a, k, a1 = weft_and_raw_peer(lab, family)
        heard, said, behind = Tap(k, "eth0"), Marker(), "02:00:00:00:66:01"
        a1.send(plain(a1, BROADCAST)(said, 1))
        frame = heard.first(lambda frame: said.sequence(frame) == 1, "the broadcast")
        source, target, flags, protocol, vsid, flow, inner = parse(frame, family)
        check((source, target) == (ip_bytes(a.address), ip_bytes(k.address)), "not from a to k")
        check((flags, protocol, vsid) == (KEY, TEB, VNI) and flow, f"{flags:#x} {protocol:#x} {vsid} {flow}")
        check(inner == plain(a1, BROADCAST)(said, 1), "what is inside is not what was sent")
        check(frame[20:22] == b"\x40\x00" and frame[22] == 64 if family == 4 else frame[21] == 64, "DF or TTL")
        inject(k, a, a1, 5)
        a.learned(behind, remote=k.address, vni=VNI)
        a1.send(plain(a1, behind)(said, 2))
        check(parse(heard.first(lambda frame: said.sequence(frame) == 2, "the unicast"), family)[4] == VNI, "another VSID")
        for flow in (0, 1, 255):
            inject(k, a, a1, 5, flow=flow)


raw_peer(4)
raw_peer(6)


def refusals(family):
    @test(name=f"broken_nvgre_is_dropped_and_counted_over_ipv{family}")
    def refuse(lab):
        a, k, a1 = weft_and_raw_peer(lab, family)
        inject(k, a, a1, 5)
        for flags in (KEY | 0x8000, KEY | 0x4000, KEY | 0x1000, KEY | 0x0800, KEY | 0x0400):
            inject(k, a, a1, 0, "DROP_NVGRE_HEADER", flags=flags)
        inject(k, a, a1, 5, flags=KEY | 0x03F8)
        inject(k, a, a1, 0, "DROP_UNKNOWN_SOURCE", src=STRANGER[family])
        inject(k, a, a1, 0, "DROP_SHORT", inner=lambda body: body[:13])
        inject(k, a, a1, 0, "DROP_VLAN", inner=lambda body: ethernet(
            BROADCAST, "02:00:00:00:66:01", 0x8100, struct.pack("!HH", 5, ETHERTYPE_TEST) + body))
        inject(k, a, a1, 0, "DROP_ECN", tos=3, inner=lambda body: ethernet(
            a1.mac_address, "02:00:00:00:66:01", 0x0800, ipv4("198.51.100.77", a1.address4, 17, body)))
        for packet in ({"vsid": VNI + 1}, {"flags": 0}, {"flags": KEY | 1}, {"protocol": 0x88BE}):
            inject(k, a, a1, 0, "PASS_NOT_OURS", **packet)

    @test(name=f"reserved_bits_of_nvgre_are_refused_where_the_vtep_says_so_over_ipv{family}")
    def reserved(lab):
        a, k, a1 = weft_and_raw_peer(lab, family, reserved_bits="drop")
        inject(k, a, a1, 5)
        inject(k, a, a1, 0, "DROP_RESERVED_BITS", flags=KEY | 0x0200)


refusals(4)
refusals(6)


@test
def any_source_is_accepted_by_nvgre_where_the_vtep_says_so(lab):
    a, k, a1 = weft_and_raw_peer(lab, accept="any")
    inject(k, a, a1, 5, src="192.0.2.99")
    a.learned("02:00:00:00:66:01", remote="192.0.2.99", vni=VNI)


@test
def gre_of_the_hosts_own_is_left_to_it(lab):
    a, k, a1 = weft_and_raw_peer(lab)
    own = a.socket(socket.AF_INET, socket.SOCK_RAW, 47)
    own.settimeout(5)
    sender, marker = Sender(k, "eth0"), Marker()
    for number, header in enumerate(({"vsid": VNI + 1}, {"flags": 0}, {"protocol": 0x0800}, {"flags": KEY | 1, "protocol": 0x880B})):
        sender.send(nvgre_packet(k, a, marker.payload(number, 46), **header))
        check(marker.sequence(own.recv(2048)) == number, f"the host did not get GRE with {header}")
    sender.send(nvgre_packet(k, a, ethernet(BROADCAST, k.mac("eth0"), ETHERTYPE_TEST, marker.payload(9, 46))))
    sender.send(nvgre_packet(k, a, marker.payload(10, 46), flags=0))
    check(marker.sequence(own.recv(2048)) == 10, "the host got a segment's frame")


@test
def a_host_without_nvgre_segments_has_no_part_in_gre(lab):
    a, k = lab.weft_host("a"), lab.kernel_host("k")
    lab.guest(a, "a1")
    a.segment(VNI, [k.address])
    a.up()
    own = a.socket(socket.AF_INET, socket.SOCK_RAW, 47)
    own.settimeout(5)
    sender, marker = Sender(k, "eth0"), Marker()
    for number, flags in enumerate((KEY, 0, KEY | 0x8000)):
        sender.send(nvgre_packet(k, a, marker.payload(number, 46), flags=flags))
        check(marker.sequence(own.recv(2048)) == number, f"the host did not get GRE with flags {flags:#x}")
    check(a.json("status")["nvgre_device"] is None, "there is a device for nothing")


def path_mtu(family):
    @test(name=f"an_oversized_packet_learns_what_nvgre_leaves_over_ipv{family}", mtu=1500)
    def path(lab):
        hosts, (a1, b1) = hosts_with_guests(lab, ("a", "b"), family=family, encapsulation="nvgre")
        introduce((a1, b1), hosts)
        mtu = 1458 if family == 4 else 1438
        too_big(a1, b1.address4, mtu, 1472)
        too_big(a1, b1.address6, mtu, 1452)
        a1.ping(b1.address4, options=("-M", "do", "-s", mtu - 28))
        a1.ping(b1.address6, options=("-M", "do", "-s", mtu - 48))
        for address in (b1.address4, b1.address6):
            tcp_transfer(a1, b1, address, megabytes=8)


path_mtu(4)
path_mtu(6)


@test
def a_number_is_a_network_of_each_encapsulation(lab):
    hosts = [lab.weft_host(name) for name in "ab"]
    guests = {host: [lab.guest(host, f"{host.short}{number}") for number in (1, 2)] for host in hosts}
    join(hosts, name="blue", ports={host: [guests[host][0].port] for host in hosts})
    join(hosts, name="green", ports={host: [guests[host][1].port] for host in hosts}, encapsulation="nvgre")
    start(hosts)
    (a1, a2), (b1, b2) = guests[hosts[0]], guests[hosts[1]]
    introduce((a1, a2, b1, b2), hosts)
    deliver(a1, plain(a1, BROADCAST), to=[b1], none=[a2, b2])
    deliver(a2, plain(a2, BROADCAST), to=[b2], none=[a1, b1])
    a1.ping(b1.address4)
    a2.ping(b2.address4)
    rows = {row["name"]: row for row in hosts[0].json("segment", "list")}
    check(rows["blue"]["encapsulation"] == "vxlan" and rows["green"]["encapsulation"] == "nvgre", f"{rows}")
    check(rows["blue"]["vni"] == rows["green"]["vni"] == VNI, f"{rows}")


@test(timeout=90)
def a_restart_costs_no_nvgre_frame(lab):
    hosts, (a1, b1) = hosts_with_guests(lab, ("a", "b"), encapsulation="nvgre", aging_seconds=3600)
    a = hosts[0]
    introduce((a1, b1), hosts)
    marker = Marker()
    counter = b1.count(marker)
    with Stream(a1, lambda number: plain(a1, b1.mac_address)(marker, number)) as stream:
        stream.run_until(300)
        a.down()
        stream.run_until(600)
        a.up()
        stream.run_until(stream.sent + 300)
    counter.exactly(stream.sent, "frames across the restart")
    a.learned(b1.mac_address, remote=hosts[1].address, vni=VNI)


@test
def the_command_line_makes_and_ends_nvgre_segments(lab):
    a, k = lab.weft_host("a"), lab.kernel_host("k")
    a1 = lab.guest(a, "a1")
    a.up()
    low = a.weft("segment", "add", "--name", "low", "--vni", 4095, "--encapsulation", "nvgre", check=False)
    check(low.returncode == 1 and "4095 is no VSID" in low.stderr, f"{low.returncode}: {low.stderr}")
    a.weft("segment", "add", "--name", "green", "--vni", VNI, "--encapsulation", "nvgre", "--remotes", k.address)
    a.weft("port", "add", "--interface", a1.port, "--segment", "green")
    inject(k, a, a1, 5)
    a.weft("fdb", "add", "--segment", "green", "--mac", "02:00:00:00:66:02", "--remote", k.address, "--vni", 6000)
    row = a.fdb(mac="02:00:00:00:66:02")[0]
    check(row["vni"] == 6000 and row["remote"] == k.address, f"{row}")
    heard, marker = Tap(k, "eth0"), Marker()
    a1.send(plain(a1, "02:00:00:00:66:02")(marker, 0))
    packet = parse(heard.first(lambda frame: marker.sequence(frame) == 0, "the frame"), 4)
    check(packet[4] == 6000, f"VSID {packet[4]}")
    wrong = a.weft("fdb", "add", "--segment", "green", "--mac", "02:00:00:00:66:03", "--remote", k.address, "--vni", 7,
                   check=False)
    check(wrong.returncode == 1 and "7 is no VSID" in wrong.stderr, f"{wrong.returncode}: {wrong.stderr}")
    a.weft("port", "del", "--interface", a1.port)
    a.weft("segment", "del", "--name", "green")
    before = a.verdicts().get("PASS_NOT_OURS", 0)
    sender = Sender(k, "eth0")
    sender.send(nvgre_packet(k, a, ethernet(BROADCAST, "02:00:00:00:66:01", ETHERTYPE_TEST, bytes(46))))
    wait_for(lambda: a.verdicts().get("PASS_NOT_OURS", 0) > before, "GRE to be the host's own again")


# --- the kernel's gretap, where the kernel has one

def gretap_peer(lab, family):
    """A bridge with a gretap in metadata mode, which takes any FlowID; what it sends gets its key by tc. One remote."""
    kind = "gretap" if family == 4 else "ip6gretap"
    a, k = lab.weft_host("a", family=family), lab.kernel_host("k", family=family)
    a1, k1 = lab.guest(a, "a1"), lab.guest(k, "k1")
    made = k.command("ip", "link", "add", "gre1", "type", kind, "external", check=False)
    if made.returncode:
        raise Skip(f"this kernel has no {kind}: {made.stderr.strip()}")
    k.ip("link add br1 type bridge mcast_snooping 0 forward_delay 0", "link set gre1 mtu 1500 master br1 up",
         "link set br1 up", f"link set {k1.port} master br1")
    for own in ("gre1", "br1"):
        k.sysctl(f"net.ipv6.conf.{own}.disable_ipv6", 1)
    k.command("tc", "qdisc", "add", "dev", "gre1", "clsact")
    k.command("tc", "filter", "add", "dev", "gre1", "egress", "matchall", "action", "tunnel_key", "set", "src_ip",
              k.address, "dst_ip", a.address, "id", VNI << 8 | 9, "nocsum", "ttl", 64)
    a.segment(VNI, [k.address], encapsulation="nvgre")
    a.up()
    return a, k, a1, k1


def kernel_peer(family):
    @test(name=f"nvgre_interoperates_with_the_kernels_gretap_over_ipv{family}", timeout=120)
    def interoperate(lab):
        a, k, a1, k1 = gretap_peer(lab, family)
        for source, target in ((a1, k1), (k1, a1)):
            for inner in (4, 6):
                source.ping(target.address(inner))
                tcp_transfer(source, target, target.address(inner), megabytes=4)
        a.learned(k1.mac_address, remote=k.address, vni=VNI)
        check(a.json("status")["nvgre_device"] is not None, "weft has no gretap of its own")
        check(a.verdicts().get("DROP_NVGRE_HEADER", 0) == 0, f"{a.verdicts()}")
        udp_segmented(k1, a1, a1.address4, size=1200)
        name = a.json("status")["nvgre_device"]["interface"]
        a.down()
        a.detach()
        check(run("ip", "-n", a.name, "link", "show", name, check=False).returncode, f"{name} is still there")


kernel_peer(4)
kernel_peer(6)


@test
def outer_fragments_of_nvgre_are_reassembled_by_the_gretap(lab):
    a, k, a1, k1 = gretap_peer(lab, 4)
    introduce((a1, k1), (a,))
    k.ip("link set eth0 mtu 1400")
    deliver(k1, lambda marker, number: ethernet(a1.mac_address, k1.mac_address, ETHERTYPE_TEST,
                                                marker.payload(number, 1440)), to=[a1])
    check(a.verdicts().get("PASS_FRAGMENT", 0) >= 20, f"nothing was fragmented: {a.verdicts()}")

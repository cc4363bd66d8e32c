# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""MTU: what does not fit is told to its sender by weft itself; outer fragments are taken, never made."""
import struct

from netns import wait_for
from overlay import check, deliver, hosts_with_guests, introduce, join, start
from registry import test
from test_underlay import tunnel_packet
from traffic import tcp_transfer, udp_segmented
from wire import ETHERTYPE_TEST, Marker, Sender, checksum, ethernet, ip_bytes, ip_udp, ipv4, ipv6, udp, with_checksum


def too_big(source, address, mtu, payload):
    """A DF ping of this ICMP payload learns the path MTU."""
    out = source.command("ping", "-n", "-M", "do", "-c", 2, "-i", "0.1", "-W", 1, "-s", payload, address, check=False)
    text = out.stdout + out.stderr
    check(f"mtu = {mtu}" in text or f"mtu={mtu}" in text, f"ping -M do -s {payload} {address} was not told mtu {mtu}:\n{text}")


def limit_path(lab, family, peer="b", **segment):
    """Guests at MTU 1500 over an underlay of 1500: 1450 fit in IPv4, 1430 in IPv6."""
    hosts, guests = hosts_with_guests(lab, ("a", peer), family=family, **segment)
    introduce(guests, hosts)
    return hosts, guests, 1450 if family == 4 else 1430


def learned_path_mtu(family):
    @test(name=f"an_oversized_packet_learns_the_segments_mtu_over_an_ipv{family}_underlay", mtu=1500)
    def path(lab):
        (a, b), (a1, b1), mtu = limit_path(lab, family)
        too_big(a1, b1.address4, mtu, 1472)
        too_big(a1, b1.address6, mtu, 1452)
        a1.ping(b1.address4, options=("-M", "do", "-s", mtu - 28))
        a1.ping(b1.address6, options=("-M", "do", "-s", mtu - 48))
        for address in (b1.address4, b1.address6):
            tcp_transfer(a1, b1, address, megabytes=8)
            tcp_transfer(b1, a1, a1.address6 if ":" in address else a1.address4, megabytes=8)


learned_path_mtu(4)
learned_path_mtu(6)


@test(mtu=1500)
def tcp_finds_its_path_mtu_by_itself_towards_a_kernel_peer(lab):
    _, (a1, k1), _ = limit_path(lab, 4, peer="k", mtu=1450)
    for address in (k1.address4, k1.address6):
        tcp_transfer(a1, k1, address, megabytes=8)


@test(mtu=1500)
def a_segment_mtu_of_its_own_is_what_guests_are_told(lab):
    (a, _), (a1, b1) = hosts_with_guests(lab, ("a", "b"), mtu=1400)
    a.learned(a1.mac_address) if a1.announce() else a1.ping(b1.address4)
    too_big(a1, b1.address4, 1400, 1472)
    too_big(a1, b1.address6, 1400, 1452)


@test(mtu=1500)
def frag_needed_quotes_the_packet_and_comes_without_the_daemon(lab):
    (a, _), (a1, b1), mtu = limit_path(lab, 4)
    a.down()
    tap = a1.tap()
    body = Marker().payload(1, 1472)
    packet = ipv4(a1.address4, b1.address4, 17, udp(a1.address4, b1.address4, body), df=True, ident=0x1234)
    a1.send(ethernet(b1.mac_address, a1.mac_address, 0x0800, packet))

    def is_error(frame):
        return frame[12:14] == b"\x08\x00" and frame[23] == 1 and frame[34:36] == b"\x03\x04"
    frame = tap.first(is_error, "fragmentation needed")
    check(struct.unpack_from("!H", frame, 40)[0] == mtu, f"it says MTU {struct.unpack_from('!H', frame, 40)[0]}")
    check(frame[26:34] == ip_bytes(b1.address4) + ip_bytes(a1.address4), "it is not from the packet's target to its source")
    total = struct.unpack_from("!H", frame, 16)[0]
    check(total <= 576, f"it is {total} bytes long, RFC 1812 §4.3.2.3 allows 576")
    quoted = frame[42:14 + total]
    check(packet.startswith(quoted) and len(quoted) >= 28, "what it quotes is not the packet")


@test(mtu=1500)
def packet_too_big_quotes_the_packet_and_comes_without_the_daemon(lab):
    (a, _), (a1, b1), mtu = limit_path(lab, 4)
    a.down()
    tap = a1.tap()
    _, packet = ip_udp(a1.address6, b1.address6, Marker().payload(1, 1452))
    a1.send(ethernet(b1.mac_address, a1.mac_address, 0x86DD, packet))
    frame = tap.first(lambda frame: frame[12:14] == b"\x86\xdd" and frame[20] == 58 and frame[54] == 2, "packet too big")
    check(struct.unpack_from("!I", frame, 58)[0] == mtu, f"it says MTU {struct.unpack_from('!I', frame, 58)[0]}")
    length = 40 + struct.unpack_from("!H", frame, 18)[0]
    check(length <= 1280, f"it is {length} bytes long, RFC 4443 §2.4 allows 1280")
    quoted = frame[62:14 + length]
    check(packet.startswith(quoted) and len(quoted) >= 48, "what it quotes is not the packet")


@test(mtu=1500)
def icmp_errors_are_limited_per_port(lab):
    (a, _), (a1, b1), _ = limit_path(lab, 4)
    tap = a1.tap()
    packet = ipv4(a1.address4, b1.address4, 17, udp(a1.address4, b1.address4, bytes(1472)), df=True)
    for _ in range(300):
        a1.send(ethernet(b1.mac_address, a1.mac_address, 0x0800, packet))
    answers = sum(frame[12:14] == b"\x08\x00" and frame[34:36] == b"\x03\x04" for frame in tap.frames())
    check(5 <= answers <= 60, f"{answers} ICMP errors for 300 packets at once, the limit is 100 a second and 10 at once")


@test(mtu=1500)
def an_oversized_packet_without_df_is_dropped_and_never_fragmented_outside(lab):
    (a, _), (a1, b1), _ = limit_path(lab, 4)
    deliver(a1, lambda marker, number: ethernet(b1.mac_address, a1.mac_address, 0x0800, ipv4(
        a1.address4, b1.address4, 17, udp(a1.address4, b1.address4, marker.payload(number, 1472)))), none=[b1],
        wires={a: 0})
    check(a.verdicts().get("DROP_TOO_BIG", 0) >= 10, f"not counted as too big: {a.verdicts()}")


@test(mtu=1500)
def super_frames_are_judged_by_their_segments(lab):
    _, (a1, b1) = hosts_with_guests(lab, ("a", "b"), guest_options={"mtu": 1450})
    for address in (b1.address4, b1.address6):
        tcp_transfer(a1, b1, address, megabytes=16)
        udp_segmented(a1, b1, address, size=1400)


@test(mtu=1500)
def outer_fragments_of_a_kernel_peer_are_reassembled(lab):
    (a, k), (a1, k1) = hosts_with_guests(lab, ("a", "k"))
    introduce((a1, k1), (a, k))
    k.ip("link set eth0 mtu 1400")
    tap = k.sent_tap()
    # An IPv6 packet or one with DF is refused by the peer's own path MTU: only these two kinds are fragmented outside.
    deliver(k1, lambda marker, number: ethernet(a1.mac_address, k1.mac_address, *ip_udp(
        k1.address4, a1.address4, marker.payload(number, 1400))), to=[a1])
    deliver(k1, lambda marker, number: ethernet(a1.mac_address, k1.mac_address, ETHERTYPE_TEST,
                                                marker.payload(number, 1440)), to=[a1])
    pieces = sum(frame[12:14] == b"\x08\x00" and bool(struct.unpack_from("!H", frame, 20)[0] & 0x3FFF)
                 for frame in tap.frames())
    check(pieces >= 40, f"the peer sent {pieces} fragments, 2 of each of 20 packets expected: nothing was tested")
    counted = a.verdicts().get("PASS_FRAGMENT", 0)
    check(counted >= 40, f"{counted} fragments counted, 40 expected")


def in_two(frame, identification):
    """An IPv6 frame as two fragments (RFC 8200 §4.5)."""
    body, cut = frame[54:], 800
    for offset, piece in ((0, body[:cut]), (cut, body[cut:])):
        header = struct.pack("!BBHI", frame[20], 0, offset | (offset == 0), identification)
        yield frame[:18] + struct.pack("!HB", len(piece) + 8, 44) + frame[21:54] + header + piece


@test
def outer_fragments_over_ipv6_are_reassembled_and_one_alone_is_nothing(lab):
    (a, k), (a1, k1) = hosts_with_guests(lab, ("a", "k"), family=6)
    introduce((a1, k1), (a, k))
    whole, half, sender = Marker(), Marker(), Sender(k, "eth0")
    counters = a1.count(whole), a1.count(half)
    for number in range(20):
        for marker, identification in ((whole, number), (half, 100 + number)):
            inner = ethernet(a1.mac_address, k1.mac_address, ETHERTYPE_TEST, marker.payload(number, 1400))
            first, second = in_two(tunnel_packet(k, a, inner), identification)
            sender.send(first)
            if marker is whole:
                sender.send(second)
    counters[0].exactly(20, "packets in two fragments")
    counters[1].exactly(0, "packets whose second fragment is missing")


def told(source, address, mtu, payload=1372):
    """Whether a DF ping of 1400 bytes, which the segment would carry, is told this path MTU."""
    out = source.command("ping", "-n", "-M", "do", "-c", 1, "-W", 1, "-s", payload, address, check=False)
    return any(f"mtu{mark}{mtu}" in out.stdout + out.stderr for mark in (" = ", "=", ": "))


def narrow_path(lab, family):
    """a at 1500, b behind a router on a link of 1400."""
    a, b = lab.weft_host("a", family=family), lab.weft_host("b", family=family, subnet=1)
    guests = lab.guest(a, "a1"), lab.guest(b, "b1")
    lab.net.ip(f"link set {b.switch_port} mtu 1400", "link set br1 mtu 1400")
    b.ip("link set eth0 mtu 1400")
    join((a, b))
    return (a, b), guests, 1350 if family == 4 else 1330


def path_mtu(family):
    @test(name=f"a_route_with_a_smaller_mtu_is_what_guests_are_told_over_an_ipv{family}_underlay", mtu=1500)
    def route(lab):
        (a, b), (a1, b1), mtu = narrow_path(lab, family)
        start((a, b))
        introduce((a1, b1), (a, b))
        a.ip("route replace 203.0.113.0/24 via 192.0.2.254 mtu 1400" if family == 4 else
             "route replace 2001:db8:0:3::/64 via 2001:db8:0:2::fe mtu 1400")
        wait_for(lambda: told(a1, b1.address4, mtu), f"a1 to be told {mtu}", 10)
        check(told(a1, b1.address6, mtu, payload=1352), f"a1 is not told {mtu} in ICMPv6")
        for address, payload in ((b1.address4, mtu - 28), (b1.address6, mtu - 48)):
            a1.ping(address, options=("-M", "do", "-s", payload))
        for source, target in ((a1, b1), (b1, a1)):
            tcp_transfer(source, target, target.address4, megabytes=8)
            tcp_transfer(source, target, target.address6, megabytes=8)
        check(a.verdicts().get("TX_TOO_BIG", 0) >= 2, f"nobody counted it: {a.verdicts()}")

    @test(name=f"a_routers_word_about_its_mtu_reaches_the_guest_over_an_ipv{family}_underlay", mtu=1500)
    def discovered(lab):
        (a, b), (a1, b1), mtu = narrow_path(lab, family)
        start((a, b))
        introduce((a1, b1), (a, b))
        wait_for(lambda: told(a1, b1.address4, mtu), f"a1 to be told {mtu}", 20)
        tcp_transfer(a1, b1, b1.address6, megabytes=8)


path_mtu(4)
path_mtu(6)


def too_big_about(sent, router, host, mtu):
    """A router's error about a frame that the host sent, in a frame of the router."""
    quoted = sent[14:14 + 528]
    macs = (host.mac("eth0"), router.mac("eth0"))
    if ":" in host.address:
        error = with_checksum(router.address, host.address, 58, struct.pack("!BBHI", 2, 0, 0, mtu) + quoted, 2)
        return ethernet(*macs, 0x86DD, ipv6(router.address, host.address, 58, error))
    error = struct.pack("!BBHHH", 3, 4, 0, 0, mtu) + quoted
    error = error[:2] + struct.pack("!H", checksum(error)) + error[4:]
    return ethernet(*macs, 0x0800, ipv4(router.address, host.address, 1, error))


def forged_errors(family):
    @test(name=f"a_forged_error_about_the_tunnel_lowers_no_mtu_over_ipv{family}", mtu=1500)
    def forged(lab):
        (a, k), (a1, k1), whole = limit_path(lab, family, peer="k")
        stranger = lab.kernel_host("s", family=family)
        inner, sender = ethernet(k1.mac_address, a1.mac_address, ETHERTYPE_TEST, bytes(1400)), Sender(k, "eth0")

        def path():
            return a.command("ip", "route", "get", k.address).stdout

        def dropped(sent, mtu=1400):
            before = a.verdicts().get("DROP_PATH_ERROR", 0)
            sender.send(too_big_about(sent, k, a, mtu))
            wait_for(lambda: a.verdicts().get("DROP_PATH_ERROR", 0) == before + 1, "the error to be dropped")
            check("mtu 1400" not in path(), f"the kernel believed it: {path()}")

        dropped(tunnel_packet(a, k, inner, vni=5999))
        dropped(tunnel_packet(a, stranger, inner))
        dropped(tunnel_packet(a, k, inner, sport=4789))
        dropped(tunnel_packet(a, k, inner, src=stranger.address))
        dropped(tunnel_packet(a, k, inner)[:14 + (28 if family == 4 else 48)])  # the VNI is what nobody guesses
        dropped(tunnel_packet(a, k, inner[:1000]))  # this would have fitted
        a1.ping(k1.address4, options=("-M", "do", "-s", whole - 28))
        # A genuine one is the kernel's, which keeps it for ten minutes, and weft's from there.
        sender.send(too_big_about(tunnel_packet(a, k, inner), k, a, 1400))
        wait_for(lambda: "mtu 1400" in path() and "expires" in path(), "the kernel to believe the router")
        wait_for(lambda: told(a1, k1.address4, 1350 if family == 4 else 1330), "a1 to be told", 20)


forged_errors(4)
forged_errors(6)

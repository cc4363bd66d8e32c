# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""Frames as bytes, senders, and counters that sit at the far end of a link.

Every counted frame carries a marker: 8 random bytes of the test and a 4-byte sequence number. A counter sees only
frames with its marker, so the stacks' own noise (ND, MLD) does not matter and a duplicate shows.
"""
import collections
import errno
import ipaddress
import os
import select
import socket
import struct
import time

from netns import Failure

ETH_P_ALL = 3
SOL_PACKET, PACKET_AUXDATA = 263, 8
SO_RCVBUFFORCE, SO_SNDBUFFORCE = 33, 32
PACKET_OUTGOING = 4
BROADCAST = "ff:ff:ff:ff:ff:ff"
ETHERTYPE_TEST = 0x88B5  # IEEE 802: local experimental


def mac_bytes(text):
    return bytes.fromhex(text.replace(":", ""))


def mac_text(raw):
    return ":".join(f"{byte:02x}" for byte in raw)


def ip_bytes(text):
    return ipaddress.ip_address(text).packed


def checksum(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def ethernet(dst, src, ethertype, payload):
    return mac_bytes(dst) + mac_bytes(src) + struct.pack("!H", ethertype) + payload


def vlan(tag, ethertype, payload):
    """What stands behind a 0x8100 ethertype."""
    return struct.pack("!HH", tag, ethertype) + payload


def ipv4(src, dst, protocol, payload, tos=0, ttl=64, df=False, ident=0, fragment=0):
    flags = fragment | (0x4000 if df else 0)
    head = struct.pack("!BBHHHBBH4s4s", 0x45, tos, 20 + len(payload), ident, flags, ttl, protocol, 0,
                       ip_bytes(src), ip_bytes(dst))
    return head[:10] + struct.pack("!H", checksum(head)) + head[12:] + payload


def ipv6(src, dst, protocol, payload, traffic_class=0, hop_limit=64):
    return struct.pack("!IHBB16s16s", 6 << 28 | traffic_class << 20, len(payload), protocol, hop_limit,
                       ip_bytes(src), ip_bytes(dst)) + payload


def with_checksum(src, dst, protocol, segment, offset):
    """The segment with its Internet checksum at `offset`, over the pseudo-header of either family."""
    src, dst = ip_bytes(src), ip_bytes(dst)
    length = struct.pack("!IBBBB", len(segment), 0, 0, 0, protocol) if len(src) == 16 else struct.pack(
        "!BBH", 0, protocol, len(segment))
    value = checksum(src + dst + length + segment) or 0xFFFF
    return segment[:offset] + struct.pack("!H", value) + segment[offset + 2:]


def udp(src, dst, payload, sport=40000, dport=40001):
    return with_checksum(src, dst, 17, struct.pack("!HHHH", sport, dport, 8 + len(payload), 0) + payload, 6)


def ip_udp(src, dst, payload, **options):
    """An IPv4 or IPv6 packet, after the addresses' family, and its ethertype."""
    ports = {key: options.pop(key) for key in ("sport", "dport") if key in options}
    if ":" in src:
        return 0x86DD, ipv6(src, dst, 17, udp(src, dst, payload, **ports), **options)
    return 0x0800, ipv4(src, dst, 17, udp(src, dst, payload, **ports), **options)


def arp(operation, sha, spa, tha, tpa):
    return struct.pack("!HHBBH", 1, 0x0800, 6, 4, operation) + mac_bytes(sha) + ip_bytes(spa) + mac_bytes(
        tha) + ip_bytes(tpa)


def solicited_node(ip):
    return str(ipaddress.ip_address(bytes.fromhex("ff0200000000000000000001ff") + ip_bytes(ip)[13:]))


def multicast_mac(ip):
    raw = ip_bytes(ip)
    if len(raw) == 16:
        return mac_text(b"\x33\x33" + raw[12:])
    return mac_text(b"\x01\x00\x5e" + bytes([raw[1] & 0x7F]) + raw[2:])


def neighbor_solicitation(src, target, source_mac, dst=None, nonce=b""):
    """ICMPv6 packet; without a source MAC it is a DAD probe (src ::). A nonce (6 bytes, RFC 3971 §5.3.2) is an option."""
    dst = dst or solicited_node(target)
    body = struct.pack("!BBHI", 135, 0, 0, 0) + ip_bytes(target)
    if source_mac:
        body += b"\x01\x01" + mac_bytes(source_mac)
    if nonce:
        body += b"\x0e\x01" + nonce
    return ipv6(src, dst, 58, with_checksum(src, dst, 58, body, 2), hop_limit=255)


def neighbor_advertisement(src, dst, target, mac, flags):
    body = struct.pack("!BBHI", 136, 0, 0, flags << 29) + ip_bytes(target) + b"\x02\x01" + mac_bytes(mac)
    return ipv6(src, dst, 58, with_checksum(src, dst, 58, body, 2), hop_limit=255)


class Marker:
    """The cookie of one count. `bytes(n)` is what frame n carries."""

    def __init__(self):
        self.cookie = os.urandom(8)

    def payload(self, sequence, length=0):
        body = self.cookie + struct.pack("!I", sequence)
        return body + bytes(max(0, length - len(body)))

    def sequence(self, frame):
        at = frame.find(self.cookie)
        return struct.unpack_from("!I", frame, at + 8)[0] if at >= 0 and len(frame) >= at + 12 else None


def raw_socket(netns, device, receive=True):
    sock = netns.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL) if receive else 0)
    sock.bind((device, ETH_P_ALL if receive else 0))
    sock.setblocking(False)
    sock.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE if receive else SO_SNDBUFFORCE, 64 << 20)
    if receive:
        sock.setsockopt(SOL_PACKET, PACKET_AUXDATA, 1)
    return sock


class Tap:
    """Reads the frames that come in on a device, as they are on the wire (the VLAN tag put back)."""

    def __init__(self, netns, device, outgoing=False):
        self.where = f"{netns.short}:{device}"
        self.outgoing = outgoing
        self.sock = raw_socket(netns, device)

    def frames(self):
        """What has arrived since."""
        while True:
            try:
                data, extra, _, address = self.sock.recvmsg(65536 + 64, 256)
            except BlockingIOError:
                return
            except OSError as error:
                if error.errno != errno.ENETDOWN:  # the kernel says once that the device went down
                    raise
                continue
            if (address[2] == PACKET_OUTGOING) == self.outgoing:
                yield self._tagged(data, extra)

    def wait(self, seconds):
        return bool(select.select([self.sock], [], [], max(0, seconds))[0])

    @staticmethod
    def _tagged(data, extra):
        for level, kind, value in extra:
            if level == SOL_PACKET and kind == PACKET_AUXDATA:
                status, _, _, _, _, tci, tpid = struct.unpack("IIIHHHH", value[:20])
                if status & 0x10:  # TP_STATUS_VLAN_VALID
                    return data[:12] + struct.pack("!HH", tpid if status & 0x40 else 0x8100, tci) + data[12:]
        return data

    def first(self, matches, what, timeout=5.0):
        """The first frame that `matches`."""
        end = time.monotonic() + timeout
        while time.monotonic() < end:
            for frame in self.frames():
                if matches(frame):
                    return frame
            self.wait(end - time.monotonic())
        raise Failure(f"{self.where}: no frame in {timeout:g} s: {what}")

    def close(self):
        self.sock.close()


class Counter(Tap):
    """Counts marked frames by sequence number. Open it before anything is sent."""

    def __init__(self, netns, device, marker, outgoing=False, key=None):
        super().__init__(netns, device, outgoing)
        self.marker = marker
        self.key = key  # of a frame, beside its sequence: e.g. the outer destination
        self.seen = collections.Counter()
        self.samples = []

    def drain(self):
        for frame in self.frames():
            sequence = self.marker.sequence(frame)
            if sequence is not None:
                self.seen[(self.key(frame), sequence) if self.key else sequence] += 1
                if len(self.samples) < 16:
                    self.samples.append(frame)
        return self.total

    @property
    def total(self):
        return sum(self.seen.values())

    def settle(self, expected, timeout=5.0, quiet=0.08):
        """Waits until `expected` frames are in, then for a window in which none more may come."""
        end = time.monotonic() + timeout
        while self.drain() < expected and time.monotonic() < end:
            self.wait(end - time.monotonic())
        last = time.monotonic()
        while time.monotonic() < last + quiet:
            before = self.total
            self.wait(last + quiet - time.monotonic())
            if self.drain() != before and self.total <= expected:
                last = time.monotonic()
        return self.total

    def exactly(self, expected, what="", timeout=5.0, quiet=0.08):
        """Failure unless `expected` different frames arrived, each once."""
        self.settle(expected, timeout, quiet)
        repeated = {key: count for key, count in self.seen.items() if count > 1}
        if self.total != expected or repeated:
            some = f", {len(repeated)} of them more than once" if repeated else ""
            raise Failure(f"{what or 'frames'} at {self.where}: {self.total} arrived{some}, {expected} expected")

    def reset(self):
        self.drain()
        self.seen.clear()
        self.samples.clear()


class Sender:
    """Raw frames out of a device."""

    def __init__(self, netns, device):
        self.sock = raw_socket(netns, device, receive=False)
        self.sock.setblocking(True)

    def send(self, frame):
        self.sock.send(frame)

    def close(self):
        self.sock.close()


class Vxlan:
    """The parts of a tunnel packet on an Ethernet underlay; None of parse() if it is none."""

    def __init__(self, frame, at, src, dst, tos):
        self.outer_src, self.outer_dst, self.tos = src, dst, tos
        self.sport, self.dport, self.udp_length, self.udp_checksum = struct.unpack_from("!HHHH", frame, at)
        self.flags, self.vni = frame[at + 8], struct.unpack_from("!I", frame, at + 12)[0] >> 8
        self.inner = frame[at + 16:]
        self.frame = frame

    @classmethod
    def parse(cls, frame, port=4789):
        kind = struct.unpack_from("!H", frame, 12)[0] if len(frame) >= 14 else 0
        if kind == 0x0800 and len(frame) >= 50 and frame[23] == 17:
            at = 14 + 4 * (frame[14] & 15)
            src, dst, tos = frame[26:30], frame[30:34], frame[15]
        elif kind == 0x86DD and len(frame) >= 70 and frame[20] == 17:
            at = 54
            src, dst, tos = frame[22:38], frame[38:54], struct.unpack_from("!H", frame, 14)[0] >> 4 & 0xFF
        else:
            return None
        if struct.unpack_from("!H", frame, at + 2)[0] != port:
            return None
        return cls(frame, at, str(ipaddress.ip_address(src)), str(ipaddress.ip_address(dst)), tos)


def outer_destination(frame):
    packet = Vxlan.parse(frame)
    return packet.outer_dst if packet else None

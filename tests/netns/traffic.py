# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""Traffic of real sockets between namespaces: TCP with a digest, UDP segmentation counted, a paced stream."""
import hashlib
import os
import select
import socket
import threading
import time

from netns import Failure
from wire import SO_RCVBUFFORCE

SOL_UDP, UDP_SEGMENT = 17, 103


def listen(netns, family, kind=socket.SOCK_STREAM, address=None, port=0):
    """A bound socket in a namespace and its port."""
    sock = netns.socket(socket.AF_INET if family == 4 else socket.AF_INET6, kind)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind((address or ("0.0.0.0" if family == 4 else "::"), port))
    if kind == socket.SOCK_STREAM:
        sock.listen(16)
    return sock, sock.getsockname()[1]


def _receive(listener, store, result):
    connection, _ = listener.accept()
    connection.settimeout(20)
    view, total = memoryview(store), 0
    while total < len(store) and (count := connection.recv_into(view[total:])):
        total += count
    result.update(total=total, at=time.monotonic(), more=len(connection.recv(1)) if total == len(store) else 0)
    connection.close()


def tcp_transfer(source, target, address, megabytes=32):
    """Sends over one connection; Failure if a byte differs. Megabits a second of the payload."""
    family = 6 if ":" in address else 4
    listener, port = listen(target, family)
    listener.settimeout(20)
    data = os.urandom(1 << 20) * megabytes
    store, result = bytearray(len(data)), {}
    reader = threading.Thread(target=_receive, args=(listener, store, result), daemon=True)
    reader.start()
    sock = source.socket(socket.AF_INET if family == 4 else socket.AF_INET6, socket.SOCK_STREAM)
    sock.settimeout(20)
    begin = time.monotonic()
    try:
        sock.connect((address, port))
        sock.sendall(data)
        sock.shutdown(socket.SHUT_WR)
        reader.join(30)
    except OSError as error:
        raise Failure(f"TCP {source.short} to {address}: {error}") from error
    finally:
        sock.close()
        listener.close()
    same = hashlib.sha256(store).digest() == hashlib.sha256(data).digest()
    if not same or result.get("more"):
        raise Failure(f"TCP {source.short} to {address}: {result.get('total')} of {len(data)} bytes, or others")
    return megabytes * 8.388608 / (result["at"] - begin)


def udp_segmented(source, target, address, sends=20, segments=30, size=1200):
    """UDP_SEGMENT: one sendmsg is `segments` datagrams on the wire. Failure unless every one arrives, whole."""
    family = 6 if ":" in address else 4
    receiver, port = listen(target, family, socket.SOCK_DGRAM)
    receiver.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 64 << 20)
    receiver.setblocking(False)
    sock = source.socket(socket.AF_INET if family == 4 else socket.AF_INET6, socket.SOCK_DGRAM)
    sock.setsockopt(SOL_UDP, UDP_SEGMENT, size)
    sock.connect((address, port))
    seen, wanted = set(), sends * segments
    for first in range(sends):
        body = b"".join((first * segments + index).to_bytes(4, "big") * (size // 4) for index in range(segments))
        sock.send(body)
        _drain_datagrams(receiver, seen, size, 0)
    end = time.monotonic() + 5
    while len(seen) < wanted and time.monotonic() < end:
        _drain_datagrams(receiver, seen, size, end - time.monotonic())
    sock.close()
    receiver.close()
    if len(seen) != wanted:
        raise Failure(f"UDP segments {source.short} to {address}: {len(seen)} of {wanted} datagrams arrived")


def _drain_datagrams(receiver, seen, size, timeout):
    while select.select([receiver], [], [], timeout)[0]:
        timeout = 0
        data = receiver.recv(65536)
        if len(data) != size or data != data[:4] * (size // 4):
            raise Failure(f"a datagram of {len(data)} bytes is not as it was sent")
        if data[:4] in seen:
            raise Failure("a datagram arrived twice")
        seen.add(data[:4])


class Stream:
    """Frames at a steady rate from a thread, numbered: what a restart must not lose."""

    def __init__(self, guest, make_frame, rate=1000):
        self.guest, self.make_frame, self.period = guest, make_frame, 1.0 / rate
        self.sent = 0
        self._stop = threading.Event()
        guest.announce()  # opens the sender's socket in this thread
        self._thread = threading.Thread(target=self._work, daemon=True)

    def _work(self):
        due = time.monotonic()
        while not self._stop.is_set():
            self.guest.send(self.make_frame(self.sent))
            self.sent += 1
            due += self.period
            self._stop.wait(max(0.0, due - time.monotonic()))

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        self._thread.join(5)

    def run_until(self, count, timeout=30):
        end = time.monotonic() + timeout
        while self.sent < count:
            if time.monotonic() > end:
                raise Failure(f"the stream sent {self.sent} of {count} frames in {timeout} s")
            self._stop.wait(self.period)

# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""What passes a limit: flows of real sockets, measured at the receiver in bytes as they are on the wire (without FCS)."""
import select
import socket
import threading
import time

from netns import Failure
from traffic import listen
from wire import SO_RCVBUFFORCE

UDP_HEADERS, TCP_HEADERS = 14 + 20 + 8, 14 + 20 + 32  # Ethernet, IPv4, UDP or TCP with its timestamps


class UdpFlow:
    """Datagrams at a steady rate from one namespace to another; `mbps` as on the wire."""

    def __init__(self, source, target, mbps, seconds, size=1400):
        self.size, self.seconds, self.mbps = size, seconds, mbps
        self.sent = self.received = 0
        self.receiver, port = listen(target, 4, socket.SOCK_DGRAM)
        self.receiver.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 64 << 20)
        self.receiver.setblocking(False)
        self.sender = source.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sender.connect((target.address4, port))
        self.done = threading.Event()
        self.threads = [threading.Thread(target=work, daemon=True) for work in (self._send, self._receive)]

    def _send(self):
        frame, data = self.size + UDP_HEADERS, bytes(self.size)
        begin = time.monotonic()
        while (now := time.monotonic() - begin) < self.seconds:
            while self.sent * frame * 8 < now * self.mbps * 1e6:
                try:
                    self.sender.send(data)
                except OSError:  # the socket's buffer is full: its device is slower
                    pass
                self.sent += 1
            time.sleep(0.0005)
        self.done.set()

    def _receive(self):
        quiet = 0
        while quiet < 3:
            if not select.select([self.receiver], [], [], 0.1)[0]:
                quiet += self.done.is_set()
                continue
            try:
                while True:
                    self.take()
                    self.received += 1
            except BlockingIOError:
                pass

    def take(self):
        self.receiver.recv(65536)

    def start(self):
        for thread in self.threads:
            thread.start()
        return self

    def finish(self):
        """Waits for the end: the rate that arrived, in Mbit/s on the wire."""
        for thread in self.threads:
            thread.join(self.seconds + 20)
        self.sender.close()
        self.receiver.close()
        return self.rate

    @property
    def rate(self):
        return self.received * (self.size + UDP_HEADERS) * 8 / self.seconds / 1e6

    @property
    def lost(self):
        return self.sent - self.received


def udp_rate(source, target, mbps, seconds, size=1400):
    return UdpFlow(source, target, mbps, seconds, size).start().finish()


def tcp_rate(source, target, seconds, mss=1448):
    """One connection that sends as fast as it may: Mbit/s on the wire at the receiver, for segments of `mss` bytes."""
    listener, port = listen(target, 4)
    listener.settimeout(10)
    result = {}

    def take():
        connection, _ = listener.accept()
        connection.settimeout(10)
        begin, total = time.monotonic(), 0
        while (now := time.monotonic() - begin) < seconds:
            count = len(connection.recv(1 << 20))
            if not count:
                break
            total += count
        result.update(total=total, seconds=now)
        connection.close()
    reader = threading.Thread(target=take, daemon=True)
    reader.start()
    sock = source.socket(socket.AF_INET, socket.SOCK_STREAM)
    sock.settimeout(10)
    try:
        sock.connect((target.address4, port))
        while reader.is_alive():
            sock.send(bytes(1 << 18))
    except OSError:  # the reader has enough and closed
        pass
    finally:
        sock.close()
        reader.join(seconds + 10)
        listener.close()
    if "total" not in result:
        raise Failure(f"TCP {source.short} to {target.short}: nothing arrived")
    return result["total"] * (mss + TCP_HEADERS) / mss * 8 / result["seconds"] / 1e6

# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""TCP connections between namespaces that are opened, or are not, and say something both ways as often as one likes."""
import contextlib
import socket

from overlay import check
from traffic import listen


class Conversation:
    """An open connection from a guest to another's port."""

    def __init__(self, source, target, address, port, wait=5):
        family = 6 if ":" in address else 4
        self.listener, _ = listen(target, family, port=port)
        self.near = source.socket(socket.AF_INET if family == 4 else socket.AF_INET6, socket.SOCK_STREAM)
        self.far = None
        try:
            self.near.settimeout(wait)
            self.near.connect((address, port))
            self.listener.settimeout(wait)
            self.far, _ = self.listener.accept()
            self.far.settimeout(5)
            self.near.settimeout(5)
        except OSError:
            self.close()
            raise

    def say(self):
        for one, other in ((self.near, self.far), (self.far, self.near)):
            one.sendall(b"hello")
            got = b""
            while len(got) < 5:
                got += other.recv(5 - len(got))
            check(got == b"hello", f"it arrived as {got!r}")

    def is_silent(self, wait=0.5):
        """Nothing the one says reaches the other."""
        self.near.sendall(b"hello")
        self.far.settimeout(wait)
        try:
            return not self.far.recv(5)
        except socket.timeout:
            return True

    def close(self):
        for sock in (self.near, self.far, self.listener):
            if sock:
                sock.close()


def talk(source, target, address, port):
    with contextlib.closing(Conversation(source, target, address, port)) as conversation:
        conversation.say()


def refused(source, target, address, port):
    """No connection within a second, in which a SYN is sent at once and perhaps again."""
    try:
        with contextlib.closing(Conversation(source, target, address, port, wait=0.7)):
            return False
    except (socket.timeout, TimeoutError):
        return True

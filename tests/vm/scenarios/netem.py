# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""An underlay that loses, delays and reorders, and whose links flap: TCP arrives whole and learning recovers."""
import contextlib
import threading
import time

from netns import PATIENCE, wait_for
from overlay import check, hosts_with_guests, introduce
from scenario import Scenario
from traffic import tcp_transfer

scenario = Scenario({"a": {"memory": 2048}}, seconds=300)


@scenario.setup
def build(lab):
    (a, k), (a1, k1) = hosts_with_guests(lab, ("a", "k"))
    introduce((a1, k1), (a,))
    return a, k, a1, k1


@contextlib.contextmanager
def disturbed(lab, hosts, *words):
    """Both directions of the underlay are so while the block runs: netem on the switch's ports towards these hosts."""
    for host in hosts:
        lab.net.command("tc", "qdisc", "add", "dev", host.switch_port, "root", "netem", *words)
    try:
        yield
    finally:
        for host in hosts:
            lab.net.command("tc", "qdisc", "del", "dev", host.switch_port, "root")


def crosses(a1, k1, megabytes):
    for source, target, family in ((a1, k1, 4), (k1, a1, 6)):
        rate = tcp_transfer(source, target, target.address(family), megabytes=megabytes)
        print(f"  {source.short} to {target.short}: {rate:.1f} Mbit/s")


def disturbance(name, *words, megabytes=1):
    @scenario.check(name=name, seconds=60)
    def survives(lab, a, k, a1, k1):
        with disturbed(lab, (a, k), *words):
            answers = a1.ping(k1.address4, count=100, check=False).stdout
            print("  " + next(line for line in answers.splitlines() if "received" in line))
            crosses(a1, k1, megabytes)
        a1.ping(k1.address4, count=20)


disturbance("tcp_survives_loss", "loss", "3%", "delay", "2ms")
disturbance("tcp_survives_delay", "delay", "20ms", "5ms")
disturbance("tcp_survives_reordering", "delay", "5ms", "reorder", "75%", "50%")
disturbance("duplicates_harm_nobody", "duplicate", "10%")


class Flapping:
    """The switch's port towards a host goes down and comes up again, until the block ends."""

    def __init__(self, lab, host, down=0.3, up=1.2):
        self.lab, self.host, self.times = lab, host, (down, up)
        self.count = 0
        self.over = threading.Event()
        self.thread = threading.Thread(target=self.work, daemon=True)

    def work(self):
        while not self.over.is_set():
            for state, seconds in zip(("down", "up"), self.times):
                self.lab.net.ip(f"link set {self.host.switch_port} {state}")
                self.over.wait(seconds)
            self.count += 1
        self.lab.net.ip(f"link set {self.host.switch_port} up")

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.thread.join(10)


@scenario.check(seconds=60)
def tcp_survives_a_link_that_flaps(lab, a, k, a1, k1):
    """Paced by a slow link, so that the transfer lasts over some flaps."""
    with disturbed(lab, (a, k), "rate", "4mbit"), Flapping(lab, a) as flapping:
        begin = time.monotonic()
        tcp_transfer(a1, k1, k1.address4, megabytes=2)
        print(f"  2 MB in {time.monotonic() - begin:.1f} s over {flapping.count} flaps")
    check(flapping.count >= 2, f"the link flapped {flapping.count} times only")


@scenario.check
def learning_recovers_after_the_underlay_was_away(lab, a, k, a1, k1):
    """What was learned is flushed while the underlay is down; the first frames afterwards bring it back."""
    lab.net.ip(f"link set {a.switch_port} down")
    a.weft("fdb", "flush", "--segment", "blue")
    check(not a.fdb(mac=k1.mac_address), "the entry is still there")
    check(a1.ping(k1.address4, count=2, wait=1, check=False).returncode, "a ping crosses a link that is down")
    lab.net.ip(f"link set {a.switch_port} up")
    begin = time.monotonic()
    wait_for(lambda: a1.ping(k1.address4, count=1, wait=1, check=False).returncode == 0, "pings to be answered again", 10)
    print(f"  answered after {time.monotonic() - begin:.1f} s, patience {PATIENCE:g}")
    a.learned(k1.mac_address)
    a.learned(a1.mac_address)

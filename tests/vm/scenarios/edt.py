# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""Rates of a port group whose excess is delayed: frames leave by their turn (earliest departure time) from the fq queue
of the NIC. Beside it the same rate with the excess dropped."""
import socket
import statistics
import struct
import time

from across import VlanServer
from overlay import check
from rates import UDP_HEADERS, UdpFlow, tcp_rate
from scenario import Scenario
from switching import without_tunnels
from traffic import listen

scenario = Scenario({"a": {"wires": ("lan", "lan"), "memory": 2048}}, seconds=300)
VLAN = 100
# Mbit/s. What may wait is 64 frames, a third of a second at this rate: a busy host stops an emulated CPU for less.
AVERAGE, SECONDS, SIZE = 2, 10, 1400
SPACING = (SIZE + UDP_HEADERS) * 8 / AVERAGE / 1e6
SO_TIMESTAMPNS = 35


class TimedFlow(UdpFlow):
    """Keeps when each datagram arrived, as the kernel's receive time in seconds."""

    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        self.times = []
        self.receiver.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)

    def take(self):
        self.times.append(arrival(self.receiver))


def arrival(sock):
    """Takes a datagram: when it arrived."""
    _, extra, _, _ = sock.recvmsg(65536, 64)
    seconds, nanoseconds = struct.unpack("qq", extra[0][2])
    return seconds + nanoseconds / 1e9


@scenario.setup
def build(lab):
    host = without_tunnels(lab.weft_host("a"))
    lab.take_nic(host, "eth1")
    host.ip("link set eth1 up")
    host.command("tc", "qdisc", "replace", "dev", "eth1", "root", "fq")
    guest, server = lab.guest(host, "a1", attach=False), VlanServer(lab, VLAN)
    host.document["switches"] = [{"name": "dvs0", "team": {"uplinks": ["eth1"]}}]
    host.document["segments"] = [{"name": "lan"}]
    host.document["port_groups"] = [{"name": "web", "switch": "dvs0", "segment": "lan", "vlan": VLAN}]
    host.document["ports"] = [{"interface": guest.port, "port_group": "web"}]
    host.up()
    guest.ping(server.address4)
    return host, guest, server


def limit(host, **rate):
    host.document["port_groups"][0]["limits"] = {"from_port": {"average_kbps": AVERAGE * 1000, **rate}}
    host.weft("config", "apply", host.write())


def udp(guest, server, what):
    """Offers half as much again as the average: the share of the average that arrived, in %. Says how many of the gaps are
    even, a spacing within a fifth; it judges nothing by that, since an emulated CPU that had to wait makes some that are not."""
    flow = TimedFlow(guest, server, 1.5 * AVERAGE, SECONDS, SIZE).start()
    flow.finish()
    times = [at for at in flow.times if at - flow.times[0] < SECONDS]
    steady = [at for at in times if at - times[0] > 1]  # the burst is over
    gaps = sorted((after - before) / SPACING for before, after in zip(steady, steady[1:]))
    share = 100 * len(times) * SPACING / SECONDS
    even = 100 * sum(0.8 < gap < 1.2 for gap in gaps) / len(gaps)
    low, middle, high = (gaps[len(gaps) * percent // 100] for percent in (1, 50, 99))
    print(f"  {what}: UDP {share:.1f} % of the average; {even:.0f} % of the gaps are even, {low:.2f} {middle:.2f} "
          f"{high:.2f} spacings at 1, 50 and 99 %, {gaps[-1]:.1f} at most; {flow.sent} sent")
    return share


def tcp(guest, server, what):
    rate = 100 * tcp_rate(guest, server, SECONDS) / AVERAGE
    print(f"  {what}: TCP {rate:.1f} % of the average")
    return rate


@scenario.check(seconds=60)
def what_is_dropped_for_comparison(lab, host, guest, server):
    limit(host)
    share = udp(guest, server, "drop")
    check(50 <= share <= 106, f"UDP arrives with {share:.1f} % of the average")  # what is not sent in time is lost
    tcp(guest, server, "drop")


@scenario.check(seconds=60)
def delayed_udp_arrives_at_the_average(lab, host, guest, server):
    limit(host, excess="delay")
    share = udp(guest, server, "delay")
    check(94 <= share <= 103, f"UDP arrives with {share:.1f} % of the average")  # 97 without emulation: test_limits.py


@scenario.check(seconds=60)
def delayed_tcp_reaches_the_average(lab, host, guest, server):
    limit(host, excess="delay")
    rate = tcp(guest, server, "delay")
    check(80 <= rate <= 103, f"TCP has {rate:.1f} % of the average")  # 90 without emulation: test_limits.py


def bursts(guest, server, size=30, count=20):
    """Bursts of datagrams, together nine tenths of the average: how many arrive of how many, and over how many spacings a
    burst is spread, in parts of its size."""
    receiver, port = listen(server, 4, socket.SOCK_DGRAM)
    receiver.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
    period = size * SPACING / 0.9
    spans, came = [], 0
    with receiver, guest.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.connect((server.address4, port))
        for _ in range(count):
            for _ in range(size):
                sender.send(bytes(SIZE))
            times = arrivals(receiver, period)
            came += len(times)
            spans.append((times[-1] - times[0]) / SPACING / size if times else 0)
    return came, size * count, statistics.median(spans)


def arrivals(receiver, seconds):
    """Receive times of what comes until the period is over."""
    end, times = time.monotonic() + seconds, []
    while (left := end - time.monotonic()) > 0:
        receiver.settimeout(left)
        try:
            times.append(arrival(receiver))
        except TimeoutError:
            break
    return times


@scenario.check(seconds=60)
def a_burst_below_the_average_is_spread_where_a_policer_would_cut_it(lab, host, guest, server):
    limit(host, burst_kbytes=5)
    came, sent, _ = bursts(guest, server)
    print(f"  drop: {came} of {sent} datagrams in bursts arrive")
    check(came < 0.7 * sent, f"without delay {came} of {sent} arrive: this test cannot fail")
    limit(host, excess="delay", burst_kbytes=5)
    came, sent, span = bursts(guest, server)
    print(f"  delay: {came} of {sent} datagrams in bursts arrive, spread over {span:.2f} of the time they are due")
    check(came == sent, f"{sent - came} of {sent} datagrams are lost")
    check(span > 0.7, f"they are spread over {span:.2f} of the time they are due")

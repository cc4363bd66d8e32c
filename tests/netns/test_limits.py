# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""Bandwidth of ports (V6 limits, V4): average, burst and peak, in bytes as they are on the wire, each port for itself.

Over 10 s UDP is within 97 to 103 % and TCP within 90 to 103 % of the average. Here it is 3 s: the burst, which a full bucket
gives once, is 8 % of that in place of 2.5 %, and so is each timeout of TCP, 7 % in place of 2 %. The bounds are wider by
that."""
import time

from netns import wait_for
from overlay import check, deliver, introduce, plain
from rates import UdpFlow, tcp_rate, udp_rate
from registry import test
from switching import Site, silent
from wire import ETHERTYPE_TEST, Marker, ethernet

TIMED = True  # see registry.py

SECONDS, AVERAGE = 3, 50  # Mbit/s


def limited(lab, direction, average=AVERAGE, guests=("a1", "a2"), **more):
    """a1 and a2 in a limited group, s1 on its VLAN."""
    rate = {"average_kbps": average * 1000, **more}
    return Site(lab, {"web": {"vlan": 10, "limits": {direction: rate}}}, {name: "web" for name in guests}, {"s1": 10})


def within(rate, low, high, what):
    print(f"  {what}: {rate:.2f} Mbit/s of {AVERAGE}, {100 * rate / AVERAGE:.1f} %")
    check(low <= 100 * rate / AVERAGE <= high, f"{what}: {rate:.2f} Mbit/s of {AVERAGE}")


def measured(site, direction, seconds):
    """(UDP, TCP, TCP of small segments) through the limit, in Mbit/s."""
    ends = (site.a1, site.s1) if direction == "from_port" else (site.s1, site.a1)
    udp = udp_rate(*ends, 2 * AVERAGE, seconds)
    tcp = tcp_rate(*ends, seconds)
    for end in ends:
        end.ip("link set eth0 mtu 600")
    return udp, tcp, tcp_rate(*ends, seconds, mss=600 - 52)


def average(direction, verdict):
    @test(name=f"v6_the_average_{direction}_holds_for_udp_and_tcp", timeout=90)
    def holds(lab):
        site = limited(lab, direction)
        udp, tcp, small = measured(site, direction, SECONDS)
        within(udp, 97, 111, f"UDP {direction}")
        within(tcp, 76, 111, f"TCP {direction}")
        within(small, 76, 111, f"TCP {direction} in segments of 548 bytes, whose headers count")
        check(site.host.verdicts().get(verdict, 0) > 100, f"counted {site.host.verdicts()}")


for each in (("from_port", "DROP_RATE_FROM"), ("to_port", "DROP_RATE_TO")):
    average(*each)


def fire(site, source, target, frames, bytes_each, mbps=None):
    """Frames at once, or at a rate: how many arrive, and how long it took to send them."""
    marker = Marker()
    counter = target.count(marker)
    made = [ethernet(target.mac_address, source.mac_address, ETHERTYPE_TEST, marker.payload(number, bytes_each - 14))
            for number in range(frames)]
    begin = time.monotonic()
    for number, frame in enumerate(made):
        while mbps and (time.monotonic() - begin) * mbps * 1e6 < number * bytes_each * 8:
            pass
        source.send(frame)
    took = time.monotonic() - begin
    passed = counter.settle(frames, timeout=0.3)
    counter.close()
    return passed, took


def burst(direction, verdict):
    @test(name=f"v6_a_burst_{direction}_passes_at_once_up_to_its_size")
    def passes(lab):
        site = limited(lab, direction, average=1, burst_kbytes=100)
        silent(site.a1, site.a2, site.s1)
        introduce((site.a1, site.s1), [site.host])
        ends = (site.a1, site.s1) if direction == "from_port" else (site.s1, site.a1)
        wait_for_refill(site)
        before = site.host.verdicts().get(verdict, 0)
        passed, took = fire(site, *ends, frames=400, bytes_each=1000)
        refilled = took * 125  # frames that the average adds meanwhile
        check(98 <= passed <= 102 + refilled, f"{passed} frames of 1000 bytes passed a burst of 100 kbytes in {took:.3f} s")
        dropped = site.host.verdicts().get(verdict, 0) - before
        check(passed + dropped == 400, f"{passed} passed, {dropped} are counted, of 400")
        other = site.a2 if direction == "from_port" else site.s1
        deliver(other, plain(other, site.s1.mac_address if other is site.a2 else site.a2.mac_address),
                to=[site.s1 if other is site.a2 else site.a2], frames=50)  # each port has a bucket of its own


for each in (("from_port", "DROP_RATE_FROM"), ("to_port", "DROP_RATE_TO")):
    burst(*each)


def wait_for_refill(site):
    """What the introduction took of the bucket is back: at 1 Mbit/s, after some 10 ms. Nothing announces it."""
    begin = time.monotonic()
    wait_for(lambda: time.monotonic() > begin + 0.1, "the bucket to be full", every=0.1)


@test
def v6_a_peak_bounds_how_fast_a_burst_may_go(lab):
    site = limited(lab, "from_port", average=1, burst_kbytes=500, peak_kbps=10_000)
    silent(site.a1, site.a2, site.s1)
    introduce((site.a1, site.s1), [site.host])
    passed, took = fire(site, site.a1, site.s1, frames=800, bytes_each=1000, mbps=40)
    peak, average = took * 10e6 / 8000, took * 1e6 / 8000
    # A sender that was held up catches up in one go, of which the peak takes little: below, only the average is sure.
    check(3 * average <= passed <= 1.05 * peak + 20, f"{passed} frames passed in {took:.2f} s, the peak is {peak:.0f}")


@test
def v6_a_limit_on_one_port_does_not_slow_another(lab):
    site = limited(lab, "from_port", average=20)
    saturated = UdpFlow(site.a1, site.s1, 80, SECONDS).start()
    modest = UdpFlow(site.a2, site.s1, 15, SECONDS).start()
    slow, free = saturated.finish(), modest.finish()
    check(modest.lost == 0, f"a2 lost {modest.lost} of {modest.sent} frames below its average ({free:.1f} Mbit/s)")
    check(19 < slow < 23, f"a1 sent {slow:.1f} Mbit/s, its average is 20")


def services(lab, up=True, **storage):
    """Kernel ports for storage and management, each in a group of its own, on an uplink of 50 Mbit/s."""
    site = Site(lab, {"san": {"vlan": 10, **storage}, "mgmt": {"vlan": 20}}, up=False)
    site.guest("san0", "san", port={"service": "storage"})
    site.guest("mgmt0", "mgmt", port={"service": "management"})
    site.server("array", 10)
    site.server("console", 20)
    site.host.command("tc", "qdisc", "add", "dev", "eth1", "root", "tbf", "rate", "50mbit", "burst", "32kb", "limit", "64kb")
    if up:
        site.host.up()
    return site


def share(site):
    """Storage takes all it can; what management loses of 10 Mbit/s, in percent."""
    storage = UdpFlow(site.san0, site.array, 150, SECONDS).start()
    management = UdpFlow(site.mgmt0, site.console, 10, SECONDS).start()
    storage.finish()
    management.finish()
    print(f"  storage {storage.rate:.1f} Mbit/s, management lost {management.lost} of {management.sent} frames")
    return 100 * management.lost / management.sent


@test
def v4_a_saturated_storage_service_leaves_management_its_share(lab):
    site = services(lab)
    for guest, server in ((site.san0, site.array), (site.mgmt0, site.console)):
        guest.ping(server.address4)
    check([port["service"] for port in site.host.json("port", "list")] == ["storage", "management"], "services are lost")
    unlimited = share(site)
    check(unlimited > 5, f"without a limit management lost {unlimited:.1f} % only: this test cannot fail")
    site.port_group("san")["limits"] = {"from_port": {"average_kbps": 30_000, "burst_kbytes": 30}}
    site.apply()
    limited_loss = share(site)
    check(limited_loss == 0, f"with a limit of storage management lost {limited_loss:.1f} %")


@test(timeout=60)
def v6_a_limit_that_delays_holds_without_fq_too_and_says_that_it_is_missing(lab):
    """A queue that keeps departure times is only in other kernels (tests/vm); without one frames leave at once."""
    site = limited(lab, "from_port", excess="delay")

    def warned():
        return [line for line in site.host.json("status")["warnings"] if "eth1 queues by" in line and "root fq" in line]
    check(warned(), "no word of the queue")
    udp = udp_rate(site.a1, site.s1, 2 * AVERAGE, SECONDS)
    within(udp, 97, 103, "UDP, its excess delayed, without fq")
    check(site.host.verdicts().get("DROP_RATE_FROM", 0) > 100, f"counted {site.host.verdicts()}")
    site.host.weft("port-group", "set", "web", "--limits-from-port-excess", "drop")
    check(not warned(), "the queue is missed although nothing is delayed")
    limits = site.host.json("port-group", "show", "web")["limits"]["from_port"]
    check(limits["average_kbps"] == AVERAGE * 1000 and "excess" not in limits, f"the limit is {limits}")

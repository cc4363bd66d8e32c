# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""The election of the designated bridge (N4) by keepalived, whose advertisements renew a lease in the datapath: one host
holds it at any time, and another does in less than a second when that one is gone."""
import re
import signal
import subprocess
import time

from election import DIST, LEASE_HOLD_NS, LEASE_NS, Keepalived, elect, elected
from netns import Failure, run, wait_for
from overlay import check, plain, start
from registry import test
from vlans import VLAN, bridged
from wire import BROADCAST, Marker

TIMED = True  # see registry.py

TAKEOVER_NS = 1_000_000_000


def world(lab, bridging, others=(), family=4):
    """Hosts that all join the VLAN, their bridges elected by keepalived, the first is designated; others have a guest in
    the segment: (bridging hosts, engines, leases, guest of the last host, server on the VLAN)."""
    names = (*bridging, *others)
    hosts, guests, _, (server,) = bridged(lab, names, bridging=bridging, family=family, up=False)
    electors = hosts[:len(bridging)]
    for number, host in enumerate(electors):
        elected(host.document, number)
    start(hosts)
    engines, leases = elect(electors)
    return electors, engines, leases, guests[-1], server


def electing(lab, names=("a", "b"), family=4):
    return world(lab, names, family=family)[:3]


def takes_over(leases, gone, since, limit=TAKEOVER_NS):
    """Another host's lease holds within the time after `since`; gives the host."""
    begin, host = leases.await_holder(among=[other for other in leases.hosts if other is not gone], after=since)
    print(f"        {host.short} is designated {(begin - since) / 1e6:.0f} ms after {gone.short} went")
    check(begin - since < limit, f"the takeover took {(begin - since) / 1e6:.0f} ms: {leases.describe()}")
    leases.never_two()
    return host


def stays(leases, host, seconds):
    """The host's lease holds without a pause."""
    begin = time.monotonic_ns()
    end = begin + seconds * 1_000_000_000
    wait_for(lambda: time.monotonic_ns() >= end, "time to pass", seconds + 5)
    check(any(span[0] <= begin and span[1] >= end and span[2] is host for span in leases.spans()),
          f"{host.short} was not designated all the time: {leases.describe()}")
    leases.never_two()


def said(host):
    """What keepalived told the daemon, and what the lease says."""
    (bridge,) = host.json("bridge", "list")
    return bridge["role"], bridge["state"]


@test(timeout=90)
def n4_of_three_elected_bridges_one_is_designated_and_another_is_when_it_dies(lab):
    hosts, engines, leases = electing(lab, ("a", "b", "c"))
    first = hosts[0]
    stays(leases, first, 2)
    expected = [("designated", "designated"), ("standby", "standby"), ("standby", "standby")]
    wait_for(lambda: [said(host) for host in hosts] == expected,
             lambda: f"keepalived to tell the daemons, they have {[said(host) for host in hosts]}")
    for survivors in (2, 1):
        gone = time.monotonic_ns()
        first.daemon.kill()
        engines[first].kill()
        first = takes_over(leases, first, gone)
        check(first is hosts[-survivors], f"{first.short} has not the highest priority of {survivors} hosts")
        stays(leases, first, 1)


@test(timeout=90)
def n4_a_host_that_comes_back_does_not_interrupt(lab):
    (a, b), engines, leases = electing(lab)
    gone = time.monotonic_ns()
    a.daemon.kill()
    engines[a].kill()
    takes_over(leases, a, gone)
    a.daemon.wait()
    a.up()
    engines[a].start()
    engines[a].await_state("BACKUP", times=2)
    stays(leases, b, 2)


@test(timeout=90)
def n4_a_vlan_link_that_goes_down_moves_the_role(lab):
    (a, b), engines, leases = electing(lab)
    gone = time.monotonic_ns()
    a.ip("link set eth1 down")
    takes_over(leases, a, gone)
    wait_for(lambda: said(a) == ("standby", "standby") and said(b) == ("designated", "designated"),
             lambda: f"the daemons to know, they have {said(a)} and {said(b)}")
    a.ip("link set eth1 up")
    engines[a].await_state("BACKUP", times=2)
    stays(leases, b, 1)


@test(timeout=90)
def n4_the_role_moves_when_keepalived_is_stopped(lab):
    (a, b), engines, leases = electing(lab)
    for gone, other in ((a, b), (b, a)):
        since = time.monotonic_ns()
        engines[gone].stop()
        check(takes_over(leases, gone, since) is other, "nobody else could")
        engines[gone].start().await_state("BACKUP", times=2)


@test(timeout=90)
def n4_a_restart_of_the_daemon_does_not_interrupt_and_its_absence_does(lab):
    (a, b), _, leases = electing(lab)
    begin = time.monotonic_ns()
    a.down()
    a.up()
    stays(leases, a, 1)
    check(leases.holders(begin) == [a], f"the restart interrupted: {leases.describe()}")
    a.down(signal.SIGKILL)
    check(takes_over(leases, a, time.monotonic_ns(), limit=9_000_000_000) is b, "nobody else could")


@test(timeout=90)
def n4_a_reload_of_keepalived_does_not_interrupt(lab):
    (a, _), engines, leases = electing(lab)
    engines[a].configure()
    engines[a].process.send_signal(signal.SIGHUP)
    wait_for(lambda: "Reload complete" in engines[a].log(),
             lambda: f"keepalived to read its configuration again:\n{engines[a].log()}")
    stays(leases, a, 1)


@test(timeout=90)
def n4_a_keepalived_that_hangs_loses_the_role_and_never_shares_it(lab):
    (a, b), engines, leases = electing(lab)
    for hanging, other in ((a, b), (b, a)):
        since = time.monotonic_ns()
        engines[hanging].kill(signal.SIGSTOP)
        check(takes_over(leases, hanging, since) is other, "nobody else could")
        engines[hanging].kill(signal.SIGCONT)
        # It was master when it stopped, and says so once more; who has the higher priority goes on.
        until = time.monotonic_ns() + 2 * (LEASE_NS + LEASE_HOLD_NS)
        wait_for(lambda until=until: time.monotonic_ns() > until, "both to hear each other")
        leases.never_two()
        _, holder = leases.await_holder()
        if holder is not other:
            break


@test(timeout=90)
def n4_the_election_works_over_ipv6(lab):
    (a, _), engines, leases = electing(lab, family=6)
    gone = time.monotonic_ns()
    engines[a].kill()
    takes_over(leases, a, gone)


def send_both_ways(guest, server, seconds, at, event, pause=0.002):
    """Broadcasts from each to the other, the event after some of them: [(counter, frames sent)]."""
    markers = Marker(), Marker()
    counters = server.count(markers[0]), guest.count(markers[1])
    frames = plain(guest, BROADCAST), plain(server, BROADCAST)
    sent, begin = 0, time.monotonic()
    while time.monotonic() < begin + seconds:
        if event and time.monotonic() >= begin + at:
            event()
            event = None
        guest.send(frames[0](markers[0], sent))
        server.send(frames[1](markers[1], sent))
        sent += 1
        for counter in counters:
            counter.drain()
        time.sleep(pause)
    return [(counter, sent) for counter in counters]


def gap(counter, sent, seconds):
    """The longest run of lost frames, in seconds; Failure if one came twice, or none at the end."""
    counter.settle(sent, timeout=0.5)
    twice = [number for number, count in counter.seen.items() if count > 1]
    check(not twice, f"{len(twice)} frames came more than once to {counter.where}: {sorted(twice)[:10]} …")
    check(counter.seen.keys() & set(range(sent - 20, sent)), f"the last frames did not come to {counter.where}")
    longest = run_length = 0
    for number in range(sent):
        run_length = 0 if number in counter.seen else run_length + 1
        longest = max(longest, run_length)
    return longest * seconds / sent


def never_two_copies(lab, bridging):
    hosts, engines, leases, guest, server = world(lab, bridging, others=("z",))
    designated = hosts[0]

    def die():
        designated.daemon.kill()
        engines[designated].kill()
    for counter, sent in send_both_ways(guest, server, 3, 0.5, die):
        lost = gap(counter, sent, 3)
        print(f"        {lost * 1000:.0f} ms without frames at {counter.where}, {sent} sent")
        # A broadcast from the VLAN waits for a second in which the dead bridge brought none (DROP_REFLECTION).
        check(lost < 1.3, f"{lost:.2f} s without frames")
    leases.never_two()


@test(timeout=90)
def n4_with_two_bridges_a_broadcast_is_never_there_twice_while_the_designated_one_dies(lab):
    never_two_copies(lab, ("a", "b"))


@test(timeout=90)
def n4_with_three_bridges_a_broadcast_is_never_there_twice_while_the_designated_one_dies(lab):
    never_two_copies(lab, ("a", "b", "c"))


@test(timeout=90)
def n4_a_ping_at_1_khz_loses_less_than_a_second_when_the_designated_host_dies(lab):
    (a, b), engines, leases, guest, server = world(lab, ("a", "b"), others=("z",))
    guest.ping(server.address4)
    ping = guest.start("ping", "-n", "-q", "-i", "0.001", "-c", "3000", "-W", "1", server.address4,
                       stdout=subprocess.PIPE, text=True)
    begin = time.monotonic()
    wait_for(lambda: time.monotonic() > begin + 0.5, "some echoes")
    a.daemon.kill()
    engines[a].kill()
    output = ping.communicate(timeout=30)[0]
    sent, received = (int(word) for word in re.search(r"(\d+) packets transmitted, (\d+) received", output).groups())
    print(f"        {sent - received} of {sent} echoes lost")
    check(sent - received < 1000, output)
    check(leases.holders() == [b], f"designated is not b: {leases.describe()}")
    leases.never_two()


@test(timeout=90)
def n4_the_vlan_hears_of_the_new_bridge_as_soon_as_it_may_speak(lab):
    (a, b), engines, leases, guest, server = world(lab, ("a", "b"), others=("z",))
    guest.ping(server.address4)
    wire = server.switch.tap(b.nic)
    a.daemon.kill()
    engines[a].kill()
    wire.first(lambda frame: frame[16:18] == b"\x80\x35" and frame[6:12].hex(":") == guest.mac_address,
               f"a RARP of {guest.short} from b")
    heard = time.monotonic_ns()
    wire.close()
    begin, _ = leases.await_holder(among=[b])
    check(0 <= heard - begin < 1_000_000_000, f"it came {(heard - begin) / 1e6:.0f} ms after b was designated")


@test
def the_configuration_names_what_is_wrong(lab):
    (a,), *_ = bridged(lab, ("a",), up=False)
    a.document["segments"][0]["remotes"] = []
    a.document["bridges"][0]["virtual_router_id"] = 51
    start([a])
    engine = Keepalived(a)
    check("vrrp_instance" not in engine.configure(), "a fixed role is not elected")
    a.weft("bridge", "set", "--segment", "blue", "--interface", "eth1", "--vlan", VLAN, "--role", "elected")
    try:
        engine.configure()
        raise Failure("a segment without remotes has no peers")
    except Failure as refusal:
        check("--peer" in str(refusal), str(refusal))
    check("192.0.2.9" in engine.configure("--peer", "192.0.2.9"), "the peer is missing")
    a.down()
    result = run(f"{DIST}/weft-keepalived", "--instance", a.instance, "--weft", f"{lab.binaries}/weft", check=False)
    check(result.returncode == 1 and "no daemon" in result.stderr, f"exit {result.returncode}: {result.stderr}")

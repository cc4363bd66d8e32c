# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""The datapath outlives the daemon: nothing is lost of a 1 kHz stream, and nothing that was learned."""
import glob
import os
import signal

from overlay import check, hosts_with_guests, introduce, plain
from registry import test
from traffic import Stream
from wire import Marker

TIMED = True  # see registry.py


def rows(entries, *fields):
    return sorted(tuple(str(entry.get(field)) for field in fields) for entry in entries)


def tables(host):
    return (rows(host.json("fdb", "list"), "segment", "mac", "port", "remote", "origin"),
            rows(host.json("neighbor", "list"), "segment", "ip", "mac", "origin"))


def restarts(lab, how):
    hosts, guests = hosts_with_guests(lab, ("a", "b", "k"), arp="suppress", aging_seconds=3600)
    a, b, k = hosts
    a1, b1, k1 = guests
    introduce(guests, hosts)
    for target in (b1, k1):
        for family in (4, 6):
            a1.ping(target.address(family))
            a.neighbor(target.address(family))
    a.weft("fdb", "add", "--segment", "blue", "--mac", "02:00:00:00:88:01", "--remote", b.address)
    before = tables(a)
    out, back, far = Marker(), Marker(), Marker()
    counters = (b1.count(out), a1.count(back), k1.count(far))
    with Stream(a1, lambda number: plain(a1, b1.mac_address)(out, number)) as to_b, \
            Stream(b1, lambda number: plain(b1, a1.mac_address)(back, number)) as to_a, \
            Stream(a1, lambda number: plain(a1, k1.mac_address)(far, number), rate=200) as to_k:
        to_b.run_until(300)
        for _ in range(2):
            how(a)
            to_b.run_until(to_b.sent + 300)
        to_a.run_until(600)
    for stream, counter, name in zip((to_b, to_a, to_k), counters, ("a1 to b1", "b1 to a1", "a1 to k1")):
        counter.exactly(stream.sent, f"{name} across restarts")
        print(f"  {name}: {counter.total} of {stream.sent}")
    for had, has in zip(before, tables(a)):  # a neighbor's probe may have taught more meanwhile
        check(set(had) <= set(has), f"lost: {sorted(set(had) - set(has))}")


@test(timeout=90)
def kill_and_restart_lose_no_frame_and_no_entry(lab):
    def how(host):
        host.down(signal.SIGKILL)
        host.up()
    restarts(lab, how)


@test(timeout=90)
def sigterm_and_restart_lose_no_frame_and_no_entry(lab):
    def how(host):
        host.down()
        host.up()
    restarts(lab, how)


@test(timeout=90)
def an_upgrade_to_another_abi_and_back_lose_no_frame_and_no_entry(lab):
    programs = ["weftd", "weftd_next"]

    def how(host):
        host.down()
        programs.reverse()
        host.up(program=programs[0])
        folders = [os.path.basename(path) for path in glob.glob(f"/sys/fs/bpf/weft/{host.instance}/v*")]
        check(len(folders) == 1, f"pins of {folders} are there: the old ones did not go, or nothing changed")
        seen.update(folders)
    seen = set()
    restarts(lab, how)
    check(len(seen) == 2, f"only {seen} was there: nothing was upgraded")


@test(timeout=90)
def a_ping_of_a_thousand_a_second_loses_nothing_across_kill_and_restart(lab):
    hosts, (a1, b1) = hosts_with_guests(lab, ("a", "b"))
    a = hosts[0]
    a1.ping(b1.address4)
    ping = a1.start("ping", "-n", "-q", "-i", "0.001", "-c", "4000", "-W", "2", b1.address4, stdout=-1, text=True)
    for sig in (signal.SIGKILL, signal.SIGTERM):
        a.down(sig)
        a.up()
    out = ping.communicate(timeout=30)[0]
    check("4000 packets transmitted, 4000 received" in out, out)
    print("  " + next(line for line in out.splitlines() if "transmitted" in line))


@test
def forwarding_flooding_and_arp_answers_go_on_without_a_daemon(lab):
    from overlay import deliver
    from test_arp import answered, request
    from wire import BROADCAST
    hosts, guests = hosts_with_guests(lab, ("a", "b", "k"), arp="suppress")
    a, b, _ = hosts
    a1, b1, k1 = guests
    introduce(guests, hosts)
    a1.ping(b1.address4)
    a.neighbor(b1.address4)
    a.down()
    deliver(a1, plain(a1, b1.mac_address), to=[b1], none=[k1])
    deliver(a1, plain(a1, BROADCAST), to=[b1, k1])
    deliver(k1, plain(k1, a1.mac_address), to=[a1], none=[b1])
    answered(a1, request(a1, b1.address4), b1.address4, b1.mac_address, {a: 0}, (b1, k1))


@test
def learning_goes_on_after_a_restart(lab):
    (a, b), (a1, b1) = hosts_with_guests(lab, ("a", "b"))
    a1.ping(b1.address4)
    a.down(signal.SIGKILL)
    a.up()
    from test_learning import speak
    speak(b1, "02:00:00:00:79:01")
    a.learned("02:00:00:00:79:01", remote=b.address)


@test
def a_restart_takes_what_the_document_says_now(lab):
    from overlay import deliver
    from wire import BROADCAST
    (a, b, k), (a1, b1, k1) = hosts_with_guests(lab, ("a", "b", "k"))
    a.weft("remote", "add", "--segment", "blue", "--address", "192.0.2.88")
    a.down()
    a.document["segments"][0]["remotes"] = [b.address]
    a.up()
    deliver(a1, plain(a1, BROADCAST), to=[b1], none=[k1], wires={a: 1})
    addresses = {row["address"] for row in a.json("remote", "list")}
    check(addresses == {b.address, "192.0.2.88"}, f"remotes after the restart: {addresses}")

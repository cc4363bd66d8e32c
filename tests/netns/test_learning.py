# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""Learning: where a MAC is, from whom it was heard, for how long."""
from lab import VNI
from netns import wait_for
from overlay import check, deliver, hosts_with_guests, introduce, plain
from registry import test
from wire import BROADCAST, ETHERTYPE_TEST, Marker, ethernet


def speak(guest, mac):
    """A frame from a MAC that is no device's."""
    guest.send(ethernet(BROADCAST, mac, ETHERTYPE_TEST, Marker().payload(0, 46)))


@test
def addresses_are_learned_behind_ports_and_remotes(lab):
    (a, b, k), (a1, b1, k1) = hosts_with_guests(lab, ("a", "b", "k"))
    introduce((a1, b1, k1), (a, b))
    check(a.learned(a1.mac_address)["port"] == a1.port, "the local MAC is behind another port")
    check(a.learned(b1.mac_address)["remote"] == b.address, "b's MAC is behind another remote")
    check(a.learned(k1.mac_address)["remote"] == k.address, "the kernel's MAC is behind another remote")
    for mac in (b1.mac_address, k1.mac_address):
        entry = a.learned(mac)
        check(entry["origin"] == "dynamic" and entry["vni"] == VNI and entry["segment"] == "blue", f"entry is {entry}")


@test
def an_address_that_moves_is_followed(lab):
    (a, b, k), (a1, a2, b1, _, k1, _) = hosts_with_guests(lab, ("a", "b", "k"), guests=2)
    mac = "02:00:00:00:77:01"
    for source, host, where in ((b1, b, "remote"), (k1, k, "remote"), (a1, a1, "port"), (a2, a2, "port"), (b1, b, "remote")):
        speak(source, mac)
        wanted = host.address if where == "remote" else host.port
        a.learned(mac, **{where: wanted})
    deliver(a1, plain(a1, mac), to=[b1], none=[a2, k1], wires={a: 1})


@test(timeout=40)
def an_entry_ages_by_its_last_use_as_a_source(lab):
    (a, _), (a1, b1) = hosts_with_guests(lab, ("a", "b"), aging_seconds=3)
    quiet, busy = "02:00:00:00:77:02", "02:00:00:00:77:03"
    speak(b1, quiet)
    speak(b1, busy)
    a.learned(quiet, origin="dynamic")
    a.learned(busy, origin="dynamic")

    def gone():
        speak(b1, busy)
        a1.send(ethernet(quiet, a1.mac_address, ETHERTYPE_TEST, Marker().payload(0, 46)))  # traffic to it is no use
        check(a.fdb(mac=busy), "an entry in use as a source aged")
        return not a.fdb(mac=quiet)
    wait_for(gone, "the unused entry to age", timeout=15, every=0.2)


@test
def the_learning_limit_of_a_segment_holds_and_frames_still_flood(lab):
    (a, b), (a1, a2, b1, b2) = hosts_with_guests(lab, ("a", "b"), guests=2, learning_limit=8)
    for number in range(40):
        speak(b1, f"02:00:00:00:78:{number:02x}")

    def full():
        return len(a.fdb(origin="dynamic")) >= 8
    wait_for(full, "eight learned entries")
    macs = [f"02:00:00:00:78:{number:02x}" for number in range(40)]
    for mac in macs:
        speak(b1, mac)
    check(len([entry for entry in a.fdb(origin="dynamic")]) <= 8, f"{len(a.fdb(origin='dynamic'))} learned, limit 8")
    known = {entry["mac"] for host in (a, b) for entry in host.fdb(origin="dynamic")}
    deliver(a1, plain(a1, next(mac for mac in macs if mac not in known)), to=[a2, b1, b2])


@test
def what_is_flushed_may_be_learned_again_at_once_up_to_the_limit(lab):
    (a,), (a1,) = hosts_with_guests(lab, ("a",), up=False, learning_limit=4)
    a1.sysctl("net.ipv6.conf.eth0.disable_ipv6", 1)  # its own MAC must not be one of the four
    a.up()
    macs = [f"02:00:00:00:79:{number:02x}" for number in range(4)]
    for words in (("fdb", "flush", "--dynamic"), ("fdb", "flush", "--segment", "blue"), ("port", "del", a1.port)):
        for mac in macs:
            speak(a1, mac)
            a.learned(mac, port=a1.port)
        a.weft(*words)
        if words[0] == "port":
            a.weft("port", "add", a1.port, "--segment", "blue")
        check(not a.fdb(), f"weft {' '.join(words)} left {a.fdb()}")
        for mac in macs:  # one frame of each, right after the last that was learned
            speak(a1, mac)
        for mac in macs:
            a.learned(mac, port=a1.port)
        a.weft("fdb", "flush")


@test
def learning_does_not_touch_static_entries(lab):
    (a, b, k), (a1, b1, k1) = hosts_with_guests(lab, ("a", "b", "k"))
    mac, marker_mac = "02:00:00:00:77:04", "02:00:00:00:77:05"
    a.weft("fdb", "add", "--segment", "blue", "--mac", mac, "--remote", b.address)
    speak(k1, mac)
    speak(a1, mac)
    speak(k1, marker_mac)
    a.learned(marker_mac)  # events come in order: the ones before were judged
    entry = a.learned(mac)
    check(entry["remote"] == b.address and entry["origin"] == "cli" and entry["age_seconds"] is None, f"entry is {entry}")
    (counter,) = deliver(a1, plain(a1, mac), none=[k1], wires={a: 1})  # what b learned of it is b's own affair
    check({destination for destination, _ in counter.seen} == {b.address}, f"it went to {set(counter.seen)}")


@test
def nothing_is_learned_where_learning_is_off(lab):
    (a, b), (a1, b1) = hosts_with_guests(lab, ("a", "b"), up=False)
    a.document["segments"][0]["learning"] = False
    a.up()
    b.up()
    b1.announce()
    a1.announce()
    b.learned(a1.mac_address)
    deliver(b1, plain(b1, a1.mac_address), to=[a1])
    deliver(a1, plain(a1, b1.mac_address), to=[b1])
    check(not a.fdb(origin="dynamic"), f"learned: {a.fdb(origin='dynamic')}")


@test
def neighbors_are_learned_from_arp_and_nd(lab):
    (a, b, k), (a1, b1, k1) = hosts_with_guests(lab, ("a", "b", "k"))
    for target in (b1, k1):
        for family in (4, 6):
            a1.ping(target.address(family))
    for guest in (a1, b1, k1):
        for family in (4, 6):
            entry = a.neighbor(guest.address(family))
            check(entry["mac"] == guest.mac_address, f"{entry} on a, the guest has {guest.mac_address}")

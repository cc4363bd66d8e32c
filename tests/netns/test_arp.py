# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""ARP and ND: answered on this host where the binding is known, flooded where not, never out of turn."""
import ipaddress

from netns import Failure
from overlay import check, deliver, hosts_with_guests, introduce
from registry import test
from wire import BROADCAST, Marker, arp, ethernet, ip_bytes, mac_bytes, multicast_mac, neighbor_solicitation
from wire import solicited_node

ZERO = "00:00:00:00:00:00"
ABSENT4, ABSENT6 = "198.51.100.200", "2001:db8:1::200"


def request(source, ip, dst=BROADCAST, sender=None):
    """frame(marker, number): an ARP request whose padding is the marker. `sender` 0.0.0.0 makes a probe (RFC 5227)."""
    def make(marker, number):
        body = arp(1, source.mac_address, sender or source.address4, ZERO, ip)
        return ethernet(dst, source.mac_address, 0x0806, body + marker.payload(number, 18))
    return make


def solicitation(source, ip, dst=None, sender=None):
    """frame(marker, number): a neighbor solicitation, the marker behind the packet. `sender` :: makes a DAD probe."""
    def make(marker, number):
        mac = None if sender == "::" else source.mac_address
        group = dst or multicast_mac(solicited_node(ip))
        return ethernet(group, source.mac_address, 0x86DD,
                        neighbor_solicitation(sender or source.address6, ip, mac, ip if dst else None) + marker.payload(number))
    return make


def is_reply(frame, ip, mac):
    """An ARP reply or neighbor advertisement that gives `ip` to `mac`."""
    if frame[12:14] == b"\x08\x06":
        return frame[20:22] == b"\x00\x02" and frame[22:28] == mac_bytes(mac) and frame[28:32] == ip_bytes(ip)
    return (frame[12:14] == b"\x86\xdd" and frame[20] == 58 and len(frame) >= 86 and frame[54] == 136 and
            frame[62:78] == ip_bytes(ip) and frame[80:86] == mac_bytes(mac))


def answered(source, make, ip, mac, wires, silent=()):
    """One request: answered to the source once, `wires` tunnel packets sent for it, guests in `silent` do not see it."""
    tap = source.tap()
    deliver(source, make, none=silent, frames=1, wires=wires, what=f"request for {ip}")
    replies = [frame for frame in tap.frames() if is_reply(frame, ip, mac)]
    tap.close()
    check(len(replies) == 1, f"{len(replies)} replies for {ip} at {source.short}, 1 expected")
    return replies[0]


def bound(lab, mode, names=("a", "b", "k")):
    """Hosts and guests whose bindings host a knows: static ones, so that nothing ages or moves."""
    hosts, guests = hosts_with_guests(lab, names, arp=mode)
    introduce(guests, hosts)
    for guest in guests[1:]:
        for family in (4, 6):
            hosts[0].weft("neighbor", "add", "--segment", "blue", "--ip", guest.address(family), "--mac",
                          guest.mac_address)
    return hosts, guests


@test
def suppress_answers_a_known_binding_with_nothing_on_the_underlay(lab):
    (a, b, k), (a1, b1, k1) = bound(lab, "suppress")
    for target in (b1, k1):
        answered(a1, request(a1, target.address4), target.address4, target.mac_address, {a: 0}, (b1, k1))
        answered(a1, solicitation(a1, target.address6), target.address6, target.mac_address, {a: 0}, (b1, k1))
    for target in (b1, k1):  # the stack takes these answers
        a1.ip("neigh flush all")
        a1.ping(target.address4)
        a1.ping(target.address6)


@test
def suppress_learns_bindings_from_what_it_sees_and_answers_from_them(lab):
    hosts, (a1, a2, b1, b2) = hosts_with_guests(lab, ("a", "b"), guests=2, arp="suppress")
    for family in (4, 6):
        a1.ping(b1.address(family))
        hosts[0].neighbor(b1.address(family), mac=b1.mac_address)
    answered(a2, request(a2, b1.address4), b1.address4, b1.mac_address, {hosts[0]: 0}, (b1, b2))
    answered(a2, solicitation(a2, b1.address6), b1.address6, b1.mac_address, {hosts[0]: 0}, (b1, b2))


@test
def suppress_floods_a_miss_once_to_every_host(lab):
    (a, b, k), (a1, b1, k1) = bound(lab, "suppress")
    deliver(a1, request(a1, ABSENT4), to=[b1, k1], wires={a: 2}, what="ARP miss")
    deliver(a1, solicitation(a1, ABSENT6), to=[b1, k1], wires={a: 2}, what="ND miss")


@test
def an_fdb_entry_without_a_binding_does_not_suppress(lab):
    hosts, guests = hosts_with_guests(lab, ("a", "b"), arp="suppress")
    introduce(guests, hosts)
    answered(guests[0], request(guests[0], guests[1].address4), guests[1].address4, guests[1].mac_address, {hosts[0]: 1})


@test
def suppress_forwards_unicast_requests_to_their_owner(lab):
    (a, b, k), (a1, b1, k1) = bound(lab, "suppress")
    deliver(a1, request(a1, b1.address4, dst=b1.mac_address), to=[b1], none=[k1], wires={a: 1}, what="unicast ARP")
    deliver(a1, solicitation(a1, b1.address6, dst=b1.mac_address), to=[b1], none=[k1], wires={a: 1}, what="unicast NS")


@test
def a_duplicate_address_probe_is_answered_when_another_host_owns_the_address(lab):
    (a, b, k), (a1, b1, k1) = bound(lab, "suppress")
    answered(a1, request(a1, b1.address4, sender="0.0.0.0"), b1.address4, b1.mac_address, {a: 0}, (b1, k1))
    reply = answered(a1, solicitation(a1, b1.address6, sender="::"), b1.address6, b1.mac_address, {a: 0}, (b1, k1))
    check(reply[38:54] == ipaddress.ip_address("ff02::1").packed, "the answer to a DAD probe is not to all nodes")
    check(not reply[58] & 0x40, "the answer to a DAD probe has the solicited flag")


@test
def a_guest_is_never_answered_with_its_own_mac(lab):
    (a, _), (a1, b1) = hosts_with_guests(lab, ("a", "b"), arp="suppress")
    for ip in (ABSENT4, ABSENT6):
        a.weft("neighbor", "add", "--segment", "blue", "--ip", ip, "--mac", a1.mac_address)
    tap = a1.tap()
    deliver(a1, request(a1, ABSENT4, sender="0.0.0.0"), to=[b1], frames=3, what="probe of its own address")
    deliver(a1, solicitation(a1, ABSENT6, sender="::"), to=[b1], frames=3, what="DAD probe of its own address")
    replies = [frame for frame in tap.frames() if is_reply(frame, ABSENT4, a1.mac_address) or
               is_reply(frame, ABSENT6, a1.mac_address)]
    check(not replies, "a guest was told that its own address is taken by itself")


@test
def strict_never_sends_a_request_to_the_underlay(lab):
    (a, b), (a1, a2, b1, b2) = hosts_with_guests(lab, ("a", "b"), guests=2, arp="strict")
    for family in (4, 6):
        a.weft("neighbor", "add", "--segment", "blue", "--ip", b1.address(family), "--mac", b1.mac_address)
    answered(a1, request(a1, b1.address4), b1.address4, b1.mac_address, {a: 0}, (b1, b2))
    answered(a1, solicitation(a1, b1.address6), b1.address6, b1.mac_address, {a: 0}, (b1, b2))
    deliver(a1, request(a1, ABSENT4), to=[a2], none=[b1, b2], wires={a: 0}, what="strict ARP miss")
    deliver(a1, solicitation(a1, ABSENT6), to=[a2], none=[b1, b2], wires={a: 0}, what="strict ND miss")


@test
def strict_lets_a_local_owner_answer_alone(lab):
    (a, _), (a1, a2, b1, b2) = hosts_with_guests(lab, ("a", "b"), guests=2, arp="strict")
    for _ in range(2):  # the second time weft may know the binding from the first
        answered(a1, request(a1, a2.address4), a2.address4, a2.mac_address, {a: 0}, (b1, b2))
        answered(a1, solicitation(a1, a2.address6), a2.address6, a2.mac_address, {a: 0}, (b1, b2))


@test
def bindings_of_one_segment_answer_no_other(lab):
    from test_switching import two_segments
    hosts, blue, green = two_segments(lab, ("a", "b"))
    a = hosts[0]
    a.weft("segment", "set", "blue", "--arp", "suppress")
    a.weft("segment", "set", "green", "--arp", "suppress")
    a.weft("neighbor", "add", "--segment", "blue", "--ip", ABSENT4, "--mac", "02:00:00:00:55:55")
    tap = green[0].tap()
    deliver(green[0], request(green[0], ABSENT4), to=[green[1]], none=blue, frames=3)
    check(not any(is_reply(frame, ABSENT4, "02:00:00:00:55:55") for frame in tap.frames()),
          "a binding of blue answered a guest of green")


@test
def a_gratuitous_arp_and_an_unsolicited_advertisement_move_a_binding(lab):
    from wire import neighbor_advertisement
    (a, _), (a1, a2, b1, b2) = hosts_with_guests(lab, ("a", "b"), guests=2, arp="suppress")
    ip4, ip6 = "198.51.100.77", "2001:db8:1::77"

    def claim(guest):
        guest.send(ethernet(BROADCAST, guest.mac_address, 0x0806, arp(1, guest.mac_address, ip4, ZERO, ip4)))
        guest.send(ethernet("33:33:00:00:00:01", guest.mac_address, 0x86DD,
                            neighbor_advertisement(ip6, "ff02::1", ip6, guest.mac_address, 1)))
    for guest in (b1, b2, a2, b1):
        claim(guest)
        a.neighbor(ip4, mac=guest.mac_address)
        a.neighbor(ip6, mac=guest.mac_address)


@test
def an_arp_probe_creates_no_binding(lab):
    (a, _), (a1, b1) = hosts_with_guests(lab, ("a", "b"), arp="suppress")
    marker = Marker()
    b1.send(request(b1, ABSENT4, sender="0.0.0.0")(marker, 0))
    b1.send(solicitation(b1, ABSENT6, sender="::")(marker, 0))
    b1.send(request(b1, ABSENT4)(marker, 1))  # a real one after them: when it is learned they were judged
    a.neighbor(b1.address4)
    wrong = [entry for entry in a.json("neighbor", "list") if entry["ip"] in (ABSENT4, ABSENT6, "0.0.0.0", "::")]
    if wrong:
        raise Failure(f"probes made bindings: {wrong}")

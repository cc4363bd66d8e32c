# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""What a port group lets its guests do (V6): MAC addresses, promiscuous ports, bound addresses, storms."""
import functools
import time

from netns import wait_for
from overlay import UNKNOWN, check, deliver, introduce, plain
from registry import test
from switching import Site, TapGuest, counts, silent
from test_switch import both_ways
from vlans import tagged
from wire import BROADCAST, ETHERTYPE_TEST, Marker, arp, ethernet, ip_udp, multicast_mac, neighbor_advertisement
from wire import neighbor_solicitation, solicited_node

TIMED = True  # see registry.py

FORGED = "02:00:00:00:66:01"
ZERO = "00:00:00:00:00:00"
ACCEPT = {"forged_transmits": "accept"}


def source_mac(mac, dst=BROADCAST):
    """frame(marker, number) from a MAC."""
    return lambda marker, number: ethernet(dst, mac, ETHERTYPE_TEST, marker.payload(number, 46))


def one_group(lab, guests=("a1", "a2"), up=True, **keys):
    return Site(lab, {"web": {"vlan": 10, **keys}}, {name: "web" for name in guests}, {"s1": 10}, up=up)


@test
def v6_a_forged_source_is_dropped_and_the_guests_own_passes(lab):
    site = one_group(lab)
    introduce((site.a1, site.a2, site.s1), [site.host])
    for mac in (FORGED, site.a2.mac_address, site.s1.mac_address):
        for dst in (BROADCAST, site.s1.mac_address, UNKNOWN):
            with counts(site.host, DROP_FORGED=10):
                deliver(site.a1, source_mac(mac, dst), none=[site.a2, site.s1])
    deliver(site.a1, plain(site.a1, BROADCAST), to=[site.a2, site.s1])
    check(not site.host.fdb(mac=FORGED), "the forged MAC was learned")
    check(site.host.learned(site.a2.mac_address)["port"] == site.a2.port, "a2's MAC moved to who forged it")
    deliver(site.s1, plain(site.s1, site.a2.mac_address), to=[site.a2], none=[site.a1])


@test
def v6_a_forged_source_passes_and_is_learned_where_the_group_accepts_it(lab):
    site = one_group(lab, security=ACCEPT)
    deliver(site.a1, source_mac(FORGED), to=[site.a2, site.s1])
    check(site.host.learned(FORGED)["port"] == site.a1.port, "the MAC is behind another port")
    deliver(site.s1, plain(site.s1, FORGED), to=[site.a1], none=[site.a2])


@test
def v6_a_guests_mac_is_a_bound_one_or_that_of_the_veths_far_end_or_the_first_it_sends_from(lab):
    site = one_group(lab, up=False)
    own, bound = "02:00:00:00:66:02", ("02:00:00:00:66:03", "02:00:00:00:66:04")
    site.guest("a3", "web", port={"bind": [{"mac": mac} for mac in bound]})
    tap = TapGuest(site.host, "tap1")
    site.document["ports"].append({"interface": "tap1", "port_group": "web"})
    site.host.up()
    deliver(site.a1, source_mac(FORGED), none=[site.a2])  # the very first frame: the veth tells the MAC
    deliver(site.a1, plain(site.a1, BROADCAST), to=[site.a2])
    for mac in bound:
        deliver(site.a3, source_mac(mac), to=[site.a2])
    deliver(site.a3, plain(site.a3, BROADCAST), none=[site.a2])
    deliver(tap, source_mac(own), to=[site.a2])
    deliver(tap, source_mac(FORGED), none=[site.a2])
    deliver(tap, source_mac(own), to=[site.a2])
    tap.close()


@test
def v6_a_guest_that_changes_its_mac_is_not_heard_where_changes_are_rejected(lab):
    site = one_group(lab)
    a1 = site.a1
    both_ways(a1, site.s1)
    silent(a1)
    a1.ip(f"link set eth0 address {FORGED}")
    with counts(site.host, DROP_FORGED=10):
        deliver(a1, source_mac(FORGED), none=[site.a2, site.s1])
    site.host.down()
    site.host.up()  # who starts again does not take the new MAC for the guest's
    deliver(a1, source_mac(FORGED), none=[site.a2, site.s1])
    a1.ip(f"link set eth0 address {a1.mac_address}")
    deliver(a1, plain(a1, BROADCAST), to=[site.a2, site.s1])


@test
def v6_a_changed_mac_is_taken_where_the_group_accepts_it_once_the_old_one_was_silent_for_a_second(lab):
    site = one_group(lab, security={"mac_changes": "accept"})
    a1 = site.a1
    silent(a1)
    deliver(a1, plain(a1, BROADCAST), to=[site.a2, site.s1])
    old = time.monotonic()
    a1.send(plain(a1, BROADCAST)(Marker(), 0))
    deliver(a1, source_mac(FORGED), none=[site.a2, site.s1])
    check(time.monotonic() - old < 0.9, "the machine is too slow for this test")
    marker = Marker()
    heard = site.s1.count(marker)
    a1.ip(f"link set eth0 address {FORGED}")

    def spoken():
        a1.send(source_mac(FORGED)(marker, 0))
        return heard.drain()
    wait_for(spoken, "the new MAC to be heard", timeout=3, every=0.02)
    taken = time.monotonic() - old
    check(0.7 < taken < 1.6, f"the new MAC was taken after {taken:.2f} s")  # the old one's time is noted each 250 ms
    heard.close()
    deliver(a1, source_mac(FORGED), to=[site.a2, site.s1])
    deliver(a1, plain(a1, BROADCAST), none=[site.a2, site.s1])  # the old one is another's now
    check(site.host.learned(FORGED)["port"] == a1.port, "the new MAC is elsewhere")
    a1.sysctl("net.ipv6.conf.eth0.disable_ipv6", 0)
    a1.ping(site.s1.address4)


@test
def v6_promiscuous_ports_get_copies_of_their_groups_unicast_and_of_no_others(lab):
    groups = {"web": {"segment": "lan", "vlan": 10, "security": {"promiscuous": "accept"}},
              "app": {"segment": "lan", "vlan": 10}, "db": {"vlan": 20}}
    site = Site(lab, groups, {"a1": "web", "a2": "web", "a3": "web", "a4": "app", "a5": "app", "a6": "db"},
                {"s1": 10, "s2": 20})
    a1, a2, a3, a4, a5, a6, s1, s2 = (getattr(site, name) for name in ("a1", "a2", "a3", "a4", "a5", "a6", "s1", "s2"))
    introduce((a1, a2, a3, a4, a5, a6, s1, s2), [site.host])
    everybody = (a1, a2, a3, a4, a5, a6, s1, s2)
    for source, target, copies in ((a1, a2, (a3,)), (a1, s1, (a2, a3)), (s1, a1, (a2, a3)), (a4, a1, (a2, a3)),
                                   (a1, a4, (a2, a3)), (a4, a5, ()), (a4, s1, ()), (s1, a5, ()), (a6, s2, ()), (s2, a6, ())):
        others = [each for each in everybody if each not in (source, target, *copies)]
        deliver(source, plain(source, target.mac_address), to=[target, *copies], none=others,
                what=f"frames of {source.short} to {target.short}")
    deliver(a1, plain(a1, BROADCAST), to=[a2, a3, a4, a5, s1], none=[a6, s2])
    deliver(s1, plain(s1, UNKNOWN), to=[a1, a2, a3, a4, a5], none=[a6, s2])


def bound(lab, up=True, **keys):
    """a1 is bound to its MAC and addresses and to a second MAC with any; a2 and a3 to nothing."""
    site = one_group(lab, ("a2", "a3"), up=False, **keys)
    site.second = "02:00:00:00:66:05"
    site.guest("a1", "web")
    a1 = site.a1
    site.document["ports"][-1]["bind"] = [{"mac": a1.mac_address, "ips": [a1.address4, a1.address6]},
                                          {"mac": site.second}]
    if up:
        site.host.up()
    return site


def framed(mac, dst, ethertype, packet):
    return lambda marker, number: ethernet(dst, mac, ethertype, packet + marker.payload(number, 18))


def datagram(mac, dst, src_ip, dst_ip, **options):
    """frame(marker, number): UDP with the marker inside."""
    def make(marker, number):
        ethertype, packet = ip_udp(src_ip, dst_ip, marker.payload(number, 46), **options)
        return ethernet(dst, mac, ethertype, packet)
    return make


def spoofs(site):
    """{what: frame(marker, number)} of a1 that take another's address."""
    a1, a2, s1 = site.a1, site.a2, site.s1
    mac, far = a1.mac_address, s1.mac_address
    return {
        "a source MAC": source_mac(FORGED),
        "a neighbor's source MAC": source_mac(a2.mac_address, far),
        "an ARP request's sender IP": framed(mac, BROADCAST, 0x0806, arp(1, mac, a2.address4, ZERO, s1.address4)),
        "an ARP request's sender MAC": framed(mac, BROADCAST, 0x0806, arp(1, FORGED, a1.address4, ZERO, s1.address4)),
        "an ARP reply's sender IP": framed(mac, far, 0x0806, arp(2, mac, a2.address4, far, s1.address4)),
        "an ARP reply's sender MAC": framed(mac, far, 0x0806, arp(2, a2.mac_address, a1.address4, far, s1.address4)),
        "a gratuitous ARP": framed(mac, BROADCAST, 0x0806, arp(1, mac, a2.address4, ZERO, a2.address4)),
        "a solicitation's source": framed(mac, multicast_mac(solicited_node(s1.address6)), 0x86DD,
                                          neighbor_solicitation(a2.address6, s1.address6, mac)),
        "an advertisement's target": framed(mac, far, 0x86DD,
                                            neighbor_advertisement(a1.address6, s1.address6, a2.address6, mac, 3)),
        "an IPv4 source": datagram(mac, far, a2.address4, s1.address4),
        "an IPv6 source": datagram(mac, far, a2.address6, s1.address6),
        "a link-local source of another MAC": datagram(mac, far, "fe80::ff:fe00:2", s1.address6),
    }


def honest(site):
    """{what: frame(marker, number)} of a1 that it may send; all are for s1 or for everybody."""
    a1, s1 = site.a1, site.s1
    mac, far = a1.mac_address, s1.mac_address
    link_local = f"fe80::ff:fe00:{a1.number:x}"  # EUI-64 of 02:00:00:00:00:xx (RFC 4291 appendix A)
    return {
        "an ARP request": framed(mac, BROADCAST, 0x0806, arp(1, mac, a1.address4, ZERO, s1.address4)),
        "an ARP reply": framed(mac, far, 0x0806, arp(2, mac, a1.address4, far, s1.address4)),
        "an ARP probe": framed(mac, BROADCAST, 0x0806, arp(1, mac, "0.0.0.0", ZERO, a1.address4)),
        "a solicitation": framed(mac, multicast_mac(solicited_node(s1.address6)), 0x86DD,
                                 neighbor_solicitation(a1.address6, s1.address6, mac)),
        "an advertisement": framed(mac, far, 0x86DD,
                                   neighbor_advertisement(a1.address6, s1.address6, a1.address6, mac, 3)),
        "a DAD probe": framed(mac, multicast_mac(solicited_node(a1.address6)), 0x86DD,
                              neighbor_solicitation("::", a1.address6, None)),
        "DHCP": datagram(mac, BROADCAST, "0.0.0.0", "255.255.255.255", sport=68, dport=67),
        "IPv4": datagram(mac, far, a1.address4, s1.address4),
        "IPv6": datagram(mac, far, a1.address6, s1.address6),
        "IPv6 from its link-local address": datagram(mac, far, link_local, s1.address6),
        "no IP at all": source_mac(mac, far),
        "any IPv4 of the second MAC": datagram(site.second, far, "198.51.100.77", s1.address4),
        "any IPv6 of the second MAC": datagram(site.second, far, "2001:db8:1::77", s1.address6),
        "any ARP of the second MAC": framed(site.second, BROADCAST, 0x0806,
                                            arp(1, site.second, "198.51.100.77", ZERO, s1.address4)),
    }


@test
def v6_a_bound_port_sends_from_its_own_addresses_only(lab):
    site = bound(lab)
    silent(site.a1)
    introduce((site.a2, site.s1), [site.host])
    for what, make in honest(site).items():
        deliver(site.a1, make, to=[site.s1], what=what)
    for what, make in spoofs(site).items():
        with counts(site.host, DROP_SPOOFED=10):
            deliver(site.a1, make, none=[site.s1, site.a2, site.a3], what=what)
    check(not site.host.fdb(mac=FORGED), "a MAC that is not bound was learned")
    wrong = [row for row in site.host.json("neighbor", "list") if row["ip"] == site.a2.address4 and
             row["mac"] != site.a2.mac_address]
    check(not wrong, f"a spoofed binding was learned: {wrong}")
    deliver(site.a2, datagram(site.a2.mac_address, site.s1.mac_address, "198.51.100.78", site.s1.address4), to=[site.s1])


@test
def v6_a_bound_guest_with_a_stack_of_its_own_talks_as_ever(lab):
    site = bound(lab)
    both_ways(site.a1, site.s1)
    both_ways(site.a1, site.a2)
    check(not site.host.verdicts().get("DROP_SPOOFED"), f"something was taken for spoofed: {site.host.verdicts()}")
    site.a1.ip("address add 198.51.100.99/24 dev eth0")
    check(" 0 received" in site.a1.ping(site.s1.address4, count=2, wait=1, check=False,
                                        options=("-I", "198.51.100.99")).stdout, "another address is answered")


@test
def v6_a_tag_does_not_hide_a_spoofed_address(lab):
    site = bound(lab, trunk=["100-199"])
    a1, mac = site.a1, site.a1.mac_address
    silent(a1)
    s2 = site.server("s2", 150)
    in_vlan = lambda make, *vlans: lambda marker, number: functools.reduce(tagged, vlans, make(marker, number))
    own = datagram(mac, BROADCAST, a1.address4, s2.address4)
    deliver(a1, in_vlan(own, 150), to=[s2])
    deliver(a1, in_vlan(own, 0), to=[site.s1])  # a priority tag is none
    for spoof in (datagram(mac, BROADCAST, "198.51.100.99", s2.address4),
                  datagram(mac, BROADCAST, "2001:db8:1::99", s2.address6),
                  framed(mac, BROADCAST, 0x0806, arp(1, mac, "198.51.100.99", ZERO, s2.address4))):
        for vlans in ((150,), (0,), (77, 150), (0, 0)):  # the outermost is the last
            with counts(site.host, DROP_SPOOFED=10):
                deliver(a1, in_vlan(spoof, *vlans), none=[s2, site.s1, site.a2])


def storm(kind, dst):
    @test(name=f"v6_a_storm_of_{kind}s_is_cut_and_nothing_else")
    def cut(lab):
        pps, sent = 100, 1000
        site = one_group(lab, storm={f"{kind}_pps": pps})
        a1, a2, s1 = site.a1, site.a2, site.s1
        silent(a1, a2)
        introduce((a1, a2, s1), [site.host])
        marker, before = Marker(), site.host.verdicts().get("DROP_STORM", 0)
        counter, begin = s1.count(marker), time.monotonic()
        for number in range(sent):
            a1.send(source_mac(a1.mac_address, dst)(marker, number))
        most = pps * (0.1 + time.monotonic() - begin) + 1  # a tenth of a second's worth may come at once
        passed = counter.settle(sent, timeout=0.3)
        check(pps / 10 <= passed <= most, f"{passed} frames passed, {most:.0f} may")
        dropped = site.host.verdicts().get("DROP_STORM", 0) - before
        check(passed + dropped == sent, f"{passed} passed and {dropped} are counted, of {sent}")
        for other in {"broadcast": BROADCAST, "multicast": "01:00:5e:00:00:fb", "unknown_unicast": UNKNOWN}.values():
            if other != dst:  # none of them is limited
                deliver(a1, source_mac(a1.mac_address, other), to=[s1], frames=300)
        deliver(a1, source_mac(a1.mac_address, s1.mac_address), to=[s1], frames=300)
        deliver(a2, source_mac(a2.mac_address, dst), to=[s1], frames=pps // 10)  # the rate is each port's own


for each in (("broadcast", BROADCAST), ("multicast", "01:00:5e:00:00:fb"), ("unknown_unicast", UNKNOWN)):
    storm(*each)


def pour(site, macs):
    """So many frames from so many MACs of a1 to s1."""
    head, body = bytes.fromhex(site.s1.mac_address.replace(":", "")), ETHERTYPE_TEST.to_bytes(2, "big") + bytes(46)
    for number in range(macs):
        site.a1.send(head + b"\x02\x66" + number.to_bytes(4, "big") + body)


def neighbors_are_well(site):
    deliver(site.a2, plain(site.a2, site.a3.mac_address), to=[site.a3], none=[site.a1])
    deliver(site.s1, plain(site.s1, site.a2.mac_address), to=[site.a2], none=[site.a1, site.a3])
    site.a2.ping(site.s1.address4)


@test(timeout=90)
def a_hundred_thousand_source_macs_of_one_port_stop_at_the_limit_and_harm_no_neighbor(lab):
    site = one_group(lab, ("a1", "a2", "a3"), up=False, security=ACCEPT)
    site.document["segments"][0]["learning_limit"] = 1000
    site.group("db", vlan=20)
    site.guest("a4", "db")
    site.server("s2", 20)
    site.host.up()
    introduce((site.a1, site.a2, site.a3, site.s1), [site.host])
    pour(site, 100_000)
    neighbors_are_well(site)
    check(len(site.host.fdb(segment="web")) <= 1000, f"{len(site.host.fdb(segment='web'))} MACs were learned")
    wait_for(lambda: len(site.host.fdb(segment="web")) == 1000, "the segment to be full", timeout=5)
    check(site.host.json("status")["learning"]["refused_limit"] > 0, "nothing was refused")
    introduce((site.a4, site.s2), [site.host])
    both_ways(site.a4, site.s2)
    neighbors_are_well(site)


@test(timeout=90)
def a_hundred_thousand_forged_source_macs_are_dropped_and_none_is_learned(lab):
    site = one_group(lab, ("a1", "a2", "a3"))
    introduce((site.a1, site.a2, site.a3, site.s1), [site.host])
    with counts(site.host, DROP_FORGED=100_000):
        pour(site, 100_000)
    neighbors_are_well(site)
    check(len(site.host.fdb()) == 4, f"{len(site.host.fdb())} MACs are known")

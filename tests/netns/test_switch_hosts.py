# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""Switches of more than one host: overlay groups (N1), one document for many (V5), and what a restart, an apply, a detach
and the command line make of them."""
import json
import signal

from lab import VNI
from netns import wait_for
from overlay import UNKNOWN, check, deliver, introduce, plain
from registry import test
from switching import Site, counts, silent, tags
from test_attach import footprint
from test_switch import both_ways, with_tag
from traffic import Stream
from vlans import PhysicalSwitch, Server, on_wire, tag_of
from wire import BROADCAST, Marker, Vxlan


def overlay_group(lab, group, **segment):
    """Host a has a switch with an overlay group `guests`, k is the kernel's VXLAN: (site, k's guest)."""
    host, kernel = lab.weft_host("a"), lab.kernel_host("k")
    k1 = lab.guest(kernel, "k1")
    kernel.segment(VNI, [host.address])
    host.segment(VNI, [kernel.address], ports=[], **segment)
    site = Site(lab, {"guests": {"segment": "blue", **group}}, {"a1": "guests"}, {"s1": 10}, host=host, up=False)
    silent(site.a1)
    host.up()
    return site, k1


def inner_tags(host, source, make, frames=10):
    """Sends; the tags that the underlay has: (outer, inner)."""
    marker = Marker()

    def both(frame):
        packet = Vxlan.parse(frame)
        return packet and (tag_of(frame), tag_of(packet.inner))
    wire = host.sent(marker, key=both)
    for number in range(frames):
        source.send(make(marker, number))
    wire.exactly(frames, f"tunnel packets of {source.short}")
    seen = {key for key, _ in wire.seen}
    wire.close()
    return seen


@test
def n1_the_vlan_of_an_overlay_group_is_its_guests_and_on_no_wire(lab):
    site, k1 = overlay_group(lab, {"vlan": 10})
    a1, s1 = site.a1, site.s1
    tagged = with_tag(a1, BROADCAST, 10)
    seen = inner_tags(site.host, a1, tagged)
    check(seen == {(None, None)}, f"tags on the underlay are {seen}")
    check(tags(deliver(a1, tagged, to=[k1], none=[s1])) == {None}, "the peer sees the guest's tag")
    on_wire(site.switch, site.host, a1, tagged, 0)
    check(tags(deliver(k1, plain(k1, BROADCAST), to=[a1], none=[s1])) == {(0x8100, 10)}, "the guest misses its tag")
    check(tags(deliver(k1, plain(k1, a1.mac_address), to=[a1])) == {(0x8100, 10)}, "the guest misses its tag")
    for wrong in (plain(a1, BROADCAST), with_tag(a1, BROADCAST, 11), with_tag(a1, BROADCAST, 10, 77)):
        with counts(site.host, DROP_VLAN=10):
            deliver(a1, wrong, none=[k1, s1])


@test
def an_overlay_groups_guest_in_its_vlan_talks_to_everybody(lab):
    site, k1 = overlay_group(lab, {"vlan": 10}, arp="suppress")
    for name in ("a2", "a3"):
        site.guest(name, "guests")
    site.apply()
    guests = (site.a1, site.a2, site.a3)
    for guest in guests:
        guest.sysctl("net.ipv6.conf.eth0.disable_ipv6", 0)
        guest.ip(f"address replace {guest.address6}/64 dev eth0 nodad")
        guest.command(f"{lab.binaries}/tagger", "eth0", 10)
    wait_for(lambda: all(row["state"] == "attached" for row in site.host.json("port", "list")), "the ports to be served")
    for guest in guests:
        for other in (*guests, k1):
            if other is not guest:
                both_ways(guest, other)


@test
def a_trunk_of_an_overlay_group_keeps_its_tags_in_the_tunnel(lab):
    site, k1 = overlay_group(lab, {"trunk": ["100-199"]}, keep_inner_tags=True)
    a1, s1 = site.a1, site.s1
    seen = inner_tags(site.host, a1, with_tag(a1, BROADCAST, 150))
    check(seen == {(None, (0x8100, 150))}, f"tags on the underlay are {seen}")
    for source, sink in ((a1, k1), (k1, a1)):
        counters = deliver(source, with_tag(source, BROADCAST, 150), to=[sink], none=[s1])
        check(tags(counters) == {(0x8100, 150)}, f"{sink.short} sees {tags(counters)}")
        deliver(source, with_tag(source, BROADCAST, 200), none=[sink, s1])
        deliver(source, with_tag(source, sink.mac_address, 200), none=[sink, s1])
    with counts(site.host, DROP_VLAN=10):
        deliver(a1, with_tag(a1, UNKNOWN, 99), none=[k1, s1])


@test
def an_isolated_overlay_group_reaches_remotes_and_not_its_own(lab):
    site, k1 = overlay_group(lab, {"isolated": True})
    site.guest("a2", "guests")
    site.apply()
    introduce((site.a1, site.a2, k1), [site.host])
    deliver(site.a1, plain(site.a1, BROADCAST), to=[k1], none=[site.a2], wires={site.host: 1})
    with counts(site.host, DROP_ISOLATED=10):
        deliver(site.a1, plain(site.a1, site.a2.mac_address), none=[site.a2, k1], wires={site.host: 0})
    deliver(k1, plain(k1, BROADCAST), to=[site.a1, site.a2])
    deliver(k1, plain(k1, site.a2.mac_address), to=[site.a2], none=[site.a1])
    deliver(site.a2, plain(site.a2, k1.mac_address), to=[k1], none=[site.a1])


def shared(lab):
    """One document for hosts a and b, whose NICs have different names: (hosts, guests, servers, switch)."""
    hosts = [lab.weft_host(name) for name in ("a", "b")]
    guests = [lab.guest(host, f"{host.short}{number}") for host in hosts for number in (1, 2)]
    switch = PhysicalSwitch(lab)
    for host, nic in zip(hosts, ("eth1", "nic7")):
        host.nic = switch.plug(host, nic)
        host.options = ("--host", host.short)
    document = {
        "segments": [{"name": "web"}, {"name": "db"}],
        "switches": [{"name": "dvs0", "team": {"uplinks": ["eth1"]}}],
        "port_groups": [{"name": "web", "switch": "dvs0", "segment": "web", "vlan": 10},
                        {"name": "db", "switch": "dvs0", "segment": "db", "vlan": 20}],
        "hosts": {"a": {"ports": ports_of(guests[:2])},
                  "b": {"ports": ports_of(guests[2:]), "switches": [{"name": "dvs0", "team": {"uplinks": ["nic7"]}}]}}}
    for host in hosts:
        host.document = document
        host.up()
    return hosts, guests, [Server(lab, switch, "s1", 101, 10), Server(lab, switch, "s2", 102, 20)], switch


def ports_of(guests):
    return [{"interface": guest.port, "port_group": group} for guest, group in zip(guests, ("web", "db"))]


@test
def v5_hosts_share_one_document_and_each_takes_its_part(lab):
    (a, b), (a1, a2, b1, b2), (s1, s2), switch = shared(lab)
    check([each["interface"] for each in a.json("port", "list")] == [a1.port, a2.port], "a has other ports")
    check(b.json("switch", "show", "dvs0")["team"]["uplinks"] == ["nic7"], "b has another uplink")
    for one, other, server in ((a1, b1, s1), (a2, b2, s2)):
        both_ways(one, server)
        both_ways(other, server)
        both_ways(one, other)
    for source in (a1, b1, s1):
        sinks = [each for each in (a1, b1, s1) if each is not source]
        deliver(source, plain(source, BROADCAST), to=sinks, none=[a2, b2, s2])
    deliver(a1, plain(a1, b1.mac_address), to=[b1], none=[s1, a2, b2, s2])
    check(on_wire(switch, b, b2, plain(b2, BROADCAST), 1) == {(0x8100, 20)}, "b2 is not in VLAN 20")


@test(timeout=90)
def a_restart_loses_no_frame_between_a_guest_and_its_vlan_and_no_entry(lab):
    site = Site(lab, {"web": {"vlan": 10}}, {"a1": "web", "a2": "web"}, {"s1": 10})
    host, a1, a2, s1 = site.host, site.a1, site.a2, site.s1
    introduce((a1, a2, s1), [host])
    out, back = Marker(), Marker()
    counters = (s1.count(out), a1.count(back))
    with Stream(a1, lambda number: plain(a1, s1.mac_address)(out, number)) as to_s, \
            Stream(s1, lambda number: plain(s1, a1.mac_address)(back, number)) as to_a:
        to_s.run_until(300)
        for sig in (signal.SIGKILL, signal.SIGTERM):
            host.down(sig)
            to_s.run_until(to_s.sent + 300)
            host.up()
            to_s.run_until(to_s.sent + 300)
        to_a.run_until(to_s.sent - 100)
    for stream, counter, name in zip((to_s, to_a), counters, ("a1 to s1", "s1 to a1")):
        counter.exactly(stream.sent, f"{name} across restarts")
    check(host.json("status")["rows_written"] == 0, "rows were written")
    for guest in (a1, a2):
        check(host.fdb(mac=guest.mac_address, port=guest.port), f"{guest.short} is forgotten")
    check(host.learned(s1.mac_address)["bridge"] == "dvs0:10", "s1 is forgotten")


@test
def another_vlan_of_a_group_moves_its_traffic_and_a_port_that_goes_is_out(lab):
    site = Site(lab, {"web": {"vlan": 10}}, {"a1": "web", "a2": "web"}, {"s1": 10, "s2": 20})
    host, a1, a2, s1, s2 = site.host, site.a1, site.a2, site.s1, site.s2
    both_ways(a1, s1)
    site.port_group("web")["vlan"] = 20
    site.apply()
    seen = on_wire(site.switch, host, a1, plain(a1, BROADCAST), 1)
    check(seen == {(0x8100, 20)}, f"tags are {seen}")
    deliver(a1, plain(a1, BROADCAST), to=[a2, s2], none=[s1])
    deliver(s1, plain(s1, BROADCAST), none=[a1, a2, s2])
    both_ways(a1, s2)
    check(host.learned(s2.mac_address)["bridge"] == "dvs0:20", "s2 is elsewhere")
    check(not host.fdb(mac=s1.mac_address), f"s1 is still there: {host.fdb(mac=s1.mac_address)}")
    site.document["ports"] = [port for port in site.document["ports"] if port["interface"] != a2.port]
    site.apply()
    deliver(s2, plain(s2, BROADCAST), to=[a1], none=[a2])
    deliver(a2, plain(a2, BROADCAST), none=[a1, s2])
    check(not host.fdb(mac=a2.mac_address), "a2 is still there")
    check(not host.command("tc", "filter", "show", "dev", a2.port, "ingress").stdout, "left on the port")


def is_promiscuous(host, device="eth1"):
    (link,) = json.loads(host.command("ip", "-j", "-d", "link", "show", "dev", device).stdout)
    return "PROMISC" in link["flags"]


@test
def detach_of_a_switch_leaves_no_trace_and_its_nic_as_it_was(lab):
    site = Site(lab, {"web": {"vlan": 10}}, {"a1": "web"}, {"s1": 10}, up=False)
    host, a1, s1 = site.host, site.a1, site.s1
    before = footprint(host)
    host.up()
    both_ways(a1, s1)
    check(is_promiscuous(host), "the NIC takes no frames for the MACs of guests")
    host.down(signal.SIGKILL)
    both_ways(a1, s1)
    host.up()
    host.down()
    host.detach()
    after = footprint(host)
    for part, value in before.items():
        check(after[part] == value, f"{part} before:\n{value}\nafter:\n{after[part]}")
    check(not is_promiscuous(host), "the NIC is promiscuous still")
    deliver(s1, plain(s1, BROADCAST), none=[a1])


@test
def a_nic_that_was_promiscuous_before_stays_so_when_its_switch_goes(lab):
    site = Site(lab, {"web": {"vlan": 10}}, {"a1": "web"}, {"s1": 10}, up=False)
    site.host.ip("link set eth1 promisc on")
    site.host.up()
    both_ways(site.a1, site.s1)
    site.document.update(switches=[], port_groups=[], ports=[])
    site.apply()
    check(is_promiscuous(site.host), "weft took away what it did not bring")


@test
def the_command_line_shows_switches_groups_and_vlan_backed_segments(lab):
    site = Site(lab, {"web": {"segment": "lan", "vlan": 10}}, {"a1": "web"}, {"s1": 10})
    host, a1, s1 = site.host, site.a1, site.s1
    introduce((a1, s1), [host])
    (switch,) = host.json("switch", "list")
    check(switch["name"] == "dvs0" and switch["uplinks"] == ["eth1"] and switch["port_groups"] == ["web"], f"{switch}")
    (segment,) = host.json("segment", "list")
    check(segment["name"] == "lan" and segment.get("vni") is None and segment["flood"]["vlans"] == 1, f"{segment}")
    (port,) = host.json("port", "list", "--port-group", "web")
    check(port["interface"] == a1.port and port["segment"] == "lan" and port["state"] == "attached", f"{port}")
    entry, own = host.learned(s1.mac_address), host.learned(a1.mac_address)
    check(entry["vni"] is None and entry["bridge"] == "dvs0:10" and entry["segment"] == "lan", f"{entry}")
    check(own["vni"] is None and own["port"] == a1.port, f"{own}")
    check([row["mac"] for row in host.json("fdb", "list", "--bridge", "dvs0:10")] == [s1.mac_address], "the filter")
    status = host.json("status")
    check(status["state"] == "ready" and not status["warnings"], f"{status['reasons']} {status['warnings']}")
    for words in (("switch", "list"), ("segment", "list"), ("port", "list"), ("port-group", "list"), ("fdb", "list"),
                  ("switch", "show", "dvs0"), ("port-group", "show", "web"), ("segment", "show", "lan")):
        host.weft(*words)  # as a table, too
    host.weft("port-group", "set", "web", "--vlan", 20)
    check(on_wire(site.switch, host, a1, plain(a1, BROADCAST), 1) == {(0x8100, 20)}, "the group did not move")

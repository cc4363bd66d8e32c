# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""Tenant networks by policy tables (H1-H4, H6): the same addresses side by side, records of the document and learned ones."""
from netns import wait_for
from overlay import check, deliver
from registry import test
from tenants import GATEWAY, SUBNETS, Monitor, Tenants, address
from test_arp import answered, request, solicitation
from wire import BROADCAST, Tap, Vxlan, ethernet, ip_bytes, ip_udp, mac_bytes

GATEWAY_MAC = "00:00:5e:00:01:01"
MISSING = 77  # nobody's number
OUTSIDE = {4: "192.0.2.200", 6: "2001:db8:77::1"}


def verdict(host, name):
    return host.verdicts().get(name, 0)


def to_ip(source, family, target, mac):
    """frame(marker, number): UDP from the guest to an address, by that MAC."""
    def make(marker, number):
        kind, packet = ip_udp(source.address(family), target, marker.payload(number, 40))
        return ethernet(mac, source.mac_address, kind, packet)
    return make


def reach(guests, family=None):
    for source in guests:
        for target in guests:
            for one in ((4, 6) if family is None else (family,)):
                if source is not target:
                    source.ping(target.address(one), count=1)


# --- H1, H2 --------------------------------------------------------------------------------------------------------------


def never_mix(lab, family):
    tenants = Tenants(lab, ("x", "y"), family=family)
    for tenant in ("x", "y"):
        reach(tenants.guests(tenant))
    source = tenants.guest["x", "a", "web"]
    for inner in (4, 6):
        for host, subnet in (("a", "db"), ("b", "web"), ("b", "db")):
            target = tenants.guest["x", host, subnet]
            mac = target.mac_address if subnet == "web" else GATEWAY_MAC
            deliver(source, to_ip(source, inner, target.address(inner), mac), to=[target], none=tenants.guests("y"), frames=5,
                    what=f"IPv{inner} of x to {target.short}")
        deliver(source, lambda marker, number: ethernet(BROADCAST, source.mac_address, 0x88B5, marker.payload(number, 46)),
                to=[tenants.guest["x", "b", "web"]], none=tenants.guests("y"), frames=5, what="broadcasts of x")


@test(timeout=90)
def h1_tenants_with_the_same_addresses_and_macs_never_mix(lab):
    never_mix(lab, 4)


@test(timeout=90)
def h1_tenants_with_the_same_addresses_and_macs_never_mix_over_an_ipv6_underlay(lab):
    never_mix(lab, 6)


def four_cases(lab, family):
    tenants = Tenants(lab, ("x",), family=family)
    third = tenants.hosts[0]
    twin = lab.guest(third, "x-a3", attach=False, number=30)
    twin.ip("address flush dev eth0", f"address add {address('web', 30, 4)}/24 dev eth0",
            f"address add {address('web', 30, 6)}/64 dev eth0 nodad", f"route add default via {address('web', GATEWAY, 4)}",
            f"route add ::/0 via {address('web', GATEWAY, 6)}")
    third.weft("port", "add", twin.port, "--segment", "x-web")
    here = tenants.guest["x", "a", "web"]
    for inner in (4, 6):
        for target in (address("web", 30, inner), tenants.guest["x", "a", "db"].address(inner),
                       tenants.guest["x", "b", "web"].address(inner), tenants.guest["x", "b", "db"].address(inner)):
            here.ping(target)
        for subnet in SUBNETS:  # its own gateway, and that of the other subnet
            here.ping(address(subnet, GATEWAY, inner))
    check(verdict(third, "TX_ECHO_REPLY") > 0, f"the gateway answered nothing: {third.verdicts()}")


@test
def h2_the_four_cases_of_one_tenant_reach_each_other_and_the_lowest_address_is_the_gateway(lab):
    four_cases(lab, 4)


@test
def h2_the_four_cases_of_one_tenant_reach_each_other_over_an_ipv6_underlay(lab):
    four_cases(lab, 6)


@test
def h2_no_packet_passes_from_one_routing_domain_to_another(lab):
    tenants = Tenants(lab, ("x", "y"))
    other = tenants.guest["y", "b", "db"]
    other.ip(f"address add {address('db', 99, 4)}/24 dev eth0", f"address add {address('db', 99, 6)}/64 dev eth0 nodad")
    source = tenants.guest["x", "a", "web"]
    tenants.guest["y", "a", "web"].ping(address("db", 99, 4))  # its own tenant finds it
    for family in (4, 6):
        tap = other.tap()
        said = source.ping(address("db", 99, family), count=1, check=False, wait=1).stdout
        check(" 0 received" in said, f"a guest of x reached one of y:\n{said}")
        check(not [frame for frame in tap.frames() if ip_bytes(source.address(family)) in frame and
                   frame[6:12] != mac_bytes(GATEWAY_MAC)], "a frame of x arrived at a guest of y")
        tap.close()


# --- H3: static records ---------------------------------------------------------------------------------------------------


def static_tenant(lab, family, **more):
    """Every guest has a record on each host; nothing is learned from tunnels, and nothing needs to be."""
    tenants = Tenants(lab, ("x",), family=family, up=False, flood=False, arp="strict", **more)
    for host in tenants.hosts:
        host.document["records"] = tenants.records()
    for host in tenants.hosts:
        host.launch()
    for host in tenants.hosts:
        host.ready()
    return tenants


def answered_from_the_table(lab, family):
    tenants = static_tenant(lab, family)
    source, remote = tenants.guest["x", "a", "web"], tenants.guest["x", "b", "web"]
    a = tenants.host["a"]
    neighbor = lab.guest(a, "x-a3", attach=False, number=30)  # hears the question too
    a.weft("port", "add", neighbor.port, "--segment", "x-web")
    for inner, ask in ((4, request), (6, solicitation)):
        target = remote.address(inner)
        answered(source, ask(source, target), target, remote.mac_address, {a: 0}, (remote,))
        deliver(source, ask(source, target), to=[neighbor], none=[remote], frames=3, wires={a: 0}, what=f"question {inner}")
        deliver(source, ask(source, address("web", MISSING, inner)), to=[neighbor], none=[remote], frames=3, wires={a: 0},
                what=f"miss {inner}")
    reach(tenants.guests("x"))


@test
def h3_a_question_is_answered_from_the_records_and_never_leaves_the_host(lab):
    answered_from_the_table(lab, 4)


@test
def h3_a_question_is_answered_from_the_records_over_an_ipv6_underlay(lab):
    answered_from_the_table(lab, 6)


@test
def h3_the_gateway_asks_on_this_host_only_and_routes_by_the_records(lab):
    tenants = static_tenant(lab, 4, learning=False)
    source, a = tenants.guest["x", "a", "web"], tenants.host["a"]
    wire = a.sent_tap()
    for family in (4, 6):
        source.ping(address("db", MISSING, family), count=1, check=False, wait=1)
    wait_for(lambda: verdict(a, "TX_UNREACHABLE") >= 2, lambda: f"both to be given up: {a.verdicts()}")
    sent = [frame for frame in wire.frames() if Vxlan.parse(frame)]
    wire.close()
    check(not sent, f"{len(sent)} tunnel packets left for an address of nobody")
    for target in (tenants.guest["x", "b", "web"], tenants.guest["x", "b", "db"]):
        for family in (4, 6):
            source.ping(target.address(family))


@test
def a_record_that_says_that_an_absent_guest_is_here_is_warned_of(lab):
    tenants = Tenants(lab, ("x",), names=("a",), up=False)
    a = tenants.host["a"]
    mine = tenants.guest["x", "a", "web"]
    a.document["records"] = [tenants.record("x", mine),
                             {"vsid": 5001, "ca": address("web", MISSING, 4), "mac": "02:00:00:00:77:77", "pa": a.address}]
    a.up()
    mine.ping(address("web", GATEWAY, 4))

    def warnings():
        return [line for line in a.json("status")["warnings"] if line.startswith("/records/")]
    wait_for(lambda: len(warnings()) == 1 and "02:00:00:00:77:77" in warnings()[0] and "/records/1/pa" in warnings()[0],
             lambda: f"a warning of /records/1: {a.json('status')}")


# --- H4: dynamic learning -------------------------------------------------------------------------------------------------


def arp_of(packet):
    return packet and packet.inner[12:14] == b"\x08\x06" and packet.inner[20:22]


def asks_each_home(lab, family):
    """a asks; b has the guest; c is known by a record alone."""
    tenants = Tenants(lab, ("x",), names=("a", "b", "c"), family=family, up=False, flood=False, subnets=("web",))
    a, b, c = tenants.hosts
    vsid = tenants.vsid["x", "web"]
    far = {"vsid": vsid, "ca": address("web", 50, 4), "mac": "02:00:00:00:00:50"}
    a.document["segments"][0]["remotes"] = [b.address]
    a.document["records"] = [{**far, "pa": c.address}]
    for host in (b, c):
        host.document["segments"][0]["remotes"] = [a.address]
    for host in tenants.hosts:
        host.up()
    source, target = tenants.guest["x", "a", "web"], tenants.guest["x", "b", "web"]
    monitors = {host: Monitor(host, "--origin", "dynamic") for host in tenants.hosts}
    wires = {host: host.sent_tap() for host in tenants.hosts}
    heard = target.tap()
    source.command("arping", "-c", 1, "-w", 3, "-I", "eth0", target.address4)

    # 1. encapsulated, by unicast, to each PA once
    asked = [packet for packet in map(Vxlan.parse, wires[a].frames()) if arp_of(packet) == b"\x00\x01"]
    check(sorted(packet.outer_dst for packet in asked) == sorted([b.address, c.address]),
          f"a asked {[packet.outer_dst for packet in asked]}")
    for packet in asked:
        check(packet.outer_src == a.address and packet.vni == vsid, f"from {packet.outer_src} in {packet.vni}")
        check(packet.inner[:6] == mac_bytes(BROADCAST) and packet.inner[6:12] == mac_bytes(source.mac_address), packet.inner.hex())
        check(packet.inner[38:42] == ip_bytes(target.address4), packet.inner.hex())
    # 2. the answering host learns the asker from what it decapsulates
    pa = {"ca": source.address4, "mac": source.mac_address, "pa": a.address}
    monitors[b].event("new", **pa)
    monitors[c].event("new", **pa)
    check([frame for frame in heard.frames() if frame[12:14] == b"\x08\x06"], "the question did not reach b's guest")
    # 3. and its own guest's record when the reply leaves, by unicast to the asker's host alone
    replies = [packet for packet in map(Vxlan.parse, wires[b].frames()) if arp_of(packet) == b"\x00\x02"]
    check([packet.outer_dst for packet in replies] == [a.address], f"b answered {[one.outer_dst for one in replies]}")
    check(replies[0].inner[:12] == mac_bytes(source.mac_address) + mac_bytes(target.mac_address), replies[0].inner.hex())
    mine = {"ca": target.address4, "mac": target.mac_address, "pa": b.address}
    b.neighbor(target.address4, mac=target.mac_address, origin="dynamic")
    # 4. the asking host when it decapsulates the reply
    monitors[a].event("new", **mine)
    wait_for(lambda: [one for one in b.json("record", "list", "--ca", target.address4) if one["pa"] == b.address], "b's own")
    found, = a.json("record", "list", "--ca", target.address4)
    check(found["pa"] == b.address and found["origin"] == "dynamic" and found["vsid"] == vsid, found)
    check(not [packet for packet in map(Vxlan.parse, wires[c].frames()) if packet], "c sent something")
    for tap in (*wires.values(), heard):
        tap.close()


@test
def h4_a_miss_is_asked_of_each_pa_and_all_three_learn_from_what_passes(lab):
    asks_each_home(lab, 4)


@test
def h4_a_miss_is_asked_of_each_pa_over_an_ipv6_underlay(lab):
    asks_each_home(lab, 6)


@test
def h4_neighbor_discovery_learns_the_same_way(lab):
    tenants = Tenants(lab, ("x",), subnets=("web",), arp="suppress")
    a, b = tenants.hosts
    source, target = tenants.guest["x", "a", "web"], tenants.guest["x", "b", "web"]
    monitors = [Monitor(host) for host in (a, b)]
    source.ping(target.address6)
    for monitor, far in zip(monitors, (target, source)):
        monitor.event("new", ca=far.address6, mac=far.mac_address, pa=far.host.address, origin="dynamic")
    for host in (a, b):
        for guest in (source, target):
            one, = wait_for(lambda h=host, g=guest: h.json("record", "list", "--ca", g.address6), f"{guest.short} on {host.short}")
            check(one["pa"] == guest.host.address and one["mac"] == guest.mac_address, one)


# --- H6 ---------------------------------------------------------------------------------------------------------------------


def leaves_by_the_border(lab, family):
    tenants = Tenants(lab, ("x", "y"), family=family, up=False, domain={})
    for host in tenants.hosts:  # the border of each tenant is its guest of web on host b
        for domain in host.document["routing_domains"]:
            border = tenants.guest[domain["name"], "b", "web"]
            domain["routes"] = [{"prefix": "0.0.0.0/0", "via": [border.address4]},
                                {"prefix": "::/0", "via": [border.address6]}]
    for host in tenants.hosts:
        host.launch()
    for host in tenants.hosts:
        host.ready()
    for tenant, other in (("x", "y"), ("y", "x")):
        border, strange = tenants.guest[tenant, "b", "web"], tenants.guest[other, "b", "web"]
        for source in (tenants.guest[tenant, "a", "web"], tenants.guest[tenant, "a", "db"], tenants.guest[tenant, "b", "db"]):
            for inner in (4, 6):
                border.ping(source.address(inner), count=1)
                source.ping(border.address(inner), count=1)
                deliver(source, to_ip(source, inner, OUTSIDE[inner], GATEWAY_MAC), to=[border], none=[strange], frames=5,
                        what=f"from {source.short} to {OUTSIDE[inner]}")


@test(timeout=90)
def h6_what_is_outside_leaves_by_the_default_route_of_its_own_tenant(lab):
    leaves_by_the_border(lab, 4)


@test(timeout=90)
def h6_what_is_outside_leaves_by_the_default_route_over_an_ipv6_underlay(lab):
    leaves_by_the_border(lab, 6)

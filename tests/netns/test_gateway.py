# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""The distributed gateway (G1, G3, H2, RFC 9135): routed on the first host, the same address and MAC on every one."""
import re

from netns import wait_for
from overlay import check
from registry import test
from routing import BLUE, GATEWAY_MAC, GATEWAYS, GREEN, Tenant, settle
from wire import BROADCAST, Tap, arp, ethernet, mac_bytes

ABSENT = {"green": ("203.0.113.77", "2001:db8:2::77")}
ZERO = "00:00:00:00:00:00"


def verdict(host, name):
    return host.verdicts().get(name, 0)


def reach_each_other(tenant):
    for source in tenant.all_guests():
        for target in tenant.all_guests():
            if source is not target:
                source.ping(target.address4)
                source.ping(target.address6)


@test
def h2_guests_of_both_segments_reach_each_other_on_one_host_and_across(lab):
    tenant = Tenant(lab)
    reach_each_other(tenant)
    for host in tenant.hosts:
        check(verdict(host, "TX_ROUTED") > 0, f"{host.short} routed nothing: {host.verdicts()}")


@test
def h2_guests_reach_each_other_over_an_ipv6_underlay(lab):
    reach_each_other(Tenant(lab, family=6))


@test
def g1_the_gateway_answers_pings_of_its_guests_where_they_are(lab):
    tenant = Tenant(lab)
    for guest, segment in ((tenant.a1, "blue"), (tenant.b2, "green")):
        for address in GATEWAYS[segment]:
            guest.ping(address)
            guest.ping(address, options=("-s", 4000))  # in fragments
    for address in GATEWAYS["green"]:  # of another segment of its domain
        tenant.a1.ping(address)
    for host in tenant.hosts:
        check(verdict(host, "TX_ECHO_REPLY") > 0, f"{host.short}: {host.verdicts()}")
        check(verdict(host, "TX_REMOTE") == 0, f"{host.short} sent something to the other: {host.verdicts()}")


@test
def g1_the_gateways_address_is_answered_for_and_nobody_else_hears_the_question(lab):
    tenant = Tenant(lab)
    for guest in (tenant.a1, tenant.b1):
        tap = tenant.b1.tap() if guest is tenant.a1 else tenant.a1.tap()
        result = guest.command("arping", "-c", 1, "-w", 2, "-I", "eth0", GATEWAYS["blue"][0], check=False)
        check(GATEWAY_MAC in result.stdout.lower(), f"{guest.short}: {result.stdout}")
        asked = [frame for frame in tap.frames() if frame[12:14] == b"\x08\x06"]
        tap.close()
        check(not asked, f"the other host's guest heard {len(asked)} questions")


@test
def i3_a_routed_packet_has_the_gateways_mac_the_next_segments_vni_and_a_ttl_less_by_one(lab):
    tenant = Tenant(lab)
    tenant.a1.ping(tenant.b2.address4)
    taps = {"guest": tenant.b2.tap(), "wire": Tap(tenant.b, "eth0")}
    tenant.a1.ping(tenant.b2.address4, count=1, options=("-t", 9))
    echoes = [frame for frame in taps["guest"].frames() if frame[12:14] == b"\x08\x00" and frame[34:35] == b"\x08"]
    check(len(echoes) == 1, f"{len(echoes)} echo requests arrived")
    echo = echoes[0]
    check(echo[0:6] == mac_bytes(tenant.b2.mac_address) and echo[6:12] == mac_bytes(GATEWAY_MAC), echo[:14].hex())
    check(echo[22] == 8, f"its TTL is {echo[22]}, it was sent with 9")
    outer = [frame for frame in taps["wire"].frames() if frame[36:38] == b"\x12\xb5" and frame[84:85] == b"\x08"]
    check(any(frame[46:49] == (5002).to_bytes(3, "big") for frame in outer), [frame[42:64].hex() for frame in outer])
    for tap in taps.values():
        tap.close()


@test
def i9_traceroute_shows_the_gateway_and_the_guest(lab):
    tenant = Tenant(lab)
    for target, gateway, words in ((tenant.b2.address4, GATEWAYS["blue"][0], ()), (tenant.b2.address6, GATEWAYS["blue"][1], ("-6",))):
        tenant.a1.ping(target)
        out = tenant.a1.command("traceroute", *words, "-n", "-q", 1, "-w", 2, "-m", 4, target).stdout
        hops = re.findall(r"^ *\d+ +(\S+)", out, re.MULTILINE)
        check(hops == [gateway, target], out)


@test
def i10_what_has_no_route_and_who_does_not_answer_is_told_to_the_guest(lab):
    tenant = Tenant(lab)
    out = tenant.a1.ping("192.0.2.77", count=1, check=False, wait=1).stdout
    check(verdict(tenant.a, "TX_UNREACHABLE") == 1, f"{tenant.a.verdicts()}\n{out}")
    for address in ABSENT["green"]:
        result = tenant.a1.command("ping", "-n", "-c", 1, "-W", 6, address, check=False).stdout
        check("nreachable" in result and GATEWAYS["blue"][0 if "." in address else 1] in result, result)


@test
def a_broadcast_is_not_routed_into_another_segment(lab):
    tenant = Tenant(lab, names=("a",))
    tenant.a1.ping(tenant.a2.address4)
    tap = tenant.a2.tap()
    for address in ("203.0.113.255", "203.0.113.0"):
        tenant.a1.command("ping", "-n", "-b", "-c", 1, "-W", 1, address, check=False)
    check(verdict(tenant.a, "DROP_BLACKHOLE") == 2, f"{tenant.a.verdicts()}")
    check(not [frame for frame in tap.frames() if frame[12:14] == b"\x08\x00"], "a2 heard one")
    tap.close()


@test
def g3_the_gateways_mac_is_learned_by_nobody(lab):
    tenant = Tenant(lab)
    reach_each_other(tenant)
    for host in tenant.hosts:
        check(not host.fdb(mac=GATEWAY_MAC), f"{host.short} learned the gateway's MAC")


@test
def a5_a_guest_that_claims_to_be_the_gateway_is_dropped_and_not_learned(lab):
    tenant = Tenant(lab, names=("a",))
    tenant.a1.ping(tenant.a2.address4)
    address = GATEWAYS["blue"][0]
    forged = [ethernet(BROADCAST, tenant.a1.mac_address, 0x0806, arp(2, tenant.a1.mac_address, address, ZERO, address)),
              ethernet(BROADCAST, GATEWAY_MAC, 0x0806, arp(1, GATEWAY_MAC, tenant.a1.address4, ZERO, tenant.a1.address4)),
              ethernet(tenant.a2.mac_address, GATEWAY_MAC, 0x88B5, bytes(46))]
    for frame in forged:
        tenant.a1.send(frame)
    wait_for(lambda: verdict(tenant.a, "DROP_GATEWAY_SPOOFED") == len(forged), f"three drops: {tenant.a.verdicts()}")
    check(not [row for row in tenant.a.json("neighbor", "list") if row["ip"] == address], "the claim was learned")
    tenant.a1.ping(tenant.a2.address4)


@test
def routing_goes_on_while_the_daemon_is_away_and_after_its_restart(lab):
    tenant = Tenant(lab)
    reach_each_other(tenant)
    for host in tenant.hosts:
        host.down()
    reach_each_other(tenant)
    for host in tenant.hosts:
        host.up()
    reach_each_other(tenant)


@test
def g2_same_subnet_traffic_is_routed_at_both_gateways(lab):
    tenant = Tenant(lab, arp="local-proxy")
    tenant.a1.ping(tenant.b1.address4)
    tenant.a1.ping(tenant.b1.address6)
    for family in (4, 6):
        out = tenant.a1.command("ip", f"-{family}", "neighbor", "show", tenant.b1.address(family)).stdout
        check(GATEWAY_MAC in out, f"a1 has {tenant.b1.address(family)} at {out}")
    tap = tenant.b1.tap()
    tenant.a1.ping(tenant.b1.address4, count=1, options=("-t", 9))
    echo, = [frame for frame in tap.frames() if frame[12:14] == b"\x08\x00" and frame[34:35] == b"\x08"]
    tap.close()
    check(echo[22] == 7, f"the TTL is {echo[22]}, it was sent with 9 and passed two gateways")
    check(echo[6:12] == mac_bytes(GATEWAY_MAC), echo[:14].hex())
    tenant.a.neighbor(tenant.b1.address4, mac=GATEWAY_MAC)


@test
def g2_the_gateway_asks_in_its_own_name_for_the_guests_it_answers_for(lab):
    tenant = Tenant(lab, arp="local-proxy")
    heard = {guest: guest.tap() for guest in (tenant.a1, tenant.b1)}
    tenant.a1.command("arping", "-c", 1, "-w", 2, "-I", "eth0", tenant.b1.address4, check=False)
    asked = wait_for(lambda: [frame for frame in heard[tenant.b1].frames() if frame[12:14] == b"\x08\x06"], "b1 to be asked")
    check(asked[0][22:28] == mac_bytes(GATEWAY_MAC) and asked[0][28:32] == bytes([198, 51, 100, tenant.a1.number]),
          asked[0].hex())
    own = [frame for frame in heard[tenant.a1].frames() if frame[12:14] == b"\x08\x06" and frame[20:22] == b"\x00\x01"]
    check(not own, "the asker heard its own question")
    for tap in heard.values():
        tap.close()
    tenant.b.neighbor(tenant.a1.address4, mac=GATEWAY_MAC)


@test
def g2_guests_on_one_host_reach_each_other_by_the_gateway(lab):
    tenant = Tenant(lab, names=("a",), up=False, arp="local-proxy")
    other = settle(lab.guest(tenant.a, "a3", attach=False), "blue")
    tenant.a.document["ports"].append({"interface": "p-a3", "segment": "blue"})
    tenant.a.up()
    for address in (other.address4, other.address6):
        tenant.a1.ping(address)
    check(verdict(tenant.a, "TX_ROUTED") > 0, f"{tenant.a.verdicts()}")


SYMMETRIC = {"model": "symmetric", "l3_vni": 5999, "router_mac": "02:00:5e:00:00:01"}


@test
def i4_a_symmetric_domain_routes_on_both_hosts_by_its_transit_vni(lab):
    tenant = Tenant(lab, domain=SYMMETRIC)
    reach_each_other(tenant)
    guest, wire = tenant.b2.tap(), Tap(tenant.b, "eth0")
    tenant.a1.ping(tenant.b2.address4, count=1, options=("-t", 9))
    echo, = [frame for frame in guest.frames() if frame[12:14] == b"\x08\x00" and frame[34:35] == b"\x08"]
    check(echo[22] == 7, f"the TTL is {echo[22]}, it was sent with 9 and routed twice")
    tunnelled = [frame for frame in wire.frames() if frame[36:38] == b"\x12\xb5" and frame[84:85] == b"\x08"]
    check(len(tunnelled) == 1 and tunnelled[0][46:49] == (5999).to_bytes(3, "big"), [frame[42:64].hex() for frame in tunnelled])
    router = mac_bytes(SYMMETRIC["router_mac"])
    check(tunnelled[0][50:62] == router + router, f"its MACs are {tunnelled[0][50:62].hex()}")
    guest.close()
    wire.close()


def kernel_gateway(lab, tenant, name="k"):
    """A plain Linux host with both segments, which routes between them with the same address and MAC."""
    kernel = lab.kernel_host(name)
    kernel.sysctl("net.ipv4.ip_forward", 1)
    kernel.sysctl("net.ipv6.conf.all.forwarding", 1)
    others = [host.address for host in tenant.hosts]
    for number, (segment, vni) in enumerate((("blue", BLUE), ("green", GREEN)), 1):
        guest = settle(lab.guest(kernel, f"{name}{number}"), segment)
        kernel.segment(vni, others, ports=[guest.port])
        kernel.sysctl(f"net.ipv6.conf.br{vni}.disable_ipv6", 0)
        kernel.ip(f"link set br{vni} address {GATEWAY_MAC}", f"address add {GATEWAYS[segment][0]}/24 dev br{vni}",
                  f"address add {GATEWAYS[segment][1]}/64 dev br{vni} nodad")
        setattr(tenant, guest.short, guest)
        tenant.guests[segment].append(guest)
    return kernel


@test(timeout=60)
def x2_the_kernel_is_a_gateway_of_the_same_segments(lab):
    """Asymmetric: each routes on its own host, both with one address and MAC."""
    tenant = Tenant(lab, names=("a",), up=False)
    kernel = kernel_gateway(lab, tenant)
    for segment in tenant.a.document["segments"]:
        segment["remotes"] = [kernel.address]
    tenant.a.up()
    reach_each_other(tenant)


@test(timeout=60)
def g1_a_plain_vtep_without_a_gateway_uses_weft_s_where_it_answers_remotes(lab):
    tenant = Tenant(lab, names=("a",), up=False, gateway={"answer_remote": True})
    kernel = lab.kernel_host("k")
    guest = settle(lab.guest(kernel, "k1"), "blue")
    kernel.segment(BLUE, [tenant.a.address], ports=[guest.port])
    tenant.a.document["segments"][0]["remotes"] = [kernel.address]
    tenant.a.up()
    guest.ping(GATEWAYS["blue"][0])
    guest.ping(GATEWAYS["blue"][1])
    for address in (tenant.a2.address4, tenant.a2.address6):
        guest.ping(address)
        tenant.a2.ping(guest.address(4 if "." in address else 6))


def told_of_its_mtu(underlay):
    @test(name=f"x3_an_oversized_routed_packet_is_told_to_its_guest_by_the_gateway_over_an_ipv{underlay}_underlay")
    def told(lab):
        tenant = Tenant(lab, family=underlay, mtu=1400)
        for family in (4, 6):
            for host, source, target in ((tenant.a, tenant.a1, tenant.b2), (tenant.b, tenant.b2, tenant.a1)):
                address, before = target.address(family), verdict(host, "TX_TOO_BIG")
                source.ping(address)
                out = source.ping(address, count=1, check=False, wait=1, options=("-s", 1440, "-M", "do")).stdout
                check(verdict(host, "TX_TOO_BIG") == before + 1, f"{host.verdicts()}\n{out}")
                route = source.command("ip", f"-{family}", "route", "get", address).stdout
                check("mtu 1400" in route, f"{source.short} was told something else: {route}")
            tenant.a1.ping(tenant.b2.address(family), options=("-s", 3000))  # fragments of the size that both were told


told_of_its_mtu(4)
told_of_its_mtu(6)


@test(timeout=60)
def g4_a_host_that_is_alive_and_silent_stays_reachable(lab):
    """Its neighbor is asked before it ages: with aging of 6 s nothing is lost in 15 s of one-way traffic."""
    tenant = Tenant(lab, aging_seconds=6)
    tenant.a1.ping(tenant.b2.address4)
    before = verdict(tenant.a, "DROP_WAITS") + verdict(tenant.a, "DROP_MISS")
    tenant.b2.silence("ip")
    tenant.a1.command("ping", "-n", "-q", "-i", "0.5", "-c", 30, "-W", 1, tenant.b2.address4, check=False)
    after = verdict(tenant.a, "DROP_WAITS") + verdict(tenant.a, "DROP_MISS")
    check(after == before, f"{after - before} packets met an unknown neighbor")

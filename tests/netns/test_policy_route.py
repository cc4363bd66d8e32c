# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""Policy routes (G5): looked at before the table, by source, protocol, ports and DSCP; not for the gateway itself."""
from netns import wait_for
from overlay import check, deliver
from registry import test
from routing import GATEWAY_MAC, GATEWAYS, Tenant
from test_symmetric import DOMAIN
from wire import Marker, ethernet, ip_udp

OUTSIDE = ("192.0.2.200", "2001:db8:77::1")


def routed(source, dst, dport=40001, **options):
    """frame(marker, number) from a guest to its gateway."""
    def make(marker, number):
        src = source.address6 if ":" in dst else source.address4
        ethertype, packet = ip_udp(src, dst, marker.payload(number, 46), dport=dport, **options)
        return ethernet(GATEWAY_MAC, source.mac_address, ethertype, packet)
    return make


def known(tenant):
    """The gateways know every guest, so that no packet waits."""
    for guest in tenant.all_guests():
        for source in tenant.all_guests():
            if guest is not source:
                source.ping(guest.address4, count=1)
                source.ping(guest.address6, count=1)


def steered(tenant):
    """UDP to ports 80-89 of a1 leaves by b2, IPv6 of any guest to port 90 too; DSCP 46 by a2."""
    b2, a2 = tenant.b2, tenant.a2
    return [{"priority": 10, "source": f"{tenant.a1.address4}/32", "protocol": "udp", "destination_ports": "80-89",
             "via": [b2.address4]},
            {"priority": 20, "protocol": "udp", "destination_ports": "90", "via": [b2.address6]},
            {"priority": 30, "dscp": 46, "via": [a2.address4]}]


def domain_of(tenant, **keys):
    for host in tenant.hosts:
        host.document["routing_domains"][0].update(keys)


@test
def g5_a_policy_route_comes_before_the_table_by_each_of_its_keys(lab):
    tenant = Tenant(lab, up=False)
    domain_of(tenant, policy_routes=steered(tenant), routes=[{"prefix": "192.0.2.128/25", "action": "blackhole"}])
    for host in tenant.hosts:
        host.up()
    known(tenant)
    a1, b1, b2, a2 = tenant.a1, tenant.b1, tenant.b2, tenant.a2
    four, six = OUTSIDE
    for port in (80, 89):
        deliver(a1, routed(a1, four, port), to=[b2])
        deliver(a1, routed(a1, a2.address4, port), to=[b2], none=[a2])  # over a connected prefix too
    deliver(a1, routed(a1, six, 90), to=[b2])
    for source, port, dst in ((a1, 79, four), (a1, 90, four), (b1, 80, four), (a1, 80, six)):
        deliver(source, routed(source, dst, port), none=[b2, a2])
    deliver(b1, routed(b1, four, 9, tos=46 << 2), to=[a2])
    deliver(a1, routed(a1, a2.address4, 9), to=[a2])


@test
def g5_what_is_for_the_gateway_itself_is_not_steered(lab):
    tenant = Tenant(lab, up=False)
    domain_of(tenant, policy_routes=[{"priority": 1, "via": [tenant.b2.address4]},
                                     {"priority": 2, "via": [tenant.b2.address6]}])
    for host in tenant.hosts:
        host.up()
    for segment in ("blue", "green"):
        for address in GATEWAYS[segment]:
            tenant.a1.ping(address)


@test
def g5_flows_are_shared_among_the_next_hops_of_a_policy_route_and_stay_with_them(lab):
    tenant = Tenant(lab, up=False)
    b2, a2 = tenant.b2, tenant.a2
    domain_of(tenant, policy_routes=[{"priority": 1, "protocol": "udp", "source": "198.51.100.0/24",
                                      "via": [b2.address4, a2.address4]}])
    for host in tenant.hosts:
        host.up()
    source = tenant.a1
    for guest in (a2, b2):
        source.ping(guest.address4, count=1)
    taken = {}
    for port in list(range(30)) * 2:
        marker = Marker()
        counters = [guest.count(marker) for guest in (a2, b2)]
        source.send(routed(source, OUTSIDE[0], 1000 + port)(marker, 0))
        wait_for(lambda: any([counter.drain() for counter in counters]), f"port {port} to arrive", timeout=2)
        got = [counter.total for counter in counters]
        for counter in counters:
            counter.close()
        check(sorted(got) == [0, 1], f"port {port}: {got}")
        check(taken.setdefault(port, got) == got, f"the flow of port {port} moved")
    check(0 < sum(got[0] for got in taken.values()) < 30, f"one next hop has them all: {taken}")


@test
def g5_in_a_symmetric_domain_both_routers_steer_alike(lab):
    tenant = Tenant(lab, domain=DOMAIN, up=False)
    domain_of(tenant, policy_routes=[{"priority": 10, "protocol": "udp", "destination_ports": "80", "via": [tenant.b2.address4]}])
    for host in tenant.hosts:
        host.up()
    known(tenant)
    deliver(tenant.a1, routed(tenant.a1, "192.0.3.7", 80), to=[tenant.b2])


@test
def g5_a_changed_policy_route_holds_at_once_and_a_restart_writes_nothing(lab):
    tenant = Tenant(lab, up=False)
    domain_of(tenant, policy_routes=steered(tenant))
    for host in tenant.hosts:
        host.up()
    known(tenant)
    a1, a = tenant.a1, tenant.a
    deliver(a1, routed(a1, OUTSIDE[0], 80), to=[tenant.b2])
    a.down()
    deliver(a1, routed(a1, OUTSIDE[0], 80), to=[tenant.b2])
    a.up()
    check(a.json("status")["rows_written"] == 0, "rows were written")
    a.document["routing_domains"][0]["policy_routes"][0]["via"] = [tenant.a2.address4]
    a.weft("config", "apply", a.write())
    deliver(a1, routed(a1, OUTSIDE[0], 80), to=[tenant.a2], none=[tenant.b2])
    a.document["routing_domains"][0]["policy_routes"] = []
    a.weft("config", "apply", a.write())
    deliver(a1, routed(a1, OUTSIDE[0], 80), none=[tenant.a2, tenant.b2])

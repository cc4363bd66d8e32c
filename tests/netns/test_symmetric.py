# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""The symmetric model (RFC 9135): what is for a guest of another host crosses by the domain's L3 VNI and is routed at both
ends."""
import re

from overlay import check
from registry import test
from routing import GATEWAYS, Tenant

L3_VNI = 5999
DOMAIN = {"model": "symmetric", "l3_vni": L3_VNI, "router_mac": "02:00:5e:00:00:01",
          "routes": [{"prefix": "192.0.2.128/25", "via": ["198.51.100.1", "203.0.113.2"]}]}


def routed_by_the_l3_vni(host):
    rows = host.json("stats", "--by", "segment")
    return sum(row["packets"] for row in rows if row["segment"] == "tenant/l3" and row["verdict"] == "TX_ROUTED")


@test
def i4_what_is_for_another_host_crosses_by_the_l3_vni_and_is_routed_at_both_ends(lab):
    tenant = Tenant(lab, domain=DOMAIN)
    for target in (tenant.b2.address4, tenant.b2.address6):
        tenant.a1.ping(target)
        before = routed_by_the_l3_vni(tenant.a), routed_by_the_l3_vni(tenant.b)
        tenant.a1.ping(target)
        after = routed_by_the_l3_vni(tenant.a), routed_by_the_l3_vni(tenant.b)
        check(all(now > then for now, then in zip(after, before)), f"routed by the L3 VNI: {before}, then {after}")
    for target in (tenant.a2.address4, tenant.a2.address6):
        tenant.a1.ping(target)


@test
def i9_traceroute_shows_both_gateways_and_the_guest(lab):
    tenant = Tenant(lab, domain=DOMAIN)
    for target, words in ((tenant.b2.address4, ()), (tenant.b2.address6, ("-6",))):
        tenant.a1.ping(target)
        out = tenant.a1.command("traceroute", *words, "-n", "-q", 1, "-w", 2, "-m", 5, target).stdout
        hops = re.findall(r"^ *\d+ +(\S+)", out, re.MULTILINE)
        gateways = {addresses[1 if words else 0] for addresses in GATEWAYS.values()}
        check(len(hops) == 3 and set(hops[:2]) <= gateways and hops[2] == target, out)


@test
def a_daemon_that_starts_over_routing_tables_writes_nothing(lab):
    tenant = Tenant(lab, domain=DOMAIN)
    a = tenant.a
    tenant.a1.ping(tenant.b2.address4)
    a.down()
    tenant.a1.ping(tenant.b2.address4)
    a.up()
    check(a.json("status")["rows_written"] == 0, "rows were written")
    tenant.a1.ping(tenant.b2.address4)

# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""The symmetric model (RFC 9135): what is for a guest of another host crosses by the domain's L3 VNI and is routed at both
ends."""
import re

from overlay import check, start
from registry import test
from routing import BLUE, GATEWAY_MAC, GATEWAYS, GREEN, Tenant, gateway_of, settle
from traffic import tcp_transfer, udp_segmented

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


KERNEL_MAC = "02:00:5e:00:00:02"


def kernel_router(lab, weft, family):
    """A Linux host with green alone, and the rest behind the L3 VNI as FRR writes it: a route by way of the VTEP's address,
    on link, whose MAC is the router's there."""
    kernel = lab.kernel_host("k", family=family)
    guest = settle(lab.guest(kernel, "k2"), "green")
    kernel.segment(GREEN, [], ports=[guest.port])
    kernel.segment(L3_VNI, [], ports=[])
    for vni, mac in ((GREEN, GATEWAY_MAC), (L3_VNI, KERNEL_MAC)):
        kernel.sysctl(f"net.ipv6.conf.br{vni}.disable_ipv6", 0)
        kernel.ip(f"link set br{vni} address {mac}")
    kernel.sysctl("net.ipv4.ip_forward", 1)
    kernel.sysctl("net.ipv6.conf.all.forwarding", 1)
    four, six = GATEWAYS["green"]
    kernel.ip(f"address add {four}/24 dev br{GREEN}", f"address add {six}/64 dev br{GREEN} nodad")
    router = DOMAIN["router_mac"]
    for via, prefix in (("192.0.2.200", "198.51.100.0/24"), ("2001:db8:9::c8", "2001:db8:1::/64")):
        kernel.ip(f"neighbor replace {via} lladdr {router} dev br{L3_VNI} nud permanent",
                  f"route add {prefix} via {via} dev br{L3_VNI} onlink")
    kernel.command("bridge", "fdb", "append", router, "dev", f"vx{L3_VNI}", "dst", weft.address, "self", "permanent")
    kernel.command("bridge", "fdb", "replace", router, "dev", f"vx{L3_VNI}", "master", "static")
    return kernel, guest


def kernel_peer(family):
    @test(name=f"x2_the_kernel_routes_by_the_l3_vni_over_an_ipv{family}_underlay", timeout=60)
    def symmetric(lab):
        a = lab.weft_host("a", family=family)
        a1 = settle(lab.guest(a, "a1", attach=False), "blue")
        kernel, k2 = kernel_router(lab, a, family)
        a.segment(BLUE, [], name="blue", ports=["p-a1"], routing_domain="tenant", gateway=gateway_of("blue"))
        a.document["routing_domains"] = [{
            "name": "tenant", "model": "symmetric", "l3_vni": L3_VNI, "router_mac": DOMAIN["router_mac"],
            "remotes": [{"address": kernel.address, "router_mac": KERNEL_MAC}],
            "routes": [{"prefix": prefix, "via": [kernel.address]} for prefix in ("203.0.113.0/24", "2001:db8:2::/64")]}]
        a.up()
        for source, target in ((a1, k2), (k2, a1)):
            for address in (target.address4, target.address6):
                source.ping(address)
                tcp_transfer(source, target, address, megabytes=8)
        out = k2.command("ping", "-n", "-c", 1, a1.address4).stdout
        check("ttl=62" in out, f"each end takes one from the TTL: {out}")


kernel_peer(4)
kernel_peer(6)


def streams(model, domain, family):
    @test(name=f"x3_streams_cross_a_{model}_domain_over_an_ipv{family}_underlay", timeout=60)
    def whole(lab):
        tenant = Tenant(lab, family=family, domain=domain)
        for source, target in ((tenant.a1, tenant.b2), (tenant.b2, tenant.a1), (tenant.a1, tenant.a2)):
            for address in (target.address4, target.address6):
                source.ping(address)
                tcp_transfer(source, target, address, megabytes=8)
                udp_segmented(source, target, address)


for each_family in (4, 6):
    streams("symmetric", DOMAIN, each_family)
    streams("plain", None, each_family)


@test(timeout=60)
def x3_the_ttl_ends_a_loop_of_routes(lab):
    """From host to host to host. Between two there is none: nothing goes back to where it came from in the same VNI; so the
    error, which goes back the way of what it is about, ends at the last host but one."""
    tenant = Tenant(lab, names=("a", "b", "c"), up=False)
    for host, following in zip(tenant.hosts, tenant.hosts[1:] + tenant.hosts[:1]):
        host.document["routing_domains"] = [{"name": "tenant", **DOMAIN,
                                             "routes": [{"prefix": "192.0.2.128/25", "via": [following.address]}]}]
    start(tenant.hosts)
    for guest in (tenant.b1, tenant.c1):
        tenant.a1.ping(guest.address4)

    def count(name):
        return sum(host.verdicts().get(name, 0) for host in tenant.hosts)

    before = count("TX_ROUTED")
    tenant.a1.ping("192.0.2.200", count=1, check=False, options=("-t", 40))
    routed = count("TX_ROUTED") - before
    check(routed == 39 and count("TX_TIME_EXCEEDED") == 1, f"{routed} times routed, {count('TX_TIME_EXCEEDED')} errors")

# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""Routing domains, routes and gateways on the command line of a running daemon: what is added leads packets, is listed,
kept over a restart and an apply, and what cannot work is refused in one line."""
from overlay import check
from registry import test
from routing import GATEWAYS, Tenant
from test_cli import exits

DOMAIN = ("--routing-domain", "tenant")


def routes(host, *filters):
    return {row["prefix"]: row for row in host.json("route", "list", *filters)}


def restart(host):
    host.down()
    host.up()


def unreachable(guest, address):
    result = guest.command("ping", "-c", 1, "-W", 2, address, check=False)
    check(result.returncode != 0 and "nreachable" in result.stdout, f"ping {address} said:\n{result.stdout}")


@test
def routes_of_the_command_line_are_listed_replaced_kept_and_deleted(lab):
    tenant = Tenant(lab, ("a",))
    a, outside = tenant.a, "192.0.2.128/25"
    rows = routes(a, *DOMAIN)
    check(rows["198.51.100.0/24"]["kind"] == "connected" and rows["198.51.100.0/24"]["segment"] == "blue", f"{rows}")
    check(rows[GATEWAYS["green"][0] + "/32"]["kind"] == "local", f"{rows}")
    exits(a, 1, "route", "del", outside, *DOMAIN, said="no route 192.0.2.128/25 of routing domain tenant")
    exits(a, 1, "route", "set", outside, *DOMAIN, "--action", "blackhole", said="no route")
    exits(a, 1, "route", "add", outside, "--routing-domain", "none", "--action", "blackhole", said="no routing domain none")
    exits(a, 1, "route", "add", outside, *DOMAIN, "--via", "198.18.0.1", said="nobody can reach 198.18.0.1")
    exits(a, 1, "route", "add", outside, *DOMAIN, said="there must be via or action or leak")
    exits(a, 1, "route", "add", "192.0.2.129/25", *DOMAIN, "--action", "blackhole", said="bits behind the prefix")
    exits(a, 0, "route", "add", outside, *DOMAIN, "--via", f"{tenant.a1.address4},{tenant.a2.address4}")
    exits(a, 0, "route", "add", outside, *DOMAIN, "--via", f"{tenant.a1.address4},{tenant.a2.address4}")
    exits(a, 1, "route", "add", outside, *DOMAIN, "--action", "blackhole", said="use set")
    exits(a, 0, "route", "set", "--prefix", outside, *DOMAIN, "--via", tenant.a2.address4)
    for change in (lambda: None, lambda: restart(a), lambda: exits(a, 0, "config", "apply", a.write())):
        change()
        row = a.json("route", "show", outside, *DOMAIN)
        check(row == {"routing_domain": "tenant", "prefix": outside, "kind": "via", "via": [tenant.a2.address4],
                      "origin": "cli"}, f"the route is {row}")
    check(list(routes(a, "--kind", "via")) == [outside], "the filter by kind")
    exits(a, 0, "config", "apply", a.file, "--replace")
    check(outside not in routes(a), "--replace kept a route of the command line")


@test
def a_route_leads_packets_as_soon_as_it_is_there(lab):
    tenant = Tenant(lab, ("a",))
    a, border, beyond = tenant.a, tenant.a2, "192.0.2.200"
    border.ip(f"address add {beyond}/32 dev eth0")
    unreachable(tenant.a1, beyond)
    exits(a, 0, "route", "add", "192.0.2.128/25", *DOMAIN, "--via", border.address4)
    tenant.a1.ping(beyond)
    exits(a, 0, "route", "add", f"{beyond}/32", *DOMAIN, "--action", "unreachable")
    unreachable(tenant.a1, beyond)
    exits(a, 0, "route", "del", f"{beyond}/32", *DOMAIN)
    tenant.a1.ping(beyond)


@test
def domains_of_the_command_line_take_segments_and_leak_to_each_other(lab):
    tenant = Tenant(lab, ("a",))
    a, a1, a2 = tenant.a, tenant.a1, tenant.a2
    exits(a, 0, "routing-domain", "add", "other")
    exits(a, 1, "routing-domain", "set", "other", "--model", "symmetric", "--router-mac", "02:00:5e:00:00:01",
          said="l3_vni: is missing")
    exits(a, 0, "segment", "set", "green", "--routing-domain", "other")
    unreachable(a1, a2.address4)
    exits(a, 0, "route", "add", "203.0.113.0/24", *DOMAIN, "--leak", "other")
    exits(a, 0, "route", "add", "198.51.100.0/24", "--routing-domain", "other", "--leak", "tenant")
    a1.ping(a2.address4)
    a2.ping(a1.address4)
    check(a.json("routing-domain", "show", "other")["segments"] == ["green"], "the segments of the domain")
    exits(a, 1, "routing-domain", "del", "other", said="routing domain other has segment green")
    exits(a, 0, "segment", "set", "green", "--routing-domain", "none", "--gateway-addresses", "")
    exits(a, 1, "routing-domain", "del", "other", said="leaks 203.0.113.0/24 to other")
    exits(a, 0, "route", "del", "203.0.113.0/24", *DOMAIN)
    exits(a, 0, "routing-domain", "del", "other")
    check([row["name"] for row in a.json("routing-domain", "list")] == ["tenant"], "it is still there")


@test
def a_symmetric_domain_of_the_command_line_has_a_segment_and_routers(lab):
    tenant = Tenant(lab)
    a, b = tenant.hosts
    exits(a, 0, "routing-domain", "set", "tenant", "--model", "symmetric", "--l3-vni", 5999, "--router-mac",
          "02:00:5e:00:00:01", "--remotes", f"{b.address}=02:00:5e:00:00:02")
    (router,) = [row for row in a.json("neighbor", "list") if row["ip"] == b.address]
    check(router["mac"] == "02:00:5e:00:00:02" and router["remote"] == b.address and router["vni"] == 5999, f"{router}")
    check("tenant/l3" not in [row["name"] for row in a.json("segment", "list")], "the transit segment is listed")
    exits(a, 1, "segment", "add", "late", "--vni", 5999, said="5999")
    exits(a, 0, "routing-domain", "set", "tenant", "--model", "asymmetric", "--l3-vni", "none", "--router-mac", "none",
          "--remotes", "")
    check(not [row for row in a.json("neighbor", "list") if row["ip"] == b.address], "its router is still a neighbor")

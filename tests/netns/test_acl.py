# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""Access rules (H5): of ports, port groups and segments, in both directions, at one host and across, stateless and
stateful."""
import contextlib
import json
import signal

from conversation import Conversation, refused, talk
from overlay import check, deliver, hosts_with_guests
from registry import test
from routing import Tenant
from switching import Site, counts
from wire import ETHERTYPE_TEST, ethernet, ip_udp


def rule(priority, action, direction, **match):
    return {"priority": priority, "action": action, "direction": direction, **match}


def guard(host, name, rules, ports=(), segments=(), default="deny"):
    """The host's document gets access rules, which these ports and segments name."""
    host.document.setdefault("acls", []).append({"name": name, "default": default, "rules": rules})
    for section, key, names in (("ports", "interface", ports), ("segments", "name", segments)):
        for one in host.document[section]:
            if one[key] in names:
                one["acl"] = name


def two_hosts(lab, guests=2, **options):
    hosts, guests = hosts_with_guests(lab, ("a", "b"), guests=guests, up=False, **options)
    return hosts, {guest.short: guest for guest in guests}


def up(hosts):
    for host in hosts:
        host.launch()
    for host in hosts:
        host.ready()


def both(guest):
    return guest.address4, guest.address6


def udp_to(source, target, dport, family=4):
    def make(marker, number):
        ethertype, packet = ip_udp(source.address(family), target.address(family), marker.payload(number, 46), dport=dport)
        return ethernet(target.mac_address, source.mac_address, ethertype, packet)
    return make


@test
def h5_a_stateful_rule_lets_answers_pass_and_nothing_else_in(lab):
    hosts, g = two_hosts(lab)
    guard(hosts[0], "client", [rule(10, "allow", "from_port", stateful=True), rule(10, "deny", "to_port")], ports=["p-a1"])
    up(hosts)
    for target in (g["b1"], g["a2"]):
        for address in both(target):
            talk(g["a1"], target, address, 80)
            g["a1"].ping(address)
        for address in both(g["a1"]):
            check(refused(target, g["a1"], address, 80), f"{target.short} reached a1 at {address}")
            check(" 0 received" in target.ping(address, count=1, wait=1, check=False).stdout, f"{target.short} pinged a1")


@test
def h5_a_stateful_rule_lets_one_port_in_and_its_answers_out(lab):
    hosts, g = two_hosts(lab)
    guard(hosts[0], "server", [rule(10, "allow", "to_port", protocol="tcp", destination_ports="80-89", stateful=True),
                               rule(10, "deny", "from_port")], ports=["p-a1"])
    up(hosts)
    for client in (g["b1"], g["a2"]):
        for address in both(g["a1"]):
            talk(client, g["a1"], address, 85)
            check(refused(client, g["a1"], address, 90), f"port 90 at {address} let {client.short} in")
        for address in both(client):
            check(refused(g["a1"], client, address, 80), f"a1 reached {client.short} at {address}")


@test
def h5_rules_without_state_hold_for_each_packet_by_address_protocol_and_port(lab):
    hosts, g = two_hosts(lab)
    a1, b1 = g["a1"], g["b1"]
    guard(hosts[0], "out", [rule(10, "allow", "from_port", protocol="udp", destination=f"{b1.address4}/32",
                                 destination_ports="5000-5009"),
                            rule(20, "allow", "from_port", protocol="udp", destination="2001:db8:1::/64",
                                 destination_ports="6000")], ports=["p-a1"])
    guard(hosts[1], "in", [rule(10, "deny", "to_port", protocol="udp", destination_ports="5005")], ports=["p-b1"],
          default="allow")
    up(hosts)
    a1.ip(f"neighbor replace {b1.address4} lladdr {b1.mac_address} dev eth0")
    a1.announce()
    b1.announce()
    hosts[0].learned(b1.mac_address)
    hosts[1].learned(a1.mac_address)
    for port in (5000, 5009):
        deliver(a1, udp_to(a1, b1, port), to=[b1])
    with counts(hosts[0], DROP_RULE=30):
        for port, family in ((5010, 4), (5000, 6), (6000, 4)):
            deliver(a1, udp_to(a1, b1, port, family), none=[b1])
    deliver(a1, udp_to(a1, b1, 6000, 6), to=[b1])
    with counts(hosts[1], DROP_RULE=10):
        deliver(a1, udp_to(a1, b1, 5005), none=[b1])
    deliver(b1, udp_to(b1, a1, 9), to=[a1])
    rules = hosts[0].json("acl", "show", "out")["rules"]
    check([one["packets"] for one in rules] == [30, 10], f"counted {rules}")
    check(hosts[1].json("acl", "show", "in")["rules"][0]["packets"] == 10, "the denied ones are not the rule's")


@test
def h5_what_is_no_five_tuple_passes_and_fragments_are_judged_without_ports(lab):
    hosts, g = two_hosts(lab)
    a1, b1 = g["a1"], g["b1"]
    guard(hosts[0], "none", [rule(10, "allow", "from_port", protocol="udp", destination_ports="9")], ports=["p-a1"])
    guard(hosts[1], "ping", [rule(10, "allow", "to_port", protocol="icmp"), rule(10, "allow", "to_port", protocol="icmpv6")],
          ports=["p-b2"])
    up(hosts)
    deliver(a1, lambda marker, number: ethernet(b1.mac_address, a1.mac_address, ETHERTYPE_TEST, marker.payload(number, 46)),
            to=[b1])
    out = a1.command("arping", "-c", 1, "-w", 2, "-I", "eth0", b1.address4).stdout
    check(b1.mac_address in out.lower(), out)
    for address in both(g["b2"]):
        b1.ping(address, options=("-s", 4000))
        g["a2"].ping(address, options=("-s", 4000))

    def fragment(marker, number):
        ethertype, packet = ip_udp(a1.address4, b1.address4, marker.payload(number, 46), dport=9, fragment=20)
        return ethernet(b1.mac_address, a1.mac_address, ethertype, packet)
    with counts(hosts[0], DROP_RULE_FRAGMENT=10):
        deliver(a1, fragment, none=[b1])


@test
def h5_a_segments_rules_hold_at_each_of_its_ports_besides_their_own(lab):
    hosts, g = two_hosts(lab)
    for host in hosts:
        guard(host, "tenant", [rule(10, "allow", "from_port", stateful=True),
                               rule(10, "allow", "to_port", protocol="tcp", destination_ports="80-81", stateful=True)],
              segments=["blue"])
    guard(hosts[0], "own", [rule(10, "allow", "from_port", stateful=True),
                            rule(10, "allow", "to_port", protocol="tcp", destination_ports="81-82", stateful=True)],
          ports=["p-a1"])
    up(hosts)
    for client in (g["b1"], g["a2"]):
        for address in both(g["a1"]):
            talk(client, g["a1"], address, 81)
            for port in (80, 82):
                check(refused(client, g["a1"], address, port), f"{client.short} reached port {port} of a1")
    for client in (g["a1"], g["a2"], g["b2"]):
        talk(client, g["b1"], g["b1"].address4, 80)
        check(refused(client, g["b1"], g["b1"].address6, 82), f"{client.short} reached port 82 of b1")


@test
def h5_a_port_group_has_rules_and_a_port_others_in_their_place(lab):
    site = Site(lab, {"web": {"vlan": 10, "acl": "web"}}, {"a1": "web", "a2": "web"}, {"s1": 10}, up=False)
    site.document["acls"] = [
        {"name": "web", "rules": [rule(10, "allow", "to_port", protocol="tcp", destination_ports="80")]},
        {"name": "ssh", "rules": [rule(10, "allow", "to_port", protocol="tcp", destination_ports="22")]}]
    site.document["ports"][1]["acl"] = "ssh"
    site.host.up()
    for guest, open_port, shut_port in ((site.a1, 80, 22), (site.a2, 22, 80)):
        talk(site.s1, guest, guest.address4, open_port)
        check(refused(site.s1, guest, guest.address4, shut_port), f"port {shut_port} of {guest.short} is open")


@test
def h5_a_flooded_frame_obeys_the_rules_of_each_port(lab):
    hosts, g = two_hosts(lab)
    guard(hosts[0], "quiet", [rule(10, "deny", "to_port", protocol="udp")], ports=["p-a2"], default="allow")
    up(hosts)

    def broadcast(marker, number):
        ethertype, packet = ip_udp(g["b1"].address4, "198.51.100.255", marker.payload(number, 46), dport=9)
        return ethernet("ff:ff:ff:ff:ff:ff", g["b1"].mac_address, ethertype, packet)
    deliver(g["b1"], broadcast, to=[g["a1"], g["b2"]], none=[g["a2"]])


@test
def h5_routed_packets_obey_the_rules_of_both_ends(lab):
    tenant = Tenant(lab, up=False)
    guard(tenant.b, "server", [rule(10, "allow", "to_port", protocol="tcp", source="198.51.100.0/24", destination_ports="80"),
                               rule(20, "allow", "to_port", protocol="tcp", source="2001:db8:1::/64", destination_ports="80")],
          segments=["green"])
    up(tenant.hosts)
    for address in both(tenant.b2):
        talk(tenant.a1, tenant.b2, address, 80)
        check(refused(tenant.a1, tenant.b2, address, 81), "port 81 is open")
        check(refused(tenant.a2, tenant.b2, address, 80), "a guest of the same segment came in")


@test
def h5_connections_survive_the_daemon_and_its_restart_and_are_judged_anew_when_rules_change(lab):
    hosts, g = two_hosts(lab, guests=1)
    a, b = hosts
    guard(a, "client", [rule(10, "allow", "from_port", stateful=True), rule(10, "deny", "to_port")], ports=["p-a1"])
    up(hosts)
    with contextlib.ExitStack() as stack:
        all_open = [stack.enter_context(contextlib.closing(Conversation(g["a1"], g["b1"], address, port)))
                    for address, ports in zip(both(g["b1"]), ((80, 443), (81, 444))) for port in ports]
        for how in (signal.SIGTERM, signal.SIGKILL):
            a.down(how)
            for one in all_open:
                one.say()
            check(refused(g["b1"], g["a1"], g["a1"].address4, 80), "rules ended with the daemon")
            talk(g["a1"], g["b1"], g["b1"].address4, 8080)
            a.up()
            for one in all_open:
                one.say()
            check(a.json("status")["rows_written"] == 0, "rows were written")
        a.document["acls"][0]["rules"][0].update(protocol="tcp", destination_ports="80-81")
        a.weft("config", "apply", a.write())
        all_open[0].say()
        all_open[2].say()
        check(all_open[1].is_silent() and all_open[3].is_silent(), "port 443 is allowed no more")
    check(refused(g["a1"], g["b1"], g["b1"].address4, 443), "port 443 is allowed no more")


@test
def h5_rules_change_while_packets_flow_and_none_is_lost_that_both_lists_allow(lab):
    hosts, g = two_hosts(lab, guests=1)
    a = hosts[0]
    guard(a, "client", [rule(10, "allow", "from_port", stateful=True), rule(10, "deny", "to_port")], ports=["p-a1"])
    up(hosts)
    with contextlib.closing(Conversation(g["a1"], g["b1"], g["b1"].address4, 80)) as one:
        for number in range(20):
            a.document["acls"][0]["rules"][0]["priority"] = number
            a.document["acls"][0]["rules"][1:] = [rule(number, "deny", "to_port", protocol="udp"),
                                                  rule(number + 1, "deny", "to_port")]
            a.weft("config", "apply", a.write())
            one.say()
    shown = a.json("acl", "show", "client")["rules"]
    check(shown[0]["packets"] > 40, f"it counts on over a change: {shown}")


@test(timeout=120)
def h5_ten_thousand_rules_on_a_segment_are_obeyed(lab):
    hosts, g = two_hosts(lab, guests=1)
    many = [rule(number, "allow" if number % 2 else "deny", "to_port", protocol="tcp", source=f"198.51.100.{number % 256}/32",
                 destination_ports=str(1 + number)) for number in range(9998)]
    many += [rule(60000, "allow", "to_port", protocol="tcp", destination_ports="20000-29999"), rule(60001, "deny", "to_port")]
    guard(hosts[1], "many", many, segments=["blue"])
    up(hosts)
    a1, b1 = g["a1"], g["b1"]
    talk(a1, b1, b1.address4, 1026)  # by rule 1025, the source's own
    talk(a1, b1, b1.address4, 25000)
    talk(a1, b1, b1.address6, 29999)
    check(refused(a1, b1, b1.address4, 1 + 2), "it is another source's port")
    check(refused(a1, b1, b1.address4, 30000), "it is no rule's port")
    hosts[1].down()
    talk(a1, b1, b1.address4, 25000)
    hosts[1].up()
    check(hosts[1].json("status")["rows_written"] == 0, "rows were written")
    hosts[1].document["acls"][0]["rules"][-2]["destination_ports"] = "20000-24999"
    hosts[1].weft("config", "apply", hosts[1].write())
    check(refused(a1, b1, b1.address4, 25001), "the new rules do not hold")
    talk(a1, b1, b1.address4, 24999)


@test
def h5_the_command_line_makes_changes_and_shows_rules(lab):
    hosts, g = two_hosts(lab)
    a = hosts[0]
    up(hosts)
    a1, a2 = g["a1"], g["a2"]
    a.weft("acl", "add", "web", "--rules", "priority=10+action=allow+direction=to_port+protocol=tcp+destination_ports=80")
    a.weft("port", "set", "p-a1", "--acl", "web")
    talk(a2, a1, a1.address4, 80)
    check(refused(a2, a1, a1.address4, 81), "port 81 is open")
    shown = a.json("acl", "show", "web")
    check(shown["ports"] == ["p-a1"] and shown["owner"] == "cli" and shown["rules"][0]["packets"] > 0, json.dumps(shown))
    a.weft("acl", "set", "web", "--rules", "priority=10+action=allow+direction=to_port+protocol=tcp+destination_ports=81")
    talk(a2, a1, a1.address6, 81)
    check(refused(a2, a1, a1.address6, 80), "port 80 is open")
    gone = a.weft("acl", "del", "web", check=False)
    check(gone.returncode == 1 and "port p-a1" in gone.stderr, gone.stderr)
    a.down()
    a.up()
    check(a.json("acl", "show", "web")["owner"] == "cli", "they were not kept")
    a.weft("port", "set", "p-a1", "--acl", "web")  # the port is the document's, which gives it none
    check(refused(a2, a1, a1.address4, 80), "port 80 is open")
    a.weft("port", "set", "p-a1", "--acl", "none")
    talk(a2, a1, a1.address4, 80)
    a.weft("acl", "del", "web")
    check(a.json("acl", "list") == [], "they are still there")
    wrong = a.weft("acl", "add", "bad", "--rules", "priority=1+action=allow+direction=to_port+destination_ports=80", check=False)
    check(wrong.returncode == 1 and "/rules/0/destination_ports" in wrong.stderr, wrong.stderr)

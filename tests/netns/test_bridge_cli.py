# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""Bridges, switches and port groups on the command line of a running daemon: what is added is listed, kept over a restart
and given back in the document's form."""
import json

from overlay import check, hosts_with_guests
from registry import test
from test_cli import exits

NAME = ("--segment", "blue", "--interface", "eth0", "--vlan", 100)


def bridge(host, vlan=100):
    rows = host.json("bridge", "list", "--vlan", vlan)
    check(len(rows) == 1, f"rows of VLAN {vlan}: {rows}")
    return rows[0]


def has(row, **fields):
    check(all(row.get(key) == value for key, value in fields.items()), f"{fields} expected, the row is {row}")


def restart(host):
    host.down()
    host.up()


@test
def bridges_of_the_command_line_are_listed_changed_kept_and_deleted(lab):
    (a, _), _ = hosts_with_guests(lab, ("a", "b"))
    exits(a, 1, "bridge", "del", *NAME, said="no bridge blue eth0:100")
    exits(a, 1, "bridge", "set", *NAME, "--role", "standby", said="no bridge blue eth0:100")
    exits(a, 0, "bridge", "add", *NAME, "--role", "elected", "--priority", 150)
    exits(a, 0, "bridge", "add", *NAME, "--role", "elected", "--priority", 150)
    exits(a, 1, "bridge", "add", *NAME, "--role", "elected", "--priority", 151, said="use set")
    has(bridge(a), segment="blue", interface="eth0", vlan=100, role="elected", state="standby", priority=150,
        tag_protocol="802.1q", owner="cli", virtual_router_id=1 + (a.document["segments"][0]["vni"] + 100) % 255)
    exits(a, 1, "bridge", "set", *NAME, "--priority", 255, said="/priority: is 255, largest is 254")
    exits(a, 1, "bridge", "add", "--segment", "blue", "--interface", "p-a1", "--vlan", 7, said="p-a1 is already a port")
    exits(a, 1, "segment", "del", "blue", said="segment blue has")
    exits(a, 0, "bridge", "set", *NAME, "--role", "designated", "--priority", 200)
    has(bridge(a), role="designated", given_role="elected", state="standby", priority=200)
    restart(a)
    has(bridge(a), role="designated", given_role="elected", state="standby", priority=200, owner="cli")
    check(not a.json("bridge", "list", "--segment", "green"), "the filter by segment")
    exits(a, 0, "bridge", "set", *NAME, "--role", "elected")
    has(bridge(a), role="elected", state="standby")
    exits(a, 0, "bridge", "del", *NAME)
    check(not a.json("bridge", "list"), "it is still there")


@test
def a_role_that_was_set_holds_until_an_apply_names_another_than_the_last(lab):
    (a, _), _ = hosts_with_guests(lab, ("a", "b"))
    exits(a, 0, "bridge", "add", "--segment", "blue", "--interface", "eth0", "--vlan", 7)
    own = {"segment": "blue", "interface": "eth0", "vlan": 100, "role": "standby"}
    a.document["bridges"] = [own]
    exits(a, 0, "config", "apply", a.write())
    has(bridge(a), role="standby", owner="config")
    exits(a, 0, "bridge", "set", *NAME, "--role", "designated")
    for change in (lambda: exits(a, 0, "config", "apply", a.file),
                   lambda: exits(a, 0, "config", "apply", a.file, "--replace"), lambda: restart(a)):
        change()
        has(bridge(a), role="designated", given_role="standby", owner="config")
    check(a.json("config", "show")["bridges"][0]["role"] == "standby", "config show has the role that was set")
    check(not a.json("bridge", "list", "--vlan", 7), "--replace kept a bridge of the command line")
    own["role"] = "elected"
    exits(a, 0, "config", "apply", a.write())
    has(bridge(a), role="elected")
    own["role"] = "standby"
    exits(a, 0, "config", "apply", a.write())
    has(bridge(a), role="standby")
    exits(a, 0, "bridge", "add", "--segment", "blue", "--interface", "eth0", "--vlan", 7)
    a.document["bridges"] = []
    exits(a, 0, "config", "apply", a.write())
    check([row["vlan"] for row in a.json("bridge", "list")] == [7], "apply takes what config owned, and no more")


@test
def switches_and_port_groups_of_the_command_line_come_back_as_a_document(lab):
    (a, _), (a1, _) = hosts_with_guests(lab, ("a", "b"))
    exits(a, 0, "switch", "add", "dvs0", "--team-uplinks", "eth8,eth9", "--team-policy", "explicit", "--team-active", "eth9")
    exits(a, 1, "switch", "set", "dvs0", "--team-standby", "eth7", said="/switches/0/team/standby/0: eth7")
    exits(a, 0, "switch", "set", "dvs0", "--team-standby", "eth8", "--team-failback", "off")
    exits(a, 0, "port-group", "add", "web", "--switch", "dvs0", "--segment", "blue", "--vlan", 10,
          "--limits-from-port-average-kbps", 1000, "--limits-from-port-peak-kbps", 2000, "--storm-multicast-pps", 50)
    exits(a, 1, "port-group", "set", "web", "--limits-from-port-average-kbps", 3000, said="the peak cannot be below")
    exits(a, 1, "port-group", "set", "web", "--limits-from-port-average-kbps", 0, said="smallest is 1")
    exits(a, 1, "port-group", "set", "web", "--trunk", "100-199", said="keep_inner_tags")
    exits(a, 0, "port-group", "set", "web", "--storm-multicast-pps", "none", "--team-policy", "port")
    exits(a, 0, "port", "set", a1.port, "--port-group", "web", "--service", "vmotion", "--bind",
          f"{a1.mac_address}={a1.address4}+{a1.address6}")
    exits(a, 1, "switch", "del", "dvs0", said="switch dvs0 has port group web")
    exits(a, 1, "port-group", "del", "web", said=f"port group web has port {a1.port}")
    (port,) = a.json("port", "list", "--port-group", "web")
    has(port, interface=a1.port, segment="blue", service="vmotion", owner="config",
        bind=[{"mac": a1.mac_address, "ips": [a1.address4, a1.address6]}])
    restart_keeps(a, a1)
    exits(a, 0, "port", "set", a1.port, "--segment", "blue", "--bind", "", "--service", "none")
    check("port_group" not in a.json("port", "show", a1.port), "the port is in its group still")
    exits(a, 0, "port-group", "del", "web")
    exits(a, 0, "switch", "del", "dvs0")
    exits(a, 1, "switch", "show", "dvs0", said="no switch dvs0")


def restart_keeps(host, guest):
    """Objects of the command line; a port of the document is as the file says again, and then as what was shown says."""
    path = f"{host.lab.directory}/shown.json"
    shown = host.json("config", "show")
    with open(path, "w", encoding="utf-8") as file:
        json.dump(shown, file)
    restart(host)
    has(host.json("switch", "show", "dvs0"), owner="cli", port_groups=["web"], team={
        "uplinks": ["eth8", "eth9"], "policy": "explicit", "active": ["eth9"], "standby": ["eth8"], "detection": "link",
        "failback": False, "failback_delay_seconds": 5, "notify_switches": True})
    has(host.json("port-group", "show", "web"), owner="cli", vlan=10, storm={}, team={"policy": "port"},
        limits={"from_port": {"average_kbps": 1000, "peak_kbps": 2000}, "to_port": {}})
    exits(host, 0, "config", "apply", path)
    check(host.json("config", "show") == shown, "what was shown is not what an apply of it makes")
    has(host.json("port", "show", guest.port), port_group="web", segment="blue")
    has(host.json("port-group", "show", "web"), owner="config", ports=[guest.port])


@test
def entries_behind_a_bridge_name_one_of_their_segment(lab):
    (a, _), _ = hosts_with_guests(lab, ("a", "b"))
    words = ("--segment", "blue", "--mac", "02:00:00:00:aa:01", "--bridge")
    exits(a, 1, "fdb", "add", *words, "eth0:100", said="no bridge eth0:100")
    exits(a, 1, "fdb", "add", *words, "eth0", said="no interface and VLAN like eth1:100")
    exits(a, 1, "fdb", "list", "--bridge", "eth0:100", said="no bridge eth0:100")
    exits(a, 0, "bridge", "add", *NAME)
    exits(a, 1, "fdb", "add", *words, "eth0:100", "--remote", "192.0.2.9", said="a port, a remote or a bridge")
    check(a.json("fdb", "list", "--bridge", "eth0:100") == [], "nothing is behind it")
    a.document["fdb"] = [{"segment": "blue", "mac": "02:00:00:00:aa:02", "bridge": "eth0:101"}]
    exits(a, 1, "config", "apply", a.write(), said="/fdb/0/bridge: eth0:101 is no bridge of segment blue")

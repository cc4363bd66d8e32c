# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""The daemon itself: what it keeps over a restart, what it reads again, its socket, precedence, and what drifts."""
import json
import os
import signal
import socket
import stat

from lab import VNI
from netns import run, wait_for
from overlay import check, deliver, hosts_with_guests, introduce, plain
from registry import test
from wire import BROADCAST

MAC = "02:00:00:00:bb:01"


def socket_of(host):
    return f"/run/weft/{host.instance}/weftd.sock"


class Client:
    """The control protocol by hand: what the CLI would never send."""

    def __init__(self, host):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(10)
        self.socket.connect(socket_of(host))
        self.file = self.socket.makefile("rb")

    def ask(self, line):
        self.socket.sendall(line if isinstance(line, bytes) else (json.dumps(line) + "\n").encode())
        return json.loads(self.file.readline())

    def close(self):
        self.file.close()
        self.socket.close()


@test
def a_restart_over_pinned_tables_writes_no_row(lab):
    (a, b, k), guests = hosts_with_guests(lab, ("a", "b", "k"))
    a.document["fdb"] = [{"segment": "blue", "mac": MAC, "remote": b.address},
                         {"segment": "blue", "mac": "02:00:00:00:bb:02", "port": guests[0].port}]
    a.document["neighbors"] = [{"segment": "blue", "ip": "198.51.100.77", "mac": MAC}]
    a.weft("config", "apply", a.write())
    introduce(guests, (a, b))
    check(a.json("status")["rows_written"] > 0, "the first start wrote nothing")
    for sig in (signal.SIGTERM, signal.SIGKILL):
        a.down(sig)
        a.up()
        written = a.json("status")["rows_written"]
        check(written == 0, f"a restart wrote {written} rows")


@test
def status_says_what_the_tables_cost(lab):
    (a, b), _ = hosts_with_guests(lab, ("a", "b"))
    rows = 10000
    lines = (json.dumps({"segment": "blue", "mac": f"02:00:01:00:{i >> 8:02x}:{i & 255:02x}", "remote": b.address})
             for i in range(rows))
    before = a.json("status")["maps"]["fdb"]
    a.weft("fdb", "add", "--batch", "-", stdin="\n".join(lines) + "\n")
    after = a.json("status")["maps"]["fdb"]
    check(after["used"] - before["used"] == rows, f"{after} after {rows} more than {before}")
    check(after["bytes"] == before["bytes"], "the FDB's memory is there from the start")
    check(32 <= after["bytes_per_entry"] <= 33, f"{after}: two entries a cache line")
    remotes = a.json("status")["maps"]["remotes"]
    check(remotes["bytes_per_entry"] == -(-remotes["bytes"] // remotes["used"]) > 0, f"{remotes}")


@test
def objects_of_the_cli_survive_a_kill_and_become_configs_under_a_key_of_the_document(lab):
    (a, b), (a1, a2, b1, b2) = hosts_with_guests(lab, ("a", "b"), guests=2)
    a.weft("segment", "add", "green", "--vni", VNI + 1, "--remotes", b.address)
    a.weft("port", "set", a2.port, "--segment", "green")
    a.weft("remote", "add", "--segment", "blue", "--address", "192.0.2.77")
    a.down(signal.SIGKILL)
    a.document["ports"] = [port for port in a.document["ports"] if port["interface"] != a2.port]
    a.up()
    check(a.json("segment", "show", "green")["owner"] == "cli", "segment green is gone")
    check("192.0.2.77" in [row["address"] for row in a.json("remote", "list", "--segment", "blue")], "the remote is gone")
    a.document["segments"].append({"name": "green", "vni": VNI + 1})
    a.weft("config", "apply", a.write())
    check(a.json("segment", "show", "green")["owner"] == "config", "green is still the cli's")
    a.document["segments"].pop()
    a.weft("config", "apply", a.write())
    check(a.weft("segment", "show", "green", check=False).returncode == 1, "the sweep left green, which config owned")
    a.weft("config", "apply", a.file, "--replace")
    check("192.0.2.77" not in [row["address"] for row in a.json("remote", "list")], "--replace left a remote of the cli")


@test
def a_hangup_reads_the_file_again_and_a_wrong_file_changes_nothing(lab):
    (a, b, k), _ = hosts_with_guests(lab, ("a", "b", "k"))
    a.document["segments"][0]["remotes"] = [b.address]
    a.write()
    a.daemon.send_signal(signal.SIGHUP)
    wait_for(lambda: len(a.json("remote", "list")) == 1, "the new flood list")
    with open(a.file, "w", encoding="ascii") as file:
        file.write('{"segments": 5}')
    a.daemon.send_signal(signal.SIGHUP)
    wait_for(lambda: "/segments" in a.log(), "the complaint in the log")
    check(len(a.json("remote", "list")) == 1, "a wrong file changed the flood list")


@test
def precedence_is_static_over_evpn_over_dynamic(lab):
    (a, b, k), _ = hosts_with_guests(lab, ("a", "b", "k"))

    def add(*options, mac=MAC, to=b, verb="add"):
        return a.weft("fdb", verb, "--segment", "blue", "--mac", mac, "--remote", to.address, *options,
                      check=False).returncode

    check(add("--dynamic") == 0 and a.fdb(mac=MAC)[0]["origin"] == "dynamic", "a dynamic entry")
    check(a.fdb(mac=MAC)[0]["age_seconds"] in (0, 1), "its age")
    check(add("--dynamic", to=k) == 1, "a different dynamic one is refused")
    check(add("--origin", "evpn", to=k) == 0 and a.fdb(mac=MAC)[0]["origin"] == "evpn", "evpn replaces dynamic")
    check(add("--dynamic") == 1, "dynamic does not replace evpn")
    check(add() == 0 and a.fdb(mac=MAC)[0]["origin"] == "cli", "static replaces evpn")
    check(add("--origin", "evpn", to=k) == 1, "evpn does not replace static")
    check(add("--origin", "evpn", to=k, verb="set") == 0 and a.fdb(mac=MAC)[0]["origin"] == "evpn", "set replaces")
    check(add("--origin", "nobody") == 1, "an origin that is none")


@test
def a_remote_that_goes_takes_no_entry_along_and_its_entries_keep_it_accepted(lab):
    (a, b), (a1, b1) = hosts_with_guests(lab, ("a", "b"))
    introduce((a1, b1), (a, b))
    a.weft("fdb", "add", "--segment", "blue", "--mac", MAC, "--remote", b.address)
    a.weft("remote", "del", "--segment", "blue", "--address", b.address)
    check(a.fdb(mac=MAC, remote=b.address) and a.fdb(mac=b1.mac_address, remote=b.address), "an entry went")
    deliver(b1, plain(b1, a1.mac_address), to=[a1])
    a.weft("fdb", "del", "--segment", "blue", "--mac", MAC)
    deliver(b1, plain(b1, a1.mac_address), none=[a1], to=[], wires={b: 1})
    check(a.verdicts().get("DROP_UNKNOWN_SOURCE", 0) >= 10, "nobody counted what an unknown remote sent")


@test
def the_vteps_address_family_may_change_while_running_and_over_a_restart(lab):
    (a, b), (a1, b1) = hosts_with_guests(lab, ("a", "b"))

    def move(host, own, remote):
        host.document["vtep"]["address"] = own
        host.document["segments"][0]["remotes"] = [remote]

    introduce((a1, b1), (a, b))
    a.weft("fdb", "add", "--segment", "blue", "--mac", MAC, "--remote", b.address4)
    for host, other in ((a, b), (b, a)):
        move(host, host.address6, other.address6)
        host.weft("config", "apply", host.write())
        check(not host.fdb(remote=other.address4), f"an entry of the old family stays: {host.fdb()}")
    a1.ping(b1.address4)
    a1.ping(b1.address6)
    for host, other in ((a, b), (b, a)):
        move(host, host.address4, other.address4)
        host.down()
        host.up()
        check(not host.fdb(remote=other.address6), f"an entry of the old family stays: {host.fdb()}")
    a1.ping(b1.address4)


@test
def a_static_entry_of_a_port_follows_it_when_it_comes_back(lab):
    (a, b), (a1, b1) = hosts_with_guests(lab, ("a", "b"))
    a.document["fdb"] = [{"segment": "blue", "mac": MAC, "port": a1.port}]
    a.weft("config", "apply", a.write())
    a.ip(f"link del {a1.port}")
    wait_for(lambda: not a.fdb(mac=MAC), "the entry of a port that went to go")
    a.ip(f"link add {a1.port} type veth peer name again", f"link set {a1.port} up")
    wait_for(lambda: a.fdb(mac=MAC, port=a1.port), "the entry to come back with its port")


MACS = [f"02:00:00:00:bb:{number:02x}" for number in range(1, 6)]


def add(host, mac, *where, verb="add", code=0):
    result = host.weft("fdb", verb, "--segment", "blue", "--mac", mac, *where, check=False)
    check(result.returncode == code, f"fdb {verb} {mac} {where}: exit {result.returncode}\n{result.stderr}")


def make_port(host, port):
    host.ip(f"link add {port} type veth peer name again", f"link set {port} up")


@test(timeout=90)
def entries_of_the_cli_and_of_evpn_wait_for_their_port(lab):
    (a, b), (a1, a2, b1, b2) = hosts_with_guests(lab, ("a", "b"), guests=2)
    fixed, evpn, deleted, moved, flushed = MACS
    for mac in (fixed, deleted, moved, flushed):
        add(a, mac, "--port", a1.port)
    add(a, evpn, "--port", a1.port, "--origin", "evpn")
    a.ip(f"link del {a1.port}")
    wait_for(lambda: not a.fdb(mac=fixed), "the entries of a port that went to go")
    check("5 FDB entries wait" in " ".join(a.json("port", "show", a1.port)["warnings"]), "port show does not tell of them")
    add(a, deleted, verb="del")
    add(a, deleted, verb="del", code=1)
    add(a, moved, "--remote", b.address)
    check(a.json("fdb", "flush", "--mac", flushed)["flushed"] == 1, "flush does not take one that waits")
    a.down(signal.SIGKILL)
    a.up()
    make_port(a, a1.port)
    for mac, origin in ((fixed, "cli"), (evpn, "evpn")):
        wait_for(lambda mac=mac, origin=origin: a.fdb(mac=mac, port=a1.port, origin=origin), f"{mac} to come back", 10)
    check(a.fdb(mac=moved)[0].get("remote") == b.address, "an entry that a command made was replaced by one that waited")
    check(not a.fdb(mac=deleted) and not a.fdb(mac=flushed), "an entry that was deleted came back")
    check(not a.json("port", "show", a1.port)["warnings"], "entries wait for a port that is there")


@test(timeout=90)
def an_entry_waits_for_a_port_that_went_while_no_daemon_ran_and_not_for_one_nobody_wants(lab):
    (a, b), (a1, b1) = hosts_with_guests(lab, ("a", "b"))
    add(a, MACS[0], "--port", a1.port)
    a.down()
    a.ip(f"link del {a1.port}")
    a.up()
    check(not a.fdb(mac=MACS[0]), "an entry names a port that is away")
    make_port(a, a1.port)
    wait_for(lambda: a.fdb(mac=MACS[0], port=a1.port, origin="cli"), "it to come back", 10)
    a.weft("port", "del", a1.port)
    a.weft("port", "add", a1.port, "--segment", "blue")
    check(not a.fdb(mac=MACS[0]), "an entry of a port that was deleted came back")
    add(a, MACS[0], "--port", a1.port)
    a.ip(f"link del {a1.port}")
    wait_for(lambda: not a.fdb(mac=MACS[0]), "the entry to wait")
    a.weft("segment", "add", "green", "--vni", VNI + 1)
    a.weft("port", "set", a1.port, "--segment", "green")
    make_port(a, a1.port)
    wait_for(lambda: a.json("port", "show", a1.port)["state"] == "attached", "the port to be served")
    check(not a.fdb(mac=MACS[0]), "an entry came back in another segment, or for a port of another one")


@test
def commands_on_entries_accept_the_remotes_they_name_and_only_those(lab):
    (a, b, k), (a1, b1, k1) = hosts_with_guests(lab, ("a", "b", "k"))
    introduce((a1, b1, k1), (a, b))
    a.weft("remote", "del", "--segment", "blue", "--address", k.address)
    deliver(k1, plain(k1, a1.mac_address), none=[a1])
    add(a, MACS[0], "--remote", k.address)
    add(a, MACS[1], "--remote", k.address)
    deliver(k1, plain(k1, a1.mac_address), to=[a1])
    add(a, MACS[0], verb="del")
    deliver(k1, plain(k1, a1.mac_address), to=[a1])
    add(a, MACS[1], "--remote", b.address, verb="set")
    deliver(k1, plain(k1, a1.mac_address), none=[a1])


@test
def an_entry_that_a_command_changed_stays_so_until_the_next_apply(lab):
    (a, b, k), (a1, b1, k1) = hosts_with_guests(lab, ("a", "b", "k"))
    a.document["fdb"] = [{"segment": "blue", "mac": MAC, "remote": b.address}]
    a.weft("config", "apply", a.write())
    a.weft("fdb", "set", "--segment", "blue", "--mac", MAC, "--remote", k.address)
    a.weft("port", "set", a1.port, "--hook", "tc")
    check(a.fdb(mac=MAC)[0]["remote"] == k.address, "reconciling took the command back")
    a.weft("config", "apply", a.file)
    check(a.fdb(mac=MAC)[0]["remote"] == b.address and a.fdb(mac=MAC)[0]["origin"] == "config", "apply did not win")


@test
def a_segments_mtu_follows_the_uplinks(lab):
    (a, b), _ = hosts_with_guests(lab, ("a", "b"))
    check(a.json("segment", "show", "blue")["mtu"] == 1550, "1600 less 50")
    a.ip("link set eth0 mtu 1400")
    wait_for(lambda: a.json("segment", "show", "blue")["mtu"] == 1350, "the segment's MTU to be 1400 less 50")
    a.weft("segment", "set", "blue", "--mtu", 1350)
    a.ip("link set eth0 mtu 1390")
    wait_for(lambda: a.weft("check", check=False).returncode == 1, "check to be 1")
    said = a.weft("check", check=False).stderr
    check("1400" in said and "1390" in said and "eth0" in said, f"the numbers are not in: {said}")
    a.ip("link set eth0 mtu 1400")
    wait_for(lambda: a.weft("check", check=False).returncode == 0, "check to be 0 again")


@test
def an_uplink_that_is_down_is_named_until_it_is_up(lab):
    (a, b), (a1, b1) = hosts_with_guests(lab, ("a", "b"))

    def degraded(reason):
        result = a.weft("check", check=False)
        return result.returncode == 1 and reason in result.stderr and a.weft("status").returncode == 0
    lab.net.ip(f"link set {a.switch_port} down")
    wait_for(lambda: degraded("uplink eth0 has no carrier"), "check to name the lost carrier")
    a.ip("link set eth0 down")
    wait_for(lambda: degraded("uplink eth0 is down"), "check to name the uplink that is down")
    lab.net.ip(f"link set {a.switch_port} up")
    a.ip("link set eth0 up")
    wait_for(lambda: a.weft("check", check=False).returncode == 0, "check to be 0 again")
    wait_for(lambda: a1.ping(b1.address4, count=1, wait=1, check=False).returncode == 0, "the segment to work again")


@test
def the_tunnel_device_is_made_again_when_somebody_took_it_away(lab):
    (a, b), _ = hosts_with_guests(lab, ("a", "b"))
    before = a.json("status")["tunnel_device"]
    a.ip(f"link del {before['interface']}")

    def again():
        now = a.json("status")["tunnel_device"]
        return now and now["ifindex"] != before["ifindex"]
    wait_for(again, "another tunnel device", timeout=15)
    check(a.weft("check", check=False).returncode == 0, "check is not 0 with a tunnel device")


@test
def garbage_on_the_socket_is_answered_and_harms_nobody(lab):
    (a, b), _ = hosts_with_guests(lab, ("a", "b"))
    mode = os.stat(socket_of(a)).st_mode
    check(stat.S_IMODE(mode) == 0o660, f"the socket's mode is {oct(stat.S_IMODE(mode))}")
    client, other = Client(a), Client(a)
    for line in (b"\n", b"{\n", b"\xff\xfe\x00\n", b"[1]\n", b'"fdb list"\n', b'{"command":5}\n', b'{"command":"no"}\n',
                 b'{"command":"fdb list","arguments":7}\n', b'{"command":"fdb add","batch":{}}\n',
                 b'{"command":"fdb add","arguments":{"segment":1}}\n', b"[" * 100000 + b"\n",
                 b'{"command":"config apply","arguments":{"document":7}}\n',
                 b'{"command":"config apply","arguments":{"document":"\xff"}}\n',
                 b'{"command":"fdb add","batch":[5,"x"],"first_line":"a"}\n'):
        answer = client.ask(line)
        check(answer["ok"] is False and answer["error"], f"{line[:60]!r} is answered {answer}")
    rows = client.ask({"command": "fdb add", "first_line": 7, "batch": [
        {"segment": "blue", "mac": MAC, "remote": b.address}, 5, {"segment": "blue", "mac": "x", "remote": b.address}]})
    check(rows["result"]["done"] == 1 and [e["line"] for e in rows["result"]["errors"]] == [8, 9], f"batch said {rows}")
    check(other.ask({"command": "status"})["ok"], "another client is not served")
    other.socket.sendall(b"x" * (1 << 20))  # half a line, then gone
    for each in (client, other):
        each.close()
    a.weft("status")


@test(timeout=90)
def a_line_without_end_and_a_client_that_does_not_read_are_dropped(lab):
    (a, b), _ = hosts_with_guests(lab, ("a", "b"))
    endless, deaf = Client(a), Client(a)
    try:
        for _ in range(40):
            endless.socket.sendall(b"x" * (1 << 20))
    except (BrokenPipeError, ConnectionResetError):
        pass
    else:
        check(False, "40 MiB without a newline were taken")
    batch = [{"segment": "blue", "mac": f"02:00:00:01:{n >> 8:02x}:{n & 255:02x}", "remote": b.address}
             for n in range(20000)]
    check(Client(a).ask({"command": "fdb add", "batch": batch})["result"]["done"] == 20000, "20000 rows")
    deaf.socket.sendall(b'{"command":"fdb list"}\n' * 8)
    check(len(a.fdb(origin="cli")) == 20000, "others wait for a client that does not read")

    def dropped():
        return not [line for line in run("ss", "-xHp", "src", socket_of(a)).stdout.splitlines() if "ESTAB" in line]
    wait_for(dropped, "the deaf client to be dropped", timeout=20, every=0.2)


@test
def a_stale_socket_is_replaced_and_detach_leaves_nothing(lab):
    (a, b), _ = hosts_with_guests(lab, ("a", "b"))
    a.down(signal.SIGKILL)
    check(os.path.exists(socket_of(a)), "a killed daemon leaves its socket: the test means to replace it")
    a.up()
    refused = a.detach(check=False)
    check(refused.returncode == 1 and len(refused.stderr.strip().splitlines()) == 1, f"detach under it: {refused}")
    a.down()
    check(not os.path.exists(socket_of(a)), "the socket outlives SIGTERM")
    a.detach()
    for path in (f"/run/weft/{a.instance}", f"/sys/fs/bpf/weft/{a.instance}"):
        check(not os.path.exists(path), f"{path} is still there")
    a.detach()


@test
def a_broadcast_reaches_ports_of_the_same_segment_after_a_port_was_moved(lab):
    (a, b), (a1, a2, a3, b1, b2, b3) = hosts_with_guests(lab, ("a", "b"), guests=3)
    introduce((a1, a2, a3), (a,))
    a.weft("segment", "add", "green", "--vni", VNI + 1)
    a.weft("port", "set", a3.port, "--segment", "green")
    check(not a.fdb(mac=a3.mac_address), "what was learned at the port stays in the segment it left")
    deliver(a1, plain(a1, BROADCAST), to=[a2, b1, b2, b3], none=[a3])

# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""`weft record`, `weft monitor records` and entries of a control plane (--origin evpn), by the hundred thousand."""
import json
import os
import signal
import subprocess
import time

from netns import wait_for
from overlay import check
from registry import test
from tenants import Monitor, Tenants, address
from wire import BROADCAST, arp, ethernet

ROWS = 100_000
FAR = "192.0.2.77"


def exits(host, code, *words, stdin=None):
    result = host.weft(*words, check=False, stdin=stdin)
    check(result.returncode == code, f"weft {' '.join(words)} is {result.returncode}: {result.stdout}{result.stderr}")
    return result


def records(host, *filters):
    return {(one["ca"], one["mac"], one["pa"], one["origin"]) for one in host.json("record", "list", *filters)}


def options(ca, mac, pa, vsid=5001):
    return ("--vsid", vsid, "--ca", ca, "--mac", mac, "--pa", pa)


def words(*given):
    return [str(one) for one in given]


ONE = ("198.51.100.7", "02:00:00:00:07:07", FAR)
SIX = ("2001:db8:1::7", "02:00:00:00:07:07", FAR)


@test
def records_of_the_command_line_are_added_refused_replaced_listed_and_deleted(lab):
    tenants = Tenants(lab, ("x",), names=("a",))
    a = tenants.host["a"]
    exits(a, 0, "record", "add", *words(*options(*ONE)))
    exits(a, 0, "record", "add", *words(*options(*ONE)))  # the same
    exits(a, 0, "record", "add", *words(*options(*SIX)))
    check(records(a, "--static") == {(*ONE, "cli"), (*SIX, "cli")}, records(a))
    check(a.fdb(mac=ONE[1])[0]["remote"] == FAR and a.neighbor(ONE[0], mac=ONE[1], origin="cli"), "its two halves")
    check([one["address"] for one in a.json("remote", "list", "--segment", "x-web")] == [FAR], "the flood list has its host")
    refused = exits(a, 1, "record", "add", *words(*options(ONE[0], "02:00:00:00:07:08", FAR)))
    check("is there already (cli, 02:00:00:00:07:07 at 192.0.2.77)" in refused.stderr, refused.stderr)
    check(not a.fdb(mac="02:00:00:00:07:08"), "a record that was refused left its MAC")
    refused = exits(a, 1, "record", "add", *words(*options("198.51.100.8", ONE[1], "192.0.2.78")))
    check("02:00:00:00:07:07 is there already (cli, at 192.0.2.77)" in refused.stderr, refused.stderr)
    exits(a, 0, "record", "set", *words(*options("198.51.100.7", "02:00:00:00:07:09", "192.0.2.78")))
    check(("198.51.100.7", "02:00:00:00:07:09", "192.0.2.78", "cli") in records(a), records(a))
    for given, said in ((options(*ONE, vsid=9), "no segment of number 9"), (options("0.0.0.0", *ONE[1:]), "no host address"),
                        (options(ONE[0], ONE[1], "2001:db8::1"), "is IPv6"), (options(ONE[0], "03:00:00:00:00:01", FAR), "multicast"),
                        (options("198.51.100.99", "02:00:00:00:00:99", a.address), "no port of segment x-web has shown")):
        check(said in exits(a, 1, "record", "set", *words(*given)).stderr, f"{given}: not {said}")
    guest = tenants.guest["x", "a", "web"]
    exits(a, 0, "record", "add", *words(*options(guest.address4, guest.mac_address, a.address)))
    guest.ping(address("web", 1, 4))
    check((guest.address4, guest.mac_address, a.address, "cli") in records(a, "--pa", a.address), records(a))
    exits(a, 1, "record", "del", "--vsid", "5001", "--ca", "198.51.100.7", "--pa", FAR)  # it is elsewhere now
    exits(a, 0, "record", "del", "--vsid", "5001", "--ca", "198.51.100.7")
    check(not a.fdb(mac="02:00:00:00:07:09"), "the record went, its MAC did not")
    exits(a, 1, "record", "del", "--vsid", "5001", "--ca", "198.51.100.7")
    exits(a, 2, "record", "del", "--ca", "198.51.100.7")


@test
def records_survive_a_restart_and_a_command_takes_them_from_the_document(lab):
    tenants = Tenants(lab, ("x",), names=("a",), up=False)
    a = tenants.host["a"]
    a.document["records"] = [dict(zip(("vsid", "ca", "mac", "pa"), (5001, *one))) for one in (ONE, SIX)]
    a.up()
    check(records(a) == {(*ONE, "config"), (*SIX, "config")}, records(a))
    other = ("198.51.100.8", "02:00:00:00:07:08", FAR)
    exits(a, 0, "record", "add", *words(*options(*other)))
    exits(a, 0, "record", "del", "--vsid", "5001", "--ca", ONE[0])
    check(a.fdb(mac=ONE[1]), "the other record of the MAC lost its place")
    check([one["ca"] for one in a.json("config", "show")["records"]] == [SIX[0]], a.json("config", "show")["records"])
    a.weft("segment", "set", "x-db", "--aging-seconds", "77")  # a pass over everything brings nothing back
    check(records(a) == {(*SIX, "config"), (*other, "cli")}, records(a))
    a.down()
    a.up()
    check(records(a) == {(*ONE, "config"), (*SIX, "config"), (*other, "cli")}, f"after a restart: {records(a)}")
    exits(a, 0, "config", "apply", a.file, "--replace")
    check(records(a) == {(*ONE, "config"), (*SIX, "config")}, f"after apply --replace: {records(a)}")
    said = exits(a, 0, "record", "flush", "--vsid", "5001", "--ca", SIX[0], "--json").stdout
    check(json.loads(said) == {"flushed": 1} and records(a) == {(*ONE, "config")}, f"{said} {records(a)}")


@test
def a_batch_of_records_tries_every_line(lab):
    tenants = Tenants(lab, ("x", "y"), names=("a",))
    a = tenants.host["a"]
    lines = [{"vsid": vsid, "ca": f"198.51.100.{n}", "mac": f"02:00:00:00:77:{n:02x}", "pa": FAR}
             for vsid in (5001, 6001) for n in (201, 202, 203)]
    lines.insert(2, {"vsid": 5001, "ca": "198.51.100.201", "mac": "02:00:00:00:77:ff", "pa": FAR})
    lines.insert(4, {"vsid": 5001, "ca": "198.51.100.209", "pa": FAR})
    text = "\n".join(json.dumps(line) for line in lines)
    result = exits(a, 1, "record", "add", "--batch", "-", stdin=text + "\n")
    check("line 3: " in result.stderr and "line 5: mac is missing" in result.stderr, result.stderr)
    check(result.stdout == "6 done, 2 refused\n", result.stdout)
    listed = a.json("record", "list", "--pa", FAR)
    check(len(listed) == 6 and {one["segment"] for one in listed} == {"x-web", "y-web"}, listed)
    again = "\n".join(json.dumps(one) for one in listed) + "\n"
    exits(a, 0, "record", "del", "--batch", "-", stdin=again)
    check(not a.json("record", "list", "--pa", FAR) and not a.fdb(remote=FAR), "what was listed can be deleted")
    exits(a, 0, "record", "add", "--batch", "-", stdin=again)
    check(json.loads(exits(a, 0, "record", "flush", "--vsid", "6001", "--static", "--json").stdout) == {"flushed": 3}, "flush")
    check({one["vsid"] for one in a.json("record", "list", "--pa", FAR)} == {5001}, "flush took another tenant's")


# --- the control plane's entries ---------------------------------------------------------------------------------------------


def mac_of(n):
    return f"02:10:00:{n >> 16 & 255:02x}:{n >> 8 & 255:02x}:{n & 255:02x}"


def ip_of(n):
    return f"2001:db8:1::1:{n >> 16:x}:{n & 0xffff:x}"


def in_seconds(host, *given, rows):
    text = "\n".join(rows) + "\n"
    begin = time.monotonic()
    said = exits(host, 0, *given, "--batch", "-", stdin=text).stdout
    took = time.monotonic() - begin
    check(said.startswith(f"{len(rows)} done"), said)
    print(f"weft {' '.join(given)}: {len(rows)} rows in {took:.2f} s", flush=True)
    return took


@test(timeout=180, alone=True)
def a_control_plane_s_hundred_thousand_entries_are_applied_in_two_seconds_and_stay(lab):
    tenants = Tenants(lab, ("x",), names=("a",), aging_seconds=2, learning_limit=200000)
    a = tenants.host["a"]
    entries = [f'{{"segment":"x-web","mac":"{mac_of(n)}","remote":"192.0.2.{20 + n % 200}"}}' for n in range(ROWS)]
    neighbors = [f'{{"segment":"x-web","ip":"{ip_of(n)}","mac":"{mac_of(n)}"}}' for n in range(ROWS)]
    took = {"fdb": in_seconds(a, "fdb", "add", "--origin", "evpn", rows=entries),
            "neighbor": in_seconds(a, "neighbor", "add", "--origin", "evpn", rows=neighbors)}
    for what, seconds in took.items():
        check(seconds <= 2.0, f"{ROWS} rows of {what} took {seconds:.2f} s")
    begin = time.monotonic()
    listed = a.json("record", "list", "--origin", "evpn")
    print(f"weft record list: {len(listed)} rows in {time.monotonic() - begin:.2f} s", flush=True)
    check(len(listed) == ROWS, f"{len(listed)} records")
    guest = tenants.guest["x", "a", "web"]
    guest.announce()
    a.learned(guest.mac_address)
    wait_for(lambda: not a.fdb(mac=guest.mac_address, origin="dynamic"), "what was learned to age", timeout=20, every=0.5)
    check(len(a.json("fdb", "list", "--origin", "evpn")) == ROWS, "entries of the control plane aged")
    for noun in ("fdb", "neighbor"):
        said = exits(a, 0, noun, "flush", "--origin", "evpn", "--json").stdout
        check(json.loads(said) == {"flushed": ROWS}, f"{noun}: {said}")
    rows = [f'{{"vsid":5001,"ca":"{ip_of(n)}","mac":"{mac_of(n)}","pa":"192.0.2.{20 + n % 200}"}}' for n in range(ROWS)]
    seconds = in_seconds(a, "record", "add", "--origin", "evpn", rows=rows)
    check(seconds <= 2.0, f"{ROWS} records took {seconds:.2f} s")
    begin = time.monotonic()
    exits(a, 0, "record", "flush", "--origin", "evpn")
    print(f"weft record flush: {time.monotonic() - begin:.2f} s", flush=True)
    check(not a.json("fdb", "list", "--origin", "evpn"), "a flush of records left entries")


@test
def a_control_plane_s_entry_gives_way_to_the_port_that_has_the_guest_and_to_no_tunnel(lab):
    tenants = Tenants(lab, ("x",), names=("a", "b"))
    a, b = tenants.hosts
    mine, far = tenants.guest["x", "a", "web"], tenants.guest["x", "b", "web"]
    for guest in (mine, far):
        exits(a, 0, "record", "set", "--origin", "evpn", *words(*options(guest.address4, guest.mac_address, FAR)))
    monitor = Monitor(a)
    far.announce()
    mine.announce()  # behind the other: once it is learned both were judged
    monitor.event("moved", ca=mine.address4, pa=a.address, origin="dynamic")
    check(a.fdb(mac=mine.mac_address)[0]["origin"] == "dynamic", "the port did not win")
    check(a.fdb(mac=far.mac_address)[0]["remote"] == FAR, "a tunnel put an entry of the control plane right")
    exits(a, 0, "record", "add", *words(*options("198.51.100.60", "02:00:00:00:60:60", FAR)))
    refused = exits(a, 1, "record", "add", "--origin", "evpn", *words(*options("198.51.100.60", "02:00:00:00:60:60", "192.0.2.78")))
    check("(cli, " in refused.stderr, refused.stderr)


# --- monitor ----------------------------------------------------------------------------------------------------------------


@test
def a_monitor_tells_of_each_record_that_is_new_moves_and_goes(lab):
    tenants = Tenants(lab, ("x",), names=("a", "b"), subnets=("web",), aging_seconds=3)
    a, b = tenants.hosts
    mine, far = tenants.guest["x", "a", "web"], tenants.guest["x", "b", "web"]
    monitor, static = Monitor(a), Monitor(a, "--origin", "cli")
    mine.ping(far.address4)
    monitor.event("new", ca=far.address4, mac=far.mac_address, pa=b.address, vsid=5001, segment="x-web", origin="dynamic")
    claim = "198.51.100.88"
    for guest in (far, mine):
        guest.send(ethernet(BROADCAST, guest.mac_address, 0x0806,
                            arp(1, guest.mac_address, claim, "00:00:00:00:00:00", claim)))
        one = monitor.event("new" if guest is far else "moved", ca=claim, mac=guest.mac_address, pa=guest.host.address)
        check(one["time"].endswith("Z") and len(one["time"]) == 24, one)
    monitor.event("gone", ca=claim, timeout=15)
    exits(a, 0, "record", "add", *words(*options(*ONE)))
    for each in (monitor, static):
        each.event("new", ca=ONE[0], origin="cli", pa=FAR)
    exits(a, 0, "record", "set", *words(*options(ONE[0], ONE[1], "192.0.2.78")))
    static.event("moved", ca=ONE[0])
    exits(a, 0, "record", "flush", "--static")
    check(static.event("gone", ca=ONE[0])["pa"] == "192.0.2.78", "it went from where it had moved to")
    check(not [one for one in static.seen if one["origin"] != "cli"], f"the filter took {static.seen}")


@test
def a_monitor_ends_well_with_its_user_its_reader_and_its_daemon(lab):
    tenants = Tenants(lab, ("x",), names=("a",))
    a = tenants.host["a"]
    for number in (signal.SIGINT, signal.SIGTERM):
        monitor = Monitor(a)
        monitor.process.send_signal(number)
        check(monitor.end() == (0, ""), f"by {number}: {monitor.end()}")
    monitor = Monitor(a)
    monitor.process.stdout.close()
    check(monitor.end() == (0, ""), f"without a reader: {monitor.end()}")
    text = subprocess.Popen([f"{lab.binaries}/weft", "--instance", a.instance, "monitor", "records"], stdout=subprocess.PIPE)
    lab.processes.append(text)
    check(b"ready" in text.stdout.readline(), "a line for people")
    exits(a, 0, "record", "add", *words(*options(*ONE)))
    line = text.stdout.readline().decode()
    check(line.split()[1:] == ["new", "5001", "x-web", *ONE, "cli"], line)
    monitor = Monitor(a)
    a.down()
    code, said = monitor.end()
    check(code == 3 and "no daemon" in said, f"{code}: {said}")
    check(text.wait(5) == 3, "the one for people did not see the daemon go")
    check(a.weft("monitor", "records", check=False).returncode == 3, "without a daemon")
    a.up()
    check(a.weft("monitor", "records", "--origin", "nobody", check=False).returncode == 1, "a wrong filter")


@test(timeout=120)
def a_monitor_that_is_not_read_blocks_nobody_and_is_told_what_it_lost(lab):
    tenants = Tenants(lab, ("x",), names=("a",))
    a = tenants.host["a"]
    slow, quick = Monitor(a), Monitor(a, "--origin", "cli")
    os.kill(slow.process.pid, signal.SIGSTOP)
    rows = [f'{{"vsid":5001,"ca":"{ip_of(n)}","mac":"{mac_of(n)}","pa":"192.0.2.{20 + n % 200}"}}' for n in range(ROWS)]
    in_seconds(a, "record", "add", "--origin", "evpn", rows=rows)
    exits(a, 0, "record", "add", *words(*options(*ONE)))
    quick.event("new", ca=ONE[0])
    os.kill(slow.process.pid, signal.SIGCONT)
    lost = slow.event("lost", timeout=30)
    exits(a, 0, "record", "del", "--vsid", "5001", "--ca", ONE[0])
    slow.event("gone", ca=ONE[0], timeout=30)
    check(0 < lost["count"] < ROWS, lost)


@test(timeout=120)
def a_monitor_hears_of_each_of_a_hundred_thousand_records_or_how_many_it_lost(lab):
    tenants = Tenants(lab, ("x",), names=("a",))
    a = tenants.host["a"]
    monitor = Monitor(a)
    rows = [f'{{"vsid":5001,"ca":"{ip_of(n)}","mac":"{mac_of(n)}","pa":"192.0.2.{20 + n % 200}"}}' for n in range(ROWS)]
    feed = subprocess.Popen([f"{lab.binaries}/weft", "--instance", a.instance, "record", "add", "--origin", "evpn", "--batch", "-"],
                            stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
    lab.processes.append(feed)
    heard = set()
    lost = 0
    for at in range(0, ROWS, 5000):
        feed.stdin.write("\n".join(rows[at:at + 5000]) + "\n")
        monitor.read(0)
    feed.stdin.close()
    end = time.monotonic() + 60
    while len(heard) + lost < ROWS and time.monotonic() < end:
        for one in monitor.read(0.1):
            if one["event"] == "new":
                heard.add(one["ca"])
            elif one["event"] == "lost":
                lost += one["count"]
        monitor.seen = []
    print(f"{len(heard)} heard, {lost} lost", flush=True)
    check(len(heard) + lost == ROWS, f"{len(heard)} heard and {lost} lost of {ROWS}")

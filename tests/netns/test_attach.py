# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""What weft puts on a machine and takes away again: programs, pins, devices; late, foreign and vanished ones."""
import glob
import json
import os
import re
import signal
import socket

from lab import VNI
from netns import run, wait_for
from overlay import UNKNOWN, check, deliver, hosts_with_guests, introduce, plain
from registry import test
from wire import BROADCAST


def footprint(host):
    """All of a namespace weft could have touched: links, qdiscs, programs, offload settings, pins, sockets."""
    links = host.command("ip", "-j", "-d", "link", "show").stdout
    kept = [{key: link.get(key) for key in ("ifname", "xdp", "mtu", "promiscuity", "altnames", "master")} for link in
            json.loads(links)]
    net = json.loads(host.command("bpftool", "-j", "net", "show").stdout)
    qdiscs = host.command("tc", "qdisc", "show").stdout.replace(" refcnt 2", "")
    devices = sorted({link["ifname"] for link in kept} - {"lo"})
    features = {device: host.features(device) for device in devices if not device.startswith("weft-")}
    pins = glob.glob(f"/sys/fs/bpf/weft/{host.instance}*") + glob.glob(f"/run/weft/{host.instance}*")
    return {"links": kept, "net": net, "qdiscs": qdiscs, "features": features, "pins": pins}


def detaches(hook):
    @test(name=f"detach_leaves_no_trace_with_hook_{hook}")
    def trace(lab):
        (a, b), guests = hosts_with_guests(lab, ("a", "b"), up=False, hook=hook, guest_options={"offloads": False})
        before = footprint(a)
        a.up()
        b.up()
        introduce(guests, (a, b))
        check(footprint(a) != before, "a running weft shows nowhere: this test cannot fail")
        refused = a.detach(check=False)
        check(refused.returncode == 1 and refused.stderr.strip(), f"detach while the daemon runs is {refused.returncode}")
        a.down()
        guests[0].ping(guests[1].address4)
        a.detach()
        after = footprint(a)
        for part, value in before.items():
            check(after[part] == value, f"{part} before:\n{value}\nafter:\n{after[part]}")
        a.detach()  # nothing there: done


for wanted in ("auto", "xdp"):
    detaches(wanted)


@test
def a_clsact_and_filter_of_someone_else_stay(lab):
    (a, b), (a1, b1) = hosts_with_guests(lab, ("a", "b"), up=False)
    a.command("tc", "qdisc", "add", "dev", a1.port, "clsact")
    added = a.command("tc", "filter", "add", "dev", a1.port, "egress", "matchall", "action", "pass", check=False)
    a.up()
    b.up()
    a1.ping(b1.address4)
    a.down()
    a.detach()
    check("clsact" in a.command("tc", "qdisc", "show", "dev", a1.port).stdout, "the foreign clsact went")
    if added.returncode == 0:
        check("matchall" in a.command("tc", "filter", "show", "dev", a1.port, "egress").stdout, "the foreign filter went")


FOREIGN = """
int foreign(void *context) __attribute__((section("xdp"), used));
int foreign(void *context) { return 2; }
char _license[] __attribute__((section("license"), used)) = "GPL";
"""


def foreign_object(lab, source=None):
    """An XDP program of nobody's, that passes."""
    path = f"{lab.directory}/foreign"
    with open(f"{path}.c", "w", encoding="ascii") as file:
        file.write(source or FOREIGN)
    run("clang", "-target", "bpf", "-O2", "-c", f"{path}.c", "-o", f"{path}.o")
    return f"{path}.o"


def xdp_of(host, device):
    link = json.loads(host.command("ip", "-j", "-d", "link", "show", "dev", device).stdout)[0]
    return link.get("xdp", {}).get("prog", {}).get("name") or link.get("xdp", {}).get("prog", {}).get("id")


def foreign_stays(hook):
    @test(name=f"a_foreign_xdp_program_on_the_uplink_stays_with_hook_{hook}")
    def foreign(lab):
        (a, b), (a1, b1) = hosts_with_guests(lab, ("a", "b"), up=False, guest_options={"offloads": False})
        a.document["uplinks"][0]["hook"] = hook
        a.ip(f"link set dev eth0 xdp obj {foreign_object(lab)} sec xdp")
        before = xdp_of(a, "eth0")
        check(before, "the foreign program is not there")
        a.up()
        b.up()
        a1.ping(b1.address4)
        check(xdp_of(a, "eth0") == before, f"XDP on eth0 was {before}, is {xdp_of(a, 'eth0')}")
        if hook == "xdp":
            said = a.weft("uplink", "show", "eth0").stdout
            check("XDP" in said or "xdp" in said, f"weft uplink show does not say why:\n{said}")
        a.down()
        a.detach()
        check(xdp_of(a, "eth0") == before, "detach took the foreign program")


foreign_stays("auto")
foreign_stays("xdp")


@test
def an_interface_that_appears_later_is_served_when_it_does(lab):
    (a, b), (a1, b1) = hosts_with_guests(lab, ("a", "b"), up=False)
    a.document["ports"].append({"interface": "p-late", "segment": "blue"})
    a.up()
    b.up()
    check("p-late" in a.weft("status").stdout + a.log(), "nothing says that p-late is waited for")
    late = lab.guest(a, "late")
    wait_for(lambda: late.ping(b1.address4, count=1, wait=1, check=False).returncode == 0, "the late guest to be served", 10)
    late.ping(a1.address4)
    deliver(b1, plain(b1, BROADCAST), to=[a1, late])


@test
def a_vanished_interface_is_cleaned_and_served_again_when_it_comes_back(lab):
    (a, b), (a1, a2, b1, b2) = hosts_with_guests(lab, ("a", "b"), guests=2)
    introduce((a1, a2, b1), (a, b))
    a.ip(f"link del {a2.port}")
    wait_for(lambda: not a.fdb(port=a2.port), "entries behind the vanished port to go")
    deliver(b1, plain(b1, BROADCAST), to=[a1, b2])
    again = lab.guest(a, "again", mac=a2.mac_address)
    a.ip(f"link set {again.port} down", f"link set {again.port} name {a2.port}", f"link set {a2.port} up")
    wait_for(lambda: again.ping(b1.address4, count=1, wait=1, check=False).returncode == 0, "the port to be served again", 10)
    deliver(b1, plain(b1, BROADCAST), to=[a1, again, b2])


@test
def ports_and_segments_come_and_go_by_the_cli_under_traffic(lab):
    (a, b), (a1, a2, b1, b2) = hosts_with_guests(lab, ("a", "b"), guests=2)
    a.weft("port", "del", a2.port)
    deliver(b1, plain(b1, BROADCAST), to=[a1, b2], none=[a2])
    for host, guest in ((a, a2), (b, b2)):
        if host is b:
            host.weft("port", "del", guest.port)
        other = b if host is a else a
        host.weft("segment", "add", "green", "--vni", VNI + 7, "--remotes", other.address)
        host.weft("port", "add", guest.port, "--segment", "green")
    a2.ping(b2.address4)
    deliver(a2, plain(a2, BROADCAST), to=[b2], none=[a1, b1])
    a.weft("port", "del", a2.port)
    a.weft("segment", "del", "green")
    deliver(b2, plain(b2, UNKNOWN), none=[a1, a2, b1])
    a1.ping(b1.address4)


@test
def a_second_daemon_of_the_same_instance_is_refused(lab):
    (a,), _ = hosts_with_guests(lab, ("a",))
    result = a.command(f"{lab.binaries}/weftd", "--config", a.file, "--instance", a.instance, check=False, timeout=10)
    check(result.returncode == 1, f"exit {result.returncode}, 1 expected")
    check(len(result.stderr.strip().splitlines()) == 1, f"not one line: {result.stderr}")
    a.weft("status")


@test
def the_service_manager_hears_ready_and_stopping(lab):
    (a,), _ = hosts_with_guests(lab, ("a",), up=False)
    path = f"{lab.directory}/notify"
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    sock.bind(path)
    sock.settimeout(10)
    a.up(env={"NOTIFY_SOCKET": path})
    heard = [sock.recv(4096)]
    a.daemon.send_signal(signal.SIGTERM)
    while not any(b"STOPPING=1" in message for message in heard):
        heard.append(sock.recv(4096))
    check(any(b"READY=1" in message for message in heard), f"no READY=1: {heard}")
    check(a.daemon.wait(5) == 0, "SIGTERM is not exit 0")


@test
def the_units_verify(lab):
    here = os.path.dirname(os.path.abspath(__file__))
    unit = os.path.join(here, "..", "..", "dist", "weftd.service")
    # The paths are those of an installed weft: verify against a copy that names this build's.
    with open(unit, encoding="utf-8") as file:
        text = file.read()
    copy = f"{lab.directory}/weftd.service"
    text = re.sub(r"(?<=[=+])\S*/(?=weftd? )", f"{lab.binaries}/", text)
    with open(copy, "w", encoding="utf-8") as file:
        file.write(text)
    result = run("systemd-analyze", "verify", "--man=no", copy, check=False)
    check(result.returncode == 0 and not result.stderr.strip(), f"exit {result.returncode}\n{result.stdout}{result.stderr}")


@test
def four_capabilities_are_enough_for_the_daemon(lab):
    (a, b), (a1, b1) = hosts_with_guests(lab, ("a", "b"), up=False)
    a.write()
    a.command(f"{lab.binaries}/weftd", "--attach", "--config", a.file, "--instance", a.instance)
    keep = "cap_bpf,cap_net_admin,cap_perfmon,cap_net_raw"
    everything = run("capsh", "--print").stdout.split("Bounding set =")[1].split()[0].split(",")
    drop = ",".join(cap for cap in everything if cap not in keep.split(","))
    script = 'exec "$0" "$@"'
    a.up(wrapper=("capsh", f"--drop={drop}", "--", "-c", script))
    b.up()
    a1.ping(b1.address4)
    introduce((a1, b1), (a, b))
    late = lab.guest(a, "late")
    a.weft("port", "add", late.port, "--segment", "blue")
    late.ping(b1.address4)
    a.weft("check")


@test
def the_daemon_ends_within_five_seconds_of_sigint_too(lab):
    (a, b), (a1, b1) = hosts_with_guests(lab, ("a", "b"))
    a.down(signal.SIGINT)
    a1.ping(b1.address4)


@test
def a_taken_tunnel_port_leaves_a_degraded_overlay_that_works(lab):
    (a, b), (a1, b1) = hosts_with_guests(lab, ("a", "b"), up=False)
    taken = a.socket(socket.AF_INET, socket.SOCK_DGRAM)
    taken.bind(("0.0.0.0", 4789))
    a.up()
    b.up()
    for address in (b1.address4, b1.address6):
        a1.ping(address)
    check(a.weft("check", check=False).returncode == 1, "weft check does not say that it is degraded")
    check("4789" in a.weft("status").stdout, "weft status does not name the port")


@test
def an_uplink_that_appears_later_is_served_when_it_does(lab):
    (a, b), (a1, b1) = hosts_with_guests(lab, ("a", "b"), up=False)
    a.ip("link set eth0 down", "link set eth0 name away0")
    a.up()
    b.up()
    a.ip("link set away0 name eth0", "link set eth0 up", f"address replace {a.address4}/24 dev eth0")
    wait_for(lambda: a1.ping(b1.address4, count=1, wait=1, check=False).returncode == 0, "the late uplink to be served", 15)
    for source, target in ((a1, b1), (b1, a1)):
        source.ping(target.address4)
        source.ping(target.address6)


@test(timeout=90)
def an_uplink_that_goes_and_comes_back_is_served_again(lab):
    (a, b), (a1, b1) = hosts_with_guests(lab, ("a", "b"))
    a1.ping(b1.address4)
    a.ip("link del eth0")
    lab.net.plug(a, 0)
    a.ip("link set eth0 up", f"address add {a.address4}/24 dev eth0", "route replace default via 192.0.2.254")
    wait_for(lambda: a1.ping(b1.address4, count=1, wait=1, check=False).returncode == 0, "the new uplink to be served", 20)
    a1.ping(b1.address6)
    b1.ping(a1.address4)


@test
def check_is_good_where_nothing_is_wrong(lab):
    (a, b), (a1, b1) = hosts_with_guests(lab, ("a", "b"))
    a1.ping(b1.address4)
    for host in (a, b):
        result = host.weft("check", check=False)
        check(result.returncode == 0, f"weft check on {host.short}: exit {result.returncode}\n{result.stdout}{result.stderr}")

# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""Three machines: weft on two, the kernel's vxlan on the third, two guests each; one document for all. scripts/demo --vm
shows it. Then the underlay takes frames of 9000 bytes, which virtio-net has no XDP for."""
import json
import threading

from across import hook_of, tcp_across, xdp_mode
from lab import VNI
from netns import wait_for
from overlay import check
from scenario import Scenario

MACHINE = {"wires": ("underlay",), "cpus": 1, "memory": 1024}
NAMES = ("host-a", "host-b", "host-c")
scenario = Scenario({name: MACHINE for name in NAMES}, seconds=420)
JUMBO, ENCAPSULATION = 9000, 50


def others(lab):
    return [name for name in NAMES if name != lab.machine]


def addresses(machine, family):
    """Of the guests on a machine (lab.Guest numbers them)."""
    first = 1 + 16 * NAMES.index(machine)
    return [f"198.51.100.{n}" if family == 4 else f"2001:db8:1::{n:x}" for n in (first, first + 1)]


def document():
    """One for all: each machine reads it with its own name, and leaves itself out of the flood list."""
    guests = {name: [f"guest-{name[-1]}{number}" for number in (1, 2)] for name in NAMES}
    return {
        "uplinks": [{"interface": "eth0"}],
        "segments": [{"name": "blue", "vni": VNI, "arp": "suppress",
                      "remotes": [f"192.0.2.{number}" for number in (1, 2, 3)]}],
        "hosts": {name: {"vtep": {"address": f"192.0.2.{number}"},
                         "ports": [{"interface": f"p-{guest}", "segment": "blue"} for guest in guests[name]]}
                  for number, name in enumerate(NAMES[:2], 1)}}


@scenario.setup
def build(lab):
    lab.nics = True
    plain = lab.machine == NAMES[2]
    host = (lab.kernel_host if plain else lab.weft_host)(lab.machine)
    guests = [lab.guest(host, f"guest-{lab.machine[-1]}{number}") for number in (1, 2)]
    if plain:
        host.segment(VNI, ["192.0.2.1", "192.0.2.2"])
    else:
        host.document, host.options = document(), ("--host", lab.machine)
        host.up()
    lab.say(f"{'Linux vxlan and bridge' if plain else 'weftd'} on {host.address}, guests "
            + ", ".join(f"{guest.short} {guest.address4}" for guest in guests))
    lab.meet("up", others(lab))
    return host, guests


@scenario.check
def native_xdp_serves_the_uplinks_of_one_document(lab, host, guests):
    if lab.machine == NAMES[2]:
        return
    hook, reason = hook_of(host)
    lab.say(f"weft uplink show eth0: {hook}, {reason}")
    check((hook, xdp_mode(host)) == ("xdp", "native"), f"eth0 is served by {hook}, XDP is {xdp_mode(host)}: {reason}")
    remotes = sorted(row["address"] for row in host.json("remote", "list"))
    check(remotes == sorted({"192.0.2.1", "192.0.2.2", "192.0.2.3"} - {host.address}), f"flood list: {remotes}")


def ping_all(lab, guests, *options):
    """Each guest here pings each that is elsewhere, and the other one here."""
    for guest, beside in zip(guests, reversed(guests)):
        far = [address for name in others(lab) for family in (4, 6) for address in addresses(name, family)]
        for address in (beside.address4, *far):
            guest.ping(address, count=1, wait=5, options=options)
        lab.say(f"{guest.short} pings {beside.short} and the {len(far) // 2} guests elsewhere, IPv4 and IPv6: all answer")


@scenario.check
def every_pair_of_guests_pings(lab, host, guests):
    ping_all(lab, guests)
    lab.meet("pinged", others(lab))


@scenario.check
def tcp_crosses_between_the_three(lab, host, guests):
    """Each pair in turn; the third one waits for the next."""
    for one, two in ((0, 1), (0, 2), (2, 1)):
        if lab.machine == NAMES[one]:
            tcp_across(lab, f"tcp-{one}{two}", guests[0], NAMES[two], addresses(NAMES[two], 4)[0], megabytes=2)
            lab.say(f"TCP to {NAMES[two]}: 2 MiB arrived whole")
        elif lab.machine == NAMES[two]:
            tcp_across(lab, f"tcp-{one}{two}", guests[0], NAMES[one])
    lab.meet("tcp", others(lab))


@scenario.check
def a_killed_daemon_costs_no_packet(lab, host, guests):
    if lab.machine == NAMES[0]:
        stop, said = threading.Event(), []
        target = addresses(NAMES[1], 4)[0]

        def watch():
            while not stop.is_set():
                result = guests[0].command("ping", "-n", "-q", "-i", "0.05", "-c", "40", "-W", "5", target, check=False)
                said.append(int(result.stdout.split(" received")[0].split()[-1]))

        watcher = threading.Thread(target=watch)
        watcher.start()
        wait_for(lambda: said, "the first answers")
        host.daemon.kill()
        host.daemon.wait()
        count = len(said)
        wait_for(lambda: len(said) >= count + 2, "answers without a daemon")
        host.up()
        stop.set()
        watcher.join()
        lab.say(f"weftd killed and started again: {sum(said)} of {40 * len(said)} pings answered")
        check(all(answers == 40 for answers in said), f"answers of 40 each: {said}")
    lab.meet("killed", others(lab))


@scenario.check
def the_tables_name_who_is_where(lab, host, guests):
    if lab.machine == NAMES[2]:
        return
    for words in (("fdb", "list"), ("stats", "--by", "verdict")):
        lab.say(f"weft {' '.join(words)}\n" + host.weft(*words).stdout.rstrip())
    for name in others(lab):
        number = NAMES.index(name)
        for guest in (1, 2):
            mac = f"02:00:00:00:00:{16 * number + guest:02x}"
            check(host.fdb(mac=mac, remote=f"192.0.2.{number + 1}"), f"{mac} is not behind {name}")


@scenario.check
def frames_of_9000_bytes_go_by_tc_and_weft_says_why(lab, host, guests):
    inner = JUMBO - ENCAPSULATION
    lab.meet("before-jumbo", others(lab))
    if lab.machine == NAMES[2]:
        host.ip(f"link set eth0 mtu {JUMBO}", f"link set vx{VNI} mtu {inner}")
    else:
        host.down()
        host.detach()  # the kernel changes no MTU under an XDP program that cannot have it
        host.ip(f"link set eth0 mtu {JUMBO}")
        host.up()
        hook, reason = hook_of(host)
        lab.say(f"MTU {JUMBO}: {hook}, {reason}")
        check(hook == "tc" and "MTU" in reason.upper(), f"served by {hook}: {reason}")
        mtu = json.loads(host.weft("segment", "show", "blue", "--json").stdout)["mtu"]
        check(mtu == inner, f"the segment's MTU is {mtu}, not {inner}")
    for guest in guests:
        host.ip(f"link set {guest.port} mtu {inner}")
        guest.ip(f"link set eth0 mtu {inner}")
    lab.meet("jumbo", others(lab))
    ping_all(lab, guests, "-M", "do", "-s", str(inner - 48))
    lab.meet("end", others(lab))

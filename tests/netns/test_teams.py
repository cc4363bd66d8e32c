# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""Teams of uplinks (V3): which NIC carries what, one copy of everything, and what happens when a link fails."""
import json
import time

from netns import Failure, wait_for
from overlay import UNKNOWN, check, deliver, plain
from registry import test
from teams import TwoWays, flow, from_mac, share_of_mac, switched
from vlans import VLAN, Server, tag_of
from wire import BROADCAST

TIMED = True  # see registry.py

GAP_MS = 500  # what a failover may cost on a machine that does other things besides; it is printed


def is_rarp(frame):
    return frame[16:18] == b"\x80\x35" and tag_of(frame) == (0x8100, VLAN)


# --- who carries what

@test
def v3_explicit_sends_all_by_the_first_active_uplink(lab):
    team, (a1, a2), server = switched(lab, 2, policy="explicit", active=["eth2"], standby=["eth1"])
    for guest in (a1, a2):
        check(team.sent_by(guest, plain(guest, server.mac_address)) == {"eth2": 10}, "not all by eth2")
        check(team.sent_by(guest, plain(guest, BROADCAST)) == {"eth2": 10}, "not all by eth2")
    check(team.states() == {"eth1": "standby", "eth2": "active"}, team.describe())


@test
def v3_by_originating_port_each_guest_has_an_uplink(lab):
    team, guests, server = switched(lab, 4, policy="port")
    used = set()
    for guest in guests:
        nic = team.nics[team.share_of_port(guest) % 2]
        for dst in (server.mac_address, BROADCAST):
            sent = team.sent_by(guest, plain(guest, dst))
            check(sent == {nic: 10}, f"{guest.short} is to send by {nic}: {sent}")
        used.add(nic)
    check(used == set(team.nics), f"only {used} are used")


@test
def v3_by_source_mac_each_mac_has_an_uplink(lab):
    team, (a1,), server = switched(lab, policy="source-mac")
    used = set()
    for last in range(16):
        mac = f"02:00:00:00:07:{last:02x}"
        nic = team.nics[share_of_mac(mac) % 2]
        sent = team.sent_by(a1, from_mac(mac, server.mac_address), frames=4)
        check(sent == {nic: 4}, f"{mac} is to send by {nic}: {sent}")
        used.add(nic)
    check(used == set(team.nics), f"only {used} are used")


@test
def v3_by_ip_hash_each_flow_has_an_uplink(lab):
    team, (a1,), server = switched(lab, policy="ip-hash")
    used = set()
    for port in range(40000, 40016):
        sent = team.sent_by(a1, flow(a1, server, port), frames=4)
        check(len(sent) == 1, f"the flow of port {port} is on {sent}")
        used |= set(sent)
    check(used == set(team.nics), f"only {used} are used")


@test
def v3_a_port_groups_own_team_holds_over_the_switchs(lab):
    groups = [{"name": "web", "vlan": VLAN},
              {"name": "san", "vlan": 200, "team": {"policy": "explicit", "active": ["eth2"], "standby": ["eth1"]}}]
    team, (a1,), _ = switched(lab, up=False, groups=groups, policy="explicit", active=["eth1"])
    b1 = team.guest("b1", "san")
    team.up()
    check(team.sent_by(a1, plain(a1, BROADCAST)) == {"eth1": 10}, "the switch's team is not web's")
    check(team.sent_by(b1, plain(b1, BROADCAST), tag=(0x8100, 200)) == {"eth2": 10}, "san has no team of its own")
    check(team.states("dvs0/san") == {"eth1": "standby", "eth2": "active"}, team.describe())
    team.cut("eth2")
    wait_for(lambda: team.states("dvs0/san") == {"eth1": "active", "eth2": "down"}, team.describe)
    check(team.sent_by(b1, plain(b1, BROADCAST), tag=(0x8100, 200)) == {"eth1": 10}, "san did not move")


@test
def v3_a_port_group_hears_broadcasts_while_the_switchs_own_team_has_no_uplink(lab):
    groups = [{"name": "web", "vlan": VLAN}, {"name": "san", "vlan": 200, "team": {"active": ["eth2"]}}]
    team, _, _ = switched(lab, up=False, server=False, nics=("eth1", "eth2", "eth3"), groups=groups, policy="explicit",
                          active=["eth1"])
    b1 = team.guest("b1", "san")
    server = Server(lab, team.switch, "s1", 101, vlan=200)
    team.up()
    deliver(server, plain(server, BROADCAST), to=[b1])
    team.cut("eth1")
    wait_for(lambda: team.states()["eth1"] == "down", team.describe)
    deliver(server, plain(server, BROADCAST), to=[b1])
    deliver(b1, plain(b1, BROADCAST), to=[server])


# --- one copy

def one_copy(lab, policy):
    team, guests, server = switched(lab, 3, policy=policy)
    other = Server(lab, team.switch, "s2", 102)
    for source in guests:
        others = [guest for guest in guests if guest is not source]
        deliver(source, plain(source, BROADCAST), to=[*others, server, other], none=[source])
        deliver(source, plain(source, UNKNOWN), to=[*others, server, other], none=[source])
        check(sum(team.sent_by(source, plain(source, BROADCAST)).values()) == 10, "more than one copy on the wire")
    for dst in (BROADCAST, UNKNOWN, "01:00:5e:00:00:07"):
        deliver(server, plain(server, dst), to=[*guests, other])
    for guest in guests:
        deliver(server, plain(server, guest.mac_address), to=[guest])
        deliver(guest, plain(guest, server.mac_address), to=[server], none=[other])
        guest.ping(server.address4)
        server.ping(guest.address6)


@test
def v3_with_two_active_uplinks_by_port_there_is_one_copy_of_everything(lab):
    one_copy(lab, "port")


@test
def v3_with_two_active_uplinks_by_mac_there_is_one_copy_of_everything(lab):
    one_copy(lab, "source-mac")


@test
def v3_with_two_active_uplinks_by_flow_there_is_one_copy_of_everything(lab):
    one_copy(lab, "ip-hash")


@test
def v3_with_an_active_and_a_standby_uplink_there_is_one_copy_of_everything(lab):
    one_copy(lab, "explicit")


@test
def v3_what_the_physical_switch_floods_comes_once_although_an_uplink_fails(lab):
    team, (a1,), server = switched(lab, nics=("eth1", "eth2", "eth3"), policy="port")
    for nic in team.nics:
        team.switch.command("bridge", "link", "set", "dev", team.port(nic), "learning", "off")
    team.switch.ip("link set br0 type bridge fdb_flush")
    (carrier,) = team.sent_by(a1, plain(a1, BROADCAST))
    with TwoWays(a1, server) as traffic:
        traffic.run(0.5)
        team.cut(carrier)
        traffic.run(1)
    out, back = traffic.losses()
    traffic.close()
    print(f"        {out:.0f} ms lost from the guest, {back:.0f} ms to it")
    check(max(out, back) < GAP_MS, f"{out:.0f} and {back:.0f} ms were lost")


# --- failover

def fail_over(lab, policy, nics=("eth1", "eth2"), guests=1, before=None, **options):
    """Traffic both ways at 1 kHz over the cut of the uplink that carries it, and over its coming back: (team, ms lost)."""
    team, machines, server = switched(lab, guests, nics, policy=policy, failback_delay_seconds=1, **options)
    guest = machines[0]
    if before:
        before(team, guest)
    guest.ping(server.address4)
    (carrier,) = team.sent_by(guest, plain(guest, server.mac_address))
    with TwoWays(guest, server) as traffic:
        traffic.run(0.5)
        team.cut(carrier)
        traffic.run(1)
        settled = traffic.mark()
        team.mend(carrier)
        wait_for(lambda: team.states()[carrier] == "active", team.describe)
        traffic.run(1)
    out, back = traffic.losses()
    after = traffic.losses(settled)
    traffic.close()
    print(f"        {out:.0f} ms lost from the guest, {back:.0f} ms to it; at the failback {after[0]:.0f} and {after[1]:.0f}")
    check(max(out, back) < GAP_MS, f"{out:.0f} and {back:.0f} ms were lost")
    check(after == [0, 0], f"the failback lost {after} ms")
    check(team.sent_by(guest, plain(guest, server.mac_address)) == {carrier: 10}, "it is not where it was")
    return team


@test(timeout=90)
def v3_a_link_that_goes_down_costs_what_was_in_flight_by_port(lab):
    fail_over(lab, "port")


@test(timeout=90)
def v3_a_link_that_goes_down_costs_what_was_in_flight_by_mac(lab):
    fail_over(lab, "source-mac")


@test(timeout=90)
def v3_a_link_that_goes_down_costs_what_was_in_flight_by_flow(lab):
    fail_over(lab, "ip-hash")


@test(timeout=90)
def v3_a_link_that_goes_down_costs_what_was_in_flight_in_explicit_order(lab):
    fail_over(lab, "explicit", active=["eth2"], standby=["eth1"])


@test(timeout=90)
def v3_a_standby_takes_the_place_of_one_of_three(lab):
    fail_over(lab, "port", nics=("eth1", "eth2", "eth3"), standby=["eth3"])


@test(timeout=120)
def v3_ten_thousand_macs_move_as_fast_as_one(lab):
    def behind(team, guest):
        rows = "".join(json.dumps({"segment": "lan-web", "mac": f"02:00:00:10:{n >> 8:02x}:{n & 255:02x}",
                                   "port": guest.port}) + "\n" for n in range(10_000))
        team.host.weft("fdb", "add", "--batch", "-", stdin=rows)
    team = fail_over(lab, "source-mac", before=behind)
    team.cut("eth1")
    team.await_states(eth1="down", eth2="active")
    rows = team.host.json("status")["rows_written"]
    team.cut("eth2")
    team.await_states(eth1="down", eth2="down")
    check(team.host.json("status")["rows_written"] - rows <= 8, "a failover writes a row a MAC")


@test(timeout=90)
def v3_two_links_that_fail_one_after_the_other_cost_no_more(lab):
    """Of the second the kernel would tell up to a second late: its link watch works once a second."""
    team, (a1,), server = switched(lab, nics=("eth1", "eth2", "eth3"), policy="explicit",
                                   active=["eth1", "eth2", "eth3"])
    ends = [team.ifindex("eth1"), json.loads(team.switch.command("ip", "-j", "link", "show", "dev",
                                                                 team.port("eth1")).stdout)[0]["ifindex"]]
    check(ends[0] == ends[1], f"the kernel tells of a veth without delay, as of no NIC, with ends {ends}")
    a1.ping(server.address4)
    with TwoWays(a1, server) as traffic:
        traffic.run(0.3)
        team.cut("eth3")
        team.await_states(eth1="active", eth2="standby", eth3="down")
        team.cut("eth1")
        traffic.run(1.5)
    out, back = traffic.losses()
    traffic.close()
    print(f"        {out:.0f} ms lost from the guest, {back:.0f} ms to it")
    check(max(out, back) < GAP_MS, f"{out:.0f} and {back:.0f} ms were lost")


@test(timeout=90)
def v3_a_broadcast_is_never_there_twice_while_an_uplink_fails_and_comes_back(lab):
    team, (a1, _), server = switched(lab, 2, policy="port", failback_delay_seconds=1)
    with TwoWays(a1, server, broadcast=True) as traffic:
        traffic.run(0.5)
        team.cut("eth1")
        traffic.run(1)
        team.mend("eth1")
        wait_for(lambda: team.states() == {"eth1": "active", "eth2": "active"}, team.describe)
        traffic.run(1)
    out, back = traffic.losses()
    traffic.close()
    print(f"        {out:.0f} ms lost from the guest, {back:.0f} ms to it")
    check(max(out, back) < GAP_MS, f"{out:.0f} and {back:.0f} ms were lost")


@test(timeout=90)
def v3_an_uplink_is_taken_out_of_service_without_a_loss(lab):
    team, (a1,), server = switched(lab, policy="port")
    (carrier,) = team.sent_by(a1, plain(a1, server.mac_address))
    (other,) = set(team.nics) - {carrier}
    with TwoWays(a1, server) as traffic:
        traffic.run(0.3)
        team.host.weft("switch", "set", "dvs0", "--team-standby", carrier)
        team.await_states(**{carrier: "standby", other: "active"})
        traffic.run(0.5)
        team.cut(carrier)
        traffic.run(0.5)
    losses = traffic.losses()
    traffic.close()
    check(losses == [0, 0], f"{losses} ms were lost")


# --- what comes with it

@test
def v3_the_physical_switch_is_told_by_rarp_where_the_macs_are(lab):
    team, guests, server = switched(lab, 2, policy="explicit", active=["eth1"], standby=["eth2"])
    for guest in guests:
        guest.ping(server.address4)
    wire = team.switch.tap(team.port("eth2"))
    silent = {guest.mac_address for guest in guests}
    team.cut("eth1")
    while silent:
        silent.discard(wire.first(is_rarp, f"RARP of {silent}")[6:12].hex(":"))
    wire.close()


@test(timeout=90)
def v3_guests_that_were_silent_are_reached_after_their_uplink_came_back(lab):
    """Their own RARP comes back by the receiver: it does not say that they are on the VLAN."""
    team, guests, server = switched(lab, 4, policy="port", failback_delay_seconds=2)
    for guest in guests:
        guest.ping(server.address4)
    silent = time.monotonic() + 3
    wait_for(lambda: time.monotonic() > silent, "guests to be silent")
    for nic in ("eth2", "eth1"):
        wire = team.switch.tap(team.port(nic))
        team.cut(nic)
        wait_for(lambda nic=nic: team.states()[nic] == "down", team.describe)
        team.mend(nic)
        team.await_states(eth1="active", eth2="active")
        told = {guest.mac_address for guest in guests if team.share_of_port(guest) % 2 == team.nics.index(nic)}
        while told:
            told.discard(wire.first(is_rarp, f"RARP of {told}")[6:12].hex(":"))
        wire.close()
        for guest in guests:
            found = team.host.json("fdb", "list", "--mac", guest.mac_address)
            check([row.get("port") for row in found] == [guest.port], f"{guest.short} after {nic} came back: {found}")
    for guest in guests:
        server.ping(guest.address4)


@test
def v3_without_notify_switches_nobody_is_told(lab):
    team, (a1,), server = switched(lab, policy="explicit", active=["eth1"], standby=["eth2"], notify_switches=False)
    a1.ping(server.address4)
    wire = team.switch.tap(team.port("eth2"))
    team.cut("eth1")
    team.await_states(eth1="down", eth2="active")
    a1.ping(server.address4)
    try:
        wire.first(is_rarp, "a RARP", timeout=0.5)
    except Failure:
        return
    raise Failure("a RARP was sent")


@test
def v3_without_failback_the_standby_stays_until_an_apply(lab):
    team, (a1,), server = switched(lab, policy="explicit", active=["eth1"], standby=["eth2"], failback=False,
                                   failback_delay_seconds=0)
    a1.ping(server.address4)
    team.cut("eth1")
    team.await_states(eth1="down", eth2="active")
    team.mend("eth1")
    team.await_states(eth1="standby", eth2="active")
    check(team.sent_by(a1, plain(a1, server.mac_address)) == {"eth2": 10}, "it went back")
    team.host.weft("config", "apply", team.host.write())
    team.await_states(eth1="active", eth2="standby")
    check(team.sent_by(a1, plain(a1, server.mac_address)) == {"eth1": 10}, "it did not go back")


@test
def v3_a_restart_of_the_daemon_leaves_the_team_as_it_is(lab):
    team, (a1,), server = switched(lab, policy="explicit", active=["eth1"], standby=["eth2"], failback_delay_seconds=4)
    a1.ping(server.address4)
    team.host.down(9)
    team.host.up()
    check(team.host.json("status")["rows_written"] == 0, "rows were written")
    team.cut("eth1")
    team.await_states(eth1="down", eth2="active")
    team.host.down(9)
    team.mend("eth1")
    check(team.sent_by(a1, plain(a1, server.mac_address)) == {"eth2": 10}, "the datapath does not go on")
    team.host.up()
    team.await_states(eth1="waiting", eth2="active")
    team.await_states(eth1="active", eth2="standby")
    team.host.down(9)
    team.cut("eth1")
    team.host.up()
    team.await_states(eth1="down", eth2="active")
    a1.ping(server.address4)


@test
def v3_a_killed_daemon_and_its_restart_cost_no_frame(lab):
    team, (a1,), server = switched(lab, policy="port")
    a1.ping(server.address4)
    before = team.sent_by(a1, plain(a1, server.mac_address))
    with TwoWays(a1, server) as traffic:
        traffic.run(0.3)
        team.host.down(9)
        traffic.run(0.5)
        team.host.up()
        traffic.run(1)
    check(traffic.losses() == [0, 0], f"{traffic.losses()} ms were lost")
    traffic.close()
    check(team.sent_by(a1, plain(a1, server.mac_address)) == before, "it moved")
    check(team.host.json("status")["rows_written"] == 0, "rows were written")


@test
def v3_an_uplink_that_is_deleted_and_made_again_is_taken_again(lab):
    team, (a1,), server = switched(lab, policy="explicit", active=["eth1"], standby=["eth2"], failback_delay_seconds=0)
    a1.ping(server.address4)
    team.switch.ip(f"link del {team.port('eth1')}")
    wait_for(lambda: team.states()["eth2"] == "active", team.describe)
    a1.ping(server.address4)
    team.switch.plug(team.host, "eth1")
    wait_for(lambda: team.states()["eth1"] == "active", team.describe)
    a1.ping(server.address4)
    check(team.sent_by(a1, plain(a1, server.mac_address)) == {"eth1": 10}, "it is not used")


@test
def v3_without_an_uplink_frames_are_counted_and_the_status_says_so(lab):
    team, (a1, a2), server = switched(lab, 2)
    for nic in team.nics:
        team.cut(nic)
    team.await_states(eth1="down", eth2="down")
    deliver(a1, plain(a1, server.mac_address), none=[server])
    deliver(a1, plain(a1, a2.mac_address), to=[a2])
    reasons = team.host.json("status")["reasons"]
    check("team dvs0: no uplink is up" in reasons, f"reasons are {reasons}")

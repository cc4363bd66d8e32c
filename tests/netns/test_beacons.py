# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""Uplinks whose link is up and whose path is dead (V3): beacons find them, where there is somebody to hear them."""
import time

from netns import wait_for
from overlay import check
from registry import test
from teams import switched
from vlans import VLAN

TIMED = True  # see registry.py


def dead_path(lab, **options):
    """Three uplinks; the physical switch drops what is on the port of eth1, whose link stays up."""
    team, (a1, *_), server = switched(lab, nics=("eth1", "eth2", "eth3"), policy="explicit", active=["eth1"],
                                      standby=["eth2", "eth3"], detection="beacon", failback_delay_seconds=2, **options)
    return team, a1, server


@test(timeout=90)
def v3_a_beacon_finds_the_path_that_is_dead_although_its_link_is_up(lab):
    team, a1, server = dead_path(lab)
    a1.ping(server.address4)
    cut = time.monotonic()
    team.switch.ip(f"link set {team.port('eth1')} nomaster")
    team.await_states(eth1="down", eth2="active", eth3="standby")
    print(f"        found in {time.monotonic() - cut:.1f} s")
    (why,) = [uplink["why"] for uplink in team.show()["uplinks"] if uplink["state"] == "down"]
    check("is cut off" in why, why)
    a1.ping(server.address4)
    team.switch.ip(f"link set {team.port('eth1')} master br0")
    team.await_states(eth1="waiting", eth2="active", eth3="standby")
    team.await_states(eth1="active", eth2="standby", eth3="standby")
    a1.ping(server.address4)


@test(timeout=90)
def v3_beacons_are_heard_where_a_port_group_takes_untagged_frames(lab):
    groups = [{"name": "web", "vlan": VLAN}, {"name": "native", "vlan": 0}]
    team, a1, server = dead_path(lab, groups=groups, up=False)
    team.guest("b1", "native")
    team.up()
    team.switch.ip(f"link set {team.port('eth1')} nomaster")
    team.await_states(eth1="down", eth2="active", eth3="standby")
    team.switch.ip(f"link set {team.port('eth1')} master br0")
    team.await_states(eth1="active", eth2="standby", eth3="standby")


@test(timeout=90)
def v3_two_uplinks_need_another_host_for_beacons_and_say_so(lab):
    options = {"policy": "explicit", "active": ["eth1"], "standby": ["eth2"], "detection": "beacon",
               "failback_delay_seconds": 0}
    team, _, _ = switched(lab, **options)

    def warned():
        return [line for line in team.host.json("status")["warnings"] if "three uplinks or another host" in line]
    wait_for(warned, "the warning that link state alone decides", 20)
    team.switch.ip(f"link set {team.port('eth1')} nomaster")
    begin = time.monotonic()
    wait_for(lambda: time.monotonic() > begin + 5, "a beacon's time to pass", 10)
    check(team.states() == {"eth1": "active", "eth2": "standby"}, team.describe())
    team.switch.ip(f"link set {team.port('eth1')} master br0")
    switched(lab, name="b", switch=team.switch, server=False, guests=0, **options)
    wait_for(lambda: not warned(), "the warning to go", 20)
    team.switch.ip(f"link set {team.port('eth1')} nomaster")
    team.await_states(eth1="down", eth2="active")
    team.switch.ip(f"link set {team.port('eth1')} master br0")
    team.await_states(eth1="active", eth2="standby")

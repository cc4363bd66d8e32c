# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""The virtual switch of a host (V1, V2): switches and port groups, their VLANs on the uplinks, and what never meets."""
from lab import VNI
from overlay import UNKNOWN, check, deliver, introduce, no_checksum_errors, plain
from registry import test
from switching import Site, counts, silent, tags
from test_arp import ABSENT4, answered, request
from traffic import tcp_transfer, udp_segmented
from vlans import Server, on_wire, tagged
from wire import BROADCAST


def with_tag(source, dst, *tci, protocol=0x8100):
    """frame(marker, number) with tags, the outermost first; `protocol` is that one's."""
    def make(marker, number):
        frame = plain(source, dst)(marker, number)
        for position, tag in reversed(list(enumerate(tci))):
            frame = tagged(frame, tag, 0x8100 if position else protocol)
        return frame
    return make


def both_ways(guest, server):
    for family in (4, 6):
        guest.ping(server.address(family))
        server.ping(guest.address(family))


@test
def v1_nothing_passes_from_one_switch_of_a_host_to_another(lab):
    one = Site(lab, {"web": {"vlan": 10}}, {"a1": "web"}, {"s1": 10}, up=False)
    two = Site(lab, {"db": {"vlan": 10}}, {"a2": "db"}, host=one.host, name="dvs1", nic="eth2", up=False)
    two.server("s2", 10, number=102)
    one.host.up()
    introduce((one.a1, one.s1, two.a2, two.s2), [one.host])
    ends = {one.a1: one.s1, one.s1: one.a1, two.a2: two.s2, two.s2: two.a2}
    for source, sink in ends.items():
        others = [each for each in ends if each not in (source, sink)]
        for dst in (BROADCAST, UNKNOWN, sink.mac_address, *(other.mac_address for other in others)):
            deliver(source, plain(source, dst), to=[sink], none=others, what=f"frames of {source.short} to {dst}")


@test
def v1_two_ports_of_a_group_talk_without_the_uplink_which_needs_no_address(lab):
    site = Site(lab, {"web": {"vlan": 10}}, {"a1": "web", "a2": "web"}, {"s1": 10})
    host, a1, a2, s1 = site.host, site.a1, site.a2, site.s1
    check(not host.command("ip", "-o", "address", "show", "dev", "eth1").stdout, "the uplink has an address")
    introduce((a1, a2, s1), [host])
    deliver(a1, plain(a1, a2.mac_address), to=[a2], none=[s1])
    on_wire(site.switch, host, a1, plain(a1, a2.mac_address), 0)
    on_wire(site.switch, host, a2, plain(a2, a1.mac_address), 0)
    on_wire(site.switch, host, a1, plain(a1, s1.mac_address), 1)
    for family in (4, 6):
        a1.ping(a2.address(family))
    both_ways(a1, s1)


@test
def v2_a_groups_vlan_is_tagged_on_the_uplink_and_the_guest_sees_none(lab):
    site = Site(lab, {"web": {"vlan": 10}}, {"a1": "web"}, {"s1": 10, "s2": 20, "s3": 0})
    a1, s1, s2, s3 = site.a1, site.s1, site.s2, site.s3
    seen = on_wire(site.switch, site.host, a1, plain(a1, BROADCAST), 1)
    check(seen == {(0x8100, 10)}, f"tags are {seen}")
    deliver(a1, plain(a1, BROADCAST), to=[s1], none=[s2, s3])
    check(tags(deliver(s1, plain(s1, BROADCAST), to=[a1])) == {None}, "the guest sees a tag")
    for stranger in (s2, s3):
        deliver(stranger, plain(stranger, BROADCAST), none=[a1, s1])
        deliver(stranger, plain(stranger, a1.mac_address), none=[a1, s1])
    service = Server(lab, site.switch, "s4", 104, vlan=10, protocol=0x88A8)
    deliver(service, plain(service, BROADCAST), none=[a1, s1])
    both_ways(a1, s1)


@test
def v2_a_group_with_vlan_none_is_untagged_on_the_uplink(lab):
    site = Site(lab, {"web": {"vlan": 0}}, {"a1": "web"}, {"s1": 0, "s2": 10})
    a1, s1, s2 = site.a1, site.s1, site.s2
    seen = on_wire(site.switch, site.host, a1, plain(a1, BROADCAST), 1)
    check(seen == {None}, f"tags are {seen}")
    deliver(a1, plain(a1, BROADCAST), to=[s1], none=[s2])
    deliver(s2, plain(s2, BROADCAST), none=[a1, s1])
    check(tags(deliver(s1, with_tag(s1, BROADCAST, 5 << 13), to=[a1])) == {None}, "a priority tag reaches the guest")
    both_ways(a1, s1)


@test
def v2_a_trunk_passes_the_guests_own_tags_as_they_are_and_no_others(lab):
    site = Site(lab, {"trunk": {"trunk": ["100-199", "300"]}}, {"a1": "trunk", "a2": "trunk"}, {"s1": 0}, up=False)
    a1, a2, s1 = site.a1, site.a2, site.s1  # s1 puts its own tags on, or none
    silent(a1, a2, s1)
    site.host.up()
    for vlan in (100, 150, 199, 300):
        for source, sinks in ((a1, (a2,)), (s1, (a1, a2))):
            make = with_tag(source, BROADCAST, 3 << 13 | vlan)
            for counter in deliver(source, make, to=sinks):
                tci = {frame[12:16] for frame in counter.samples}
                check(tci == {b"\x81\x00" + (3 << 13 | vlan).to_bytes(2, "big")}, f"tags of {source.short} became {tci}")
        seen = on_wire(site.switch, site.host, a1, with_tag(a1, BROADCAST, vlan), 1)
        check(seen == {(0x8100, vlan)}, f"tags are {seen}")
    for vlan in (99, 200, 299, 301, 4094):
        with counts(site.host, DROP_VLAN=10):
            deliver(a1, with_tag(a1, BROADCAST, vlan), none=[a2])
        on_wire(site.switch, site.host, a1, with_tag(a1, BROADCAST, vlan), 0)
        deliver(s1, with_tag(s1, BROADCAST, vlan), none=[a1, a2])
    with counts(site.host, DROP_VLAN=10):
        deliver(a1, plain(a1, BROADCAST), none=[a2])
    deliver(s1, plain(s1, BROADCAST), none=[a1, a2])


@test
def v2_a_group_with_a_vlan_and_a_trunk_has_both_and_its_segments_other_group_the_vlan_alone(lab):
    site = Site(lab, {"trunk": {"segment": "lan", "vlan": 10, "trunk": ["100-199"]}, "web": {"segment": "lan", "vlan": 10}},
                {"a1": "trunk", "a2": "web"}, {"s1": 10, "s2": 150}, up=False)
    a1, a2, s1, s2 = site.a1, site.a2, site.s1, site.s2
    silent(a1, a2)
    site.host.up()
    check(tags(deliver(a1, plain(a1, BROADCAST), to=[a2, s1], none=[s2])) == {None}, "what has no tag gets one")
    deliver(a1, with_tag(a1, BROADCAST, 150), to=[s2], none=[a2, s1])
    check(tags(deliver(s1, plain(s1, BROADCAST), to=[a1, a2], none=[s2])) == {None}, "what is in VLAN 10 has a tag inside")
    check(tags(deliver(s2, plain(s2, BROADCAST), to=[a1], none=[a2, s1])) == {(0x8100, 150)}, "VLAN 150 lost its tag")
    with counts(site.host, DROP_VLAN=20):
        deliver(a1, with_tag(a1, BROADCAST, 10), none=[a2, s1, s2])  # the group's own VLAN is not the guest's to tag
        deliver(a2, with_tag(a2, BROADCAST, 150), none=[a1, s1, s2])
    seen = on_wire(site.switch, site.host, a1, plain(a1, BROADCAST), 1)
    check(seen == {(0x8100, 10)}, f"tags are {seen}")


@test
def v2_a_priority_tag_of_a_guest_counts_as_none(lab):
    site = Site(lab, {"web": {"vlan": 10}}, {"a1": "web", "a2": "web"}, {"s1": 10})
    counters = deliver(site.a1, with_tag(site.a1, BROADCAST, 6 << 13), to=[site.a2, site.s1])
    check(tags(counters) == {None}, "the priority tag is there still")


@test
def v2_port_groups_are_isolated_also_with_the_same_mac_in_both(lab):
    site = Site(lab, {"web": {"vlan": 10}, "db": {"vlan": 20}}, {"a1": "web", "a2": "db"}, {"s1": 10, "s2": 20}, up=False)
    a1, a2, s1, s2 = site.a1, site.a2, site.s1, site.s2
    twin = site.guest("a3", "db", mac=a1.mac_address)
    site.host.up()
    introduce((a1, a2, s1, s2), [site.host])
    twin.announce()
    site.host.learned(twin.mac_address, segment="db", port=twin.port)
    check(site.host.learned(a1.mac_address, segment="web")["port"] == a1.port, "a1 moved to its twin")
    deliver(a1, plain(a1, BROADCAST), to=[s1], none=[a2, twin, s2])
    deliver(a2, plain(a2, BROADCAST), to=[twin, s2], none=[a1, s1])
    for stranger in (a2, s2):  # the physical switch has one table for all VLANs, and need not bring them to s1
        deliver(a1, plain(a1, stranger.mac_address), none=[a2, twin, s2])
    deliver(s1, plain(s1, a1.mac_address), to=[a1], none=[twin, a2, s2])
    deliver(s2, plain(s2, a1.mac_address), to=[twin], none=[a1, a2, s1])
    deliver(a2, plain(a2, a1.mac_address), to=[twin], none=[a1, s1, s2])


@test
def v2_tags_that_a_group_does_not_allow_are_counted_and_harm_nobody(lab):
    site = Site(lab, {"web": {"vlan": 10}, "db": {"vlan": 20}}, {"a1": "web", "a2": "web", "a3": "db"}, {"s1": 10, "s2": 20})
    a1, others = site.a1, [site.a2, site.a3, site.s1, site.s2]
    introduce((a1, *others), [site.host])
    for what in ((20,), (10,), (10, 20), (20, 10), (0, 20), (0, 10), (4095,)):
        for protocol in (0x8100, 0x88A8):
            for dst in (BROADCAST, site.s2.mac_address):
                with counts(site.host, DROP_VLAN=10):
                    deliver(a1, with_tag(a1, dst, *what, protocol=protocol), none=others, what=f"frames tagged {what}")
    on_wire(site.switch, site.host, a1, with_tag(a1, BROADCAST, 0, 20), 0)
    deliver(site.a2, plain(site.a2, site.s1.mac_address), to=[site.s1], none=[a1, site.a3, site.s2])
    deliver(a1, plain(a1, BROADCAST), to=[site.a2, site.s1], none=[site.a3, site.s2])
    deliver(site.s2, plain(site.s2, site.a3.mac_address), to=[site.a3], none=[a1, site.a2, site.s1])


@test
def ports_of_an_isolated_group_reach_all_but_each_other(lab):
    groups = {"private": {"segment": "lan", "vlan": 10, "isolated": True}, "shared": {"segment": "lan", "vlan": 10}}
    site = Site(lab, groups, {"a1": "private", "a2": "private", "a3": "shared"}, {"s1": 10})
    a1, a2, a3, s1 = site.a1, site.a2, site.a3, site.s1
    deliver(a1, plain(a1, BROADCAST), to=[a3, s1], none=[a2])
    deliver(a2, plain(a2, UNKNOWN), to=[a3, s1], none=[a1])
    introduce((a1, a2, a3, s1), [site.host])
    with counts(site.host, DROP_ISOLATED=10):
        deliver(a1, plain(a1, a2.mac_address), none=[a2, a3, s1])
    on_wire(site.switch, site.host, a1, plain(a1, a2.mac_address), 0)
    for source, sinks in ((a3, (a1, a2, s1)), (s1, (a1, a2, a3))):
        deliver(source, plain(source, BROADCAST), to=sinks)
        for sink in sinks:
            deliver(source, plain(source, sink.mac_address), to=[sink], none=[each for each in sinks if each is not sink])
            deliver(sink, plain(sink, source.mac_address), to=[source])
    both_ways(a1, s1)
    a1.ping(a3.address4)
    check(" 0 received" in a1.ping(a2.address4, count=2, wait=1, check=False).stdout, "a2 answers a1")


@test
def tcp_and_udp_segments_cross_a_groups_vlan_whole(lab):
    site = Site(lab, {"web": {"vlan": 10}}, {"a1": "web", "a2": "web"}, {"s1": 10})
    for source, target in ((site.a1, site.s1), (site.s1, site.a1), (site.a1, site.a2)):
        for family in (4, 6):
            tcp_transfer(source, target, target.address(family), megabytes=8)
            udp_segmented(source, target, target.address(family))
    no_checksum_errors(site.a1, site.a2, site.s1)


@test
def the_underlay_nic_may_be_a_switchs_uplink_too(lab):
    host, kernel = lab.weft_host("a"), lab.kernel_host("k")
    a1, k1, a2 = lab.guest(host, "a1"), lab.guest(kernel, "k1"), lab.guest(host, "a2")
    host.segment(VNI, [kernel.address], ports=[a1.port])
    kernel.segment(VNI, [host.address])
    host.document["segments"].append({"name": "web"})
    host.document["ports"].append({"interface": a2.port, "port_group": "web"})
    host.document.update(switches=[{"name": "dvs0", "team": {"uplinks": ["eth0"]}}], port_groups=[
        {"name": "web", "switch": "dvs0", "segment": "web", "vlan": 10}])
    server = Server(lab, lab.net, "s1", 101, 10)
    host.up()
    both_ways(a1, k1)
    both_ways(a2, server)
    deliver(a2, plain(a2, BROADCAST), to=[server], none=[a1, k1])
    deliver(a1, plain(a1, BROADCAST), to=[k1], none=[a2, server])


@test
def arp_for_a_known_address_is_answered_before_the_vlan_hears_of_it(lab):
    site = Site(lab, {"web": {"vlan": 10}}, {"a1": "web", "a2": "web"}, {"s1": 10}, up=False)
    site.document["segments"][0]["arp"] = "suppress"
    site.host.up()
    both_ways(site.a1, site.s1)
    site.host.neighbor(site.s1.address4)
    answered(site.a2, request(site.a2, site.s1.address4), site.s1.address4, site.s1.mac_address, {}, (site.a1, site.s1))
    on_wire(site.switch, site.host, site.a2, request(site.a2, site.s1.address4), 0)
    on_wire(site.switch, site.host, site.a2, request(site.a2, ABSENT4), 1)

# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""Network tests whose ground is the kernel's: what is attached and taken away (clsact, where there is no TCX), offloads,
answers, floods, bridged VLANs by XDP, a team's failover, leases."""
from acceptance_checks import network_tests

scenario = network_tests((
    "detach_leaves_no_trace_with_hook_xdp",
    "a_clsact_and_filter_of_someone_else_stay",
    "tcp_and_udp_segments_reach_a_kernel_peer_over_ipv4_with_gro_on",
    "known_unicast_between_a_vlan_and_the_tunnel_is_bridged_by_xdp_alone",
), seconds=600)

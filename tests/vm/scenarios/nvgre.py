# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""NVGRE with the kernel's gretap, which the kernel of a development machine may lack."""
from acceptance_checks import network_tests

scenario = network_tests((
    "nvgre_interoperates_with_the_kernels_gretap_over_ipv4",
    "nvgre_interoperates_with_the_kernels_gretap_over_ipv6",
    "outer_fragments_of_nvgre_are_reassembled_by_the_gretap",
), seconds=600)

# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""Every network test on a kernel of choice: an hour or two of emulation, so by name only."""
from acceptance_checks import network_tests

scenario = network_tests(seconds=4 * 3600, by_name=True)

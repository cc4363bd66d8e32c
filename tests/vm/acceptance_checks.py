# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""The network tests (tests/netns) as checks of a scenario: the same tests, on a machine's kernel."""
import os

from run import load
from scenario import Scenario


def network_tests(wanted=None, **how):
    """A scenario of these tests, in this order; of all if None."""
    scenario = Scenario({"a": {"memory": 3072}}, own_labs=True, **how)
    tests = load()
    for name in wanted or tests:
        entry = tests[name]
        scenario.check(lambda lab, entry=entry: entry.function(os.environ["WEFT_BIN"]), name=name, seconds=entry.timeout)
    return scenario

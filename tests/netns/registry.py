# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""@test: the one list of network tests, filled as the test files are imported.

ctest runs two at a time. A test that measures time has the machine for itself: `alone`, or TIMED = True in its file.
"""
import dataclasses
import functools
from typing import Callable

from lab import Lab


@dataclasses.dataclass
class Entry:
    function: Callable
    timeout: int
    alone: bool


tests = {}


def test(function=None, *, timeout=60, mtu=1600, name=None, alone=False):
    """Marks a test. It gets a fresh Lab."""
    if function is None:
        return functools.partial(test, timeout=timeout, mtu=mtu, name=name, alone=alone)

    def body(binaries):
        with Lab(binaries, mtu=mtu) as lab:
            function(lab)

    name = name or function.__name__
    if name in tests:
        raise ValueError(f"two tests are called {name}")
    tests[name] = Entry(body, timeout, alone or function.__globals__.get("TIMED", False))
    return function

# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""@test: the one list of network tests, filled as the test files are imported."""
import dataclasses
import functools
from typing import Callable

from lab import Lab


@dataclasses.dataclass
class Entry:
    function: Callable
    timeout: int


tests = {}


def test(function=None, *, timeout=60, mtu=1600, name=None):
    """Marks a test. It gets a fresh Lab."""
    if function is None:
        return functools.partial(test, timeout=timeout, mtu=mtu, name=name)

    def body(binaries):
        with Lab(binaries, mtu=mtu) as lab:
            function(lab)

    name = name or function.__name__
    if name in tests:
        raise ValueError(f"two tests are called {name}")
    tests[name] = Entry(body, timeout)
    return function

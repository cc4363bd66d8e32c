# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""What a scenario is: machines, a setup and checks, in a module of its own under scenarios/.

    scenario = Scenario({"a": {"wires": ("underlay",)}, "b": {"wires": ("underlay",)}}, seconds=60)

    @scenario.setup
    def build(lab):            # what it returns every check gets
        return lab.weft_host("a")

    @scenario.check
    def guests_ping(lab, host):
        …
Every machine runs the setup and all checks, in one process and in the same order (inside.py); `lab` is a Lab of
tests/netns, so hosts and guests are namespaces, whose uplinks may be the machine's NICs. Machines wait for each other
with lab.meet. This module is read on the host, too, which boots the machines (run): nothing may happen at import.
"""
import dataclasses
import importlib
import os
import sys
from typing import Callable

HERE = os.path.dirname(os.path.abspath(__file__))


@dataclasses.dataclass
class Check:
    name: str
    function: Callable
    seconds: int


class Scenario:
    """`machines` maps a name to its hardware: wires (one NIC on each), cpus, memory in MiB, queues of each NIC. `seconds`
    is how long all of it may take; on an idle machine of two cores, under emulation, a third of that is used."""

    def __init__(self, machines, seconds, own_labs=False, by_name=False):
        self.machines, self.seconds = machines, seconds
        self.by_name = by_name  # runs only when it is named
        self.own_labs = own_labs  # checks take care of themselves: they get no lab
        self.build = None
        self.checks = []

    def setup(self, function):
        self.build = function
        return function

    def check(self, function=None, *, name=None, seconds=60):
        """`seconds` is for an idle machine that is not emulated."""
        if function is None:
            return lambda function: self.check(function, name=name, seconds=seconds)
        self.checks.append(Check(name or function.__name__, function, seconds))
        return function


def names():
    return sorted(name[:-3] for name in os.listdir(f"{HERE}/scenarios") if name.endswith(".py"))


def load(name):
    for path in (f"{HERE}/scenarios", os.path.join(HERE, "../netns")):
        if path not in sys.path:
            sys.path.append(path)
    return importlib.import_module(name).scenario

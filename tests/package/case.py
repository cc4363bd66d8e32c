# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""@test for tests of the package: they get a Build. `run` lists and runs them as tests/netns/run.py does its own."""
import functools
import glob
import os
import shutil

from netns import Failure, Skip
from registry import Entry, tests

HERE = os.path.dirname(os.path.abspath(__file__))
SOURCE = os.path.dirname(os.path.dirname(HERE))


class Build:
    """A build tree, and the one package in it."""

    def __init__(self, directory):
        self.directory = os.path.abspath(directory)
        self.bin = f"{self.directory}/bin"

    def deb(self):
        found = glob.glob(f"{self.directory}/weft_*.deb")
        if not found:
            raise Skip("no package: cmake --build build/release --target package says what is missing")
        return max(found, key=os.path.getmtime)  # of several versions, the one that was made last

    def file(self, name):
        path = f"{self.directory}/{name}"
        if not os.path.exists(path):
            raise Skip(f"{path} is not built")
        return path


def test(function=None, *, timeout=60):
    if function is None:
        return functools.partial(test, timeout=timeout)
    tests[function.__name__] = Entry(lambda directory: function(Build(directory)), timeout, alone=False)
    return function


def check(condition, what):
    if not condition:
        raise Failure(what)


def need(*tools):
    for tool in tools:
        if not shutil.which(tool):
            raise Skip(f"no {tool}: scripts/install-packages")

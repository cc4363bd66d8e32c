#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""Runs network tests: run.py [--bin DIR] NAME… | --list | --all. Exit 0 passed, 1 failed, 77 skipped (with the reason).

A test is a function marked @test in a test_*.py beside this file; its name is the sentence it shows.
"""
import argparse
import glob
import importlib
import os
import signal
import sys
import time
import traceback

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from leftovers import sweep  # noqa: E402
from netns import Failure, Skip  # noqa: E402
from registry import tests  # noqa: E402


def load():
    here = os.path.dirname(os.path.abspath(__file__))
    for path in sorted(glob.glob(f"{here}/test_*.py")):
        importlib.import_module(os.path.basename(path)[:-3])
    return tests


def expired(seconds):
    def handler(number, frame):
        raise Failure(f"not done in {seconds} s")
    return handler


def run_one(name, binaries):
    """0, 1 or 77."""
    entry = tests[name]
    signal.signal(signal.SIGALRM, expired(entry.timeout))
    signal.alarm(entry.timeout)
    begin = time.monotonic()
    try:
        entry.function(binaries)
        print(f"passed  {name}  {time.monotonic() - begin:.1f} s", flush=True)
        return 0
    except Skip as reason:
        print(f"SKIP  {name}: {reason}", flush=True)
        return 77
    except Failure as failure:
        where = traceback.extract_tb(failure.__traceback__)
        lines = [f"{os.path.basename(frame.filename)}:{frame.lineno}" for frame in where if "test_" in frame.filename]
        print(f"FAILED  {name} ({' '.join(lines)}): {failure}", flush=True)
        return 1
    except Exception:
        traceback.print_exc()
        print(f"FAILED  {name}", flush=True)
        return 1
    finally:
        signal.alarm(0)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*")
    parser.add_argument("--bin", default="build/release/bin", help="where weftd and weft are")
    parser.add_argument("--list", action="store_true",
                        help="print name and timeout of every test, and `alone` where none may run beside it")
    parser.add_argument("--all", action="store_true")
    arguments = parser.parse_args()
    load()
    if arguments.list:
        print("\n".join(f"{name} {entry.timeout}{' alone' * entry.alone}" for name, entry in tests.items()))
        return 0
    unknown = [name for name in arguments.names if name not in tests]
    if unknown or not (arguments.names or arguments.all):
        parser.error(f"no such test: {' '.join(unknown)}" if unknown else "name a test, or --all")
    sweep()
    codes = [run_one(name, arguments.bin) for name in (tests if arguments.all else arguments.names)]
    if len(codes) > 1:
        print(f"{codes.count(0)} passed, {codes.count(1)} failed, {codes.count(77)} skipped")
    return 1 if 1 in codes else 77 if 77 in codes and 0 not in codes else 0


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/python3 -B
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""What tests/vm/run says where no machine can be booted: exit 77 and one line that says what to do, never a pass."""
import os
import subprocess
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
CACHE = os.path.join(HERE, "../../build/vm")


def refused(*words, before="", path=None):
    """run's exit code and its lines, in a mount namespace of its own after the shell command `before`."""
    command = f'{before or ":"} && exec /usr/bin/python3 -B "$0" "$@"'
    result = subprocess.run(["/usr/bin/unshare", "--mount", "/bin/sh", "-c", command, f"{HERE}/run", *words], text=True, timeout=120,
                            capture_output=True, check=False, stdin=subprocess.DEVNULL,
                            env={**os.environ, "PATH": path or os.environ["PATH"]})
    return result.returncode, (result.stdout + result.stderr).splitlines()


class Refusals(unittest.TestCase):
    def says(self, answer, *parts):
        code, lines = answer
        self.assertEqual(code, 77, lines)
        self.assertEqual(len(lines), 1, lines)
        for part in parts:
            self.assertIn(part, lines[0])

    def only(self, name, script):
        """A PATH on which `name` is this shell script."""
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        with open(f"{folder.name}/{name}", "w", encoding="ascii") as file:
            file.write(f"#!/bin/sh\n{script}\n")
        os.chmod(f"{folder.name}/{name}", 0o755)
        return f"{folder.name}:{os.environ['PATH']}"

    def test_no_qemu(self):
        self.says(refused("smoke", path="/nowhere"), "no qemu-system-x86_64", "apt-get install qemu-system-x86")

    def test_an_old_qemu(self):
        path = self.only("qemu-system-x86_64", "echo QEMU emulator version 3.1.0")
        self.says(refused("smoke", path=path), "3.1.0", "4.2 or newer", "apt-get install qemu-system-x86")

    def test_no_such_kernel(self):
        self.says(refused("--kernel", "/nowhere/vmlinuz-1", "smoke"), "no kernel /nowhere/vmlinuz-1", "linux-image")

    def test_an_image_without_modules(self):
        with tempfile.TemporaryDirectory() as root:
            os.mkdir(f"{root}/boot")
            with open(f"{root}/boot/vmlinuz-9.9", "wb"):
                pass
            self.says(refused("--kernel", f"{root}/boot/vmlinuz-9.9", "smoke"), "no modules of kernel 9.9")

    def test_what_is_no_package(self):
        with tempfile.NamedTemporaryFile(suffix=".deb") as file:
            self.says(refused("--kernel", file.name, "smoke"), "not a package")

    def test_a_full_disk(self):
        with tempfile.NamedTemporaryFile(suffix=".deb") as file:
            self.says(refused("--kernel", file.name, "smoke", before=f"mount -t tmpfs -o size=1m tmpfs {CACHE}"),
                      "no space", "MB are free")

    def test_no_binaries(self):
        self.says(refused("--bin", "/nowhere", "smoke"), "no /nowhere/weftd", "cmake --build")

    def test_an_unknown_scenario_is_a_usage_error(self):
        code, lines = refused("no-such")
        self.assertEqual(code, 2)
        self.assertIn("no such scenario: no-such", lines[-1])


if __name__ == "__main__":
    if os.geteuid():
        print("SKIP: a mount namespace needs root")
        sys.exit(77)
    os.makedirs(CACHE, exist_ok=True)
    unittest.main()

# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""The hardening of the unit: that it is there. test_life.py shows that the daemon works with it."""
import re
import tempfile

from case import SOURCE, check, need, test
from netns import run

CEILING = 2.4  # of `systemd-analyze security`, 10 is the worst; docs/operations.md states it


@test
def the_unit_is_as_exposed_as_the_documentation_says(build):
    need("systemd-analyze")
    with tempfile.TemporaryDirectory() as folder:
        run("dpkg-deb", "-R", build.deb(), folder)
        unit = f"{folder}/lib/systemd/system/weftd.service"
        said = run("systemd-analyze", "security", "--offline=true", "--no-pager", f"--threshold={int(CEILING * 10)}", unit,
                   check=False)
    score = re.search(r"Overall exposure level for weftd.service: ([0-9.]+)", said.stdout)
    check(score, f"no score: {said.stdout[-500:]}{said.stderr}")
    check(float(score[1]) <= CEILING, f"{score[1]}, {CEILING} at most")
    with open(f"{SOURCE}/docs/operations.md", encoding="utf-8") as file:
        stated = re.search(r"`systemd-analyze security weftd` [^.]*?([0-9]+\.[0-9])", file.read())
    check(stated and stated[1] == score[1], f"docs/operations.md says {stated and stated[1]}, it is {score[1]}")

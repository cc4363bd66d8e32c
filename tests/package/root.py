# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""A clean Debian 12 with what the package depends on, made by mmdebstrap from where this machine's own apt gets Debian."""
import glob
import hashlib
import os
import re
import shutil

from case import SOURCE, need
from netns import Failure, Skip, run

SUITE = "bookworm"


def packages_of(deb):
    """Names of what apt would install with the package, of alternatives the first; and systemd as process 1."""
    wanted = [run("dpkg-deb", "-f", deb, field).stdout for field in ("Depends", "Recommends")]
    names = {re.match(r"[a-z0-9.+-]+", one.strip()).group() for field in wanted for one in field.split(",")}
    return sorted(names | {"systemd", "systemd-sysv"})


def sources():
    """sources.list lines of the Debian that apt here knows."""
    found = run("apt-get", "indextargets", "--format", "deb $(REPO_URI) $(CODENAME) $(COMPONENT)",
                "Created-By: Packages", "Origin: Debian").stdout
    lines = [line for line in found.splitlines() if line.split()[2].startswith(SUITE)]
    if not lines:
        raise Skip(f"apt knows no Debian {SUITE} here: apt-get update")
    return "\n".join(lines) + "\n"


def prepare(build):
    """The folder of the root; made once for a list of packages."""
    if os.geteuid():
        raise Skip("needs root")
    need("mmdebstrap", "dpkg-deb", "apt-get")
    packages = packages_of(build.deb())
    key = hashlib.sha256(" ".join([SUITE, *packages]).encode()).hexdigest()[:12]
    root = f"{SOURCE}/build/package/root-{key}"
    if os.path.isdir(root):
        return root
    os.makedirs(os.path.dirname(root), exist_ok=True)
    for old in glob.glob(f"{SOURCE}/build/package/root-*"):  # of another list, or of a run that was killed
        shutil.rmtree(old)
    part = f"{root}.{os.getpid()}"
    try:
        made = run("mmdebstrap", "--variant=minbase", f"--include={','.join(packages)}", SUITE, part, "-", stdin=sources(),
                   check=False, timeout=900)
        if made.returncode:
            raise Failure(f"mmdebstrap: exit {made.returncode}\n{made.stderr[-2000:]}")
        os.rename(part, root)
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return root

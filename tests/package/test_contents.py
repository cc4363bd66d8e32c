# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""What is in the package, and what Debian's own checker says of it."""
import os
import tempfile

from case import SOURCE, check, need, test
from netns import run

FILES = """
/etc/weft/
/lib/systemd/system/weftd.service
/usr/bin/weft
/usr/bin/weft-keepalived
/usr/lib/sysctl.d/60-weft.conf
/usr/lib/sysusers.d/weft.conf
/usr/lib/tmpfiles.d/weft.conf
/usr/libexec/weft/weft-notify
/usr/sbin/weftd
/usr/share/bash-completion/completions/weft
/usr/share/bash-completion/completions/weftd
/usr/share/doc/weft/changelog.Debian.gz
/usr/share/doc/weft/copyright
/usr/share/doc/weft/examples/overlay.json
/usr/share/doc/weft/operations.md
/usr/share/man/man5/weft.json.5.gz
/usr/share/man/man8/weft.8.gz
/usr/share/man/man8/weftd.8.gz
/usr/share/weft/weft.schema.json
""".split()


def unpacked(build, folder):
    run("dpkg-deb", "-R", build.deb(), folder)
    return folder


@test
def the_package_has_what_it_should_and_no_live_document(build):
    lines = run("dpkg-deb", "-c", build.deb()).stdout.splitlines()
    rows = {line.split()[5].lstrip("."): line.split() for line in lines}
    check(not set(FILES) - set(rows), f"missing: {sorted(set(FILES) - set(rows))}")
    check("/etc/weft/weft.json" not in rows, "a document would claim interfaces that it does not know")
    for name, row in rows.items():
        writable = row[0][0] != "l" and "w" in row[0][4:]
        check(row[1] == "root/root" and not writable, f"{name}: {row[0]} {row[1]}")
    stray = [name for name in rows if name != "/" and not name.startswith(("/etc/", "/lib/", "/usr/"))]
    check(not stray and not [name for name in rows if "/local/" in name], f"stray: {stray or sorted(rows)}")


@test
def whoever_builds_the_package_its_files_name_only_installed_paths(build):
    with tempfile.TemporaryDirectory() as folder:
        unpacked(build, folder)
        for where, _, names in os.walk(folder):
            for name in names:
                with open(f"{where}/{name}", "rb") as file:
                    data = file.read()
                check(b"/usr/local/sbin" not in data and b"/usr/local/libexec" not in data, f"{name} names /usr/local")
                check(SOURCE.encode() not in data, f"{name} names the source tree {SOURCE}")
        with open(f"{folder}/lib/systemd/system/weftd.service", encoding="utf-8") as file:
            unit = file.read()
        check("ExecStart=/usr/sbin/weftd --config /etc/weft/weft.json\n" in unit, unit)
        with open(f"{folder}/usr/bin/weft-keepalived", encoding="utf-8") as file:
            check('WEFT = "/usr/bin/weft"' in file.read(), "weft-keepalived does not call /usr/bin/weft")


@test
def what_an_installed_weft_needs_is_what_it_depends_on(build):
    depends = run("dpkg-deb", "-f", build.deb(), "Depends").stdout
    for name in ("libbpf", "libxdp", "libmnl", "libc6 ", "python3", "systemd"):
        check(name in depends, f"no {name} in {depends}")
    version = run(f"{build.bin}/weft", "--version").stdout.split()[1]
    check(run("dpkg-deb", "-f", build.deb(), "Version").stdout.startswith(f"{version}-"), f"another version than {version}")


@test(timeout=120)
def lintian_has_no_errors_and_no_warnings(build):
    need("lintian")
    said = run("lintian", "--no-tag-display-limit", "--fail-on", "error,warning", build.deb(), check=False, timeout=110)
    check(said.returncode == 0, f"lintian: exit {said.returncode}\n{said.stdout}{said.stderr}")


@test
def examples_are_documents_that_weft_takes(build):
    with tempfile.TemporaryDirectory() as folder:
        examples = f"{unpacked(build, folder)}/usr/share/doc/weft/examples"
        names = sorted(os.listdir(examples))
        check(names, "no examples")
        for name in names:
            run(f"{build.bin}/weft", "config", "check", f"{examples}/{name}")

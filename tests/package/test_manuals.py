# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""The manuals, as man shows them."""
import json
import os
import re

from case import SOURCE, check, need, test
from netns import run

PAGES = ("weft.8", "weft.json.5", "weftd.8")


def rendered(build, name, *options):
    """(what man prints, as words; what it warns of). A word that ends a line with its own hyphen is whole again."""
    need("man")
    said = run("man", *options, "-E", "UTF-8", "-l", "-Tutf8", build.file(f"man/{name}"), check=False,
               env={**os.environ, "LC_ALL": "C.UTF-8", "MANROFFSEQ": "", "MANWIDTH": "80", "PAGER": "cat"})
    check(said.returncode == 0, f"man: exit {said.returncode}: {said.stderr}")
    plain = re.sub("\x1b\\[[0-9;]*m|.\b", "", said.stdout)
    return " ".join(re.sub(r"-\n +", "-", plain).split()), said.stderr


@test
def every_manual_is_rendered_without_a_warning(build):
    for name in PAGES:
        text, warnings = rendered(build, name, "--warnings")
        check(not warnings, f"{name}: {warnings}")
        check(text.startswith(f"{name.rsplit('.', 1)[0].upper()}({name[-1]})") and " NAME " in text, text[:200])


@test
def the_manual_of_weft_has_every_command_and_option(build):
    text, _ = rendered(build, "weft.8", "--no-hyphenation")
    for command, options in commands(build).items():
        check(f"weft {command}" in text, f"no weft {command}")
        for option in options:
            check(option in text, f"no {option} of weft {command}")


def commands(build):
    """{"fdb add": ["--segment", …]} of the table of commands, as its completion has it."""
    text = run(f"{build.bin}/weft", "completion", "bash").stdout
    body = re.search(r"^_weft_options\(\) \{(.*?)^\}", text, re.M | re.S)[1]
    found = {name: words.split() for name, words in re.findall(r'^ *"([a-z -]+)"\) echo "([^"]*)" ;;', body, re.M)}
    check(len(found) > 50, f"{len(found)} commands")
    return found


@test
def the_manual_of_the_document_has_every_key_of_the_schema(build):
    text, _ = rendered(build, "weft.json.5", "--no-hyphenation")
    with open(f"{SOURCE}/dist/weft.schema.json", encoding="utf-8") as file:
        schema = json.load(file)
    names = set(keys_of(schema))
    check(len(names) > 100, f"{len(names)} keys")
    absent = sorted(name for name in names if not re.search(rf"(?<![a-z_]){name}(?![a-z_])", text))
    check(not absent, f"not in weft.json(5): {absent}")


def keys_of(node):
    if isinstance(node, dict):
        yield from node.get("properties", {})
        for value in node.values():
            yield from keys_of(value)
    elif isinstance(node, list):
        for value in node:
            yield from keys_of(value)


@test
def the_manual_of_weftd_has_every_option_and_no_other(build):
    text, _ = rendered(build, "weftd.8", "--no-hyphenation")
    options = set(re.findall(r"--[a-z-]+", run(f"{build.bin}/weftd", "--help").stdout))
    check(len(options) >= 8, f"options {options}")
    check(not {option for option in options if option not in text}, f"of {sorted(options)} one is not in weftd(8)")
    own = text.split(" weft-keepalived weft-keepalived ")[0]
    check(own != text, "no section weft-keepalived")
    check(set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", own)) <= options, f"weftd(8) has more than {sorted(options)}")

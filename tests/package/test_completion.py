# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""The completion, driven as bash does it: COMP_WORDS in, COMPREPLY out."""
import os
import re
import tempfile

from case import SOURCE, check, test
from netns import Skip, run

DRIVER = r"""
source "$1"
while IFS= read -r line; do
    eval "COMP_WORDS=($line)"
    COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
    COMPREPLY=()
    _weft
    echo "${COMPREPLY[*]}"
done
"""

# A line as it is typed, and words of which each must, or (!) must not be offered. '' is the word that is not begun yet.
CASES = """
weft ''                                         | segment fdb status monitor !completion !list
weft se                                         | segment !fdb
weft fdb ''                                     | list add set del flush !show
weft fdb a                                      | add !list
weft --instance other fdb ''                    | list flush
weft --json fdb ''                              | list flush
weft -                                          | --instance --json --help --version !--segment
weft fdb add -                                  | --segment --mac --batch --json !--arp
weft fdb add --segment blue --re                | --remote !--segment
weft segment add blue --arp ''                  | off suppress strict local-proxy !on
weft segment add blue --arp s                   | suppress strict !off
weft segment add blue --arp = l                 | local-proxy !off
weft segment set blue --encapsulation ''        | vxlan nvgre
weft segment set blue --learning ''             | on off
weft bridge set --role ''                       | designated standby elected
weft switch add s --team-policy ''              | explicit port source-mac ip-hash
weft port-group set g --security-mac-changes '' | accept reject
weft uplink add eth0 --hook ''                  | auto xdp xdp-generic tc
weft fdb list --origin ''                       | cli evpn dynamic config
weft stats --by ''                              | segment port verdict
weft stats -                                    | --by
weft route list --kind ''                       | via blackhole connected
weft config show --owner ''                     | config cli
weft config check ''                            | example.json
weft fdb add --batch ex                         | example.json
weft port add ''                                | lo
weft --instance lab segment show ''             | names-of-segment-in-lab
weft fdb list --segment ''                      | names-of-segment-in-default
weft fdb list --dynamic --port ''               | names-of-port-in-default
weft port del ''                                | names-of-port-in-default
weft segment del blue ''                        | !names-of-segment-in-default !blue
weft nonsense ''                                | !list !add
"""

# In place of a daemon's answers.
FAKE = """#!/bin/sh
instance=default
[ "$1" = --instance ] && { instance=$2; shift 2; }
[ "$2" = list ] && printf 'name  vni\\nnames-of-%s-in-%s  5001\\n' "$1" "$instance"
"""


def completed(build, lines):
    """What is offered for each line, as a list of words."""
    with tempfile.TemporaryDirectory() as folder:
        with open(f"{folder}/example.json", "w", encoding="utf-8"), open(f"{folder}/weft", "w", encoding="utf-8") as fake:
            fake.write(FAKE)
        os.chmod(f"{folder}/weft", 0o755)
        said = run("bash", "--norc", "-u", "-c", DRIVER, "bash", build.file("installed/weft.bash"), cwd=folder,
                   stdin="\n".join(lines) + "\n", env={**os.environ, "PATH": f"{folder}:/usr/bin:/bin"})
    check(not said.stderr, said.stderr)
    offers = said.stdout.split("\n")[:-1]
    check(len(offers) == len(lines), f"{len(offers)} answers to {len(lines)} lines")
    return [offer.split() for offer in offers]


@test
def completion_offers_what_can_follow(build):
    rows = [row.split("|") for row in CASES.strip().splitlines()]
    for (line, words), offer in zip(rows, completed(build, [row[0].strip() for row in rows])):
        for word in words.split():
            wanted = not word.startswith("!")
            check((word.lstrip("!") in offer) == wanted, f"{line.strip()}: {word.lstrip('!')} "
                  f"{'is not' if wanted else 'is'} among {offer}")


@test
def completion_knows_every_noun_verb_and_option_of_the_help(build):
    weft = f"{build.bin}/weft"
    help_text = run(weft, "--help").stdout
    commands = [line.split() for line in re.findall(r"^  ([a-z][a-z-]*(?: [a-z]+)?)(?= {2,}| [A-Z]+ )", help_text, re.M)]
    check(len(commands) > 50, f"{len(commands)} commands in the help")
    nouns = {words[0] for words in commands}
    lines = ["weft ''"] + [f"weft {words[0]} ''" for words in commands] + [f"weft {noun} list --" for noun in sorted(nouns)]
    offers = completed(build, lines)
    check(set(offers[0]) == nouns, f"nouns: {sorted(set(offers[0]) ^ nouns)}")
    for words, offer in zip(commands, offers[1:]):
        verbs = {other[1] for other in commands if other[0] == words[0] and len(other) > 1}
        check(set(offer) == verbs if verbs else True, f"{words[0]}: {sorted(set(offer) ^ verbs)}")
    for noun in sorted(nouns):
        helped = set(re.findall(r"^  (--[a-z0-9-]+)", run(weft, noun, "--help").stdout, re.M))
        verbs = [words[1] for words in commands if words[0] == noun and len(words) > 1]
        offered = set(sum(completed(build, [f"weft {noun} {verb} --" for verb in verbs] or [f"weft {noun} --"]), []))
        check(offered == helped | {"--help"}, f"{noun}: {sorted(offered ^ (helped | {'--help'}))}")


@test
def completion_of_weftd_offers_the_options_of_its_help(build):
    framework = "/usr/share/bash-completion/bash_completion"
    if not os.path.exists(framework):
        raise Skip("no bash-completion: scripts/install-packages")
    driver = 'source "$1"; source "$2"; COMP_LINE="weftd --"; COMP_POINT=8; COMP_WORDS=(weftd --); COMP_CWORD=1\n' \
             '_longopt weftd -- weftd; echo "${COMPREPLY[*]}"; complete -p weftd'
    said = run("bash", "--norc", "-c", driver, "bash", framework, f"{SOURCE}/dist/weftd.bash",
               env={**os.environ, "PATH": f"{build.bin}:/usr/bin:/bin"}).stdout
    check("complete -F _longopt weftd" in said, said)
    options = set(re.findall(r"--[a-z-]+", run(f"{build.bin}/weftd", "--help").stdout))
    check(options and options <= set(said.split()), f"of {sorted(options)} only {said} are offered")


@test
def every_option_with_a_fixed_choice_in_its_help_completes_it(build):
    weft = f"{build.bin}/weft"
    seen = 0
    for noun in ("segment", "port", "uplink", "bridge", "switch", "port-group", "routing-domain", "route", "acl", "fdb"):
        for option, text in re.findall(r"^  (--[a-z-]+) [A-Z]+ +((?:[a-z0-9.-]+, )*[a-z0-9.-]+ or [a-z0-9.-]+)(?:$|[ ,])",
                                       run(weft, noun, "--help").stdout, re.M):
            words = set(re.findall(r"[a-z0-9.-]+", text)) - {"or", "none"}
            offer = completed(build, [f"weft {noun} {verb} {option} ''" for verb in ("set", "add", "list")])
            check(any(words <= set(one) for one in offer), f"weft {noun} {option}: {sorted(words)} not all in {offer}")
            seen += 1
    check(seen >= 10, f"{seen} options with a choice in the help")

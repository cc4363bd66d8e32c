# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""The command line against a running daemon: exit codes, one clear line for a mistake, lists that scripts can read."""
import json
import re

from lab import VNI
from netns import run
from overlay import check, deliver, hosts_with_guests, introduce, plain
from registry import test
from wire import BROADCAST

MAC = "02:00:00:00:aa:01"


def exits(host, code, *words, stdin=None, said=None):
    """The command ends with `code`; a refusal says one line on stderr, which holds `said`."""
    result = host.weft(*words, check=False, stdin=stdin)
    check(result.returncode == code,
          f"weft {' '.join(map(str, words))}: exit {result.returncode}, {code} expected\n{result.stdout}{result.stderr}")
    if code in (1, 3):
        check(len(result.stderr.strip().splitlines()) == 1, f"weft {' '.join(map(str, words))} said:\n{result.stderr}")
    if said:
        check(said in result.stderr, f"{said!r} is not in: {result.stderr}")
    return result


@test
def exit_codes_tell_done_refused_misused_and_no_daemon(lab):
    (a, b), (a1, _) = hosts_with_guests(lab, ("a", "b"))
    exits(a, 0, "status")
    exits(a, 2, "no-such-noun")
    exits(a, 2, "fdb", "list", "--no-such-option")
    exits(a, 2, "fdb", "add", "--segment", "blue")
    exits(a, 1, "fdb", "add", "--segment", "none", "--mac", MAC, "--remote", b.address, said="none")
    exits(a, 1, "fdb", "del", "--segment", "blue", "--mac", MAC)
    exits(a, 1, "segment", "show", "none", said="none")
    a.down()
    exits(a, 3, "status")
    exits(a, 3, "fdb", "list")
    exits(a, 3, "check")


@test
def static_entries_are_added_refused_replaced_and_deleted(lab):
    (a, b), (a1, b1) = hosts_with_guests(lab, ("a", "b"))
    words = ("--segment", "blue", "--mac", MAC)
    exits(a, 0, "fdb", "add", *words, "--remote", b.address)
    exits(a, 0, "fdb", "add", *words, "--remote", b.address)
    exits(a, 1, "fdb", "add", *words, "--port", a1.port, said=MAC)
    exits(a, 0, "fdb", "set", *words, "--port", a1.port)
    (entry,) = a.fdb(mac=MAC)
    check(entry["port"] == a1.port and entry["origin"] == "cli" and entry["age_seconds"] is None, f"entry is {entry}")
    exits(a, 0, "fdb", "del", *words)
    check(not a.fdb(mac=MAC), "it is still there")
    words = ("--segment", "blue", "--ip", "198.51.100.9")
    exits(a, 0, "neighbor", "add", *words, "--mac", MAC)
    exits(a, 0, "neighbor", "add", *words, "--mac", MAC)
    exits(a, 1, "neighbor", "add", *words, "--mac", "02:00:00:00:aa:02")
    exits(a, 0, "neighbor", "set", *words, "--mac", "02:00:00:00:aa:02")
    exits(a, 0, "neighbor", "del", *words)
    exits(a, 1, "neighbor", "del", *words)


@test
def a_vni_that_is_not_the_segments_goes_with_a_remote_only(lab):
    (a, b), (a1, b1) = hosts_with_guests(lab, ("a", "b"))
    words = ("add", "--segment", "blue", "--mac", MAC)
    exits(a, 1, "fdb", *words, "--port", a1.port, "--vni", VNI + 1, said=str(VNI + 1))
    exits(a, 1, "neighbor", *words, "--ip", "198.51.100.9", "--vni", VNI + 1, said=str(VNI + 1))
    exits(a, 0, "fdb", *words, "--port", a1.port, "--vni", VNI)
    exits(a, 0, "neighbor", *words, "--ip", "198.51.100.9", "--remote", b.address, "--vni", VNI + 1)


@test
def a_static_entry_replaces_a_learned_one(lab):
    (a, b, k), (a1, b1, k1) = hosts_with_guests(lab, ("a", "b", "k"))
    introduce((a1, b1, k1), (a, b))
    exits(a, 0, "fdb", "add", "--segment", "blue", "--mac", b1.mac_address, "--remote", k.address)
    (entry,) = a.fdb(mac=b1.mac_address)
    check(entry["remote"] == k.address and entry["origin"] == "cli", f"entry is {entry}")


@test
def lists_filter_and_flush_says_how_many_went(lab):
    (a, b), (a1, a2, b1, b2) = hosts_with_guests(lab, ("a", "b"), guests=2)
    introduce((a1, a2, b1, b2), (a, b))
    check({entry["mac"] for entry in a.json("fdb", "list", "--remote", b.address)} == {b1.mac_address, b2.mac_address},
          "the filter by remote")
    check([entry["mac"] for entry in a.json("fdb", "list", "--port", a2.port, "--segment", "blue")] == [a2.mac_address],
          "the filter by port and segment")
    said = exits(a, 0, "fdb", "flush", "--segment", "blue", "--remote", b.address).stdout
    check(re.search(r"\b2\b", said), f"flush of 2 said: {said}")
    deliver(a1, plain(a1, BROADCAST), to=[a2, b1, b2])
    a1.ping(b1.address4)
    a.learned(b1.mac_address)


@test
def a_batch_tries_every_line_and_names_the_wrong_ones(lab):
    (a, b), _ = hosts_with_guests(lab, ("a", "b"))
    lines = [{"segment": "blue", "mac": f"02:00:00:00:ab:{number:02x}", "remote": b.address} for number in range(200)]
    text = [json.dumps(line) for line in lines]
    exits(a, 0, "fdb", "add", "--batch", "-", stdin="\n".join(text) + "\n")
    check(len(a.fdb(origin="cli")) == 200, f"{len(a.fdb(origin='cli'))} entries, 200 expected")
    text[4], text[9] = '{"segment":"none","mac":"02:00:00:00:ac:01","remote":"192.0.2.2"}', "no JSON"
    result = a.weft("fdb", "set", "--batch", "-", stdin="\n".join(text) + "\n", check=False)
    check(result.returncode == 1, f"a batch with wrong lines is {result.returncode}")
    said = result.stderr.strip().splitlines()
    check(len(said) == 2 and all(f"line {number}:" in result.stderr for number in (5, 10)), f"stderr:\n{result.stderr}")
    listed = "\n".join(json.dumps(entry) for entry in a.fdb(origin="cli"))
    exits(a, 0, "fdb", "set", "--batch", "-", stdin=listed + "\n")


WRONG = {
    "vtep": {"address": "224.0.0.1", "prot": 4789},
    "uplinks": [{"interface": "eth0", "hook": "fast"}],
    "segments": [{"name": "blue", "vni": VNI, "remotes": ["192.0.2.2"]}, {"name": "green", "vni": VNI},
                 {"name": "red", "vni": 16777216, "learning": "yes"}],
    "ports": [{"interface": "p-a1", "segment": "blue"}, {"interface": "p-a1", "segment": "green"}],
    "fdb": [{"segment": "blue", "mac": "01:00:00:00:00:01", "remote": "192.0.2.2"}],
}
PATHS = ("vtep", "address", "prot", "hook", "segments", "vni", "learning", "ports", "fdb", "mac")


@test
def every_mistake_of_a_document_is_named_at_once_and_nothing_changes(lab):
    (a, b), (a1, b1) = hosts_with_guests(lab, ("a", "b"))
    before = a.json("config", "show")
    path = f"{lab.directory}/wrong.json"
    with open(path, "w", encoding="ascii") as file:
        json.dump(WRONG, file)
    for verb in ("check", "apply"):
        result = a.weft("config", verb, path, check=False)
        check(result.returncode == 1, f"config {verb} of a wrong document is {result.returncode}")
        for word in PATHS:
            check(word in result.stderr, f"config {verb} does not name {word}:\n{result.stderr}")
        check(len(result.stderr.strip().splitlines()) >= 7, f"not all complaints at once:\n{result.stderr}")
    check(a.json("config", "show") == before, "a refused document changed something")
    a1.ping(b1.address4)


@test
def a_daemon_refuses_a_wrong_document_with_every_complaint(lab):
    (a,), _ = hosts_with_guests(lab, ("a",), up=False)
    a.document = WRONG
    a.write()
    result = a.command(f"{lab.binaries}/weftd", "--config", a.file, "--instance", a.instance, check=False, timeout=10)
    check(result.returncode == 1, f"exit {result.returncode}, 1 expected")
    for word in PATHS:
        check(word in result.stderr + result.stdout, f"{word} is not named:\n{result.stderr}")


@test(mtu=1500)
def a_segment_mtu_that_cannot_fit_is_refused_with_the_numbers(lab):
    (a, b), (a1, b1) = hosts_with_guests(lab, ("a", "b"))
    a.document["segments"][0]["mtu"] = 1500
    result = a.weft("config", "apply", a.write(), check=False)
    check(result.returncode == 1, f"exit {result.returncode}, 1 expected")
    for number in ("1500", "50", "1550"):
        check(number in result.stderr, f"{number} is not in: {result.stderr}")
    a1.ping(b1.address4)


@test
def apply_sweeps_what_config_owned_and_keeps_what_the_cli_made(lab):
    (a, b, k), (a1, b1, k1) = hosts_with_guests(lab, ("a", "b", "k"))
    a.weft("fdb", "add", "--segment", "blue", "--mac", MAC, "--remote", b.address)
    a.document["fdb"] = [{"segment": "blue", "mac": "02:00:00:00:aa:05", "remote": b.address}]
    exits(a, 0, "config", "apply", a.write())
    check(a.fdb(mac="02:00:00:00:aa:05", origin="config") and a.fdb(mac=MAC, origin="cli"), "after the first apply")
    a.document["fdb"] = []
    a.document["segments"][0]["remotes"] = [b.address]
    exits(a, 0, "config", "apply", a.write())
    check(not a.fdb(mac="02:00:00:00:aa:05") and a.fdb(mac=MAC, origin="cli"), "after the second apply")
    deliver(a1, plain(a1, BROADCAST), to=[b1], none=[k1], wires={a: 1})
    exits(a, 0, "config", "apply", a.file, "--replace")
    check(not a.fdb(mac=MAC), "--replace keeps a cli entry")


@test
def a_document_without_the_segment_of_a_port_of_the_cli_is_refused_by_the_ports_name(lab):
    (a, b), (a1, a2, b1, b2) = hosts_with_guests(lab, ("a", "b"), guests=2)
    exits(a, 0, "port", "del", a2.port)
    exits(a, 0, "port", "add", a2.port, "--segment", "blue")
    a.document["segments"], a.document["ports"] = [], []
    exits(a, 1, "config", "apply", a.write(), said=f"port {a2.port} of the CLI")
    deliver(a1, plain(a1, BROADCAST), to=[a2, b1, b2])
    exits(a, 0, "config", "apply", a.file, "--replace")
    check(not a.json("segment", "list") and not a.json("port", "list"), "--replace left objects")


@test
def a_segment_more_than_there_is_room_for_is_refused_with_the_number(lab):
    a = lab.weft_host("a")
    a.document["segments"] = [{"name": f"s{number}", "vni": number} for number in range(1, 1024)]
    a.up()
    exits(a, 1, "segment", "add", "extra", "--vni", 9999, said="1023")
    check(len(a.json("segment", "list")) == 1023, "the refused segment is in the list")
    exits(a, 0, "check")


@test
def a_dry_run_changes_nothing(lab):
    (a, b, k), (a1, b1, k1) = hosts_with_guests(lab, ("a", "b", "k"))
    a.document["segments"][0]["remotes"] = [b.address]
    exits(a, 0, "config", "apply", a.write(), "--dry-run")
    deliver(a1, plain(a1, BROADCAST), to=[b1, k1], wires={a: 2})


@test
def what_config_show_gives_can_be_applied(lab):
    (a, b), (a1, b1) = hosts_with_guests(lab, ("a", "b"))
    a.weft("fdb", "add", "--segment", "blue", "--mac", MAC, "--remote", b.address)
    path = f"{lab.directory}/shown.json"
    with open(path, "w", encoding="utf-8") as file:
        file.write(a.weft("config", "show").stdout)
    exits(a, 0, "config", "check", path)
    exits(a, 0, "config", "apply", path)
    check(a.fdb(mac=MAC, origin="config"), "a cli object under a key of the document is not config's")
    a1.ping(b1.address4)


@test
def counters_are_shown_by_segment_port_and_verdict(lab):
    (a, b), (a1, b1) = hosts_with_guests(lab, ("a", "b"))
    introduce((a1, b1), (a, b))
    before = a.verdicts()
    deliver(a1, plain(a1, b1.mac_address), to=[b1], frames=50)
    now = a.verdicts()
    check(now.get("TX_REMOTE", 0) - before.get("TX_REMOTE", 0) == 50, f"TX_REMOTE before {before}, after {now}")
    for by in ("segment", "port", "verdict"):
        check(a.json("stats", "--by", by), f"weft stats --by {by} is empty")
        check(a.weft("stats", "--by", by).stdout.strip(), f"weft stats --by {by} prints nothing")


@test
def a_program_without_root_or_config_says_one_line(lab):
    a = lab.weft_host("a")
    binary = f"{lab.binaries}/weftd"
    for words, code in (((binary, "--config", f"{lab.directory}/none.json", "--instance", a.instance), 1),
                        ((binary, "--config", lab.directory, "--instance", a.instance), 1),
                        ((binary, "--instance", "not/a/name", "--config", "x"), 2), ((binary, "--frobnicate"), 2),
                        ((binary, "--instance", a.instance), 2), ((binary, "--attach", "--instance", a.instance), 2)):
        result = run(*words, check=False, timeout=10)
        check(result.returncode == code, f"{words[1:]}: exit {result.returncode}, {code} expected: {result.stderr}")
        check(len(result.stderr.strip().splitlines()) == 1, f"{words[1:]} said:\n{result.stderr}")
    a.segment(VNI, ["192.0.2.2"])
    a.write()
    result = a.command("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps=-all", binary,
                       "--config", a.file, "--instance", a.instance, check=False, timeout=10)
    check(result.returncode == 1 and len(result.stderr.strip().splitlines()) == 1,
          f"without root: exit {result.returncode}\n{result.stderr}")


@test
def a_host_that_cannot_run_weft_is_told_what_to_do_in_one_line(lab):
    a = lab.weft_host("a")
    a.segment(VNI, ["192.0.2.2"])
    a.write()
    daemon = f"{lab.binaries}/weftd"
    machine = run("uname", "-m").stdout.strip()
    cases = {
        "no bpffs": (("unshare", "--mount", "sh", "-c", 'umount /sys/fs/bpf && exec "$0" "$@"'),
                     ("/sys/fs/bpf", "mount -t bpf", "weftd --attach")),
        "an old kernel": (("setarch", machine, "--uname-2.6"), ("kernel 2.6.", "too old", "5.17")),
        "no CAP_BPF": (("capsh", "--drop=cap_bpf,cap_sys_admin", "--", "-c", 'exec "$0" "$@"'),
                       ("not permitted", "CAP_BPF", "root")),
    }
    links = a.links().keys()
    for what, (wrapper, words) in cases.items():
        result = a.command(*wrapper, daemon, "--config", a.file, "--instance", a.instance, check=False, timeout=20)
        lines = result.stderr.strip().splitlines()
        check(result.returncode == 1 and len(lines) == 1, f"{what}: exit {result.returncode}\n{result.stderr}")
        check(all(word in lines[0] for word in words), f"{what}: {lines[0]}")
        if what != "no CAP_BPF":
            check(a.links().keys() == links, f"{what}: a device was made before the refusal: {a.links()}")
    # weftd --attach mounts one where there is none, as its complaint says.
    a.command("unshare", "--mount", "sh", "-c", 'umount /sys/fs/bpf && "$0" --attach "$@" && mountpoint -q /sys/fs/bpf',
              daemon, "--config", a.file, "--instance", a.instance)

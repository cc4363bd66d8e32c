# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""`weft check`: the way through the kernel's tunnel device, which only some frames take, is tried by a frame of its own."""
from netns import wait_for
from overlay import check, hosts_with_guests, introduce
from registry import test

FIREWALL = """
table inet filter {
    chain input {
        type filter hook input priority 0; policy accept;
        iif "lo" accept
        ct state established,related accept
        udp dport 4789 drop
    }
}
"""


def checked(host, code):
    """`weft check`, which must end with `code`: what it said, one line on stderr if that is not 0."""
    result = host.weft("check", check=False)
    lines = result.stderr.strip().splitlines()
    check(result.returncode == code, f"weft check on {host.short}: exit {result.returncode}, {code} expected\n"
          f"{result.stdout}{result.stderr}")
    check(len(lines) == (code != 0), f"weft check says {len(lines)} lines on stderr:\n{result.stderr}")
    return result.stderr


def tunnel_path(family):
    @test(name=f"check_sends_itself_a_frame_through_the_tunnel_device_over_ipv{family}")
    def path(lab):
        (a, b), (a1, b1) = hosts_with_guests(lab, ("a", "b"), family=family)
        introduce((a1, b1), (a, b))
        taps = [a1.tap(), b1.tap()]
        wires = [a.sent_tap()]
        for host in (a, b):
            checked(host, 0)
            seen = host.verdicts().get("DROP_SELF_CHECK", 0)
            check(seen == 1, f"{seen} frames of the check came out of the tunnel device, 1 expected")
        for tap in taps + wires:
            strays = [frame for frame in tap.frames() if b"\x88\xb5" in (frame[12:14], frame[-48:-46])]
            check(not strays, f"a frame of the check got out: {strays}")
        a.command("nft", "-f", "-", stdin=FIREWALL)
        said = checked(a, 1)
        check("4789" in said and a.address in said and "eth0" in said and "firewall" in said, f"it does not say why: {said}")
        check(a.verdicts()["DROP_SELF_CHECK"] == 1, "a frame came out although the firewall is shut")
        a1.ping(b1.address4)  # the programs bypass it
        a.command("nft", "flush", "ruleset")
        checked(a, 0)

    @test(name=f"a_vtep_address_that_is_not_on_the_host_is_named_over_ipv{family}")
    def address(lab):
        (a, b), (a1, b1) = hosts_with_guests(lab, ("a", "b"), family=family)
        checked(a, 0)
        length = 24 if family == 4 else 64
        a.ip(f"address del {a.address}/{length} dev eth0")
        said = checked(a, 1)
        check(f"vtep address {a.address} is on no interface" in said, f"it does not say why: {said}")
        check(a.json("status")["state"] == "degraded" and a.address in a.json("status")["reasons"][0],
              f"status does not say why: {a.json('status')['reasons']}")
        lost = "" if family == 4 else " nodad"
        a.ip(f"address add {a.address}/{length} dev eth0{lost}")
        wait_for(lambda: a1.ping(b1.address4, count=1, wait=1, check=False).returncode == 0, "frames again", 15)
        wait_for(lambda: not a.json("status")["reasons"], "the daemon to hear of the address", 15)
        checked(a, 0)


tunnel_path(4)
tunnel_path(6)


@test
def a_host_that_starts_before_its_vtep_address_says_what_it_waits_for(lab):
    (a, b), (a1, b1) = hosts_with_guests(lab, ("a", "b"), up=False)
    a.ip(f"address del {a.address}/24 dev eth0")
    a.up()
    b.up()
    check(f"vtep address {a.address} is on no interface" in a.log(), f"the log does not say why:\n{a.log()}")
    check(a.address in " ".join(a.json("status")["reasons"]), "status does not say why")
    a.ip(f"address add {a.address}/24 dev eth0")
    wait_for(lambda: not a.json("status")["reasons"], "status to be content", 15)
    a1.ping(b1.address4)
    checked(a, 0)

# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""Head-end replication to many remotes: they all lie behind one host, counted by outer destination at the switch."""
import collections

from lab import VNI
from netns import Failure
from overlay import check, hosts_with_guests, plain
from registry import test
from wire import BROADCAST, Marker, outer_destination


def many(lab, count, family=4, extra=()):
    """A weft host with two guests and `count` remotes that lie behind one other host."""
    a = lab.weft_host("a", family=family)
    far = lab.kernel_host("far", family=family)
    remotes = addresses(count, family)
    if family == 4:
        a.ip(*(f"route add {prefix} via {far.address4}" for prefix in ("203.0.113.0/24", "198.51.100.0/24", "192.0.2.128/25")))
    else:
        a.ip(f"route add 2001:db8:f::/64 via {far.address6}")
    guests = [lab.guest(a, f"a{number}") for number in (1, 2)]
    a.segment(VNI, [*remotes, *extra])
    a.up()
    return a, guests, remotes


def addresses(count, family):
    """VTEP addresses that the far host's address is the way to. The copies are counted on the switch before it."""
    if family == 6:
        return [f"2001:db8:f::{number:x}" for number in range(1, count + 1)]
    pool = [f"{net}.{number}" for net in ("203.0.113", "198.51.100") for number in range(1, 255)]
    return (pool + [f"192.0.2.{number}" for number in range(129, 254)])[:count]


def replicated(a, a1, a2, remotes, frames=3, timeout=20):
    """Each remote and the other local port get each frame exactly once."""
    marker = Marker()
    wire, local = a.sent(marker, key=outer_destination), a2.count(marker)
    for number in range(frames):
        a1.send(plain(a1, BROADCAST)(marker, number))
    wire.settle(frames * len(remotes), timeout, quiet=0.3)
    copies = collections.Counter(wire.seen)
    wrong = {key: copies.get(key, 0) for remote in remotes for number in range(frames)
             if copies.get(key := (remote, number), 0) != 1}
    if wrong or len(copies) != frames * len(remotes):
        some = ", ".join(f"{remote} frame {number}: {count}" for (remote, number), count in list(wrong.items())[:6])
        raise Failure(f"{len(wrong)} of {frames * len(remotes)} copies are not exactly one ({some}); "
                      f"{len(copies)} different ones were sent")
    local.exactly(frames, "copies for the local port")
    wire.close()
    local.close()


def make(count, family):
    share = "by_the_kernel_side" if count <= 512 else "with_the_daemons_share"
    @test(name=f"a_flood_reaches_{count}_remotes_once_each_over_ipv{family}_{share}", timeout=90)
    def flood(lab):
        a, (a1, a2), remotes = many(lab, count, family)
        if count <= 512:
            a.down()
        replicated(a, a1, a2, remotes)


for number, version in ((16, 4), (512, 4), (512, 6), (600, 4), (600, 6)):
    make(number, version)


@test
def a_remote_that_cannot_be_resolved_costs_the_others_nothing(lab):
    a, (a1, a2), remotes = many(lab, 20, extra=("192.0.2.77", "192.0.2.78"))
    for _ in range(3):
        replicated(a, a1, a2, remotes, frames=5)


@test
def remotes_added_and_removed_by_the_cli_change_the_flood_list(lab):
    (a, b, k), (a1, b1, k1) = hosts_with_guests(lab, ("a", "b", "k"))
    from overlay import deliver
    a.weft("remote", "del", "--segment", "blue", "--address", k.address)
    deliver(a1, plain(a1, BROADCAST), to=[b1], none=[k1], wires={a: 1})
    a.weft("remote", "add", "--segment", "blue", "--address", k.address)
    deliver(a1, plain(a1, BROADCAST), to=[b1, k1], wires={a: 2})
    result = a.weft("remote", "del", "--segment", "blue", "--address", "192.0.2.77", check=False)
    check(result.returncode == 1, f"remote del of nothing is {result.returncode}, 1 expected")

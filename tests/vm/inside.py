# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""Runs a scenario inside a machine. Its verdict is a file, a line a check: "ok NAME", "not ok NAME reason" or "skip NAME
reason"; the last line is "end", without which nothing counts."""
import os
import signal
import sys
import time
import traceback

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "../netns")]

from lab import Lab, Underlay  # noqa: E402
from machine import nic_mac  # noqa: E402
from netns import PATIENCE, Failure, Netns, Skip, run, wait_for  # noqa: E402
from scenario import load  # noqa: E402

OUT = "/run/vm"


class Verdict:
    def __init__(self, path):
        self.file = open(path, "w", encoding="utf-8", buffering=1)

    def write(self, what, name, reason=""):
        line = " ".join(f"{what} {name} {reason}".split())
        self.file.write(line + "\n")
        print(f"{time.monotonic():7.1f}  {line[:200]}", flush=True)

    def end(self):
        self.file.write("end\n")
        self.file.close()


class MachineLab(Lab):
    """A lab in a machine. Hosts made while `nics` is true have the machine's next NIC as their uplink eth0."""

    def __init__(self, binaries, name, index):
        super().__init__(binaries)
        self.machine, self.index = name, index
        self.first_host, self.first_guest = 1 + index, 1 + 16 * index
        self.nics = False
        self.used_nics = 0

    def underlay(self):
        return WithNics(self)

    def take_nic(self, namespace, device, mtu=1600):
        """The machine's next NIC, in a namespace under that name. Its number."""
        number = self.used_nics
        self.used_nics += 1
        mac = nic_mac(self.index, number)
        links = run("ip", "-br", "link", "show").stdout.splitlines()
        found = next((line.split()[0] for line in links if mac in line), None)
        if not found:
            raise Failure(f"no NIC {mac} among\n" + "\n".join(links))
        run("ip", "link", "set", "dev", found, "mtu", mtu, "netns", namespace.name, "name", device)
        return number

    def cable(self, number, plugged):
        """Takes the cable out of a NIC, or puts it in: QEMU does it."""
        path = f"{OUT}/{self.machine}/link-{number}"
        with open(path + ".half", "w", encoding="ascii") as file:
            file.write("on" if plugged else "off")
        os.rename(path + ".half", path)
        wait_for(lambda: not os.path.exists(path), "the host to do something to a cable")

    def say(self, text):
        """For whoever looks on: `run --show` prints it as it comes."""
        with open(f"{OUT}/{self.machine}/said", "a", encoding="utf-8") as file:
            file.write(text + "\n")

    def meet(self, place, others, timeout=60, value=""):
        """Waits until the other machines are at this place too; what they left there, by machine."""
        self._leave(f"{OUT}/{self.machine}-at-{place}", value)
        return {other: wait_for(lambda other=other: read(f"{OUT}/{other}-at-{place}"),
                                f"machine {other} to come to {place}", timeout, every=0.05)[1:] for other in others}

    @staticmethod
    def _leave(path, value):
        with open(path + ".half", "w", encoding="utf-8") as file:
            file.write(f".{value}")
        os.rename(path + ".half", path)


def read(path):
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except FileNotFoundError:
        return ""


class WithNics(Underlay):
    """The underlay of namespaces, beside which hosts may have NICs."""

    def plug(self, host, subnet):
        if not self.lab.nics:
            return super().plug(host, subnet)
        self.lab.take_nic(host, "eth0")
        return None


def expired(number, frame):
    raise Failure("it takes too long")


def attempt(verdict, name, seconds, function, *arguments):
    """(did it pass, what it returned)"""
    signal.signal(signal.SIGALRM, expired)
    signal.alarm(int(seconds * PATIENCE))
    try:
        result = function(*arguments)
    except Skip as reason:
        verdict.write("skip", name, str(reason))
        return False, None
    except Exception as error:  # a scenario's mistake is a failed check as well
        traceback.print_exc()
        verdict.write("not ok", name, str(error) or repr(error))
        return False, None
    finally:
        signal.alarm(0)
    return True, result


def perform(scenario, verdict, lab):
    state = ()
    if scenario.build:
        good, made = attempt(verdict, "setup", 60, scenario.build, lab)
        if not good:
            lab.report()
            return
        state = made if isinstance(made, tuple) else (made,)
    for each in scenario.checks:
        begin = time.monotonic()
        good, _ = attempt(verdict, each.name, each.seconds, each.function, lab, *state)
        if good:
            verdict.write("ok", each.name)
        elif lab:
            lab.report()
        print(f"         took {time.monotonic() - begin:.1f} s", flush=True)


def main():
    machine = os.environ["WEFT_MACHINE"]
    scenario = load(os.environ["WEFT_SCENARIO"])
    verdict = Verdict(f"{OUT}/{machine}/verdict")
    print(f"{time.monotonic():7.1f}  kernel {os.uname().release}", flush=True)
    if scenario.own_labs:
        perform(scenario, verdict, None)
    else:
        with MachineLab(os.environ["WEFT_BIN"], machine, list(scenario.machines).index(machine)) as lab:
            perform(scenario, verdict, lab)
    verdict.end()


if __name__ == "__main__":
    main()

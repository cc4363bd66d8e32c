# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""What a lab leaves when its process is killed, and how it is taken away by the next. A lab registers what it makes."""
import contextlib
import fcntl
import json
import os
import shutil
import signal

from netns import run

REGISTRY = "/run/weft-lab"


def sweep():
    """Takes away what a lab that was killed has left: only namespaces a lab registered, and whose process is gone."""
    if not os.path.isdir(REGISTRY):
        return
    with alone():
        for name in os.listdir(REGISTRY):
            path = os.path.join(REGISTRY, name)
            try:
                with open(path, encoding="ascii") as file:
                    record = json.load(file)
            except FileNotFoundError:
                continue  # its lab has ended
            if not record.get("kept") and not os.path.exists(f"/proc/{record['pid']}"):
                remove(path, record)


@contextlib.contextmanager
def alone():
    """Two tests that start at once do not take away the same."""
    with open(f"{REGISTRY}.lock", "w", encoding="ascii") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def enter(tag, record):
    """Whole or not at all: another's sweep() may be reading."""
    os.makedirs(REGISTRY, exist_ok=True)
    with open(f"{REGISTRY}.{tag}", "w", encoding="ascii") as file:
        json.dump(record, file)
    os.rename(f"{REGISTRY}.{tag}", f"{REGISTRY}/{tag}")


def remove(path, record):
    """Ends a lab that has no process of its own any more (killed, or kept up)."""
    for short in record["namespaces"]:
        for pid in run("ip", "netns", "pids", short, check=False).stdout.split():
            os.kill(int(pid), signal.SIGKILL)
    for instance in record["instances"]:
        namespace = record["instances"][instance]
        if os.path.exists(f"/run/netns/{namespace}"):
            run("nsenter", f"--net=/run/netns/{namespace}", record["weftd"], "--detach", "--instance", instance,
                check=False)
        forget_instance(instance)
    for short in record["namespaces"]:
        run("ip", "netns", "del", short, check=False)
    shutil.rmtree(record["directory"], ignore_errors=True)
    os.unlink(path)


def forget_instance(instance):
    """The files of an instance that could not detach any more. bpffs has no rmtree by directory descriptor."""
    for root in (f"/sys/fs/bpf/weft/{instance}", f"/run/weft/{instance}"):
        for where, _, files in os.walk(root, topdown=False):
            for name in files:
                os.unlink(os.path.join(where, name))
            os.rmdir(where)

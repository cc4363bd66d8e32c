# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""Kernels for the machines: fetched as a Debian package or given, unpacked once into build/vm/VERSION.

Nothing is installed: the package is unpacked into the cache, so no initramfs of this machine is made and /boot stays as
it is. The uncompressed image is booted (PVH), since unpacking it would cost 5 s of emulation at each boot.
"""
import fcntl
import glob
import gzip
import lzma
import os
import re
import shutil
import subprocess
import tempfile
import zlib

from netns import run

# What brings a machine up to its root by 9p, and random numbers. The rest is loaded from the root.
BOOT_MODULES = ("virtio_pci", "9pnet_virtio", "9p", "overlay", "virtio_rng")
DIRECTORIES = ("bin", "dev", "proc", "sys", "modules", "host", "writable", "root")
HERE = os.path.dirname(os.path.abspath(__file__))
CACHE = os.path.join(HERE, "../../build/vm")
UNPACKED_MB = 600  # a package and what is in it


class Unavailable(Exception):
    """No machine can be booted here: the message is one line that says what is missing."""


class Kernel:
    """A kernel that is ready to boot: `image`, `initramfs` and the folder with its `modules`."""

    def __init__(self, directory):
        self.directory = os.path.realpath(directory)
        self.version = os.path.basename(self.directory)
        self.image = f"{self.directory}/image"
        self.initramfs = f"{self.directory}/initramfs-{stamp()}"
        self.modules = f"{self.directory}/lib/modules"

    def prepared(self):
        if not os.path.exists(self.initramfs):
            for old in glob.glob(f"{self.directory}/initramfs-*"):
                os.unlink(old)
            make_initramfs(self)
        return self


def stamp():
    """Changes when what is in the initramfs does."""
    with open(f"{HERE}/init", "rb") as file:
        return f"{zlib.crc32(file.read() + repr(BOOT_MODULES).encode()):08x}"


def prepare(path=None):
    """The kernel to use. `path`: an image ROOT/boot/vmlinuz-VERSION beside ROOT/lib/modules/VERSION, or a Debian package
    of one; "backports"; None: the newest that Debian has for this machine."""
    os.makedirs(CACHE, exist_ok=True)
    with open(f"{CACHE}/lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # of several scenarios at once one prepares
        if path is None:
            return newest()
        if path == "backports":
            return backports()
        if not os.path.isfile(path):
            raise Unavailable(f"no kernel {path}: name an image ROOT/boot/vmlinuz-VERSION or a linux-image package")
        if path.endswith(".deb"):
            return from_package(os.path.abspath(path))
        version = os.path.basename(path).partition("-")[2]
        return import_root(os.path.dirname(os.path.dirname(os.path.abspath(path))), version)


def newest():
    package = package_of()
    if not package:
        kept = sorted(glob.glob(f"{CACHE}/*-amd64/image"), key=os.path.getmtime)
        if kept:
            return Kernel(os.path.dirname(kept[-1])).prepared()
        raise Unavailable("no kernel: apt knows no linux-image-amd64, run apt-get update or give --kernel PATH")
    return download(package)


def backports():
    """The newest of Debian's next release, made for this one; apt of this machine need not know of it."""
    indexes = run("apt-get", "indextargets", "--format", "$(REPO_URI) $(RELEASE) $(COMPONENT)", "Created-By: Packages",
                  check=False).stdout
    with open("/etc/os-release", encoding="utf-8") as file:
        release = re.search(r"^VERSION_CODENAME=(\w+)", file.read(), re.M)
    site = release and re.search(rf"^(\S+) {release[1]} main$", indexes, re.M)
    if not site:
        raise Unavailable("no kernel: apt knows no archive of this release to look for backports in, give --kernel PATH")
    own = f"{CACHE}/backports"
    for folder in ("lists/partial", "archives/partial"):
        os.makedirs(f"{own}/{folder}", exist_ok=True)
    with open(f"{own}/sources.list", "w", encoding="utf-8") as file:
        file.write(f"deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] {site[1]} {release[1]}-backports main\n")
    options = [word for what in (f"Dir::Etc::sourcelist={own}/sources.list", "Dir::Etc::sourceparts=/dev/null",
                                 f"Dir::State::lists={own}/lists", f"Dir::Cache={own}") for word in ("-o", what)]
    run("apt-get", *options, "update", check=False, timeout=600)
    package = package_of(options)
    if not package:
        raise Unavailable(f"no kernel: {release[1]}-backports has no linux-image-amd64, give --kernel PATH")
    return download(package, options)


def package_of(options=()):
    """The package of the newest kernel that apt knows, or None."""
    depends = run("apt-cache", *options, "depends", "linux-image-amd64", check=False).stdout
    found = re.search(r"Depends: (linux-image-\S+)", depends)
    return found and found[1]


def download(package, options=()):
    version = package.removeprefix("linux-image-")
    if os.path.exists(f"{CACHE}/{version}/image"):
        return Kernel(f"{CACHE}/{version}").prepared()
    need_space()
    with tempfile.TemporaryDirectory(dir=CACHE) as directory:
        if run("apt-get", *options, "download", package, cwd=directory, check=False, timeout=600).returncode:
            run("apt-get", *options, "update", check=False, timeout=600)
            if run("apt-get", *options, "download", package, cwd=directory, check=False, timeout=600).returncode:
                raise Unavailable(f"no kernel: apt-get download {package} fails, give --kernel PATH")
        return from_package(glob.glob(f"{directory}/*.deb")[0])


def need_space():
    free = shutil.disk_usage(CACHE).free // 1_000_000
    if free < UNPACKED_MB:
        raise Unavailable(f"no space for a kernel in {os.path.realpath(CACHE)}: {UNPACKED_MB} MB are needed, "
                          f"{free} MB are free")


def from_package(package):
    need_space()
    with tempfile.TemporaryDirectory(dir=CACHE) as root:
        if run("dpkg", "-x", package, root, check=False, timeout=300).returncode:
            raise Unavailable(f"{package} cannot be unpacked into {os.path.realpath(CACHE)}: not a package")
        images = glob.glob(f"{root}/boot/vmlinuz-*")
        if not images:
            raise Unavailable(f"{package} has no boot/vmlinuz: name a linux-image package")
        return import_root(root, os.path.basename(images[0]).partition("-")[2], move=True)


def import_root(root, version, move=False):
    """Makes CACHE/VERSION of an unpacked root. It appears whole or not at all."""
    if not version:
        raise Unavailable("the kernel's file name does not say its version: vmlinuz-VERSION is wanted")
    modules = next((path for path in (f"{root}/lib/modules/{version}", f"{root}/usr/lib/modules/{version}")
                    if os.path.isdir(path)), None)
    if not modules:
        raise Unavailable(f"no modules of kernel {version} in {root}/lib/modules: install its package")
    if os.path.exists(f"{CACHE}/{version}/image"):
        return Kernel(f"{CACHE}/{version}").prepared()
    half = tempfile.mkdtemp(dir=CACHE)
    try:
        os.makedirs(f"{half}/lib/modules")
        (shutil.move if move else shutil.copytree)(modules, f"{half}/lib/modules/{version}")
        run("depmod", "-b", half, version)
        uncompress(f"{root}/boot/vmlinuz-{version}", f"{half}/image")
        os.chmod(half, 0o755)
        shutil.rmtree(f"{CACHE}/{version}", ignore_errors=True)
        os.rename(half, f"{CACHE}/{version}")
    finally:
        shutil.rmtree(half, ignore_errors=True)
    return Kernel(f"{CACHE}/{version}").prepared()


UNPACKERS = ((b"\xfd7zXZ\0", lambda: lzma.LZMADecompressor(format=lzma.FORMAT_XZ)),
             (b"\x1f\x8b\x08", lambda: zlib.decompressobj(wbits=31)))


def uncompress(bzimage, out):
    """The ELF image inside a bzImage; the bzImage itself where it is packed otherwise, which boots as well."""
    with open(bzimage, "rb") as file:
        data = file.read()
    for magic, unpacker in UNPACKERS:
        at = data.find(magic)
        while at >= 0:
            try:
                image = unpacker().decompress(data[at:])
            except (lzma.LZMAError, zlib.error):
                image = b""
            if image[:4] == b"\x7fELF":
                with open(out, "wb") as file:
                    file.write(image)
                return
            at = data.find(magic, at + 1)
    shutil.copy(bzimage, out)


def module_files(kernel):
    """The files of BOOT_MODULES and of what they need, in the order to load them."""
    files = []
    for module in BOOT_MODULES:
        shown = run("modprobe", "-d", kernel.directory, "-S", kernel.version, "--show-depends", module, check=False)
        if shown.returncode:
            raise Unavailable(f"kernel {kernel.version} has no module {module}, which the machines boot with")
        files += [line.split()[1] for line in shown.stdout.splitlines() if line.startswith("insmod ")]
    return list(dict.fromkeys(files))


def module_bytes(path):
    opener = {".xz": lzma.open, ".gz": gzip.open, ".ko": open}.get(os.path.splitext(path)[1])
    if not opener:
        raise Unavailable(f"{path} is packed in a way the machines' busybox cannot read")
    with opener(path, "rb") as file:
        return file.read()


def make_initramfs(kernel):
    busybox = shutil.which("busybox")
    if not busybox:
        raise Unavailable("no busybox: apt-get install busybox-static")
    with tempfile.TemporaryDirectory(dir=kernel.directory) as root:
        for name in DIRECTORIES:
            os.mkdir(f"{root}/{name}")
        shutil.copy(busybox, f"{root}/bin/busybox")
        os.symlink("busybox", f"{root}/bin/sh")
        shutil.copy(f"{HERE}/init", f"{root}/init")
        order = []
        for path in module_files(kernel):
            order.append(os.path.basename(path).partition(".ko")[0] + ".ko")
            with open(f"{root}/modules/{order[-1]}", "wb") as file:
                file.write(module_bytes(path))
        with open(f"{root}/modules/order", "w", encoding="ascii") as file:
            file.write("\n".join(order) + "\n")
        archive = f"{kernel.initramfs}.half"
        with open(archive, "wb") as out:
            subprocess.run("find . | cpio -o -H newc -R 0:0 --quiet", shell=True, cwd=root, stdout=out, check=True)
        os.rename(archive, kernel.initramfs)

"""Debian's own Linux on x86-64 as a guest: all its tables, beside QEMU's monitor, and how long they take."""

from __future__ import annotations

import gzip
import random
import time
from pathlib import Path

import pytest

import vmwidgets as vm
from tests.real.conftest import needed, wait_for
from tests.real.test_attach import physical
from vmwidgets.given.pasted import compared

LINUX = Path(__file__).resolve().parents[2] / ".cache" / "linux"

INIT = b"""#!/bin/busybox sh
echo up
while true; do i=0; while [ $i -lt 300 ]; do i=$((i+1)); done; done
"""


def archive(files: dict[str, bytes]) -> bytes:
    """An initial file system: cpio's new format, as Linux describes it in initramfs-buffer-format."""
    found = b""
    for number, (name, data) in enumerate([*files.items(), ("TRAILER!!!", b"")], 1):
        mode = 0o40755 if not data and name != "TRAILER!!!" else 0o100755
        fields = (number, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name) + 1, 0)
        head = b"070701" + b"".join(b"%08X" % field for field in fields) + name.encode() + b"\0"
        found += head + b"\0" * (-len(head) % 4) + data + b"\0" * (-len(data) % 4)
    return gzip.compress(found, 1, mtime=0)


@pytest.fixture
def linux(emulator, tmp_path):
    """Starts Linux with a processor of QEMU's."""
    needed("qemu-system-x86_64")
    images = sorted((LINUX / "boot").glob("vmlinuz-*")) if LINUX.exists() else []
    if not images:
        pytest.skip("Debian's Linux is not in .cache/linux: `make real` downloads it")
    disk = tmp_path / "initrd"
    files = {"dev": b"", "bin": b"", "bin/busybox": (LINUX / "bin" / "busybox").read_bytes(), "init": INIT}
    disk.write_bytes(archive(files))

    def start(cpu: str):
        command = ["qemu-system-x86_64", "-m", "256M", "-cpu", cpu, "-kernel", str(images[0]), "-initrd", str(disk)]
        one = emulator("", "-append", "console=ttyS0 quiet", command=command)
        wait_for(lambda: one.console.exists() and b"up" in one.console.read_bytes(), "Linux", 60)
        return one

    return start


def test_all_tables_of_linux_are_what_info_mem_lists_and_quick(linux):
    guest = linux("qemu64")
    with vm.attach(guest.gdb) as k:
        took = []
        for _ in range(3):
            start = time.perf_counter()
            found = k.runs()
            took.append(time.perf_counter() - start)
        assert k.tables.format == "x86-64"
        assert found.tables > 50
        said = vm.load(guest.monitor("info mem"))
        assert compared(found.ranges, [piece for one in said.listings for piece in one.pieces]) == ()
        print(f"{found.tables} tables, {len(found.ranges)} runs: {took[0]:.3f} s, read again {min(took[1:]):.3f} s")
        assert took[0] < 0.5


def test_five_levels_of_linux(linux):
    guest = linux("max")
    with vm.attach(guest.gdb) as k:
        start = time.perf_counter()
        ranges = k.runs().ranges
        took = time.perf_counter() - start
        tables = k.tables
        assert tables.format == "x86-64-la57"
        chosen = random.Random(5)
        for one in chosen.sample(ranges, min(60, len(ranges))):
            address = one.start + chosen.randrange(one.size)
            assert tables.walk(address, user="u" in one.rights).pa == physical(guest, address), hex(address)
        assert took < 0.5

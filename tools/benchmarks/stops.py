"""Real kernels in QEMU: what a stop costs, and all tables of a Linux guest.  `make real` installs what this needs.

The kernel of the stops is that of `tests/real/kernel`, which has the function names of xv6.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from statistics import median
from time import perf_counter

import vmwidgets as vm
from tests.real.conftest import Emulator, wait_for
from tests.real.test_linux import INIT, LINUX, archive
from vmwidgets.real.gdb import Gdb

from .table import table, verdict

KERNEL = Path(__file__).parents[2] / "tests" / "real" / "kernel"
NEEDS = ("qemu-system-riscv64", "riscv64-linux-gnu-gcc", "make")
STOPS = 60
DESCRIPTORS = 8
STOP, TABLES = 0.003, 0.5
"""The aims: seconds of a stop that reads up to eight descriptors; of all tables of a Linux guest."""


def missing() -> list[str]:
    """The programs that are not installed."""
    return [program for program in NEEDS if shutil.which(program) is None]


def measure(stops: int = STOPS) -> dict[str, list[float]]:
    """Seconds of each stop, an instruction after the one before, by what is read there."""
    with tempfile.TemporaryDirectory() as folder:
        place = shutil.copytree(KERNEL, Path(folder) / "xv6")
        (place / "kernel" / "kernel").unlink(missing_ok=True)
        with vm.xv6(place) as k:
            k.go(until="getc", seconds=60)
            root = k.kernel.root
            found: dict[str, list[float]] = k._port.do(lambda gdb: _stops(gdb, root, stops))
    return found


def _stops(gdb: Gdb, root: int, stops: int) -> dict[str, list[float]]:
    """Let one processor do an instruction, again and again: registers, a walk of three levels, eight descriptors."""
    ways = {
        "registers": gdb.general,
        "registers and a walk of 3 descriptors": lambda: [gdb.general(), *(gdb.words([root]) for _ in range(3))],
        f"registers and {DESCRIPTORS} descriptors at once": lambda: [
            gdb.general(),
            gdb.words(root + 8 * number for number in range(DESCRIPTORS)),
        ],
        f"registers and {DESCRIPTORS} descriptors, one after the other": lambda: [
            gdb.general(),
            *(gdb.words([root + 8 * number]) for number in range(DESCRIPTORS)),
        ],
    }
    found: dict[str, list[float]] = {name: [] for name in ways}
    thread = gdb.threads()[0]
    for number in range(stops):
        name, look = list(ways.items())[number % len(ways)]
        begun = perf_counter()
        gdb.step(thread)
        look()
        found[name].append(perf_counter() - begun)
    return found


def of_linux() -> tuple[int, int, float]:
    """Tables, runs of equal rights, and seconds, of all that a Linux guest maps."""
    (image, *_) = sorted((LINUX / "boot").glob("vmlinuz-*"))
    files = {"dev": b"", "bin": b"", "bin/busybox": (LINUX / "bin" / "busybox").read_bytes(), "init": INIT}
    with tempfile.TemporaryDirectory() as folder:
        disk = Path(folder) / "initrd"
        disk.write_bytes(archive(files))
        command = ["qemu-system-x86_64", "-m", "256M", "-cpu", "qemu64", "-kernel", str(image), "-initrd", str(disk)]
        guest = Emulator([*command, "-append", "console=ttyS0 quiet"], Path(folder))
        try:
            wait_for(lambda: guest.console.exists() and b"up" in guest.console.read_bytes(), "Linux", 60)
            with vm.attach(guest.gdb) as k:
                begun = perf_counter()
                found = k.runs()
                return found.tables, len(found.ranges), perf_counter() - begun
        finally:
            guest.end()


def report(quick: bool = False, stops: int = STOPS) -> str:
    """The tables."""
    absent = missing()
    if absent:
        return table("Real kernels in QEMU", ["what", "ms"], [[f"not measured (0 stops): no {absent[0]}", "–"]])
    rows = []
    for name, took in measure(stops // 4 if quick else stops).items():
        middle = median(took)
        rows.append([f"a stop that reads {name}", f"{1000 * middle:.2f}", verdict(middle <= STOP)])
    if LINUX.exists() and not quick and shutil.which("qemu-system-x86_64"):
        tables, runs, took = of_linux()
        rows.append([f"a Linux guest: {tables} tables as {runs} runs", f"{1000 * took:.0f}", verdict(took <= TABLES)])
    note = f"Aims: {1000 * STOP:.0f} ms a stop that reads up to {DESCRIPTORS} descriptors; {TABLES} s for all tables."
    return table("Real kernels in QEMU", ["what", "ms", "aim"], rows, note)

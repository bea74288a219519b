"""Texts of processes loaded through the door: seconds of processor time and memory, each in its own interpreter."""

from __future__ import annotations

import resource
import subprocess
import sys
from collections.abc import Callable, Sequence
from time import process_time

import vmwidgets as vm

from .table import table, verdict

LINES = (10_000, 100_000)
SECONDS, MEBIBYTES = 10, 200
"""At most, for the longest of each kind."""

BASE, APART = 0x7F00_0000_0000, 0x3000


def maps(lines: int) -> str:
    """So many ranges, five of each file."""
    return "".join(f"{_range(number)}\n" for number in range(lines))


def smaps(lines: int) -> str:
    """So many lines of smaps, 23 for each range."""
    said = "".join(f"{name}:  4 kB\n" for name in NAMES)
    return "".join(f"{_range(number)}\nSize:  8 kB\n{said}" for number in range(lines // (2 + len(NAMES))))


NAMES = (
    "KernelPageSize", "MMUPageSize", "Rss", "Pss", "Pss_Dirty", "Shared_Clean", "Shared_Dirty", "Private_Clean",
    "Private_Dirty", "Referenced", "Anonymous", "KSM", "LazyFree", "AnonHugePages", "ShmemPmdMapped", "FilePmdMapped",
    "Shared_Hugetlb", "Private_Hugetlb", "Swap", "SwapPss", "Locked",
)  # fmt: skip  # read as a list of names
"""What smaps says of each range beside its size."""


def _range(number: int) -> str:
    start = BASE + number * APART
    letters = "r-xp" if number % 3 else "rw-p"
    return f"{start:x}-{start + 0x2000:x} {letters} 00000000 08:01 {number // 5 + 9} /usr/lib/lib{number // 5}.so"


def strace(lines: int) -> str:
    """So many calls of a program that looks at files, with calls of memory now and then."""
    looks = '7 newfstatat(3</usr/lib/python3>, "", {st_mode=S_IFDIR|0755, st_size=4096, ...}, AT_EMPTY_PATH) = 0'
    found = []
    for number in range(lines):
        at = BASE + number // 10 * 0x1_0000
        memory = {
            0: f"7 mmap(NULL, 32768, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0) = {at:#x}",
            1: f"7 mprotect({at + vm.PAGE:#x}, 4096, PROT_READ) = 0",
            9: f"7 munmap({at:#x}, 32768) = 0",
        }
        found.append(memory.get(number % 10, looks))
    return "\n".join(found)


TEXTS: dict[str, Callable[[int], str]] = {"maps": maps, "smaps": smaps, "strace": strace}


def measure(sizes: Sequence[int] = LINES) -> str:
    """The table, and the aims."""
    rows, holds = [], True
    for name in TEXTS:
        found = [_apart(name, size) for size in sizes]
        seconds, memory = found[-1]
        holds = holds and seconds <= SECONDS and memory <= MEBIBYTES
        rows.append([name, *(f"{one:.1f} s, {most:,.0f} MiB" for one, most in found)])
    note = f"at most {SECONDS} s and {MEBIBYTES} MiB for the longest: {verdict(holds)}"
    header = ["lines", *(f"{size:,}" for size in sizes)]
    return table("Texts loaded: seconds of processor time, and the most memory of the interpreter", header, rows, note)


def _apart(name: str, lines: int) -> tuple[float, float]:
    """Seconds and mebibytes of one load."""
    command = [sys.executable, "-m", "tools.benchmarks.texts", name, str(lines)]
    seconds, memory = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    return float(seconds), float(memory)


def main(name: str, lines: int) -> None:
    """Load one text, and print what it took."""
    text = TEXTS[name](lines)
    begun = process_time()
    vm.load(text)
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{process_time() - begun:.3f} {most:.1f}")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))

"""Texts of processes and traces loaded: processor time and memory, each in its own interpreter."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import vmwidgets as vm

from .measured import Row, apart, peak, spent

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


TRACES = {"0x…": "{0:#x}\n", "0x… R": "{0:#x} R\n", "lackey": " L {0:x},8\n", "process, address, R": "{1} {0} R\n"}
"""The line of a trace, with an address and the number of a process."""


def rows(short: bool) -> Iterator[Row]:
    """Seconds, and the most MiB of the interpreter."""
    lines = 50 if short else 100_000
    for name in TEXTS:
        seconds, most = apart(loaded, name, lines)
        yield Row(f"{name} of {lines:,} lines", seconds, "s", 10)
        yield Row(f"{name} of {lines:,} lines, most memory", most, "MiB", 200)
    count = 50 if short else 10_000_000
    for name in TRACES:
        (seconds, each), _ = apart(referenced, name, count)
        yield Row(f"trace of {count:,} references, {name}", seconds, "s", 15)
        yield Row(f"trace of {count:,} references, {name}, most beside the text", each, "bytes each", 20)


def loaded(name: str, lines: int) -> float:
    """Seconds in which a text is loaded."""
    text = TEXTS[name](lines)
    return spent(lambda: vm.load(text))


def referenced(name: str, count: int) -> tuple[float, float]:
    """Seconds in which the file of a trace is loaded, and the most bytes for each reference beside the text.

    A short trace comes first, for what all have: NumPy, and the tables in which pages are numbered.
    """
    with TemporaryDirectory() as folder:
        path = Path(folder, "a.trace")
        for lines in (10_000, count):
            with path.open("w") as file:
                file.writelines(
                    TRACES[name].format(BASE + number * 40 % (1 << 26), number % 9) for number in range(lines)
                )
            before = peak()
            seconds = spent(lambda: vm.load(path).coded())
        return seconds, ((peak() - before) * (1 << 20) - path.stat().st_size) / count

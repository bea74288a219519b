"""Texts of processes loaded: processor time and memory, each in its own interpreter."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import vmwidgets as vm

from .measured import Row, apart, spent

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


def rows(short: bool) -> Iterator[Row]:
    """Seconds, and the most MiB of the interpreter."""
    lines = 50 if short else 100_000
    for name in TEXTS:
        seconds, most = apart(loaded, name, lines)
        yield Row(f"{name} of {lines:,} lines", seconds, "s", 10)
        yield Row(f"{name} of {lines:,} lines, most memory", most, "MiB", 200)


def loaded(name: str, lines: int) -> float:
    """Seconds in which a text is loaded."""
    text = TEXTS[name](lines)
    return spent(lambda: vm.load(text))

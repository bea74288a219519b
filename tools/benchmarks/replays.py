"""Recorded programs read and replayed: calls a second, how that grows, and what reading alone takes."""

from __future__ import annotations

from collections.abc import Sequence
from time import process_time

import vmwidgets as vm
from vmwidgets.sources.strace.text import parse_strace

from .table import rate, table, verdict

LINES = (1_000, 10_000, 100_000)
AIM = 1_000
"""Calls a second, at least, read and replayed together."""

BASE, APART = 0x7F10_0000_0000, 0x1_0000
KINDS = ("files, and memory now and then", "memory alone, all of it kept", "memory that is moved by mremap, and kept")


def trace(kind: str, lines: int) -> str:
    """So many lines of strace."""
    if kind == KINDS[1]:
        given = (f"{BASE + number * APART:#x}" for number in range(lines))
        return "\n".join(f"7 mmap(NULL, 4096, PROT_READ, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0) = {at}" for at in given)
    if kind == KINDS[2]:
        pairs = ((BASE - (number + 1) * APART, BASE + number * APART) for number in range(lines // 2))
        return "\n".join(
            f"7 mmap(NULL, 4096, PROT_READ, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0) = {before:#x}\n"
            f"7 mremap({before:#x}, 4096, 8192, MREMAP_MAYMOVE) = {after:#x}"
            for before, after in pairs
        )
    looks = '7 newfstatat(3</usr/lib/python3>, "", {st_mode=S_IFDIR|0755, st_size=4096, ...}, AT_EMPTY_PATH) = 0'
    found = []
    for number in range(lines):
        at = BASE + number // 10 * APART
        memory = {
            0: f"7 mmap(NULL, 32768, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0) = {at:#x}",
            1: f"7 mprotect({at + vm.PAGE:#x}, 4096, PROT_READ) = 0",
            9: f"7 munmap({at:#x}, 32768) = 0",
        }
        found.append(memory.get(number % 10, looks))
    return "\n".join(found)


def measure(sizes: Sequence[int] = LINES) -> str:
    """The table, with the recorded Python in its first column."""
    python = vm.recording("python").strace
    calls = python.count("\n")
    both, alone = [_loaded(python, calls)], [_read(python, calls)]
    rows = [["recorded python, read and replayed", rate(both[0]), *[""] * (len(sizes) - 1)]]
    rows.append(["recorded python, read", rate(alone[0]), *[""] * (len(sizes) - 1)])
    for kind in KINDS:
        found = [_loaded(trace(kind, size), size) for size in sizes]
        both += found
        rows.append([kind, *map(rate, found)])
    header = ["lines", *(f"{size:,}" for size in sizes)]
    note = f"at least {AIM:,} calls a second: {verdict(min(both) >= AIM)}"
    return table("Calls of strace a second of processor time, read and replayed", header, rows, note)


def _loaded(text: str, calls: int) -> float:
    machine = vm.boot("x86-64", ram="256 MiB", layout="x15-64")
    begun = process_time()
    vm.load_strace(machine, text)
    return calls / (process_time() - begun)


def _read(text: str, calls: int) -> float:
    begun = process_time()
    list(parse_strace(text, "the text"))
    return calls / (process_time() - begun)

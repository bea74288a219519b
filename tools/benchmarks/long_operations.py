"""What grows with its range, or with what is there: one removal of all entries, one thread more."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from time import process_time
from typing import Any

import vmwidgets as vm

from .subjects import BASE, PAGE, MachineOperations
from .table import table

ENTRIES = (1_000, 10_000, 100_000)
THREADS = (1_000, 4_000, 16_000)


def removal(entries: int) -> float:
    """Seconds of processor time to remove so many entries, with a hole behind each, in one operation."""
    subject = MachineOperations()
    subject.fill(entries)
    begun = process_time()
    subject.map.remove(BASE, BASE + 2 * entries * PAGE)
    return process_time() - begun


def spawning(threads: int) -> float:
    """Seconds of processor time to spawn so many threads of one function."""
    machine: Any = vm.boot()

    def naps() -> Iterator[object]:
        yield from machine.tsleep("nap", ticks=1)

    begun = process_time()
    for _ in range(threads):
        machine.spawn(naps)
    return process_time() - begun


def measure(entries: Sequence[int] = ENTRIES, threads: Sequence[int] = THREADS) -> str:
    """Both tables."""
    return "\n\n".join([
        _rows("Entries removed in one operation", entries, [removal(count) for count in entries]),
        _rows("Threads spawned", threads, [spawning(count) for count in threads]),
    ])  # fmt: skip


def _rows(title: str, counts: Sequence[int], seconds: Sequence[float]) -> str:
    each = [f"{second / count * 1e6:.1f}" for count, second in zip(counts, seconds, strict=True)]
    rows = [["seconds", *(f"{second:.2f}" for second in seconds)], ["microseconds each", *each]]
    return table(title, ["", *(f"{count:,}" for count in counts)], rows)

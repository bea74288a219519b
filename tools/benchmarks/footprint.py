"""Before anything is done: importing, booting, and bytes of memory.

Bytes are those of the host's memory, by tracemalloc.
"""

from __future__ import annotations

import subprocess
import sys
import tracemalloc
from collections.abc import Iterator

import vmwidgets as vm

from .measured import Row, fastest
from .pairs import BareMap, Intervals, MachineOperations, Sorted, Subject


def rows(short: bool) -> Iterator[Row]:
    """Times in milliseconds, and bytes."""
    rounds, entries = (1, 50) if short else (7, 20_000)
    yield Row("import vmwidgets", _imported("", rounds), "ms")
    yield Row("import vmwidgets, and what drawing needs", _imported("; vmwidgets.Map", rounds), "ms", 500)
    yield Row("boot of the default machine", fastest(vm.boot, 1, 3 * rounds) / 1e3, "ms", 50)
    large = fastest(lambda: vm.boot(layout="x15-64", ram="4 GiB"), 1, 3 * rounds)
    yield Row("boot with X15's layout and 4 GiB", large / 1e3, "ms")
    for kind in (BareMap, Intervals, Sorted):
        yield Row(f"one more entry, {kind.name}", _bytes_an_entry(kind(), entries), "bytes")
    machine = MachineOperations()
    machine.fill(entries)
    yield Row("an operation in the journal, its events gone", machine.machine.journal.bytes_an_operation(), "bytes")


def _imported(name: str, rounds: int) -> float:
    """Milliseconds of the package's import in a fresh interpreter, the best of some."""
    code = f"from time import perf_counter as now; begun = now(); import vmwidgets{name}; print(now() - begun)"
    command = [sys.executable, "-c", code]
    return min(
        float(subprocess.run(command, capture_output=True, text=True, check=True).stdout) * 1e3 for _ in range(rounds)
    )


def _bytes_an_entry(subject: Subject, entries: int) -> float:
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    subject.fill(entries)
    taken = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    return taken / entries

"""What it costs before anything is done: importing, booting, bytes."""

from __future__ import annotations

import subprocess
import sys
import tracemalloc
from collections.abc import Callable
from statistics import median
from time import perf_counter

import vmwidgets as vm

from .subjects import BareMap, Intervals, MachineOperations, Sorted, Subject
from .table import table, verdict

IMPORT = "from time import perf_counter as now; begun = now(); {}; print(now() - begun)"


def report(quick: bool) -> str:
    """The tables, and the aims."""
    return measured(3, 2_000) if quick else measured(7, 20_000)


def measured(rounds: int, entries: int) -> str:
    """The tables, of so many interpreters and boots, and of so many entries."""
    bare = import_seconds("import vmwidgets", rounds)
    drawing = import_seconds("import vmwidgets; vmwidgets.Map", rounds)
    small = median(_timed(vm.boot) for _ in range(3 * rounds))
    large = median(_timed(lambda: vm.boot(layout="x15-64", ram="4 GiB")) for _ in range(3 * rounds))
    rows = [
        ["import vmwidgets", f"{bare * 1e3:.0f} ms"],
        ["import vmwidgets, and what drawing needs", f"{drawing * 1e3:.0f} ms"],
        ["boot of the default machine, median", f"{small * 1e3:.1f} ms"],
        ["boot with X15's layout and 4 GiB, median", f"{large * 1e3:.1f} ms"],
    ]
    journal = vm_operations(entries).machine.journal
    bytes_rows = [[kind.name, f"{bytes_an_entry(kind, entries):,.0f}"] for kind in (BareMap, Intervals, Sorted)]
    bytes_rows.append(["an operation in the journal, its events gone", f"{journal.bytes_an_operation():,.0f}"])
    return "\n".join([
        table("Before anything is done", ["", "time"], rows),
        f"  aim: import under 0.5 s: {verdict(drawing < 0.5)} (drawing included)",
        f"  aim: boot under 50 ms: {verdict(small < 0.05)} (the default machine)",
        "",
        table(f"Bytes of the host's memory, by tracemalloc, {entries:,} entries", ["", "bytes each"], bytes_rows),
    ])  # fmt: skip


def import_seconds(statement: str, rounds: int) -> float:
    """The best of some fresh interpreters."""
    command = [sys.executable, "-c", IMPORT.format(statement)]
    return min(float(subprocess.run(command, capture_output=True, text=True, check=True).stdout) for _ in range(rounds))


def _timed(call: Callable[[], object]) -> float:
    begun = perf_counter()
    call()
    return perf_counter() - begun


def bytes_an_entry(kind: type[Subject], entries: int) -> float:
    """Return what one more entry takes."""
    subject = kind()
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    subject.fill(entries)
    taken = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    return taken / entries


def vm_operations(entries: int) -> MachineOperations:
    """A machine that so many entries were entered into."""
    subject = MachineOperations()
    subject.fill(entries)
    return subject

"""``vmwidgets selftest``: this computer's engine, compared with the recordings in the package."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from importlib import resources
from pathlib import Path
from typing import Any

from vmwidgets.engine.base.frozen import frozen

from .. import __version__
from ..engine.base.errors import VMError
from ..engine.base.units import counted
from ..engine.machine import boot
from ..sources.map_diff import diff
from ..sources.strace.load import load_strace
from ..sources.strace.recordings import PROGRAMS, recording
from ..sources.tables.cases import Comparison, compare, read_cases
from ..sources.tables.recorded import SHIPPED as TABLES
from ..sources.traces.reader import Unreadable
from ..sources.traces.replay import replay
from ..sources.traces.shipped import SHIPPED as TRACES
from ..sources.traces.shipped import shipped_traces
from .replay import partly, report
from .text import say_refused
from .walk import mismatch_report

AGREES, DIFFERS, UNREADABLE = 0, 1, 2

_EXITS = """\
exit status: 0 everything agrees; 1 something differs, and the first difference is printed; 2 a recording can't be
read: install vmwidgets again"""


@frozen
class Checked:
    """The result for one recording: what was compared, in words, and the first difference, or ""."""

    name: str
    compared: str
    difference: str = ""


def add_selftest(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command's arguments."""
    parser = commands.add_parser(
        "selftest",
        help="check the engine with the recordings that come with vmwidgets",
        description="Replay the recordings that come with vmwidgets on this computer and compare: runs of X15, FreeBSD "
        "and Barrelfish, page tables of Linux, and programs that strace recorded. It takes less than a minute, needs "
        "no network and writes no file.",
        epilog=_EXITS,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Check everything, stopping at the first difference."""
    done = 0
    print(f"vmwidgets {__version__}", flush=True)
    try:
        for checked in all_checked():
            if checked.difference:
                print(f"{checked.name} differs, after {counted(done, 'recording')} that agree\n{checked.difference}")
                return DIFFERS
            print(f"{checked.name}: {checked.compared}", flush=True)
            done += 1
    except (Unreadable, OSError) as error:
        say_refused(f"{error}: install vmwidgets again")
        return UNREADABLE
    print(f"{counted(done, 'recording')} agree, 0 differ")
    return AGREES


def all_checked() -> Iterator[Checked]:
    """Yield every recording, as soon as it has been compared."""
    checks: tuple[tuple[Callable[[Any, str], Checked], Any, tuple[str, ...]], ...]
    with ExitStack() as stack:
        traces = stack.enter_context(shipped_traces())
        tables = stack.enter_context(resources.as_file(resources.files("vmwidgets.sources") / "data" / "tables"))
        checks = ((_trace, traces, TRACES), (_tables, tables, TABLES), (_program, None, tuple(PROGRAMS)))
        for check, folder, names in checks:
            for name in names:
                yield check(folder, name)


def _trace(folder: Path, name: str) -> Checked:
    """Return the result for a run of an original system, compared operation by operation."""
    outcome = replay(folder / f"{name}.jsonl.gz")
    difference = "" if outcome.divergence is None else report(outcome, outcome.divergence)
    return Checked(name, f"{counted(outcome.operations, 'operation')} agree{partly(outcome)}", difference)


def _tables(folder: Path, name: str) -> Checked:
    """Return the result for Linux's page tables: each walk is compared with its recorded answer."""
    path, found = folder / f"{name}.jsonl.gz", Comparison()
    for case in read_cases(path):
        compare(case, found)
    difference = "" if found.first is None else mismatch_report(path, found, found.first)
    return Checked(f"tables/{name}", f"{counted(found.compared, 'walk')} agree", difference)


def _program(_folder: None, name: str) -> Checked:
    """Return the result for a program's replayed calls: the map is compared with the one that the program read."""
    recorded, machine = recording(name), boot("x86-64")
    try:
        loaded = load_strace(machine, recorded.strace, until="maps" if recorded.maps else None)
        machine.check()
    except VMError as error:
        return Checked(f"strace/{name}", "", str(error))
    calls = counted(loaded.calls, "call")
    if not recorded.maps:
        return Checked(f"strace/{name}", f"{calls} replayed, all invariants hold")
    compared = diff(loaded.task, recorded.maps)
    ranges = counted(recorded.maps.count("\n"), "range")
    return Checked(f"strace/{name}", f"{calls} replayed, {ranges} agree", "" if compared.agrees else repr(compared))

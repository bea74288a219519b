"""``vmwidgets selftest``: this computer's engine, compared with the recordings in the package."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from typing import Any

from vmwidgets.engine.base.frozen import frozen

from .. import __version__
from ..engine.base.errors import Refused, VMError
from ..engine.base.units import Address, counted
from ..engine.machine import boot
from ..sources.map_diff import diff
from ..sources.strace.load import load_strace
from ..sources.strace.recordings import PROGRAMS, recording
from ..sources.tables.recorded import SHIPPED as TABLES
from ..sources.tables.recorded import answer, recorded_tables
from .command import Command
from .originals import CALLS, Damaged, repeated
from .text import say_refused

AGREES, DIFFERS, UNREADABLE = 0, 1, 2

WALKS = 100
"""The number of walks of each recorded table."""

_EXITS = """\
exit status: 0 everything agrees; 1 something differs, and the first difference is printed; 2 a recording can't be
read: install vmwidgets again"""


@frozen
class Checked:
    """The result for one recording: what was compared, in words, and the first difference, or ""."""

    name: str
    compared: str
    difference: str = ""


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
    except (Damaged, Refused, OSError) as error:
        say_refused(f"{error}: install vmwidgets again")
        return UNREADABLE
    print(f"{counted(done, 'recording')} agree, 0 differ")
    return AGREES


def all_checked() -> Iterator[Checked]:
    """Yield every recording, as soon as it has been compared."""
    checks: tuple[tuple[Callable[[str], Checked], tuple[str, ...]], ...]
    checks = ((_calls, CALLS), (_tables, TABLES), (_program, tuple(PROGRAMS)))
    for check, names in checks:
        yield from map(check, names)


def _calls(name: str) -> Checked:
    """Return the result for the calls of an original kernel."""
    agreed, difference = repeated(name)
    return Checked(name, f"{counted(agreed, 'operation')} agree", difference)


def _tables(name: str) -> Checked:
    """Return the result for Linux's page tables: walks from all over them are compared with the recorded answers."""
    tables = recorded_tables(name)
    asked = list(zip(tables.queries, tables.answers, strict=True))
    asked = asked[:: len(asked) // WALKS][:WALKS]
    for query, recorded in asked:
        found = answer(tables.walk(query.va, query.access, user=query.user))
        if found != recorded:
            who = f"{query.access} by {'user code' if query.user else 'the kernel'}"
            said = (
                f"the walk of {Address(query.va)} ({who}) gives {_said(found)}, and in the recording {_said(recorded)}"
            )
            return Checked(f"tables/{name}", "", f"  {said}")
    return Checked(f"tables/{name}", f"{counted(len(asked), 'walk')} agree")


def _said(found: dict[str, Any]) -> str:
    """Return a walk's answer in words."""
    if "pa" in found:
        return f"physical {Address(found['pa'])}"
    fault = found["fault"]
    return f"a fault: {fault['kind']} at level {fault['level']}, code {fault['code']:#x}"


def _program(name: str) -> Checked:
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


COMMAND = Command(
    "check the engine with the recordings that come with vmwidgets",
    """\
Repeat what comes recorded with vmwidgets on this computer and compare: calls of X15, FreeBSD and Barrelfish, walks of
Linux's page tables, and programs that strace recorded. It takes less than a minute, needs no network and writes no
file.""",
    _EXITS,
    run=run,
)

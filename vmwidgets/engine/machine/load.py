"""A machine from a saved journal: booted as recorded, with the same operations replayed, each result compared."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable
from dataclasses import fields
from typing import Any

from ..base.calls import says_what_it_takes
from ..base.errors import Diverged, Refused, VMError, shown
from ..base.journal import Line, Operation
from ..memory.ram import BusError
from .boot import boot
from .kept.journal_file import BadJournal, Settings, load
from .machine import RECORDED, Machine
from .replay import Replay, quiet

MOST_STEPS = 10_000_000
"""The most steps of threads that a file may contain in all."""


@says_what_it_takes
def load_journal(path: str | os.PathLike[str]) -> Machine:
    """Return the machine whose journal was saved to `path`: the same structures, journal, branches and bookmarks.

    A file can only name operations, with arguments that the operations accept.  Loading it opens no other file and runs
    no code from it.  The past actions of learners' threads and handlers are repeated, but the threads and handlers
    can't continue afterwards.  If an operation in a file of an earlier version behaves differently now, the file is
    refused, with the operation and the reason; if only TLBs may differ, a warning says so.  O(operations).

    >>> import tempfile, vmwidgets as vm
    >>> m = vm.boot()
    >>> a = m.kernel_map.enter("16 KiB")
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     m.journal.save(f"{folder}/mine.jsonl.gz")
    ...     again = vm.load_journal(f"{folder}/mine.jsonl.gz")
    >>> again.journal.last.result == a, again.kernel_map.entries() == m.kernel_map.entries()
    (True, True)
    """
    loaded = load(path)

    def wrong(operation: Operation | None, why: object) -> BadJournal:
        line = loaded.lines[operation.serial] if operation is not None else 2
        return BadJournal(path, line, why)

    for one in loaded.all_operations():
        if one.name in GONE:
            raise wrong(one, f"{one.target}.{one.name}: {GONE[one.name]}")
    if not loaded.operations or (loaded.operations[0].target, loaded.operations[0].name) != ("machine", "boot"):
        raise wrong(None, "the first operation is the boot")
    first, *rest = loaded.operations
    machine = _booted(first, wrong)
    journal, replay, first_elsewhere = machine.journal, Replay(machine), None
    replay.begin(first.serial, loaded.scripts)
    steps = 0
    with quiet(machine):
        machine.system.callbacks.begin(loaded.scripts, loaded.operations[-1].serial)
        for operation in rest:
            try:
                given = {name: _made(value, machine) for name, value in operation.arguments}
                steps += _steps(operation, given, machine)
                if steps > MOST_STEPS:
                    raise Refused(f"it asks for {steps:,} steps of threads: a journal has {MOST_STEPS:,} at most")
                if loaded.version == 1 and operation.name == "set_descriptor":
                    given["value"] = _same_bits(operation, given, machine)
                wanted = operation._replace(arguments=tuple(given.items()))
                replay.once(wanted, any_result=loaded.version == 1 and operation.name in GIVES_WORDS)
                machine.history.touches.go_on(machine.system.ram)
                if first_elsewhere is None and _called_elsewhere(machine):
                    first_elsewhere = operation
            except Diverged as error:  # noqa: PERF203  each line has its own error
                why = why_it_differs(operation, loaded.version, elsewhere=_called_elsewhere(machine))
                why = f"; {why}" if why else ""
                raise wrong(operation, f"{error}{why}") from None
            except Refused as error:
                raise wrong(operation, error) from None
    if first_elsewhere is not None and loaded.version < 3:
        warnings.warn(
            f"{shown(str(path))}: the file has format {loaded.version}, and since then {ELSEWHERE}. From operation "
            f"{first_elsewhere.number:,}, {first_elsewhere.target}.{first_elsewhere.name}, on, TLBs and the counts of "
            "shootdowns may differ from those of the machine that was saved.",
            RuntimeWarning,
            stacklevel=3,
        )
    journal.undone, journal.branches = _made_line(loaded.undone, machine), loaded.branches
    journal.groups, journal.marks = loaded.groups, loaded.marks
    undone = [journal.undone] if journal.undone is not None else []
    serials = [one.serial for line in (*undone, *journal.branches) for one in line.operations]
    journal.forget_cells()
    journal.next_serial = journal.most_serial = max([journal.most_serial, *(serial + 1 for serial in serials)])
    return machine


def _booted(first: Operation, wrong: Callable[[Operation | None, object], BadJournal]) -> Machine:
    """Return the machine that the first operation of a file boots; `wrong` makes the error of an operation."""
    settings = {**UNNAMED, **dict(first.arguments)}
    try:
        machine = boot(**settings)
    except (VMError, TypeError) as error:
        raise wrong(first, f"a machine can't boot with these settings: {error}") from None
    made = machine.journal.last
    if dict(made.arguments) != settings or not made.agrees(first._replace(arguments=made.arguments)):
        raise wrong(first, "the boot has another result than the recorded one")
    return machine


GONE = {"submap": "X15's maps have no submaps, as in the original; the vmwidgets that saved the file reads it"}
"""Operations that machines had once, each with the reason why a file with it is refused."""

UNNAMED = {"fork": "shadow"}
"""What a journal means that does not name a setting: this way to fork was the default, and only others were named."""

GIVES_WORDS = ("set_descriptor", "undo_descriptor")
"""The operations that return a descriptor's word: since version 2, it has the bits that forbid fetches."""


def _same_bits(operation: Operation, given: dict[str, Any], machine: Machine) -> Any:
    """Return the word that changes exactly the bits changed by an edit of version 1."""
    before, after, place = operation.result, given.get("value"), given.get("pa")
    if not all(type(one) is int for one in (before, after)) or not isinstance(place, int):
        return after
    system = machine.system
    try:
        return system.ram.read_word(int(place), system.pmap.fmt.entry_width) ^ before ^ after
    except BusError:
        return after


CHANGES = {
    "a range with a hole ends with NOMEM after the rest was done": ("madvise",),
    "a task's tables forbid what its entry does not allow, as far as their format can": (
        "touch", "read", "write", "load", "store", "fetch",
    ),
    "a task without memory for an entry or a table gets NOMEM, where that was a panic": (
        "enter", "mmap", "munmap", "remove", "mprotect", "protect", "inherit", "advise", "wire", "unwire", "brk",
        "fork",
    ),
    "mmap without an address follows the placement rule of the task's map": ("mmap",),
    "in threads, write and touch now have an effect; before, they did nothing": ("run", "step", "spawn", "tick"),
}  # fmt: skip  # a row for each change
"""The changes in machines' behaviour since version 1 of the format, and the operations that show them."""


ELSEWHERE = "a task makes its calls on a processor that runs it, where that was processor 0"
"""The change since version 2 of the format."""


def _called_elsewhere(machine: Machine) -> bool:
    return machine.system.processors.called_elsewhere


def why_it_differs(operation: Operation, version: int = 1, *, elsewhere: bool = False) -> str:
    """Return why an operation in a file of an earlier version may behave differently now, as a part of a sentence.

    With `elsewhere`, a call was made on a processor other than 0; "" if no change is a reason.

    >>> why_it_differs(Operation(0, 0, "task:t", "exec", (), "done", None))
    'the file has format 1, and since then memory is freed as soon as no entry leads to it'
    """
    found = [change for change, names in CHANGES.items() if operation.name in names and version == 1]
    found += [ELSEWHERE] * (elsewhere and version < 3)
    if version == 1 and not found:
        found = ["memory is freed as soon as no entry leads to it"]
    return f"the file has format {version}, and since then {', or '.join(found)}" if found else ""


def _made_line(line: Line | None, machine: Machine) -> Line | None:
    """Return the operations to redo, with arguments in the form that the operations take."""
    if line is None:
        return None
    made = (
        one._replace(arguments=tuple((name, _made(value, machine)) for name, value in one.arguments))
        for one in line.operations
    )
    return line._replace(operations=tuple(made))


def _made(value: Any, machine: Machine) -> Any:
    """Return an argument in the form that the operation takes."""
    if not isinstance(value, Settings):
        return value
    kind = type(machine.controls)
    known = {one.name: type(getattr(machine.controls, one.name)) for one in fields(kind)}
    if any(type(held) is not known.get(name) for name, held in value.items()):
        raise Refused(f"settings={shown(dict(value))}: write this processor's settings, {kind.__name__}(…)")
    return kind(**value)


def _steps(operation: Operation, given: dict[str, Any], machine: Machine) -> int:
    """Return the number of threads' steps in an operation; refused if its record lacks the arguments."""
    machine.recorded(operation.target, operation.name)
    if operation.target != "machine" or operation.name not in RECORDED:
        return 0
    steps = given.get("steps", 0) if operation.name == "run" else 0
    takes = {"name", "size"} if operation.name == "make_pager" else {"name", "steps"}
    if not (set(given) <= takes and type(steps) is int):
        raise Refused(f"{operation.name} is recorded of the machine, with its name or its steps")
    return int(steps)

"""A real program replayed: its recording by strace, as calls of tasks of a machine."""

from __future__ import annotations

import os
import re
from collections import Counter
from itertools import islice
from typing import Any

from ...engine.base.calls import says_what_it_takes
from ...engine.base.errors import Refused, a_kind, printable, shown
from ...engine.base.progress import Progress
from ...engine.machine import Machine
from ...engine.machine.kept.copies import no_collection
from .. import given_text
from ..cleaned import LEAVES_OUT, leaves_out
from ..loading import machine_with, task_name
from .perform import Performer
from .plan import Plan, plan
from .result import LoadedStrace
from .text import Event, parse_strace

MOST_STRACE_BYTES = 64 << 20
"""The most bytes of one text."""

MAPS = "maps"
"""The value of `until` for the line in which a program last read its own map."""

_LINE = re.compile(r"\s*(?:\[pid +[0-9]+\]\s*)?(?:[0-9:.][ 0-9:.]*)?(?:[a-zA-Z_]\w*\(|<\.\.\. |--- |\+\+\+ )")


@says_what_it_takes
def load_strace(
    machine: Machine,
    path_or_text: str | os.PathLike[str],
    *,
    task: str | None = None,
    until: int | str | None = None,
) -> LoadedStrace:
    r"""Replay a program from strace's output, in tasks of `machine`.

    `path_or_text` is the name of a file that ``strace -o`` wrote, which may be packed by gzip, or its text.  With
    ``-f`` it contains child processes, and with ``-y`` the names of files that were opened before the recording.
    `task` names the first task (the program's name by default); it must not have entries yet.  `until` is the number of
    the last line to replay.  "maps" means the last line in which the program read its own /proc/PID/maps, so that you
    can compare that map (:func:`vmwidgets.diff`).

    mmap, munmap, mprotect, brk, mremap, madvise and msync are repeated at the addresses that the system returned. fork,
    clone and vfork create tasks; threads share a task. execve starts again with nothing mapped, since no call shows the
    mappings that execve makes.  Files are memory objects with the files' names, but without contents.  No page is
    touched.  Failed calls are not repeated.  Calls that the model lacks are listed and counted in the result.  The
    first process's task remains after its exit, so that you can look at it.

    The arguments of calls that change memory or create processes are read strictly.  Other calls are only counted.  The
    same holds for lines that are not strace's, and for incomplete calls: strace may have been detached (``strace -p``),
    or the text may be cut.

    The call is one group: one ``m.undo()`` undoes it.  These are refused beforehand, and change nothing: a damaged call
    that changes memory, the output of other programs, a summary (``-c``), and a call that the machine can't make.  O(n
    log n).

    >>> import vmwidgets as vm
    >>> vm.load_strace(
    ...     vm.boot("x86-64"),
    ...     '''
    ... execve("/bin/true", ["true"], 0x7ffd /* 2 vars */) = 0
    ... brk(NULL) = 0x55550000
    ... brk(0x55571000) = 0x55571000
    ... mmap(NULL, 8192, PROT_READ, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0) = 0x7f0000000000
    ... mlock(0x7f0000000000, 4096) = 0
    ... exit_group(0) = ?
    ... ''',
    ... )
    6 calls of the text; task 'true': 2 entries
      Replayed: brk 2, execve 1, mmap 1
      Not in the model: mlock 1
      Ended: true exited with 0
    """
    if not isinstance(machine, Machine):
        raise Refused(f"machine={shown(machine)} is {a_kind(machine)}: boot one with vm.boot()")
    text, source = _text_of(path_or_text)
    return load_calls_into(machine, text, source, "" if task is None else task_name(machine, task), until)


def load_calls_into(
    machine: Machine, text: str, source: str, name: str, until: Any, progress: Progress | None = None
) -> LoadedStrace:
    """Replay the calls of a text in tasks of a machine, as one group."""
    with no_collection():
        found = _planned(list(parse_strace(text, source)), source, until)
        performer = Performer(machine, name, source)
        with machine.group("load_strace"), machine.history.without_copies():
            performer.perform(found.steps, progress)
    if not performer.tasks:
        raise Refused(
            f"{source} contains no system call: a line of strace looks like 'munmap(0x7f0000001000, 4096) = 0'"
        )
    return _result(performer, found, source, text)


CALL = re.compile(r"(?<![\w.])(execve|brk|mmap2?|munmap|mprotect|openat|open|close|read|clone3?|fork)\(.*\)\s+= ")
"""A call as strace ends it."""


def lines_of_calls(text: str) -> frozenset[int]:
    """Return the numbers of the lines that are calls recorded by strace.  O(characters)."""
    at, number, found = 0, 1, []
    for call in CALL.finditer(text) if "(" in text else ():
        number += text.count("\n", at, call.start())
        at = call.start()
        found.append(number)
    return frozenset(found)


_WHOLE = re.compile(r"^(?:\[pid +[0-9]+\] |[0-9]+ +)?[0-9:.()+ ]*[a-z][a-z0-9_]*\(.*\)\s+= ", re.MULTILINE)


def whole_calls(text: str) -> int:
    """Return how many lines, up to some thousand, begin as strace begins them."""
    return sum(1 for _ in islice(_WHOLE.finditer(text), 4_096))


def load_calls(text: str, source: str, progress: Progress | None = None) -> LoadedStrace:
    """Return a program replayed in a new machine whose addresses suit it."""
    highest = max((int(one, 16) for one in _RESULT.findall(text)), default=0)
    return load_calls_into(machine_with(highest + 1, "256 MiB"), text, source, "", None, progress)


_RESULT = re.compile(r"(?:mmap2?|brk|mremap)\(.*\)\s+= 0x([0-9a-f]{9,16})\b")


def _planned(events: list[Event], source: str, until: Any) -> Plan:
    """Return the plan, up to a line."""
    if until is None:
        return plan(events, source)
    if isinstance(until, int) and not isinstance(until, bool):
        if until < 1:
            raise Refused(f"until={shown(until)}: lines count from 1")
        return plan(events, source, until)
    if not isinstance(until, str) or until != MAPS:
        raise Refused(f"until={shown(until)}: write the number of a line, or 'maps'")
    whole = plan(events, source)
    if not whole.maps_read:
        raise Refused(f"until='maps': the program of {source} never read its own /proc/self/maps")
    return plan(events, source, whole.maps_read[-1])


def _result(performer: Performer, found: Plan, source: str, text: str) -> LoadedStrace:
    tasks = performer.tasks
    alive = tuple(task for task in tasks.values() if task.name in task.machine.tasks)
    ends = {tasks[space].name: how for space, how in found.ends.items()}
    lines = text.split("\n") if found.passed_over else []
    left_out = [number for number in found.passed_over if leaves_out(lines[number - 1].removesuffix("\r"))]
    words = "unless the program printed it: calls may be missing."
    unsaid = [f"Line {number} {LEAVES_OUT}, {words}" for number in left_out[:1]]
    return LoadedStrace(
        tasks[0], alive, source, found.calls, _named(performer.done), found.skipped, found.flags, +performer.beyond,
        found.failed, found.others, +performer.outside, found.unfinished, found.signals, performer.taken, ends,
        tuple(found.maps_read), found.unread, tuple(found.passed_over), text,
        (*found.unsaid, *unsaid),
    )  # fmt: skip  # in the order of its fields


def _named(done: Counter[str]) -> Counter[str]:
    return Counter({name: count for name, count in done.items() if name and count})


def _text_of(given: Any) -> tuple[str, str]:
    """Return the text, and its name."""
    if isinstance(given, str) and ("\n" in given or _LINE.match(given)):
        return given_text.checked(given, MOST_STRACE_BYTES), "the text"
    name = given_text.path_of(given, "what strace wrote")
    return given_text.read(name, "what strace wrote", "more than is replayed", MOST_STRACE_BYTES), printable(name)

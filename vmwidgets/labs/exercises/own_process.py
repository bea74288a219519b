"""Exercises of notebook 10: what execve maps without a call, and the calls behind a thread's stack."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from vmwidgets.engine.base.units import KIB, MIB, PAGE, Size, counted
from vmwidgets.engine.base.values.map_diffs import AGREES, DIFFERS, MODEL, MapsDiff, RangeDiff
from vmwidgets.engine.machine.tasks import Task
from vmwidgets.sources.map_diff import diff
from vmwidgets.sources.strace.recordings import recording
from vmwidgets.sources.strace.result import LoadedStrace

from ..criterion import Criterion, criterion
from ..exercise import exercise

HEAP, STACK = 132 * KIB, 8 * MIB
MOST_CALLS = 5

LOW = 16 * MIB
"""Below it lie the program and its zeroes in the recording, which is no PIE."""


def compared(task: Task) -> MapsDiff:
    """The task beside what the recorded program read of its own map."""
    return diff(task, recording("fails").maps)


@exercise("10/execve", "What execve maps", points=7, takes=Task, shows=compared)
def execve(task: Task) -> Iterator[Criterion]:
    """The task agrees in what no call had mapped, too: the program, its zeroes, the interpreter, the stack."""
    found = compared(task)
    calls = [row for row in found.rows if row.system is not None and not _by_execve(row)]
    done = bool(calls) and all(row.verdict == AGREES for row in calls)
    first = "" if done else "replay the recording, up to where it read its map"
    for points, what, rows in (
        (2, "the program", [row for row in found.rows if _named(row, "/python3")]),
        (1, "the zeroes behind the program", _behind(found, "/python3")),
        (2, "the interpreter", [row for row in found.rows if _named(row, "/ld-")]),
        (1, "the stack", [row for row in found.rows if _named(row, "[stack]")]),
    ):
        agreeing = sum(row.verdict == AGREES for row in rows)
        yield criterion(
            points,
            done and agreeing == len(rows),
            f"the task has {what} as the system has it",
            f"the task should have {what} as the system has it: addresses, protections, places in the file",
            first=first,
            expected=counted(len(rows), "range"),
            actual=f"{counted(agreeing, 'range')} that agree",
        )
    wrong = [*found.of(MODEL), *found.of(DIFFERS)]
    yield criterion(
        1,
        done and not wrong,
        "the task has nothing that the system has not",
        "some of what the task has is elsewhere in the system, or not there",
        first=first,
        actual=counted(len(wrong), "range"),
    )


def _named(row: RangeDiff, part: str) -> bool:
    name = row.system.name if row.system is not None else ""
    return part in name and "/lib/python3" not in name


def _by_execve(row: RangeDiff) -> bool:
    """Whether it is a range that no call of the recorded program mapped, or may be one."""
    side = row.system
    anonymous = side is not None and not side.name and row.start < LOW
    return (
        row.expected or anonymous or (any(_named(row, part) for part in ("/python3", "/ld-", "[")) and not _heap(row))
    )


def _heap(row: RangeDiff) -> bool:
    return _named(row, "[heap]")


def _behind(found: MapsDiff, part: str) -> list[RangeDiff]:
    """The range without a name that follows those of a file."""
    return [
        after
        for before, after in pairwise(found.rows)
        if _named(before, part) and after.system is not None and not after.system.name and before.end == after.start
    ]


@exercise("10/stack", "A stack, a guard, a heap", points=6, takes=LoadedStrace, shows=lambda loaded: loaded.task.map)
def stack(loaded: LoadedStrace) -> Iterator[Criterion]:
    """A trace whose calls make a thread's stack with a guard page below it, and a heap."""
    entries = loaded.task.map.entries()
    stacks = [entry for entry in entries if entry.size == STACK and entry.protection == "rw-"]
    guarded = [
        entry
        for entry in stacks
        for below in entries
        if below.end == entry.start and below.size == PAGE and below.protection == "---"
    ]
    yield criterion(
        2,
        (1 if stacks else 0) + (1 if guarded else 0),
        "there is a stack of 8 MiB, and below it a page that can't be touched",
        "there should be 8 MiB to read and write, and directly below them one page without any right",
        actual=", ".join(f"{entry.size} {entry.protection}" for entry in entries[:6]),
    )
    space = loaded.task.space
    size = space.heap.end - space.heap.start
    yield criterion(
        2,
        size == HEAP and loaded.replayed["brk"] >= 2,
        "the heap has 132 KiB",
        "the heap should have 132 KiB: brk says first where it is, and then moves its end",
        expected=Size(HEAP),
        actual=Size(size),
    )
    dropped = loaded.skipped.total() + loaded.failed.total() + loaded.beyond.total()
    yield criterion(
        2,
        (1 if loaded.calls <= MOST_CALLS else 0) + (1 if not dropped else 0) if guarded else 0,
        "five calls are enough, and each does something",
        "five calls are enough, and each should do something",
        first="" if guarded else "make the stack",
        expected=f"at most {MOST_CALLS} calls",
        actual=f"{counted(loaded.calls, 'call')}, {dropped} of them without effect",
    )

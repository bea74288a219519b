"""The bounds of a long story in a handout: which calls become one step, and where the story begins.

Each drawn moment needs the machine of that moment.  A hundred thousand operations on a large machine would take hours
and gigabytes, so a story's steps and the size of the machines it needs are limited.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import NamedTuple

from vmwidgets.engine.base.journal import Group, Journal
from vmwidgets.engine.base.units import counted
from vmwidgets.engine.machine import Machine

from .telling import Unit, units

MOST_STEPS = 200
"""The most steps of a handout: a longer story keeps the last ones."""

MOST_COPIED = 48 << 20
"""The most bytes of the copies from which past machines are rebuilt for one handout.

The copy of a machine with 100,000 entries has 2 MiB; rebuilding the machine takes about half a second.
"""

LONGEST_RUNS = (60, 20, 5, 1)
"""Lengths above which consecutive calls of one function become one step: the first length that makes a story fit."""


class Bounded(NamedTuple):
    """A story within its bounds: its first operation, and the runs of calls that are one step.

    `left_out` are sentences about the rest of the story.
    """

    first: int
    folded: Mapping[int, Group]
    left_out: list[str]


def bounded(machine: Machine, first: int, moments: Collection[int], *, alone: bool, fold: bool) -> Bounded:
    """Return the story from operation `first` on, within the bounds.  O(operations).

    With `fold`, consecutive calls of one function become one step if the story is too long.  Each operation whose
    number is in `moments` remains the last of its step, since it has a question or a note.

    >>> import vmwidgets as vm
    >>> m = vm.boot()
    >>> m.task("init").map.fill(300)
    >>> bounded(m, 1, (), alone=False, fold=True).left_out
    ['61 or more calls of one function in a row are one step: 300 operations are not shown one by one.']
    >>> bounded(m, 1, (), alone=False, fold=False).first
    102
    """
    journal, left_out = machine.journal, list[str]()
    folded: Mapping[int, Group] = {}
    every = list(units(journal, first, alone))
    fitting = _fitting(machine, every)
    if fold and len(fitting) < len(every):
        runs = list(_runs(journal, first, moments))
        for longest in LONGEST_RUNS:
            folded = {number: group for run, group in runs if len(run) > longest for number in run}
            every = list(units(journal, first, alone, folded))
            fitting = _fitting(machine, every)
            if len(fitting) == len(every):
                break
    if folded:  # with the last length that was tried
        calls = f"{longest + 1} or more calls of one function in a row are one step"
        left_out.append(f"{calls}: {counted(len(folded), 'operation')} are not shown one by one.")
    if len(fitting) < len(every):
        most = f"at most {MOST_STEPS} steps"
        if len(fitting) < MOST_STEPS:
            most = f"at most {MOST_COPIED >> 20} MiB of earlier machines"
        left_out.append(f"A handout has {most}: operations {first} to {fitting[0].first - 1} are left out.")
        first = fitting[0].number
    return Bounded(first, folded, left_out)


def _fitting(machine: Machine, every: list[Unit]) -> list[Unit]:
    """Return the last units that fit the bounds, but at least one."""
    copied, count = 0, 0
    for unit in reversed(every):
        copied += machine.history.bytes_near(unit.number)
        if count and (count == MOST_STEPS or copied > MOST_COPIED):
            break
        count += 1
    return every[len(every) - count :]


def _runs(journal: Journal, first: int, moments: Collection[int]) -> Iterator[tuple[range, Group]]:
    """Yield consecutive calls of one function on one thing; a run ends at a mark, and at one of `moments`."""
    ends = {journal.number_of(serial) for serial in journal.marks.values()} | {first, *moments}
    begun, name = first, ""
    for number in range(first, len(journal) + 1):
        own = ""
        if number < len(journal):
            operation = journal[number]
            own = "" if journal.group_of(operation.serial) else f"{operation.target}.{operation.name}"
        if own != name or number - 1 in ends:
            if name:
                yield range(begun, number), Group(name, journal.serial(begun), journal.serial(number - 1))
            begun, name = number, own

"""How much of a long story a handout tells: which calls are one step together, and where the story begins.

Each moment that is drawn needs the machine of that moment.  A hundred thousand operations on a large machine would be
hours of work and gigabytes, so a story has a bound on its steps and on the size of the machines that it needs.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import NamedTuple

from vmwidgets.engine.base.journal import Group, Journal
from vmwidgets.engine.base.units import counted
from vmwidgets.engine.machine import Machine

from .telling import Unit, units

MOST_STEPS = 200
"""Steps of a handout: of a longer story it has the last."""

MOST_COPIED = 48 << 20
"""Bytes of the copies from which machines of the past are made for one handout.

The copy of a machine with 100,000 entries has 2 MiB, and takes some half a second.
"""

LONGEST_RUNS = (60, 20, 5, 1)
"""More calls of one function after another than this are one step: the first with which the story fits."""


class Bounded(NamedTuple):
    """A story within its bounds: its first operation, and the runs of calls that are one step.

    `left_out` are sentences on the rest.
    """

    first: int
    folded: Mapping[int, Group]
    left_out: list[str]


def bounded(machine: Machine, first: int, moments: Collection[int], *, alone: bool, fold: bool) -> Bounded:
    """Return the story from operation `first` on, within the bounds.  O(operations).

    `fold`: where it is too long, calls of one function after another are one step.  Each of `moments`, operations by
    their numbers, stays the last of its step: something is asked or noted there.

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
    if folded:  # by the last of the bounds that were tried
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
    """Return the last of these that are within the bounds, at least one."""
    copied, count = 0, 0
    for unit in reversed(every):
        copied += machine.history.bytes_near(unit.number)
        if count and (count == MOST_STEPS or copied > MOST_COPIED):
            break
        count += 1
    return every[len(every) - count :]


def _runs(journal: Journal, first: int, moments: Collection[int]) -> Iterator[tuple[range, Group]]:
    """Calls of one function of one thing in a row; none goes on after a mark, or after one of `moments`."""
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

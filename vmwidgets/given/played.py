"""A small C program that was played on a machine: its text, and the operations of each line."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ..engine.base.errors import in_ascii
from ..engine.base.frozen import frozen
from ..engine.base.journal import Journal
from ..engine.base.units import counted
from ..engine.machine.machine import Machine


@frozen
class ProgramStep:
    """One access or call of a program, made by line `line` of its text, in `process`.

    `what` is "read" or "write" (`size` bytes at `offset` from the start of `name`), "map", "unmap" or "heap" (memory
    called `name`), "fork" (`name` is the child) or "exit".
    """

    line: int
    process: str
    what: str
    name: str = ""
    offset: int = 0
    size: int = 0

    @in_ascii
    def __str__(self) -> str:
        place = f"{self.name} + {self.offset:,}" if self.offset else self.name
        bytes_ = f", {counted(self.size, 'byte')}" if self.size else ""
        return f"{self.what} {place}{bytes_}".strip()


@frozen
class PlayedStep:
    """A step, the `serial` of the operation that made it, and its cost."""

    step: ProgramStep
    serial: int
    misses: int = 0
    faults: int = 0
    copies: int = 0


@frozen
class LineCounts:
    """The counts of one program line so far: its accesses, and how many of them missed the TLB or faulted.

    `copies` is the number of pages that the kernel copied for the line.
    """

    accesses: int = 0
    misses: int = 0
    faults: int = 0
    copies: int = 0


@frozen(repr=False)
class Played:
    """A program in C as a machine played it, access by access; :func:`vmwidgets.play` makes it.

    `text` has the lines of the program, counted from 1; `steps` has its steps, in order.
    """

    name: str
    text: tuple[str, ...]
    machine: Machine
    steps: tuple[PlayedStep, ...]

    @property
    def lines(self) -> Mapping[int, LineCounts]:
        """The total counts of each line, by its number; lines without a step are left out.  O(steps)."""
        return counts_of(self.steps)

    def steps_in(self, journal: Journal) -> tuple[PlayedStep, ...]:
        """Return the steps whose operations are in a history; after an undo, these may be fewer or none.

        O(steps).
        """
        return tuple(one for one in self.steps if journal.number_of(one.serial) is not None)

    @in_ascii
    def __repr__(self) -> str:
        rows = [f"{self.name}.c: {counted(len(self.steps), 'operation')}; line: accesses, TLB misses, faults, copies"]
        for line, one in sorted(self.lines.items()):
            numbers = f"{one.accesses:>3} {one.misses:>3} {one.faults:>3} {one.copies:>3}"
            rows.append(f"{line:>3}: {numbers}  {self.text[line - 1].strip()}")
        return "\n".join(rows)


def counts_of(steps: Iterable[PlayedStep]) -> Mapping[int, LineCounts]:
    """Return the counts of the lines of some steps, by their numbers."""
    found: dict[int, LineCounts] = {}
    for one in steps:
        old = found.get(one.step.line, LineCounts())
        is_access = one.step.what in ("read", "write")
        found[one.step.line] = LineCounts(
            old.accesses + is_access, old.misses + one.misses, old.faults + one.faults, old.copies + one.copies
        )
    return found

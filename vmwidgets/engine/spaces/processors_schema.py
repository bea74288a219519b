"""Processors: what each has loaded and waits for, as values, and what the kernel does with them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import field

from ..base.errors import in_ascii
from ..base.event import Event
from ..base.frozen import frozen
from ..base.past import ABSENT, MOVED, Past, Row, declare
from ..base.units import Address
from ..mmu.tlb_schema import TlbValue

declare(
    {
        "doubts": "of a processor, one row: flushes forgotten and edits by hand since its TLB was empty",
        "loaded": "of a processor, one row: whose tables it has loaded, their root, their number",
        "pending": "of a processor, by number: a request that waits",
        "shootdown": "one row: what becomes of requests",
        "shootdowns": "by what became of them: how many requests",
    }
)


@frozen
class FlushRequest:
    """What a processor asks another to drop: [start, end) of `space`, or all there is of it where `pages` is 0."""

    sender: str
    space: str
    start: int
    end: int
    pages: int
    asid: int | None
    """Only of this address space; None: of all, globals too."""
    number: int = field(default=0, compare=False)
    """Which of the requests that were sent since boot it is, from 1 on; 0 for one that was forgotten."""

    @in_ascii
    def __str__(self) -> str:
        what = f"[{Address(self.start)}, {Address(self.end)})" if self.pages else "everything"
        return f"{what} of {self.space}, asked by {self.sender}"


@frozen
class CpuValue:
    """A processor: what it has loaded, its TLB, and the flushes that others asked for and it has not done yet."""

    cpu: str
    space: str
    """Whose tables are loaded: "kernel", or a task's name."""
    root: int
    asid: int
    tlb: TlbValue
    pending: tuple[FlushRequest, ...] = ()
    forgotten: int = 0
    """How many flushes it should have been asked for and was not."""
    edits: int = 0
    """How often descriptors were edited by hand, which flushes nothing, since the TLB was last empty."""

    def at(self, past: Past) -> CpuValue:
        """The processor as it was, with nothing stale."""
        space, root, asid = past.one("loaded", self.cpu, (self.space, self.root, self.asid))
        pending = past.laid_over({one.number: one for one in self.pending}, "pending", self.cpu)
        waiting = tuple(pending[number] for number in sorted(pending))
        doubts = past.one("doubts", self.cpu, (self.forgotten, self.edits))
        return CpuValue(self.cpu, space, root, asid, self.tlb.at(past, self.cpu), waiting, *doubts)


@frozen
class CpusValue:
    """All processors, and what becomes of a flush that one asks another for."""

    cpus: tuple[CpuValue, ...]
    shootdown: str
    """``"acknowledged"``, ``"sent"`` or ``"forgotten"``."""
    asids: bool
    """Whether numbers tell address spaces apart in the TLB, or else dropped when another is loaded."""
    sent: int
    acknowledged: int
    forgotten: int

    def at(self, past: Past) -> CpusValue:
        """All processors as they were, with nothing stale: ``m.cpus.value(past)`` says what was."""
        if not past:
            return self
        moved = past.moved("shootdowns")
        counts = (getattr(self, name) - moved[name] for name in ("sent", "acknowledged", "forgotten"))
        cpus = tuple(cpu.at(past) for cpu in self.cpus)
        return CpusValue(cpus, past.one("shootdown", "", self.shootdown), self.asids, *counts)


class SpaceLoaded(Event):
    """The tables of `space`, whose root is at `root`, were loaded; before, those of `before` were loaded."""

    cpu: str
    space: str
    root: int
    asid: int
    before: str
    root_before: int = 0
    asid_before: int = 0

    def writes(self) -> Iterable[Row]:
        before, after = (self.before, self.root_before, self.asid_before), (self.space, self.root, self.asid)
        yield "loaded", self.cpu, 0, before, after


class AsidRollover(Event):
    """No ASID was free: all TLBs were flushed, and the `freed` ASIDs may be used again.

    They belonged to address spaces that no longer exist, and some processor never acknowledged their flush.
    """

    freed: tuple[int, ...]


class TimeTaken(Event):
    """How long the accesses of an operation took, by the given costs, and their number by kind."""

    accesses: int
    tlb_hits: int
    walk_references: int
    minor: int
    major: int
    nanoseconds: float


class TlbDoubted(Event, row=("doubts", "cpu", 0, "before", "after")):
    """A TLB may be wrong: `after` is its number of forgotten flushes and edits by hand since it was last empty."""

    cpu: str
    before: tuple[int, int]
    after: tuple[int, int]


class _Request(Event):
    """A request that `cpu` drop what it keeps of a range."""

    cpu: str
    request: FlushRequest


class ShootdownSent(_Request):
    """An interrupt asks `cpu` to drop its translations for `request`; the sender waits."""

    def writes(self) -> Iterable[Row]:
        yield "pending", self.cpu, self.request.number, ABSENT, self.request
        yield "shootdowns", "", "sent", MOVED, 1


class ShootdownAcknowledged(_Request):
    """`cpu` has dropped the requested translations, and acknowledges it."""

    def writes(self) -> Iterable[Row]:
        yield "pending", self.cpu, self.request.number, self.request, ABSENT
        yield "shootdowns", "", "acknowledged", MOVED, 1


class ShootdownForgotten(_Request, row=("shootdowns", "", "forgotten", MOVED, 1)):
    """`cpu` was not asked to drop `request`, as it should have been: its translations may be wrong from now on."""


class ShootdownChosen(Event, row=("shootdown", "", 0, "before", "after")):
    """From now on, `after` is what happens when one processor asks another to flush."""

    before: str
    after: str

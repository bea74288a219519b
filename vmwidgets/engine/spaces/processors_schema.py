"""Processors: what each has loaded and waits for, as values, and what the kernel does with them."""

from __future__ import annotations

from dataclasses import field

from ..base.errors import in_ascii
from ..base.event import Event
from ..base.frozen import frozen
from ..base.units import Address
from ..mmu.tlb_schema import TlbValue


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


class SpaceLoaded(Event, changes=True):
    """The tables of `space`, whose root is at `root`, were loaded; before, those of `before` were loaded."""

    cpu: str
    space: str
    root: int
    asid: int
    before: str


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


class TlbDoubted(Event, changes=True):
    """A TLB may be wrong: `after` is its number of forgotten flushes and edits by hand since it was last empty."""

    cpu: str
    before: tuple[int, int]
    after: tuple[int, int]


class _Request(Event):
    """A request that `cpu` drop what it keeps of a range."""

    cpu: str
    request: FlushRequest


class ShootdownSent(_Request, changes=True):
    """An interrupt asks `cpu` to drop its translations for `request`; the sender waits."""


class ShootdownAcknowledged(_Request, changes=True):
    """`cpu` has dropped the requested translations, and acknowledges it."""


class ShootdownForgotten(_Request, changes=True):
    """`cpu` was not asked to drop `request`, as it should have been: its translations may be wrong from now on."""


class ShootdownChosen(Event, changes=True):
    """From now on, `after` is what happens when one processor asks another to flush."""

    before: str
    after: str

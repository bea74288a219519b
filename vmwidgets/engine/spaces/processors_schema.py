"""Values of processors, with their tables and requests, and the kernel's events on processors."""

from __future__ import annotations

from dataclasses import field

from ..base.errors import in_ascii
from ..base.event import Event
from ..base.frozen import frozen
from ..base.units import Address
from ..mmu.tlb_schema import TlbValue


@frozen
class FlushRequest:
    """A request to another processor to drop [start, end) of `space`, or all of it if `pages` is 0."""

    sender: str
    space: str
    start: int
    end: int
    pages: int
    asid: int | None
    """The only address space concerned; None for all, with global entries."""
    number: int = field(default=0, compare=False)
    """The number of the request since boot, from 1 on; 0 for a forgotten request."""

    @in_ascii
    def __str__(self) -> str:
        what = f"[{Address(self.start)}, {Address(self.end)})" if self.pages else "everything"
        return f"{what} of {self.space}, asked by {self.sender}"


@frozen
class CpuValue:
    """A processor: its loaded tables, its TLB, and the flushes that are requested but not done."""

    cpu: str
    space: str
    """The owner of the loaded tables: "kernel", or a task's name."""
    root: int
    asid: int
    tlb: TlbValue
    pending: tuple[FlushRequest, ...] = ()
    forgotten: int = 0
    """The number of flushes that this processor needed but that were never requested."""
    edits: int = 0
    """The number of descriptors that were edited by hand, without a flush, since the TLB was last empty."""


@frozen
class CpusValue:
    """All processors, and the treatment of flush requests between them."""

    cpus: tuple[CpuValue, ...]
    shootdown: str
    """``"acknowledged"``, ``"sent"`` or ``"forgotten"``."""
    asids: bool
    """Whether TLB entries have address-space numbers; otherwise, loading another space flushes the TLB."""
    sent: int
    acknowledged: int
    forgotten: int


class SpaceLoaded(Event, changes=True):
    """The tables of `space`, with their root at `root`, were loaded instead of the tables of `before`."""

    cpu: str
    space: str
    root: int
    asid: int
    before: str


class AsidRollover(Event):
    """No ASID was free: all TLBs were flushed, and the `freed` ASIDs may be used again.

    The ASIDs belonged to address spaces that no longer exist, and some processor never acknowledged their flush.
    """

    freed: tuple[int, ...]


class TimeTaken(Event):
    """The time of an operation's accesses, by the given costs, and their number by kind."""

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
    """A request to `cpu` to drop its translations of a range."""

    cpu: str
    request: FlushRequest


class ShootdownSent(_Request, changes=True):
    """An interrupt asks `cpu` to drop its translations for `request`; the sender waits."""


class ShootdownAcknowledged(_Request, changes=True):
    """`cpu` has dropped the requested translations, and acknowledges it."""


class ShootdownForgotten(_Request, changes=True):
    """`cpu` never got `request`, though it should have: its translations may be wrong from now on."""


class CallsMoved(Event, changes=True):
    """Of several processors that run a task, the one on which the task makes its calls changed; "" for the lowest."""

    before: str
    after: str


class ShootdownChosen(Event, changes=True):
    """The treatment of requests to flush another processor changed to `after`."""

    before: str
    after: str

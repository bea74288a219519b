"""The contents of TLBs as values, and the events of TLBs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import NamedTuple

from ..base.errors import in_ascii
from ..base.event import Event
from ..base.frozen import frozen
from .tables_schema import Permissions


@frozen
class TlbEntryValue:
    """One translation that a TLB keeps, in way `way` of set `set`."""

    set: int
    way: int
    va: int
    """The page's first virtual address."""
    pa: int
    """The page's first physical address."""
    page_size: int
    asid: int | None
    """The address space (ASID, PCID) of the entry; None for a global entry, valid in all."""
    permissions: Permissions
    """The rights of each side on the page, at the time when the entry was filled."""
    dirty: bool
    """Whether writes need no walk.

    Otherwise, the first write walks the tables, to set the bits that the hardware sets for a write.
    """

    @property
    def place(self) -> tuple[int, int]:
        """The entry's set and way."""
        return self.set, self.way

    @property
    def page(self) -> tuple[int, int, int | None]:
        """The page that the entry translates: address, size and address space."""
        return self.va, self.page_size, self.asid


class Difference(NamedTuple):
    """A difference between a TLB entry and the tables now."""

    what: str
    """``"mapping"``, ``"address"``, ``"page size"``, ``"rights"``, ``"global"`` or ``"dirty"``."""
    kept: str
    now: str

    @in_ascii
    def __str__(self) -> str:
        return f"{self.what}: the TLB keeps {self.kept}, the tables say {self.now}"


@frozen
class TlbSlot:
    """A way that is not empty: the entry, and its state now."""

    entry: TlbEntryValue
    age: int
    """The entry's rank in its set: 0 was used last, the highest is evicted next."""
    stale: tuple[Difference, ...] = ()
    """The differences from a fresh walk of the tables; empty if the entry is not stale."""
    used: int = 0
    """The time of the entry's last use, by the TLB's count."""


@frozen
class TlbValue:
    """A whole TLB: ``rows[set][way]``, None for an empty way, and the counts since boot."""

    sets: int
    ways: int
    rows: tuple[tuple[TlbSlot | None, ...], ...]
    hits: int
    misses: int
    evictions: int
    """Entries that were replaced because their set was full."""
    flushed: int
    """Entries that were flushed."""

    @classmethod
    def of(cls, sets: int, ways: int, kept: Iterable[TlbSlot], *counts: int) -> TlbValue:
        """Return the TLB with each slot at its entry's place, and with the slot's age in that set."""
        by_use: list[list[TlbSlot]] = [[] for _ in range(sets)]
        for slot in sorted(kept, key=lambda one: -one.used):
            by_use[slot.entry.set].append(slot)
        rows: list[list[TlbSlot | None]] = [[None] * ways for _ in range(sets)]
        for row, slots in zip(rows, by_use, strict=True):
            for age, slot in enumerate(slots):
                row[slot.entry.way] = replace(slot, age=age)
        return cls(sets, ways, tuple(map(tuple, rows)), *counts)

    @property
    def slots(self) -> tuple[TlbSlot, ...]:
        """The ways that are not empty, set by set."""
        return tuple(slot for row in self.rows for slot in row if slot is not None)

    @property
    def reach(self) -> int:
        """The bytes that can be accessed without a walk now."""
        return sum(slot.entry.page_size for slot in self.slots)

    @property
    def stale(self) -> tuple[TlbSlot, ...]:
        """The entries that are stale: they should have been flushed."""
        return tuple(slot for slot in self.slots if slot.stale)


class TlbHit(Event, changes=True):
    """The TLB had `va`, in way `way` of set `set`.

    `outcome` is "used", "forbidden" (the entry's permissions cause a fault), or "clean" (a write must first mark the
    tables, so a walk follows).
    """

    cpu: str
    va: int
    access: str
    set: int
    way: int
    outcome: str


class TlbMissed(Event, changes=True):
    """The TLB did not have `va`: a walk follows."""

    cpu: str
    va: int
    access: str


class TlbFilled(Event, changes=True):
    """The result of a walk was put into the TLB; it replaced `evicted`."""

    cpu: str
    entry: TlbEntryValue
    evicted: TlbEntryValue | None


class TlbFlushed(Event, changes=True):
    """Translations were dropped from the TLB.

    `scope` says what was dropped: "range" is [start, end); "space" is all of address space `asid`; "all" is everything
    except global entries; "all and global" is everything; "fault" is the entry of an address that faulted.
    """

    cpu: str
    scope: str
    start: int
    end: int
    asid: int | None
    dropped: tuple[TlbEntryValue, ...]

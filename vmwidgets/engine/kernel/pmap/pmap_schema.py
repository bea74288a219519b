"""The events of a pmap other than the words that it writes; and an inverted page table, as a value."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from ...base.errors import in_ascii
from ...base.event import Called, Event
from ...base.frozen import frozen
from ...base.records import RETURNED, Raw, record
from ...base.units import counted


class InvertedEntry(NamedTuple):
    """The page number `page` of `task` is in `frame`, which `owner` has ("object memory 1")."""

    task: str
    page: int
    frame: int
    owner: str = ""


@frozen
class InvertedValue:
    """The chain of each bucket, in the order in which it is searched; `frames` is the number of RAM's frames."""

    chains: tuple[tuple[InvertedEntry, ...], ...]
    frames: int

    @property
    def entries(self) -> int:
        """The entries of all chains."""
        return sum(map(len, self.chains))

    @property
    def longest(self) -> int:
        """The number of entries in the longest chain: the most that a search has to compare."""
        return max(map(len, self.chains), default=0)

    @in_ascii
    def __repr__(self) -> str:
        pages, buckets = counted(self.entries, "page"), counted(len(self.chains), "bucket")
        return f"<inverted table: {pages} in {buckets}, {self.frames:,} frames; longest chain {self.longest}>"


def bucket_of(task: str, page: int, buckets: int) -> int:
    """Return a hash of page and task: neighbouring pages, and equal pages of two tasks, usually differ."""
    letters = sum(ord(letter) << number for number, letter in enumerate(task))
    return ((page * 0x9E37_79B1 + letters * 0x85EB_CA6B) >> 12 & 0xFFFF) % buckets


class KernelLimitMoved(Event, changes=True):
    """The page tables of kernel space were grown up to `after`."""

    before: int
    after: int


class TlbUpdated(Event):
    """Cached translations of [start, end) were dropped (`pages` one by one; 0: a whole flush)."""

    start: int
    end: int
    pages: int


class RootLoaded(Event):
    """The processor's base register was loaded: the tables of `pmap`, whose root is at `root`, are current."""

    pmap: str
    root: int


class _Blank(Event):
    """The knowledge about zeroes in a frame, before and after."""

    frame: int


class PageBlank(_Blank, changes=True):
    """A page of zeroes was mapped for a read: until it is written, it can be dropped and replaced by new zeroes.

    It counts as blank from now on, unless the dirty bit of a translation to its frame is set.
    """


class PageWritten(_Blank, changes=True):
    """A page that began as zeroes has been written, as a write fault or a dirty bit shows."""


class BlankGone(_Blank, changes=True):
    """A page that was never written left its frame."""


# ---- records: several events as one ---------------------------------------------------------

NEVER_MAPPED = "PmapNeverMapped"
"""`pmap_remove` for a range in which nothing was ever mapped, and the flush: start, end, pages."""


@record(NEVER_MAPPED)
def _never_mapped(start: int, end: int, pages: int) -> Iterable[Raw]:
    return (Called.tag, "pmap_remove", (start, end)), RETURNED, (TlbUpdated.tag, start, end, pages)

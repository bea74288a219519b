"""An inverted page table: one entry for each page that is in memory, found by a hash; frozen values for views."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from ..units import counted


class InvertedEntry(NamedTuple):
    """The page number `page` of `task` is in `frame`."""

    task: str
    page: int
    frame: int


@dataclass(frozen=True, slots=True)
class InvertedValue:
    """The chain of each bucket, in the order in which it is searched; `frames` is how many RAM has."""

    chains: tuple[tuple[InvertedEntry, ...], ...]
    frames: int

    @property
    def entries(self) -> int:
        """Of all chains."""
        return sum(map(len, self.chains))

    @property
    def longest(self) -> int:
        """Entries of the longest chain: what a search may have to compare."""
        return max(map(len, self.chains), default=0)

    def __repr__(self) -> str:
        pages, buckets = counted(self.entries, "page"), counted(len(self.chains), "bucket")
        return f"<inverted table: {pages} in {buckets}, {self.frames:,} frames; longest chain {self.longest}>"


def bucket_of(task: str, page: int, buckets: int) -> int:
    """A hash of page and task: neighbours part, and so do equal pages of two tasks."""
    letters = sum(ord(letter) << number for number, letter in enumerate(task))
    return ((page * 0x9E37_79B1 + letters * 0x85EB_CA6B) >> 12 & 0xFFFF) % buckets

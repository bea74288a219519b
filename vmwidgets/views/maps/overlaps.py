"""Entries of a map that overlap, which quirk clip-end-first produces; a sound map has none."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from vmwidgets.engine.base.units import binary_size
from vmwidgets.engine.kernel.map.map_schema import EntryValue, MapValue


class Overlap(NamedTuple):
    """The addresses from `start` to `end`, which are in both entries; `low` is the entry that begins lower."""

    low: int
    high: int
    start: int
    end: int

    @property
    def words(self) -> str:
        """The words next to the overlap."""
        return f"overlap of {binary_size(self.end - self.start)}"


def overlap_of(one: EntryValue, other: EntryValue) -> Overlap | None:
    """Return the overlap of two entries; None if they have none."""
    low, high = sorted((one, other), key=lambda entry: entry.start)
    end = min(low.end, high.end)
    return Overlap(low.id, high.id, high.start, end) if high.start < end else None


def overlaps_of(value: MapValue) -> list[Overlap]:
    """Return the overlap of each entry with the entry below it that reaches furthest."""
    found: list[Overlap] = []
    furthest: EntryValue | None = None
    for entry in sorted(value.entries, key=lambda entry: entry.start):
        both = overlap_of(furthest, entry) if furthest is not None else None
        found += [both] if both is not None else []
        furthest = entry if furthest is None or entry.end > furthest.end else furthest
    return found


def levels_of(overlaps: Sequence[Overlap]) -> dict[int, int]:
    """Return the level (one of two) on which each overlapping entry is drawn, so that both are visible."""
    levels: dict[int, int] = {}
    for one in overlaps:
        levels[one.high] = 1 - levels.setdefault(one.low, 0)
    return levels

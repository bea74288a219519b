"""How many slots of a cnode hold what, for any range of them, without looking at each."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

from ..base.errors import Broken

FAN = 6
"""Slots are counted in runs of 2**6, these in runs of as many, and so on."""


class SlotCounts:
    """The kinds of what is in `slots` slots; `kind_at` tells what is in one, none if nothing is.

    Adding and removing, counting a range and finding the next slot in use are O(log slots).

    >>> held = {3: "RAM", 70: "Frame", 71: "Frame"}
    >>> counts = SlotCounts(200, held.get)
    >>> for slot, kind in held.items():
    ...     counts.add(slot, kind)
    >>> counts.between(0, 71), counts.next(4), counts.last(71)
    ({'RAM': 1, 'Frame': 1}, 70, 70)
    """

    __slots__ = ("_kind_at", "_runs", "slots")

    def __init__(self, slots: int, kind_at: Callable[[int], str | None]) -> None:
        self.slots = slots
        self._kind_at = kind_at
        levels = max(1, -(-(slots - 1).bit_length() // FAN))
        self._runs: list[dict[int, dict[str, int]]] = [{} for _ in range(levels)]
        """By level, from the shortest runs on: the counts of each run that is not empty, by kind."""

    def add(self, slot: int, kind: str) -> None:
        """A slot holds something now."""
        for runs in self._runs:
            slot >>= FAN
            kinds = runs.setdefault(slot, {})
            kinds[kind] = kinds.get(kind, 0) + 1

    def remove(self, slot: int, kind: str) -> None:
        """A slot is empty now, which held that."""
        for runs in self._runs:
            slot >>= FAN
            kinds = runs[slot]
            kinds[kind] -= 1
            if not kinds[kind]:
                del kinds[kind]
                if not kinds:
                    del runs[slot]

    def between(self, first: int, end: int) -> dict[str, int]:
        """How many of each kind are in [first, end)."""
        found: dict[str, int] = {}
        for level, number in self._covering(first, end):
            if level:
                for kind, count in self._runs[level - 1].get(number, {}).items():
                    found[kind] = found.get(kind, 0) + count
            elif (single := self._kind_at(number)) is not None:
                found[single] = found.get(single, 0) + 1
        return found

    def next(self, slot: int) -> int | None:
        """The first slot in use from `slot` on."""
        for level, number in self._covering(slot, self.slots):
            if self._is_used(level, number):
                return self._end_of(level, number, iter)
        return None

    def last(self, end: int) -> int | None:
        """The last slot in use below `end`."""
        for level, number in reversed(list(self._covering(0, end))):
            if self._is_used(level, number):
                return self._end_of(level, number, reversed)
        return None

    def in_order(self) -> Iterator[int]:
        """The slots in use."""
        slot = self.next(0)
        while slot is not None:
            yield slot
            slot = self.next(slot + 1)

    def check(self, kinds: Mapping[int, str], name: str) -> None:
        """Raise :class:`.errors.Broken` unless slots with these kinds are what is counted."""
        right = SlotCounts(self.slots, kinds.get)
        for slot, kind in kinds.items():
            right.add(slot, kind)
        if right._runs != self._runs:
            raise Broken(f"C5: the counts of the slots of {name} differ from what is in them")

    def _end_of(self, level: int, number: int, order: Callable[[range], Iterable[int]]) -> int:
        """The first slot in use of a run that is not empty, in that order."""
        for below in reversed(range(level)):
            number = next(one for one in order(_parts(number)) if self._is_used(below, one))
        return number

    def _is_used(self, level: int, number: int) -> bool:
        return number in self._runs[level - 1] if level else self._kind_at(number) is not None

    def _covering(self, first: int, end: int) -> Iterator[tuple[int, int]]:
        """The longest runs that make up [first, end), in order: (level, number); single slots are of level 0."""
        at = first
        while at < end:
            level = 0
            while level < len(self._runs):
                size = 1 << FAN * (level + 1)
                if at % size or at + size > end:
                    break
                level += 1
            yield level, at >> FAN * level
            at += 1 << FAN * level


def _parts(run: int) -> range:
    return range(run << FAN, run + 1 << FAN)

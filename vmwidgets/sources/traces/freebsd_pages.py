"""What the recorder of FreeBSD's runs had for frames and page tables: numbers, and rules for which comes next."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from itertools import count

from ...engine.base.units import PAGE


class CountedFrames:
    """Frames that are only counted.  A free one is taken if there is any, else a cached one.

    A request for zeroes takes a zeroed one where there is one, others only where all free ones are zeroed.  What
    comes back never counts as zeroed.  `taken` is what others have.
    """

    def __init__(self, pages: int) -> None:
        self.free_frames = pages
        self.cached = 0
        self.zeroed = 0
        self.taken = 0
        self._numbers = count(1)

    def allocate(self, zero: bool, owner: str) -> tuple[int, bool]:
        """Return a number, and whether the frame counted as zeroed."""
        if not self.free_frames:
            self.cached -= 1
            return next(self._numbers), False
        zeroed = self.zeroed > 0 and (zero or self.zeroed == self.free_frames)
        self.free_frames -= 1
        self.zeroed -= zeroed
        return next(self._numbers), zeroed

    def free(self, frame: int) -> None:
        """One more is free."""
        self.free_frames += 1

    def clear(self, frame: int) -> None:
        """There are no bytes to clear."""

    # ---- what the rest of the system does ----------------------------------------------------

    def take_pages(self, wanted: int) -> None:
        """Others take free ones, the zeroed last."""
        moved = min(wanted, self.free_frames)
        self.free_frames -= moved
        self.taken += moved
        self.zeroed = min(self.zeroed, self.free_frames)

    def give_pages(self, wanted: int) -> int:
        """Others free some; how many they could."""
        moved = min(wanted, self.taken)
        self.taken -= moved
        self.free_frames += moved
        return moved

    def cache_pages(self, wanted: int) -> None:
        """Others leave clean pages behind."""
        moved = min(wanted, self.taken)
        self.taken -= moved
        self.cached += moved

    def zero_pages(self, wanted: int) -> None:
        """The idle loop clears free ones."""
        self.zeroed = min(self.zeroed + wanted, self.free_frames)


class TranslationTable:
    """Page tables as a plain table that costs nothing."""

    large = False

    def __init__(self) -> None:
        self._frames: dict[int, int] = {}

    def enter(self, va: int, frames: Sequence[int], wired: bool, protection: int) -> None:
        """Pages from `va` on are translated to `frames`; that they are wired makes no difference here."""
        self._frames.update(zip(range(va, va + len(frames) * PAGE, PAGE), frames, strict=True))

    def remove(self, start: int, end: int) -> None:
        """Nothing in [start, end) is translated."""
        for va in [va for va in self._frames if start <= va < end]:
            del self._frames[va]

    def translated(self, start: int, end: int) -> list[int]:
        """Return the frames behind [start, end)."""
        return [self._frames[va] for va in range(start, end, PAGE) if va in self._frames]

    def prepared(self, cuts: Iterable[int]) -> AbstractContextManager[None]:
        """Nothing here ever needs a table."""
        return nullcontext()

    def protect(self, start: int, end: int, protection: int) -> None:
        """Rights are not kept here: no recorded run changes them."""

"""The recorder's substitutes for frames and page tables: frames are numbers, and a rule gives the next number."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from itertools import count

from vmwidgets.engine.base.units import PAGE


class CountedFrames:
    """Frames that are only counted.  A request takes a free frame if there is one, or else a cached frame.

    A request for zeroes takes a zeroed frame if there is one; other requests take a zeroed frame only if all free
    frames are zeroed. A freed frame never counts as zeroed.  `taken` is the number of frames that others use.
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
        """Count one more free frame."""
        self.free_frames += 1

    def clear(self, frame: int) -> None:
        """Do nothing: there are no bytes to clear."""

    # ---- the rest of the system --------------------------------------------------------------

    def take_pages(self, wanted: int) -> None:
        """Let others take free frames; zeroed frames are taken last."""
        moved = min(wanted, self.free_frames)
        self.free_frames -= moved
        self.taken += moved
        self.zeroed = min(self.zeroed, self.free_frames)

    def give_pages(self, wanted: int) -> int:
        """Let others free some frames; returns how many they could."""
        moved = min(wanted, self.taken)
        self.taken -= moved
        self.free_frames += moved
        return moved

    def cache_pages(self, wanted: int) -> None:
        """Let others leave clean pages in the cache."""
        moved = min(wanted, self.taken)
        self.taken -= moved
        self.cached += moved

    def zero_pages(self, wanted: int) -> None:
        """Let the idle loop clear free frames."""
        self.zeroed = min(self.zeroed + wanted, self.free_frames)


class TranslationTable:
    """Page tables as a plain table without costs."""

    large = False

    def __init__(self) -> None:
        self._frames: dict[int, int] = {}

    def enter(self, va: int, frames: Sequence[int], wired: bool, protection: int) -> None:
        """Map pages from `va` on to `frames`; wiring makes no difference here."""
        self._frames.update(zip(range(va, va + len(frames) * PAGE, PAGE), frames, strict=True))

    def remove(self, start: int, end: int) -> None:
        """Unmap everything in [start, end)."""
        for va in [va for va in self._frames if start <= va < end]:
            del self._frames[va]

    def translated(self, start: int, end: int) -> list[int]:
        """Return the frames mapped in [start, end)."""
        return [self._frames[va] for va in range(start, end, PAGE) if va in self._frames]

    def prepared(self, cuts: Iterable[int]) -> AbstractContextManager[None]:
        """Return an empty context, since no table is ever needed."""
        return nullcontext()

    def protect(self, start: int, end: int, protection: int) -> None:
        """Ignore rights: no recorded run changes them."""

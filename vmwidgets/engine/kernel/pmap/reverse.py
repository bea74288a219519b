"""The reverse map: which translations of tasks lead to a frame (the pv entries of 4.4BSD and FreeBSD's pmap)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from ...base.errors import Broken
from ...base.recorder import Recorder
from ...base.units import PAGE, PAGE_SHIFT, Address
from .pmap_schema import BlankGone, PageBlank, PageWritten


class Translating(Protocol):
    """Page tables of a task."""

    name: str

    def extract(self, va: int) -> int | None:
        """The physical address that the tables give for `va`, or none."""

    def remove(self, start: int, end: int) -> None:
        """Unmap [start, end)."""

    def remove_write(self, start: int, end: int) -> None:
        """Have nothing of [start, end) written."""

    def update(self, start: int, end: int) -> None:
        """Drop the cached translations of [start, end)."""

    def is_referenced(self, va: int) -> bool:
        """Return whether the translation of `va` was used since its reference bit was cleared."""

    def clear_reference(self, va: int) -> None:
        """Clear that bit, and drop the cached translation."""

    def is_modified(self, va: int) -> bool:
        """Return whether the page was written through the translation of `va`, as far as that is known."""

    def clear_modify(self, va: int) -> None:
        """Have it count as not written; the caller drops the cached translation."""


class ReverseMap:
    """By frame: the address spaces and addresses that are translated to it, in the order in which they came.

    Page tables note here what they map.  Where descriptors were edited by hand the tables say otherwise: then an
    entry is left out.
    """

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self._by_frame: dict[int, dict[tuple[Translating, int], None]] = {}
        self._blank: dict[int, None] = {}

    def note(self, space: Translating, va: int, frame: int) -> None:
        """`space` maps the page at `va` to `frame`.  O(1)."""
        self._by_frame.setdefault(frame, {})[space, va] = None

    def forget(self, space: Translating, va: int, frame: int) -> None:
        """`space` does not do so any longer.  O(1)."""
        known = self._by_frame.get(frame)
        if known is not None:
            known.pop((space, va), None)
            if not known:
                del self._by_frame[frame]

    # ---- frames of zeroes ----------------------------------------------------------------------

    @property
    def blank(self) -> dict[int, bool]:
        """Frames of zeroes that nothing has written, but through translations that are there: those have bits.

        True for each.  O(their number).
        """
        return dict.fromkeys(self._blank, True)

    @property
    def any_blank(self) -> bool:
        """Return whether there are any."""
        return bool(self._blank)

    def came_blank(self, frame: int) -> None:
        """A page of zeroes comes to `frame`, and is not about to be written.  O(1)."""
        self._blank[frame] = None
        self._report(PageBlank.tag, frame)

    def written(self, frame: int) -> None:
        """The page in `frame` is about to be written, or was.  O(1)."""
        if frame in self._blank:
            del self._blank[frame]
            self._report(PageWritten.tag, frame)

    def vacated(self, frame: int) -> None:
        """No page is in `frame` any longer.  O(1)."""
        if frame in self._blank:
            del self._blank[frame]
            self._report(BlankGone.tag, frame)

    def leaving(self, space: Translating, pages: Iterable[tuple[int, int]]) -> None:
        """These translations of `space`, addresses and frames, are about to go: their dirty bits are kept in mind."""
        for va, frame in pages if self._blank else ():
            if frame in self._blank and space.is_modified(va):
                self.written(frame)

    def of(self, frame: int) -> list[tuple[Translating, int]]:
        """Spaces and addresses that lead to `frame`.  O(their number)."""
        known = self._by_frame.get(frame, ())
        return [(space, va) for space, va in known if (space.extract(va) or 0) >> PAGE_SHIFT == frame]

    def is_unwritten(self, frame: int) -> bool:
        """Return whether `frame` still has the zeroes that it came with.  O(translations that lead there)."""
        return frame in self._blank and not any(space.is_modified(va) for space, va in self.of(frame))

    def _report(self, *raw: object) -> None:
        emit = self._recorder.emit
        if emit is not None:
            emit(raw)

    # ---- all of it -------------------------------------------------------------------------------

    def frames(self) -> list[int]:
        """The frames that anything leads to, in order.  O(n log n)."""
        return sorted(self._by_frame)

    def count(self) -> int:
        """Return how many translations are noted."""
        return sum(map(len, self._by_frame.values()))

    def check_has(self, space: Translating, va: int, frame: int) -> None:
        """Raise :class:`Broken` unless it is noted that `space` maps the page at `va` to `frame`."""
        if (space, va & -PAGE) not in self._by_frame.get(frame, ()):
            where = f"{Address(va)} to frame {frame:#x}"
            raise Broken(f"R1: {space.name} maps {where}, and the reverse map does not say so")

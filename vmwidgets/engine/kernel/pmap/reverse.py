"""The reverse map: the translations of tasks that lead to a frame (the pv entries of 4.4BSD and FreeBSD's pmap)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from ...base.errors import Broken
from ...base.recorder import Recorder
from ...base.units import PAGE, PAGE_SHIFT, Address
from .pmap_schema import BlankGone, PageBlank, PageWritten

if TYPE_CHECKING:
    from .spaces import UserPmap


class ReverseMap:
    """The address spaces and addresses that are translated to each frame, in order of mapping.

    Page tables note their mappings here. After an edit of descriptors by hand, the tables may differ: such an entry is
    left out.
    """

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self._by_frame: dict[int, dict[tuple[UserPmap, int], None]] = {}
        self._blank: dict[int, None] = {}

    def note(self, space: UserPmap, va: int, frame: int) -> None:
        """Note that `space` maps the page at `va` to `frame`. O(1)."""
        self._by_frame.setdefault(frame, {})[space, va] = None

    def forget(self, space: UserPmap, va: int, frame: int) -> None:
        """Note that `space` no longer maps the page at `va` to `frame`. O(1)."""
        known = self._by_frame.get(frame)
        if known is not None:
            known.pop((space, va), None)
            if not known:
                del self._by_frame[frame]

    # ---- frames of zeroes ----------------------------------------------------------------------

    @property
    def blank(self) -> dict[int, bool]:
        """Return the frames of zeroes that were not written, except through existing translations, whose bits show it.

        Each has the value True. O(their number).
        """
        return dict.fromkeys(self._blank, True)

    @property
    def any_blank(self) -> bool:
        """Return whether there are any."""
        return bool(self._blank)

    def came_blank(self, frame: int) -> None:
        """Note that a page of zeroes is in `frame` now, and not about to be written. O(1)."""
        self._blank[frame] = None
        self._report(PageBlank.tag, frame)

    def written(self, frame: int) -> None:
        """Note that the page in `frame` is about to be written, or was. O(1)."""
        if frame in self._blank:
            del self._blank[frame]
            self._report(PageWritten.tag, frame)

    def vacated(self, frame: int) -> None:
        """Note that `frame` no longer contains a page. O(1)."""
        if frame in self._blank:
            del self._blank[frame]
            self._report(BlankGone.tag, frame)

    def leaving(self, space: UserPmap, pages: Iterable[tuple[int, int]]) -> None:
        """Remember the dirty bits of these translations of `space` (addresses and frames) before their removal."""
        for va, frame in pages if self._blank else ():
            if frame in self._blank and space.is_modified(va):
                self.written(frame)

    def of(self, frame: int) -> list[tuple[UserPmap, int]]:
        """Return the spaces and addresses that lead to `frame`. O(their number)."""
        known = self._by_frame.get(frame, ())
        return [(space, va) for space, va in known if (space.extract(va) or 0) >> PAGE_SHIFT == frame]

    def is_unwritten(self, frame: int) -> bool:
        """Return whether `frame` still has its initial zeroes. O(translations that lead there)."""
        return frame in self._blank and not any(space.is_modified(va) for space, va in self.of(frame))

    def _report(self, *raw: object) -> None:
        emit = self._recorder.emit
        if emit is not None:
            emit(raw)

    # ---- all of it -------------------------------------------------------------------------------

    def frames(self) -> list[int]:
        """Return the frames to which any translation leads, in order. O(n log n)."""
        return sorted(self._by_frame)

    def count(self) -> int:
        """Return how many translations are noted."""
        return sum(map(len, self._by_frame.values()))

    def check_has(self, space: UserPmap, va: int, frame: int) -> None:
        """Raise :class:`Broken` unless it is noted that `space` maps the page at `va` to `frame`."""
        if (space, va & -PAGE) not in self._by_frame.get(frame, ()):
            where = f"{Address(va)} to frame {frame:#x}"
            raise Broken(f"R1: {space.name} maps {where}, and the reverse map does not say so")

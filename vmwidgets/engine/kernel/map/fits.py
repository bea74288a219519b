"""First, best, worst and next fit: small values given to a map, to replace its own search for a gap.

Each is asked for a gap, and changes only its own memory; among equal gaps, the lowest is chosen.  X15's own search with
its find cache is in :mod:`.x15.vm_map`, FreeBSD's first fit with its tree of gaps in :mod:`.freebsd.vm_map`.  The
rules are those of Knuth, The Art of Computer Programming, volume 1, section 2.5.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from typing import Generic, TypeVar

from ...base.errors import in_ascii
from ...base.frozen import frozen
from .core import Entry, MapCore
from .map_schema import GapTried, SearchRestarted

E = TypeVar("E", bound=Entry)


@frozen
class Gap(Generic[E]):
    """A gap: `space` free bytes from `position` on, which is aligned as requested; `next` is the entry above."""

    position: int
    space: int
    next: E | None


def gaps(core: MapCore[E], align: int = 0, base: int | None = None) -> Iterator[Gap[E]]:
    """Yield the gaps of a map in address order from `base` on, shortened to `align`, even those then too small."""
    position = core.start if base is None else base
    following = core.first if base is None else core.tree.nearest(base)
    while position < core.end:
        above = core.end if following is None else following.start
        first = -(-position // align) * align if align else position
        if position < above:
            yield Gap(first, max(0, above - first), following)
        if following is None:
            return
        position, following = following.end, following.next  # type: ignore[assignment]  # neighbours are of the same kind


class Fit:
    """A rule that chooses the gap for a request.

    `name` and `rule` describe it, and `cost` says what a search examines.
    """

    name: str
    rule: str
    cost: str

    def find(self, core: MapCore[E], size: int, align: int = 0, base: int | None = None) -> Gap[E] | None:
        """Return the gap for `size` bytes at a multiple of `align` (0: anywhere), or None.

        Each examined gap is reported. With `base`, only free space from there on counts.
        """
        raise NotImplementedError

    def find_above(self, core: MapCore[E], size: int, lowest: int) -> Gap[E] | None:
        """Return the rule's gap for `size` bytes, or None; nothing below `lowest` may ever be used."""
        return self.find(core, size, base=lowest)

    @in_ascii
    def __repr__(self) -> str:
        return f"<{self.name} fit: {self.rule}>"


class FirstFit(Fit):
    """The lowest gap that is large enough.

    >>> FirstFit()
    <first fit: the lowest gap that is large enough>
    """

    name, rule, cost = "first", "the lowest gap that is large enough", "O(entries below it)"

    def find(self, core: MapCore[E], size: int, align: int = 0, base: int | None = None) -> Gap[E] | None:
        """The lowest gap that is large enough."""
        return _lowest(core, gaps(core, align, base), size)


class NextFit(Fit):
    """First fit that continues where the last search ended, and begins again at the bottom if nothing above fits.

    `position` is where it continues (None: at the map's start). Freeing memory does not move it.
    """

    name, rule = "next", "the first gap that is large enough, from where the last search ended"
    cost = "O(log n) and the entries from there to the gap"

    def __init__(self) -> None:
        self.position: int | None = None

    def find(self, core: MapCore[E], size: int, align: int = 0, base: int | None = None) -> Gap[E] | None:
        """Return the lowest gap from `position` on, or else the lowest of all.

        With `base`, the lowest from there on.
        """
        return self._go_on(core, size, align, self.position if base is None else None, base)

    def find_above(self, core: MapCore[E], size: int, lowest: int) -> Gap[E] | None:
        """Return the lowest gap from `position` on, or else the lowest from `lowest` on."""
        here = self.position
        return self._go_on(core, size, 0, here if here is not None and here >= lowest else None, lowest)

    def _go_on(self, core: MapCore[E], size: int, align: int, position: int | None, base: int | None) -> Gap[E] | None:
        """Return the lowest gap from `position` on, or else from `base` on (None: from the map's start)."""
        found = None if position is None else _lowest(core, gaps(core, align, position), size)
        if found is None:
            emit = core.recorder.emit
            if emit is not None and position is not None:
                emit((SearchRestarted.tag, core.name, core.start if base is None else base))
            found = _lowest(core, gaps(core, align, base), size)
        if found is not None:
            self.position = found.position + size
        return found


class BestFit(Fit):
    """The smallest gap that is large enough: large ones stay whole, and slivers are left over."""

    name, rule, cost = "best", "the smallest gap that is large enough", "O(all entries)"

    def find(self, core: MapCore[E], size: int, align: int = 0, base: int | None = None) -> Gap[E] | None:
        """Return the smallest gap that is large enough; the lowest of equal ones."""
        return _extreme(core, gaps(core, align, base), size, -1, "the smallest that is large enough")


class WorstFit(Fit):
    """The largest gap: the rest stays useful, but no large gap remains."""

    name, rule, cost = "worst", "the largest gap", "O(all entries)"

    def find(self, core: MapCore[E], size: int, align: int = 0, base: int | None = None) -> Gap[E] | None:
        """Return the largest gap; the lowest of equal ones."""
        return _extreme(core, gaps(core, align, base), size, 1, "the largest")


FITS: dict[str, type[Fit]] = {fit.name: fit for fit in (FirstFit, BestFit, WorstFit, NextFit)}
"""The rules by name. Each map needs its own value, since next fit has a memory."""


def _lowest(core: MapCore[E], candidates: Iterator[Gap[E]], size: int) -> Gap[E] | None:
    for gap in candidates:
        taken = gap.space >= size
        _report(core, gap, taken, "")
        if taken:
            return gap
    return None


def _extreme(core: MapCore[E], candidates: Iterator[Gap[E]], size: int, sign: int, why: str) -> Gap[E] | None:
    """Return the largest (`sign` 1) or the smallest (-1) of the gaps that are large enough."""
    best: Gap[E] | None = None
    for gap in candidates:
        better = gap.space >= size and (best is None or sign * gap.space > sign * best.space)
        words = "large enough, none better so far" if better else "large enough, no better than one before"
        _report(core, gap, False, words if gap.space >= size else "")
        best = gap if better else best
    if best is not None:
        _report(core, best, True, why)
    return best


def _report(core: MapCore[E], gap: Gap[E], taken: bool, why: str) -> None:
    emit = core.recorder.emit
    if emit is not None:
        emit((GapTried.tag, core.name, gap.position, gap.space, taken, why))


# ---- the lowest gap, for mmap ------------------------------------------------------------------

SIZES = 8
"""The number of sizes that are kept: those that were requested last."""


class LowGap:
    """The lowest gap of a map above an address, for a size, found without examining everything below it.

    Linux before 3.10 kept such a note for mmap (`free_area_cache` and `cached_hole_size`); here, there is one for each
    of a few sizes, and the result is always the lowest gap.

    When an entry is removed, the map reports where the gap begins (:meth:`opened`): nothing else makes a gap.
    """

    def __init__(self) -> None:
        self._full: OrderedDict[int, int] = OrderedDict()
        """By size in bytes, an address: no gap of that size begins between `_lowest` and it."""
        self._lowest = 0

    def find(self, core: MapCore[Entry], size: int, lowest: int) -> int | None:
        """Return where the lowest gap of `size` bytes from `lowest` on begins; None without one.

        O(log n), plus the entries after the last gap of this size or of a smaller one.
        """
        if lowest != self._lowest:
            self._full.clear()
            self._lowest = lowest
        position = max([lowest, *(full for known, full in self._full.items() if known <= size)])
        entry = core.peek(position)
        while entry is not None and entry.start - position < size:
            position = max(position, entry.end)
            entry = entry.next
        self._full[size] = position
        self._full.move_to_end(size)
        if len(self._full) > SIZES:
            self._full.popitem(last=False)
        return position if core.end - position >= size else None

    def opened(self, start: int) -> None:
        """Note that a gap begins at `start`, or below an entry that begins there. O(1)."""
        for size, full in self._full.items():
            if start < full:
                self._full[size] = start

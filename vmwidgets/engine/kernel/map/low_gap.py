"""The lowest gap of a map, found without examining everything below it.

Linux before 3.10 kept such a note for mmap (`free_area_cache` and `cached_hole_size`); here, there is one for each of a
few sizes, and the result is always the lowest gap.
"""

from __future__ import annotations

from collections import OrderedDict

from .core import Entry, MapCore

SIZES = 8
"""The number of sizes that are kept: those that were requested last."""


class LowGap:
    """The lowest gap of a map above an address, for a size.

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

"""The pages of a memory object to which something leads: entries that map it, and shadows in front of it.

A page of anonymous memory to which nothing leads can never be reached again, so it is freed immediately; if an entry
grows over its number later, the page contains zeroes.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Sequence

from ...base.errors import Broken
from ...base.units import PAGE_SHIFT
from ..map.vm_object import MappingEntry, Pager, VmObject

EVERYWHERE = range(1 << 52)
"""All pages that offsets of 64 bits can name."""


class LedObject(VmObject):
    """An object that knows the entries that map it, and its `shadows`; it may be a shadow of `shadow` itself.

    It requests only pages in `window` from the object behind. The pages in `swapped` are in swap space.
    """

    shadow: LedObject | None
    shadows: Sequence[LedObject]

    def __init__(self, name: str, pager: Pager, window: range) -> None:
        super().__init__(name, pager)
        self.window = window
        self.swapped: dict[int, int] = {}
        """Slots of swap space by page; also for pages in memory, until they are written."""
        self.entries: dict[MappingEntry, None] = {}
        """The entries that map it."""
        self.copied_on = False
        """Whether entries of several maps have it, which may map the same page."""

    @property
    @abstractmethod
    def keeps_pages(self) -> bool:
        """Return whether its pages stay even if nothing leads to them: a file's, and those that a learner named."""

    @abstractmethod
    def forget(self, pages: range) -> None:
        """Free those of `pages` that it has, in memory or in swap space."""

    def reference(self, entry: MappingEntry | None = None) -> None:
        """Count another entry, shadow or holder that refers to it; a known entry is remembered."""
        super().reference(entry)
        if entry is not None:
            self.entries[entry] = None

    def unmapped(self, entry: MappingEntry) -> None:
        """Note that `entry` no longer maps it: its pages there are freed, unless something else leads to them.

        O(its pages there), plus O(its entries and shadows) if it has others.
        """
        self.entries.pop(entry, None)
        if self.pages or self.swapped or self.shadow is not None:
            self.trim(pages_of(entry))
        self.release()

    def trim(self, pages: range) -> None:
        """Free those of these pages to which nothing leads, here and in the objects behind it.

        O(pages, or its own pages).
        """
        todo: list[tuple[LedObject, range]] = [(self, pages)]
        while todo:
            at, wanted = todo.pop()
            if at.keeps_pages:
                continue
            at.copied_on = at.copied_on and at.references > 1
            gaps = [(wanted.start, wanted.stop)]  # nearly always
            if at.copied_on or at.shadows:
                gaps = list(_gaps(wanted, at.led_to(wanted)))
            for first, end in gaps:
                at.forget(range(first, end))
            if at.shadow is not None:
                behind = [common(range(first, end), at.window) for first, end in reversed(gaps)]
                todo += [(at.shadow, unled) for unled in behind if unled]

    def led_to(self, pages: range) -> list[tuple[int, int]]:
        """Return the parts of `pages` to which its entries and its shadows' lead, ascending, as first and end."""
        parts: list[tuple[int, int]] = []
        todo: list[tuple[LedObject, range]] = [(self, pages)]
        while todo:
            at, wanted = todo.pop()
            found = [common(pages_of(entry), wanted) for entry in at.entries]
            parts += [(one.start, one.stop) for one in found if one]
            passed = [(shadow, common(wanted, shadow.window)) for shadow in at.shadows]
            todo += [(shadow, asked) for shadow, asked in passed if asked]
        return sorted(parts)

    def is_free(self, pages: range) -> bool:
        """Return whether nothing leads to these pages, and neither it nor an object behind has one of them."""
        return not self.led_to(pages) and not self.holds_any(pages)

    def holds_any(self, pages: range) -> bool:
        """Return whether it, or an object behind it, has any of these pages.  O(objects in the chain × pages)."""
        return any(self._has_behind(index) for index in pages)

    def _has_behind(self, index: int) -> bool:
        at: LedObject | None = self
        while at is not None and not at.has(index):
            at = at.shadow if index in at.window else None
        return at is not None

    def has(self, index: int) -> bool:
        """Return whether the page is its own, in memory or in swap space."""
        return index in self.pages or index in self.swapped

    def those_of(self, pages: range) -> list[int]:
        """Return those of `pages` that it has, in memory or in swap space, in ascending order.

        O(pages, or its own pages).
        """
        count = pages.stop - pages.start  # more than len() can say, where Python has 32 bits: in a page
        if count < len(self.pages) + len(self.swapped):
            return [index for index in pages if self.has(index)]
        return sorted({index for index in (*self.pages, *self.swapped) if index in pages})

    def check_led_to(self) -> None:
        """Raise :class:`Broken` unless O8 holds: something leads to each page."""
        if self.keeps_pages or not self.references:
            return
        led = self.led_to(EVERYWHERE)
        lost = [index for first, end in _gaps(EVERYWHERE, led) for index in self.those_of(range(first, end))]
        if lost:
            raise Broken(f"O8: {self.name} has page {lost[0]}, and no entry leads there")


def pages_of(entry: MappingEntry) -> range:
    """Return the numbers of the pages of its object that an entry maps."""
    first = entry.offset >> PAGE_SHIFT
    return range(first, first + (entry.end - entry.start >> PAGE_SHIFT))


def common(one: range, other: range) -> range:
    """Return the common part of two runs of pages."""
    return range(max(one.start, other.start), min(one.stop, other.stop))


def _gaps(pages: range, parts: list[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Yield the gaps that the ascending `parts` leave in `pages`, as first and end."""
    at = pages.start
    for first, end in parts:
        if at < first:
            yield at, first
        at = max(at, end)
    if at < pages.stop:
        yield at, pages.stop

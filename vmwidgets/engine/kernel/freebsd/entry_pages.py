"""The pages behind the entries of kernel maps: mapped, wired, unwired and freed (FreeBSD `vm_map_wire`, April 2008)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

from ...base.events import TranslationEntered, TranslationsRemoved
from ...base.protection import protection_of
from ...base.recorder import Recorder
from ...base.units import PAGE, PAGE_SHIFT
from ..map.core import EntrySource
from ..map.vm_object import FreeBSDObject
from ..threads.waits import Running
from .entries import KernelEntry
from .vm_page import Page, PageQueues


class KernelTables(Protocol):
    """The page tables of kernel space, which all kernel maps share: a machine's, or a replay's."""

    def enter(self, va: int, frame: int, wired: bool, protection: int) -> None:
        """Translate the page at `va` to `frame`; it can be read at least, since no hardware has less."""

    def remove(self, start: int, end: int) -> None:
        """Translate nothing in [start, end) any more."""

    def extract(self, va: int) -> int | None:
        """The frame that `va` is translated to, if any."""

    def protect(self, start: int, end: int, protection: int) -> None:
        """Give what is translated in [start, end) other rights."""

    def prepared(self, cuts: Iterable[int]) -> AbstractContextManager[None]:
        """Hold the tables that large pages cut at `cuts` need: NOMEM now, and no failure inside."""


@dataclass(frozen=True, slots=True)
class MapServices:
    """What kernel maps share: page tables, pages, entries, fresh anonymous objects of so many pages, who runs.

    Its methods do what an entry needs of them.
    """

    recorder: Recorder
    running: Running
    pmap: KernelTables
    pages: PageQueues
    entries: EntrySource[KernelEntry]
    new_object: Callable[[int], FreeBSDObject]

    def map_page(self, va: int, frame: int, entry: KernelEntry, *, wired: bool) -> None:
        """Map a page in the kernel's page tables with the rights of `entry` (`pmap_enter`)."""
        emit = self.recorder.emit
        if emit is not None:
            emit((TranslationEntered.tag, va, frame, wired))
        self.pmap.enter(va, frame, wired, protection_of(entry.flags))

    def unmap(self, entry: KernelEntry) -> None:
        """Unmap the pages of `entry`."""
        emit = self.recorder.emit
        if emit is not None:
            emit((TranslationsRemoved.tag, entry.start, entry.end))
        self.pmap.remove(entry.start, entry.end)

    def reprotect(self, entry: KernelEntry) -> None:
        """Give the pages that are mapped in `entry` the rights that it allows now.

        Without any right none stay mapped, but for wired ones: deleting finds those by their translations.
        """
        protection = protection_of(entry.flags)
        if protection or entry.wired_count:
            self.pmap.protect(entry.start, entry.end, protection)
        else:
            self.unmap(entry)

    def is_coming(self, entry: KernelEntry) -> bool:
        """Whether a kmem function that sleeps is still getting the pages of `entry`: some are absent or busy.

        O(pages).
        """
        target = entry.object
        if target is None or not target.permanent or entry.wired_count:
            return False
        found = (self.pages.find(target, pindex) for pindex in range(entry.first_page, entry.last_page))
        return any(page is None or page.busy for page in found)

    def wire_pages(self, entry: KernelEntry) -> None:
        """Wire each page of `entry` that its object has, and map it with the entry's rights."""
        for va, page in self._pages_of(entry):
            self.pages.wire(page)
            page.busy = False
            self.map_page(va, page.frame, entry, wired=True)

    def unwire_pages(self, entry: KernelEntry) -> None:
        """Unwire each page of `entry` that its object has, if it is wired."""
        for _, page in self._pages_of(entry):
            if page.wire_count:
                self.pages.unwire(page)

    def unwire_mapped(self, entry: KernelEntry) -> None:
        """Unwire the pages that the page tables show in `entry`; whatever they don't show stays wired."""
        for va in range(entry.start, entry.end, PAGE):
            frame = self.pmap.extract(va)
            if frame is not None:
                self.pages.unwire(self.pages.in_use[frame])

    def free_pages(self, entry: KernelEntry, target: FreeBSDObject) -> None:
        """Of the object of a deleted entry, if others have it too: free the range's pages but wired ones, cut its end.

        Pages of an object that goes with the entry are freed with it.
        """
        if target.references == 1:
            return
        for _, page in self._pages_of(entry):
            if page.wire_count == 0:
                self.pages.free(page)
        if entry.first_page < target.size <= entry.last_page:
            target.size = entry.first_page

    def _pages_of(self, entry: KernelEntry) -> Iterator[tuple[int, Page]]:
        """Address and page of each page of `entry` that its object has, rising."""
        target, first = entry.object, entry.first_page
        for pindex in target.pages_between(first, entry.last_page) if target is not None else ():
            if target is not None:
                yield entry.start + (pindex - first << PAGE_SHIFT), self.pages.in_use[target.pages[pindex]]

"""X15's address space map (its `vm_map`, as of 2013): enter, remove, look up.

Kernel functions take what the original takes, plain integers of bytes and a packed flags word, and trust
it as far as the original does.  The door that learners come in by is :mod:`vmwidgets.engine.machine`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext
from typing import Protocol

from ..base.errors import Broken, KernelPanic, kernel_error
from ..base.events import Called, MapResized, RangeRemoved, Returned
from ..base.protection import ENTRY_MASK, FIXED, NOMERGE, READ, protection_of
from ..base.rbtree import Duplicate
from ..base.recorder import Recorder
from ..base.units import Address
from .clipping import clip_end, clip_start
from .entry import Entry, EntrySource
from .fits import Fit
from .map_core import MapCore
from .map_ranges import edges_in, entries_in, set_wired_count
from .map_wire import check_wired, map_resident
from .merging import report_refusal, try_merge
from .placement import FindCache, find_available, find_fixed
from .request import Request, first_violation
from .vm_object import VmObject


class KernelSpace(Protocol):
    """What the kernel's own map needs of the page tables: up to where they exist, and more of them."""

    @property
    def klimit(self) -> int:
        """End of the addresses that have page tables."""

    def kgrow(self, end: int) -> None:
        """Make tables for addresses up to `end`."""


class RangeTables(Protocol):
    """The page tables of an address space, as far as a range is changed in place."""

    def extract(self, va: int) -> int | None:
        """The physical address behind `va`, or none."""

    def enter(self, va: int, pa: int, protection: int) -> None:
        """Map one page."""

    def remove(self, start: int, end: int) -> None:
        """Unmap pages."""

    def protect(self, start: int, end: int, protection: int) -> None:
        """Give mapped pages other rights."""

    def update(self, start: int, end: int) -> None:
        """Drop cached translations."""

    def prepared(self, cuts: Iterable[int], absent: Iterable[tuple[int, int]] = ()) -> AbstractContextManager[None]:
        """Hold the tables that large pages cut at `cuts` need, and those of the slots `absent`; NOMEM now or never."""

    def tables_missing(self, start: int, end: int) -> Iterable[tuple[int, int]]:
        """The slots that need a table before pages of [start, end) can be entered."""


class X15Map(MapCore[Entry]):
    """One address space.

    `bits` is the width of a word: sums wrap there.  `kernel` is the page-table side of the kernel's own map and makes
    this one it.  `unmap(start, end)` takes translations away when entries go.  `assertions` makes it a debug build.

    >>> from itertools import count
    >>> from vmwidgets.engine.kernel.entry import PlainEntries
    >>> space = X15Map("map", 0x10000, 0x50000, PlainEntries(count(1)), Recorder())
    >>> hex(space.enter(0, 0x3000, 0, 0x273))
    '0x10000'
    """

    def __init__(
        self,
        name: str,
        start: int,
        end: int,
        entries: EntrySource,
        recorder: Recorder,
        *,
        bits: int = 64,
        kernel: KernelSpace | None = None,
        unmap: Callable[[int, int], None] | None = None,
        quirks: frozenset[str] = frozenset(),
        assertions: bool = False,
    ) -> None:
        super().__init__(name, start, end, recorder)
        self.entries = entries
        self.bits = bits
        self.mask = (1 << bits) - 1
        self.kernel = kernel
        self.unmap = unmap
        self.quirks = quirks
        self.assertions = assertions
        self.duplicates = not assertions
        self.fit: Fit | None = None
        """What takes the place of X15's own free search, if anything does."""
        self.tables: RangeTables | None = None
        """The page tables that a change of a range reaches; none for a map on its own."""
        self.size = 0
        self.find_cache = FindCache(self.mask)

    # ---- enter -------------------------------------------------------------------------------

    def enter(
        self,
        start: int,
        size: int,
        align: int,
        flags: int,
        target: VmObject | None = None,
        offset: int = 0,
        static: Entry | None = None,
    ) -> int:
        """Map `size` bytes and return where (X15 `vm_map_enter`).

        `start` is a hint (0: none) or, with FIXED in `flags`, the address itself.  `static` is an entry the caller
        supplies; it never merges.  Raises NOMEM when no range fits, INVAL for an object in the kernel map; both
        leave the entries as they are.  O(log n) plus the entries passed over by the search.
        """
        emit = self.recorder.emit
        if emit is not None:
            emit((Called.tag, "vm_map_enter", (start, size, align, flags)))
        if "offset-cut" in self.quirks:
            offset &= self.mask
        request = Request(target, offset, start, size, align, flags)
        if self.kernel is not None and target is not None:
            raise kernel_error("INVAL", f"{self.name} is the kernel's: object {target.name!r} can't be mapped there")
        if self.assertions:
            self._assert_valid(request)
        self._find(request)
        self._insert(request, static)
        if emit is not None:
            emit((Returned.tag, request.start))
        return request.start

    def _assert_valid(self, request: Request) -> None:
        violation = first_violation(request, self.mask)
        if violation is not None:
            raise KernelPanic(*violation)

    def _find(self, request: Request) -> None:
        fixed = request.flags & FIXED
        emit = self.recorder.emit
        if emit is not None:
            emit((Called.tag, "vm_map_find_fixed" if fixed else "vm_map_find_avail", (request.start, request.size)))
        refused = find_fixed(self, request) if fixed else find_available(self, request)
        if refused is not None:
            self.find_cache.forget(self)
            where = f"start {Address(request.start)}: " if fixed else ""
            raise kernel_error("NOMEM", f"{where}{refused}")
        if emit is not None:
            emit((Returned.tag, request.start))

    def _insert(self, request: Request, static: Entry | None) -> None:
        emit = self.recorder.emit
        if emit is not None:
            emit((Called.tag, "vm_map_insert", (request.start, request.size)))
        entry = None
        if static is None and self._may_merge(request):
            entry = try_merge(self, request)
        elif static is None and emit is not None:
            report_refusal(self, request)
        if entry is None:
            entry = self._link_new(request, static)
        self._resize(request.size)
        if self.kernel is not None and self.kernel.klimit < entry.end:
            self.kernel.kgrow(entry.end)
        if emit is not None:
            emit((Returned.tag, entry.id))

    def _may_merge(self, request: Request) -> bool:
        if not request.flags & NOMERGE:
            return True
        if "nomerge-enter" not in self.quirks:
            return False
        if self.assertions:
            raise KernelPanic("nomerge_enter", "the merge was asked to look at a NOMERGE request")
        return True

    def _link_new(self, request: Request, static: Entry | None) -> Entry:
        entry = static if static is not None else self.take_entry()
        entry.start, entry.end = request.start, (request.start + request.size) & self.mask
        entry.object, entry.offset, entry.flags = request.object, request.offset, request.flags & ENTRY_MASK
        if request.object is not None and self.counts_references:
            request.object.reference()
        following = request.next
        self.relink(entry, self.last if following is None else following.prev, following)
        return entry

    # ---- remove ------------------------------------------------------------------------------

    def remove(self, start: int, end: int) -> None:
        """Unmap [start, end); holes are fine and entries across its edges are clipped (X15 `vm_map_remove`).

        The original never fails.  Here NOMEM, with nothing changed, when an edge cuts a large page and there is no page
        for the table of its parts.  A removal that meets an entry at or above `start` makes the map forget its find
        cache, even if nothing goes.  It may stop before any entry.  O((entries removed + 1) log n).
        """
        emit = self.recorder.emit
        if emit is not None:
            emit((Called.tag, "vm_map_remove", (start, end)))
        if self.assertions and not self.start <= start < end <= self.end:
            raise KernelPanic("remove_range", f"[{Address(start)}, {Address(end)}) is no range of {self.name}")
        unmaps = self.counts_references and self.unmap is not None
        with self.ready(edges_in(entries_in(self, start, end), start, end)) if unmaps else nullcontext():
            self._remove(start, end)

    def _remove(self, start: int, end: int) -> None:
        emit = self.recorder.emit
        before, kept, gone, stop = self.size, self.nr_entries, 0, self.recorder.take_stop()
        entry = self.lookup_nearest(start)
        if entry is not None:
            clip_start(self, entry, start)
            while entry is not None and entry.start < end:
                if stop is not None and stop(entry.start):
                    break
                clip_end(self, entry, end)
                following = entry.next
                self._drop(entry)
                gone += 1
                entry = following
            self.find_cache.forget(self)
        if emit is not None:
            emit((RangeRemoved.tag, self.name, gone, self.nr_entries + gone - kept, before - self.size))
            emit((Returned.tag,))

    def _drop(self, entry: Entry) -> None:
        if entry.wired_count:
            set_wired_count(self, entry, 0)
        self._resize(entry.start - entry.end)
        self.unlink(entry)
        if self.counts_references:
            if self.unmap is not None:
                self.unmap(entry.start, entry.end)
            if entry.object is not None:
                entry.object.release()
        self.free_entry(entry)

    # ---- entries -----------------------------------------------------------------------------

    @property
    def counts_references(self) -> bool:
        """Whether objects are told how many entries map them (not with quirk remove-forgets)."""
        return "remove-forgets" not in self.quirks

    def take_entry(self) -> Entry:
        """A fresh entry; none left is a panic, wherever it was wanted (X15 `vm_map_entry_create`)."""
        entry = self.entries.take()
        if entry is None:
            raise KernelPanic("entry_create", f"no entry is left for {self.name}")
        return entry

    def copy_entry(self, entry: Entry) -> Entry:
        """A fresh entry like `entry`; both map its object."""
        copy = self.take_entry()
        copy.copy_range_from(entry)
        if entry.object is not None and self.counts_references:
            entry.object.reference()
        return copy

    def clip_start(self, entry: Entry, address: int) -> None:
        """Cut `entry` where a range begins."""
        clip_start(self, entry, address)

    def clip_end(self, entry: Entry, address: int) -> None:
        """Cut `entry` where a range ends."""
        clip_end(self, entry, address)

    def ready(self, cuts: Iterable[int], entered: Iterable[tuple[int, int]] = ()) -> AbstractContextManager[None]:
        """Hold the tables that a change of a range needs: NOMEM before anything has changed."""
        tables = self.tables
        if tables is None:
            return nullcontext()
        return tables.prepared(cuts, (place for start, end in entered for place in tables.tables_missing(start, end)))

    def discard(self, entry: Entry) -> None:
        """Take an entry out whose neighbour takes over its range."""
        self.unlink(entry)
        if entry.object is not None and self.counts_references:
            entry.object.release()
        self.free_entry(entry)

    def reprotect(self, entry: Entry) -> None:
        """Give the pages that are mapped in `entry` the rights that it allows now.

        Without reading none stay mapped, as these tables can't forbid it; wired ones are mapped again afterwards.
        """
        tables, protection = self.tables, protection_of(entry.flags)
        if tables is None:
            return
        if protection & READ:
            tables.protect(entry.start, entry.end, protection)
            if entry.wired_count:
                map_resident(self, entry, entry.start, entry.end)
        else:
            tables.remove(entry.start, entry.end)
        tables.update(entry.start, entry.end)

    def free_entry(self, entry: Entry) -> None:
        """Give an entry back to where it came from; a static one was never taken."""
        if not entry.static:
            self.entries.give(entry)

    def relink(self, entry: Entry, previous: Entry | None, following: Entry | None) -> None:
        """Link `entry`; a start inside another entry is a panic in debug builds."""
        try:
            self.link(entry, previous, following, self.duplicates)
        except Duplicate as duplicate:
            raise KernelPanic("tree_duplicate", f"{Address(entry.start)} is inside entry {duplicate.node.id}") from None

    def _resize(self, change: int) -> None:
        before = self.size
        self.size = (self.size + change) & self.mask
        emit = self.recorder.emit
        if emit is not None:
            emit((MapResized.tag, self.name, before, self.size))

    def check(self) -> None:
        """The core's invariants, and: 7. `size` is the sum of the entries' lengths; 8. wired entries have their pages;
        9. the place of a submap is all of its range.
        """  # noqa: D205  one list of invariants, as elsewhere
        super().check()
        total = sum(entry.end - entry.start for entry in self)
        if total != self.size:
            raise Broken(f"7: {self.name} says {self.size} bytes, its entries have {total}")
        check_wired(self)
        for entry in self:
            submap = entry.submap
            if submap is not None and (submap.start, submap.end) != (entry.start, entry.end):
                raise Broken(f"9: entry {entry.id} of {self.name} is not the place of {submap.name}")

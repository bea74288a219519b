"""X15's address space map (its `vm_map`, as of 2013): enter, remove, look up.

Kernel functions take what the original takes, plain integers of bytes and a packed flags word, and trust
it as far as the original does.  The door that learners come in by is :mod:`vmwidgets.engine.machine`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Protocol

from ...base.errors import Broken, KernelPanic, kernel_error
from ...base.events import Called, EntryResized, MapResized, MergeTried, RangeRemoved, Returned
from ...base.protection import ENTRY_MASK, FIXED, NOMERGE, READ, protection_of
from ...base.rbtree import Duplicate
from ...base.recorder import Recorder
from ...base.units import KIB, PAGE, PAGE_SHIFT, Address
from ..map.core import OFFSET_MASK, Entry, EntrySource, MapCore
from ..map.fits import Fit
from ..map.ranges import edges_in, entries_in, set_wired_count
from ..map.vm_object import VmObject
from .placement import FindCache, Request, find_available, find_fixed, first_violation

if TYPE_CHECKING:
    from ...base.events import EntryFields


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
    >>> from vmwidgets.engine.kernel.map.core import PlainEntries
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


# ---- clipping ----------------------------------------------------------------------------------
#
# Cutting an entry in two at an address (X15 `vm_map_clip_start`, `vm_map_clip_end`).
#
# Entries are taken out while their range changes, since the tree is ordered by it.


def clip_start(vm_map: X15Map, entry: Entry, start: int) -> None:
    """Cut `entry` at `start`: a copy becomes the low part, the entry itself stays the high part."""
    if not entry.start < start < entry.end:
        return
    emit = vm_map.recorder.emit
    if emit is not None:
        emit((Called.tag, "vm_map_clip_start", (entry.id, start)))
    previous, following = entry.prev, entry.next
    vm_map.unlink(entry)
    low = vm_map.copy_entry(entry)
    before = low.fields()
    low.end = start
    if entry.object is not None:
        entry.offset = entry.offset + start - entry.start & OFFSET_MASK
    entry.start = start
    if emit is not None:
        emit((EntryResized.tag, vm_map.name, before, low.fields(), "the low part"))
        emit((EntryResized.tag, vm_map.name, _before(entry, before), entry.fields(), "the high part"))
    vm_map.relink(entry, previous, following)
    vm_map.relink(low, previous, entry)
    if emit is not None:
        emit((Returned.tag,))


def clip_end(vm_map: X15Map, entry: Entry, end: int) -> None:
    """Cut `entry` at `end`: the entry itself stays the low part, a copy becomes the high part.

    Quirk clip-end-first: the original relinks the low part by its predecessor alone, so the first entry goes to
    the list's tail.
    """
    if not entry.start < end < entry.end:
        return
    emit = vm_map.recorder.emit
    if emit is not None:
        emit((Called.tag, "vm_map_clip_end", (entry.id, end)))
    previous, following = entry.prev, entry.next
    vm_map.unlink(entry)
    high = vm_map.copy_entry(entry)
    before = high.fields()
    high.start = end
    if high.object is not None:
        high.offset = high.offset + end - entry.start & OFFSET_MASK
    entry.end = end
    if emit is not None:
        emit((EntryResized.tag, vm_map.name, _before(entry, before), entry.fields(), "the low part"))
        emit((EntryResized.tag, vm_map.name, before, high.fields(), "the high part"))
    if previous is None and "clip-end-first" in vm_map.quirks:
        previous, following = vm_map.last, None
    vm_map.relink(entry, previous, following)
    vm_map.relink(high, entry, following)
    if emit is not None:
        emit((Returned.tag,))


def _before(entry: Entry, copy: EntryFields) -> EntryFields:
    """What `entry` was before the cut: what its copy was then, but for what is its own."""
    return (entry.id, *copy[1:6], entry.address, entry.wired_count)


# ---- merging -----------------------------------------------------------------------------------
#
# Whether a request can be served by growing a neighbour (X15 `vm_map_try_merge`).


def obstacle(request: Request, entry: Entry, nomerge_compares: bool = False) -> str:
    """Why `request` and `entry` may not be one entry; empty if they may.

    Offsets play no part: only ranges without object merge.  With `nomerge_compares` (the original's release
    build) NOMERGE is only a bit that must be equal.
    """
    if request.object is not None or entry.object is not None:
        return "an object is mapped"
    if entry.wired_count or entry.submap is not None:
        return "it is wired" if entry.wired_count else "another map has the range"
    if not nomerge_compares and (request.flags | entry.flags) & NOMERGE:
        return "it may not merge"
    if (request.flags ^ entry.flags) & ENTRY_MASK:
        return "its protection, inheritance or advice differs"
    return ""


def try_merge(vm_map: X15Map, request: Request) -> Entry | None:
    """The entry that now covers the request, if a neighbour could be grown or two be joined."""
    following = request.next
    if following is None:
        return _try_previous(vm_map, request, vm_map.last)
    previous = following.prev
    if previous is None:
        return _try_next(vm_map, request, following)
    if (
        previous.end == request.start
        and following.start == (request.start + request.size) & vm_map.mask
        and not _obstacle(vm_map, request, previous)
        and not _obstacle(vm_map, request, following)
    ):
        return _join(vm_map, previous, following)
    return _try_previous(vm_map, request, previous) or _try_next(vm_map, request, following)


def _obstacle(vm_map: X15Map, request: Request, entry: Entry) -> str:
    return obstacle(request, entry, "nomerge-enter" in vm_map.quirks)


def report_refusal(vm_map: X15Map, request: Request) -> None:
    """Report the neighbours that a NOMERGE request touches, and is not even compared with."""
    following = request.next
    previous = vm_map.last if following is None else following.prev
    if previous is not None and previous.end == request.start:
        _report(vm_map, previous, "previous", "the request may not merge")
    if following is not None and following.start == (request.start + request.size) & vm_map.mask:
        _report(vm_map, following, "next", "the request may not merge")


def _join(vm_map: X15Map, previous: Entry, following: Entry) -> Entry:
    _report(vm_map, following, "both", "")
    before, after = previous.prev, following.next
    vm_map.unlink(previous)
    vm_map.unlink(following)
    _resize(vm_map, previous, previous.start, following.end, "joined with the next")
    vm_map.free_entry(following)
    vm_map.relink(previous, before, after)
    return previous


def _try_previous(vm_map: X15Map, request: Request, previous: Entry | None) -> Entry | None:
    if previous is None or previous.end != request.start:
        return None
    end = (previous.end + request.size) & vm_map.mask
    return _try_grow(vm_map, request, previous, "previous", previous.start, end)


def _try_next(vm_map: X15Map, request: Request, following: Entry) -> Entry | None:
    if following.start != (request.start + request.size) & vm_map.mask:
        return None
    start = (following.start - request.size) & vm_map.mask
    return _try_grow(vm_map, request, following, "next", start, following.end)


def _try_grow(vm_map: X15Map, request: Request, neighbour: Entry, side: str, start: int, end: int) -> Entry | None:
    """Grow a neighbour that touches the request to [start, end), unless something keeps the two apart."""
    why = _obstacle(vm_map, request, neighbour)
    _report(vm_map, neighbour, side, why)
    if why:
        return None
    before, after = neighbour.prev, neighbour.next
    vm_map.unlink(neighbour)
    _resize(vm_map, neighbour, start, end, "grown upwards" if side == "previous" else "grown downwards")
    vm_map.relink(neighbour, before, after)
    return neighbour


def _resize(vm_map: X15Map, entry: Entry, start: int, end: int, why: str) -> None:
    emit = vm_map.recorder.emit
    before = entry.fields() if emit is not None else None
    entry.start, entry.end = start, end
    if emit is not None:
        emit((EntryResized.tag, vm_map.name, before, entry.fields(), why))


def _report(vm_map: X15Map, neighbour: Entry, side: str, why: str) -> None:
    emit = vm_map.recorder.emit
    if emit is not None:
        emit((MergeTried.tag, vm_map.name, neighbour.id, side, not why, why or "no object, same flags"))


# ---- vm info -----------------------------------------------------------------------------------
#
# The map as text, to the letter as X15's `vm_map_info` prints it.


_HEADER = "vm_map:      start             end          size     offset   flags    type\n"


def vm_map_info(vm_map: X15Map) -> str:
    """One line with the limits, a column header, a line an entry, the total.

    The offset column has eight digits: a larger offset is printed longer, as printf does.
    """
    name = "map" if vm_map.kernel is None else "kernel map"
    lines = [f"vm_map: {name}: {vm_map.start:016x}-{vm_map.end:016x}\n", _HEADER]
    for entry in vm_map:
        kind = "object" if entry.object is not None else "null" if entry.submap is None else "submap"
        length = (entry.end - entry.start & vm_map.mask) // KIB
        lines.append(
            f"vm_map: {entry.start:016x} {entry.end:016x} {length:8d}k {entry.offset:08x} {entry.flags:08x} {kind}\n"
        )
    lines.append(f"vm_map: total: {vm_map.size // KIB}k\n")
    return "".join(lines)


# ---- map wire ----------------------------------------------------------------------------------
#
# Wiring a range of an X15 map: its pages are brought in, mapped, and stay (after FreeBSD's vm_map_wire(9)).
#
# The original has nothing of the kind. All pages are got before any entry changes; if one can't be had, those that
# came go back. FreeBSD's own wiring, which waits for pages, is in :mod:`.freebsd_ranges`.


def check_wired(vm_map: X15Map) -> None:
    """Raise :class:`Broken` unless wired entries have all of their pages, mapped where they may be read."""
    for entry in vm_map:
        for va in range(entry.start, entry.end, PAGE) if entry.wired_count else ():
            frame = None if entry.object is None else entry.object.page(entry.offset + va - entry.start)
            if frame is None:
                raise Broken(f"8: entry {entry.id} of {vm_map.name} is wired and has no page for {Address(va)}")
            if vm_map.tables is None or not protection_of(entry.flags) & READ or "pmap-current-only" in vm_map.quirks:
                continue
            if vm_map.tables.extract(va) != frame << PAGE_SHIFT:
                raise Broken(
                    f"8: entry {entry.id} of {vm_map.name} is wired, and {Address(va)} is not mapped to its page"
                )


def map_resident(vm_map: X15Map, entry: Entry, start: int, end: int) -> None:
    """Map the pages in [start, end) of `entry` that its object has and that are not mapped; no pager is asked."""
    tables, target = vm_map.tables, entry.object
    if tables is None or target is None:
        return
    for va in range(start, end, PAGE):
        frame = target.page(entry.offset + va - entry.start)
        if frame is not None and tables.extract(va) is None:
            tables.enter(va, frame << PAGE_SHIFT, protection_of(entry.flags))
            tables.update(va, va + PAGE)

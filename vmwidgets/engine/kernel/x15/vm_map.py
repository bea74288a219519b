"""X15's address space map (its `vm_map`, as of 2013): enter, remove, look up.

Kernel functions take the original's arguments, plain integers of bytes and a packed flags word, and trust them as far
as the original does. Learners call them through :mod:`vmwidgets.engine.machine`, which checks arguments.
:mod:`.placement` chooses the place of a range, and whether a neighbour grows; after a change, :mod:`~..map.ranges`
merges equal neighbours. Faults are in :mod:`~..tasks.vm_fault`, copies of a map in :mod:`~..tasks.vm_fork`, and changes
of ranges in :mod:`~..tasks.task_ranges`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from ...base.errors import Broken, KernelPanic, kernel_error
from ...base.protection import ENTRY_MASK, FIXED, NOMERGE, READ, protection_of
from ...base.rbtree import Duplicate
from ...base.recorder import Recorder, kernel_function
from ...base.units import KIB, PAGE, PAGE_SHIFT, Address
from ..map.core import Entry, EntrySource
from ..map.low_gap import LowGap
from ..map.map_schema import EntryResized, RangeRemoved
from ..map.ranges import edges_in
from ..map.vm_object import VmObject
from ..tasks.vm_fork import TaskForks
from ..tasks.vm_object import TaskObject
from .placement import Merge, Placement, Request

INFO_HEADER = "vm_map:      start             end          size     offset   flags    type\n"


class KernelLimit(Protocol):
    """The part of the page tables that the kernel's own map needs: their end, and a way to extend them."""

    @property
    def klimit(self) -> int:
        """The end of the addresses that have page tables."""

    def kgrow(self, end: int) -> None:
        """Make tables for addresses up to `end`."""


def _is_inside(entry: Entry, duplicate: Duplicate) -> KernelPanic:
    """The panic of debug builds about an entry whose start is inside another."""
    return KernelPanic("tree_duplicate", f"{Address(entry.start)} is inside entry {duplicate.node.id}")


class X15Map(TaskForks):
    """One address space.

    `bits` is the width of a word: sums wrap there. If `kernel`, the page-table side of the kernel's own map, is given,
    this is that map. `unmap(start, end)` removes translations when entries are removed.  `assertions` makes it a debug
    build.

    >>> from itertools import count
    >>> from vmwidgets.engine.kernel.map.core import Entry, PlainEntries
    >>> space = X15Map("map", 0x10000, 0x50000, PlainEntries(count(1), Entry), Recorder())
    >>> hex(space.enter(0, 0x3000, 0, 0x273))
    '0x10000'
    """

    entry_panic = "entry_create"

    def __init__(
        self,
        name: str,
        start: int,
        end: int,
        entries: EntrySource[Entry],
        recorder: Recorder,
        *,
        bits: int = 64,
        kernel: KernelLimit | None = None,
        unmap: Callable[[int, int], None] | None = None,
        quirks: frozenset[str] = frozenset(),
        assertions: bool = False,
    ) -> None:
        super().__init__(name, start, end, entries, recorder, bits=bits)
        self.kernel = kernel
        self.unmap = unmap
        self.quirks = quirks
        self.counts_references = "remove-forgets" not in quirks
        self.assertions = assertions
        self.is_kernels = kernel is not None
        self.placement = Placement(self, quirks, assertions)
        self.low_gap = LowGap()

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
        supplies; it never merges.  Raises NOMEM if no range fits, or beyond the limit of addresses, and INVAL for an
        object in the kernel map; both leave the entries as they are. O(log n) plus the entries that the search skips.
        """
        if self.space_limit is not None:
            self.check_room(size)
        return self._enter(start, size, align, flags, target, offset, static)

    @kernel_function("vm_map_enter", first=4)
    def _enter(
        self,
        start: int,
        size: int,
        align: int,
        flags: int,
        target: VmObject | None = None,
        offset: int = 0,
        static: Entry | None = None,
    ) -> int:
        """Enter a range as :meth:`enter` does, within the limit of addresses."""
        if "offset-cut" in self.quirks:
            offset &= self.mask
        request = Request(target, offset, start, size, align, flags)
        if self.kernel is not None and target is not None:
            raise kernel_error("INVAL", f"{self.called} is the kernel's: object {target.name!r} can't be mapped there")
        if self.assertions:
            violation = request.first_violation(self.mask)
            if violation is not None:
                raise KernelPanic(*violation)
        if flags & FIXED:
            self.placement.find_fixed(request)
        else:
            self.placement.find_available(request)
        self._insert(request, static)
        return request.start

    @kernel_function("vm_map_insert", first=1)
    def _insert(self, request: Request, static: Entry | None) -> Entry:
        merge = None
        if static is None:
            if not request.flags & NOMERGE or self._compares_nomerge():
                merge = self.placement.merge(request)
            else:
                self.placement.report_nomerge(request)
        entry = self._link_new(request, static) if merge is None else self._grow(merge)
        self.resize(request.size)
        if self.kernel is not None and self.kernel.klimit < entry.end:
            self.kernel.kgrow(entry.end)
        return entry

    def _compares_nomerge(self) -> bool:
        """Return whether a NOMERGE request may merge too, as in the original's release build (quirk nomerge-enter)."""
        if "nomerge-enter" not in self.quirks:
            return False
        if self.assertions:
            raise KernelPanic("nomerge_enter", "the merge was asked to look at a NOMERGE request")
        return True

    def _link_new(self, request: Request, static: Entry | None) -> Entry:
        entry = static if static is not None else self.allocate_entry()
        entry.start, entry.end = request.start, (request.start + request.size) & self.mask
        entry.object, entry.offset, entry.flags = request.object, request.offset, request.flags & ENTRY_MASK
        if request.object is not None and self.counts_references:
            request.object.reference(entry)
        following = request.next
        try:
            self.link(entry, self.last if following is None else following.prev, following, not self.assertions)
        except Duplicate as duplicate:
            raise _is_inside(entry, duplicate) from None
        return entry

    def _grow(self, merge: Merge) -> Entry:
        """Let a neighbour absorb a request and, if the merge says so, the entry on the other side."""
        entry, absorbed = merge.entry, merge.absorbed
        previous, following = entry.prev, entry.next if absorbed is None else absorbed.next
        self.unlink(entry)
        if absorbed is not None:
            self.unlink(absorbed)
        before = entry.fields()
        entry.start, entry.end = merge.start, merge.end
        emit = self.recorder.emit
        if emit is not None:
            emit((EntryResized.tag, self.name, before, entry.fields(), merge.why))
        if absorbed is not None:
            self.free_entry(absorbed)
        self.relink(entry, previous, following)
        return entry

    # ---- remove ------------------------------------------------------------------------------

    @kernel_function("vm_map_remove")
    def remove(self, start: int, end: int) -> None:
        """Unmap [start, end); holes are fine and entries across its edges are clipped (X15 `vm_map_remove`).

        The original never fails. Here, it raises NOMEM, with nothing changed, if an edge cuts a large page and there
        is no page for the table of its parts.  A removal that meets an entry at or above `start` makes the map forget
        its find cache, even if nothing goes.  It may stop before any entry.  O((entries removed + 1) log n).
        """
        if self.assertions and not self.start <= start < end <= self.end:
            raise KernelPanic("remove_range", f"[{Address(start)}, {Address(end)}) is not a range of {self.called}")
        first = self.peek(start)
        if first is not None and first.start < end and self.provides is not None:
            inside = first.start < start  # what is dropped in between comes back for the second cut
            cuts = end < first.end if inside or end <= first.end else self._cuts(end)
            if inside or cuts:
                self.provide_entries(inside + cuts)
        tables = self.tables
        if tables is None or not tables.large or self.unmap is None or not self.counts_references:
            self._remove(start, end)
            return
        with self.ready(edges_in(self._from(self.peek(start), end), start, end)):
            self._remove(start, end)

    def _remove(self, start: int, end: int) -> None:
        before, kept, gone, stop = self.size, self.nr_entries, 0, self.recorder.take_stop()
        entry = self.lookup_nearest(start)
        if entry is not None:
            if entry.start < start:
                self.clip_start(entry, start)
            while entry is not None and entry.start < end:
                if stop is not None and stop(entry.start):
                    break
                if end < entry.end:
                    self.clip_end(entry, end)
                following = entry.next
                self._drop(entry)
                gone += 1
                entry = following
            self.placement.find_cache.forget()
        emit = self.recorder.emit
        if emit is not None:
            emit((RangeRemoved.tag, self.name, gone, self.nr_entries + gone - kept, before - self.size))

    def _drop(self, entry: Entry) -> None:
        if entry.wired_count:
            self.set_wired_count(entry, 0)
        self.resize(entry.start - entry.end)
        self.unlink(entry)
        if self.counts_references:
            if self.unmap is not None:
                self.unmap(entry.start, entry.end)
            target = entry.object
            if isinstance(target, TaskObject):
                target.unmapped(entry)
            elif target is not None:
                target.release(entry)
        if not entry.static:
            self.entries.free(entry)

    def unlink(self, entry: Entry) -> None:
        """Remove `entry` from tree and list; its gap begins where the previous entry ends."""
        self.low_gap.opened(self.start if entry.prev is None else entry.prev.end)
        super().unlink(entry)

    def lowest_gap(self, size: int, lowest: int) -> int | None:
        """Return where the lowest gap of `size` bytes from `lowest` on begins; None without one."""
        if "clip-end-first" in self.quirks:  # its list may be out of order
            self.low_gap = LowGap()
        return self.low_gap.find(self, size, lowest)

    def clear(self) -> None:
        """Remove all mappings, with submaps and their mappings. O(entries + pages mapped)."""
        for entry in self:
            if isinstance(entry.submap, X15Map):
                entry.submap.clear()
        if self.first is not None and self.last is not None:
            self.remove(self.first.start, self.last.end)

    def allocate_entry(self) -> Entry:
        """Return a new entry.

        Without one, panic, as in the original, or raise NOMEM if the map's entries are provided.
        """
        if self.provides is None:
            return super().allocate_entry()
        entry = self.entries.allocate()
        if entry is None:
            raise self._no_entry()
        return entry

    def relink(self, entry: Entry, previous: Entry | None, following: Entry | None) -> None:
        """Link `entry`; in debug builds, a start inside another entry is a panic."""
        try:
            self.link(entry, previous, following, not self.assertions)
        except Duplicate as duplicate:
            raise _is_inside(entry, duplicate) from None

    # ---- clipping ----------------------------------------------------------------------------
    #
    # Entries are taken out while their range changes, since the tree is ordered by it.

    def clip_start(self, entry: Entry, address: int) -> None:
        """Cut `entry` at `address`: a copy becomes the lower part, the entry itself remains the upper part."""
        if entry.start < address < entry.end:
            self._clip_start(entry, address)

    @kernel_function("vm_map_clip_start")
    def _clip_start(self, entry: Entry, address: int) -> None:
        previous, following = entry.prev, entry.next
        self.unlink(entry)
        whole, low = entry.fields(), self.copy_entry(entry)
        before = low.fields()
        low.end = address
        if entry.object is not None:
            entry.offset = entry.offset_of(address)
        entry.start = address
        self.report_resize(low, before, "the low part")
        self.report_resize(entry, whole, "the high part")
        self.relink(entry, previous, following)
        self.relink(low, previous, entry)

    def clip_end(self, entry: Entry, address: int) -> None:
        """Cut `entry` at `address`: the entry itself remains the lower part, a copy becomes the upper part.

        Quirk clip-end-first: the original relinks the lower part by its predecessor alone, so the first entry is put at
        the list's tail.
        """
        if entry.start < address < entry.end:
            self._clip_end(entry, address)

    @kernel_function("vm_map_clip_end")
    def _clip_end(self, entry: Entry, address: int) -> None:
        previous, following = entry.prev, entry.next
        self.unlink(entry)
        whole, high = entry.fields(), self.copy_entry(entry)
        before = high.fields()
        high.start = address
        if high.object is not None:
            high.offset = entry.offset_of(address)
        entry.end = address
        self.report_resize(entry, whole, "the low part")
        self.report_resize(high, before, "the high part")
        if previous is None and "clip-end-first" in self.quirks:
            previous, following = self.last, None
        self.relink(entry, previous, following)
        self.relink(high, entry, following)

    # ---- looking -----------------------------------------------------------------------------

    def search_state(self) -> tuple[int, int | None, int | None]:
        """The find cache, its threshold (None while nothing is known) and the end of page tables (kernel map only)."""
        cache = self.placement.find_cache
        threshold = None if cache.threshold == cache.none else cache.threshold
        return cache.address, threshold, None if self.kernel is None else self.kernel.klimit

    def info(self) -> str:
        """Return the map as text, exactly as `vm_map_info` prints it: limits, a header, a line per entry, the total.

        The offset column has eight digits: a larger offset is printed longer, as printf does.
        """
        name = "map" if self.kernel is None else "kernel map"
        lines = [f"vm_map: {name}: {self.start:016x}-{self.end:016x}\n", INFO_HEADER]
        for entry in self:
            kind = "object" if entry.object is not None else "null" if entry.submap is None else "submap"
            length = (entry.end - entry.start & self.mask) // KIB
            place = f"{entry.start:016x} {entry.end:016x} {length:8d}k"
            lines.append(f"vm_map: {place} {entry.offset:08x} {entry.flags:08x} {kind}\n")
        lines.append(f"vm_map: total: {self.size // KIB}k\n")
        return "".join(lines)

    def check(self) -> None:
        """Check the core's invariants, and: 8. wired entries have their pages, mapped if they may be read; 9. a submap
        covers all of its range.
        """  # noqa: D205  one list of invariants, as elsewhere
        super().check()
        for entry in self:
            if entry.wired_count:
                self._check_wired(entry)
            submap = entry.submap
            if submap is not None and (submap.start, submap.end) != (entry.start, entry.end):
                raise Broken(
                    f"rule 9 of the map: entry {entry.id} of {self.called} is not the place of {submap.called}"
                )

    def _leads_on(self, frame: int | None, va: int) -> bool:
        """Return whether there is a page and, if there are tables, whether they lead to one."""
        return frame is not None and (self.tables is None or self.tables.extract(va) is not None)

    def _check_wired(self, entry: Entry) -> None:
        mapped = protection_of(entry.flags) & READ and "pmap-current-only" not in self.quirks
        for va in range(entry.start, entry.end, PAGE):
            target = entry.object
            frame = None if target is None else target.page(entry.offset_of(va))
            if isinstance(target, TaskObject) and target.is_file and not self._leads_on(frame, va):
                continue  # a file may be cut off under a wiring, and its page come back with another's access
            if frame is None:
                raise Broken(
                    f"rule 8 of the map: entry {entry.id} of {self.called} is wired and has no page for {Address(va)}"
                )
            if self.tables is not None and mapped and self.tables.extract(va) != frame << PAGE_SHIFT:
                raise Broken(
                    f"rule 8 of the map: wired entry {entry.id} of {self.called}: {Address(va)} is not mapped to "
                    "its page"
                )

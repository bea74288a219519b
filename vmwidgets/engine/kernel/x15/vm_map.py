"""X15's address space map (its `vm_map`, as of 2013): enter, remove, look up, and changes of ranges.

Kernel functions take the original's arguments, plain integers of bytes and a packed flags word, and trust them as far
as the original does. Learners call them through :mod:`vmwidgets.engine.machine`, which checks arguments.  What both
kernels' maps have is in :mod:`~..map.core`; faults, forks, wiring and large pages are in :mod:`.vm_fault`.

A search for a place changes only what the original changes in a search: the find cache and the lookup cache.  X15 of
2013 changes no range in place: protection, inheritance and advice follow FreeBSD's manual pages, with the errors of
X15's `error.h`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Protocol

from ...base import protection as flag
from ...base.errors import Broken, KernelError, KernelPanic, VMError, kernel_error
from ...base.event import Unwound
from ...base.protection import ADVICE, ENTRY_MASK, FIXED, NEEDS_COPY, NOMERGE, READ, WRITE, protection_of
from ...base.rbtree import Duplicate
from ...base.recorder import Recorder, kernel_function
from ...base.units import IN_PAGE, KIB, PAGE, PAGE_SHIFT, Address, Size
from ..map.core import (
    INVALID_ADDRESS,
    INVALID_ARGUMENT,
    NO_SPACE,
    PROTECTION_FAILURE,
    RESOURCE_SHORTAGE,
    Entry,
    EntrySource,
    MapCore,
    MapError,
    edges_in,
)
from ..map.fits import Fit, LowGap
from ..map.map_schema import (
    NO_MERGE,
    FindCacheMoved,
    GapTried,
    HintTried,
    MergeTried,
    RangeRemoved,
    SearchRestarted,
)
from ..map.vm_object import Translation, VmObject, pages_of, pages_within
from ..pmap.pmap import Pmap
from ..tasks.vm_object import TaskObject

INFO_HEADER = "vm_map:      start             end          size     offset   flags    type\n"

WORDS = {
    INVALID_ADDRESS: "FAULT",
    PROTECTION_FAILURE: "ACCES",
    NO_SPACE: "NOMEM",
    INVALID_ARGUMENT: "INVAL",
    RESOURCE_SHORTAGE: "NOMEM",
}
"""The names of X15's errors for FreeBSD's status numbers."""


@contextmanager
def x15_errors() -> Iterator[None]:
    """Turn a failed change of a range into an X15 error."""
    try:
        yield
    except MapError as error:
        raise kernel_error(WORDS[error.status], error.why) from None


class KernelLimit(Protocol):
    """The part of the page tables that the kernel's own map needs: their end, and a way to extend them."""

    @property
    def klimit(self) -> int:
        """The end of the addresses that have page tables."""

    def kgrow(self, end: int) -> None:
        """Make tables for addresses up to `end`."""


@dataclass(slots=True)
class Request:
    """A caller's request to a map; the search sets `start` and `next` (X15 `struct vm_map_request`).

    All numbers are bytes. `start` is first a hint (0: none) or, with FIXED in `flags`, the exact address; `next` is the
    entry that will follow the range (None: it goes to the end).
    """

    object: VmObject | None
    offset: int
    start: int
    size: int
    align: int
    flags: int
    next: Entry | None = None

    def first_violation(self, mask: int) -> tuple[str, str] | None:
        """Return name and sentence of the first failing check of debug builds, in their order, or None.

        `mask` is the largest number in a word: sums wrap there (X15 `vm_map_request_assert_valid`).

        >>> Request(None, 0, 0, 0, 0, 0x277).first_violation(2**64 - 1)
        ('size_zero', 'size is 0')
        """
        offset, start, size, align, flags = self.offset, self.start, self.size, self.align, self.flags
        beyond = flags >> flag.PROTECTION_SHIFT & ~(flags >> flag.MAX_PROTECTION_SHIFT) & flag.ALL
        if not (offset or align or beyond or (start | size) & IN_PAGE) and size and start < (start + size) & mask:
            return None  # nearly always
        if offset and self.object is None:
            return "offset_without_object", f"offset {offset:#x} without an object"
        if offset & IN_PAGE:
            return "offset_unaligned", f"offset {offset:#x} is not page aligned"
        if start & IN_PAGE:
            return "start_unaligned", f"start {start:#x} is not page aligned"
        if size == 0:
            return "size_zero", "size is 0"
        if size & IN_PAGE:
            return "size_unaligned", f"size {size:#x} is not a whole number of pages"
        if (start + size) & mask <= start:
            return "wrap", f"start {start:#x} and size {size:#x} pass the end of the word"
        if 0 < align < PAGE:
            return "align_below_page", f"align {align:#x} is less than a page"
        if align & (align - 1):
            return "align_not_pow2", f"align {align:#x} is not a power of two"
        if beyond:
            return "prot_exceeds_maxprot", "the protection exceeds the maximum protection"
        if align and flags & FIXED and start & (align - 1):
            return "fixed_unaligned", f"the fixed start {start:#x} is not a multiple of align {align:#x}"
        return None

    def obstacle(self, entry: Entry, nomerge_compares: bool = False) -> str:
        """Return why the range and `entry` may not become one entry; "" if they may.

        This is the rule of `vm_map_enter`; after a change of entries, :func:`~..map.core.may_merge` has another.
        Offsets make no difference, since only ranges without an object merge. With `nomerge_compares` (the original's
        release build), NOMERGE is just a bit that must be equal.
        """
        if self.object is not None or entry.object is not None:
            return "an object is mapped"
        if entry.wired_count:
            return "it is wired"
        if not nomerge_compares and (self.flags | entry.flags) & NOMERGE:
            return "it may not merge"
        if (self.flags ^ entry.flags) & ENTRY_MASK:
            return "its protection, inheritance or advice differs"
        return ""


class X15Map(MapCore[Entry]):
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
        self.find_cache = 0
        """The address where the last search for a gap ended, and the next one may begin."""
        self.find_cache_threshold = self.mask
        """Requests of more bytes may begin there: no gap below it is larger. All ones: nothing is known."""
        self.fit: Fit | None = None
        """A rule that replaces the map's own search for a gap."""
        self.low_gap = LowGap()
        self.tables: Pmap | None = None
        """The page tables that a change of a range affects; None for a map on its own."""
        self.task = ""
        """The task that owns the map: faults are handled for it, and pages brought in count for it; "": no task."""
        self.provides: Callable[[int], bool] | None = None
        """Makes this many entries free, if possible: without entries, a task's map fails with NOMEM.

        None: that is a panic.
        """
        self.space_limit: int | None = None
        """The most bytes that all entries may have together (RLIMIT_AS); None: as many as fit."""
        self.stack_limit = 0
        """The most bytes of an entry that grows downwards; 0: none grows."""

    # ---- enter -------------------------------------------------------------------------------

    @kernel_function("vm_map_enter", first=4)
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
        supplies; it never merges.  Raises NOMEM if no range fits, and INVAL for an object in the kernel map; both leave
        the entries as they are. The limit of addresses is the caller's to check (:meth:`check_room`). O(log n) plus
        the entries that the search skips.
        """
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
            self.find_fixed(request)
        else:
            self.find_avail(request)
        self.insert(request, static)
        return request.start

    @kernel_function("vm_map_insert", first=1)
    def insert(self, request: Request, static: Entry | None) -> Entry:
        """Let a neighbour absorb the request, or link an entry for it, and make the kernel's tables reach its end."""
        entry = self.try_merge(request) if static is None else None
        if entry is None:
            entry = static if static is not None else self.allocate_entry()
            entry.start, entry.end = request.start, (request.start + request.size) & self.mask
            entry.object, entry.offset, entry.flags = request.object, request.offset, request.flags & ENTRY_MASK
            if request.object is not None and self.counts_references:
                request.object.reference(entry)
            following = request.next
            self.relink(entry, self.last if following is None else following.prev, following)
        self.resize(request.size)
        if self.kernel is not None and self.kernel.klimit < entry.end:
            self.kernel.kgrow(entry.end)
        return entry

    def relink(self, entry: Entry, previous: Entry | None, following: Entry | None) -> None:
        """Link `entry`; in debug builds, a start inside another entry is a panic."""
        try:
            self.link(entry, previous, following, not self.assertions)
        except Duplicate as duplicate:
            why = f"{Address(entry.start)} is inside entry {duplicate.node.id}"
            raise KernelPanic("tree_duplicate", why) from None

    # ---- searching ---------------------------------------------------------------------------

    @kernel_function("vm_map_find_fixed")
    def find_fixed(self, request: Request) -> int:
        """Set `request.next` for a range at exactly `request.start`; raises NOMEM if that is not free.

        The find cache is then forgotten; otherwise, it is neither read nor written.  O(log n).
        """
        refused = self._refused(request)
        if refused is not None:
            self._forget_find_cache()
            raise kernel_error("NOMEM", f"the range at {Address(request.start)} is not available: {refused}")
        return request.start

    def _refused(self, request: Request) -> str | None:
        """Return why [start, start + size) is not available; None if it is free, and then `request.next` is set.

        Sums wrap, as words do, only with quirk out-of-map.
        """
        start, size = request.start, request.size
        word = self.mask if "out-of-map" in self.quirks else -1
        end = (start + size) & word
        if start < self.start or end > self.end:
            return "it lies outside the map"
        following = self.lookup_nearest(start)
        if following is None:
            if (self.end - start) & word < size:
                return "it passes the end of the map"
        elif start >= following.start:
            return f"it starts inside the entry [{Address(following.start)}, {Address(following.end)})"
        elif following.start - start < size:
            return f"it overlaps [{Address(following.start)}, {Address(following.end)})"
        request.next = following
        return None

    @kernel_function("vm_map_find_avail")
    def find_avail(self, request: Request) -> int:
        """Set `request.start` and `request.next` to the lowest suitable gap from the find cache on.

        Raises NOMEM without one. A hint (`request.start`, if not 0) is tried first, and used even if it breaks the
        alignment, as in the original. A map with a `fit` asks it after trying the hint, and does not use the find
        cache. O(log n) plus the entries skipped.
        """
        if request.start != 0:
            refused = self._refused(request)
            self._report_hint(request, refused)
            if refused is None:
                return request.start
            request.start = 0
        if self.fit is not None:
            gap = self.fit.find(self, request.size, request.align)
            if gap is not None:
                request.start, request.next = gap.position, gap.next
                return request.start
        elif self._scan_from_cache(request):
            return request.start
        self._forget_find_cache()
        raise kernel_error("NOMEM", f"no gap of {Size(request.size)} is left")

    def _scan_from_cache(self, request: Request) -> bool:
        """Search from the find cache on, if that is possible, and then from the bottom."""
        if request.size > self.find_cache_threshold:
            if self._scan(request, self.find_cache):
                return True
            if self.find_cache == self.start:
                return False
            emit = self.recorder.emit
            if emit is not None:
                emit((SearchRestarted.tag, self.name, self.start))
        if self.find_cache_threshold:
            self._move_find_cache(self.find_cache, 0)
        return self._scan(request, self.start)

    def _scan(self, request: Request, base: int) -> bool:
        """Examine the gaps from `base` on, one after the other; the largest one skipped raises the threshold."""
        mask, size, align, emit = self.mask, request.size, request.align, self.recorder.emit
        position, following = base, self.lookup_nearest(base)
        while True:
            if self.assertions and position > self.end:
                raise KernelPanic("search_past_end", f"the free search reached {Address(position)}, past the map's end")
            below, position = position, ((position + align - 1) & ~(align - 1) if align else position) & mask
            # rounding may pass the map's end or wrap; the original's subtraction then wraps too and finds room
            if (position > self.end or position < below) and "out-of-map" not in self.quirks:
                return False
            if (self.end - position) & mask < size:
                return False
            above = self.end if following is None else following.start
            space = (above - position) & mask if following is None else max(0, above - position)
            if emit is not None:
                emit((GapTried.tag, self.name, position, space, space >= size))
            if space >= size:
                self._move_find_cache((position + size) & mask, self.find_cache_threshold)
                request.start, request.next = position, following
                return True
            assert following is not None, "without a next entry the space reaches the map's end"
            if space > self.find_cache_threshold:
                self._move_find_cache(self.find_cache, space)
            position, following = following.end, following.next

    def _report_hint(self, request: Request, refused: str | None) -> None:
        emit = self.recorder.emit
        if emit is None:
            return
        why = refused or "it is free"
        if refused is None and request.align and request.start & (request.align - 1):
            why = f"it is free, though not a multiple of align {request.align:#x}: that does not count for a hint"
        emit((HintTried.tag, self.name, request.start, refused is None, why))

    def _move_find_cache(self, address: int, threshold: int) -> None:
        """Set the find cache and its threshold, and report it if either changes."""
        before, least = self.find_cache, self.find_cache_threshold
        if address == before and threshold == least:
            return
        self.find_cache, self.find_cache_threshold = address, threshold
        emit = self.recorder.emit
        if emit is not None:
            emit((FindCacheMoved.tag, self.name, before, address, least, threshold))

    def _forget_find_cache(self) -> None:
        """After a failure or a removal, have the next search begin at the bottom."""
        if self.find_cache or self.find_cache_threshold != self.mask:
            self._move_find_cache(0, self.mask)

    def lowest_gap(self, size: int, lowest: int) -> int | None:
        """Return where the lowest gap of `size` bytes from `lowest` on begins; None without one."""
        if "clip-end-first" in self.quirks:  # its list may be out of order
            self.low_gap = LowGap()
        return self.low_gap.find(self, size, lowest)

    # ---- merging -----------------------------------------------------------------------------

    def try_merge(self, request: Request) -> Entry | None:
        """Let a neighbour absorb a request, or two neighbours merge with it; None if neither is possible.

        This is X15's `vm_map_try_merge`. The neighbours of a request that may not merge are not even compared, except
        in the original's release build (quirk nomerge-enter).
        """
        following, end = request.next, (request.start + request.size) & self.mask
        previous = self.last if following is None else following.prev
        if previous is not None and previous.end != request.start:
            previous = None
        if following is not None and following.start != end:
            following = None
        compares = "nomerge-enter" in self.quirks
        if request.flags & NOMERGE and not compares:
            emit = self.recorder.emit
            if emit is not None and (previous is not None or following is not None):
                ids = (0 if one is None else one.id for one in (previous, following))
                emit((NO_MERGE, self.name, *ids))
            return None
        if request.flags & NOMERGE and self.assertions:
            raise KernelPanic("nomerge_enter", "the merge was asked to look at a NOMERGE request")
        before = "" if previous is None else request.obstacle(previous, compares)
        after = "" if following is None else request.obstacle(following, compares)
        if previous is not None and following is not None and not before and not after:
            self._report_merge(following, "both", "")
            return self._merge(previous, previous.start, following.end, following, "joined with the next")
        if previous is not None:
            self._report_merge(previous, "previous", before)
            if not before:
                return self._merge(previous, previous.start, end, None, "grown upwards")
        if following is not None:
            self._report_merge(following, "next", after)
            if not after:
                return self._merge(following, request.start, following.end, None, "grown downwards")
        return None

    def _report_merge(self, neighbour: Entry, side: str, why: str) -> None:
        emit = self.recorder.emit
        if emit is not None:
            emit((MergeTried.tag, self.name, neighbour.id, side, not why, why or "no object, same properties"))

    def _merge(self, entry: Entry, start: int, end: int, absorbed: Entry | None, why: str) -> Entry:
        """Let `entry` become [start, end), and the entry `absorbed`, if there is one, become part of it."""
        previous, following = entry.prev, entry.next if absorbed is None else absorbed.next
        self.unlink(entry)
        if absorbed is not None:
            self.unlink(absorbed)
        before = entry.fields()
        entry.start, entry.end = start, end
        self.report_resize(entry, before, why)
        if absorbed is not None:
            self.free_entry(absorbed)
        self.relink(entry, previous, following)
        return entry

    # ---- clipping ----------------------------------------------------------------------------
    #
    # Entries are taken out while their range changes, since the tree is ordered by it.

    @kernel_function("vm_map_clip_start")
    def clip_start(self, entry: Entry, address: int) -> None:
        """Cut `entry` at `address`, inside it: a copy becomes the lower part, the entry remains the upper part."""
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

    @kernel_function("vm_map_clip_end")
    def clip_end(self, entry: Entry, address: int) -> None:
        """Cut `entry` at `address`, inside it: the entry remains the lower part, a copy becomes the upper part.

        Quirk clip-end-first: the original relinks the lower part by its predecessor alone, so the first entry is put at
        the list's tail.
        """
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
        with self._ready_to_remove(start, end):
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
                self._forget_find_cache()
            emit = self.recorder.emit
            if emit is not None:
                emit((RangeRemoved.tag, self.name, gone, self.nr_entries + gone - kept, before - self.size))

    def _ready_to_remove(self, start: int, end: int) -> AbstractContextManager[None]:
        """Provide the entries for a removal's cuts, and reserve the tables of large pages that it cuts."""
        first = self.peek(start)
        if first is not None and first.start < end and self.provides is not None:
            needed = int(first.start < start)
            if needed or end <= first.end:  # what is dropped in between comes back for the second cut
                needed += end < first.end
            else:
                needed += self._cuts(end)
            if needed:
                self.provide_entries(needed)
        if self.tables is None or not self.tables.large or self.unmap is None or not self.counts_references:
            return nullcontext()
        return self.ready(edges_in(self._from(first, end), start, end))

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
        self.free_entry(entry)

    def unlink(self, entry: Entry) -> None:
        """Remove `entry` from tree and list; its gap begins where the previous entry ends."""
        self.low_gap.opened(self.start if entry.prev is None else entry.prev.end)
        super().unlink(entry)

    def clear(self) -> None:
        """Remove all mappings. O(entries + pages mapped)."""
        if self.first is not None and self.last is not None:
            self.remove(self.first.start, self.last.end)

    # ---- limits ------------------------------------------------------------------------------

    def no_entry(self) -> VMError:
        """Return the error of a change for which no entry is left: a panic, or NOMEM if entries are provided."""
        why = f"no entry is left for {self.called}"
        return KernelPanic("entry_create", why) if self.provides is None else kernel_error("NOMEM", why)

    def check_room(self, size: int) -> None:
        """Raise NOMEM if this many more bytes exceed the limit of addresses."""
        most = self.space_limit
        if most is not None and self.size + size > most:
            have = f"it has {Size(self.size)} of at most {Size(most)} (RLIMIT_AS)"
            raise kernel_error("NOMEM", f"{Size(size)} more is too much for {self.called}: {have}")

    def provide_entries(self, count: int) -> None:
        """Make this many entries free, for a change that needs them: NOMEM is raised before anything has changed."""
        if count and self.provides is not None and not self.provides(count):
            raise self.no_entry()

    def provide_cuts(self, *edges: int) -> None:
        """Make as many entries free as cuts at these addresses need; raises NOMEM like :meth:`provide_entries`."""
        if self.provides is not None:
            self.provide_entries(self._cuts(*edges))

    def _cuts(self, *edges: int) -> int:
        """Return how many of these addresses are inside an entry."""
        entries = [(edge, self.peek(edge)) for edge in edges]
        return sum(entry is not None and entry.start < edge for edge, entry in entries)

    def isolate(self, start: int, end: int) -> None:
        """Cut the entries across the edges of [start, end); raises NOMEM, and cuts nothing, without free entries."""
        self.provide_cuts(start, end)
        super().isolate(start, end)

    # ---- changes of ranges -------------------------------------------------------------------

    @kernel_function("vm_map_protect")
    @x15_errors()
    def protect(self, start: int, end: int, protection: int, set_max: bool = False) -> None:
        """Set the protection, or its maximum, of a range.

        Raises FAULT for a hole, ACCES beyond the maximum. Raises NOMEM, with nothing changed, without a page for a
        table that is needed.
        """
        self.set_protection(start, end, protection, set_max)

    @kernel_function("vm_map_inherit")
    @x15_errors()
    def inherit(self, start: int, end: int, inheritance: int) -> None:
        """Set the inheritance of a range; raises INVAL for an invalid number."""
        self.set_inheritance(start, end, inheritance)

    @kernel_function("vm_map_madvise")
    @x15_errors()
    def advise(self, start: int, end: int, advice: int) -> None:
        """Set the advice of a range; raises INVAL for an invalid number.

        With "willneed", pages that objects already have are mapped immediately, as far as there is memory for tables.
        """
        self.set_advice(start, end, advice)
        tables = self.tables
        if advice != ADVICE["willneed"] or tables is None:
            return
        stop = self.recorder.take_stop()
        try:
            for entry in self.entries_in(start, end):
                if stop is not None and stop(entry.start):
                    return
                if self.rights_in(entry):
                    self.map_resident(tables, entry, max(start, entry.start), min(end, entry.end))
        except KernelError:  # no page for a table: it was advice, and a fault will ask again
            emit = self.recorder.emit
            if emit is not None:
                emit((Unwound.tag, "vm_map_madvise"))

    @kernel_function("vm_map_unwire")
    @x15_errors()
    def unwire(self, start: int, end: int) -> None:
        """Remove one wiring of a range; raises FAULT for a hole, INVAL if it is not wired."""
        self.remove_wiring(start, end)

    @kernel_function("vm_map_simplify_entry")
    def simplify(self, start: int, end: int) -> int:
        """Merge equal entries that a range touches, also with their neighbours; returns the number of entries saved.

        It is FreeBSD's `vm_map_simplify_entry` for each entry.
        """
        before = self.nr_entries
        self.merge_range(start, end)
        return before - self.nr_entries

    def set_wired_count(self, entry: Entry, count: int) -> None:
        """Note how often the range of `entry` was wired, in its object too."""
        if entry.object is not None and bool(count) != bool(entry.wired_count):
            entry.object.note_wired(pages_of(entry), 1 if count else -1)
        super().set_wired_count(entry, count)

    # ---- page tables -------------------------------------------------------------------------

    def ready(self, cuts: Iterable[int], entered: Iterable[tuple[int, int]] = ()) -> AbstractContextManager[None]:
        """Reserve the tables that a change of a range needs: NOMEM is raised before anything has changed."""
        tables = self.tables
        if tables is None:
            return nullcontext()
        return tables.prepared(cuts, (place for start, end in entered for place in tables.tables_missing(start, end)))

    def reprotect(self, entry: Entry) -> None:
        """Give the mapped pages of `entry` the permissions that it allows now.

        If it allows none, no page stays mapped; wired ones are mapped again later.
        """
        tables = self.tables
        if tables is None:
            return
        if self.rights_in(entry):
            tables.protect(entry.start, entry.end, self.rights_of_all_in(entry))
            if entry.wired_count:
                self.map_resident(tables, entry, entry.start, entry.end)
        else:
            tables.remove(entry.start, entry.end)
        tables.update(entry.start, entry.end)

    def granted(self, protection: int) -> int:
        """Return the accesses to pages mapped for `protection`: those that tables can't refuse are granted."""
        return protection if self.tables is None else self.tables.granted(protection)

    def rights_in(self, entry: Entry) -> int:
        """Return the permissions with which pages of the entry's own object may be mapped there."""
        protection = self.granted(protection_of(entry.flags))
        return protection & ~WRITE if entry.flags & NEEDS_COPY else protection

    def rights_of_all_in(self, entry: Entry) -> int:
        """Return the permissions that the mapped pages of `entry` may keep, until a fault grants more."""
        protection = self.rights_in(entry)
        return protection if entry.object is None else entry.object.rights_of_all(protection)

    def resident(self, entry: Entry, va: int) -> Translation | None:
        """Return the frame and the permissions for a page that its object has in memory, or None.

        Nothing is brought in.
        """
        return None if entry.object is None else entry.object.resident(entry.offset_of(va), self.rights_in(entry))

    def map_resident(self, tables: Pmap, entry: Entry, start: int, end: int) -> None:
        """Map the unmapped pages in [start, end) of `entry` that its object has; no pager is asked.

        O(pages that the object has).
        """
        pages, wanted = () if entry.object is None else entry.object.pages, pages_within(entry, start, end)
        for va in [entry.start + (index << PAGE_SHIFT) - entry.offset for index in sorted(pages) if index in wanted]:
            found = self.resident(entry, va)
            if found is not None:
                map_page(tables, va, found)

    # ---- looking -----------------------------------------------------------------------------

    def search_state(self) -> tuple[int, int | None, int | None]:
        """The find cache, its threshold (None while nothing is known) and the end of page tables (kernel map only)."""
        threshold = None if self.find_cache_threshold == self.mask else self.find_cache_threshold
        return self.find_cache, threshold, None if self.kernel is None else self.kernel.klimit

    def info(self) -> str:
        """Return the map as text, exactly as `vm_map_info` prints it: limits, a header, a line per entry, the total.

        The offset column has eight digits: a larger offset is printed longer, as printf does.
        """
        name = "map" if self.kernel is None else "kernel map"
        lines = [f"vm_map: {name}: {self.start:016x}-{self.end:016x}\n", INFO_HEADER]
        for entry in self:
            kind = "null" if entry.object is None else "object"
            length = (entry.end - entry.start & self.mask) // KIB
            place = f"{entry.start:016x} {entry.end:016x} {length:8d}k"
            lines.append(f"vm_map: {place} {entry.offset:08x} {entry.flags:08x} {kind}\n")
        lines.append(f"vm_map: total: {self.size // KIB}k\n")
        return "".join(lines)

    def check(self) -> None:
        """Check the core's invariants, and: 8. wired entries have their pages, mapped if they may be read."""
        super().check()
        for entry in self:
            if entry.wired_count:
                self._check_wired(entry)

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

    def _leads_on(self, frame: int | None, va: int) -> bool:
        """Return whether there is a page and, if there are tables, whether they lead to one."""
        return frame is not None and (self.tables is None or self.tables.extract(va) is not None)


def map_page(tables: Pmap, va: int, page: Translation) -> bool:
    """Map one page, unless it is already mapped there; returns whether it was."""
    if tables.extract(va) == page.frame << PAGE_SHIFT:
        return False
    tables.enter(va, page.frame << PAGE_SHIFT, page.rights)
    tables.update(va, va + PAGE)
    return True

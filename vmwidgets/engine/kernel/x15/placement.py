"""The place of a request for a range, and the neighbour that may grow to serve it: X15's searches and merging.

A search decides; it changes only what the original changes in a search: the find cache and the lookup cache.  Sources:
X15 `vm_map_request_assert_valid`, `vm_map_find_fixed`, `vm_map_find_avail` and `vm_map_try_merge` of 2013.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from ...base import protection as flag
from ...base.errors import KernelPanic, kernel_error
from ...base.recorder import Recorder, kernel_function
from ...base.units import IN_PAGE, PAGE, Address, Size
from ..map.core import Entry
from ..map.map_schema import NO_MERGE, FindCacheMoved, GapTried, HintTried, MergeTried, SearchRestarted
from ..map.ranges import RangeMap
from ..map.vm_object import VmObject

# ---- requests ----------------------------------------------------------------------------------


@dataclass(slots=True)
class Request:
    """A caller's request to a map; the search sets `start` and `next`.

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

        `mask` is the largest number in a word: sums wrap there.

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
        if align and flags & flag.FIXED and start & (align - 1):
            return "fixed_unaligned", f"the fixed start {start:#x} is not a multiple of align {align:#x}"
        return None

    def obstacle(self, entry: Entry, nomerge_compares: bool = False) -> str:
        """Return why the range and `entry` may not become one entry; "" if they may.

        This is the rule of `vm_map_enter`; after a change of entries, :func:`~..map.ranges.may_join` has another.
        Offsets make no difference, since only ranges without an object merge. With `nomerge_compares` (the original's
        release build), NOMERGE is just a bit that must be equal.
        """
        if self.object is not None or entry.object is not None:
            return "an object is mapped"
        if entry.wired_count:
            return "it is wired"
        if not nomerge_compares and (self.flags | entry.flags) & flag.NOMERGE:
            return "it may not merge"
        if (self.flags ^ entry.flags) & flag.ENTRY_MASK:
            return "its protection, inheritance or advice differs"
        return ""


class Merge(NamedTuple):
    """A merge that serves a request: `entry` becomes [start, end), and `absorbed` becomes part of it."""

    entry: Entry
    start: int
    end: int
    absorbed: Entry | None
    why: str


# ---- searching ---------------------------------------------------------------------------------


class FindCache:
    """The place where the next search for a gap begins.

    `address` is where the last one ended; requests of more than `threshold` bytes may begin there, because no gap below
    it is larger. `none` (all ones) as threshold means that nothing is known.
    """

    __slots__ = ("_name", "_recorder", "address", "none", "threshold")

    def __init__(self, name: str, recorder: Recorder, mask: int) -> None:
        self._name = name
        self._recorder = recorder
        self.address = 0
        self.none = mask
        self.threshold = mask

    def move(self, address: int, threshold: int) -> None:
        """Set both, and report it if either changes."""
        if address == self.address and threshold == self.threshold:
            return
        before = self.address, self.threshold
        self.address, self.threshold = address, threshold
        emit = self._recorder.emit
        if emit is not None:
            emit((FindCacheMoved.tag, self._name, before[0], address, before[1], threshold))

    def forget(self) -> None:
        """Forget both: after a failure or a removal, the next search begins at the bottom."""
        if self.address or self.threshold != self.none:
            self.move(0, self.none)


class Placement:
    """The searches of one map, with its find cache."""

    def __init__(self, core: RangeMap[Entry], quirks: frozenset[str] = frozenset(), assertions: bool = False) -> None:
        self.core = core
        self.recorder = core.recorder
        self.mask = core.mask
        self.find_cache = FindCache(core.name, core.recorder, core.mask)
        self._out_of_map = "out-of-map" in quirks
        self._nomerge_compares = "nomerge-enter" in quirks
        self._assertions = assertions

    @kernel_function("vm_map_find_fixed")
    def find_fixed(self, request: Request) -> int:
        """Set `request.next` for a range at exactly `request.start`; raises NOMEM if that is not free.

        The find cache is then forgotten; otherwise, it is neither read nor written.  O(log n).
        """
        refused = self._refused(request)
        if refused is not None:
            self.find_cache.forget()
            raise kernel_error("NOMEM", f"the range at {Address(request.start)} is not available: {refused}")
        return request.start

    def _refused(self, request: Request) -> str | None:
        """Return why [start, start + size) is not available; None if it is free, and then `request.next` is set.

        Sums wrap, as words do, only with quirk out-of-map.
        """
        core, start, size = self.core, request.start, request.size
        word = self.mask if self._out_of_map else -1
        end = (start + size) & word
        if start < core.start or end > core.end:
            return "it lies outside the map"
        following = core.lookup_nearest(start)
        if following is None:
            if (core.end - start) & word < size:
                return "it passes the end of the map"
        elif start >= following.start:
            return f"it starts inside the entry [{Address(following.start)}, {Address(following.end)})"
        elif following.start - start < size:
            return f"it overlaps [{Address(following.start)}, {Address(following.end)})"
        request.next = following
        return None

    @kernel_function("vm_map_find_avail")
    def find_available(self, request: Request) -> int:
        """Set `request.start` and `request.next` to the lowest suitable gap from the find cache on.

        Raises NOMEM without one. A hint (`request.start`, if not 0) is tried first, and used even if it breaks the
        alignment, as in the original. A map with a `fit` asks it after trying the hint, and does not use the find
        cache. O(log n) plus the entries skipped.
        """
        core = self.core
        if request.start != 0:
            refused = self._refused(request)
            self._report_hint(request, refused)
            if refused is None:
                return request.start
            request.start = 0
        if core.fit is not None:
            gap = core.fit.find(core, request.size, request.align)
            if gap is not None:
                request.start, request.next = gap.position, gap.next
                return request.start
        elif self._scan_from_cache(request):
            return request.start
        self.find_cache.forget()
        raise kernel_error("NOMEM", f"no gap of {Size(request.size)} is left")

    def _scan_from_cache(self, request: Request) -> bool:
        """Search from the find cache on, if that is possible, and then from the bottom."""
        core, cache = self.core, self.find_cache
        if request.size > cache.threshold:
            if self._scan(request, cache.address):
                return True
            if cache.address == core.start:
                return False
            emit = self.recorder.emit
            if emit is not None:
                emit((SearchRestarted.tag, core.name, core.start))
        if cache.threshold:
            cache.move(cache.address, 0)
        return self._scan(request, core.start)

    def _scan(self, request: Request, base: int) -> bool:
        """Examine the gaps from `base` on, one after the other; the largest one skipped raises the threshold."""
        core, cache, mask = self.core, self.find_cache, self.mask
        size, align, emit = request.size, request.align, self.recorder.emit
        position, following = base, core.lookup_nearest(base)
        while True:
            if self._assertions and position > core.end:
                raise KernelPanic("search_past_end", f"the free search reached {Address(position)}, past the map's end")
            below, position = position, ((position + align - 1) & ~(align - 1) if align else position) & mask
            # rounding may pass the map's end or wrap; the original's subtraction then wraps too and finds room
            if not self._out_of_map and (position > core.end or position < below):
                return False
            if (core.end - position) & mask < size:
                return False
            above = core.end if following is None else following.start
            space = (above - position) & mask if following is None else max(0, above - position)
            if emit is not None:
                emit((GapTried.tag, core.name, position, space, space >= size))
            if space >= size:
                cache.move((position + size) & mask, cache.threshold)
                request.start, request.next = position, following
                return True
            assert following is not None, "without a next entry the space reaches the map's end"
            if space > cache.threshold:
                cache.move(cache.address, space)
            position, following = following.end, following.next

    def _report_hint(self, request: Request, refused: str | None) -> None:
        emit = self.recorder.emit
        if emit is None:
            return
        why = refused or "it is free"
        if refused is None and request.align and request.start & (request.align - 1):
            why = f"it is free, though not a multiple of align {request.align:#x}: that does not count for a hint"
        emit((HintTried.tag, self.core.name, request.start, refused is None, why))

    # ---- merging -----------------------------------------------------------------------------

    def merge(self, request: Request) -> Merge | None:
        """Return how a neighbour can grow over the request, or two neighbours merge with it.

        None if neither is possible.
        """
        previous, following = self._touching(request)
        if previous is None and following is None:
            return None
        if (
            previous is not None
            and following is not None
            and not self._obstacle(request, previous)
            and not self._obstacle(request, following)
        ):
            self._report_merge(following, "both", "")
            return Merge(previous, previous.start, following.end, following, "joined with the next")
        if previous is not None and self._may_grow(request, previous, "previous"):
            end = (previous.end + request.size) & self.mask
            return Merge(previous, previous.start, end, None, "grown upwards")
        if following is not None and self._may_grow(request, following, "next"):
            start = (following.start - request.size) & self.mask
            return Merge(following, start, following.end, None, "grown downwards")
        return None

    def report_nomerge(self, request: Request) -> None:
        """Report the neighbours that a NOMERGE request touches; they are not even compared."""
        emit, following = self.recorder.emit, request.next
        if emit is None:
            return
        previous = self.core.last if following is None else following.prev
        before = previous.id if previous is not None and previous.end == request.start else 0
        end = (request.start + request.size) & self.mask
        after = following.id if following is not None and following.start == end else 0
        if before or after:
            emit((NO_MERGE, self.core.name, before, after))

    def _touching(self, request: Request) -> tuple[Entry | None, Entry | None]:
        """Return the entries directly before and after the range."""
        following = request.next
        previous = self.core.last if following is None else following.prev
        if previous is not None and previous.end != request.start:
            previous = None
        if following is not None and following.start != (request.start + request.size) & self.mask:
            following = None
        return previous, following

    def _obstacle(self, request: Request, entry: Entry) -> str:
        return request.obstacle(entry, self._nomerge_compares)

    def _may_grow(self, request: Request, neighbour: Entry, side: str) -> bool:
        why = self._obstacle(request, neighbour)
        self._report_merge(neighbour, side, why)
        return not why

    def _report_merge(self, neighbour: Entry, side: str, why: str) -> None:
        emit = self.recorder.emit
        if emit is not None:
            emit((MergeTried.tag, self.core.name, neighbour.id, side, not why, why or "no object, same properties"))

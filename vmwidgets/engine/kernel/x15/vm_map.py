"""X15's address space map (its `vm_map`, as of 2013): enter, remove, look up, fault; and ranges changed in place.

Kernel functions take what the original takes, plain integers of bytes and a packed flags word, and trust
it as far as the original does.  Learners call them through :mod:`vmwidgets.engine.machine`, which checks arguments.
Where a range goes is decided in :mod:`.placement`.  The original's own functions are enter, remove, lookup and fault;
those on ranges are made after FreeBSD's manual pages and have the errors of X15's `error.h`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import NamedTuple, Protocol

from ...base.errors import Broken, KernelError, KernelPanic, kernel_error
from ...base.events import EntryChanged, EntryResized, RangeRemoved, SubmapAttached, Unwound
from ...base.protection import ADVICE, ENTRY_MASK, FIXED, NOMERGE, READ, protection_of, protection_text
from ...base.rbtree import Duplicate
from ...base.recorder import Recorder, kernel_function
from ...base.units import KIB, PAGE, PAGE_SHIFT, Address
from ..map.core import SUB_MAP, Entry, EntrySource
from ..map.ranges import (
    INVALID_ADDRESS,
    INVALID_ARGUMENT,
    NO_SPACE,
    PROTECTION_FAILURE,
    RESOURCE_SHORTAGE,
    SUCCESS,
    MapError,
    RangeMap,
    edges_in,
)
from ..map.vm_object import VmObject
from ..pmap.pmap import Pmap
from .placement import Merge, Placement, Request
from .wiring import Wiring, map_resident

WORDS = {
    INVALID_ADDRESS: "FAULT",
    PROTECTION_FAILURE: "ACCES",
    NO_SPACE: "NOMEM",
    INVALID_ARGUMENT: "INVAL",
    RESOURCE_SHORTAGE: "NOMEM",
}
"""FreeBSD's status numbers in X15's words."""

INFO_HEADER = "vm_map:      start             end          size     offset   flags    type\n"


class KernelLimit(Protocol):
    """What the kernel's own map needs of the page tables: up to where they exist, and more of them."""

    @property
    def klimit(self) -> int:
        """End of the addresses that have page tables."""

    def kgrow(self, end: int) -> None:
        """Make tables for addresses up to `end`."""


class Resolved(NamedTuple):
    """How a fault was resolved: `cache` is "hit" when the object had the page, "miss" when its pager was asked."""

    cache: str
    entry: int
    object: VmObject
    offset: int
    va: int
    frame: int
    protection: int

    def in_events(self) -> tuple[int]:
        """What the kernel function gives back: the frame."""
        return (self.frame,)


def _is_inside(entry: Entry, duplicate: Duplicate) -> KernelPanic:
    """The panic of debug builds about an entry whose start lies in another."""
    return KernelPanic("tree_duplicate", f"{Address(entry.start)} is inside entry {duplicate.node.id}")


@contextmanager
def x15_errors() -> Iterator[None]:
    """What can't be done to a range is an error in X15's words."""
    try:
        yield
    except MapError as error:
        raise kernel_error(WORDS[error.status], error.why) from None


class X15Map(RangeMap[Entry]):
    """One address space.

    `bits` is the width of a word: sums wrap there.  `kernel` is the page-table side of the kernel's own map and makes
    this one it.  `unmap(start, end)` takes translations away when entries go.  `assertions` makes it a debug build.

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
        self.tables: Pmap | None = None
        """The page tables that a change of a range reaches; none for a map on its own."""
        self.placement = Placement(self, quirks, assertions)

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
        supplies; it never merges.  Raises NOMEM when no range fits, INVAL for an object in the kernel map; both
        leave the entries as they are.  O(log n) plus the entries passed over by the search.
        """
        if "offset-cut" in self.quirks:
            offset &= self.mask
        request = Request(target, offset, start, size, align, flags)
        if self.kernel is not None and target is not None:
            raise kernel_error("INVAL", f"{self.name} is the kernel's: object {target.name!r} can't be mapped there")
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
        """Whether a NOMERGE request may merge too, as in the original's release build (quirk nomerge-enter)."""
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
            request.object.reference()
        following = request.next
        try:
            self.link(entry, self.last if following is None else following.prev, following, not self.assertions)
        except Duplicate as duplicate:
            raise _is_inside(entry, duplicate) from None
        return entry

    def _grow(self, merge: Merge) -> Entry:
        """Let a neighbour take in a request, and with it the entry on the other side if the merge says so."""
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

        The original never fails.  Here NOMEM, with nothing changed, when an edge cuts a large page and there is no page
        for the table of its parts.  A removal that meets an entry at or above `start` makes the map forget its find
        cache, even if nothing goes.  It may stop before any entry.  O((entries removed + 1) log n).
        """
        if self.assertions and not self.start <= start < end <= self.end:
            raise KernelPanic("remove_range", f"[{Address(start)}, {Address(end)}) is no range of {self.name}")
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
            if entry.object is not None:
                entry.object.release()
        if not entry.static:
            self.entries.free(entry)

    def relink(self, entry: Entry, previous: Entry | None, following: Entry | None) -> None:
        """Link `entry`; a start inside another entry is a panic in debug builds."""
        try:
            self.link(entry, previous, following, not self.assertions)
        except Duplicate as duplicate:
            raise _is_inside(entry, duplicate) from None

    # ---- clipping ----------------------------------------------------------------------------
    #
    # Entries are taken out while their range changes, since the tree is ordered by it.

    def clip_start(self, entry: Entry, address: int) -> None:
        """Cut `entry` at `address`: a copy becomes the low part, the entry itself stays the high part."""
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
        """Cut `entry` at `address`: the entry itself stays the low part, a copy becomes the high part.

        Quirk clip-end-first: the original relinks the low part by its predecessor alone, so the first entry goes to
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

    # ---- faults ------------------------------------------------------------------------------

    @kernel_function("vm_map_fault", first=2)
    def fault(self, address: int, access: int, enter_page: Callable[[int, int, int], None]) -> Resolved:
        """Resolve a fault at `address` (any alignment) for `access` (protection bits; 0 always passes).

        `enter_page(va, frame, protection)` puts the translation into the page tables, with the entry's
        protection, not the access's.  Errors: FAULT, no entry there or (mended) no object behind it; ACCES, the entry
        lacks a right; NOMEM from the pager.  No page for a table is a panic.  O(log n).
        """
        if self.assertions and self.kernel is not None:
            raise KernelPanic("fault_kernel_map", f"a fault at {Address(address)} in {self.name}, which is never paged")
        va = address & ~(PAGE - 1)
        entry = self.lookup_nearest(va)
        if entry is None or va < entry.start:
            raise kernel_error("FAULT", f"no entry of {self.name} holds {Address(va)}")
        protection = protection_of(entry.flags)
        missing = access & ~protection
        if missing:
            allowed, where = protection_text(protection), Address(entry.start)
            raise kernel_error("ACCES", f"the entry at {where} allows {allowed}, not {protection_text(missing)}")
        if isinstance(entry.submap, X15Map):  # the range is another map's: so is the fault (FreeBSD `vm_map_lookup`)
            return entry.submap.fault(address, access, enter_page)
        if entry.object is None:
            why = f"the entry at {Address(entry.start)} has no object to ask for a page"
            if "fault-null-object" in self.quirks:
                raise KernelPanic("fault_null_object", why)
            raise kernel_error("FAULT", why)
        offset = entry.offset_of(va)
        cache, frame = entry.object.bring(offset, self.recorder)
        try:
            enter_page(va, frame, protection)
        except KernelError as error:
            why = f"the page of {Address(va)} can't be entered: {error.reason}"
            raise KernelPanic("fault_pmap_enter", why) from error
        return Resolved(cache, entry.start, entry.object, offset, va, frame, protection)

    # ---- ranges ------------------------------------------------------------------------------

    @kernel_function("vm_map_protect")
    @x15_errors()
    def protect(self, start: int, end: int, protection: int, set_max: bool = False) -> None:
        """Set the protection, or the maximum, of a range: FAULT for a hole, ACCES beyond it, INVAL for a submap.

        NOMEM, and nothing changed, without a page for a table that it takes.
        """
        self.set_protection(start, end, protection, set_max)

    def ready(self, cuts: Iterable[int], entered: Iterable[tuple[int, int]] = ()) -> AbstractContextManager[None]:
        """Hold the tables that a change of a range needs: NOMEM before anything has changed."""
        tables = self.tables
        if tables is None:
            return nullcontext()
        return tables.prepared(cuts, (place for start, end in entered for place in tables.tables_missing(start, end)))

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
                map_resident(tables, entry, entry.start, entry.end)
        else:
            tables.remove(entry.start, entry.end)
        tables.update(entry.start, entry.end)

    @kernel_function("vm_map_inherit")
    @x15_errors()
    def inherit(self, start: int, end: int, inheritance: int) -> None:
        """Set the inheritance of a range: INVAL for a number that is none, and for a submap."""
        self.set_inheritance(start, end, inheritance)

    @kernel_function("vm_map_madvise")
    @x15_errors()
    def advise(self, start: int, end: int, advice: int) -> None:
        """Set the advice of a range: INVAL for a number that is none, and for a submap.

        With "willneed" the pages that objects have already are mapped at once, as far as there are tables to be had.
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
                if protection_of(entry.flags) & READ:
                    map_resident(tables, entry, max(start, entry.start), min(end, entry.end))
        except KernelError:  # no page for a table: it was advice, and a fault will ask again
            emit = self.recorder.emit
            if emit is not None:
                emit((Unwound.tag, "vm_map_madvise"))

    @kernel_function("vm_map_wire", first=2)
    @x15_errors()
    def wire(self, start: int, end: int, new_object: Callable[[], VmObject]) -> None:
        """Have every page of a range in memory and mapped, and count the wiring in its entries.

        An entry without object gets one of `new_object` for its part of the range.  FAULT for a hole, ACCES where
        reading is not allowed, INVAL for a submap, NOMEM without pages; all of them leave the map as it is.
        It may stop while it gets pages: then none has come.  O((entries + 1) log n + pages).
        """
        wiring, stop = Wiring(self.recorder, self.tables), self.recorder.take_stop()
        try:
            for entry in self.decide_wiring(start, end):
                part = wiring.add(entry, max(start, entry.start), min(end, entry.end), new_object)
                for va in range(part.start, part.end, PAGE):
                    if stop is not None and stop(start):
                        wiring.undo()
                        return
                    wiring.bring(part, va)
        except KernelError as error:
            wiring.undo()
            raise MapError(RESOURCE_SHORTAGE, error.reason) from None
        self.isolate(start, end)
        for part in wiring.parts:
            if part.fresh:
                self._give_object(part.start, part.target)
        self.change_range(start, end, lambda entry: self.set_wired_count(entry, entry.wired_count + 1))

    def _give_object(self, start: int, target: VmObject) -> None:
        """The entry at `start` maps the object that was made for it."""
        entry = self.peek(start)
        assert entry is not None and entry.start == start, "the range was cut to its parts"
        before = entry.fields()
        entry.object, entry.offset = target, 0
        if self.counts_references:
            target.reference()
        emit = self.recorder.emit
        if emit is not None:
            emit((EntryChanged.tag, self.name, before, entry.fields(), "got an object, to have pages"))

    @kernel_function("vm_map_unwire")
    @x15_errors()
    def unwire(self, start: int, end: int) -> None:
        """Take one wiring off a range: FAULT for a hole, INVAL for a submap and for what is not wired."""
        self.remove_wiring(start, end)

    @kernel_function("vm_map_superpages")
    @x15_errors()
    def superpages(self, start: int, end: int, page: int) -> int:
        """Map a range by pages of `page` bytes where that can be; how many came to be (after FreeBSD's superpages).

        A large page needs memory in one piece and aligned, behind addresses that are aligned too, and a page for each
        table on the way; where one is missing, the range keeps its small pages.  FAULT for a hole, INVAL for a submap.
        O(entries + pages of the range).
        """
        tables, made = self.tables, 0
        assert tables is not None, "only maps with page tables have pages"
        for entry in self.decide(start, end, holes=False):
            target, protection = entry.object, protection_of(entry.flags)
            if target is None or not protection & READ:
                continue
            first = -(-max(start, entry.start) // page) * page
            for va in range(first, min(end, entry.end) - page + 1, page):
                made += self._enter_large(tables, target, entry.offset_of(va), va, page, protection)
        return made

    @staticmethod
    def _enter_large(tables: Pmap, target: VmObject, offset: int, va: int, page: int, protection: int) -> bool:
        """Map one large page; false, and nothing changed, without memory for it or for its tables."""
        fresh = target.page(offset) is None
        frame = target.run(offset, page >> PAGE_SHIFT)
        if frame is None:
            return False
        try:
            tables.enter(va, frame << PAGE_SHIFT, protection, page)
        except KernelError:  # NOMEM, for a table
            for at in range(0, page, PAGE) if fresh else ():
                target.drop(offset + at)
            return False
        tables.update(va, va + page)
        return True

    @kernel_function("vm_map_simplify_entry")
    def simplify(self, start: int, end: int) -> int:
        """Join what is alike of the entries that a range touches, and with their neighbours; how many entries fewer.

        FreeBSD's `vm_map_simplify_entry`, for each entry.
        """
        before = self.nr_entries
        self.join_range(start, end)
        return before - self.nr_entries

    @kernel_function("vm_map_submap")
    @x15_errors()
    def submap(self, start: int, end: int, submap: X15Map) -> None:
        """Give a range to another map: INVAL unless one entry covers it, without object, not wired and no submap yet.

        FAULT for a hole.
        """
        entries = self.decide(start, end, holes=False)
        entry = entries[0]
        if len(entries) > 1:
            raise MapError(INVALID_ARGUMENT, f"{len(entries)} entries lie in the range: a submap's place is one")
        if entry.object is not None or entry.wired_count:
            what = "maps an object" if entry.object is not None else "is wired"
            why = f"the entry at {Address(entry.start)} {what}: a submap's place has nothing in it"
            raise MapError(INVALID_ARGUMENT, why)
        self.isolate(start, end)
        before = entry.fields()
        entry.flags |= SUB_MAP
        entry.submap = submap
        emit = self.recorder.emit
        if emit is not None:
            emit((EntryChanged.tag, self.name, before, entry.fields(), "became the place of a submap"))
            emit((SubmapAttached.tag, self.name, submap.name, start, end, SUCCESS))

    # ---- looking -----------------------------------------------------------------------------

    def search_state(self) -> tuple[int, int | None, int | None]:
        """Find cache, its threshold (none while nothing is known) and the end of page tables (kernel map only)."""
        cache = self.placement.find_cache
        threshold = None if cache.threshold == cache.none else cache.threshold
        return cache.address, threshold, None if self.kernel is None else self.kernel.klimit

    def info(self) -> str:
        """The map as text, to the letter as `vm_map_info` prints it: limits, a header, a line an entry, the total.

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
        """The core's invariants, and: 8. wired entries have their pages, mapped where they may be read; 9. the place of
        a submap is all of its range.
        """  # noqa: D205  one list of invariants, as elsewhere
        super().check()
        for entry in self:
            if entry.wired_count:
                self._check_wired(entry)
            submap = entry.submap
            if submap is not None and (submap.start, submap.end) != (entry.start, entry.end):
                raise Broken(f"rule 9 of the map: entry {entry.id} of {self.name} is not the place of {submap.name}")

    def _check_wired(self, entry: Entry) -> None:
        mapped = protection_of(entry.flags) & READ and "pmap-current-only" not in self.quirks
        for va in range(entry.start, entry.end, PAGE):
            frame = None if entry.object is None else entry.object.page(entry.offset_of(va))
            if frame is None:
                raise Broken(
                    f"rule 8 of the map: entry {entry.id} of {self.name} is wired and has no page for {Address(va)}"
                )
            if self.tables is not None and mapped and self.tables.extract(va) != frame << PAGE_SHIFT:
                raise Broken(
                    f"rule 8 of the map: wired entry {entry.id} of {self.name}: {Address(va)} is not mapped to its page"
                )

"""Ranges of an X15 map changed in place: protection, inheritance, advice, wiring, large pages, submaps.

X15 of 2013 has none of these; they follow FreeBSD's manual pages, with the errors of X15's `error.h`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

from ...base.errors import KernelError, Refused, VMError, kernel_error
from ...base.event import Unwound
from ...base.protection import ADVICE, NEEDS_COPY, WRITE, protection_of
from ...base.recorder import kernel_function
from ...base.units import PAGE, PAGE_SHIFT, Address, Size
from ..map.core import SUB_MAP, Entry
from ..map.map_schema import EntryChanged, SubmapAttached
from ..map.ranges import (
    INVALID_ADDRESS,
    INVALID_ARGUMENT,
    NO_SPACE,
    PROTECTION_FAILURE,
    RESOURCE_SHORTAGE,
    SUCCESS,
    MapError,
    RangeMap,
)
from ..map.vm_object import Translation, VmObject, pages_of
from ..pmap.pmap import Pmap
from .wiring import Wiring, map_page

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


class TaskRanges(RangeMap[Entry]):
    """The part of a map that changes ranges; `tables` are the page tables that this affects."""

    task: str = ""
    """The task that owns the map: faults are handled for it, and pages brought in count for it; "": no task."""

    provides: Callable[[int], bool] | None = None
    """Makes this many entries free, if possible: without entries, a task's map fails with NOMEM.

    None: that is a panic.
    """

    space_limit: int | None = None
    """The most bytes that all entries may have together (RLIMIT_AS); None: as many as fit."""

    quirks: frozenset[str] = frozenset()
    tables: Pmap | None = None
    """The page tables that a change of a range affects; None for a map on its own."""
    has_submaps = False
    """Whether a part of the map was ever given to another map."""

    # ---- what every change of a range is held against ----------------------------------------

    def guard(self, verb: str, start: int, end: int) -> None:
        """Refuse a range that belongs to a submap in part or as a whole: only that map may change it.

        O(log n + entries there).
        """
        for entry in self._from(self.peek(start), end) if self.has_submaps else ():
            submap = entry.submap
            if submap is not None and (submap.start, submap.end) == (entry.start, entry.end):
                limits = f"{Address(submap.start)} to {Address(submap.end)}"
                raise Refused(
                    f"start={Address(start)} to {Address(end)} overlaps the submap {submap.called}, {limits}: "
                    f"{verb} in that map"
                )

    def check_room(self, size: int) -> None:
        """Raise NOMEM if this many more bytes exceed the limit of addresses."""
        most = self.space_limit
        if most is not None and self.size + size > most:
            have = f"it has {Size(self.size)} of at most {Size(most)}"
            raise kernel_error("NOMEM", f"{Size(size)} more are too much for {self.called}: {have}")

    def provide_entries(self, count: int) -> None:
        """Make this many entries free, for a change that needs them: NOMEM is raised before anything has changed."""
        if count and self.provides is not None and not self.provides(count):
            raise self._no_entry()

    def _no_entry(self) -> KernelError:
        return kernel_error("NOMEM", f"no entry is left for {self.called}")

    def _cuts(self, *edges: int) -> int:
        """Return how many of these addresses are inside an entry."""
        entries = [(edge, self.peek(edge)) for edge in edges]
        return sum(entry is not None and entry.start < edge for edge, entry in entries)

    def isolate(self, start: int, end: int) -> None:
        """Cut the entries across the edges of [start, end); raises NOMEM, and cuts nothing, without free entries."""
        if self.provides is not None:
            self.provide_entries(self._cuts(start, end))
        super().isolate(start, end)

    def inner_in(self, start: int, end: int) -> Iterator[Entry]:
        """Yield the entries that [start, end) touches, in address order.

        A submap's own entries are yielded in its place.
        """
        for entry in self.entries_in(start, end):
            if isinstance(entry.submap, TaskRanges):
                yield from entry.submap.inner_in(start, end)
            else:
                yield entry

    # ---- changes -----------------------------------------------------------------------------

    @kernel_function("vm_map_protect")
    @x15_errors()
    def protect(self, start: int, end: int, protection: int, set_max: bool = False) -> None:
        """Set the protection, or its maximum, of a range.

        Raises FAULT for a hole, ACCES beyond the maximum, INVAL for a submap. Raises NOMEM, with nothing changed,
        without a page for a table that is needed.
        """
        self.set_protection(start, end, protection, set_max)

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

    def translation(self, entry: Entry, va: int, access: int) -> Translation:
        """Return the frame and the permissions to map the page at `va` of `entry`, which has an object.

        The page is brought in if necessary. Raises NOMEM without a frame, IO from a pager that fails.
        """
        target = entry.object
        assert target is not None, "who asks has looked"
        return target.fault_page(entry.offset_of(va), self.rights_in(entry), access, self.task)

    def resident(self, entry: Entry, va: int) -> Translation | None:
        """Return the frame and the permissions for a page that its object has in memory, or None.

        Nothing is brought in.
        """
        return None if entry.object is None else entry.object.resident(entry.offset_of(va), self.rights_in(entry))

    def rights_of_all_in(self, entry: Entry) -> int:
        """Return the permissions that the mapped pages of `entry` may keep, until a fault grants more."""
        protection = self.rights_in(entry)
        return protection if entry.object is None else entry.object.rights_of_all(protection)

    def map_resident(self, tables: Pmap, entry: Entry, start: int, end: int) -> None:
        """Map the unmapped pages in [start, end) of `entry` that its object has; no pager is asked."""
        for va in range(start, end, PAGE) if entry.object is not None else ():
            found = self.resident(entry, va)
            if found is not None:
                map_page(tables, va, found)

    @kernel_function("vm_map_inherit")
    @x15_errors()
    def inherit(self, start: int, end: int, inheritance: int) -> None:
        """Set the inheritance of a range; raises INVAL for an invalid number, and for a submap."""
        self.set_inheritance(start, end, inheritance)

    @kernel_function("vm_map_madvise")
    @x15_errors()
    def advise(self, start: int, end: int, advice: int) -> None:
        """Set the advice of a range; raises INVAL for an invalid number, and for a submap.

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

    @kernel_function("vm_map_wire", first=2)
    @x15_errors()
    def wire(self, start: int, end: int, new_object: Callable[[], VmObject]) -> None:
        """Bring every page of a range into memory, map it, and count the wiring in the range's entries.

        An entry without an object gets one from `new_object` for its part of the range. Raises FAULT for a hole, ACCES
        if reading is not allowed, INVAL for a submap, and NOMEM without pages; the map is then unchanged. It may stop
        while it allocates pages: then none is kept. O((entries + 1) log n + pages).
        """
        if self.provides is not None:
            self.decide_wiring(start, end)
            self.provide_entries(self._cuts(start, end))
        wiring, stop = Wiring(self.recorder, self.tables, self.task), self.recorder.take_stop()
        try:
            self._wire(wiring, start, end, new_object, stop)
        finally:
            wiring.done()

    def _wire(
        self,
        wiring: Wiring,
        start: int,
        end: int,
        new_object: Callable[[], VmObject],
        stop: Callable[[int], bool] | None,
    ) -> None:
        try:
            for entry in self.decide_wiring(start, end):
                if entry.flags & NEEDS_COPY:  # what is wired is its own: nothing copies it away later
                    self.unshare(entry)
                protection = self.granted(protection_of(entry.flags))
                part = wiring.add(entry, max(start, entry.start), min(end, entry.end), protection, new_object)
                for va in range(part.start, part.end, PAGE):
                    if stop is not None and stop(start):
                        wiring.undo()
                        return
                    wiring.bring(part, va)
        except VMError as error:
            wiring.undo()
            if isinstance(error, KernelError):
                raise MapError(RESOURCE_SHORTAGE, error.reason) from None
            raise
        self.isolate(start, end)
        for part in wiring.parts:
            if part.fresh:
                self._give_object(part.start, part.target)
        self.change_range(start, end, lambda entry: self.set_wired_count(entry, entry.wired_count + 1))

    def unshare(self, entry: Entry) -> None:
        """Give an entry that needs a copy an object of its own (`vm_fault.py`); this map has none to give."""

    def set_wired_count(self, entry: Entry, count: int) -> None:
        """Note how often the range of `entry` was wired, in its object too."""
        if entry.object is not None and bool(count) != bool(entry.wired_count):
            entry.object.note_wired(pages_of(entry), 1 if count else -1)
        super().set_wired_count(entry, count)

    def _give_object(self, start: int, target: VmObject) -> None:
        """Note that the entry at `start` maps the object that was made for it."""
        entry = self.peek(start)
        assert entry is not None and entry.start == start, "the range was cut to its parts"
        before = entry.fields()
        entry.object, entry.offset = target, 0
        if self.counts_references:
            target.reference(entry)
        emit = self.recorder.emit
        if emit is not None:
            emit((EntryChanged.tag, self.name, before, entry.fields(), "got an object, to have pages"))

    @kernel_function("vm_map_unwire")
    @x15_errors()
    def unwire(self, start: int, end: int) -> None:
        """Remove one wiring of a range; raises FAULT for a hole, INVAL for a submap, and if it is not wired."""
        self.remove_wiring(start, end)

    @kernel_function("vm_map_superpages")
    @x15_errors()
    def superpages(self, start: int, end: int, page: int) -> int:
        """Map a range with pages of `page` bytes if possible; returns their number (after FreeBSD's superpages).

        A large page needs contiguous, aligned memory, aligned addresses, and a page for each table on the path;
        otherwise, the range keeps its small pages. Raises FAULT for a hole, INVAL for a submap. O(entries + pages of
        the range).
        """
        tables, made = self.tables, 0
        assert tables is not None, "only maps with page tables have pages"
        for entry in self.decide(start, end, holes=False):
            target, protection = entry.object, self.rights_of_all_in(entry)
            if target is None or not protection:
                continue
            first = -(-max(start, entry.start) // page) * page
            for va in range(first, min(end, entry.end) - page + 1, page):
                made += self._enter_large(tables, target, entry.offset_of(va), va, page, protection)
        return made

    def _enter_large(self, tables: Pmap, target: VmObject, offset: int, va: int, page: int, protection: int) -> bool:
        """Map one large page; returns false, with nothing changed, without memory for it or for its tables."""
        fresh = target.page(offset) is None
        frame = target.run(offset, page >> PAGE_SHIFT, self.task)
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
        """Merge equal entries that a range touches, also with their neighbours; returns the number of entries saved.

        It is FreeBSD's `vm_map_simplify_entry` for each entry.
        """
        before = self.nr_entries
        self.join_range(start, end)
        return before - self.nr_entries

    @kernel_function("vm_map_submap")
    @x15_errors()
    def submap(self, start: int, end: int, submap: TaskRanges) -> None:
        """Give a range to another map.

        Raises INVAL unless one entry covers it that has no object, is not wired and is not a submap; FAULT for a hole.
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
        self.has_submaps = True
        emit = self.recorder.emit
        if emit is not None:
            emit((EntryChanged.tag, self.name, before, entry.fields(), "became the place of a submap"))
            emit((SubmapAttached.tag, self.name, submap.name, start, end, SUCCESS))

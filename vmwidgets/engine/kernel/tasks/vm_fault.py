"""Faults in an X15 map: page faults, stacks that grow, and entries that get an object of their own at the first write.

Whether a page is copied is decided in the entry's object, by :meth:`.vm_object.TaskObject.copy_on_write`.

X15 of 2013 resolves a fault with the entry's object alone (`vm_map_fault`). Everything else follows 4.4BSD's `vm_fault`
(The Design and Implementation of the 4.4BSD Operating System, 5.11).
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from typing import NamedTuple

from ...base.errors import KernelError, KernelPanic, VMError, kernel_error
from ...base.protection import (
    GROWS_DOWN,
    NEEDS_COPY,
    WRITE,
    protection_of,
    protection_text,
)
from ...base.recorder import kernel_function
from ...base.units import PAGE, PAGE_SHIFT, Address
from ..map.core import Entry
from ..map.map_schema import EntryChanged
from ..map.vm_object import VmObject, pages_of
from .task_ranges import TaskRanges
from .vm_object import TaskObject


class Resolved(NamedTuple):
    """The resolution of a fault: `cache` is "hit" if the object had the page, "miss" if its pager was asked."""

    cache: str
    entry: int
    object: VmObject
    offset: int
    va: int
    frame: int
    protection: int

    def in_events(self) -> tuple[int]:
        """Return the kernel function's result: the frame."""
        return (self.frame,)


class TaskFaults(TaskRanges):
    """The part of a map that resolves faults, and supplies entries with objects to write to."""

    assertions = False
    is_kernels = False
    """Whether this is the kernel's own map, which is never paged."""
    stack_limit: int = 0
    """The most bytes of an entry that grows downwards; 0: none grows."""

    # ---- faults ------------------------------------------------------------------------------

    @kernel_function("vm_map_fault", first=2)
    def fault(self, address: int, access: int, enter_page: Callable[[int, int, int], None]) -> Resolved:
        """Resolve a fault at `address` (any alignment) for `access` (protection bits; 0 always passes).

        `enter_page(va, frame, protection)` puts the translation into the page tables, with the entry's protection, not
        the access's; write permission is left out if the page is also another's, or if a write must be noticed.
        Errors: FAULT, no entry there or (mended) no object behind it; ACCES, the entry lacks a right; NOMEM from the
        pager; IO, the pager failed. Without a page for a table, it panics, as in the original, or raises NOMEM for a
        machine's task.  O(log n), and the objects in the entry's chain.
        """
        if self.assertions and self.is_kernels:
            raise KernelPanic(
                "fault_kernel_map", f"a fault at {Address(address)} in {self.called}, which is never paged"
            )
        va = address & ~(PAGE - 1)
        entry = self.lookup_nearest(va)
        if entry is not None and va < entry.start and entry.flags & GROWS_DOWN:
            self._grow_down(entry, va)
        if entry is None or va < entry.start:
            raise kernel_error("FAULT", f"no entry of {self.called} holds {Address(address)}")
        protection = protection_of(entry.flags)
        missing = access & ~protection
        if missing:  # rarely: what is granted beyond the entry's letters is looked up
            missing = access & ~self.granted(protection)
        if missing:
            allowed, where = protection_text(protection), Address(entry.start)
            needed = protection_text(missing)
            raise kernel_error("ACCES", f"the entry at {where} allows {allowed}, but this access needs {needed}")
        if isinstance(
            entry.submap, TaskFaults
        ):  # the range is another map's: so is the fault (FreeBSD `vm_map_lookup`)
            return entry.submap.fault(address, access, enter_page)
        if entry.object is None:
            why = f"the entry at {Address(entry.start)} has no object to ask for a page; enter one with object="
            if "fault-null-object" in self.quirks:
                raise KernelPanic("fault_null_object", why)
            raise kernel_error("FAULT", why)
        if access & WRITE and entry.flags & NEEDS_COPY:
            self.unshare(entry)
        frame, protection, cache = self.translation(entry, va, access)
        try:
            enter_page(va, frame, protection)
        except KernelError as error:
            why = f"the page of {Address(va)} can't be entered: {error.reason}"
            if self.provides is not None:
                raise kernel_error("NOMEM", why) from error
            raise KernelPanic("fault_pmap_enter", why) from error
        return Resolved(cache, entry.start, entry.object, entry.offset_of(va), va, frame, protection)

    def inner(self, va: int) -> Entry | None:
        """Return the entry that contains `va`, in this map or in the submap that covers it."""
        entry = self.peek(va)
        if entry is None or va < entry.start:
            return None
        return entry if entry.submap is None or not isinstance(entry.submap, TaskFaults) else entry.submap.inner(va)

    def wait_for(self, va: int) -> int:
        """Return how many ticks the pager takes for the page at `va`, which is not in memory; 0 for most. O(log n)."""
        entry = self.inner(va)
        target = None if entry is None else entry.object
        return target.wait_for(entry.offset_of(va)) if isinstance(target, TaskObject) and entry is not None else 0

    def wait_for_range(self, start: int, end: int) -> int:
        """Return how many ticks pagers take for the pages of a range that are not in memory.  O(pages)."""
        total = 0
        for entry in self.inner_in(start, end):
            target = entry.object
            if isinstance(target, TaskObject) and target.is_slow:
                inside = range(max(start, entry.start), min(end, entry.end), PAGE)
                total += sum(target.wait_for(entry.offset_of(va)) for va in inside)
        return total

    def _grow_down(self, entry: Entry, va: int) -> None:
        """Let a stack grow to `va`, if it stays within its limits and a page away from the entry below.

        The page in between is the guard: FreeBSD has had it since 2009 (`stack_guard_page`); Linux leaves 256 pages.
        The limits are those of the stack and of all addresses, as in Linux's `acct_stack_growth`.
        """
        previous = entry.prev
        lowest = self.start if previous is None else previous.end + PAGE
        most = self.space_limit
        if va < lowest or entry.end - va > self.stack_limit:
            return
        if most is not None and self.size + entry.start - va > most:
            return
        target, change = entry.object, entry.start - va
        grown = range(entry.offset - change >> PAGE_SHIFT, pages_of(entry).start)
        if isinstance(target, TaskObject) and not target.shared and target.holds_any(grown):
            self.note_copy(entry)  # another task still has pages there: what grows begins with zeroes
            self._shadow(entry, target).collapse()
        before, top = entry.fields(), entry.start
        with self.ready((), ((va, top),)) if entry.wired_count else nullcontext():
            if entry.wired_count:
                self._bring_wired(entry, grown)
            entry.offset -= change
            entry.start = va  # it grows into a gap: the order in the tree stays right
            self.resize(change)
            self.report_resize(entry, before, "grew down for an access below it")
            if entry.wired_count and self.tables is not None:
                self.map_resident(self.tables, entry, va, top)

    def _bring_wired(self, entry: Entry, grown: range) -> None:
        """Bring in and wire the pages by which a wired stack grows (Linux populates a locked stack).

        Without memory for all of them, none is kept, and NOMEM is raised.
        """
        target = entry.object
        assert isinstance(target, TaskObject), "stacks are of these"
        brought = range(grown.start, grown.start)
        try:
            for index in grown:
                target.fault(index << PAGE_SHIFT, True, self.task)
                target.note_wired(range(index, index + 1), 1)
                brought = range(grown.start, index + 1)
        except VMError:
            target.note_wired(brought, -1)
            target.forget(brought)
            raise

    # ---- copies at the first write -----------------------------------------------------------

    @kernel_function("vm_object_shadow", first=1)
    def unshare(self, entry: Entry) -> None:
        """Prepare an entry that is copied at its first write: put a shadow in front of its object.

        If nothing else refers to the object, the entry has it to itself, and no shadow is made. Wired pages move into
        the shadow.
        """
        target = entry.object
        assert isinstance(target, TaskObject), "only these are copied"
        if target.references == 1 and not target.is_file:
            why = "nothing else refers to its object, so it may write there"
            self.set_flags(entry, entry.flags & ~NEEDS_COPY, why)
        else:
            self._shadow(entry, target)

    def _shadow(self, entry: Entry, target: TaskObject) -> TaskObject:
        """Put a shadow, for all later writes, between `entry` and its object, `target`."""
        before, why = entry.fields(), "got a shadow, to write there"
        if target.memory.fork.counts and not target.is_file:
            made, why = target.taken_by(entry, wired=bool(entry.wired_count)), "got its pages for itself"
        else:
            made = target.shadowed(entry)
            if entry.wired_count:
                made.take_wired(pages_of(entry))
        entry.object = made
        entry.flags &= ~NEEDS_COPY
        emit = self.recorder.emit
        if emit is not None:
            emit((EntryChanged.tag, self.name, before, entry.fields(), why))
        return made

    def begin_again(self, entry: Entry) -> None:
        """Replace an entry's private object with a new one: its contents are lost.

        The pages of its file are visible again. None of it is mapped.
        """
        target, before = entry.object, entry.fields()
        assert isinstance(target, TaskObject), "only these begin again"
        behind = target.last_of_chain
        if behind.is_file:
            entry.object, entry.flags = behind, entry.flags | NEEDS_COPY
            behind.reference(entry)
        else:
            fresh = TaskObject.anonymous(target.memory)
            fresh.reference(entry)
            entry.object, entry.flags = fresh, entry.flags & ~NEEDS_COPY
        emit = self.recorder.emit
        if emit is not None:
            emit((EntryChanged.tag, self.name, before, entry.fields(), "begins again: its pages were not needed"))
        target.unmapped(entry)

    def note_copy(self, entry: Entry) -> None:
        """Mark `entry` to be copied at its first write, unless it shares a file's pages."""
        target = entry.object
        if entry.flags & NEEDS_COPY or (target is not None and isinstance(target, TaskObject) and target.is_file):
            return
        self.remove_write(entry)
        self.set_flags(entry, entry.flags | NEEDS_COPY, "is now copy-on-write")

    def remove_write(self, entry: Entry) -> None:
        """Make writes to mapped pages of `entry` fault."""
        tables, protection = self.tables, protection_of(entry.flags)
        if tables is not None and protection & WRITE:
            tables.protect(entry.start, entry.end, self.granted(protection) & ~WRITE)
            tables.update(entry.start, entry.end)

"""Faults in an X15 map, and copies of it: what a page fault does, and what a fork does.

X15 of 2013 resolves a fault by the object of the entry alone (`vm_map_fault`).  What goes beyond that is after
4.4BSD's `vm_fault` and `vm_map_fork` (The Design and Implementation of the 4.4BSD Operating System, 5.6 and 5.11):
copies at the first write, and stacks that grow.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from typing import NamedTuple

from ...base.errors import KernelError, KernelPanic, VMError, kernel_error
from ...base.protection import (
    GROWS_DOWN,
    INHERITANCE,
    NEEDS_COPY,
    WRITE,
    inheritance_of,
    protection_of,
    protection_text,
)
from ...base.recorder import kernel_function
from ...base.units import PAGE, PAGE_SHIFT, Address
from ..map.core import Entry
from ..map.map_schema import EntryChanged
from ..map.vm_object import VmObject
from .led_object import pages_of
from .memory_object import TaskObject
from .task_ranges import TaskRanges


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


class TaskFaults(TaskRanges):
    """The part of a map that resolves faults, and is copied."""

    assertions = False
    is_kernels = False
    """Whether it is the kernel's own map, which is never paged."""
    stack_limit: int = 0
    """Up to so many bytes an entry that grows down may have; 0: none grows."""

    # ---- faults ------------------------------------------------------------------------------

    @kernel_function("vm_map_fault", first=2)
    def fault(self, address: int, access: int, enter_page: Callable[[int, int, int], None]) -> Resolved:
        """Resolve a fault at `address` (any alignment) for `access` (protection bits; 0 always passes).

        `enter_page(va, frame, protection)` puts the translation into the page tables, with the entry's
        protection, not the access's; without the right to write where the page is another's too, or is to be noticed
        when it is written.  Errors: FAULT, no entry there or (mended) no object behind it; ACCES, the entry
        lacks a right; NOMEM from the pager; IO, it failed.  No page for a table is a panic, as in the original, and
        NOMEM for a task of a machine.  O(log n), and the objects in the entry's chain.
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
        if missing and (missing := access & ~self.granted(protection)):
            allowed, where = protection_text(protection), Address(entry.start)
            raise kernel_error("ACCES", f"the entry at {where} allows {allowed}, not {protection_text(missing)}")
        if isinstance(
            entry.submap, TaskFaults
        ):  # the range is another map's: so is the fault (FreeBSD `vm_map_lookup`)
            return entry.submap.fault(address, access, enter_page)
        if entry.object is None:
            why = f"the entry at {Address(entry.start)} has no object to ask for a page"
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
        """The entry that holds `va`, in this map or in the submap that has it."""
        entry = self.peek(va)
        if entry is None or va < entry.start:
            return None
        return entry if entry.submap is None or not isinstance(entry.submap, TaskFaults) else entry.submap.inner(va)

    def wait_for(self, va: int) -> int:
        """How many ticks the pager of the page at `va` takes, which is not in memory; 0 for most.  O(log n)."""
        entry = self.inner(va)
        target = None if entry is None else entry.object
        return target.wait_for(entry.offset_of(va)) if isinstance(target, TaskObject) and entry is not None else 0

    def wait_for_range(self, start: int, end: int) -> int:
        """How many ticks pagers take for the pages of a range that are not in memory.  O(pages)."""
        total = 0
        for entry in self.inner_in(start, end):
            target = entry.object
            if isinstance(target, TaskObject) and target.is_slow:
                inside = range(max(start, entry.start), min(end, entry.end), PAGE)
                total += sum(target.wait_for(entry.offset_of(va)) for va in inside)
        return total

    def _grow_down(self, entry: Entry, va: int) -> None:
        """Let a stack grow to `va`, if it stays below its limits and a page away from what lies below.

        The page in between is the guard: FreeBSD has it since 2009 (`stack_guard_page`), Linux leaves 256 pages.
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
            self._note_copy(entry)  # another task still has pages there: what grows begins with zeroes
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
        """Have the pages that a wired stack grows by in memory, where they stay (Linux populates a locked stack).

        Without memory for all of them it has none: NOMEM.
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
        """Have an entry that is to be copied at its first write ready to be written: put a shadow before its object.

        If nothing else refers to that object, the entry has it to itself, and no shadow is made.  Pages that are wired
        move into the shadow.
        """
        target = entry.object
        assert isinstance(target, TaskObject), "only these are copied"
        if target.references == 1 and not target.is_file:
            why = "nothing else refers to its object: it may write there"
            self.set_flags(entry, entry.flags & ~NEEDS_COPY, why)
        else:
            self._shadow(entry, target)

    def _shadow(self, entry: Entry, target: TaskObject) -> TaskObject:
        """Put a shadow between `entry` and `target`, its object: what it writes from now on is there."""
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
        """Give an entry a fresh object for its private one: what it held is gone, and its file's pages show again.

        Nothing of it is mapped.
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

    @kernel_function("vm_map_fork", first=1)
    def fork(self, child: TaskFaults) -> None:
        """Give `child`, an empty map, what its entries' inheritance says: shares, copies, or nothing (`vm_map_fork`).

        By the machine's way (:data:`~.forks.FORKS`) a copy of private memory has copies of all pages, or the same
        frames, or it takes no page: both maps refer to the object, and who writes first gets a shadow.  Pages that are
        wired, and those of an object that others may write, are copied at once in each way.  NOMEM without memory for
        entries, objects or pages; the parent reads what it read, though entries of it may be marked to be copied, or
        shared.  What a submap maps the child has in entries of its own.  O(entries + pages mapped).
        """
        self._give(child)

    def _give(self, child: TaskFaults) -> None:
        """Append to `child` what the entries' inheritance says."""
        for entry in self:
            inheritance = inheritance_of(entry.flags)
            if inheritance == INHERITANCE["none"]:
                continue
            if isinstance(entry.submap, TaskFaults):
                entry.submap._give(child)
            elif inheritance == INHERITANCE["share"]:
                self._share(entry)
                child.adopt(entry, entry.object)
            else:
                child.adopt(entry, self._copy_of(entry, child.task))

    def _share(self, entry: Entry) -> None:
        """Have the object of `entry` be one that another map may have too, and that no other entry has for itself."""
        target = entry.object
        if isinstance(target, TaskObject) and (
            entry.flags & NEEDS_COPY or not (target.shared or target.references == 1)
        ):
            if not entry.wired_count:  # what is wired can be written as it is
                self._note_copy(entry)
            self.unshare(entry)
        target = entry.object
        if isinstance(target, TaskObject):
            target.shared = target.copied_on = True
        if target is not None:
            target.reference()

    def _copy_of(self, entry: Entry, task: str) -> VmObject | None:
        """The object of a copy of `entry` for `task`, with a reference for that."""
        target = entry.object
        if not isinstance(target, TaskObject) or not target.has_frames:
            if target is not None:
                target.reference()
            return target
        if not target.is_file:
            at_once = entry.wired_count or (target.shared and not entry.flags & NEEDS_COPY)
            if target.memory.fork.copies:
                return target.copied(pages_of(entry), task, self.task)
            if at_once:
                return target.copied(pages_of(entry), task, task)
            if target.memory.fork.counts:
                self._remove_write(entry)
                return target.sharing(pages_of(entry))
        self._note_copy(entry)
        target.copied_on = True
        target.reference()
        return target

    def _note_copy(self, entry: Entry) -> None:
        """Have `entry` copied at its first write, unless it shares what a file has."""
        target = entry.object
        if entry.flags & NEEDS_COPY or (target is not None and isinstance(target, TaskObject) and target.is_file):
            return
        self._remove_write(entry)
        self.set_flags(entry, entry.flags | NEEDS_COPY, "is to be copied at the first write")

    def _remove_write(self, entry: Entry) -> None:
        """Have a write to what is mapped in `entry` fault."""
        tables, protection = self.tables, protection_of(entry.flags)
        if tables is not None and protection & WRITE:
            tables.protect(entry.start, entry.end, self.granted(protection) & ~WRITE)
            tables.update(entry.start, entry.end)

    def adopt(self, entry: Entry, target: VmObject | None) -> None:
        """Append an entry like `entry` of another map, with `target`, whose reference is for it.

        NOMEM without memory for an entry; the reference is given back.
        """
        made = self.entries.allocate()
        if made is None:
            if target is not None:
                target.release()
            raise kernel_error("NOMEM", f"no entry is left for {self.called}")
        made.copy_range_from(entry)
        made.wired_count, made.object = 0, target
        if isinstance(target, TaskObject):
            target.entries[made] = None
        slowly = target is not entry.object
        of_file = isinstance(target, TaskObject) and target.is_file
        if slowly:
            made.flags &= ~NEEDS_COPY
        elif of_file and inheritance_of(entry.flags) == INHERITANCE["copy"]:
            made.flags |= NEEDS_COPY
        self.link(made, self.last, None)
        self.resize(made.end - made.start)

"""Pages behind an X15 map's entries: faults, copies at the first write, forks, wiring, large pages.

Whether a page is copied is decided in the entry's object, by :meth:`~..tasks.vm_object.TaskObject.copy_on_write`.

X15 of 2013 resolves a fault with the entry's object alone (`vm_map_fault`), and has nothing else of this file. It
follows 4.4BSD's `vm_fault` and `vm_map_fork` (The Design and Implementation of the 4.4BSD Operating System, 5.11 and
5.6) and FreeBSD's vm_map_wire(9).
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import NamedTuple

from ...base.errors import KernelError, KernelPanic, VMError, kernel_error
from ...base.event import Unwound
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
from ...base.units import PAGE, PAGE_SHIFT, Address, Size
from ..map.core import OFFSET_MASK, RESOURCE_SHORTAGE, Entry, MapError
from ..map.map_schema import EntryChanged
from ..map.vm_object import VmObject, pages_of
from ..pmap.pmap import Pmap
from ..tasks.vm_object import TaskObject
from .vm_map import X15Map, map_page, x15_errors


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


# ---- faults ------------------------------------------------------------------------------------


@kernel_function(first=2)
def vm_map_fault(vm_map: X15Map, address: int, access: int, enter_page: Callable[[int, int, int], None]) -> Resolved:
    """Resolve a fault at `address` (any alignment) for `access` (protection bits; 0 always passes).

    `enter_page(va, frame, protection)` puts the translation into the page tables, with the entry's protection, not the
    access's; write permission is left out if the page is also another's, or if a write must be noticed. Errors: FAULT,
    no entry there or (mended) no object behind it; ACCES, the entry lacks a right; NOMEM from the pager; IO, the pager
    failed. Without a page for a table, it panics, as in the original, or raises NOMEM for a machine's task.  O(log n),
    and the objects in the entry's chain.
    """
    if vm_map.assertions and vm_map.kernel is not None:
        raise KernelPanic("fault_kernel_map", f"a fault at {Address(address)} in {vm_map.called}, which is never paged")
    va = address & ~(PAGE - 1)
    entry = vm_map.lookup_nearest(va)
    rule = ""
    if entry is not None and va < entry.start and entry.flags & GROWS_DOWN:
        rule = _grow_down(vm_map, entry, va)
    if entry is None or va < entry.start:
        raise kernel_error("FAULT", f"no entry of {vm_map.called} holds {Address(address)}{rule}")
    protection = protection_of(entry.flags)
    missing = access & ~protection
    if missing:  # rarely: what is granted beyond the entry's letters is looked up
        missing = access & ~vm_map.granted(protection)
    if missing:
        allowed, where = protection_text(protection), Address(entry.start)
        needed = protection_text(missing)
        raise kernel_error("ACCES", f"the entry at {where} allows {allowed}, but this access needs {needed}")
    if entry.object is None:
        why = f"the entry at {Address(entry.start)} has no object to ask for a page; enter one with object="
        if "fault-null-object" in vm_map.quirks:
            raise KernelPanic("fault_null_object", why)
        raise kernel_error("FAULT", why)
    if access & WRITE and entry.flags & NEEDS_COPY:
        unshare(vm_map, entry)
    target, offset, rights = entry.object, entry.offset_of(va), vm_map.rights_in(entry)
    frame, protection, cache = target.fault_page(offset, rights, access, vm_map.task)
    try:
        enter_page(va, frame, protection)
    except KernelError as error:
        why = f"the page of {Address(va)} can't be entered: {error.reason}"
        if vm_map.provides is not None:
            raise kernel_error("NOMEM", why) from error
        raise KernelPanic("fault_pmap_enter", why) from error
    return Resolved(cache, entry.start, target, offset, va, frame, protection)


def wait_for(vm_map: X15Map, va: int) -> int:
    """Return how many ticks the pager takes for the page at `va`, which is not in memory; 0 for most. O(log n)."""
    entry = vm_map.entry_at(va)
    if entry is None or not isinstance(entry.object, TaskObject) or not entry.object.is_slow:
        return 0
    return entry.object.wait_for(entry.offset_of(va))


def wait_for_range(vm_map: X15Map, start: int, end: int) -> int:
    """Return how many ticks pagers take for the pages of a range that are not in memory.  O(pages)."""
    total = 0
    for entry in vm_map.entries_in(start, end):
        target = entry.object
        if isinstance(target, TaskObject) and target.is_slow:
            inside = range(max(start, entry.start), min(end, entry.end), PAGE)
            total += sum(target.wait_for(entry.offset_of(va)) for va in inside)
    return total


def _grow_down(vm_map: X15Map, entry: Entry, va: int) -> str:
    """Let a stack grow to `va`, if it stays within its limits and a page away from the entry below.

    Returns "", or the rule that keeps it from growing, as the end of a sentence. The page in between is the guard:
    FreeBSD has had it since 2009 (`stack_guard_page`); Linux leaves 256 pages. The limits are those of the stack and of
    all addresses, as in Linux's `acct_stack_growth`.
    """
    previous, most, space = entry.prev, vm_map.stack_limit, vm_map.space_limit
    if va < vm_map.start:
        return ""
    if previous is not None and va < previous.end + PAGE:
        below = f"the entry that ends at {Address(previous.end)}"
        return f": a stack keeps a page free above {below}, as FreeBSD's stack_guard_page does; Linux keeps 256"
    if entry.end - va > most:
        wanted = Size(entry.end - va)
        return f": the stack may grow to {Size(most)} (Linux's RLIMIT_STACK), and this would be {wanted}"
    if space is not None and vm_map.size + entry.start - va > space:
        wanted = Size(vm_map.size + entry.start - va)
        return f": the task may map {Size(space)} (RLIMIT_AS), and with a larger stack this would be {wanted}"
    target, change = entry.object, entry.start - va
    grown = range(entry.offset - change >> PAGE_SHIFT, pages_of(entry).start)
    if isinstance(target, TaskObject) and not target.shared and target.holds_any(grown):
        _note_copy(vm_map, entry)  # another task still has pages there: what grows begins with zeroes
        _shadow(vm_map, entry, target).collapse()
    before, top = entry.fields(), entry.start
    with vm_map.ready((), ((va, top),)) if entry.wired_count else nullcontext():
        if entry.wired_count:
            _bring_wired(vm_map, entry, grown)
        entry.offset -= change
        entry.start = va  # it grows into a gap: the order in the tree stays right
        vm_map.resize(change)
        vm_map.report_resize(entry, before, "grew down for an access below it")
        if entry.wired_count and vm_map.tables is not None:
            vm_map.map_resident(vm_map.tables, entry, va, top)
    return ""


def _bring_wired(vm_map: X15Map, entry: Entry, grown: range) -> None:
    """Bring in and wire the pages by which a wired stack grows (Linux populates a locked stack).

    Without memory for all of them, none is kept, and NOMEM is raised.
    """
    target = entry.object
    assert isinstance(target, TaskObject), "stacks are of these"
    brought = range(grown.start, grown.start)
    try:
        for index in grown:
            target.fault(index << PAGE_SHIFT, True, vm_map.task)
            target.note_wired(range(index, index + 1), 1)
            brought = range(grown.start, index + 1)
    except VMError:
        target.note_wired(brought, -1)
        target.forget(brought)
        raise


# ---- copies at the first write -----------------------------------------------------------------


@kernel_function("vm_object_shadow", first=1)
def unshare(vm_map: X15Map, entry: Entry) -> None:
    """Prepare an entry that is copied at its first write: put a shadow in front of its object.

    If nothing else refers to the object, the entry has it to itself, and no shadow is made. Wired pages move into the
    shadow.
    """
    target = entry.object
    assert isinstance(target, TaskObject), "only these are copied"
    if target.references == 1 and not target.is_file:
        why = "nothing else refers to its object, so it may write there"
        vm_map.set_flags(entry, entry.flags & ~NEEDS_COPY, why)
    else:
        _shadow(vm_map, entry, target)


def _shadow(vm_map: X15Map, entry: Entry, target: TaskObject) -> TaskObject:
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
    _report_change(vm_map, entry, before, why)
    return made


def begin_again(vm_map: X15Map, entry: Entry) -> None:
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
    _report_change(vm_map, entry, before, "begins again: its pages were not needed")
    target.unmapped(entry)


def _note_copy(vm_map: X15Map, entry: Entry) -> None:
    """Mark `entry` to be copied at its first write, unless it shares a file's pages."""
    target = entry.object
    if entry.flags & NEEDS_COPY or (isinstance(target, TaskObject) and target.is_file):
        return
    _remove_write(vm_map, entry)
    vm_map.set_flags(entry, entry.flags | NEEDS_COPY, "is now copy-on-write")


def _remove_write(vm_map: X15Map, entry: Entry) -> None:
    """Make writes to mapped pages of `entry` fault."""
    tables, protection = vm_map.tables, protection_of(entry.flags)
    if tables is not None and protection & WRITE:
        tables.protect(entry.start, entry.end, vm_map.granted(protection) & ~WRITE)
        tables.update(entry.start, entry.end)


def _report_change(vm_map: X15Map, entry: Entry, before: object, why: str) -> None:
    emit = vm_map.recorder.emit
    if emit is not None:
        emit((EntryChanged.tag, vm_map.name, before, entry.fields(), why))


# ---- forks -------------------------------------------------------------------------------------


@kernel_function(first=1)
def vm_map_fork(vm_map: X15Map, child: X15Map) -> None:
    """Fill `child`, an empty map, by the entries' inheritance: shared, copied, or nothing (4.4BSD `vmspace_fork`).

    Depending on the machine's way to fork (:data:`~..tasks.forks.FORKS`), a copy of private memory has copies of all
    pages, or the same frames, or no page yet: then both maps refer to the object, and each that writes gets a shadow.
    Wired pages, and pages of an object that others may write, are always copied immediately. Raises NOMEM without
    memory for entries, objects or pages; the parent's memory is unchanged, though its entries may be marked to be
    copied, or shared. O(entries + pages mapped).
    """
    for entry in vm_map:
        inheritance = inheritance_of(entry.flags)
        if inheritance == INHERITANCE["none"]:
            continue
        if inheritance == INHERITANCE["share"]:
            _share(vm_map, entry)
            _adopt(child, entry, entry.object)
        else:
            _adopt(child, entry, _copy_of(vm_map, entry, child.task))


def _share(vm_map: X15Map, entry: Entry) -> None:
    """Make the object of `entry` one that another map may share, and that no other entry has for itself."""
    target = entry.object
    if isinstance(target, TaskObject) and (entry.flags & NEEDS_COPY or not (target.shared or target.references == 1)):
        if not entry.wired_count:  # what is wired can be written as it is
            _note_copy(vm_map, entry)
        unshare(vm_map, entry)
    target = entry.object
    if isinstance(target, TaskObject):
        target.shared = target.copied_on = True
    if target is not None:
        target.reference()


def _copy_of(vm_map: X15Map, entry: Entry, task: str) -> VmObject | None:
    """Return the object of a copy of `entry` for `task`, with a reference for the copy."""
    target = entry.object
    if not isinstance(target, TaskObject) or not target.has_frames:
        if target is not None:
            target.reference()
        return target
    if not target.is_file:
        at_once = entry.wired_count or (target.shared and not entry.flags & NEEDS_COPY)
        if target.memory.fork.copies:
            return target.copied(pages_of(entry), task, vm_map.task)
        if at_once:
            return target.copied(pages_of(entry), task, task)
        if target.memory.fork.counts:
            _remove_write(vm_map, entry)
            return target.sharing(pages_of(entry))
    _note_copy(vm_map, entry)
    target.copied_on = True
    target.reference()
    return target


def _adopt(child: X15Map, entry: Entry, target: VmObject | None) -> None:
    """Append an entry like `entry` of another map, with `target`, whose reference it takes.

    Raises NOMEM without memory for an entry; the reference is then dropped.
    """
    made = child.entries.allocate()
    if made is None:
        if target is not None:
            target.release()
        raise kernel_error("NOMEM", f"no entry is left for {child.called}")
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
    child.link(made, child.last, None)
    child.resize(made.end - made.start)


# ---- wiring ------------------------------------------------------------------------------------


@kernel_function(first=2)
@x15_errors()
def vm_map_wire(vm_map: X15Map, start: int, end: int, new_object: Callable[[], VmObject]) -> None:
    """Bring every page of a range into memory, map it, and count the wiring in the range's entries.

    An entry without an object gets one from `new_object` for its part of the range. Raises FAULT for a hole, ACCES if
    reading is not allowed, and NOMEM without pages; the map is then unchanged. It may stop while it allocates pages:
    then none is kept. O((entries + 1) log n + pages).
    """
    if vm_map.provides is not None:
        vm_map.decide_wiring(start, end)
        vm_map.provide_cuts(start, end)
    parts: list[_WiredPart] = []
    stop = vm_map.recorder.take_stop()
    try:
        if _bring_parts(vm_map, start, end, new_object, parts, stop):
            vm_map.isolate(start, end)
            for part in parts:
                if part.fresh:
                    _give_object(vm_map, part.start, part.target)
            vm_map.change_range(start, end, lambda entry: vm_map.set_wired_count(entry, entry.wired_count + 1))
    finally:
        for part in parts:  # entries keep the pages now, or they were freed
            for offset in part.held:
                part.target.note_wired(_page(offset), -1)


@dataclass(slots=True)
class _WiredPart:
    """The pages of `target` for one entry's part of the range, and the translations made for them."""

    start: int
    end: int
    target: VmObject
    fresh: bool
    """Whether the entry had no object, and now gets this one."""
    offset: int
    """The offset in `target` at which it begins (bytes)."""
    protection: int
    made: list[int] = field(default_factory=list)
    """Pages that were made (bytes)."""
    held: list[int] = field(default_factory=list)
    """Pages that may not be evicted meanwhile (bytes)."""
    mapped: list[int] = field(default_factory=list)


def _bring_parts(
    vm_map: X15Map,
    start: int,
    end: int,
    new_object: Callable[[], VmObject],
    parts: list[_WiredPart],
    stop: Callable[[int], bool] | None,
) -> bool:
    """Bring in and map the pages of a range, and add them to `parts`; false, and none is kept, if it was stopped."""
    try:
        for entry in vm_map.decide_wiring(start, end):
            if entry.flags & NEEDS_COPY:  # what is wired is its own: nothing copies it away later
                unshare(vm_map, entry)
            first, last, protection = max(start, entry.start), min(end, entry.end), protection_of(entry.flags)
            target, offset = (entry.object, entry.offset_of(first)) if entry.object is not None else (new_object(), 0)
            fresh = entry.object is None
            part = _WiredPart(first, last, target, fresh, offset, vm_map.granted(protection))
            parts.append(part)
            for va in range(first, last, PAGE):
                if stop is not None and stop(start):
                    _undo_wiring(vm_map, parts)
                    return False
                _bring(vm_map, part, va)
    except VMError as error:
        _undo_wiring(vm_map, parts)
        if isinstance(error, KernelError):
            raise MapError(RESOURCE_SHORTAGE, error.reason) from None
        raise
    return True


def _bring(vm_map: X15Map, part: _WiredPart, va: int) -> None:
    """Bring in the page at `va` and map it, if it is not mapped yet; raises NOMEM if that is impossible."""
    offset = part.offset + va - part.start & OFFSET_MASK
    is_made = part.target.makes(offset)
    part.target.bring(offset, vm_map.task)
    part.target.note_wired(_page(offset), 1)  # those that came do not go out for those that come
    part.held.append(offset)
    if is_made:
        part.made.append(offset)
    found = part.target.resident(offset, part.protection)
    if vm_map.tables is not None and found is not None and map_page(vm_map.tables, va, found):
        part.mapped.append(va)


def _undo_wiring(vm_map: X15Map, parts: list[_WiredPart]) -> None:
    """Unmap and free the pages, last first; pages that were copied, or came from swap space, stay."""
    emit = vm_map.recorder.emit
    if emit is not None:
        emit((Unwound.tag, "vm_map_wire"))
    for part in reversed(parts):
        for va in reversed(part.mapped):
            if vm_map.tables is not None:
                vm_map.tables.remove(va, va + PAGE)
                vm_map.tables.update(va, va + PAGE)
        for offset in reversed(part.made):
            part.target.drop(offset)
        if part.fresh:
            part.target.discard()


def _page(offset: int) -> range:
    return range(offset >> PAGE_SHIFT, (offset >> PAGE_SHIFT) + 1)


def _give_object(vm_map: X15Map, start: int, target: VmObject) -> None:
    """Note that the entry at `start` maps the object that was made for it."""
    entry = vm_map.peek(start)
    assert entry is not None and entry.start == start, "the range was cut to its parts"
    before = entry.fields()
    entry.object, entry.offset = target, 0
    if vm_map.counts_references:
        target.reference(entry)
    _report_change(vm_map, entry, before, "got an object, to have pages")


# ---- large pages -------------------------------------------------------------------------------


@kernel_function()
@x15_errors()
def vm_map_superpages(vm_map: X15Map, start: int, end: int, page: int) -> int:
    """Map a range with pages of `page` bytes if possible; returns their number (after FreeBSD's superpages).

    A large page needs contiguous, aligned memory, aligned addresses, and a page for each table on the path; otherwise,
    the range keeps its small pages. Raises FAULT for a hole. O(entries + pages of the range).
    """
    tables, made = vm_map.tables, 0
    assert tables is not None, "only maps with page tables have pages"
    for entry in vm_map.decide(start, end, holes=False):
        target, protection = entry.object, vm_map.rights_of_all_in(entry)
        if target is None or not protection:
            continue
        first = -(-max(start, entry.start) // page) * page
        for va in range(first, min(end, entry.end) - page + 1, page):
            made += _enter_large(vm_map, tables, target, entry.offset_of(va), va, page, protection)
    return made


def _enter_large(
    vm_map: X15Map, tables: Pmap, target: VmObject, offset: int, va: int, page: int, protection: int
) -> bool:
    """Map one large page; returns false, with nothing changed, without memory for it or for its tables."""
    fresh = target.page(offset) is None
    frame = target.run(offset, page >> PAGE_SHIFT, vm_map.task)
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

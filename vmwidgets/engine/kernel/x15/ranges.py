"""Wiring a range of an X15 map: its pages are brought in, mapped, and stay (after FreeBSD's vm_map_wire(9)).

The original has nothing of the kind.  All pages are got before any entry changes; if one can't be had, those that came
go back.  FreeBSD's own wiring, which waits for pages, is in :mod:`.freebsd_ranges`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Protocol

from ...base.errors import KernelError, kernel_error
from ...base.events import Called, EntryChanged, Returned, SubmapAttached, Unwound
from ...base.protection import ADVICE, READ, protection_of
from ...base.units import PAGE, PAGE_SHIFT, Address
from ..map import ranges as map_protect
from ..map.core import SUB_MAP, Entry
from ..map.ranges import (
    INVALID_ADDRESS,
    INVALID_ARGUMENT,
    NO_SPACE,
    PROTECTION_FAILURE,
    RESOURCE_SHORTAGE,
    SUCCESS,
    Unfit,
    change_range,
    decide,
    decide_wiring,
    entries_in,
    isolate,
    set_wired_count,
    simplify_range,
    unwire,
)
from ..map.vm_object import VmObject
from .fault import page_of
from .vm_map import X15Map, map_resident


@dataclass(slots=True)
class _Brought:
    """What was got for one part of the range: pages of `target`, and the translations made for them."""

    start: int
    end: int
    target: VmObject
    fresh: bool
    """Whether the entry had no object, and gets this one."""
    offsets: list[int] = field(default_factory=list)
    mapped: list[int] = field(default_factory=list)


def wire(vm_map: X15Map, start: int, end: int, new_object: Callable[[], VmObject]) -> None:
    """Have every page of [start, end) in memory and mapped, and count the wiring in its entries.

    An entry without object gets one of `new_object` for its part of the range.  Unfit: INVALID_ADDRESS for a hole,
    INVALID_ARGUMENT for a submap, PROTECTION_FAILURE where reading is not allowed, RESOURCE_SHORTAGE without pages; all
    of them leave the map as it is.  It may stop while it gets pages: then none has come.
    O((entries + 1) log n + pages).
    """
    parts: list[_Brought] = []
    stop = vm_map.recorder.take_stop()
    try:
        for entry in decide_wiring(vm_map, start, end):
            low, high = max(start, entry.start), min(end, entry.end)
            fresh = entry.object is None
            part = _Brought(low, high, new_object() if entry.object is None else entry.object, fresh)
            parts.append(part)
            if not _bring(vm_map, entry, part, lambda: stop is not None and stop(start)):
                _unwind(vm_map, parts)
                return
    except KernelError as error:
        _unwind(vm_map, parts)
        raise Unfit(RESOURCE_SHORTAGE, error.reason) from None
    isolate(vm_map, start, end)
    for part in parts:
        if part.fresh:
            _give_object(vm_map, part)
    change_range(vm_map, start, end, lambda entry: set_wired_count(vm_map, entry, entry.wired_count + 1))


def _unwind(vm_map: X15Map, parts: list[_Brought]) -> None:
    emit = vm_map.recorder.emit
    if emit is not None:
        emit((Unwound.tag, "vm_map_wire"))
    for part in reversed(parts):
        _send_back(vm_map, part)


def _bring(vm_map: X15Map, entry: Entry, part: _Brought, stop: Callable[[], bool]) -> bool:
    """Get the pages of one part, and map those that are not mapped yet; false if it stopped on the way."""
    tables, target = vm_map.tables, part.target
    for va in range(part.start, part.end, PAGE):
        if stop():
            return False
        offset = va - part.start if part.fresh else entry.offset + va - entry.start
        absent = target.page(offset) is None
        _, frame = page_of(vm_map, target, offset)
        if absent:
            part.offsets.append(offset)
        if tables is not None and tables.extract(va) is None:
            tables.enter(va, frame << PAGE_SHIFT, protection_of(entry.flags))
            tables.update(va, va + PAGE)
            part.mapped.append(va)
    return True


def _send_back(vm_map: X15Map, part: _Brought) -> None:
    for va in reversed(part.mapped):
        if vm_map.tables is not None:
            vm_map.tables.remove(va, va + PAGE)
            vm_map.tables.update(va, va + PAGE)
    for offset in reversed(part.offsets):
        part.target.drop(offset)


def _give_object(vm_map: X15Map, part: _Brought) -> None:
    """The entry of a part, which the range was cut to, maps the object that was made for it."""
    entry = vm_map.peek(part.start)
    assert entry is not None and (entry.start, entry.end) == (part.start, part.end), "the range was cut to its parts"
    before = entry.fields()
    entry.object, entry.offset = part.target, 0
    if vm_map.counts_references:
        part.target.reference()
    emit = vm_map.recorder.emit
    if emit is not None:
        emit((EntryChanged.tag, vm_map.name, before, entry.fields(), "got an object, to have pages"))


# ---- superpages --------------------------------------------------------------------------------
#
# Large pages for a range of an X15 map: memory in one piece, mapped by one descriptor (after FreeBSD's superpages).
#
# The original maps single pages only. A large page needs as much memory in one piece, aligned, behind addresses that
# are aligned too; where one of the three is missing, the range keeps its small pages.


class ContiguousPager(Protocol):
    """A pager that may have memory in one piece."""

    def get_run(self, target: VmObject, offset: int, count: int) -> int | None:
        """The first of `count` neighbouring frames for the pages of `target` from `offset` on, aligned, or none."""


class LargeTables(Protocol):
    """Page tables with pages of several sizes."""

    def enter(self, va: int, pa: int, protection: int, size: int = PAGE) -> None:
        """Map the page of `size` bytes at `pa`."""

    def update(self, start: int, end: int) -> None:
        """Drop cached translations."""


def map_superpages(vm_map: X15Map, tables: LargeTables, start: int, end: int, page: int) -> int:
    """Map [start, end) by pages of `page` bytes as far as its entries, objects and memory allow; how many came to be.

    Unfit: INVALID_ADDRESS for a hole, INVALID_ARGUMENT for a submap.  A page whose tables can't be had stays as it was,
    like one whose memory can't.  O(entries + pages of the range).
    """
    emit = vm_map.recorder.emit
    if emit is not None:
        emit((Called.tag, "vm_map_superpages", (start, end, page)))
    made = 0
    for entry in decide(vm_map, start, end, holes=False):
        for va in _places(entry, start, end, page):
            made += _map_page(entry, tables, va, page)
    if emit is not None:
        emit((Returned.tag, made))
    return made


def _map_page(entry: Entry, tables: LargeTables, va: int, page: int) -> bool:
    """Map one large page; false, and nothing changed, without memory for it or for its tables."""
    target, offset = entry.object, entry.offset + va - entry.start
    assert target is not None, "only places with an object are asked about"
    fresh = target.page(offset) is None
    frame = _memory_for(entry, va, page)
    if frame is None:
        return False
    try:
        tables.enter(va, frame << PAGE_SHIFT, protection_of(entry.flags), page)
    except KernelError:  # NOMEM, for a table
        for at in range(0, page, PAGE) if fresh else ():
            target.drop(offset + at)
        return False
    tables.update(va, va + page)
    return True


def _places(entry: Entry, start: int, end: int, page: int) -> Iterator[int]:
    """Addresses of whole, aligned pages of `page` bytes in the part of an entry that may be read and has an object."""
    if entry.object is None or not protection_of(entry.flags) & READ:
        return
    first = -(-max(start, entry.start) // page) * page
    yield from range(first, min(end, entry.end) - page + 1, page)


def _memory_for(entry: Entry, va: int, page: int) -> int | None:
    """The first frame behind `page` bytes at `va`, in one piece and aligned: what the object has, or fresh ones."""
    target, count = entry.object, page >> PAGE_SHIFT
    assert target is not None, "only places with an object are asked about"
    first = entry.offset + va - entry.start >> PAGE_SHIFT
    there = [target.pages.get(index) for index in range(first, first + count)]
    if there[0] is None and not any(frame is not None for frame in there):
        get_run = getattr(target.pager, "get_run", None)
        frame: int | None = None if get_run is None else get_run(target, first << PAGE_SHIFT, count)
        if frame is not None:
            target.pages.update({first + at: frame + at for at in range(count)})
        return frame
    begin = there[0]
    in_one_piece = begin is not None and all(frame == begin + at for at, frame in enumerate(there))
    return begin if in_one_piece and begin is not None and not begin % count else None


# ---- x15 ranges --------------------------------------------------------------------------------
#
# What X15's map lacks, in X15's words: functions on ranges, with the errors of its `error.h`.
#
# They bear the names of FreeBSD's functions, after whose manual pages they are made.


_WORDS = {
    INVALID_ADDRESS: "FAULT",
    PROTECTION_FAILURE: "ACCES",
    NO_SPACE: "NOMEM",
    INVALID_ARGUMENT: "INVAL",
    RESOURCE_SHORTAGE: "NOMEM",
}
"""FreeBSD's status numbers in X15's words."""


@contextmanager
def _function(vm_map: X15Map, name: str, *arguments: object) -> Iterator[None]:
    """The bracket of a kernel function; what can't be done is an error of X15's."""
    emit = vm_map.recorder.emit
    if emit is not None:
        emit((Called.tag, name, arguments))
    try:
        yield
    except Unfit as unfit:
        raise kernel_error(_WORDS[unfit.status], unfit.why) from None
    if emit is not None:
        emit((Returned.tag, SUCCESS))


def vm_map_protect(vm_map: X15Map, start: int, end: int, protection: int, set_max: bool = False) -> None:
    """Set the protection, or the maximum, of a range: FAULT for a hole, ACCES beyond it, INVAL for a submap.

    NOMEM, and nothing changed, without a page for a table that it takes.
    """
    with _function(vm_map, "vm_map_protect", start, end, protection, set_max):
        map_protect.protect(vm_map, start, end, protection, set_max)


def vm_map_inherit(vm_map: X15Map, start: int, end: int, inheritance: int) -> None:
    """Set the inheritance of a range: INVAL for a number that is none, and for a submap."""
    with _function(vm_map, "vm_map_inherit", start, end, inheritance):
        map_protect.inherit(vm_map, start, end, inheritance)


def vm_map_madvise(vm_map: X15Map, start: int, end: int, advice: int) -> None:
    """Set the advice of a range: INVAL for a number that is none, and for a submap.

    With "willneed" the pages that objects have already are mapped at once, as far as there are tables to be had.
    """
    with _function(vm_map, "vm_map_madvise", start, end, advice):
        map_protect.advise(vm_map, start, end, advice)
        if advice == ADVICE["willneed"]:
            _map_resident(vm_map, start, end)


def _map_resident(vm_map: X15Map, start: int, end: int) -> None:
    stop = vm_map.recorder.take_stop()
    try:
        for entry in entries_in(vm_map, start, end):
            if stop is not None and stop(entry.start):
                return
            if protection_of(entry.flags) & READ:
                map_resident(vm_map, entry, max(start, entry.start), min(end, entry.end))
    except KernelError:  # no page for a table: it was advice, and a fault will ask again
        emit = vm_map.recorder.emit
        if emit is not None:
            emit((Unwound.tag, "vm_map_madvise"))


def vm_map_wire(vm_map: X15Map, start: int, end: int, new_object: Callable[[], VmObject]) -> None:
    """Wire a range: FAULT for a hole, ACCES where reading is not allowed, INVAL for a submap, NOMEM without pages."""
    with _function(vm_map, "vm_map_wire", start, end):
        wire(vm_map, start, end, new_object)


def vm_map_unwire(vm_map: X15Map, start: int, end: int) -> None:
    """Take one wiring off a range: FAULT for a hole, INVAL for a submap and for what is not wired."""
    with _function(vm_map, "vm_map_unwire", start, end):
        unwire(vm_map, start, end)


def vm_map_superpages(vm_map: X15Map, tables: LargeTables, start: int, end: int, page: int) -> int:
    """Map a range by pages of `page` bytes where that can be; how many came to be.  FAULT for a hole."""
    try:
        return map_superpages(vm_map, tables, start, end, page)
    except Unfit as unfit:
        raise kernel_error(_WORDS[unfit.status], unfit.why) from None


def vm_map_simplify(vm_map: X15Map, start: int, end: int) -> int:
    """Join what is alike of the entries that a range touches, and with their neighbours; how many entries went.

    FreeBSD's `vm_map_simplify_entry`, for each entry.
    """
    before = vm_map.nr_entries
    with _function(vm_map, "vm_map_simplify_entry", start, end):
        simplify_range(vm_map, start, end)
    return before - vm_map.nr_entries


def vm_map_submap(vm_map: X15Map, start: int, end: int, submap: X15Map) -> None:
    """Give a range to another map: INVAL unless one entry covers it, without object, not wired and no submap yet."""
    with _function(vm_map, "vm_map_submap", start, end, submap.name):
        _decide_submap(vm_map, start, end)
        isolate(vm_map, start, end)
        entry = vm_map.peek(start)
        assert entry is not None, "it was there when it was decided"
        before = entry.fields()
        entry.flags |= SUB_MAP
        entry.submap = submap
        emit = vm_map.recorder.emit
        if emit is not None:
            why = "became the place of a submap"
            emit((EntryChanged.tag, vm_map.name, before, entry.fields(), why))
            emit((SubmapAttached.tag, vm_map.name, submap.name, start, end, SUCCESS))


def _decide_submap(vm_map: X15Map, start: int, end: int) -> None:
    entries = decide(vm_map, start, end, holes=False)
    entry = entries[0]
    if len(entries) > 1:
        raise Unfit(INVALID_ARGUMENT, f"{len(entries)} entries lie in the range: a submap's place is one")
    if entry.object is not None or entry.wired_count:
        what = "maps an object" if entry.object is not None else "is wired"
        raise Unfit(INVALID_ARGUMENT, f"the entry at {Address(entry.start)} {what}: a submap's place has nothing in it")

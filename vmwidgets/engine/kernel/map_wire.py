"""Wiring a range of an X15 map: its pages are brought in, mapped, and stay (after FreeBSD's vm_map_wire(9)).

The original has nothing of the kind.  All pages are got before any entry changes; if one can't be had, those that came
go back.  FreeBSD's own wiring, which waits for pages, is in :mod:`.freebsd_ranges`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ..base.errors import Broken, KernelError
from ..base.events import EntryChanged, Unwound
from ..base.protection import READ, protection_of, protection_text
from ..base.units import PAGE, PAGE_SHIFT, Address
from .entry import Entry
from .map_core import MapCore
from .map_ranges import (
    INVALID_ARGUMENT,
    PROTECTION_FAILURE,
    RESOURCE_SHORTAGE,
    Unfit,
    change_range,
    decide,
    isolate,
    set_wired_count,
)
from .vm_fault import page_of

if TYPE_CHECKING:
    from .vm_map import X15Map
    from .vm_object import VmObject


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


def decide_wiring(core: MapCore[Any], start: int, end: int) -> list[Any]:
    """The entries of a range that may be wired: no holes, and each can be read."""
    entries = decide(core, start, end, holes=False)
    for entry in entries:
        if not protection_of(entry.flags) & READ:
            allowed = protection_text(protection_of(entry.flags))
            raise Unfit(
                PROTECTION_FAILURE, f"the entry at {Address(entry.start)} allows {allowed}: its pages can't be read in"
            )
    return entries


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


def unwire(core: MapCore[Any], start: int, end: int, unwired: Callable[[Any], None] | None = None) -> None:
    """Take one wiring off [start, end); `unwired` is told of each entry that has none left.

    Unfit: INVALID_ADDRESS for a hole, INVALID_ARGUMENT for a submap and for what is not wired.
    """
    for entry in decide(core, start, end, holes=False):
        if not entry.wired_count:
            raise Unfit(INVALID_ARGUMENT, f"the entry at {Address(entry.start)} is not wired")

    def change(entry: Entry) -> None:
        if entry.wired_count == 1 and unwired is not None:
            unwired(entry)
        set_wired_count(core, entry, entry.wired_count - 1)

    change_range(core, start, end, change)


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

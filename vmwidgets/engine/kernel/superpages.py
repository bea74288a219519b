"""Large pages for a range of an X15 map: memory in one piece, mapped by one descriptor (after FreeBSD's superpages).

The original maps single pages only.  A large page needs as much memory in one piece, aligned, behind addresses that are
aligned too; where one of the three is missing, the range keeps its small pages.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from ..base.errors import KernelError
from ..base.events import Called, Returned
from ..base.protection import READ, protection_of
from ..base.units import PAGE, PAGE_SHIFT
from .entry import Entry
from .map_ranges import decide
from .vm_map import X15Map
from .vm_object import VmObject


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

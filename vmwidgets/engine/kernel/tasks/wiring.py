"""Allocating all pages of a range of an X15 map before it is wired.

No entry changes before; if a page is missing, all are freed. The original wires nothing; this follows FreeBSD's
vm_map_wire(9).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from ...base.event import Unwound
from ...base.recorder import Recorder
from ...base.units import PAGE, PAGE_SHIFT
from ..map.core import OFFSET_MASK, Entry
from ..map.vm_object import Translation, VmObject
from ..pmap.pmap import Pmap


@dataclass(slots=True)
class WiredPart:
    """The pages of `target` for one entry's part of the range, and the translations made for them."""

    start: int
    end: int
    target: VmObject
    fresh: bool
    """Whether the entry had no object, and now gets this one."""
    offset: int
    """The offset in `target` at which it begins (bytes)."""
    protection: int
    offsets: list[int] = field(default_factory=list)
    """Pages that were made (bytes)."""
    held: list[int] = field(default_factory=list)
    """Pages that may not be evicted meanwhile (bytes)."""
    mapped: list[int] = field(default_factory=list)


class Wiring:
    """The pages of one wiring, which count for `task`; `tables` are the tables that map them, if there are any."""

    def __init__(self, recorder: Recorder, tables: Pmap | None, task: str) -> None:
        self._recorder = recorder
        self._tables = tables
        self._task = task
        self.parts: list[WiredPart] = []

    def add(self, entry: Entry, start: int, end: int, protection: int, new_object: Callable[[], VmObject]) -> WiredPart:
        """Add the part [start, end) of `entry`, to be mapped with `protection`, without pages yet.

        If the entry has no object, it gets one from `new_object`.
        """
        if entry.object is None:
            part = WiredPart(start, end, new_object(), True, 0, protection)
        else:
            part = WiredPart(start, end, entry.object, False, entry.offset_of(start), protection)
        self.parts.append(part)
        return part

    def bring(self, part: WiredPart, va: int) -> None:
        """Bring in the page at `va` and map it, if it is not mapped yet; raises NOMEM if that is impossible."""
        offset = part.offset + va - part.start & OFFSET_MASK
        is_made = part.target.makes(offset)
        part.target.bring(offset, self._task)
        part.target.note_wired(_page(offset), 1)  # those that came do not go out for those that come
        part.held.append(offset)
        if is_made:
            part.offsets.append(offset)
        found = part.target.resident(offset, part.protection)
        if self._tables is not None and found is not None and map_page(self._tables, va, found):
            part.mapped.append(va)

    def done(self) -> None:
        """Forget the pages: entries keep them now, or they were freed."""
        for part in self.parts:
            for offset in part.held:
                part.target.note_wired(_page(offset), -1)

    def undo(self) -> None:
        """Unmap and free the pages, last first; pages that were copied, or came from swap space, stay."""
        emit = self._recorder.emit
        if emit is not None:
            emit((Unwound.tag, "vm_map_wire"))
        for part in reversed(self.parts):
            for va in reversed(part.mapped):
                if self._tables is not None:
                    self._tables.remove(va, va + PAGE)
                    self._tables.update(va, va + PAGE)
            for offset in reversed(part.offsets):
                part.target.drop(offset)
            if part.fresh:
                part.target.discard()


def map_page(tables: Pmap, va: int, page: Translation) -> bool:
    """Map one page, unless it is already mapped there; returns whether it was."""
    if tables.extract(va) == page.frame << PAGE_SHIFT:
        return False
    tables.enter(va, page.frame << PAGE_SHIFT, page.rights)
    tables.update(va, va + PAGE)
    return True


def _page(offset: int) -> range:
    return range(offset >> PAGE_SHIFT, (offset >> PAGE_SHIFT) + 1)

"""Cutting an entry in two at an address (X15 `vm_map_clip_start`, `vm_map_clip_end`).

Entries are taken out while their range changes, since the tree is ordered by it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..base.events import Called, EntryResized, Returned
from .entry import OFFSET_MASK

if TYPE_CHECKING:
    from ..base.events import EntryFields
    from .entry import Entry
    from .vm_map import X15Map


def clip_start(vm_map: X15Map, entry: Entry, start: int) -> None:
    """Cut `entry` at `start`: a copy becomes the low part, the entry itself stays the high part."""
    if not entry.start < start < entry.end:
        return
    emit = vm_map.recorder.emit
    if emit is not None:
        emit((Called.tag, "vm_map_clip_start", (entry.id, start)))
    previous, following = entry.prev, entry.next
    vm_map.unlink(entry)
    low = vm_map.copy_entry(entry)
    before = low.fields()
    low.end = start
    if entry.object is not None:
        entry.offset = entry.offset + start - entry.start & OFFSET_MASK
    entry.start = start
    if emit is not None:
        emit((EntryResized.tag, vm_map.name, before, low.fields(), "the low part"))
        emit((EntryResized.tag, vm_map.name, _before(entry, before), entry.fields(), "the high part"))
    vm_map.relink(entry, previous, following)
    vm_map.relink(low, previous, entry)
    if emit is not None:
        emit((Returned.tag,))


def clip_end(vm_map: X15Map, entry: Entry, end: int) -> None:
    """Cut `entry` at `end`: the entry itself stays the low part, a copy becomes the high part.

    Quirk clip-end-first: the original relinks the low part by its predecessor alone, so the first entry goes to
    the list's tail.
    """
    if not entry.start < end < entry.end:
        return
    emit = vm_map.recorder.emit
    if emit is not None:
        emit((Called.tag, "vm_map_clip_end", (entry.id, end)))
    previous, following = entry.prev, entry.next
    vm_map.unlink(entry)
    high = vm_map.copy_entry(entry)
    before = high.fields()
    high.start = end
    if high.object is not None:
        high.offset = high.offset + end - entry.start & OFFSET_MASK
    entry.end = end
    if emit is not None:
        emit((EntryResized.tag, vm_map.name, _before(entry, before), entry.fields(), "the low part"))
        emit((EntryResized.tag, vm_map.name, before, high.fields(), "the high part"))
    if previous is None and "clip-end-first" in vm_map.quirks:
        previous, following = vm_map.last, None
    vm_map.relink(entry, previous, following)
    vm_map.relink(high, entry, following)
    if emit is not None:
        emit((Returned.tag,))


def _before(entry: Entry, copy: EntryFields) -> EntryFields:
    """What `entry` was before the cut: what its copy was then, but for what is its own."""
    return (entry.id, *copy[1:6], entry.address, entry.wired_count)

"""Splitting entries of a FreeBSD map (`vm_map_clip_start`, `vm_map_clip_end`); ranges change in place."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..base.events import EntryClipped, EntryFields, EntryResized, ObjectCreated
from .entry import OFFSET_MASK
from .kernel_entry import KernelEntry
from .map_simplify import join

if TYPE_CHECKING:
    from .freebsd_map import FreeBSDMap


def clip_start(vm_map: FreeBSDMap, entry: KernelEntry, address: int) -> None:
    """Split `entry` where a range begins; it is joined with its neighbours first, and stays the back part."""
    if not entry.start < address < entry.end:
        return
    join(vm_map, entry)
    supply_object(vm_map, entry)
    before = entry.fields()
    front = vm_map.copy_entry(entry)
    front.end = address
    entry.offset = entry.offset + address - entry.start & OFFSET_MASK
    entry.start = address
    _report_resize(vm_map, entry, before, "the back part")
    vm_map.link(front, entry.prev, entry)
    _report_clip(vm_map, entry, address)


def clip_end(vm_map: FreeBSDMap, entry: KernelEntry, address: int) -> None:
    """Split `entry` where a range ends; it stays the front part."""
    if not entry.start < address < entry.end:
        return
    supply_object(vm_map, entry)
    before = entry.fields()
    back = vm_map.copy_entry(entry)
    back.start = address
    back.offset = entry.offset + address - entry.start & OFFSET_MASK
    entry.end = address
    _report_resize(vm_map, entry, before, "the front part")
    vm_map.link(back, entry, entry.next)
    _report_clip(vm_map, entry, address)


def supply_object(vm_map: FreeBSDMap, entry: KernelEntry) -> None:
    """Before a split: an entry without object gets an anonymous one, so that both parts share it.

    Not in system maps, whose entries never hold pageable memory.
    """
    if entry.object is not None or entry.submap is not None or vm_map.system:
        return
    before = entry.fields()
    entry.object = vm_map.services.new_object(entry.pages)
    entry.offset = 0
    emit = vm_map.recorder.emit
    if emit is not None:
        emit((ObjectCreated.tag, entry.object.name, entry.pages))
    _report_resize(vm_map, entry, before, "got an anonymous object")


def withdraw_object(vm_map: FreeBSDMap, entry: KernelEntry, offset: int) -> None:
    """Take an object that was supplied away again: no other entry maps it, and it has no pages."""
    target = entry.object
    assert target is not None and target.references == 1 and not target.pages
    before = entry.fields()
    entry.object = None
    entry.offset = offset
    target.release()
    _report_resize(vm_map, entry, before, "gave its anonymous object back")


def _report_resize(vm_map: FreeBSDMap, entry: KernelEntry, before: EntryFields, why: str) -> None:
    emit = vm_map.recorder.emit
    if emit is not None:
        emit((EntryResized.tag, vm_map.name, before, entry.fields(), why))


def _report_clip(vm_map: FreeBSDMap, entry: KernelEntry, address: int) -> None:
    emit = vm_map.recorder.emit
    if emit is not None:
        emit((EntryClipped.tag, vm_map.name, entry.id, address))

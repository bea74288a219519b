"""Giving a range of one map to another (FreeBSD `vm_map_submap`)."""

from __future__ import annotations

from ..base.events import EntryResized, SubmapAttached
from .entry import SUB_MAP
from .freebsd_entries import clip_end, clip_start
from .freebsd_map import INVALID_ARGUMENT, SUCCESS, FreeBSDMap
from .kernel_entry import KernelEntry
from .waits import Sleepy


def attach_submap(parent: FreeBSDMap, start: int, end: int, submap: FreeBSDMap) -> Sleepy[int]:
    """Give [start, end) to `submap`; status 4: the entry there can't be its place."""
    yield from parent.lock.acquire()
    entry = parent.lookup(start)
    if entry is not None:
        clip_start(parent, entry, start)
        clip_end(parent, entry, end)
    status = INVALID_ARGUMENT
    if entry is not None and (entry.start, entry.end) == (start, end) and _is_plain(entry):
        status = SUCCESS
        _turn_into_submap(parent, entry, submap)
    emit = parent.recorder.emit
    if emit is not None:
        emit((SubmapAttached.tag, parent.name, submap.name, start, end, status))
    parent.lock.release()
    return status


def _is_plain(entry: KernelEntry) -> bool:
    return entry.object is None and not entry.flags & SUB_MAP


def _turn_into_submap(parent: FreeBSDMap, entry: KernelEntry, submap: FreeBSDMap) -> None:
    before = entry.fields()
    entry.flags |= SUB_MAP
    entry.submap = submap
    parent.count_submap(submap, 1)
    emit = parent.recorder.emit
    if emit is not None:
        emit((EntryResized.tag, parent.name, before, entry.fields(), "became the place of a submap"))

"""Making ranges free again (FreeBSD `vm_map_remove`, `vm_map_delete`)."""

from __future__ import annotations

from ..base.errors import kernel_error
from ..base.events import Called, RangeDeleted, Returned, TranslationsRemoved
from .freebsd_entries import clip_end, clip_start
from .freebsd_map import FreeBSDMap
from .freebsd_wire import unwire
from .kernel_entry import KernelEntry
from .kernel_object import KernelObject
from .map_ranges import Unfit, edges_in, entries_in
from .waits import Sleepy


def remove(vm_map: FreeBSDMap, start: int, end: int) -> Sleepy[None]:
    """Lock, cut [start, end) to the map's range, delete what is in it, unlock."""
    yield from vm_map.lock.acquire()
    start, end = max(start, vm_map.start), min(end, vm_map.end)
    try:
        delete(vm_map, min(start, end), end)
    finally:
        vm_map.lock.release()


def delete(vm_map: FreeBSDMap, start: int, end: int) -> None:
    """Make [start, end) free: holes are passed over, entries across its edges split, nothing is joined.

    An empty range still splits the entry that it lies in.  NOMEM, and nothing changed, when an edge cuts a large page
    and there is no page for the table of its parts.  O((entries deleted + 1) log n + their pages).
    """
    emit = vm_map.recorder.emit
    if emit is not None:
        emit((Called.tag, "vm_map_delete", (start, end)))
    try:
        with vm_map.ready(edges_in(entries_in(vm_map, start, end), start, end)):
            _delete(vm_map, start, end)
    except Unfit as unfit:
        raise kernel_error("NOMEM", unfit.why) from None
    if emit is not None:
        emit((Returned.tag,))


def _delete(vm_map: FreeBSDMap, start: int, end: int) -> None:
    entry = vm_map.tree.nearest(start)
    if entry is not None:
        clip_start(vm_map, entry, start)
    while entry is not None and entry.start < end:
        clip_end(vm_map, entry, end)
        following = entry.next
        _delete_entry(vm_map, entry)
        entry = following


def _delete_entry(vm_map: FreeBSDMap, entry: KernelEntry) -> None:
    if entry.wired_count != 0:
        unwire(vm_map, entry)
    emit = vm_map.recorder.emit
    if emit is not None:
        emit((TranslationsRemoved.tag, entry.start, entry.end))
    vm_map.services.pmap.remove(entry.start, entry.end)
    vm_map.unlink(entry)
    vm_map.resize(entry.start - entry.end)
    if emit is not None:
        emit((RangeDeleted.tag, vm_map.name, entry.start, entry.end))
    if entry.object is not None:
        _forget_pages(vm_map, entry, entry.object)
        entry.object.release()
    vm_map.services.entries.give(entry)


def _forget_pages(vm_map: FreeBSDMap, entry: KernelEntry, target: KernelObject) -> None:
    """Of an object that lives on: free the pages of the range but wired ones, and cut its end off."""
    if target.references == 1:
        return
    pages = vm_map.services.pages
    first, last = entry.first_page, entry.first_page + entry.pages
    for pindex in target.pages_between(first, last):
        page = pages.in_use[target.pages[pindex]]
        if page.wire_count == 0:
            pages.free(page)
    if first < target.size <= last:
        target.size = first

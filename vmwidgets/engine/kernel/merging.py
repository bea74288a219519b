"""Whether a request can be served by growing a neighbour (X15 `vm_map_try_merge`)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..base.events import EntryResized, MergeTried
from ..base.protection import ENTRY_MASK, NOMERGE

if TYPE_CHECKING:
    from .entry import Entry
    from .request import Request
    from .vm_map import X15Map


def obstacle(request: Request, entry: Entry, nomerge_compares: bool = False) -> str:
    """Why `request` and `entry` may not be one entry; empty if they may.

    Offsets play no part: only ranges without object merge.  With `nomerge_compares` (the original's release
    build) NOMERGE is only a bit that must be equal.
    """
    if request.object is not None or entry.object is not None:
        return "an object is mapped"
    if entry.wired_count or entry.submap is not None:
        return "it is wired" if entry.wired_count else "another map has the range"
    if not nomerge_compares and (request.flags | entry.flags) & NOMERGE:
        return "it may not merge"
    if (request.flags ^ entry.flags) & ENTRY_MASK:
        return "its protection, inheritance or advice differs"
    return ""


def try_merge(vm_map: X15Map, request: Request) -> Entry | None:
    """The entry that now covers the request, if a neighbour could be grown or two be joined."""
    following = request.next
    if following is None:
        return _try_previous(vm_map, request, vm_map.last)
    previous = following.prev
    if previous is None:
        return _try_next(vm_map, request, following)
    if (
        previous.end == request.start
        and following.start == (request.start + request.size) & vm_map.mask
        and not _obstacle(vm_map, request, previous)
        and not _obstacle(vm_map, request, following)
    ):
        return _join(vm_map, previous, following)
    return _try_previous(vm_map, request, previous) or _try_next(vm_map, request, following)


def _obstacle(vm_map: X15Map, request: Request, entry: Entry) -> str:
    return obstacle(request, entry, "nomerge-enter" in vm_map.quirks)


def report_refusal(vm_map: X15Map, request: Request) -> None:
    """Report the neighbours that a NOMERGE request touches, and is not even compared with."""
    following = request.next
    previous = vm_map.last if following is None else following.prev
    if previous is not None and previous.end == request.start:
        _report(vm_map, previous, "previous", "the request may not merge")
    if following is not None and following.start == (request.start + request.size) & vm_map.mask:
        _report(vm_map, following, "next", "the request may not merge")


def _join(vm_map: X15Map, previous: Entry, following: Entry) -> Entry:
    _report(vm_map, following, "both", "")
    before, after = previous.prev, following.next
    vm_map.unlink(previous)
    vm_map.unlink(following)
    _resize(vm_map, previous, previous.start, following.end, "joined with the next")
    vm_map.free_entry(following)
    vm_map.relink(previous, before, after)
    return previous


def _try_previous(vm_map: X15Map, request: Request, previous: Entry | None) -> Entry | None:
    if previous is None or previous.end != request.start:
        return None
    end = (previous.end + request.size) & vm_map.mask
    return _try_grow(vm_map, request, previous, "previous", previous.start, end)


def _try_next(vm_map: X15Map, request: Request, following: Entry) -> Entry | None:
    if following.start != (request.start + request.size) & vm_map.mask:
        return None
    start = (following.start - request.size) & vm_map.mask
    return _try_grow(vm_map, request, following, "next", start, following.end)


def _try_grow(vm_map: X15Map, request: Request, neighbour: Entry, side: str, start: int, end: int) -> Entry | None:
    """Grow a neighbour that touches the request to [start, end), unless something keeps the two apart."""
    why = _obstacle(vm_map, request, neighbour)
    _report(vm_map, neighbour, side, why)
    if why:
        return None
    before, after = neighbour.prev, neighbour.next
    vm_map.unlink(neighbour)
    _resize(vm_map, neighbour, start, end, "grown upwards" if side == "previous" else "grown downwards")
    vm_map.relink(neighbour, before, after)
    return neighbour


def _resize(vm_map: X15Map, entry: Entry, start: int, end: int, why: str) -> None:
    emit = vm_map.recorder.emit
    before = entry.fields() if emit is not None else None
    entry.start, entry.end = start, end
    if emit is not None:
        emit((EntryResized.tag, vm_map.name, before, entry.fields(), why))


def _report(vm_map: X15Map, neighbour: Entry, side: str, why: str) -> None:
    emit = vm_map.recorder.emit
    if emit is not None:
        emit((MergeTried.tag, vm_map.name, neighbour.id, side, not why, why or "no object, same flags"))

"""Joining an entry with its neighbours (FreeBSD `vm_map_simplify_entry`), on either kernel's map.

Ranges change in place: an entry only ever grows into what was a neighbour's, so the order in the tree stays right.
"""

from __future__ import annotations

from typing import TypeVar

from ..base.events import EntryFields, EntryJoined, EntryResized
from ..base.protection import NOMERGE
from .entry import SUB_MAP, Entry
from .map_core import MapCore

E = TypeVar("E", bound=Entry)


def join(core: MapCore[E], entry: E) -> None:
    """Take in the entry before, then the one after, where they are of one kind with `entry`; it stays valid.

    An absorbed entry gives back its reference to the object.  O(log n).
    """
    if entry.flags & SUB_MAP:
        return
    previous, following = entry.prev, entry.next
    if previous is not None and may_join(previous, entry):
        before = entry.fields()
        core.discard(previous)  # type: ignore[arg-type]  # neighbours are of the same kind
        entry.start, entry.offset = previous.start, previous.offset
        core.gap_changed(entry.prev)  # type: ignore[arg-type]
        _report(core, entry, before, "prev")
    if following is not None and may_join(entry, following):
        before = entry.fields()
        core.discard(following)  # type: ignore[arg-type]
        entry.end = following.end
        core.gap_changed(entry)
        _report(core, entry, before, "next")


def may_join(low: Entry, high: Entry) -> bool:
    """Whether two neighbours may be one: they touch, are alike, and one continues the other in their object.

    Offsets play no part where there is no object.  What may not merge, or was supplied by boot, stays alone.
    """
    return (
        low.end == high.start
        and low.object is high.object
        and (low.object is None or low.offset + low.end - low.start == high.offset)
        and low.flags == high.flags
        and low.wired_count == high.wired_count
        and not low.flags & (NOMERGE | SUB_MAP)
        and not (low.static or high.static)
    )


def _report(core: MapCore[E], entry: E, before: EntryFields, side: str) -> None:
    emit = core.recorder.emit
    if emit is not None:
        which = "before" if side == "prev" else "after"
        emit((EntryResized.tag, core.name, before, entry.fields(), f"took in the entry {which}"))
        emit((EntryJoined.tag, core.name, entry.id, side, entry.start, entry.end))

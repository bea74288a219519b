"""Engine events as FreeBSD's recorder wrote them: other names, and runs of pages folded into one."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from vmwidgets.engine.base.records import Raw, unpacked
from vmwidgets.engine.base.units import PAGE
from vmwidgets.engine.kernel.freebsd.kmem_schema import (
    EntryClipped,
    LowMemory,
    ObjectCreated,
    PageCleared,
    PageDenied,
    PageGranted,
    PageReleased,
    PageUnwired,
    RangeDeleted,
    RangeInserted,
    RangeWired,
    SleepersWoken,
    SpaceSought,
    TranslationEntered,
    TranslationsRemoved,
    ZonesReclaimed,
)
from vmwidgets.engine.kernel.map.map_schema import EntryJoined, MapCreated, SubmapAttached
from vmwidgets.engine.kernel.threads.threads_schema import MapLocked, MapUnlocked

Row = list[Any]

RECORDER = "recorder"
"""The tag of events that the recorder's substitutes report; their only field is the row."""

_ROWS: dict[str, Callable[..., Row]] = {
    RECORDER: lambda row: row,
    MapLocked.tag: lambda name, thread: ["lock", name],
    MapUnlocked.tag: lambda name, thread: ["unlock", name],
    SpaceSought.tag: lambda name, length, address: ["findspace", name, length, address],
    RangeInserted.tag: lambda name, start, end, target, offset, how, status: [
        "insert",
        name,
        start,
        end,
        target,
        offset,
        how or status,
    ],
    EntryJoined.tag: lambda name, entry, side, start, end: ["merge", name, side, start, end],
    EntryClipped.tag: lambda name, entry, address: ["clip", name, address],
    ObjectCreated.tag: lambda target, pages: ["new_object", target, pages],
    RangeDeleted.tag: lambda name, start, end: ["delete", name, start, end],
    SubmapAttached.tag: lambda name, submap, start, end, status: ["submap", name, start, end, status],
    MapCreated.tag: lambda name, start, end: ["create_map", None] if name is None else ["create_map", name, start, end],
    RangeWired.tag: lambda name, start, end, status: ["wire", name, start, end, status],
    PageGranted.tag: lambda request, target, pindex, frame, zeroed: [
        "page_alloc",
        request,
        target,
        pindex,
        1,
        int(zeroed),
    ],
    PageDenied.tag: lambda request, target, pindex: ["page_alloc_fail", request, target, pindex],
    PageCleared.tag: lambda target, pindex, frame: ["zero_page", target, pindex],
    PageUnwired.tag: lambda target, pindex, *_: ["page_unwire", target, pindex, 1],
    PageReleased.tag: lambda target, pindex, frame: ["page_free", target, pindex, 1],
    TranslationEntered.tag: lambda va, frame, wired: ["pmap_enter", va, 1, int(wired)],
    TranslationsRemoved.tag: lambda start, end: ["pmap_remove", start, end],
    LowMemory.tag: lambda: ["vm_lowmem"],
    ZonesReclaimed.tag: lambda: ["uma_reclaim"],
    SleepersWoken.tag: lambda name, woken: ["wakeup", name, woken],
}
"""The written form of each event known to the recorder; others were not recorded."""

_FOLDED = {"page_alloc": (3, 4, 1), "page_unwire": (2, 3, 1), "page_free": (2, 3, 1), "pmap_enter": (1, 2, PAGE)}
"""For each kind of row that folds: the positions of its place and its count, and the step from place to place."""


def recorded(events: Iterable[Raw]) -> list[Row]:
    """Return the rows of these events.

    >>> recorded([("PageReleased", "kmem_object", pindex, 0) for pindex in (7, 8, 9, 8)])
    [['page_free', 'kmem_object', 7, 3], ['page_free', 'kmem_object', 8, 1]]
    """
    rows: list[Row] = []
    for tag, *fields in unpacked(events):
        write = _ROWS.get(tag)
        if write is None:
            continue
        row = write(*fields)
        if not (rows and _fold(rows[-1], row)):
            rows.append(row)
    return rows


def _fold(run: Row, row: Row) -> bool:
    """Return whether `row` continues `run`, which then counts it."""
    if run[0] != row[0] or row[0] not in _FOLDED:
        return False
    place, counted, step = _FOLDED[row[0]]
    alike = [value for at, value in enumerate(run) if at not in (place, counted)] == [
        value for at, value in enumerate(row) if at not in (place, counted)
    ]
    if not alike or row[place] != run[place] + run[counted] * step:
        return False
    run[counted] += 1
    return True

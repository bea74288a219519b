"""Which operation a picture of kernel memory, pages or threads tells of: the latest that reports on them."""

from __future__ import annotations

import weakref
from collections.abc import Collection, Sequence

from vmwidgets.engine.base.events import Event
from vmwidgets.engine.base.journal import Journal, Operation

AMONG = 200
"""How many of the latest operations are asked."""

MAPS = frozenset(
    ("MapCreated", "MapLocked", "MapUnlocked", "SpaceSought", "RangeInserted", "RangeDeleted", "SubmapAttached",
     "SleepersWoken")
)  # fmt: skip
THREADS = frozenset(("ThreadSpawned", "ThreadRuns", "ThreadSlept", "ThreadWoken", "ThreadEnded", "ClockTicked"))
PAGES = frozenset(
    ("PageAllocated", "PageFreed", "PageHandedOver", "PageGranted", "PageDenied", "PageReleased", "PageZeroed",
     "PageCached", "DaemonScanned", "FileRead")
)  # fmt: skip
BUFFERS = frozenset(("BufferAllocated", "BufferFreed", "SlabCreated", "SlabDestroyed"))
"""Tags of the events that each picture is about."""

_known: weakref.WeakKeyDictionary[Journal, dict[int, frozenset[str]]] = weakref.WeakKeyDictionary()


def latest_reporting(
    journal: Journal, tags: Collection[str], names: Collection[str] = ()
) -> tuple[Operation | None, Sequence[Event]]:
    """The latest operation with an event of `tags`, or named one of `names`, and its events.

    A panic is about all, and so is an operation of which not all events are kept.
    """
    for operation in reversed(journal[-AMONG:]):
        about_all = operation.outcome == "panic" or operation.truncated
        if about_all or operation.name in names or not tags_of(journal, operation).isdisjoint(tags):
            return operation, operation.events
    return None, ()


def tags_of(journal: Journal, operation: Operation) -> frozenset[str]:
    """The kinds of events that an operation reported; worked out once."""
    known = _known.setdefault(journal, {})
    if operation.serial not in known:
        if len(known) > 4 * AMONG:
            known.clear()
        known[operation.serial] = frozenset(raw[0] for raw in operation.raw)
    return known[operation.serial]

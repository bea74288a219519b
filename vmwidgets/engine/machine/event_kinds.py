"""Kinds of events at which pictures can stop, and the search for the next such event in a journal."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from difflib import get_close_matches
from typing import Any

from ..base.errors import Refused, shown
from ..base.event import Called, Event, Panicked
from ..base.journal import Journal
from ..base.tree_schema import TreeRotated
from ..kernel.freebsd.kmem_schema import EntryClipped, ZoneGrown
from ..kernel.map.map_schema import EntryJoined, MergeTried
from ..kernel.tasks.objects_schema import PageCopied, PageOut
from ..kernel.threads.threads_schema import ThreadSlept, ThreadWoken
from ..memory.pages_schema import PoolFilled
from ..memory.slabs_schema import SlabCreated
from ..mmu.tables_schema import FaultRaised
from ..mmu.tlb_schema import TlbFlushed
from ..selfpaging.calls_schema import SlabRefillBegan

MOST_REMADE = 100
"""The most operations that a search replays because their events were dropped."""


def _is(*kinds: type[Event]) -> Callable[[Event], bool]:
    return lambda event: isinstance(event, kinds)


def _calls(*names: str) -> Callable[[Event], bool]:
    return lambda event: isinstance(event, Called) and event.name in names


_CLIPS = _calls("vm_map_clip_start", "vm_map_clip_end")

KINDS: dict[str, Callable[[Event], bool]] = {
    "rotation": _is(TreeRotated),
    "clip": lambda event: isinstance(event, EntryClipped) or _CLIPS(event),
    "merge": lambda event: isinstance(event, EntryJoined) or (isinstance(event, MergeTried) and event.merged),
    "refill": _is(PoolFilled, SlabCreated, SlabRefillBegan, ZoneGrown),
    "fault": _is(FaultRaised),
    "copy": _is(PageCopied),
    "page-out": _is(PageOut),
    "flush": _is(TlbFlushed),
    "sleep": _is(ThreadSlept),
    "wake": _is(ThreadWoken),
    "panic": _is(Panicked),
}
"""The name of each kind, and the events that belong to it."""


def checked_kinds(names: Sequence[Any], what: str) -> tuple[str, ...]:
    """Check the names of kinds of events, and return them.

    Raises :class:`Refused` for an unknown name, with the nearest kind.

    >>> checked_kinds(["rotation"], "break_on")
    ('rotation',)
    >>> checked_kinds(["rotations"], "break_on")
    Traceback (most recent call last):
    vmwidgets.engine.base.errors.Refused: break_on('rotations'): did you mean 'rotation'? kinds: rotation, clip, ...
    """
    for name in names:
        if not isinstance(name, str) or name not in KINDS:
            near = get_close_matches(name, KINDS, 1) if isinstance(name, str) else []
            hint = f"did you mean {near[0]!r}? " if near else ""
            raise Refused(f"{what}({shown(name)}): {hint}kinds: {', '.join(KINDS)}")
    return tuple(dict.fromkeys(names))


class TooFar(Refused):
    """A search that ended at an operation before it was complete."""

    def __init__(self, number: int, way: int) -> None:
        first, last = ("to", number - 1) if way > 0 else ("from", number + 1)
        super().__init__(
            f"there is none in the operations {first} {last}. The search ends there, since the events of the others "
            f"must be made again: go to operation {number} and search from there"
        )


def next_event(
    journal: Journal, kinds: Collection[str], number: int, done: int | None, way: int = 1
) -> tuple[int, int] | None:
    """Return the place of the next event of one of `kinds`: its operation, and the number of events before it.

    The search begins after `done` events of operation `number` (None: after all); it goes forwards if `way` is 1, and
    backwards if it is -1.  Returns None if there is no such event.  O(events searched).

    Raises :class:`TooFar` if the operations that keep their events and the nearest 100 others have no such event, and
    further operations exist.
    """
    tests = [KINDS[kind] for kind in kinds]
    remade, at = 0, number
    while 0 <= at < len(journal):
        if not journal.keeps(at):
            remade += 1
            if remade > MOST_REMADE:
                raise TooFar(at, way)
        events = journal.events(at)
        places = [place for place, event in enumerate(events) if any(test(event) for test in tests)]
        if at == number:
            here = len(events) if done is None else done
            places = [place for place in places if (place > here if way > 0 else place < here)]
        if places:
            return at, places[0] if way > 0 else places[-1]
        at += way
    return None

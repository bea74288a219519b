"""The TLB lookups of an operation: each processor's request and its outcome, from the events alone.

An access that faults and is retried makes two lookups.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from vmwidgets import events as ev
from vmwidgets.engine.base.frozen import frozen
from vmwidgets.engine.mmu.tlb_schema import TlbEntryValue


@frozen
class Lookup:
    """A lookup of `va` in the TLB of `cpu`, at event `at`.

    `outcome` is "missed"; "used" if the TLB answered; "forbidden" for a fault by its cached permissions; or "clean" if
    the tables must be marked dirty before the write.
    """

    at: int
    cpu: str
    va: int
    access: str
    outcome: str
    place: tuple[int, int] | None = None
    """Set and way of the TLB's entry; None for a miss."""
    space: str = ""
    """The owner of the tables that the processor had loaded; "" if this operation does not show it."""
    end: int = -1
    """The index of the event that ended the lookup; -1 if the event was not kept."""
    filled: TlbEntryValue | None = None
    """The translation that the TLB caches from then on."""
    faulted: bool = False

    @property
    def number(self) -> int:
        """The processor's number."""
        return int(self.cpu.removeprefix("cpu:"))

    @property
    def is_walked(self) -> bool:
        """Return whether the processor read page tables for the lookup."""
        return self.outcome in ("missed", "clean")


def lookups_of(events: Sequence[ev.Event]) -> list[Lookup]:
    """Return the lookups in the order in which they began.  O(events)."""
    found: list[Lookup] = []
    under_way: dict[str, int] = {}  # by processor, the place of its latest lookup in `found`
    loaded: dict[str, str] = {}
    for at, event in enumerate(events):
        if isinstance(event, ev.SpaceLoaded):
            loaded[event.cpu] = event.space
        elif isinstance(event, (ev.TlbHit, ev.TlbMissed)):
            under_way[event.cpu] = len(found)
            found.append(_begun(at, event, loaded.get(event.cpu, "")))
        elif isinstance(event, ev.TlbFilled) and event.cpu in under_way:
            place = under_way[event.cpu]
            found[place] = replace(found[place], end=at, filled=event.entry)
        elif isinstance(event, ev.FaultRaised):
            faulty = [place for place in under_way.values() if found[place].va == event.va]
            if faulty:
                found[max(faulty)] = replace(found[max(faulty)], end=at, faulted=True)
    return found


def _begun(at: int, event: ev.TlbHit | ev.TlbMissed, space: str) -> Lookup:
    one = Lookup(at, event.cpu, event.va, event.access, "missed", None, space)
    if isinstance(event, ev.TlbMissed):
        return one
    end = at if event.outcome == "used" else -1
    return replace(one, outcome=event.outcome, place=(event.set, event.way), end=end)

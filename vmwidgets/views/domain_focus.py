"""What a picture of a large domain must show: what the last operation was about, the selection, what was opened."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import fields

from ..engine.base import events as ev
from ..engine.base.values.domains import CapRef, DomainFocus


def focus_of(events: Sequence[ev.Event], domain: str, selection: str = "", opened: Collection[str] = ()) -> DomainFocus:
    """All that `events` touched in a domain, with what is selected, and the folds in `opened`.

    So a window on it can be taken back to before any of them.
    """
    found = _Touched()
    for event in events:
        if getattr(event, "domain", None) == domain:
            found.add(event)
    found.select(selection)
    return DomainFocus(
        frozenset(found.vnodes), frozenset(found.entries), frozenset(found.refs), frozenset(found.objects),
        frozenset(found.regions), frozenset(found.region_ids), frozenset(found.blocks), found.grown,
        tuple(one for fold in opened if (one := opened_table(fold)) is not None),
        frozenset(fold.partition("/")[2] for fold in opened if fold.startswith("slots/")),
    )  # fmt: skip


def opened_table(fold: str) -> tuple[int, int] | None:
    """The table and the entry at which a fold was opened.

    >>> opened_table("tree/7/256"), opened_table("slots/slots")
    ((7, 256), None)
    """
    lane, *numbers = fold.split("/")
    if lane != "tree" or len(numbers) != 2 or not all(number.isdecimal() for number in numbers):
        return None
    return int(numbers[0]), int(numbers[1])


class _Touched:
    def __init__(self) -> None:
        self.vnodes: set[int] = set()
        self.entries: set[tuple[int, int]] = set()
        self.refs: set[CapRef] = set()
        self.objects: set[int] = set()
        self.regions: set[int] = set()
        self.region_ids: set[int] = set()
        self.blocks: set[int] = set()
        self.grown = 0

    def add(self, event: ev.Event) -> None:
        """Whatever an event names."""
        for part in fields(event):
            value = getattr(event, part.name)
            if isinstance(value, CapRef):
                self.refs.add(value)
        if isinstance(event, (ev.VnodeLinked, ev.VnodeUnlinked)):
            self.vnodes |= {event.id, event.parent}
            self.entries.add((event.parent, event.entry))
        elif isinstance(event, (ev.VnodeMapped, ev.VnodeFlagsChanged)):
            self.vnodes.add(event.id)
        elif isinstance(event, (ev.CapabilityMade, ev.CapabilityDeleted)):
            self.objects.add(event.object)
        elif isinstance(event, (ev.RegionAdded, ev.RegionRemoved)):
            self.regions.add(event.base)
        elif isinstance(event, (ev.BlockTaken, ev.BlockGiven)):
            if event.block is not None:
                self.blocks.add(event.block)
        elif isinstance(event, ev.SlabGrown):
            self.grown += 1

    def select(self, selection: str) -> None:
        """What is selected, by its name in the picture."""
        kind, _, name = selection.partition(":")
        if kind == "vnode" and name.isdecimal():
            self.vnodes.add(int(name))
        elif kind == "region" and name.isdecimal():
            self.region_ids.add(int(name))
        elif kind == "cap":
            cnode, _, slot = name.removesuffix("]").rpartition("[")
            if slot.isdecimal():
                self.refs.add(CapRef(cnode, int(slot)))

"""Slots and capabilities as they were in the middle of an operation."""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ..engine.base import events as ev
from ..engine.base.events import PteRunWritten, PteWritten
from ..engine.base.values.domains import CapabilityValue, CapRef, CnodeValue, DomainValue

Place = tuple[CapRef, int, int]
"""A table, the first entry, and how many."""


@dataclass(slots=True)
class _Oldest:
    """The oldest of some things, by their numbers, and how many younger ones there are.

    What an operation made is the youngest when that is taken back, so the oldest that are known always suffice.
    """

    listed: int | None
    known: list[tuple[int, Any]] = field(default_factory=list)
    more: int = 0

    def add(self, number: int, thing: object) -> None:
        """One more."""
        insort(self.known, (number, thing), key=lambda one: one[0])
        if self.listed is not None and len(self.known) > self.listed:
            self.known.pop()
            self.more += 1

    def remove(self, number: int) -> None:
        """One less: the youngest."""
        if self.known and self.known[-1][0] == number:
            self.known.pop()
        else:
            self.more -= 1


@dataclass(slots=True)
class _About:
    """What capabilities are about: those that there are, and where it is mapped."""

    copies: _Oldest
    places: _Oldest


class PastCapabilities:
    """Slots and what is in them, backwards."""

    def __init__(self, value: DomainValue, later: Sequence[ev.Event]) -> None:
        self._value = value
        self._width = 4 if value.architecture == "armv7" else 8
        self._gone = {event.ref: event for event in later if isinstance(event, ev.CapabilityDeleted)}
        self._held = {one.ref: one for cnode in value.cnodes for one in cnode.capabilities}
        self._given = {
            cnode.name: {*cnode.reserved, *(one.ref.slot for one in cnode.capabilities)} for cnode in value.cnodes
        }
        self._about: dict[int, _About] = {}
        self._touched: set[int] = set()
        self._cleared: dict[int, dict[CapRef, int]] = {}
        """Mappings whose entries are clear, by where these lie; each with its own number."""
        for one in self._held.values():
            self._take_in(one)

    def _take_in(self, one: CapabilityValue) -> None:
        if one.kind == "Mapping" and not one.installed:
            self._cleared.setdefault(one.base, {})[one.ref] = one.object
        if one.object in self._about:
            return
        listed = self._value.listed
        copies = _Oldest(listed, list(zip(one.copy_ids, one.copies, strict=True)), one.more_copies + 1)
        if listed is None or len(one.copies) < listed:
            insort(copies.known, (one.id, one.ref))
            copies.more -= 1
        places = _Oldest(listed, list(zip(one.mapping_ids, one.mapped, strict=True)), one.more_mapped)
        self._about[one.object] = _About(copies, places)

    def known(self, ref: CapRef) -> CapabilityValue | ev.CapabilityDeleted | None:
        """What is in a slot, or was the last thing to leave it."""
        return self._held.get(ref) or self._gone.get(ref)

    # ---- taking back -------------------------------------------------------------------------

    def undo(self, event: ev.Event) -> None:
        """Take one event back."""
        undo = _UNDO.get(type(event))
        if undo is not None:
            undo(self, event)

    def slot_allocated(self, event: ev.SlotAllocated) -> None:
        """The slot is free again."""
        if event.ref is not None:
            self._given[event.ref.cnode].discard(event.ref.slot)

    def slot_freed(self, event: ev.SlotFreed) -> None:
        """The slot is somebody's again."""
        self._given[event.ref.cnode].add(event.ref.slot)

    def made(self, event: ev.CapabilityMade) -> None:
        """The slot is empty."""
        held = self._held.pop(event.ref, None)
        if held is None:
            return
        self._touch(event.object).copies.remove(event.id)
        if held.kind == "Mapping" and self._cleared.get(held.base, {}).pop(event.ref, None) is None:
            self._mapped_by(held).remove(held.object)

    def deleted(self, event: ev.CapabilityDeleted) -> None:
        """The capability is back in its slot."""
        place = event.kind, event.base, event.bytes
        one = CapabilityValue(event.ref, event.id, *place, event.rights, event.source, (), event.object)
        self._held[event.ref] = one
        self._touch(event.object).copies.add(event.id, event.ref)
        if event.kind == "Mapping":
            self._cleared.setdefault(event.base, {})[event.ref] = event.object

    def written(self, event: PteWritten | PteRunWritten) -> None:
        """The entries of a mapping, which this cleared, are there again."""
        if event.after or (isinstance(event, PteRunWritten) and event.after_step):
            return
        cleared = self._cleared.get(event.pa)
        if not cleared:
            return
        ref = max(cleared, key=lambda one: cleared[one])
        number = cleared.pop(ref)
        one = self._held[ref] = replace(self._held[ref], installed=True)
        self._mapped_by(one).add(number, (one.base, one.bytes))

    def _touch(self, number: int) -> _About:
        self._touched.add(number)
        if number not in self._about:
            listed = self._value.listed
            self._about[number] = _About(_Oldest(listed), _Oldest(listed))
        return self._about[number]

    def _mapped_by(self, mapping: CapabilityValue) -> _Oldest:
        """The places of what a Mapping maps."""
        source = None if mapping.source is None else self.known(mapping.source)
        return self._touch(0 if source is None else source.object).places

    # ---- as it was ---------------------------------------------------------------------------

    def freeze(self) -> tuple[CnodeValue, ...]:
        """The cnodes as they were."""
        by_cnode: dict[str, list[CapabilityValue]] = {cnode.name: [] for cnode in self._value.cnodes}
        tables = self._tables()
        for _, one in sorted(self._held.items()):
            by_cnode[one.ref.cnode].append(self._frozen(one, tables) if one.object in self._touched else one)
        cnodes = []
        for cnode in self._value.cnodes:
            held = by_cnode[cnode.name]
            empty = self._given[cnode.name] - {one.ref.slot for one in held}
            cnodes.append(CnodeValue(cnode.name, cnode.slots, tuple(held), tuple(sorted(empty)), cnode.folds))
        return tuple(cnodes)

    def _frozen(self, one: CapabilityValue, tables: Sequence[tuple[int, CapRef]]) -> CapabilityValue:
        about = self._about[one.object]
        copies = [item for item in about.copies.known if item[1] != one.ref]
        listed = len(copies) < len(about.copies.known)
        return replace(
            one,
            copies=tuple(ref for _, ref in copies),
            copy_ids=tuple(number for number, _ in copies),
            more_copies=about.copies.more - (not listed),
            mapped=tuple(self._place(place, tables) for _, place in about.places.known),
            mapping_ids=tuple(number for number, _ in about.places.known),
            more_mapped=about.places.more,
        )

    def _tables(self) -> Sequence[tuple[int, CapRef]]:
        """The tables with their oldest capabilities, in the order of memory."""
        oldest: dict[int, CapabilityValue] = {}
        for one in self._held.values():
            if one.kind.startswith("VNode") and (one.base not in oldest or one.id < oldest[one.base].id):
                oldest[one.base] = one
        return sorted((base, one.ref) for base, one in oldest.items())

    def _place(self, place: Place | tuple[int, int], tables: Sequence[tuple[int, CapRef]]) -> Place:
        """Where entries are: of those that were cleared, only where they lie in memory is known so far."""
        if len(place) == 3:
            return place
        pa, size = place
        base, table = tables[bisect_right(tables, pa, key=lambda one: one[0]) - 1]
        return table, (pa - base) // self._width, size // self._width


_UNDO: dict[type[ev.Event], Callable[[PastCapabilities, Any], None]] = {
    ev.SlotAllocated: PastCapabilities.slot_allocated,
    ev.SlotFreed: PastCapabilities.slot_freed,
    ev.CapabilityMade: PastCapabilities.made,
    ev.CapabilityDeleted: PastCapabilities.deleted,
    PteWritten: PastCapabilities.written,
    PteRunWritten: PastCapabilities.written,
}

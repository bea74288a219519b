"""A self-paging domain as it was in the middle of an operation: slots, capabilities, tree, slab, regions."""

from __future__ import annotations

from bisect import insort
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ..engine.base import domain_events as dev
from ..engine.base import events as ev
from ..engine.base.domain_values import CapabilityValue, CapRef, CnodeValue, DomainValue, RegionValue, SlabHeadValue
from ..engine.base.memory_events import PteRunWritten, PteWritten
from .domain_rewind_tree import PastTree


def rewind_domain(value: DomainValue, later: Sequence[ev.Event]) -> DomainValue:
    """`value` with the events in `later` undone, the last first; exactly as it was."""
    if not later:
        return value
    past = _Past(value, later)
    for event in reversed(later):
        past.undo(event)
    return past.freeze()


class _Past:
    def __init__(self, value: DomainValue, later: Sequence[ev.Event]) -> None:
        self._value = value
        self._capabilities = PastCapabilities(value, later)
        self._tree = PastTree(value, self._capabilities.known)
        self._heads = list(value.slab.heads)
        self._regions = list(value.regions)
        self._meta_used = value.meta_used

    def undo(self, event: ev.Event) -> None:
        """Take one event back."""
        if getattr(event, "domain", self._value.name) != self._value.name:
            return
        self._capabilities.undo(event)
        self._tree.undo(event)
        if isinstance(event, dev.SlabGrown):
            self._heads.pop(0)
        elif isinstance(event, dev.BlockTaken) and event.block is not None:
            self._count(event.block, 1)
        elif isinstance(event, dev.BlockGiven):
            self._count(event.block, -1)
        elif isinstance(event, dev.RegionAdded):
            self._regions = [region for region in self._regions if region.id != event.id]
        elif isinstance(event, dev.RegionRemoved):
            region = RegionValue(event.id, event.base, event.size, event.flags, event.memobj, event.offset)
            insort(self._regions, region, key=lambda one: one.base)
        elif isinstance(event, dev.MetaDataMoved):
            self._meta_used = event.before - self._value.meta_start

    def _count(self, block: int, change: int) -> None:
        """So many more blocks are free in the piece that holds `block`: they are numbered from the oldest piece on."""
        last = 0
        for number in reversed(range(len(self._heads))):
            head = self._heads[number]
            last += head.blocks
            if block <= last:
                self._heads[number] = SlabHeadValue(head.address, head.bytes, head.blocks, head.free + change)
                return

    def freeze(self) -> DomainValue:
        """The domain as it was."""
        heads = tuple(self._heads)
        total, free = sum(head.blocks for head in heads), sum(head.free for head in heads)
        return replace(
            self._value,
            cnodes=self._capabilities.freeze(),
            root=self._tree.freeze(),
            slab=replace(self._value.slab, total=total, free=free, heads=heads),
            regions=tuple(self._regions),
            meta_used=self._meta_used,
        )


# ---- capabilities ---------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Mapped:
    """A Mapping: the number of what it maps, and whether its entries are there."""

    source: int
    installed: bool


class PastCapabilities:
    """Slots and what is in them, backwards.

    Copies and places are worked out at the end, from which capabilities there are and which mappings are installed.
    """

    def __init__(self, value: DomainValue, later: Sequence[ev.Event]) -> None:
        self._value = value
        self._held: dict[CapRef, CapabilityValue] = {}
        self._given: dict[str, set[int]] = {}
        for cnode in value.cnodes:
            self._held |= {one.ref: one for one in cnode.capabilities}
            self._given[cnode.name] = {*cnode.reserved, *(one.ref.slot for one in cnode.capabilities)}
        self._mapped = self._mappings()
        self._gone = {event.ref: event for event in later if isinstance(event, dev.CapabilityDeleted)}

    def known(self, ref: CapRef) -> CapabilityValue | dev.CapabilityDeleted | None:
        """What is in a slot, or was the last thing to leave it."""
        return self._held.get(ref) or self._gone.get(ref)

    def _mappings(self) -> dict[CapRef, _Mapped]:
        tables = [one for one in self._held.values() if one.kind.startswith("VNode")]
        places = {
            (one.object, self._held[table].base, entry)
            for one in self._held.values()
            for table, entry, _ in one.mapped
            if table in self._held
        }
        found: dict[CapRef, _Mapped] = {}
        width = 4 if self._value.architecture == "armv7" else 8
        for one in self._held.values():
            if one.kind != "Mapping" or one.source is None:
                continue
            source = self._held.get(one.source)
            number = 0 if source is None else source.object
            inside = [table for table in tables if table.base <= one.base < table.base + table.bytes]
            installed = any((number, table.base, (one.base - table.base) // width) in places for table in inside)
            found[one.ref] = _Mapped(number, installed)
        return found

    def undo(self, event: ev.Event) -> None:
        """Take one event back."""
        undo = _UNDO.get(type(event))
        if undo is not None:
            undo(self, event)

    def slot_allocated(self, event: dev.SlotAllocated) -> None:
        """The slot is free again."""
        if event.ref is not None:
            self._given[event.ref.cnode].discard(event.ref.slot)

    def slot_freed(self, event: dev.SlotFreed) -> None:
        """The slot is somebody's again."""
        self._given[event.ref.cnode].add(event.ref.slot)

    def made(self, event: dev.CapabilityMade) -> None:
        """The slot is empty."""
        self._held.pop(event.ref, None)
        self._mapped.pop(event.ref, None)

    def deleted(self, event: dev.CapabilityDeleted) -> None:
        """The capability is back in its slot."""
        place = event.kind, event.base, event.bytes
        self._held[event.ref] = CapabilityValue(
            event.ref, event.id, *place, event.rights, event.source, (), event.object
        )
        if event.kind == "Mapping" and event.source is not None:
            source = self.known(event.source)
            self._mapped[event.ref] = _Mapped(0 if source is None else source.object, False)

    def written(self, event: PteWritten | PteRunWritten) -> None:
        """The entries of a mapping, which this cleared, are there again."""
        if event.after or (isinstance(event, PteRunWritten) and event.after_step):
            return
        cleared = [
            ref for ref, mapped in self._mapped.items() if not mapped.installed and self._held[ref].base == event.pa
        ]
        if cleared:
            self._mapped[max(cleared, key=lambda ref: self._held[ref].id)].installed = True

    def freeze(self) -> tuple[CnodeValue, ...]:
        """The cnodes as they were."""
        by_object: dict[int, list[CapabilityValue]] = {}
        for one in sorted(self._held.values(), key=lambda one: one.id):
            by_object.setdefault(one.object, []).append(one)
        places = self._places(by_object)
        cnodes = []
        for cnode in self._value.cnodes:
            held = sorted((one for one in self._held.values() if one.ref.cnode == cnode.name), key=lambda one: one.ref)
            empty = self._given[cnode.name] - {one.ref.slot for one in held}
            values = tuple(
                replace(
                    one,
                    copies=tuple(other.ref for other in by_object[one.object] if other.ref != one.ref),
                    mapped=tuple(places.get(one.object, ())),
                )
                for one in held
            )
            cnodes.append(CnodeValue(cnode.name, cnode.slots, values, tuple(sorted(empty))))
        return tuple(cnodes)

    def _places(self, by_object: dict[int, list[CapabilityValue]]) -> dict[int, list[tuple[CapRef, int, int]]]:
        """Where each object is mapped, in the order in which that was done."""
        tables = sorted(
            (group[0] for group in by_object.values() if group[0].kind.startswith("VNode")), key=lambda one: one.base
        )
        width = 4 if self._value.architecture == "armv7" else 8
        found: dict[int, list[tuple[CapRef, int, int]]] = {}
        for ref, mapped in sorted(self._mapped.items(), key=lambda item: self._held[item[0]].id):
            one = self._held[ref]
            table = next((table for table in tables if table.base <= one.base < table.base + table.bytes), None)
            if mapped.installed and table is not None:
                place = table.ref, (one.base - table.base) // width, one.bytes // width
                found.setdefault(mapped.source, []).append(place)
        return found


_UNDO: dict[type[ev.Event], Callable[[PastCapabilities, Any], None]] = {
    dev.SlotAllocated: PastCapabilities.slot_allocated,
    dev.SlotFreed: PastCapabilities.slot_freed,
    dev.CapabilityMade: PastCapabilities.made,
    dev.CapabilityDeleted: PastCapabilities.deleted,
    PteWritten: PastCapabilities.written,
    PteRunWritten: PastCapabilities.written,
}

"""A self-paging domain as it was in the middle of an operation: slots, capabilities, tree, slab, regions."""

from __future__ import annotations

from bisect import insort
from collections.abc import Sequence
from dataclasses import replace

from ..engine.base import events as ev
from ..engine.base.values.domains import DomainValue, RegionValue
from .domain_rewind_capabilities import PastCapabilities
from .domain_rewind_tree import PastTree


def rewind_domain(value: DomainValue, later: Sequence[ev.Event]) -> DomainValue:
    """`value` with the events in `later` undone, the last first; exactly as it was.

    A window must show what they were about (:func:`.domain_focus.focus_of`): then what is folded stays as it is.
    """
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
        if isinstance(event, ev.SlabGrown):
            self._heads.pop(0)
        elif isinstance(event, ev.BlockTaken) and event.block is not None:
            self._count(event.block, 1)
        elif isinstance(event, ev.BlockGiven):
            self._count(event.block, -1)
        elif isinstance(event, ev.RegionAdded):
            self._regions = [region for region in self._regions if region.id != event.id]
        elif isinstance(event, ev.RegionRemoved):
            region = RegionValue(event.id, event.base, event.size, event.flags, event.memobj, event.offset)
            insort(self._regions, region, key=lambda one: one.base)
        elif isinstance(event, ev.MetaDataMoved):
            self._meta_used = event.before - self._value.meta_start

    def _count(self, block: int, change: int) -> None:
        """So many more blocks are free in the piece that holds `block`."""
        number = next(number for number, head in enumerate(self._heads) if head.first <= block)
        self._heads[number] = replace(self._heads[number], free=self._heads[number].free + change)

    def freeze(self) -> DomainValue:
        """The domain as it was."""
        heads = tuple(self._heads)
        rest = self._value.slab.fold
        total, free = rest.blocks + sum(head.blocks for head in heads), rest.free + sum(head.free for head in heads)
        return replace(
            self._value,
            cnodes=self._capabilities.freeze(),
            root=self._tree.freeze(),
            slab=replace(self._value.slab, total=total, free=free, heads=heads),
            regions=tuple(self._regions),
            meta_used=self._meta_used,
        )

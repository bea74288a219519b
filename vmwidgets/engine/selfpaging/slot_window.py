"""A part of a cnode as a frozen value: the first slots, those in focus, and counts of what the others hold."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice, pairwise

from ..base.domain_values import CnodeValue, SlotFold
from .capability_snapshot import capability_value
from .cspace import Cnode
from .slot_allocator import GIVEN, SlotAllocator

LISTED = 8
"""Of the capabilities of an object, and of the places where it is mapped, so many of the oldest are listed."""


def cnode_window(cnode: Cnode, slots: SlotAllocator, few: int, focus: Iterable[int]) -> CnodeValue:
    """The first `few` slots in use and those in `focus`; no fold stands for one slot.  O(what is shown × log slots)."""
    given = slots.counts if cnode.name == slots.cnode else None
    counts = cnode.counts if given is None else given
    wanted = {*islice(counts.in_order(), few), *(slot for slot in focus if 0 <= slot < cnode.slots)}
    folds = list(_folds(cnode, slots, sorted(wanted)))
    shown = sorted({*wanted, *(fold.first for fold in folds if fold.first == fold.last)})
    held = tuple(capability_value(cnode.capabilities[at], LISTED) for at in shown if at in cnode.capabilities)
    reserved = tuple(at for at in shown if given is not None and at in slots.used and at not in cnode.capabilities)
    return CnodeValue(cnode.name, cnode.slots, held, reserved, tuple(fold for fold in folds if fold.first < fold.last))


def _folds(cnode: Cnode, slots: SlotAllocator, shown: list[int]) -> Iterator[SlotFold]:
    given = slots.counts if cnode.name == slots.cnode else None
    counts = cnode.counts if given is None else given
    for before, after in pairwise([-1, *shown, cnode.slots]):
        first = counts.next(before + 1) if before + 1 < after else None
        if first is None or first >= after:
            continue
        last = counts.last(after)
        assert last is not None
        kinds = cnode.counts.between(first, last + 1)
        empty = 0 if given is None else given.between(first, last + 1)[GIVEN] - sum(kinds.values())
        yield SlotFold(first, last, tuple(sorted(kinds.items())), empty)

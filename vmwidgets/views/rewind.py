"""Stepping backwards: the map as it was in the middle of an operation.

An event carries what is needed to take it back.  So the picture after any event is the picture after the last one
with the later events undone, and no structure is asked again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ..engine.base import events as ev
from ..engine.base.events import EntryWired
from ..engine.base.values.maps import EntryFields, EntryValue, Fold, MapValue, NodeValue


def rewind(value: MapValue, later: Sequence[ev.Event]) -> MapValue:
    """`value` with the events in `later` undone, the last first.  O(entries shown + events)."""
    if not later:
        return value
    past = _Past(value)
    for event in reversed(later):
        past.undo(event)
    return past.freeze()


def touched(events: Sequence[ev.Event], name: str) -> list[int]:
    """Ids of the entries of map `name` that `events` were about, each once, those that a picture needs most first.

    First what was linked and still is; then, the latest first, what stood beside it in list and tree, and what was met.
    """
    linked: dict[int, bool] = {}
    beside: dict[int, None] = {}
    for event in events:
        if name not in (getattr(event, "map", None), getattr(event, "tree", None)):
            continue
        if isinstance(event, (ev.EntryLinked, ev.EntryUnlinked)):
            linked[event.entry[0]] = isinstance(event, ev.EntryLinked)
            beside.update(dict.fromkeys((event.previous, event.next)))
        elif isinstance(event, (ev.TreeRotated, ev.TreeUnlinked)):
            beside.update(dict.fromkeys(node for node, *_ in event.writes))
        elif isinstance(event, ev.EntryChanged):
            beside[event.after[0]] = None
        else:
            met = [getattr(event, field, 0) for field in _MEETINGS.get(type(event), ())]
            beside.update(dict.fromkeys(met))
    alive = [identity for identity, still in linked.items() if still]
    found = dict.fromkeys([*reversed(alive), *reversed(beside)])
    found.pop(0, None)
    return list(found)


_MEETINGS: dict[type[ev.Event], tuple[str, ...]] = {
    ev.TreeLinked: ("parent",),
    ev.TreeRecoloured: ("node",),
    ev.LookupCacheHit: ("entry",),
    ev.LookupCacheMoved: ("after",),
    ev.MergeTried: ("neighbour",),
    EntryWired: ("entry",),
}
"""The fields of an event that name an entry it met."""


def reach(value: MapValue, events: Sequence[ev.Event]) -> int:
    """How far back `value` can be taken: the number of `events` that must stay done.

    A folded picture does not hold every entry, and what it does not hold can't be taken back in it.
    """
    if not value.folds:
        return 0
    shown = {entry.id for entry in value.entries}
    for index in range(len(events) - 1, -1, -1):
        if not _can_undo(events[index], value.name, shown):
            return index + 1
    return 0


def _can_undo(event: ev.Event, name: str, shown: set[int]) -> bool:
    """Whether a picture of the entries `shown` has what it takes to undo `event`; `shown` becomes what it has then."""
    if name not in (getattr(event, "map", None), getattr(event, "tree", None)):
        return True
    if isinstance(event, ev.EntryLinked):
        held = event.entry[0] in shown
        shown.discard(event.entry[0])
        return held
    if isinstance(event, ev.EntryUnlinked):
        shown.add(event.entry[0])
        return 0 in (event.previous, event.next) or event.previous in shown or event.next in shown
    if isinstance(event, (ev.TreeRotated, ev.TreeUnlinked)):
        return all(node in shown or node in (0, event.node) for node, *_ in event.writes)
    return not isinstance(event, ev.TreeLinked) or event.parent in shown or not event.parent


class _Past:
    """A map value that can be changed, one event at a time, towards the past."""

    def __init__(self, value: MapValue) -> None:
        self._value = value
        self._name = value.name
        self._entries = {entry.id: entry for entry in value.entries}
        self._folds = {fold.id: fold for fold in value.folds}
        self._roles = {entry.id: entry.role for entry in value.entries}
        self._order = [item.id for item in value.items]
        self._nodes = dict(value.nodes)
        self._root = value.root

    def undo(self, event: ev.Event) -> None:
        if getattr(event, "tree", None) == self._name:
            self._undo_in_tree(event)
        elif getattr(event, "map", None) == self._name:
            self._undo_in_map(event)
        elif isinstance(event, ev.KernelLimitMoved) and self._value.klimit is not None:
            self._value = replace(self._value, klimit=event.before)

    def _undo_in_tree(self, event: ev.Event) -> None:
        if isinstance(event, ev.TreeLinked):
            self._nodes.pop(event.node, None)
            self._set_link(event.parent, event.side, 0)
        elif isinstance(event, ev.TreeRotated):
            self._undo_writes(event.writes)
        elif isinstance(event, ev.TreeUnlinked):
            self._nodes[event.node] = NodeValue(event.node, 0, 0, event.red, 1)
            self._colour(event.successor, event.successor_red)
            self._undo_writes(event.writes)
        elif isinstance(event, ev.TreeRecoloured):
            self._colour(event.node, not event.red)

    def _undo_in_map(self, event: ev.Event) -> None:
        value = self._value
        if isinstance(event, ev.EntryLinked):
            identity = event.entry[0]
            self._entries.pop(identity, None)
            self._order = [item for item in self._order if item != identity]
            value = replace(value, nr_entries=value.nr_entries - 1)
        elif isinstance(event, ev.EntryUnlinked):
            self._insert(EntryValue.of(event.entry, self._roles.get(event.entry[0], "")), event.previous, event.next)
            value = replace(value, nr_entries=value.nr_entries + 1)
        elif isinstance(event, (ev.EntryResized, ev.EntryChanged)):
            self._restore(event.before)
        elif isinstance(event, EntryWired):
            if event.entry in self._entries:
                self._entries[event.entry] = replace(self._entries[event.entry], wired=event.before)
        elif isinstance(event, ev.MapResized):
            value = replace(value, size=event.before)
        elif isinstance(event, ev.LookupCacheMoved):
            value = replace(value, lookup_cache=event.before)
        elif isinstance(event, ev.FindCacheMoved):
            threshold = None if event.threshold_before in _UNKNOWN else event.threshold_before
            value = replace(value, find_cache=event.before, find_cache_threshold=threshold)
        self._value = value

    def _restore(self, before: EntryFields) -> None:
        """An entry that changed in its place; one out of the list is put back as it was when it was taken out."""
        if before[0] in self._entries:
            self._entries[before[0]] = EntryValue.of(before, self._roles.get(before[0], ""))

    def _insert(self, entry: EntryValue, previous: int, following: int) -> None:
        self._entries[entry.id] = entry
        if previous in self._order:
            self._order.insert(self._order.index(previous) + 1, entry.id)
        elif following in self._order:
            self._order.insert(self._order.index(following), entry.id)
        else:
            self._order.insert(0 if previous == 0 else len(self._order), entry.id)

    def _colour(self, node: int, red: bool) -> None:
        if node in self._nodes:
            self._nodes[node] = replace(self._nodes[node], red=red)

    def _undo_writes(self, writes: tuple[ev.Write, ...]) -> None:
        for node, side, before, _ in reversed(writes):
            self._set_link(node, side, before)

    def _set_link(self, node: int, side: str, to: int) -> None:
        if side == "root":
            self._root = to
        elif node in self._nodes:
            known = self._nodes[node]
            self._nodes[node] = replace(known, left=to) if side == "left" else replace(known, right=to)

    def freeze(self) -> MapValue:
        things: dict[int, EntryValue | Fold] = {**self._folds, **self._entries}
        items = tuple(things[identity] for identity in self._order if identity in things)
        return replace(self._value, items=items, nodes=self._nodes, root=self._root)


_UNKNOWN = (2**64 - 1, 2**32 - 1)

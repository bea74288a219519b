"""Stepping backwards: the map as it was in the middle of an operation.

An event carries what is needed to take it back.  So the picture after any event is the picture after the last one
with the later events undone, and no structure is asked again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ..engine.base import events as ev
from ..engine.base.map_values import EntryValue, Fold, MapValue, NodeValue


def rewind(value: MapValue, later: Sequence[ev.Event]) -> MapValue:
    """`value` with the events in `later` undone, the last first.  O(entries shown + events)."""
    if not later:
        return value
    past = _Past(value)
    for event in reversed(later):
        past.undo(event)
    return past.freeze()


def touched(events: Sequence[ev.Event], name: str) -> list[int]:
    """Ids of the entries of map `name` that `events` changed or met, the latest first, each once."""
    found: dict[int, None] = {}
    for event in events:
        if isinstance(event, (ev.EntryLinked, ev.EntryUnlinked)) and event.map == name:
            found.update(dict.fromkeys((event.entry[0], event.previous, event.next)))
        elif isinstance(event, ev.EntryResized) and event.map == name:
            found.update(dict.fromkeys((event.before[0], event.after[0])))
        elif isinstance(event, (ev.LookupCacheHit, ev.MergeTried)) and event.map == name:
            found[event.entry if isinstance(event, ev.LookupCacheHit) else event.neighbour] = None
        elif isinstance(event, ev.LookupCacheMoved) and event.map == name and event.after:
            found[event.after] = None
        elif isinstance(event, (ev.TreeRotated, ev.TreeRecoloured)) and event.tree == name:
            found[event.node] = None
    found.pop(0, None)
    return list(reversed(found))


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
        elif isinstance(event, ev.MapResized):
            value = replace(value, size=event.before)
        elif isinstance(event, ev.LookupCacheMoved):
            value = replace(value, lookup_cache=event.before)
        elif isinstance(event, ev.FindCacheMoved):
            threshold = None if event.threshold_before in _UNKNOWN else event.threshold_before
            value = replace(value, find_cache=event.before, find_cache_threshold=threshold)
        self._value = value

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

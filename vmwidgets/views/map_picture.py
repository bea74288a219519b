"""What a picture of a map is made from: the map at one step of its last operation, and what is true of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from ..engine.base import events as ev
from ..engine.base.journal import MAX_EVENTS, Operation
from ..engine.base.values.maps import EntryValue, MapValue
from ..engine.base.values.past import ABSENT, Past
from .addresses import AddressStyle
from .captions import summary
from .scene import Caption, Steps
from .steps import Names, Step, plan

LATEST = -1
"""The step that stands for "after the operation"."""


@dataclass(frozen=True, slots=True)
class MapPicture:
    """`value` is the map at the step shown; `states` what is true of entries by id ("new", "changed", "path", "here").

    `path` lists the nodes that the search under way compared, in order, with where it went from each;
    `hint` is the address a free search was given (None: none).
    """

    value: MapValue
    style: AddressStyle
    caption: Caption
    steps: Steps
    states: dict[int, tuple[str, ...]]
    path: tuple[tuple[int, str], ...]
    hint: int | None
    done: int
    """How many events of the operation the picture has behind it."""

    def important(self, selection: int = 0) -> list[int]:
        """Ids that deserve a card, most important first: here, new, changed, selected, the end of the path."""
        ranked = {"here": 0, "new": 1, "changed": 2}
        marked = [(min(ranked[s] for s in states if s in ranked), identity)
                  for identity, states in self.states.items() if any(s in ranked for s in states)]  # fmt: skip
        chosen = [identity for _, identity in sorted(marked)]
        ends = [node for node, _ in reversed(self.path)]
        looked_up = [self.value.lookup_cache] if self.value.lookup_cache else []
        edges = [entry.id for entry in (*self.value.entries[:1], *self.value.entries[-1:])]
        return [*([selection] if selection else []), *chosen, *ends, *looked_up, *edges]


def map_picture(
    value: MapValue,
    operation: Operation | None,
    events: Sequence[ev.Event],
    step: int = LATEST,
) -> MapPicture:
    """The picture of `value`, the map after `operation`, at `step` of it (:data:`LATEST`: after it)."""
    style = AddressStyle.of(value.start, value.end)
    first = value.reach(events)
    steps = [one for one in plan(events, Names(style, value, events), value.name) if one.index + 1 >= first]
    last = len(steps) + bool(steps)  # the whole operation stands behind its last step, so that this one is seen too
    at = last if step == LATEST or step > last else max(0, step)
    done = events if at == last else events[: steps[at - 1].index + 1] if at else events[:first]
    shown = value if at == last else value.at(Past(events[len(done) :]))
    here = steps[at - 1] if 0 < at < last else None
    if here is not None:
        caption = Caption(here.sentence, here.functions)
    elif at == last:
        caption = summary(operation, events, style, value)
        if wrong := _out_of_order(value):
            where = ", ".join(style.long(entry.start) for entry in wrong[:3])
            caption = replace(caption, reason=f"{caption.reason} The list is out of order at {where}.", tone="error")
    else:
        caption = _beginning(operation, first)
    number = -1 if operation is None else operation.number
    path = _path(done, value.name)
    return MapPicture(
        shown,
        style,
        caption,
        Steps(at, last, number),
        states_of(shown, done, here, path),
        path,
        next((event.hint for event in done if isinstance(event, ev.HintTried) and event.map == value.name), None),
        len(done),
    )


def _beginning(operation: Operation | None, first: int) -> Caption:
    """The caption of the earliest picture there is."""
    if operation is None:
        return Caption("")
    if operation.truncated:
        return Caption("Earlier steps are left out.", (), f"Of one operation, the last {MAX_EVENTS:,} events are kept.")
    if first:
        return Caption("Earlier steps are left out.", (), "They happened in a part of the map that is folded here.")
    return Caption("Before the operation.")


def _path(done: Sequence[ev.Event], name: str) -> tuple[tuple[int, str], ...]:
    """The comparisons of the latest search that made any."""
    path: list[tuple[int, str]] = []
    fresh = True
    for event in done:
        if isinstance(event, ev.Called) and event.name in ("rbtree_insert", "rbtree_lookup_nearest"):
            fresh = True
        elif isinstance(event, ev.TreeCompared) and event.tree == name:
            if fresh:
                path, fresh = [], False
            path.append((event.node, event.outcome))
    return tuple(path)


def states_of(
    value: MapValue, done: Sequence[ev.Event], here: Step | None = None, path: Sequence[tuple[int, str]] = ()
) -> dict[int, tuple[str, ...]]:
    """What is true of the entries of `value` after the events `done`, by id."""
    past = Past(done)
    linked = past.marks("after", value.name).new  # an entry may change before it is in the list
    changed = past.marks("entry", value.name).changed | past.marks("wired", value.name).changed
    found: dict[int, list[str]] = {}
    for node, _ in path:
        found.setdefault(node, []).append("path")
    for entry in value.entries:
        if entry.id in linked:
            found.setdefault(entry.id, []).append("new")
        elif entry.id in changed:
            found.setdefault(entry.id, []).append("changed")
    for entry in _out_of_order(value):
        found.setdefault(entry.id, []).append("fault")
    if here is not None and here.thing:
        found.setdefault(here.thing, []).append("here")
    return {identity: tuple(states) for identity, states in found.items()}


def touched(events: Sequence[ev.Event], name: str) -> list[int]:
    """Ids of the entries of map `name` that `events` were about, each once, those that a picture needs most first.

    First what is new; then, the latest first, what was written in list and tree, and what was met.
    """
    met: list[int] = []
    for event in reversed(events):
        rows = [row for row in event.writes() if row[1] == name]
        for table, _, key, *held in rows:
            links = held if table in ("after", "lookup cache") else ()
            met += [one for one in (key, *links) if one is not ABSENT]
        if isinstance(event, ev.LookupCacheHit) and event.map == name:
            met.append(event.entry)
        elif isinstance(event, ev.MergeTried) and event.map == name:
            met.append(event.neighbour)
    past = Past(events)
    new, _, gone = past.marks("after", name)
    found = dict.fromkeys([*reversed([one for one in past.changes("after", name) if one in new]), *met])
    return [one for one in found if one not in gone and one]


def _out_of_order(value: MapValue) -> list[EntryValue]:
    """Entries that the list has behind one which lies above them: what quirk clip-end-first does."""
    pairs = pairwise(value.entries)
    return [after for before, after in pairs if after.start < before.start]


def kind_of(entry: EntryValue) -> str:
    """The colour class of an entry: "static", "submap", "object" or "plain"."""
    if entry.role or entry.flags & NOFAULT:
        return "static"
    if entry.flags & SUB_MAP:
        return "submap"
    return "object" if entry.object is not None else "plain"


NOFAULT, SUB_MAP = 0x100000, 0x200000
"""Flags of FreeBSD's entries: a fault there is a panic; the range belongs to another map."""


def what_is(entry: EntryValue) -> str:
    """What stands behind an entry, in a word or two: its role, its submap, its object and offset."""
    if entry.role:
        return entry.role
    if entry.flags & SUB_MAP:
        return (entry.object or "").removeprefix("submap:") or "submap"
    if entry.object is None:
        return "NOFAULT" if entry.flags & NOFAULT else "anonymous"
    return f"{entry.object}+{entry.offset:#x}"
